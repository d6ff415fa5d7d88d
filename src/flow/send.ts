import { randomBytes } from 'node:crypto'
import { OtpError } from '../errors.js'
import type { SendOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import { type Context, lease } from './context.js'
import { deliver } from './deliver.js'
import { addressKeysOf, channelOf, languageOf } from './input.js'
import { lookUp } from './lookup.js'
import { pendingOf } from './pending.js'
import { reserveMessage, whenFree } from './reserve.js'
import { discard } from './status.js'

export interface SendInput {
  /** As the person wrote it. */
  number: unknown
  /** ISO 3166-1 code that a national number is read with. */
  country?: unknown
  via?: unknown
  /** ISO 639-1. */
  language?: unknown
  /** Where the request comes from, as the framework says. */
  address?: unknown
  /** The handle this browser has, if any. */
  handle?: unknown
  /** What this browser kept from an earlier sign-in, if any. */
  device?: unknown
  /**
   * Called with the new handle once the flow is reserved, before tyntec is asked. Give it to the
   * browser even when `send` then throws: the message may have gone out. Called again with the
   * handle the browser had when it provably did not.
   */
  onHandle?: (handle: string) => void
}

export async function send(context: Context, input: SendInput): Promise<SendOutcome> {
  const { options, secrets, store, limits, events, numbers } = context

  const via = channelOf(input.via, options.voice)
  if (typeof via === 'object') return via
  const language = languageOf(input.language)
  if (typeof language === 'object') return language
  const parsed = numbers.parse(input.number, input.country, via)
  if ('status' in parsed) return parsed
  const { number, country } = parsed
  context.refuseEarly('sends')

  const addressKeys = addressKeysOf(context, input.address)
  const address = await limits.sendsPerAddress.consume(addressKeys)
  if (!address.allowed) {
    events.emit({ type: 'limit.hit', limit: 'sends_per_address' })
    return { status: 'rate_limited', retryAfter: address.retryAfter }
  }

  const tags = secrets.numberTags(number)
  const [numberTag, ...previous] = tags
  const before = secrets.parseHandle(input.handle)
  const current = before?.number === numberTag ? before : undefined
  const lane = secrets.laneOf(input.device, number)
  const handle = secrets.createHandle(numberTag, lane)
  const ref = secrets.parseHandle(handle) as FlowRef // it was made just now
  const reference = randomBytes(16).toString('base64url')

  // While a secret rotates out, what was counted under it goes on counting.
  for (const tag of previous) {
    const failures = await store.failures(tag)
    if (failures.total > 0) await store.carryFailures(numberTag, tag, failures)
  }

  const reserve = (lookedUp: boolean) =>
    reserveMessage(
      context,
      { tags, lane },
      () =>
        store.reserveSend(ref, {
          reference,
          number: secrets.seal(ref, 'number', number),
          via,
          lease,
          cooldown: options.resendWaits[0] ?? 30,
          lifetime: options.lifetime,
          keep: Math.min(options.lifetime + 300, 600),
          current,
          lookedUp,
        }),
      () => store.settleSend(ref, reference, { result: 'failed' }),
    )

  let { reserved } = await whenFree(() => reserve(false))
  if (reserved.status === 'lookup' && current) {
    await lookUp(context, current, reserved.record)
    reserved = await reserve(true)
  }

  if (reserved.status === 'rate_limited') return reserved
  // Clicks that send nothing must not use up the messages of everybody at this address.
  if (reserved.status !== 'reserved') await limits.sendsPerAddress.refund(addressKeys)
  if (reserved.status === 'too_soon') {
    return { status: 'resend_too_soon', retryAfter: reserved.retryAfter }
  }
  if (reserved.status === 'current') {
    const status = reserved.record.state === 'pending' ? 'sent' : 'unconfirmed'
    const pending = pendingOf(context, number, reserved.record)
    return { status, handle: String(input.handle), ...pending }
  }
  if (reserved.status !== 'reserved') {
    throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }

  input.onHandle?.(handle)
  // Nothing went out: the browser keeps the flow it had, whose code may still come or be typed.
  const takeBack = async () => {
    if (before) input.onHandle?.(String(input.handle))
    await reserved.taken.refundNumber()
  }
  const delivered = await deliver(context, ref, { reference, number, via, language }).catch(
    async (error: unknown) => {
      if (error instanceof OtpError && error.processed === 'no') await takeBack()
      throw error
    },
  )
  if (delivered.status === 'refused') {
    await takeBack()
    return { status: 'invalid_number' }
  }
  if (before) await discard(context, before, 'replaced')

  const lifetime = delivered.status === 'sent' ? delivered.lifetime : options.lifetime
  const record = { via, expiresIn: lifetime, sentAgo: 0, resends: 0 }
  const pending = pendingOf(context, number, record)
  if (delivered.status === 'unconfirmed') {
    events.emit({ type: 'otp.unconfirmed', flowId: ref.flowId })
  } else {
    events.emit({ type: 'otp.sent', flowId: ref.flowId, via, country })
  }
  return { status: delivered.status, handle, ...pending }
}
