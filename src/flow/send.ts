import { OtpError } from '../errors.js'
import type { Order } from '../carriers/carrier.js'
import { apiOf } from '../carriers/carriers.js'
import type { Recipient } from '../limits/message.js'
import { originOf } from '../limits/origin.js'
import type {
  Channel,
  Limited,
  Purpose,
  Refused,
  SendOutcome,
  Sent,
  Unconfirmed,
} from '../outcomes.js'
import type { FlowRef, Handle } from '../secrets/secrets.js'
import { admit, type Wanted } from './admission.js'
import { type Context, lease } from './context.js'
import { ownCodeOf } from './code.js'
import { deliver } from './deliver.js'
import { deleteOtp } from './ending.js'
import { isKnown, requireSending } from './hooks.js'
import { channelOf, languageOf, purposeOf } from './input.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
import { pendingOf } from './pending.js'

/** What a send is made of. Input of a person may be anything: it is read here. */
export interface SendInput {
  /** As the person wrote it. */
  number: unknown
  /** ISO 3166-1 code that a national number is read with. */
  country?: unknown
  /** `sms`, `voice` or `whatsapp`, where that channel is enabled. @default the first of `channels` */
  via?: unknown
  /** BCP 47, like `de-DE`. What is not known is not looked at. */
  language?: unknown
  /** What the proof is for. @default 'login' */
  purpose?: Purpose | undefined
  /** Where the request comes from, as the framework says. */
  address?: unknown
  /** The handle this browser has, if any. */
  handle?: unknown
  /** What this browser kept from an earlier sign-in, if any. */
  device?: unknown
  /** What this browser got with the page, if anything. */
  pageToken?: unknown
  /**
   * What else is the same for two clicks on one page, like what the browser calls itself: one that has the
   * same page token and differs in this, or in its address, is another browser.
   */
  browser?: string | undefined
  /** What the option `challenge` is to look at. */
  challenge?: unknown
  /**
   * Called with the new handle once the flow is reserved, before tyntec is asked. Give it to the
   * browser even when `send` then throws: the message may have gone out. Called again with the
   * handle the browser had when it provably did not.
   */
  onHandle?: (handle: string) => void
}

/** What can become of a message whose number has been read. */
type SentOutcome =
  | Sent
  | Unconfirmed
  | Refused<'invalid_number'>
  | Refused<'challenge_required'>
  | Limited<'resend_too_soon' | 'rate_limited'>

/** A message for a browser. */
interface Asked extends Wanted {
  /** How its number can be reached. */
  channels: Channel[]
  language: string | undefined
  purpose: Purpose | undefined
  /** The flow that the browser has. */
  before: { handle: string; ref: FlowRef } | undefined
  /** The one that ends for it. */
  old: FlowRef | undefined
  onHandle: ((handle: string) => void) | undefined
}

export async function send(context: Context, input: SendInput): Promise<SendOutcome> {
  const { options, secrets, numbers } = context

  const via = channelOf(input.via, options.channels)
  if (typeof via === 'object') return via
  const language = languageOf(input.language)
  if (typeof language === 'object') return language
  const parsed = numbers.parse(input.number, input.country, via)
  if ('status' in parsed) return parsed
  const { number, country, channels } = parsed
  const browserTag = secrets.browserTagOf(input.device, number)
  context.access.known = browserTag !== undefined
  context.access.refuseEarly('sends', apiOf(options, via))
  await requireSending(context)

  const origin = originOf(options, secrets, input.address)
  const tags = secrets.numberTags(number)
  const ref = secrets.parseHandle(input.handle)
  const before = ref && { handle: String(input.handle), ref }
  const made =
    secrets.handleOfPage(input.pageToken, {
      number: tags[0],
      browserTag,
      before: before?.handle ?? '',
      browser: JSON.stringify([origin.own?.[0], input.browser]),
    }) ?? secrets.createHandle(tags[0], browserTag)
  return sendTo(context, made, {
    number,
    tags,
    country,
    via,
    channels,
    browserTag,
    origin,
    language,
    before,
    old: ref,
    known: await isKnown(context, number),
    purpose: purposeOf(input.purpose),
    address: input.address,
    token: input.challenge,
    onHandle: input.onHandle,
  })
}

/** Sends a code as a new flow, which replaces the one the browser has. */
export async function sendTo(context: Context, made: Handle, asked: Asked): Promise<SentOutcome> {
  const { options, secrets, store, limits } = context
  const { number, via, channels, before, old } = asked
  const { handle, ref } = made
  const reference = secrets.createReference(asked.known)
  const current = before?.ref.number === ref.number ? before.ref : undefined
  const sealed = secrets.seal(ref, 'number', number)
  const own = ownCodeOf(context, ref, asked)

  const reserve = (lookedUp: boolean) =>
    admit(context, asked, (message, passed, again) =>
      store.send(
        ref,
        {
          reference,
          number: sealed,
          code: own?.hash,
          via,
          country: asked.country,
          purpose: asked.purpose,
          language: asked.language,
          lease,
          cooldown: options.resendWaits[0] ?? 30,
          lifetime: options.lifetime,
          current,
          lookedUp,
          lookupEvery,
          again,
        },
        message,
        passed,
      ),
    )
  let reserved = await reserve(false)
  if (reserved.status === 'lookup') {
    await lookUpInTurn(context, reserved.own ? ref : (current ?? ref), reserved.record)
    reserved = await reserve(true)
  }

  switch (reserved.status) {
    case 'used':
      // The page's own flow has signed in: this click begins another one.
      return sendTo(context, secrets.createHandle(asked.tags[0], asked.browserTag), asked)
    case 'rate_limited':
    case 'challenge_required':
      return reserved
    case 'too_soon':
      return { status: 'resend_too_soon', retryAfter: reserved.retryAfter }
    case 'current': {
      const status = reserved.record.state === 'pending' ? 'sent' : 'unconfirmed'
      const joined = reserved.own ? handle : (before?.handle ?? handle)
      if (reserved.own) asked.onHandle?.(handle)
      return { status, handle: joined, ...pendingOf(context, number, reserved.record, channels) }
    }
    case 'reserved':
      break
    default:
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow changed while it was looked up')
  }

  asked.onHandle?.(handle)
  const order: Order = { reference, number, via, language: asked.language, code: own?.code }
  const { unsent } = reserved
  const delivered = await deliver(context, ref, order, { origin: asked.origin, unsent, old }).catch(
    (error: unknown) => {
      // Nothing went out: the browser keeps the flow it had, whose code may still come or be typed.
      if (error instanceof OtpError && error.processed === 'no' && before) {
        asked.onHandle?.(before.handle)
      }
      throw error
    },
  )
  if (delivered.status === 'refused') {
    if (before) asked.onHandle?.(before.handle)
    return { status: 'invalid_number' }
  }
  if (delivered.oldOtp !== undefined) await deleteOtp(context, delivered.oldOtp)

  tellSent(context, ref, asked, delivered.status)
  const lifetime = delivered.status === 'sent' ? delivered.lifetime : options.lifetime
  const nextAfter = unsent && limits.nextAfter(unsent.counts, unsent.message)
  const record = { via, expiresIn: lifetime, sentAgo: 0, resends: 0, nextAfter }
  return { status: delivered.status, handle, ...pendingOf(context, number, record, channels) }
}

function tellSent(
  { events }: Context,
  { flowId }: FlowRef,
  { known, via, country }: Recipient,
  status: 'sent' | 'unconfirmed',
): void {
  if (!known) events.emit({ type: 'otp.decoyed', flowId, via, country })
  else if (status === 'sent') events.emit({ type: 'otp.sent', flowId, via, country })
  else events.emit({ type: 'otp.unconfirmed', flowId, via, country })
}
