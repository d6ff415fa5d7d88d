import { announce, announceInstead, announceSoon } from './announce.js'
import { ask } from './ask.js'
import { channelNames } from './bubble.js'
import { bringsNothing, callRow } from './call-row.js'
import { setCalls, showCall } from './calls.js'
import { clockMoved, setClock } from './clock.js'
import { setFaults } from './faults.js'
import { addRow, capacity, chooseMessage, removeRow, removeRows, show, showEmpty } from './feed.js'
import { formatNumber, spell } from './format.js'
import { messageRow } from './message-row.js'
import { showNumbers, useNumber } from './numbers.js'
import { otpRow } from './otp-row.js'
import { forgetPhones, showPhone } from './phones.js'
import { currentPhone, linkedMessage, showTitle } from './views.js'

/** @typedef {import('../../messages.js').Message} Message */
/** @typedef {import('../../otp/view.js').OtpView} Otp */
/** @typedef {import('../../journal.js').JournalEntry} Call */
/** @typedef {import('../../events.js').SandboxEvent} SandboxEvent */
/**
 * @typedef {object} Manner
 * @property {boolean} quiet while everything is read, which is no news
 */

/** @type {Map<string, ReturnType<typeof otpRow>>} */
const otps = new Map()
/** Which OTP a call has made. @type {Map<number, string>} */
const otpOfCall = new Map()
/** @type {Map<number, ReturnType<typeof callRow>>} */
const callRows = new Map()
/** Messages by OTP, which may come before it is told of. @type {Map<string, Message[]>} */
const messagesOf = new Map()
/** @type {Set<number>} */
const seenMessages = new Set()
/** When all messages were deleted last. What is older is shown only when a message comes of it. */
let deletedAt = 0

const news = { quiet: false }

/** @param {string} number */
const isLookedAt = (number) =>
  document.visibilityState === 'visible' && [undefined, number].includes(currentPhone())

/**
 * @param {Message} message
 * @param {Manner & { alone?: boolean }} manner `alone` when its OTP is not known any more
 */
function showMessage(message, { quiet, alone = message.otpId === '' }) {
  const { seq, otpId, to, code, text, channel } = message
  if (seenMessages.has(seq)) return
  seenMessages.add(seq)
  if (alone) addRow(messageRow(message), { isNew: !quiet })
  else {
    messagesOf.set(otpId, [...(messagesOf.get(otpId) ?? []), message])
    otps.get(otpId)?.receive(message)
  }
  showPhone(to, code || text, { unread: !quiet && !isLookedAt(to) })
  if (quiet) return
  const what = code === '' ? text : `code ${spell(code)}`
  announce(`${channelNames[channel]} to ${formatNumber(to)}: ${what}.`)
}

/** What is worth a sentence of what can happen to a code. A message has its own. */
const told = new Set([
  'not-delivered',
  'late',
  'wrong-code',
  'verified',
  'locked',
  'refused',
  'expired',
  'forced',
  'application-deleted',
])

/** @param {Otp} otp */
function rememberCalls({ otpId, timeline }) {
  for (const { request } of timeline) if (request !== undefined) otpOfCall.set(request, otpId)
}

/** The OTP that a call has made, or is about. @param {Call} call */
const otpIdOf = ({ seq, path }) => otpOfCall.get(seq) ?? path.split('/')[4] ?? ''

/**
 * @param {Otp} otp
 * @param {Manner & { old?: boolean }} manner `old` when it is shown however old it is
 */
function showOtp(otp, { quiet, old = false }) {
  const { otpId, number, timeline } = otp
  const known = otps.get(otpId)
  const before = known?.entries() ?? 0
  rememberCalls(otp)
  if (known) {
    known.update(otp)
    show(known)
  } else {
    if (!old && otp.created < deletedAt && !messagesOf.has(otpId)) return
    const row = otpRow(otp, () => {
      otps.delete(otpId)
      messagesOf.delete(otpId)
    })
    otps.set(otpId, row)
    for (const message of messagesOf.get(otpId) ?? []) row.receive(message)
    addRow(row, { isNew: !quiet })
  }
  const fresh = timeline.slice(before).filter(({ type }) => told.has(type))
  const failed = fresh.findLast(({ type }) => type === 'not-delivered' || type === 'late')
  if (failed) showPhone(number, failed.text, { unread: !quiet && !isLookedAt(number) })
  if (quiet) return
  for (const { text, reason } of fresh) {
    announce(`${formatNumber(number)}: ${text}${reason ? ` ${reason.text}` : ''}`)
  }
}

/**
 * @param {Call} call
 * @param {Manner} manner
 */
function showSend(call, { quiet }) {
  const otp = otps.get(otpIdOf(call))
  if (otp) return otp.noteCall(call)
  if (!bringsNothing(call) || Date.parse(call.at) < deletedAt) {
    if (callRows.delete(call.seq)) removeRow(`call ${call.seq}`)
    return
  }
  const known = callRows.get(call.seq)
  if (known) return known.update(call)
  const row = callRow(call)
  callRows.set(call.seq, row)
  addRow(row, { isNew: !quiet })
  if (row.number !== '') {
    showPhone(row.number, row.last(), { unread: !quiet && !isLookedAt(row.number) })
  }
  if (!quiet) announce(`${formatNumber(row.number)}: ${row.last()}`)
}

function forgetRows() {
  removeRows()
  forgetPhones()
  otps.clear()
  callRows.clear()
  otpOfCall.clear()
  messagesOf.clear()
  seenMessages.clear()
}

/** @type {{ [Type in SandboxEvent['type']]?: (event: Extract<SandboxEvent, { type: Type }>) => void }} */
const handlers = {
  message: ({ message }) => showMessage(message, news),
  otp: ({ otp }) => showOtp(otp, news),
  'otp-deleted'({ otpId }) {
    const row = otps.get(otpId)
    row?.gone()
    if (row) announce(`The code for ${formatNumber(row.number)} was deleted.`)
  },
  request({ request }) {
    showCall(request)
    showSend(request, news)
  },
  'requests-deleted': () => setCalls([]),
  'messages-deleted'({ at }) {
    deletedAt = Date.parse(at)
    forgetRows()
    announceSoon('All messages were deleted.')
  },
  faults: ({ faults }) => setFaults([...faults]),
  clock: clockMoved,
  reset() {
    void readAll()
    announceInstead('The sandbox was reset.')
  },
}

export const eventTypes = Object.keys(handlers)

/** @param {SandboxEvent} event */
export function happened(event) {
  const handle = /** @type {((event: SandboxEvent) => void) | undefined} */ (handlers[event.type])
  handle?.(event)
  showTitle()
}

/**
 * In the order in which it happened, so that the phone that got something last is the first.
 *
 * @param {{ messages: Message[], otps: Otp[], calls: Call[] }} all
 */
function showAll({ messages, otps, calls }) {
  const quiet = { quiet: true }
  const known = new Set(otps.map(({ otpId }) => otpId))
  for (const otp of otps) rememberCalls(otp)
  const ofOtps = calls.filter((call) => known.has(otpIdOf(call)))
  const received = new Set(messages.map(({ otpId }) => otpId))
  const happenings = [
    ...otps
      .filter(({ otpId, created }) => created >= deletedAt || received.has(otpId))
      .slice(-capacity)
      .map((otp) => ({ at: otp.created, show: () => showOtp(otp, { quiet: true, old: true }) })),
    ...messages.map((message) => ({
      at: Date.parse(message.sentAt),
      // Its OTP may have been deleted.
      show: () => showMessage(message, { quiet: true, alone: !known.has(message.otpId) }),
    })),
    ...calls
      .filter((call) => !known.has(otpIdOf(call)))
      .map((call) => ({ at: Date.parse(call.at), show: () => showSend(call, quiet) })),
  ]
  for (const { show } of happenings.toSorted((one, other) => one.at - other.at)) show()
  for (const call of ofOtps) showSend(call, quiet)
}

/** Everything as it is now; after that, events are enough. */
export async function readAll() {
  const [info, messages, allOtps, calls, faults] = await Promise.all(
    ['info', 'messages', 'otps', 'requests', 'faults'].map((path) =>
      ask('GET', `/_sandbox/${path}`),
    ),
  )
  const quiet = { quiet: true }
  forgetRows()
  deletedAt = Date.parse(
    /** @type {{ messagesDeletedAt: string | null }} */ (info).messagesDeletedAt ?? '1970-01-01',
  )
  setClock(/** @type {{ advanced: number }} */ (info))
  showNumbers(/** @type {import('./numbers.js').Info} */ (info), useNumber)
  setFaults(/** @type {import('./fault.js').Fault[]} */ (faults), quiet)
  setCalls(/** @type {Call[]} */ (calls))
  showAll({
    messages: /** @type {Message[]} */ (messages),
    otps: /** @type {Otp[]} */ (allOtps),
    calls: /** @type {Call[]} */ (calls),
  })
  showEmpty()
  showTitle()
  const linked = linkedMessage()
  if (linked !== undefined && !followed) chooseMessage(linked)
  followed = true
}

/** Whether the page has gone to the message that its address names. */
let followed = false
