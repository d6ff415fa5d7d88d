import { OtpError } from '../errors.js'
import type { SendOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import { admit, uncountAfter, type Wanted } from './admission.js'
import { type Context, lease } from './context.js'
import { deliver } from './deliver.js'
import { isKnown, requireSending } from './hooks.js'
import { addressKeysOf, channelOf, languageOf } from './input.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
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
  /** What this browser got with the page, if anything. */
  blank?: unknown
  /**
   * What else is the same for two clicks on one page, like what the browser calls itself: one that has the same
   * `blank` and differs in this, or in its address, is another browser.
   */
  browser?: string
  /** What the option `challenge` is to look at. */
  challenge?: unknown
  /**
   * Called with the new handle once the flow is reserved, before tyntec is asked. Give it to the
   * browser even when `send` then throws: the message may have gone out. Called again with the
   * handle the browser had when it provably did not.
   */
  onHandle?: (handle: string) => void
}

export async function send(context: Context, input: SendInput): Promise<SendOutcome> {
  const { options, secrets, numbers } = context

  const via = channelOf(input.via, options.voice)
  if (typeof via === 'object') return via
  const language = languageOf(input.language)
  if (typeof language === 'object') return language
  const parsed = numbers.parse(input.number, input.country, via)
  if ('status' in parsed) return parsed
  const { number, country } = parsed
  context.refuseEarly('sends')
  await requireSending(context)

  const { address, challenge } = input
  const addressKeys = addressKeysOf(context, address)
  const lane = secrets.laneOf(input.device, number)
  const wanted: Wanted = { number, country, via, lane, address, addressKeys, token: challenge }
  const admitted = await admit(context, wanted)
  if (admitted.status !== 'admitted') return admitted

  let sent = false
  try {
    const known = await isKnown(context, number)
    const outcome = await reserveAndSend(context, input, { ...wanted, language, known }, (is) => {
      sent = is
    })
    // Clicks that send nothing must not use up the messages of everybody at this address.
    if (outcome.idle) await context.limits.sendsPerAddress.refund(addressKeys).catch(() => {})
    if (!sent) await admitted.uncount().catch(() => {})
    return outcome.outcome
  } catch (error) {
    if (!sent) await uncountAfter(admitted, error)
    throw error
  }
}

async function reserveAndSend(
  context: Context,
  input: SendInput,
  wanted: Wanted & { language: string | undefined; known: boolean },
  /** Told before tyntec is asked, and when tyntec provably did nothing. */
  sent: (is: boolean) => void,
): Promise<{ outcome: SendOutcome; idle?: true }> {
  const { options, secrets, store, events } = context
  const { number, country, via, lane, language } = wanted

  const tags = secrets.numberTags(number)
  const [numberTag, ...previous] = tags
  const before = secrets.parseHandle(input.handle)
  // A blank that another host has planted is known to two browsers, which must not get one handle.
  const same = [before && String(input.handle), wanted.addressKeys[0], input.browser]
  const filled = secrets.fillBlank(input.blank, numberTag, lane, JSON.stringify(same))
  const handle = filled ?? secrets.createHandle(numberTag, lane)
  const ref = secrets.parseHandle(handle) as FlowRef // it was made just now
  // Another click on the same page may have begun this very flow.
  const twin = filled === undefined ? undefined : ref
  let current = before?.number === numberTag ? before : twin
  const reference = secrets.createReference(wanted.known)

  // While a secret rotates out, what was counted under it goes on counting.
  for (const tag of previous) {
    const failures = await store.failures(tag)
    if (failures.total > 0) await store.carryFailures(numberTag, tag, failures)
  }

  const reserve = (lookedUp: boolean) =>
    reserveMessage(
      context,
      { tags, lane, country, via },
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
          lookupEvery,
        }),
      () => store.settleSend(ref, reference, { result: 'failed' }),
    )

  /** What the store says once nothing of the flow that this click may be about is under way. */
  const settled = async () => {
    const { reserved } = await whenFree(() => reserve(false))
    if (reserved.status !== 'lookup' || !current) return reserved
    await lookUpInTurn(context, current, reserved.record)
    return (await whenFree(() => reserve(true))).reserved
  }
  let reserved = await settled()
  if (reserved.status === 'too_soon' && twin && current !== twin) {
    current = twin
    reserved = await settled()
  }

  if (reserved.status === 'rate_limited') return { outcome: reserved }
  if (reserved.status === 'too_soon') {
    const outcome = { status: 'resend_too_soon' as const, retryAfter: reserved.retryAfter }
    return { outcome, idle: true }
  }
  if (reserved.status === 'current') {
    const status = reserved.record.state === 'pending' ? 'sent' : 'unconfirmed'
    const pending = pendingOf(context, number, reserved.record)
    const joined = current === twin ? handle : String(input.handle)
    if (current === twin) input.onHandle?.(handle)
    return { outcome: { status, handle: joined, ...pending }, idle: true }
  }
  if (reserved.status !== 'reserved') {
    throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }

  input.onHandle?.(handle)
  // Nothing went out: the browser keeps the flow it had, whose code may still come or be typed.
  const takeBack = async () => {
    sent(false)
    if (before) input.onHandle?.(String(input.handle))
    await reserved.taken.refundNumber()
  }
  sent(true)
  const order = { reference, number, via, language }
  const delivered = await deliver(context, ref, order).catch(async (error: unknown) => {
    if (error instanceof OtpError && error.processed === 'no') await takeBack()
    throw error
  })
  if (delivered.status === 'refused') {
    await takeBack()
    return { outcome: { status: 'invalid_number' } }
  }
  if (before) await discard(context, before, 'replaced')

  const lifetime = delivered.status === 'sent' ? delivered.lifetime : options.lifetime
  const record = { via, expiresIn: lifetime, sentAgo: 0, resends: 0 }
  const pending = pendingOf(context, number, record)
  const { flowId } = ref
  if (!wanted.known) {
    events.emit({ type: 'otp.decoyed', flowId, via, country })
  } else if (delivered.status === 'unconfirmed') {
    events.emit({ type: 'otp.unconfirmed', flowId, via, country })
  } else {
    events.emit({ type: 'otp.sent', flowId, via, country })
  }
  return { outcome: { status: delivered.status, handle, ...pending } }
}
