import { randomBytes } from 'node:crypto'
import { OtpError } from '../errors.js'
import type { ResendOutcome } from '../outcomes.js'
import type { ResendAnswer } from '../tyntec/index.js'
import { type Context, lease, renewBelow } from './context.js'
import { deliver, viaOf } from './deliver.js'
import { addressKeysOf, channelOf } from './input.js'
import { lookUp } from './lookup.js'
import { pendingOf, unsealed } from './pending.js'
import { reserveMessage, whenFree } from './reserve.js'
import { deleteOtp } from './status.js'

export interface ResendInput {
  handle: unknown
  via?: unknown
  address?: unknown
}

export async function resend(context: Context, input: ResendInput): Promise<ResendOutcome> {
  const { options, secrets, store, limits, events, tyntec } = context

  const via = channelOf(input.via, options.voice)
  if (typeof via === 'object') return via
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'no_pending_code' }
  const handle = String(input.handle)
  context.refuseEarly('sends')

  const addressKeys = addressKeysOf(context, input.address)
  const address = await limits.sendsPerAddress.consume(addressKeys)
  if (!address.allowed) {
    events.emit({ type: 'limit.hit', limit: 'sends_per_address' })
    return { status: 'rate_limited', retryAfter: address.retryAfter }
  }

  const reference = randomBytes(16).toString('base64url')
  const reserve = (lookedUp: boolean) =>
    reserveMessage(
      context,
      { tags: [ref.number], lane: ref.lane },
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
    reserved = await reserve(true)
  }

  // Clicks that send nothing must not use up the messages of everybody at this address.
  if (!['reserved', 'renew', 'rate_limited'].includes(reserved.status)) {
    await limits.sendsPerAddress.refund(addressKeys)
  }

  switch (reserved.status) {
    case 'rate_limited':
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
      const record = joined ? await store.read(ref, Number.MAX_SAFE_INTEGER) : undefined
      const values = record && unsealed(context, ref, record)
      if (!record || !values) return { status: 'resend_too_soon', retryAfter: reserved.retryAfter }
      return { status: 'sent', handle, ...pendingOf(context, values.number, record) }
    }
    case 'reserved':
    case 'renew':
      break
    default:
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }

  const { record, taken } = reserved
  const values = unsealed(context, ref, record)
  if (!values) {
    await store.end(ref, 'expired')
    return { status: 'code_expired' }
  }
  const { number, otpId } = values
  const pending = pendingOf(context, number, record)
  if (!pending.resend.channels.includes(via)) {
    await Promise.all([undo(), taken.refund()])
    return { status: 'channel_not_allowed' }
  }

  let renew = reserved.status === 'renew'
  if (!renew && otpId !== undefined) {
    let answer: ResendAnswer
    try {
      answer = await tyntec.otp.resend(otpId, { via: viaOf(via) })
    } catch (error) {
      if (!(error instanceof OtpError)) throw error
      if (error.processed === 'no') {
        await Promise.all([store.settleResend(ref, reference, 'failed'), taken.refundNumber()])
        throw error
      }
      // It may have gone out: counted and waited for as if it had, and the code is the same.
      await store.settleResend(ref, reference, 'sent')
      events.emit({ type: 'otp.unconfirmed', flowId: ref.flowId })
      return { status: 'unconfirmed', handle, ...pending }
    }
    if (answer.result === 'sent') {
      await store.settleResend(ref, reference, 'sent')
      events.emit({ type: 'otp.resent', flowId: ref.flowId, via, newCode: false })
      return { status: 'sent', handle, ...pending }
    }
    if (!(await store.settleResend(ref, reference, 'renew'))) return { status: 'no_pending_code' }
    renew = true
  }

  const order = { reference, number, via, language: undefined }
  const delivered = await deliver(context, ref, order).catch(async (error: unknown) => {
    if (error instanceof OtpError && error.processed === 'no') await taken.refundNumber()
    throw error
  })
  if (delivered.status === 'refused') {
    await taken.refundNumber()
    throw new OtpError('ERR_OTP_PROVIDER_RESPONSE', 'tyntec refused to send a new code')
  }
  // A new code ends with its flow, which may be before its own time.
  const after = await store.read(ref, Number.MAX_SAFE_INTEGER)
  const renewed = after ? pendingOf(context, number, after) : pending
  if (delivered.status === 'unconfirmed') {
    events.emit({ type: 'otp.unconfirmed', flowId: ref.flowId })
    return { status: 'unconfirmed', handle, ...renewed }
  }
  if (otpId !== undefined) await deleteOtp(context, otpId)
  events.emit({ type: 'otp.resent', flowId: ref.flowId, via, newCode: true })
  return { status: 'sent', handle, ...renewed, newCode: true }
}
