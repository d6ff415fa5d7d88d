import { apiOf } from '../carriers/carriers.js'
import { OtpError } from '../errors.js'
import { type Origin, originOf } from '../limits/origin.js'
import type { Channel, Purpose, ResendOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { Unsent } from '../store/slots.js'
import type { FlowView } from '../store/steps/flow.js'
import type { ResendAnswer } from '../tyntec/index.js'
import { admit, limited, type Wanted } from './admission.js'
import { type Context, lease, renewBelow } from './context.js'
import { ownCodeOf } from './code.js'
import { deliver } from './deliver.js'
import { isKnown, requireSending } from './hooks.js'
import { channelOf, languageOf } from './input.js'
import { lookUp } from './lookup.js'
import { nextOf, otpOf, pendingOf, unsealed } from './pending.js'
import { sendTo } from './send.js'
import { deleteOtp, endOf } from './ending.js'

/** What a resend is made of. */
export interface ResendInput {
  /** The handle this browser has. */
  handle: unknown
  /** @default the channel of the message before */
  via?: unknown
  /** As for `send`. Only a new code is told in it. @default that of the message before */
  language?: unknown
  /** As for `send`. */
  address?: unknown
  /** What the option `challenge` is to look at. */
  challenge?: unknown
  /** As for `send`: called when the flow has ended, and a new one begins. */
  onHandle?: (handle: string) => void
}

/** A message of a running flow. */
interface Asked extends Wanted {
  /** How its number can be reached. */
  channels: Channel[]
  language: string | undefined
  ref: FlowRef
  handle: string
}

export async function resend(context: Context, input: ResendInput): Promise<ResendOutcome> {
  const via = channelOf(input.via, context.options.channels)
  if (typeof via === 'object') return via
  const ref = context.secrets.parseHandle(input.handle)
  if (!ref) return { status: 'no_pending_code' }
  return resendFor(context, { ref, handle: String(input.handle) }, via, input)
}

/** The same for a flow that is known, by whatever way. */
export async function resendFor(
  context: Context,
  { ref, handle }: { ref: FlowRef; handle: string },
  via: Channel,
  input: Omit<ResendInput, 'handle' | 'via'> & {
    /** In place of an address, for a message that nobody asks for now. */
    origin?: Origin | undefined
  },
): Promise<ResendOutcome> {
  const { options, secrets, store, numbers, limits } = context
  const told = languageOf(input.language)
  if (typeof told === 'object') return told
  context.access.known = ref.browserTag !== undefined
  context.access.refuseEarly('sends', apiOf(options, via))
  await requireSending(context)

  const origin = input.origin ?? originOf(options, secrets, input.address)
  const blocked = limits.refusedBefore(origin, ref.browserTag)
  if (blocked) return limited(context, blocked)
  const due = await store.resendDue(
    ref,
    { ...waitsOf(options), via },
    limits.waitsOf(origin, ref.browserTag),
    limits.ofNumber(origin, ref.browserTag, via),
  )
  switch (due.status) {
    case 'limited':
      return limited(context, await limits.refusedWait(due, origin, ref.browserTag))
    case 'exhausted':
      return { status: 'rate_limited', retryAfter: due.retryAfter }
    case 'too_soon':
      return { status: 'resend_too_soon', retryAfter: due.retryAfter }
    case 'due':
  }
  // Budgets and the look of the traffic go by country, which only the record knows.
  const { record } = due
  const values = record && unsealed(context, ref, record)
  if (!record || !values) return { status: 'no_pending_code' }
  const parsed = numbers.parse(values.number, undefined, via)
  // This line takes no such calls, or the app's countries have changed.
  if ('status' in parsed) return { status: 'channel_not_allowed' }

  const { number, country, channels } = parsed
  const ended = endOf(record) !== undefined
  const asked: Asked = {
    number,
    country,
    via,
    channels,
    ref,
    handle,
    // A message that nobody asks for, as one that follows a failed one, is for the same person.
    language: told ?? record.language,
    browserTag: ref.browserTag,
    tags: secrets.numberTags(number),
    // A flow that began without a message goes on without any. Once it has ended nothing tells that of it.
    known: ended
      ? await isKnown(context, number)
      : !(options.knows && isDecoy(context, ref, record)),
    origin,
    address: input.address,
    token: input.challenge,
  }
  return ended ? beginAgain(context, asked, record, input) : sendAgain(context, asked)
}

function waitsOf({ resendWaits }: Context['options']) {
  return { waits: resendWaits, cooldown: resendWaits[0] ?? 30 }
}

function isDecoy({ secrets }: Context, ref: FlowRef, record: FlowView): boolean {
  const otpId = otpOf({ secrets }, ref, record)
  return (
    secrets.isDecoyReference(record.reference) || (otpId !== undefined && secrets.isDecoyId(otpId))
  )
}

/** The flow has expired, or its tries are used up: a new code for the same number, as a new flow. */
async function beginAgain(
  context: Context,
  { ref, handle, ...asked }: Asked,
  { purpose }: FlowView,
  { onHandle }: Pick<ResendInput, 'onHandle'>,
): Promise<ResendOutcome> {
  const made = context.secrets.handleAfter(handle, asked.tags[0], asked.browserTag)
  const outcome = await sendTo(context, made, {
    ...asked,
    purpose: purpose as Purpose | undefined, // the flow has written it
    before: { handle, ref },
    // It has ended by itself, and a click that comes late finds by it what has begun.
    old: undefined,
    onHandle,
  })
  if (outcome.status === 'sent') return { ...outcome, newCode: true }
  // tyntec took the number before.
  if (outcome.status === 'invalid_number') return { status: 'no_pending_code' }
  return outcome
}

async function sendAgain(context: Context, asked: Asked): Promise<ResendOutcome> {
  const { options, secrets, store } = context
  const { number, via, ref, handle } = asked
  const { lifetime, maxLifetime } = options
  const reference = secrets.createReference(asked.known)
  const own = ownCodeOf(context, ref, asked)
  const reserve = (lookedUp: boolean) =>
    admit(context, asked, (message, passed, again) =>
      store.resend(
        ref,
        {
          reference,
          code: own?.hash,
          via,
          language: asked.language,
          lease,
          ...waitsOf(options),
          renewBelow,
          lifetime,
          maxLifetime,
          lookedUp,
          again,
        },
        message,
        passed,
      ),
    )
  let reserved = await reserve(false)
  if (reserved.status === 'lookup') {
    await lookUp(context, ref, reserved.record)
    // Others look it up too, or are the first to have it sent anew.
    reserved = await reserve(true)
  }
  switch (reserved.status) {
    case 'rate_limited':
    case 'challenge_required':
      return reserved
    case 'none':
      return { status: 'no_pending_code' }
    case 'expired':
      return { status: 'code_expired' }
    case 'attempts':
      return { status: 'too_many_attempts' }
    case 'exhausted':
      return { status: 'rate_limited', retryAfter: reserved.retryAfter }
    case 'too_soon': {
      const { retryAfter } = reserved
      const next = nextOf(context, asked.origin, ref)
      const { record } = reserved.joined ? await store.read(ref, undefined, next) : {}
      return record
        ? { status: 'sent', handle, ...pendingOf(context, number, record, asked.channels) }
        : { status: 'resend_too_soon', retryAfter }
    }
    case 'reserved':
    case 'renew':
      break
    default:
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }
  const { record, status, unsent } = reserved
  record.nextAfter = unsent && context.limits.nextAfter(unsent.counts, unsent.message)
  const otpId = unsealed(context, ref, record)?.otpId
  if (status === 'reserved' && otpId !== undefined) {
    const outcome = await repeat(context, asked, { reference, otpId, record, unsent })
    if (outcome) return outcome
  }
  return renew(context, asked, { reference, otpId, record, unsent }, own?.code)
}

interface Reserved {
  reference: string
  otpId: string | undefined
  record: FlowView
  unsent: Unsent | undefined
}

/** The same code once more. Nothing when tyntec says that it is over. */
async function repeat(
  context: Context,
  asked: Asked,
  { reference, otpId, record, unsent }: Reserved & { otpId: string },
): Promise<ResendOutcome | undefined> {
  const { store, events, carriers, options } = context
  const { number, via, country, ref, handle, known } = asked
  const { flowId } = ref
  const { lifetime, maxLifetime } = options
  const settle = (result: 'sent' | 'failed' | 'renew') =>
    store.settleResend(
      ref,
      reference,
      { result, lifetime, maxLifetime },
      unsent && { ...unsent, asked: reached },
    )
  const pending = pendingOf(context, number, record, asked.channels)

  let reached = false
  let answer: ResendAnswer
  try {
    context.access.take('sends')
    reached = true
    answer = await carriers.judge.resend(otpId, via)
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    if (error.processed === 'no') {
      await settle('failed')
      throw error
    }
    // It may have gone out: counted and waited for as if it had, and the code is the same.
    await settle('sent')
    events.emit({ type: known ? 'otp.unconfirmed' : 'otp.decoyed', flowId, via, country })
    return { status: 'unconfirmed', handle, ...pending }
  }
  if (answer.result === 'sent') {
    await settle('sent')
    if (known) events.emit({ type: 'otp.resent', flowId, via, country, newCode: false })
    else events.emit({ type: 'otp.decoyed', flowId, via, country })
    return { status: 'sent', handle, ...pending }
  }
  return (await settle('renew')) ? undefined : { status: 'no_pending_code' }
}

/** A new code in the same flow. */
async function renew(
  context: Context,
  asked: Asked,
  { reference, otpId, record, unsent }: Reserved,
  code: string | undefined,
): Promise<ResendOutcome> {
  const { store, events } = context
  const { number, via, country, ref, handle, known } = asked
  const { flowId } = ref
  const { language } = asked
  const order = { reference, number, via, language, code }
  const delivered = await deliver(context, ref, order, { origin: asked.origin, unsent })
  if (delivered.status === 'refused') {
    throw new OtpError('ERR_OTP_PROVIDER_RESPONSE', 'tyntec refused to send a new code')
  }
  // A new code ends with its flow, which may be before its own time.
  const { record: after } = await store.read(ref)
  const shown = { ...(after ?? record), nextAfter: record.nextAfter }
  const pending = pendingOf(context, number, shown, asked.channels)
  if (delivered.status === 'unconfirmed') {
    events.emit({ type: known ? 'otp.unconfirmed' : 'otp.decoyed', flowId, via, country })
    return { status: 'unconfirmed', handle, ...pending }
  }
  if (otpId !== undefined) await deleteOtp(context, otpId)
  if (known) events.emit({ type: 'otp.resent', flowId, via, country, newCode: true })
  else events.emit({ type: 'otp.decoyed', flowId, via, country })
  return { status: 'sent', handle, ...pending, newCode: true }
}
