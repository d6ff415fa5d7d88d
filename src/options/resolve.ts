import { validateCountries } from '../input/countries.js'
import { type ValidationName, validationCodes } from '../setup/checks.js'
import { createMemoryStore, memoryStore } from '../store/memory.js'
import { type StepStore, storeOf } from '../store/store.js'
import { resolveChannels } from './channels.js'
import { resolveLimits, rule } from './limits.js'
import type {
  ConcurrencyOptions,
  CookieOptions,
  FieldNames,
  Knows,
  OtpOptions,
  ResolvedOptions,
  SendingEnabled,
} from './options.js'
import { type Challenge, countryCodes, resolveBudget, resolvePumping } from './spending.js'
import {
  type Check,
  flag,
  group,
  hook,
  invalid,
  list,
  oneOf,
  optional,
  resolveGroup,
  type Table,
  text,
  whole,
  withMethods,
} from './values.js'

/**
 * The one place where options are checked and defaults live. A message names the option and what was
 * expected, never the value.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`; `ERR_OTP_MISUSE` for the memory store in production
 */
export function resolveOptions(given: OtpOptions): ResolvedOptions {
  const { secret, store, origin, limits, budget, pumping, lifetime, voice, channels, ...rest } =
    resolveGroup('', given, table)
  const production = process.env.NODE_ENV === 'production'
  if (origin.length === 0 && production) {
    throw invalid('origin', `given when NODE_ENV is 'production'`)
  }
  if (rest.fallback === 'auto' && rest.knows) {
    throw invalid('fallback', `'ask' beside "knows": else it shows which numbers are known`)
  }
  const resolvedBudget = resolveBudget(budget, rest.countries)
  const resolvedLimits = resolveLimits(limits, resolvedBudget.perHour)
  return {
    ...rest,
    secrets: secret,
    store: store ?? defaultStore(production),
    origins: origin,
    production,
    channels: resolveChannels(channels, voice, origin),
    roomForLoopback: !production,
    lifetime: lifetime ?? 300,
    maxLifetime: lifetime ?? 600,
    limits: resolvedLimits,
    budget: resolvedBudget,
    pumping: resolvePumping(pumping, {
      production,
      asked: rest.challenge !== undefined,
      fromAddress: resolvedLimits.sendsPerAddress.points,
    }),
  }
}

/** The check `memoryStore` tells of the default, which production refuses. */
function defaultStore(production: boolean): StepStore {
  if (production) memoryStore()
  return createMemoryStore(() => performance.now())
}

const stored: Check<StepStore> = (name, value) => {
  const store = storeOf(value)
  if (store) return store
  throw invalid(name, 'a redisStore() or a memoryStore()')
}

const apiKey: Check<ResolvedOptions['apiKey']> = (name, value) => {
  if (typeof value === 'function') return value as () => string // what it gives is seen when it is asked
  if (typeof value === 'string' && value !== '' && value.trim() === value) return value
  throw invalid(name, 'a non-empty string without white space around it, or a function')
}

const secrets: Check<readonly (string | Uint8Array)[]> = (name, value) => {
  const all: readonly unknown[] = Array.isArray(value) ? [...value] : [value]
  if (all.length > 0 && all.every(isLongSecret)) return all
  throw invalid(name, '32 bytes or more, or a non-empty array of such')
}

function isLongSecret(secret: unknown): secret is string | Uint8Array {
  return (
    (typeof secret === 'string' || secret instanceof Uint8Array) && Buffer.byteLength(secret) >= 32
  )
}

const countries: Check<readonly string[] | 'any'> = (name, value) => {
  if (value === 'any') return value
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(name, `a non-empty array of ISO 3166-1 codes like ['DE', 'US'], or 'any'`)
  }
  const codes: readonly unknown[] = [...value]
  if (validateCountries(codes).length > 0) throw invalid(name, `made of ${countryCodes}`)
  return codes.map((code) => String(code).toUpperCase())
}

const origins: Check<readonly string[]> = (name, value) => {
  if (value === undefined) return []
  const all: readonly unknown[] = Array.isArray(value) ? [...value] : [value]
  if (all.length === 0) throw invalid(name, 'an origin, or a non-empty array of such')
  return all.map((each) => {
    if (typeof each === 'string' && isOrigin(each)) return each
    throw invalid(name, `an origin like 'https://login.example.com', without a path`)
  })
}

/** As a browser, or the web view of a hybrid app, writes it. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, protocol } = new URL(text)
  if (/^https?:$/.test(protocol)) return origin === text
  // Other schemes that browsers know have no origin, or one of which no page is.
  const known = /^(ftp|wss?|file|data|blob|about|javascript):$/.test(protocol)
  return !known && /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:[0-9]{1,5})?$/.test(text)
}

const cookieTable = {
  sameSite: [oneOf('lax', 'strict', 'none'), 'lax'],
  domain: [optional(cookieWord())],
  name: [optional(cookieWord())],
} satisfies Table<CookieOptions>

function cookieWord(): Check<string> {
  return text(/^[\w.-]{1,100}$/, 'letters, digits, dots, hyphens and underscores')
}

const field: Check<string> = (name, value) => {
  const expected = 'a name of letters, digits, hyphens and underscores'
  if (value === '__proto__') throw invalid(name, expected)
  return text(/^[\w-]{1,40}$/, expected)(name, value)
}

const fieldTable = {
  number: [field, 'number'],
  country: [field, 'country'],
  code: [field, 'code'],
  via: [field, 'via'],
  language: [field, 'language'],
  flow: [field, 'flow'],
  challenge: [field, 'challenge'],
} satisfies Table<FieldNames>

const validationNames = Object.keys(validationCodes) as ValidationName[] // its keys are the names

const validate: Check<ReadonlySet<ValidationName>> = (name, value) => {
  if (typeof value === 'boolean') return new Set(value ? validationNames : [])
  const switches: Table<Record<ValidationName, boolean>> = Object.assign(
    {},
    ...validationNames.map((each) => ({ [each]: [flag, true] })),
  )
  const on = resolveGroup(name, value, switches)
  return new Set(validationNames.filter((each) => on[each]))
}

/** What depends on another option is taken as it is, and resolved with it. */
const asGiven: Check<unknown> = (_name, value) => value

/** The client of tyntec looks at it. */
const asText: Check<string | undefined> = (_name, value) => value as string | undefined // or not

const table = {
  apiKey: [apiKey],
  secret: [secrets],
  countries: [countries],
  store: [optional(stored)],
  origin: [origins],
  name: [text(/^[\w-]{1,40}$/, 'a name of letters, digits, hyphens and underscores'), 'login'],
  baseUrl: [asText],
  applicationId: [optional(text(/^[!-~]{1,100}$/, 'the ID of an application at tyntec'))],
  pinLength: [whole(6, 10), 6],
  codeAlphabet: [oneOf('digits', 'alphanumeric'), 'digits'],
  lifetime: [optional(whole(30, 600))],
  attempts: [whole(1, 10), 3],
  resendWaits: [
    list(whole(1, 600), [0, 10], 'an array of at most 10 numbers of seconds'),
    [30, 60, 120],
  ],
  voice: [optional(flag)],
  channels: [asGiven],
  fallback: [oneOf('ask', 'auto'), 'ask'],
  limits: [asGiven, {}],
  budget: [asGiven, {}],
  pumping: [asGiven],
  guessing: [rule(200, 3600), {}],
  challenge: [hook<Challenge>()],
  sendingEnabled: [hook<SendingEnabled>()],
  knows: [hook<Knows>()],
  concurrency: [
    group({
      sends: [whole(1, 1000), 50],
      checks: [whole(1, 1000), 50],
    } satisfies Table<ConcurrencyOptions>),
    {},
  ],
  revealAttempts: [flag, false],
  binding: [oneOf('cookie', 'session', 'token'), 'cookie'],
  cookie: [group(cookieTable), {}],
  fields: [group(fieldTable), {}],
  onEvent: [hook<NonNullable<OtpOptions['onEvent']>>()],
  logger: [optional(withMethods<NonNullable<OtpOptions['logger']>>(['info', 'warn', 'error']))],
  meter: [
    optional(withMethods<NonNullable<OtpOptions['meter']>>(['createCounter', 'createHistogram'])),
  ],
  validate: [validate, true],
} satisfies Table<OtpOptions>
