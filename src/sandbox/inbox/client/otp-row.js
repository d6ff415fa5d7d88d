import { announce, run } from './announce.js'
import { ask } from './ask.js'
import { toBubble } from './bubble.js'
import { eachSecond, now } from './clock.js'
import { h, setText } from './dom.js'
import { formatNumber, formatSpan, formatTime, plural } from './format.js'
import { codeLine, frame, whyBox } from './frame.js'

/** @typedef {import('../../messages.js').Message} Message */
/** @typedef {import('../../journal.js').JournalEntry} Call */
/** @typedef {import('../../otp/view.js').OtpView} Otp */
/** @typedef {import('../../otp/timeline.js').TimelineEntry} Entry */
/** @typedef {import('../../reason.js').Reason} Reason */
/** @typedef {import('./feed.js').Row} Row */

/** Rows whose code can still expire, each with what looks whether it has. @type {Map<() => boolean, string>} */
const running = new Map()
eachSecond(() => {
  const expired = [...running].filter(([tick]) => tick()).map(([, number]) => formatNumber(number))
  if (expired.length > 3) announce(`${expired.length} codes have expired.`)
  else for (const number of expired) announce(`The code for ${number} has expired.`)
})

/**
 * A code of tyntec's 2FA service, with all that has happened to it.
 *
 * @param {Otp} first
 * @param {() => void} removed called when the page has no room for it any more
 * @returns {Row & {
 *   update: (otp: Otp) => void,
 *   entries: () => number,
 *   receive: (message: Message) => void,
 *   noteCall: (call: Call) => void,
 *   gone: () => void,
 * }}
 */
export function otpRow(first, removed) {
  let otp = first
  let deleted = false
  let entries = 0
  /** @type {Set<number>} */
  const noted = new Set()
  /** @type {Message[]} */
  const messages = []
  const received = h('div', { class: 'received' })
  const why = whyBox()
  received.append(why.box)
  const tries = h('h3')
  const timeline = h('ol', { class: 'timeline', 'data-testid': 'timeline' })
  const force = h(
    'div',
    { class: 'force' },
    ...[
      ['EXPIRED', 'Expire'],
      ['TOO_MANY_ATTEMPTS', 'Lock'],
      ['VERIFIED', 'Verify'],
    ].map(([status, label]) =>
      h(
        'button',
        {
          type: 'button',
          'aria-label': `${label} code ${first.code}`,
          onclick: () =>
            run(() =>
              ask('POST', `/_sandbox/otps/${first.otpId}`, { body: { otpStatus: status } }),
            ),
        },
        label,
      ),
    ),
  )
  const code = () => otp.code
  const { item, body, state } = frame(
    { number: first.number, at: first.created },
    codeLine(code, force),
    h('div', { class: 'both' }, received, h('div', { class: 'story' }, tries, timeline)),
  )

  const statusNow = () =>
    otp.otpStatus === 'ACTIVE' && otp.expire <= now() ? 'EXPIRED' : otp.otpStatus

  /** True when the time of the code has run out since the last time. */
  function tick() {
    const status = deleted ? 'DELETED' : statusNow()
    const active = status === 'ACTIVE'
    state.dataset.state = status
    setText(state, active ? `${formatSpan(otp.expire - now())} left` : stateWords[status])
    item.toggleAttribute('data-over', !active || messages.length === 0)
    // A focused button that goes takes the focus with it.
    if (!active && force.contains(document.activeElement)) body.focus()
    force.hidden = !active
    if (active) running.set(tick, otp.number)
    const ran = !active && running.delete(tick)
    return ran && !deleted && otp.otpStatus === 'ACTIVE'
  }

  /** @param {Otp} changed */
  function update(changed) {
    otp = changed
    const used = otp.attemptCount + otp.attemptsLeft
    setText(tries, `${otp.attemptCount} of ${plural(used, 'try', 'tries')} used`)
    for (const entry of otp.timeline.slice(entries)) timeline.append(timelineItem(entry))
    entries = otp.timeline.length
    const last = otp.timeline.findLast(({ type }) => Object.hasOwn(deliveryWords, type))
    why.show(
      last?.reason ? (deliveryWords[last.type] ?? '') : '',
      last?.reason?.text ?? '',
      last?.type === 'not-delivered' ? 'bad' : 'warn',
    )
    tick()
  }

  update(first)
  return {
    key: `otp ${first.otpId}`,
    item,
    body,
    number: first.number,
    at: first.created,
    words: () => `${otp.number} ${otp.code} ${messages.map(({ text }) => text).join(' ')}`,
    code,
    update,
    entries: () => entries,
    receive(message) {
      if (messages.some(({ seq }) => seq === message.seq)) return
      messages.push(message)
      received.insertBefore(toBubble(message), why.box)
      tick()
    },
    noteCall(call) {
      const { seq, reason, status } = call
      if (reason === undefined || noted.has(seq)) return
      // An answer that is as usual needs no second line about the same.
      const isTold = otp.timeline.some((entry) => entry.reason !== undefined)
      if (isTold && status !== null && status < 400) return
      noted.add(seq)
      timeline.append(callItem(call, reason))
    },
    gone() {
      deleted = true
      tick()
    },
    removed() {
      running.delete(tick)
      removed()
    },
  }
}

const stateWords = {
  VERIFIED: 'Verified',
  EXPIRED: 'Expired',
  TOO_MANY_ATTEMPTS: 'Locked',
  DELETED: 'Deleted',
}

const deliveryWords = /** @type {Record<string, string>} */ ({
  'not-delivered': 'No message came.',
  late: 'The message is on its way.',
  delivered: 'The message came, but not as usual.',
})

const kinds = /** @type {Record<string, string>} */ ({
  delivered: 'good',
  verified: 'good',
  'not-delivered': 'bad',
  'wrong-code': 'bad',
  locked: 'bad',
  refused: 'bad',
  'application-deleted': 'bad',
})

/** @param {Entry} entry */
function timelineItem({ at, type, text, reason }) {
  return h(
    'li',
    { 'data-kind': kinds[type], 'data-type': type },
    h('span', {}, text),
    h('time', { datetime: at }, formatTime(Date.parse(at), now())),
    reason !== undefined && h('span', { class: 'because' }, reason.text),
  )
}

/**
 * What a fault or a magic number did to the answer of a call, which the OTP itself knows nothing of.
 *
 * @param {Call} call
 * @param {Reason} reason
 */
function callItem({ seq, at, status, operation }, reason) {
  const answer = status === null ? 'got no answer' : `got ${status}`
  return h(
    'li',
    { 'data-kind': 'bad', 'data-type': 'call' },
    h('span', {}, `Call ${seq} (${operation ?? ''}) ${answer}.`),
    h('time', { datetime: at }, formatTime(Date.parse(at), now())),
    h('span', { class: 'because' }, reason.text),
  )
}
