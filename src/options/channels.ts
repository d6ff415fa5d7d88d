import type { Channel } from '../outcomes.js'
import { hostOf, withLastLine } from '../tyntec/templates.js'
import {
  type Check,
  flag,
  group,
  invalid,
  oneOf,
  optional,
  resolveGroup,
  type Table,
  text,
} from './values.js'

/** tyntec's 2FA service, which makes the codes and judges them. */
export interface TwoFactorOptions {
  /**
   * Lets a person choose a call instead of a message.
   *
   * @default false
   */
  voice?: boolean | undefined
}

/** A text through tyntec's Messaging API, with a code of our own. */
export interface SmsOptions {
  /** The sender: a number, or up to 11 letters and digits. */
  from: string
  /**
   * The text, with `{{OTP}}` where the code goes. `{{SEC}}` is the seconds for which it can be used. The line by
   * which browsers fill the code in, on no other site, is added at the end: `@` and the host of `origin`, a space and
   * `#{{OTP}}`. A text that has such a line keeps its own, and none is added where `origin` has several hosts, or
   * none with https.
   */
  text: string
  /**
   * Where tyntec reports what has become of the text: the address of `webhooks(flow)`. Without one its fate is
   * still asked for while the person's page is open.
   *
   * @default none
   */
  callbackUrl?: string | undefined
}

/** A template through tyntec's Chat API, with a code of our own. */
export interface WhatsappOptions {
  /** The sender: your WhatsApp Business number. */
  from: string
  /** A template that WhatsApp has approved. Its first parameter is the code. */
  template: WhatsappTemplate
}

/** A template of WhatsApp, as tyntec's Chat API names it. */
export interface WhatsappTemplate {
  /** Its id at tyntec. */
  templateId: string
  /** @default the person's language, or `en`; another of the template's where it has not that one */
  language?:
    | { policy?: 'fallback' | 'deterministic' | undefined; code?: string | undefined }
    | undefined
}

declare const channel: unique symbol

/** A way for codes to travel: what `twoFactor`, `sms` and `whatsapp` give. */
export interface OtpChannel {
  readonly [channel]: never
}

/** What brings the codes of a channel. */
export type CarrierOptions =
  | { carrier: 'two-factor'; voice: boolean }
  | { carrier: 'sms'; from: string; text: string; callbackUrl: string | undefined }
  | { carrier: 'whatsapp'; from: string; template: ResolvedTemplate }

export interface ResolvedTemplate {
  templateId: string
  language:
    | { policy: 'fallback' | 'deterministic' | undefined; code: string | undefined }
    | undefined
}

/** Who brings codes, by channel, in the order in which they are offered. */
export type ResolvedChannels = ReadonlyMap<Channel, CarrierOptions>

const made = new WeakMap<OtpChannel, CarrierOptions>()

function toChannel(options: CarrierOptions): OtpChannel {
  const opaque = Object.freeze({}) as OtpChannel // its meaning is in the map
  made.set(opaque, options)
  return opaque
}

const twoFactorTable = { voice: [flag, false] } satisfies Table<TwoFactorOptions>

/**
 * tyntec's 2FA service: text messages and, with `voice: true`, calls. tyntec makes the code.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function twoFactor(options: TwoFactorOptions = {}): OtpChannel {
  return toChannel({ carrier: 'two-factor', ...resolveGroup('twoFactor', options, twoFactorTable) })
}

const sender = text(/^[\x21-\x7e](?:[\x20-\x7e]{0,30}[\x21-\x7e])?$/, 'the sender that people see')

const codeText: Check<string> = (name, value) => {
  if (typeof value === 'string' && value.includes('{{OTP}}') && value.length <= 1000) return value
  throw invalid(name, 'a text with {{OTP}} in it, of at most 1000 characters')
}

const url: Check<string> = (name, value) => {
  const given = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (given && /^https?:$/.test(given.protocol)) return given.href
  throw invalid(name, 'an http or https URL')
}

const smsTable = {
  from: [sender],
  text: [codeText],
  callbackUrl: [optional(url)],
} satisfies Table<SmsOptions>

/**
 * Texts through tyntec's Messaging API. The code is made here, and only its HMAC is kept.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function sms(options: SmsOptions): OtpChannel {
  return toChannel({ carrier: 'sms', ...resolveGroup('sms', options, smsTable) })
}

const languageTable = {
  policy: [optional(oneOf('fallback', 'deterministic'))],
  code: [optional(text(/^[a-z]{2,3}(?:_[A-Za-z]{2,4})?$/, 'a language like en or en_US'))],
} satisfies Table<NonNullable<WhatsappTemplate['language']>>

const templateTable = {
  templateId: [text(/^[\x21-\x7e]{1,512}$/, 'the id of a template')],
  language: [optional(group(languageTable))],
} satisfies Table<WhatsappTemplate>

const whatsappTable = {
  from: [sender],
  template: [group(templateTable)],
} satisfies Table<WhatsappOptions>

/**
 * WhatsApp messages through tyntec's Chat API. The code is made here, and only its HMAC is kept.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function whatsapp(options: WhatsappOptions): OtpChannel {
  return toChannel({ carrier: 'whatsapp', ...resolveGroup('whatsapp', options, whatsappTable) })
}

/**
 * The first of the list that has a channel brings it.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function resolveChannels(
  given: unknown,
  voice: boolean | undefined,
  origins: readonly string[] = [],
): ResolvedChannels {
  if (given !== undefined && voice !== undefined) {
    throw invalid('voice', 'left out beside "channels": say twoFactor({ voice: true }) there')
  }
  const list: unknown = given ?? [twoFactor({ voice: voice === true })]
  const expected = 'a non-empty array of twoFactor(), sms({ … }) and whatsapp({ … })'
  if (!Array.isArray(list) || list.length === 0) throw invalid('channels', expected)
  const resolved = new Map<Channel, CarrierOptions>()
  for (const [index, each] of [...list].entries()) {
    const options = typeof each === 'object' && each !== null ? made.get(each) : undefined
    if (!options) throw invalid('channels', expected)
    const added = channelsOf(options).filter((name) => !resolved.has(name))
    // It would never be used, which nobody means who writes it.
    if (added.length === 0) {
      throw invalid(`channels[${index}]`, 'a channel that none before it brings already')
    }
    const bound =
      options.carrier === 'sms'
        ? { ...options, text: withLastLine(options.text, hostOf(origins)) }
        : options
    for (const name of added) resolved.set(name, bound)
  }
  return resolved
}

function channelsOf(options: CarrierOptions): Channel[] {
  if (options.carrier === 'two-factor') return options.voice ? ['sms', 'voice'] : ['sms']
  return [options.carrier]
}
