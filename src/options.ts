import { OtpError } from './errors.js'
import type { OtpEventListener } from './events.js'
import type { OtpLogger } from './log.js'
import { validateCountries } from './number.js'
import { memoryStore } from './store/memory.js'
import type { OtpStore } from './store/store.js'

/** So many in so many seconds. */
export interface LimitRule {
  points: number
  /** Whole seconds. */
  duration: number
}

/** The limits of contract and README. Each takes part alone: giving one leaves the others as they are. */
export interface LimitOptions {
  /**
   * Messages to one number, resends among them. All rules hold.
   *
   * @default [{ points: 5, duration: 600 }, { points: 10, duration: 86400 }]
   */
  sendsPerNumber?: readonly LimitRule[] | undefined
  /**
   * Messages asked for from one address. IPv6 counts by /64.
   *
   * @default { points: 10, duration: 3600 }
   */
  sendsPerAddress?: LimitRule | undefined
  /**
   * Failed checks from one address.
   *
   * @default { points: 20, duration: 3600 }
   */
  failuresPerAddress?: LimitRule | undefined
  /**
   * Failed checks that a browser which has signed in with the number before has to itself.
   *
   * @default { points: 10, duration: 3600 }
   */
  failuresPerDevice?: LimitRule | undefined
  /**
   * Messages that such a browser can get when strangers have used up those of its number.
   *
   * @default { points: 3, duration: 86400 }
   */
  sendsPerDevice?: LimitRule | undefined
  /**
   * Failed checks of one number: `free` of them cost no wait until there was none for `window` seconds; then
   * each has to wait, `wait` seconds at first and twice as long each time up to `maxWait`. After
   * `disableAt` in a row the number is refused until `flow.unlock(number)`.
   *
   * @default { free: 5, window: 900, wait: 30, maxWait: 3600, disableAt: 100 }
   */
  failuresPerNumber?: Partial<FailureRule> | undefined
}

export interface FailureRule {
  free: number
  window: number
  wait: number
  maxWait: number
  disableAt: number
}

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
  /** @default '__Host-otp', over plain http 'otp' */
  name?: string | undefined
}

/** What the fields of the bodies are called. */
export interface FieldNames {
  number: string
  country: string
  code: string
  via: string
  language: string
  flow: string
}

/** Every duration is in seconds. */
export interface OtpOptions {
  /** The key of your tyntec account, or a function that gives it: then it can change without a restart. */
  apiKey: string | (() => string | Promise<string>)

  /**
   * What keys for HMACs and encryption are derived from: 32 bytes or more. Of an array the first
   * makes new values and all of them read old ones.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[]

  /** ISO 3166-1 codes of the countries whose numbers may sign in, or `'any'`. */
  countries: readonly string[] | 'any'

  /**
   * Where flows and limits are kept.
   *
   * @default memoryStore()
   */
  store?: OtpStore | undefined

  /**
   * Where the app's pages come from, like `https://login.example.com`. A request that names another
   * origin is refused. Required when `NODE_ENV` is `production`.
   */
  origin?: string | readonly string[] | undefined

  /** Where tyntec's API is: the sandbox while you build. @default 'https://api.tyntec.com' */
  baseUrl?: string | undefined

  /** The tyntec application whose templates are used. @default tyntec's default application */
  applicationId?: string | undefined

  /**
   * Digits of a code, 6 to 10.
   *
   * @default 6
   */
  pinLength?: number | undefined

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

  /** Overrides of single limits. */
  limits?: LimitOptions | undefined

  /**
   * Messages of the whole app. At 80 % there is an event, at 100 % nothing is sent.
   *
   * @default { perHour: 300, perDay: 2000 }
   */
  budget?: { perHour?: number | undefined; perDay?: number | undefined } | undefined

  /**
   * Calls to tyntec that may be under way at once in this process. What comes on top is answered with
   * a 503 at once.
   *
   * @default { sends: 50, checks: 50 }
   */
  concurrency?: { sends?: number | undefined; checks?: number | undefined } | undefined

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

  /** @default { number: 'number', country: 'country', code: 'code', via: 'via', language: 'language', flow: 'flow' } */
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
}

export interface ResolvedOptions {
  apiKey: OtpOptions['apiKey']
  secrets: readonly (string | Uint8Array)[]
  countries: readonly string[] | 'any'
  store: OtpStore
  origins: readonly string[]
  /** `NODE_ENV` is `production`. */
  production: boolean
  baseUrl: string | undefined
  applicationId: string | undefined
  pinLength: number
  lifetime: number
  maxLifetime: number
  attempts: number
  resendWaits: readonly number[]
  voice: boolean
  limits: {
    sendsPerNumber: readonly LimitRule[]
    sendsPerAddress: LimitRule
    failuresPerAddress: LimitRule
    failuresPerDevice: LimitRule
    sendsPerDevice: LimitRule
    failuresPerNumber: FailureRule
  }
  budget: { perHour: number; perDay: number }
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
}

/** What the layer between HTTP and flow may see: nothing that opens anything. */
export type HttpOptions = Pick<
  ResolvedOptions,
  'origins' | 'production' | 'revealAttempts' | 'binding' | 'cookie' | 'fields'
>

const optionNames: ReadonlySet<string> = new Set([
  'apiKey',
  'secret',
  'countries',
  'store',
  'origin',
  'baseUrl',
  'applicationId',
  'pinLength',
  'lifetime',
  'attempts',
  'resendWaits',
  'voice',
  'limits',
  'budget',
  'concurrency',
  'revealAttempts',
  'binding',
  'cookie',
  'fields',
  'onEvent',
  'logger',
] satisfies (keyof OtpOptions)[])

const defaultFields: FieldNames = {
  number: 'number',
  country: 'country',
  code: 'code',
  via: 'via',
  language: 'language',
  flow: 'flow',
}

/**
 * The one place where defaults live and options are checked. A message names the option and what was
 * expected, never the value.
 */
export function resolveOptions(options: OtpOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object')
  const unknown = Object.keys(options).find((name) => !optionNames.has(name))
  if (unknown !== undefined) throw invalid(unknown.slice(0, 40), 'an option of createOtpFlow')

  for (const name of ['cookie', 'budget', 'limits', 'concurrency', 'fields'] as const) {
    const group: unknown = options[name]
    if (group === undefined) continue
    if (typeof group !== 'object' || group === null) throw invalid(name, 'an object')
  }
  const production = process.env.NODE_ENV === 'production'
  const {
    apiKey,
    countries,
    cookie = {},
    budget = {},
    limits = {},
    concurrency = {},
    lifetime,
  } = options

  if (
    typeof apiKey !== 'function' &&
    (typeof apiKey !== 'string' || apiKey.trim() !== apiKey || !apiKey)
  ) {
    throw invalid('apiKey', 'a non-empty string without white space around it, or a function')
  }
  checkCountries(countries)
  const binding = oneOf('binding', options.binding ?? 'cookie', ['cookie', 'session', 'token'])
  const sameSite = oneOf('cookie.sameSite', cookie.sameSite ?? 'lax', ['lax', 'strict', 'none'])
  for (const name of ['domain', 'name'] as const) {
    const value = cookie[name]
    if (value !== undefined && !/^[\w.-]{1,100}$/.test(value)) {
      throw invalid(`cookie.${name}`, 'letters, digits, dots, hyphens and underscores')
    }
  }
  const resendWaits = options.resendWaits ?? [30, 60, 120]
  if (!Array.isArray(resendWaits) || resendWaits.length > 10) {
    throw invalid('resendWaits', 'an array of at most 10 numbers of seconds')
  }

  return {
    apiKey,
    secrets: resolveSecrets(options.secret),
    countries: countries === 'any' ? countries : countries.map((country) => country.toUpperCase()),
    store: options.store ?? memoryStore(),
    origins: resolveOrigins(options.origin, production),
    production,
    baseUrl: options.baseUrl,
    applicationId: options.applicationId,
    pinLength: whole('pinLength', options.pinLength ?? 6, 6, 10),
    lifetime: whole('lifetime', lifetime ?? 300, 30, 600),
    maxLifetime: lifetime ?? 600,
    attempts: whole('attempts', options.attempts ?? 3, 1, 10),
    resendWaits: resendWaits.map((wait, index) => whole(`resendWaits[${index}]`, wait, 1, 600)),
    voice: flag('voice', options.voice),
    limits: {
      sendsPerNumber: resolveRules(limits.sendsPerNumber),
      sendsPerAddress: rule('limits.sendsPerAddress', limits.sendsPerAddress, 10, 3600),
      failuresPerAddress: rule('limits.failuresPerAddress', limits.failuresPerAddress, 20, 3600),
      failuresPerDevice: rule('limits.failuresPerDevice', limits.failuresPerDevice, 10, 3600),
      sendsPerDevice: rule('limits.sendsPerDevice', limits.sendsPerDevice, 3, 86_400),
      failuresPerNumber: resolveFailures(limits.failuresPerNumber ?? {}),
    },
    budget: {
      perHour: whole('budget.perHour', budget.perHour ?? 300, 1, 10_000_000),
      perDay: whole('budget.perDay', budget.perDay ?? 2000, 1, 100_000_000),
    },
    concurrency: {
      sends: whole('concurrency.sends', concurrency.sends ?? 50, 1, 1000),
      checks: whole('concurrency.checks', concurrency.checks ?? 50, 1, 1000),
    },
    revealAttempts: flag('revealAttempts', options.revealAttempts),
    binding,
    cookie: { sameSite, domain: cookie.domain, name: cookie.name },
    fields: resolveFields(options.fields ?? {}),
    onEvent: options.onEvent,
    logger: options.logger,
  }
}

function resolveSecrets(secret: OtpOptions['secret']): readonly (string | Uint8Array)[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || !secrets.every(isLongSecret)) {
    throw invalid('secret', '32 bytes or more, or a non-empty array of such')
  }
  return secrets
}

function isLongSecret(secret: unknown): secret is string | Uint8Array {
  return (
    (typeof secret === 'string' || secret instanceof Uint8Array) && Buffer.byteLength(secret) >= 32
  )
}

function checkCountries(countries: unknown): void {
  if (countries === 'any') return
  if (!Array.isArray(countries) || countries.length === 0) {
    throw invalid('countries', `a non-empty array of ISO 3166-1 codes like ['DE', 'US'], or 'any'`)
  }
  if (validateCountries(countries).length > 0) {
    throw invalid('countries', 'made of ISO 3166-1 codes of two letters')
  }
}

function resolveOrigins(origin: OtpOptions['origin'], production: boolean): readonly string[] {
  if (origin === undefined) {
    if (production) throw invalid('origin', `given when NODE_ENV is 'production'`)
    return []
  }
  const origins: readonly unknown[] = Array.isArray(origin) ? origin : [origin]
  if (origins.length === 0) throw invalid('origin', 'an origin, or a non-empty array of such')
  return origins.map((each) => {
    const url = typeof each === 'string' && URL.canParse(each) ? new URL(each) : undefined
    if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.origin !== each) {
      throw invalid('origin', `an origin like 'https://login.example.com', without a path`)
    }
    return url.origin
  })
}

function resolveRules(rules: readonly LimitRule[] | undefined): readonly LimitRule[] {
  const given = rules ?? [
    { points: 5, duration: 600 },
    { points: 10, duration: 86_400 },
  ]
  if (!Array.isArray(given) || given.length === 0 || given.length > 5) {
    throw invalid('limits.sendsPerNumber', 'an array of 1 to 5 rules')
  }
  return given.map((each, index) => rule(`limits.sendsPerNumber[${index}]`, each, 5, 600))
}

/** Whole seconds: rate-limiter-flexible makes a key without an end of anything under one. */
function rule(
  name: string,
  given: LimitRule | undefined,
  points: number,
  duration: number,
): LimitRule {
  return {
    points: whole(`${name}.points`, given?.points ?? points, 1, 1_000_000),
    duration: whole(`${name}.duration`, given?.duration ?? duration, 1, 86_400 * 31),
  }
}

function resolveFailures(given: Partial<FailureRule>): FailureRule {
  const name = 'limits.failuresPerNumber'
  const wait = whole(`${name}.wait`, given.wait ?? 30, 1, 3600)
  return {
    free: whole(`${name}.free`, given.free ?? 5, 1, 20),
    window: whole(`${name}.window`, given.window ?? 900, 60, 86_400),
    wait,
    maxWait: whole(`${name}.maxWait`, given.maxWait ?? 3600, wait, 86_400),
    // More than 100 tries in a row is what NIST SP 800-63B-4, 3.2.2, forbids.
    disableAt: whole(`${name}.disableAt`, given.disableAt ?? 100, 1, 100),
  }
}

function resolveFields(fields: Partial<FieldNames>): FieldNames {
  const resolved = { ...defaultFields }
  for (const [name, value] of Object.entries(fields)) {
    if (!Object.hasOwn(defaultFields, name))
      throw invalid(`fields.${name.slice(0, 40)}`, 'a known field')
    if (value === undefined) continue
    if (typeof value !== 'string' || !/^[\w-]{1,40}$/.test(value) || value === '__proto__') {
      throw invalid(`fields.${name}`, 'a name of letters, digits, hyphens and underscores')
    }
    resolved[name as keyof FieldNames] = value // hasOwn has looked
  }
  return resolved
}

function flag(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'true or false')
  return value === true
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(name, `a whole number from ${least} to ${most}`)
  }
  return value
}

function oneOf<T extends string>(name: string, value: unknown, values: readonly T[]): T {
  const found = values.find((each) => each === value)
  if (found === undefined) throw invalid(name, values.map((each) => `'${each}'`).join(' or '))
  return found
}

function invalid(name: string, expected: string): OtpError {
  return new OtpError('ERR_OTP_OPTIONS', `"${name}" must be ${expected}`)
}
