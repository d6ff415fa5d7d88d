import type { OtpEventListener } from '../events.js'
import type { OtpLogger } from '../log.js'
import type { OtpMeter } from '../metrics.js'
import type { ValidateOption, ValidationName } from '../setup/checks.js'
import type { Channel } from '../outcomes.js'
import type { OtpStore, StepStore } from '../store/store.js'
import type { OtpChannel, ResolvedChannels } from './channels.js'
import type { LimitOptions, LimitRule, ResolvedLimits } from './limits.js'
import type {
  BudgetOptions,
  Challenge,
  PumpingOptions,
  ResolvedBudget,
  ResolvedPumping,
} from './spending.js'

/** The cookie that holds the handle. */
export interface CookieOptions {
  /**
   * `none` is for a page on another site than the app; it needs https.
   *
   * @default 'lax'
   */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
  /**
   * Lets sibling hosts of this domain read the cookie. The `__Host-` prefix forbids it, so it goes.
   */
  domain?: string | undefined
  /** @default '__Host-otp'; over plain http, and with `domain`, 'otp' */
  name?: string | undefined
}

/** What the fields of the bodies are called. */
export interface FieldNames {
  /** @default 'number' */
  number: string
  /** ISO 3166-1, that a national number is read with. @default 'country' */
  country: string
  /** @default 'code' */
  code: string
  /** The channel. @default 'via' */
  via: string
  /** BCP 47. @default 'language' */
  language: string
  /** The handle, with `binding: 'token'`. @default 'flow' */
  flow: string
  /** What the option `challenge` is to look at. @default 'challenge' */
  challenge: string
}

/** Whether messages may go out at all. */
export type SendingEnabled = () => boolean | Promise<boolean>

/** Whether somebody can sign in with this number (E.164). */
export type Knows = (number: string) => boolean | Promise<boolean>

/** Calls to tyntec that may be under way at once in one process. */
export interface ConcurrencyOptions {
  sends?: number | undefined
  checks?: number | undefined
}

/** Every duration is in seconds. */
export interface OtpOptions {
  /**
   * The key of your tyntec account, or a function that gives it: then it can change without a restart.
   * `undefined`, as of a variable that is not set, is refused.
   */
  apiKey: string | (() => string | Promise<string>) | undefined

  /**
   * What keys for HMACs and encryption are derived from: 32 bytes or more. Of an array the first
   * makes new values and all of them read old ones. `undefined`, as of a variable that is not set, is
   * refused.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[] | undefined

  /**
   * ISO 3166-1 codes of the countries whose numbers may sign in, or `'any'`. A country that no numbers are
   * known of, like `AQ`, is refused: `ERR_OTP_OPTIONS`.
   */
  countries: readonly string[] | 'any'

  /**
   * Where flows and limits are kept. When `NODE_ENV` is `production` the default is refused:
   * `ERR_OTP_MISUSE`.
   *
   * @default memoryStore()
   */
  store?: OtpStore | undefined

  /**
   * Where the app's pages come from, like `https://login.example.com`, or what a hybrid app names itself, like
   * `capacitor://localhost`. A request that names another origin is refused. Required when `NODE_ENV` is
   * `production`.
   */
  origin?: string | readonly string[] | undefined

  /**
   * Tells flows apart that share a store: a handle of one is nothing to another. What a number or an address
   * may cost is counted for all of them together. Letters, digits, `-` and `_`, at most 40.
   *
   * @default 'login'
   */
  name?: string | undefined

  /** Where tyntec's API is: the sandbox while you build. @default 'https://api.tyntec.com' */
  baseUrl?: string | undefined

  /** The tyntec application whose templates are used. @default tyntec's default application */
  applicationId?: string | undefined

  /**
   * Characters of a code, 6 to 10.
   *
   * @default 6
   */
  pinLength?: number | undefined

  /**
   * `alphanumeric` where the tyntec application makes codes with letters: then people may type them.
   *
   * @default 'digits'
   */
  codeAlphabet?: 'digits' | 'alphanumeric' | undefined

  /**
   * How long a code can be used when tyntec doesn't say, and at the longest when it is given.
   * 30 to 600.
   *
   * @default 300; what tyntec says holds, up to 600
   */
  lifetime?: number | undefined

  /**
   * Tries at one code, 1 to 10. tyntec has a count of its own, 3 by default: the smaller one ends
   * the code.
   *
   * @default 3
   */
  attempts?: number | undefined

  /**
   * Seconds before the first, second, ... resend. As many resends as there are waits.
   *
   * @default [30, 60, 120]
   */
  resendWaits?: readonly number[] | undefined

  /**
   * Lets a person choose a call instead of a message.
   *
   * @default false
   */
  voice?: boolean | undefined

  /**
   * How codes can travel: `twoFactor()`, `sms({ … })`, `whatsapp({ … })`. The first is the usual one; of two that bring
   * the same channel the first does.
   *
   * @default [twoFactor()], or [twoFactor({ voice: true })] with `voice: true`
   */
  channels?: readonly OtpChannel[] | undefined

  /**
   * What happens when a message can't be delivered: `ask` lets the person choose another channel without a wait, `auto`
   * also sends on the next of `channels` by itself, once in a flow and under all limits, as soon as the page or a
   * webhook has shown it. Not with `knows`: it would show which numbers are known.
   *
   * @default 'ask'
   */
  fallback?: 'ask' | 'auto' | undefined

  /** Overrides of single limits. */
  limits?: LimitOptions | undefined

  /**
   * What the messages of the whole app may come to. At 80 % there is an event, at 100 % nothing is
   * sent: `ERR_OTP_BUDGET`, a 503.
   *
   * @default { perHour: 300, perDay: 2000, reserve: 0.1 }
   */
  budget?: BudgetOptions | undefined

  /**
   * Watches for messages that nobody signs in with: in one country, from one address, to numbers
   * next to each other. `shadow` only tells by an event; `enforce` refuses such a message
   * (`rate_limited`), or gives `challenge` the reason and lets it decide when there is one. Browsers that have signed in with the number before are
   * refused by a challenge at the most.
   *
   * @default 'shadow'. When `NODE_ENV` is `production`, 'enforce', where a whole country is only refused
   * if there is a `challenge` to let people through
   */
  pumping?: 'shadow' | 'enforce' | PumpingOptions | undefined

  /**
   * Failed checks of the whole app from which on somebody is taken to guess: there is the event
   * `guessing.suspected`, and `challenge` gets the reason `guessing`. Nothing is refused by it.
   *
   * @default { points: 200, duration: 3600 }
   */
  guessing?: LimitRule | undefined

  /**
   * Asked before each message, before anything is spent: a CAPTCHA, or whatever tells people from
   * programs. What the body holds in the field `challenge` is in `token`. Only `true` lets the message go out;
   * false, a throw and 3 s without an answer end in `challenge_required`. Two clicks ask twice, so a token has to
   * stand two looks.
   *
   * @default none
   */
  challenge?: Challenge | undefined

  /**
   * Asked before each message: with `false` nothing is sent, while codes that are out can still be
   * used. Also nothing is sent when it throws, or has no answer after 3 s. Either way it is
   * `ERR_OTP_BUDGET`, a 503.
   *
   * @default none
   */
  sendingEnabled?: SendingEnabled | undefined

  /**
   * Whether somebody can sign in with this number (E.164). With it, only numbers that it knows get a message;
   * all others get the same answers, of which none tells that they are not known: see SECURITY.md. When it
   * throws, or has no answer after 3 s, nothing is sent: `ERR_OTP_PROVIDER_UNAVAILABLE`, a 503.
   *
   * @default none: every number may sign in, or sign up
   */
  knows?: Knows | undefined

  /**
   * Calls to tyntec that may be under way at once in this process. What comes on top is answered with
   * a 503 at once.
   *
   * @default { sends: 50, checks: 50 }
   */
  concurrency?: ConcurrencyOptions | undefined

  /**
   * Tells the person how many tries are left.
   *
   * @default false
   */
  revealAttempts?: boolean | undefined

  /**
   * What binds a flow to its browser: a cookie of the package's own, the app's session, or a token
   * in `send`'s answer for clients without cookies.
   *
   * @default 'cookie'
   */
  binding?: 'cookie' | 'session' | 'token' | undefined

  /** Settings of that cookie. */
  cookie?: CookieOptions | undefined

  /** @default each its own name: `number`, `country`, `code`, `via`, `language`, `flow`, `challenge` */
  fields?: Partial<FieldNames> | undefined

  /** Called with each event. What it throws is ignored. */
  onEvent?: OtpEventListener | undefined

  /**
   * Gets each event as a structured line: a logger of pino's shape. `NODE_DEBUG=passport-tyntec-otp`
   * prints the same without one.
   *
   * @default none
   */
  logger?: OtpLogger | undefined

  /**
   * Counts sends, checks, sign-ins and limits: an OpenTelemetry `Meter`, as
   * `metrics.getMeter('passport-tyntec-otp')` of `@opentelemetry/api` gives it. Its names and
   * attributes are in docs/events.md.
   *
   * @default none
   */
  meter?: OtpMeter | undefined

  /**
   * Checks of how the app is set up, at the start and at the first request. Each tells once, by an event
   * `misuse`, which the `logger` writes; without one it is a warning of the process. `false` switches all of them off, `{ name: false }` one. What would
   * be insecure to go on with is refused in any case.
   *
   * @default true
   */
  validate?: ValidateOption | undefined
}

export interface ResolvedOptions {
  apiKey: Exclude<OtpOptions['apiKey'], undefined>
  secrets: readonly (string | Uint8Array)[]
  countries: readonly string[] | 'any'
  store: StepStore
  origins: readonly string[]
  /** Apart from other flows on the same store. */
  name: string
  /** `NODE_ENV` is `production`. */
  production: boolean
  /** Requests of this machine are not held by the limits of an address. */
  roomForLoopback: boolean
  baseUrl: string | undefined
  applicationId: string | undefined
  pinLength: number
  codeAlphabet: 'digits' | 'alphanumeric'
  lifetime: number
  maxLifetime: number
  attempts: number
  resendWaits: readonly number[]
  /** In the order in which they are offered. */
  channels: ResolvedChannels
  fallback: 'ask' | 'auto'
  limits: ResolvedLimits
  budget: ResolvedBudget
  pumping: ResolvedPumping
  guessing: LimitRule
  challenge: Challenge | undefined
  sendingEnabled: SendingEnabled | undefined
  /** There when only known numbers get messages. */
  knows: Knows | undefined
  concurrency: { sends: number; checks: number }
  revealAttempts: boolean
  binding: 'cookie' | 'session' | 'token'
  cookie: {
    sameSite: 'lax' | 'strict' | 'none'
    domain: string | undefined
    name: string | undefined
  }
  fields: FieldNames
  onEvent: OtpEventListener | undefined
  logger: OtpLogger | undefined
  meter: OtpMeter | undefined
  /** The checks of the set-up that are on. */
  validate: ReadonlySet<ValidationName>
}

/** What the layer between HTTP and flow may see: nothing that opens anything. */
export type HttpOptions = Pick<
  ResolvedOptions,
  | 'origins'
  | 'production'
  | 'revealAttempts'
  | 'binding'
  | 'cookie'
  | 'fields'
  | 'validate'
  | 'name'
  | 'countries'
  | 'pinLength'
  | 'codeAlphabet'
> & { channels: readonly Channel[] }
