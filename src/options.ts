import { OtpError } from './errors.js'
import type { OtpEventListener } from './events.js'
import type { OtpLogger } from './log.js'
import type { OtpMeter } from './metrics.js'
import { validateCountries } from './number.js'
import { createMemoryStore, memoryStore } from './store/memory.js'
import type { Channel, Suspicion } from './outcomes.js'
import type { OtpStore } from './store/store.js'
import { type ValidateOption, type ValidationName, validationCodes } from './validate.js'

/** So many in so many seconds. */
export interface LimitRule {
  points: number
  /** Whole seconds, up to 31 days; for most limits on `memoryStore()` up to 24. */
  duration: number
}

/**
 * Each takes part alone: giving one leaves the others as they are. Whoever meets one is told
 * `rate_limited`, with `retryAfter`; the operator hears of it by the event `limit.hit`. Two refuse nobody:
 * `failuresInAll`, and `failuresPerDevice`, above which failures are those of any browser.
 */
export interface LimitOptions {
  /**
   * Messages to one number, resends among them. All rules hold.
   *
   * @default [{ points: 5, duration: 600 }, { points: 10, duration: 86400 }]
   */
  sendsPerNumber?: readonly LimitRule[] | undefined
  /**
   * Calls to one number, which count as messages too. All rules hold, for known browsers as well. The
   * event calls it `sends_per_number`.
   *
   * @default [{ points: 1, duration: 600 }, { points: 2, duration: 86400 }]
   */
  callsPerNumber?: readonly LimitRule[] | undefined
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
   * Different numbers with failed checks from one address.
   *
   * @default { points: 10, duration: 3600 }
   */
  failedNumbersPerAddress?: LimitRule | undefined
  /**
   * Failed checks of the whole app. Above it there is the event `guessing.suspected`, and `challenge`
   * gets the reason `guessing`. Nothing is refused by it.
   *
   * @default { points: 200, duration: 3600 }
   */
  failuresInAll?: LimitRule | undefined
  /**
   * Failed checks that a browser which has signed in with the number before has to itself.
   *
   * @default { points: 10, duration: 3600 }
   */
  failuresPerDevice?: LimitRule | undefined
  /**
   * Messages that such a browser can get when strangers have used up those of its number. All such
   * browsers of a number have twice as many together. The event calls it `sends_per_number`.
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

/** Messages, and what they cost. */
export interface BudgetOptions {
  /** @default 300 */
  perHour?: number | undefined
  /** @default 2000 */
  perDay?: number | undefined
  /**
   * Messages a day to one country: one figure for each, or by ISO 3166-1 code with `default` for the others.
   *
   * @default no limit of its own
   */
  perCountryPerDay?: number | Readonly<Record<string, number>> | undefined
  /**
   * A ceiling in money. Prices and ceiling are in one currency, whichever it is, to 1/10000.
   *
   * @default none
   */
  money?: MoneyOptions | undefined
}

export interface MoneyOptions {
  /** A day's ceiling, over 0 and at most 1,000,000. */
  perDay: number
  /**
   * What a message costs, by ISO 3166-1 code, with `default` for the others. Every country that is
   * allowed needs a price.
   */
  prices: Readonly<Record<string, number | { sms: number; voice: number }>>
}

/** When messages without a sign-in look like pumping. */
export interface PumpingOptions {
  /** @default as for `pumping` */
  mode?: 'shadow' | 'enforce' | undefined
  /** To one country. What is older than 12 hours weighs half. @default { free: 20, share: 0.4 } */
  country?: Partial<PumpingRule> | undefined
  /**
   * From one address. What is older than 12 hours weighs half.
   *
   * @default { free: 10, or the points of limits.sendsPerAddress if they are more, share: 0.4 }
   */
  address?: Partial<PumpingRule> | undefined
  /**
   * To the thousand numbers that differ in the last three digits only. What is older than an hour weighs
   * half.
   *
   * @default { free: 10, share: 0.5 }
   */
  range?: Partial<PumpingRule> | undefined
  /** Countries that one address may send to in a day. @default 3 */
  countriesPerAddress?: number | undefined
}

/** Suspicious are more than `free` messages without a sign-in, plus `share` for each sign-in. */
export interface PumpingRule {
  free: number
  share: number
}

/** What a challenge is asked about. */
export interface ChallengeRequest {
  /** What looks odd, nothing for most messages. With `pumping: 'shadow'` at the most `guessing`. */
  reasons: readonly Suspicion[]
  /** The field `challenge` of the body. */
  token: string | undefined
  /** E.164. */
  number: string
  /** ISO 3166-1. */
  country: string
  via: Channel
  /** As the framework has it. */
  address: unknown
}

/** Says whether the message may go out. */
export type Challenge = (request: ChallengeRequest) => boolean | Promise<boolean>

/** See `LimitOptions.failuresPerNumber`. */
export interface FailureRule {
  /** 1 to 20. */
  free: number
  /** Seconds, 60 to 86,400. */
  window: number
  /** Seconds, 1 to 3,600. */
  wait: number
  /** Seconds, up to 86,400. */
  maxWait: number
  /** 1 to 100. */
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
  /** @default '__Host-otp'; over plain http, and with `domain`, 'otp' */
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
  challenge: string
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
   * What the messages of the whole app may come to. At 80 % there is an event, at 100 % nothing is
   * sent: `ERR_OTP_BUDGET`, a 503.
   *
   * @default { perHour: 300, perDay: 2000 }
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
  sendingEnabled?: (() => boolean | Promise<boolean>) | undefined

  /**
   * `login-only`: only numbers that `knows` get a message. All others get the same answers, of which
   * none tells that they are not known: see SECURITY.md.
   *
   * @default 'login-or-signup'
   */
  mode?: 'login-or-signup' | 'login-only' | undefined

  /**
   * For `login-only`, and only there, else `ERR_OTP_OPTIONS`: whether somebody can sign in with this
   * number (E.164). When it throws, or has no answer after 3 s, nothing is sent:
   * `ERR_OTP_PROVIDER_UNAVAILABLE`, a 503.
   *
   * @default none
   */
  knows?: ((number: string) => boolean | Promise<boolean>) | undefined

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
   * Checks of how the app is set up, at the start and at the first request. Each tells once, by a warning of
   * the process and an event `misuse`. `false` switches all of them off, `{ name: false }` one. What would
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
    callsPerNumber: readonly LimitRule[]
    sendsPerAddress: LimitRule
    failuresPerAddress: LimitRule
    failedNumbersPerAddress: LimitRule
    failuresInAll: LimitRule
    failuresPerDevice: LimitRule
    sendsPerDevice: LimitRule
    failuresPerNumber: FailureRule
  }
  budget: ResolvedBudget
  pumping: ResolvedPumping
  challenge: Challenge | undefined
  sendingEnabled: (() => boolean | Promise<boolean>) | undefined
  /** There when only known numbers get messages. */
  knows: ((number: string) => boolean | Promise<boolean>) | undefined
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

export interface ResolvedBudget {
  perHour: number
  perDay: number
  perCountryPerDay: (country: string) => number | undefined
  /** In points, of which `scale` are one unit of the currency. */
  money:
    | { perDay: number; scale: number; priceOf: (country: string, via: Channel) => number }
    | undefined
}

export interface ResolvedPumping {
  enforced: Readonly<Record<Exclude<Suspicion, 'guessing'>, boolean>>
  country: PumpingRule
  address: PumpingRule
  range: PumpingRule
  countriesPerAddress: number
}

/** What the layer between HTTP and flow may see: nothing that opens anything. */
export type HttpOptions = Pick<
  ResolvedOptions,
  'origins' | 'production' | 'revealAttempts' | 'binding' | 'cookie' | 'fields' | 'validate'
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
  'pumping',
  'challenge',
  'sendingEnabled',
  'mode',
  'knows',
  'concurrency',
  'revealAttempts',
  'binding',
  'cookie',
  'fields',
  'onEvent',
  'logger',
  'meter',
  'validate',
] satisfies (keyof OtpOptions)[])

const validationNames = Object.keys(validationCodes) as ValidationName[] // its keys are the names

/** What the groups may hold. A name that is left out does not compile. */
type Names<Group> = Record<keyof Group, true>
const cookieNames: Names<CookieOptions> = { sameSite: true, domain: true, name: true }
const concurrencyNames: Names<NonNullable<OtpOptions['concurrency']>> = {
  sends: true,
  checks: true,
}
const budgetNames: Names<BudgetOptions> = {
  perHour: true,
  perDay: true,
  perCountryPerDay: true,
  money: true,
}
const moneyNames: Names<MoneyOptions> = { perDay: true, prices: true }
const limitNames: Names<LimitOptions> = {
  sendsPerNumber: true,
  callsPerNumber: true,
  sendsPerAddress: true,
  failuresPerAddress: true,
  failedNumbersPerAddress: true,
  failuresInAll: true,
  failuresPerDevice: true,
  sendsPerDevice: true,
  failuresPerNumber: true,
}
const ruleNames: Names<LimitRule> = { points: true, duration: true }
const failureNames: Names<FailureRule> = {
  free: true,
  window: true,
  wait: true,
  maxWait: true,
  disableAt: true,
}
const pumpingNames: Names<PumpingOptions> = {
  mode: true,
  country: true,
  address: true,
  range: true,
  countriesPerAddress: true,
}
const pumpingRuleNames: Names<PumpingRule> = { free: true, share: true }

const defaultFields: FieldNames = {
  number: 'number',
  country: 'country',
  code: 'code',
  via: 'via',
  language: 'language',
  flow: 'flow',
  challenge: 'challenge',
}

/**
 * The one place where defaults live and options are checked. A message names the option and what was
 * expected, never the value.
 */
export function resolveOptions(given: OtpOptions): ResolvedOptions {
  if (typeof given !== 'object' || given === null) throw invalid('options', 'an object')
  const options = ownOptions(given)
  const unknown = Object.keys(options).find((name) => !optionNames.has(name))
  if (unknown !== undefined) throw invalid(shown(unknown), 'an option of createOtpFlow')

  checkGroups(options)
  const production = process.env.NODE_ENV === 'production'
  const {
    apiKey,
    countries,
    cookie = bare,
    budget = bare,
    limits = bare,
    concurrency = bare,
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
    if (value === undefined) continue
    if (typeof value !== 'string' || !/^[\w.-]{1,100}$/.test(value)) {
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
    store: resolveStore(options.store, production),
    origins: resolveOrigins(options.origin, production),
    production,
    baseUrl: options.baseUrl,
    applicationId: resolveApplication(options.applicationId),
    pinLength: whole('pinLength', options.pinLength ?? 6, 6, 10),
    lifetime: whole('lifetime', lifetime ?? 300, 30, 600),
    maxLifetime: lifetime ?? 600,
    attempts: whole('attempts', options.attempts ?? 3, 1, 10),
    resendWaits: [...resendWaits].map((wait, index) =>
      whole(`resendWaits[${index}]`, wait, 1, 600),
    ),
    voice: flag('voice', options.voice),
    limits: {
      sendsPerNumber: resolveRules('limits.sendsPerNumber', limits.sendsPerNumber, 5, 10),
      callsPerNumber: resolveRules('limits.callsPerNumber', limits.callsPerNumber, 1, 2),
      sendsPerAddress: rule('limits.sendsPerAddress', limits.sendsPerAddress, 10, 3600),
      failuresPerAddress: rule('limits.failuresPerAddress', limits.failuresPerAddress, 20, 3600),
      failedNumbersPerAddress: rule(
        'limits.failedNumbersPerAddress',
        limits.failedNumbersPerAddress,
        10,
        3600,
      ),
      failuresInAll: rule('limits.failuresInAll', limits.failuresInAll, 200, 3600),
      failuresPerDevice: rule('limits.failuresPerDevice', limits.failuresPerDevice, 10, 3600),
      sendsPerDevice: rule('limits.sendsPerDevice', limits.sendsPerDevice, 3, 86_400),
      failuresPerNumber: resolveFailures(limits.failuresPerNumber ?? bare),
    },
    budget: resolveBudget(budget, countries),
    pumping: resolvePumping(options, production, limits.sendsPerAddress?.points ?? 10),
    challenge: hook('challenge', options.challenge),
    sendingEnabled: hook('sendingEnabled', options.sendingEnabled),
    knows: resolveKnows(options),
    concurrency: {
      sends: whole('concurrency.sends', concurrency.sends ?? 50, 1, 1000),
      checks: whole('concurrency.checks', concurrency.checks ?? 50, 1, 1000),
    },
    revealAttempts: flag('revealAttempts', options.revealAttempts),
    binding,
    cookie: { sameSite, domain: cookie.domain, name: cookie.name },
    fields: resolveFields(options.fields ?? bare),
    onEvent: hook('onEvent', options.onEvent),
    logger: withMethods('logger', options.logger, ['info', 'warn', 'error']),
    meter: withMethods('meter', options.meter, ['createCounter', 'createHistogram']),
    validate: resolveValidate(options.validate),
  }
}

/** The check `memoryStore` tells of the default, which production refuses. */
function resolveStore(store: OtpStore | undefined, production: boolean): OtpStore {
  if (store === undefined) {
    return production ? memoryStore() : createMemoryStore(() => performance.now())
  }
  return withMethods('store', store, ['reserveSend', 'claimCheck', 'limiter'], 'a redisStore()')
}

function resolveApplication(applicationId: unknown): string | undefined {
  if (applicationId === undefined) return undefined
  if (typeof applicationId === 'string' && /^[!-~]{1,100}$/.test(applicationId))
    return applicationId
  throw invalid('applicationId', 'the ID of an application at tyntec')
}

function resolveValidate(given: unknown = true): ReadonlySet<ValidationName> {
  if (typeof given === 'boolean') return new Set(given ? validationNames : [])
  const switches: Record<string, unknown> = { ...group('validate', given, validationCodes) }
  return new Set(validationNames.filter((name) => flag(`validate.${name}`, switches[name] ?? true)))
}

/** A price of one tenth of a cent is ten points. */
const pointsPerUnit = 10_000

function resolveBudget(
  { perHour = 300, perDay = 2000, perCountryPerDay, money }: BudgetOptions,
  countries: OtpOptions['countries'],
): ResolvedBudget {
  return {
    perHour: whole('budget.perHour', perHour, 1, 10_000_000),
    perDay: whole('budget.perDay', perDay, 1, 100_000_000),
    perCountryPerDay: byCountry('budget.perCountryPerDay', perCountryPerDay, (name, value) =>
      whole(name, value, 1, 100_000_000),
    ),
    money: money === undefined ? undefined : resolveMoney(money, countries),
  }
}

function resolveMoney(
  money: MoneyOptions,
  countries: OtpOptions['countries'],
): NonNullable<ResolvedBudget['money']> {
  const name = 'budget.money'
  if (typeof money !== 'object' || money === null) throw invalid(name, 'an object')
  if (typeof money.prices !== 'object' || money.prices === null) {
    throw invalid(`${name}.prices`, `prices by ISO 3166-1 code, with 'default' for the others`)
  }
  const price = byCountry(`${name}.prices`, money.prices, (name, value) => {
    if (typeof value !== 'object') return { sms: points(name, value), voice: points(name, value) }
    return {
      sms: points(`${name}.sms`, value?.sms),
      voice: points(`${name}.voice`, value?.voice),
    }
  })
  const priced = countries === 'any' ? ['default'] : countries
  // Without a price a country would be free.
  if (!priced.every((country) => price(country.toUpperCase()))) {
    throw invalid(`${name}.prices`, `complete: each of "countries", or 'default'`)
  }
  return {
    perDay: points(`${name}.perDay`, money.perDay),
    scale: pointsPerUnit,
    priceOf: (country, via) => price(country)?.[via] ?? Number.POSITIVE_INFINITY,
  }
}

/** Rounded up: less than the smallest step is not free. */
function points(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1_000_000)) {
    throw invalid(name, 'an amount over 0 and at most 1000000')
  }
  return Math.ceil(value * pointsPerUnit - 1e-6)
}

/** One value for all countries, or some by their code. */
function byCountry<V, R>(
  name: string,
  given: V | Readonly<Record<string, V>> | undefined,
  resolve: (name: string, value: V) => R,
): (country: string) => R | undefined {
  if (given === undefined) return () => undefined
  if (typeof given !== 'object' || given === null) {
    const all = resolve(name, given)
    return () => all
  }
  const values = new Map<string, R>()
  for (const [country, value] of Object.entries(given as Readonly<Record<string, V>>)) {
    if (country !== 'default' && validateCountries([country]).length > 0) {
      throw invalid(name, `made of ${countryCodes}, and 'default'`)
    }
    const code = country === 'default' ? country : country.toUpperCase()
    values.set(code, resolve(`${name}.${code}`, value))
  }
  return (country) => values.get(country) ?? values.get('default')
}

function resolvePumping(
  { pumping: given, challenge }: OtpOptions,
  production: boolean,
  fromAddress: number,
): ResolvedPumping {
  const options: PumpingOptions = typeof given === 'string' ? bare : (given ?? bare)
  if (typeof options !== 'object') throw invalid('pumping', `'shadow', 'enforce' or an object`)
  const named = typeof given === 'string' ? given : options.mode
  const mode =
    named === undefined ? undefined : oneOf('pumping', named, ['shadow', 'enforce'] as const)
  const enforced = mode === undefined ? production : mode === 'enforce'
  const resolve = (by: 'country' | 'address' | 'range', free: number, share: number) => ({
    free: whole(`pumping.${by}.free`, options[by]?.free ?? free, 1, 1_000_000),
    share: between(`pumping.${by}.share`, options[by]?.share ?? share, 0, 10),
  })
  return {
    enforced: {
      // Twenty messages of one stranger would close a country for everybody who is new: where nobody
      // has asked for that, people need a way through.
      country: enforced && (mode === 'enforce' || challenge !== undefined),
      address: enforced,
      range: enforced,
      countries: enforced,
    },
    country: resolve('country', 20, 0.4),
    // Who has raised the limit of an address expects many people there.
    address: resolve('address', Math.max(10, fromAddress), 0.4),
    range: resolve('range', 10, 0.5),
    countriesPerAddress: whole(
      'pumping.countriesPerAddress',
      options.countriesPerAddress ?? 3,
      1,
      1000,
    ),
  }
}

function resolveKnows({ mode, knows }: OtpOptions): ResolvedOptions['knows'] {
  const only = oneOf('mode', mode ?? 'login-or-signup', ['login-or-signup', 'login-only'])
  if ((only === 'login-only') !== (typeof knows === 'function')) {
    throw invalid('knows', `a function with mode 'login-only', and not there without it`)
  }
  return knows
}

function withMethods<T>(
  name: string,
  value: T,
  methods: readonly string[],
  expected = `an object with ${methods.join('(), ')}()`,
): T {
  const has = (method: string) =>
    typeof (value as Record<string, unknown> | null)?.[method] === 'function' // whatever it is
  if (value === undefined || methods.every(has)) return value
  throw invalid(name, expected)
}

function hook<F>(name: string, value: F): F {
  if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function')
  return value
}

function resolveSecrets(secret: OtpOptions['secret']): readonly (string | Uint8Array)[] {
  // Spread, as all arrays here are: `every` and `map` pass over the holes of a sparse one.
  const secrets: readonly unknown[] = Array.isArray(secret) ? [...secret] : [secret]
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

/** Antarctica has a code and no numbers that the library knows. */
const countryCodes = 'ISO 3166-1 codes of two letters, of countries whose phone numbers are known'

function checkCountries(countries: unknown): void {
  if (countries === 'any') return
  if (!Array.isArray(countries) || countries.length === 0) {
    throw invalid('countries', `a non-empty array of ISO 3166-1 codes like ['DE', 'US'], or 'any'`)
  }
  if (validateCountries([...countries]).length > 0) {
    throw invalid('countries', `made of ${countryCodes}`)
  }
}

function resolveOrigins(origin: OtpOptions['origin'], production: boolean): readonly string[] {
  if (origin === undefined) {
    if (production) throw invalid('origin', `given when NODE_ENV is 'production'`)
    return []
  }
  const origins: readonly unknown[] = Array.isArray(origin) ? [...origin] : [origin]
  if (origins.length === 0) throw invalid('origin', 'an origin, or a non-empty array of such')
  return origins.map((each) => {
    const url = typeof each === 'string' && URL.canParse(each) ? new URL(each) : undefined
    if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.origin !== each) {
      throw invalid('origin', `an origin like 'https://login.example.com', without a path`)
    }
    return url.origin
  })
}

function resolveRules(
  name: string,
  rules: readonly LimitRule[] | undefined,
  ofTenMinutes: number,
  ofDay: number,
): readonly LimitRule[] {
  const given = rules ?? [
    { points: ofTenMinutes, duration: 600 },
    { points: ofDay, duration: 86_400 },
  ]
  if (!Array.isArray(given) || given.length === 0 || given.length > 5) {
    throw invalid(name, 'an array of 1 to 5 rules')
  }
  return [...given].map((each, index) => {
    const one = `${name}[${index}]`
    return rule(one, group(one, each, ruleNames), ofTenMinutes, 600)
  })
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
    if (!Object.hasOwn(defaultFields, name)) throw invalid(`fields.${shown(name)}`, 'a known field')
    if (value === undefined) continue
    if (typeof value !== 'string' || !/^[\w-]{1,40}$/.test(value) || value === '__proto__') {
      throw invalid(`fields.${name}`, 'a name of letters, digits, hyphens and underscores')
    }
    resolved[name as keyof FieldNames] = value // hasOwn has looked
  }
  return resolved
}

/** @throws {OtpError} when it is no object, or holds what is not one of the names */
function group<T>(name: string, given: T, names: object): T & object {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(name, 'an object')
  }
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(names, key))
  // A name that is slightly off would leave a default in place of what was meant.
  if (unknown !== undefined) throw invalid(`${name}.${shown(unknown)}`, `a part of "${name}"`)
  return given
}

/** A name that somebody else may have chosen. */
function shown(name: string): string {
  return name.slice(0, 40).replaceAll(/[^\w-]/g, '?')
}

/** No options: not even those of a polluted prototype. */
const bare = Object.freeze(Object.create(null) as Readonly<Record<string, undefined>>) // it is empty

const groups = [
  'cookie',
  'budget',
  'limits',
  'concurrency',
  'fields',
  'pumping',
  'validate',
] as const

/** Only what the app itself has written, whatever every object of the process has. */
function ownOptions(given: OtpOptions): OtpOptions {
  const options = Object.assign(Object.create(null) as OtpOptions, given)
  for (const name of groups) Object.assign(options, { [name]: ownValues(options[name]) })
  return options
}

function ownValues(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const values = Object.entries(value).map(([name, each]) => [name, ownValues(each)] as const)
  return Object.assign(Object.create(null) as object, Object.fromEntries(values))
}

function checkGroups(options: OtpOptions): void {
  const { limits, budget, pumping } = options
  const check = (name: string, given: unknown, names: object) => {
    if (given !== undefined) group(name, given, names)
  }
  check('cookie', options.cookie, cookieNames)
  check('fields', options.fields, defaultFields)
  check('concurrency', options.concurrency, concurrencyNames)
  check('budget', budget, budgetNames)
  check('budget.money', budget?.money, moneyNames)
  check('limits', limits, limitNames)
  for (const [name, rule] of Object.entries(limits ?? {})) {
    if (name === 'sendsPerNumber' || name === 'callsPerNumber') continue
    check(`limits.${name}`, rule, name === 'failuresPerNumber' ? failureNames : ruleNames)
  }
  if (typeof pumping !== 'object') return
  check('pumping', pumping, pumpingNames)
  for (const by of ['country', 'address', 'range'] as const) {
    check(`pumping.${by}`, pumping?.[by], pumpingRuleNames)
  }
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

function between(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw invalid(name, `a number from ${least} to ${most}`)
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
