import { OtpError } from '../errors.js'
import type { ResendOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import type { FlowRecord } from '../store/store.js'
import type { ResendAnswer } from '../tyntec/index.js'
import { admit, uncountAfter, type Wanted } from './admission.js'
import { type Context, lease, renewBelow } from './context.js'
import { deliver, viaOf } from './deliver.js'
import { requireSending } from './hooks.js'
import { addressKeysOf, channelOf } from './input.js'
import { lookUp } from './lookup.js'
import { pendingOf, unsealed } from './pending.js'
import { reserveMessage, whenFree } from './reserve.js'
import { deleteOtp } from './status.js'

export interface ResendInput {
  handle: unknown
  via?: unknown
  address?: unknown
  /** What the option `challenge` is to look at. */
  challenge?: unknown
}

export async function resend(context: Context, input: ResendInput): Promise<ResendOutcome> {
  const { options, secrets, store, limits, numbers } = context

  const via = channelOf(input.via, options.voice)
  if (typeof via === 'object') return via
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'no_pending_code' }
  context.refuseEarly('sends')
  await requireSending(context)

  // Budgets and the look of the traffic go by country, which only the record knows.
  const record = await store.read(ref, Number.MAX_SAFE_INTEGER)
  if (!record || record.state === 'dead' || record.state === 'completed') return over(record)
  const values = unsealed(context, ref, record)
  if (!values) {
    await store.end(ref, 'expired')
    return { status: 'code_expired' }
  }
  const parsed = numbers.parse(values.number, undefined, via)
  // This line takes no such calls, or the app's countries have changed.
  if ('status' in parsed) return { status: 'channel_not_allowed' }

  const { address, challenge: token } = input
  const addressKeys = addressKeysOf(context, address)
  const { number, country } = parsed
  const wanted: Wanted = { number, country, via, lane: ref.lane, address, addressKeys, token }
  // A flow that began without a message goes on without any.
  const known = !(options.knows && secrets.isDecoyReference(record.reference))
  const admitted = await admit(context, wanted)
  if (admitted.status !== 'admitted') return admitted

  let sent = false
  try {
    const asked = { ...wanted, known }
    const outcome = await reserveAndResend(context, ref, String(input.handle), asked, (is) => {
      sent = is
    })
    // Clicks that send nothing must not use up the messages of everybody at this address.
    if (outcome.idle) await limits.sendsPerAddress.refund(addressKeys).catch(() => {})
    if (!sent) await admitted.uncount().catch(() => {})
    return outcome.outcome
  } catch (error) {
    if (!sent) await uncountAfter(admitted, error)
    throw error
  }
}

function over(record: FlowRecord | undefined): ResendOutcome {
  if (record?.end === 'expired') return { status: 'code_expired' }
  if (record?.end === 'attempts') return { status: 'too_many_attempts' }
  return { status: 'no_pending_code' }
}

async function reserveAndResend(
  context: Context,
  ref: FlowRef,
  handle: string,
  { number, country, via, lane, known }: Wanted & { known: boolean },
  /** Told before tyntec is asked, and when tyntec provably did nothing. */
  sent: (is: boolean) => void,
): Promise<{ outcome: ResendOutcome; idle?: true }> {
  const { options, secrets, store, events, tyntec } = context
  const { flowId } = ref

  const reference = secrets.createReference(known)
  const reserve = (lookedUp: boolean) =>
    reserveMessage(
      context,
      { tags: secrets.numberTags(number), lane, country, via },
      () =>
        store.reserveResend(ref, {
          reference,
          via,
          lease,
          waits: options.resendWaits,
          cooldown: options.resendWaits[0] ?? 30,
          renewBelow,
          lifetime: options.lifetime,
          maxLifetime: options.maxLifetime,
          lookedUp,
        }),
      () => undo(),
    )
  const undo = async () => {
    // Which of the two it is depends on whether the resend had become a new send.
    await store.settleResend(ref, reference, 'failed')
    await store.settleSend(ref, reference, { result: 'failed' })
  }

  let { reserved, joined } = await whenFree(() => reserve(false))
  if (reserved.status === 'lookup') {
    await lookUp(context, ref, reserved.record)
    // Others look it up too, or are the first to have it sent anew.
    ;({ reserved, joined } = await whenFree(() => reserve(true)))
  }

  switch (reserved.status) {
    case 'rate_limited':
      return { outcome: reserved }
    case 'none':
      return { outcome: { status: 'no_pending_code' }, idle: true }
    case 'expired':
      return { outcome: { status: 'code_expired' }, idle: true }
    case 'attempts':
      return { outcome: { status: 'too_many_attempts' }, idle: true }
    case 'exhausted': {
      const { retryAfter } = reserved
      return { outcome: { status: 'rate_limited', retryAfter }, idle: true }
    }
    case 'too_soon': {
      const { retryAfter } = reserved
      const record = joined ? await store.read(ref, Number.MAX_SAFE_INTEGER) : undefined
      const outcome: ResendOutcome = record
        ? { status: 'sent', handle, ...pendingOf(context, number, record) }
        : { status: 'resend_too_soon', retryAfter }
      return { outcome, idle: true }
    }
    case 'reserved':
    case 'renew':
      break
    default:
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }

  const { record, taken } = reserved
  const otpId = unsealed(context, ref, record)?.otpId
  const pending = pendingOf(context, number, record)
  const takeBack = async () => {
    sent(false)
    await taken.refundNumber()
  }
  sent(true)

  if (reserved.status === 'reserved' && otpId !== undefined) {
    let answer: ResendAnswer
    try {
      answer = await tyntec.otp.resend(otpId, { via: viaOf(via) })
    } catch (error) {
      if (!(error instanceof OtpError)) throw error
      if (error.processed === 'no') {
        await Promise.all([store.settleResend(ref, reference, 'failed'), takeBack()])
        throw error
      }
      // It may have gone out: counted and waited for as if it had, and the code is the same.
      await store.settleResend(ref, reference, 'sent')
      const type = known ? 'otp.unconfirmed' : 'otp.decoyed'
      events.emit({ type, flowId, via, country })
      return { outcome: { status: 'unconfirmed', handle, ...pending } }
    }
    if (answer.result === 'sent') {
      await store.settleResend(ref, reference, 'sent')
      if (known) events.emit({ type: 'otp.resent', flowId, via, country, newCode: false })
      else events.emit({ type: 'otp.decoyed', flowId, via, country })
      return { outcome: { status: 'sent', handle, ...pending } }
    }
    if (!(await store.settleResend(ref, reference, 'renew'))) {
      await takeBack()
      return { outcome: { status: 'no_pending_code' } }
    }
  }

  const order = { reference, number, via, language: undefined }
  const delivered = await deliver(context, ref, order).catch(async (error: unknown) => {
    if (error instanceof OtpError && error.processed === 'no') await takeBack()
    throw error
  })
  if (delivered.status === 'refused') {
    await takeBack()
    throw new OtpError('ERR_OTP_PROVIDER_RESPONSE', 'tyntec refused to send a new code')
  }
  // A new code ends with its flow, which may be before its own time.
  const after = await store.read(ref, Number.MAX_SAFE_INTEGER)
  const renewed = after ? pendingOf(context, number, after) : pending
  if (delivered.status === 'unconfirmed') {
    events.emit({ type: known ? 'otp.unconfirmed' : 'otp.decoyed', flowId, via, country })
    return { outcome: { status: 'unconfirmed', handle, ...renewed } }
  }
  if (otpId !== undefined) await deleteOtp(context, otpId)
  if (known) events.emit({ type: 'otp.resent', flowId, via, country, newCode: true })
  else events.emit({ type: 'otp.decoyed', flowId, via, country })
  return { outcome: { status: 'sent', handle, ...renewed, newCode: true } }
}
