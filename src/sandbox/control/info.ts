import { createRequire } from 'node:module'
import type { Clock } from '../clock.js'
import type { Events } from '../events.js'
import { operations } from '../faults/rules.js'
import type { Magic } from '../magic.js'
import type { Messages } from '../messages.js'

export interface Info {
  version: string
  now: string
  /** Seconds that the clock was moved forward. */
  advanced: number
  /** `seq` of the newest event: `/_sandbox/events?after=` goes on from here. */
  seq: number
  /** When all messages were deleted last; `null` when they never were. */
  messagesDeletedAt: string | null
  apiKeys: string
  operations: readonly string[]
  magicNumbers: { number: string; text: string }[]
  limitations: readonly string[]
}

export interface InfoParts {
  clock: Clock
  events: Events
  magic: Magic
  messages: Messages
}

export const readInfo = ({ clock, events, magic, messages }: InfoParts): Info => ({
  version: readVersion(),
  now: new Date(clock.now()).toISOString(),
  advanced: clock.advanced(),
  seq: events.seq(),
  messagesDeletedAt:
    messages.clearedAt() === 0 ? null : new Date(messages.clearedAt()).toISOString(),
  apiKeys: 'Any that begins with sandbox_ (sandbox_forbidden gets a 403).',
  operations,
  magicNumbers: magic.list(),
  limitations,
})

/** What is not as at tyntec, or is not known of tyntec. */
const limitations = [
  'Webhooks and callbacks are posted to this machine only; other addresses get nothing.',
  'A webhook that is not answered with 2xx is tried again every 10 s, 30 times in all; tyntec says so of SMS reports only.',
  'An SMS report is a RestMessageResponse by POST, and its plain fields as a query by GET; tyntec does not say.',
  'keepEmojis, gateway, conversion and flash of an SMS are checked, and change nothing.',
  'Of a WhatsApp template the id and the parameters are shown: its text is at WhatsApp.',
  'An echoed template counts its parameters from 0.',
  'Nothing leaves this machine: no carrier, no prices, no routing, no account balance, no rate limits.',
  'Event types DELIVER_OTP_REQ and DELIVER_OTP_RES_OK are invented: only DELIVER_OTP_RES_FAIL has a public source.',
  'Unknown parameters and fields are refused, where tyntec may ignore them.',
  'Up to 10 digits for a PIN: tyntec says 10 on one page and 11 on another.',
  'Once an application is deleted, resend and check of its OTPs answer 404; tyntec does not say with what.',
  'A text given with a send is used for each delivery of that OTP, calls too; tyntec does not say.',
  "Without a language, that of most people in the number's country is taken.",
]

/** By the package's own name, which is right in `src` and in `dist`. */
function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('passport-tyntec-otp/package.json')
  return typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
    ? manifest.version
    : 'unknown'
}
