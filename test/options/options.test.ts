import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { createOtpFlow } from '../../src/flow/index.js'
import type { OtpOptions } from '../../src/options/options.js'
import { resolveOptions } from '../../src/options/resolve.js'
import { createMemoryStore, memoryStore } from '../../src/store/memory.js'
import { redisStore } from '../../src/store/redis.js'
import { toOpaque } from '../../src/store/store.js'
import { validationCodes } from '../../src/setup/checks.js'
import { createRedis } from '../support/redis.js'

const secret = 'a secret of the app that is long enough'
const inner = createMemoryStore(() => 0)
const store = toOpaque(inner)

function resolve(options: object = {}) {
  const given: object = { apiKey: 'key', secret, countries: ['DE'], store, ...options }
  return resolveOptions(given as OtpOptions) // what a caller without types may give
}

/** An array with holes, which `map` and `every` pass over. */
function sparse(length: number): unknown[] {
  return Object.assign([], { length })
}

function refusal(options: object): string {
  try {
    resolve(options)
  } catch (error) {
    if (error instanceof OtpError && error.code === 'ERR_OTP_OPTIONS') return error.message
    throw error
  }
  throw new Error(`it was taken: ${JSON.stringify(options)}`)
}

test('the defaults are the safe settings', () => {
  expect(resolve()).toEqual({
    apiKey: 'key',
    secrets: [secret],
    countries: ['DE'],
    store: inner,
    origins: [],
    name: 'login',
    production: false,
    roomForLoopback: true,
    baseUrl: undefined,
    applicationId: undefined,
    pinLength: 6,
    codeAlphabet: 'digits',
    lifetime: 300,
    maxLifetime: 600,
    attempts: 3,
    resendWaits: [30, 60, 120],
    channels: new Map([['sms', { carrier: 'two-factor', voice: false }]]),
    fallback: 'ask',
    limits: {
      sendsPerNumber: [
        { points: 5, duration: 600 },
        { points: 10, duration: 86_400 },
      ],
      callsPerNumber: [
        { points: 1, duration: 600 },
        { points: 2, duration: 86_400 },
      ],
      sendsPerAddress: { points: 10, duration: 3600 },
      sendsPerSite: { points: 50, duration: 3600 },
      messagesPerAddressAndNumber: [
        { points: 4, duration: 600 },
        { points: 6, duration: 86_400 },
      ],
      waitsPerAddress: { points: 60, duration: 600 },
      failuresPerAddress: { points: 20, duration: 3600 },
      failedNumbersPerAddress: { points: 10, duration: 3600 },
      knownBrowser: {
        failures: { points: 10, duration: 3600 },
        sends: { points: 3, duration: 86_400 },
      },
      failuresPerNumber: { free: 5, window: 900, wait: 30, maxWait: 3600, disableAt: 100 },
    },
    budget: {
      perHour: 300,
      perDay: 2000,
      reserve: 0.1,
      perCountryPerDay: expect.any(Function),
      money: undefined,
    },
    pumping: {
      enforced: { country: false, address: false, range: false, countries: false },
      country: { free: 20, share: 0.4 },
      address: { free: 10, share: 0.4 },
      range: { free: 10, share: 0.5 },
      countriesPerAddress: 3,
    },
    guessing: { points: 200, duration: 3600 },
    challenge: undefined,
    sendingEnabled: undefined,
    knows: undefined,
    concurrency: { sends: 50, checks: 50 },
    revealAttempts: false,
    binding: 'cookie',
    cookie: { sameSite: 'lax', domain: undefined, name: undefined },
    fields: {
      number: 'number',
      country: 'country',
      code: 'code',
      via: 'via',
      language: 'language',
      flow: 'flow',
      challenge: 'challenge',
    },
    onEvent: undefined,
    logger: undefined,
    meter: undefined,
    validate: new Set(Object.keys(validationCodes)),
  })
})

test('one limit can be changed without the others', () => {
  expect(
    resolve({ limits: { failuresPerNumber: { free: 3 } }, budget: { perHour: 5 } }),
  ).toMatchObject({
    limits: {
      sendsPerAddress: { points: 10, duration: 3600 },
      failuresPerNumber: { free: 3, window: 900, wait: 30, maxWait: 3600, disableAt: 100 },
    },
    budget: { perHour: 5, perDay: 2000 },
  })
})

test.each([
  [{}, { points: 50, duration: 3600 }],
  [{ budget: { perHour: 1200 } }, { points: 200, duration: 3600 }],
  [{ limits: { sendsPerAddress: { points: 90 } } }, { points: 450, duration: 3600 }],
  [{ limits: { sendsPerAddress: { points: 1, duration: 60 } } }, { points: 5, duration: 60 }],
  [{ limits: { sendsPerSite: { points: 7, duration: 60 } } }, { points: 7, duration: 60 }],
])('%j gives a site of addresses its messages', (options, sendsPerSite) => {
  expect(resolve(options).limits.sendsPerSite).toEqual(sendsPerSite)
})

test.each(['capacitor://localhost', 'ionic://localhost', 'https://localhost', 'app://x.y:8080'])(
  '%s is an origin',
  (origin) => {
    expect(resolve({ origin }).origins).toEqual([origin])
  },
)

test('in production this machine has no room of its own', () => {
  vi.stubEnv('NODE_ENV', 'production')
  expect(resolve({ origin: 'https://login.example.com' }).roomForLoopback).toBe(false)
})

describe('an option is refused', () => {
  const noNumbers = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', {}, true]
  const whole: [string, (value: unknown) => object, unknown[]][] = [
    ['pinLength', (value) => ({ pinLength: value }), [4, 5, 11]],
    ['lifetime', (value) => ({ lifetime: value }), [29, 601]],
    ['attempts', (value) => ({ attempts: value }), [11]],
    ['resendWaits[0]', (value) => ({ resendWaits: [value] }), [601]],
    [
      'limits.sendsPerNumber[0].points',
      (value) => ({ limits: { sendsPerNumber: [{ points: value, duration: 60 }] } }),
      [],
    ],
    [
      'limits.sendsPerNumber[0].duration',
      (value) => ({ limits: { sendsPerNumber: [{ points: 1, duration: value }] } }),
      [86_400 * 32],
    ],
    [
      'limits.sendsPerAddress.points',
      (value) => ({ limits: { sendsPerAddress: { points: value, duration: 60 } } }),
      [],
    ],
    [
      'limits.sendsPerAddress.duration',
      (value) => ({ limits: { sendsPerAddress: { points: 1, duration: value } } }),
      [],
    ],
    [
      'limits.failuresPerAddress.points',
      (value) => ({ limits: { failuresPerAddress: { points: value, duration: 60 } } }),
      [],
    ],
    [
      'limits.failuresPerNumber.free',
      (value) => ({ limits: { failuresPerNumber: { free: value } } }),
      [21],
    ],
    [
      'limits.failuresPerNumber.window',
      (value) => ({ limits: { failuresPerNumber: { window: value } } }),
      [59],
    ],
    [
      'limits.failuresPerNumber.wait',
      (value) => ({ limits: { failuresPerNumber: { wait: value } } }),
      [3601],
    ],
    [
      'limits.failuresPerNumber.maxWait',
      (value) => ({ limits: { failuresPerNumber: { maxWait: value } } }),
      [29],
    ],
    [
      'limits.failuresPerNumber.disableAt',
      (value) => ({ limits: { failuresPerNumber: { disableAt: value } } }),
      [101],
    ],
    ['budget.perHour', (value) => ({ budget: { perHour: value } }), []],
    ['budget.perDay', (value) => ({ budget: { perDay: value } }), []],
    ['concurrency.sends', (value) => ({ concurrency: { sends: value } }), [1001]],
    ['concurrency.checks', (value) => ({ concurrency: { checks: value } }), [1001]],
  ]

  // proves: ATT-9, CODE-1
  test.each(whole)('when %s is no number that protects', (name, options, more) => {
    for (const value of [...noNumbers, ...more]) {
      expect(refusal(options(value))).toContain(`"${name}" must be a whole number`)
    }
  })

  test.each<[string, object]>([
    ['apiKey', { apiKey: undefined }],
    ['apiKey', { apiKey: '' }],
    ['apiKey', { apiKey: ' key' }],
    ['apiKey', { apiKey: 5 }],
    ['secret', { secret: undefined }],
    ['secret', { secret: 'thirty-one bytes are not enough' }],
    ['secret', { secret: new Uint8Array(31) }],
    ['secret', { secret: [] }],
    ['secret', { secret: [secret, 'short'] }],
    ['secret', { secret: { length: 64 } }],
    ['countries', { countries: undefined }],
    ['countries', { countries: [] }],
    ['countries', { countries: 'DE' }],
    ['countries', { countries: ['Germany'] }],
    ['countries', { countries: ['DE', 'XX'] }],
    ['countries', { countries: ['DE', null] }],
    ['origin', { origin: 'login.example.com' }],
    ['origin', { origin: 'https://login.example.com/' }],
    ['origin', { origin: 'https://login.example.com/path' }],
    ['origin', { origin: 'https://user@login.example.com' }],
    ['origin', { origin: 'ftp://login.example.com' }],
    ['origin', { origin: 'null' }],
    ['origin', { origin: 'capacitor://localhost/' }],
    ['origin', { origin: 'Capacitor://localhost' }],
    ['origin', { origin: 'capacitor://user@localhost' }],
    ['origin', { origin: 'capacitor://' }],
    ['origin', { origin: 'wss://login.example.com' }],
    ['origin', { origin: 'file://localhost' }],
    ['origin', { origin: 'javascript://localhost' }],
    ['name', { name: '' }],
    ['name', { name: 'a{b}' }],
    ['name', { name: 'a:b' }],
    ['name', { name: 'a'.repeat(41) }],
    ['name', { name: 5 }],
    ['codeAlphabet', { codeAlphabet: 'hex' }],
    ['mode', { mode: 'login-only', knows: () => true }],
    ['knows', { knows: true }],
    ['guessing.points', { guessing: { points: 0 } }],
    ['budget.reserve', { budget: { reserve: 0.91 } }],
    ['budget.reserve', { budget: { reserve: -0.1 } }],
    ['budget.reserve', { budget: { reserve: Number.NaN } }],
    ['origin', { origin: ['https://login.example.com', 'evil'] }],
    ['secret', { secret: sparse(1) }],
    ['countries', { countries: sparse(2) }],
    ['origin', { origin: sparse(1) }],
    ['resendWaits[0]', { resendWaits: sparse(2) }],
    ['limits.sendsPerNumber[0]', { limits: { sendsPerNumber: sparse(2) } }],
    ['resendWaits', { resendWaits: 30 }],
    ['resendWaits', { resendWaits: Array(11).fill(30) }],
    ['limits.sendsPerNumber', { limits: { sendsPerNumber: [] } }],
    ['limits.callsPerNumber', { limits: { callsPerNumber: [] } }],
    ['limits.sendsPerNumber', { limits: { sendsPerNumber: { points: 1, duration: 60 } } }],
    ['voice', { voice: 'yes' }],
    ['revealAttempts', { revealAttempts: 1 }],
    ['binding', { binding: 'header' }],
    ['cookie.sameSite', { cookie: { sameSite: 'off' } }],
    ['cookie.name', { cookie: { name: 'a;b' } }],
    ['cookie.domain', { cookie: { domain: 'a b' } }],
    ['fields.number', { fields: { number: 'a b' } }],
    ['fields.number', { fields: { number: '__proto__' } }],
    ['fields.nummer', { fields: { nummer: 'n' } }],
    ['store', { store: {} }],
    ['store', { store: null }],
    ['store', { store: { reserveSend() {} } }],
    ['onEvent', { onEvent: 5 }],
    ['logger', { logger: {} }],
    ['logger', { logger: { info() {}, warn() {} } }],
    ['meter', { meter: {} }],
    ['applicationId', { applicationId: 5 }],
    ['applicationId', { applicationId: 'a b' }],
    ['cookie', { cookie: null }],
    ['cookie', { cookie: [] }],
    ['cookie.samesite', { cookie: { samesite: 'none' } }],
    ['cookie.name', { cookie: { name: 5 } }],
    ['cookie.domain', { cookie: { domain: ['example.com'] } }],
    ['budget', { budget: 5 }],
    ['budget.perMonth', { budget: { perMonth: 5 } }],
    ['budget.money.perHour', { budget: { money: { perDay: 5, prices: { DE: 1 }, perHour: 1 } } }],
    ['concurrency.send', { concurrency: { send: 5 } }],
    ['limits.a??', { limits: { 'a"\n': [] } }],
    ['limits.sendsPerNumbers', { limits: { sendsPerNumbers: [] } }],
    ['limits.sendsPerAddress', { limits: { sendsPerAddress: 5 } }],
    ['limits.sendsPerSite', { limits: { sendsPerSite: 5 } }],
    ['limits.waitsPerAddress.points', { limits: { waitsPerAddress: { points: 0 } } }],
    ['limits.messagesPerAddressAndNumber', { limits: { messagesPerAddressAndNumber: [] } }],
    ['limits.knownBrowser.send', { limits: { knownBrowser: { send: {} } } }],
    ['limits.knownBrowser.sends', { limits: { knownBrowser: { sends: 3 } } }],
    ['limits.sendsPerAddress', { limits: { sendsPerAddress: null } }],
    ['limits.sendsPerAddress.window', { limits: { sendsPerAddress: { points: 1, window: 5 } } }],
    ['limits.sendsPerNumber[0]', { limits: { sendsPerNumber: [null] } }],
    ['limits.sendsPerNumber[1].per', { limits: { sendsPerNumber: [{ points: 1 }, { per: 1 }] } }],
    ['limits.failuresPerNumber', { limits: { failuresPerNumber: null } }],
    ['limits.failuresPerNumber.max', { limits: { failuresPerNumber: { max: 5 } } }],
    ['pumping.city', { pumping: { city: {} } }],
    ['pumping.range', { pumping: { range: 5 } }],
    ['pumping.range.shares', { pumping: { range: { shares: 1 } } }],
    ['validate.proxy', { validate: { proxy: false } }],
    ['validate.session', { validate: { session: 0 } }],
    ['limit', { limit: {} }],
    ['pinlength', { pinlength: 8 }],
  ])('when %s is not what it has to be: %j', (name, options) => {
    expect(refusal(options)).toMatch(`"${name}" must be`)
  })

  test('as a country that no numbers are known of, though it has a code', () => {
    const known = 'of countries whose phone numbers are known'
    expect(refusal({ countries: ['DE', 'AQ'] })).toContain(known)
    expect(refusal({ budget: { perCountryPerDay: { AQ: 5, default: 100 } } })).toContain(known)
    expect(refusal({ budget: { money: { perDay: 5, prices: { AQ: 1, DE: 1 } } } })).toContain(known)
  })

  // proves: FAIL-4
  test('by its name alone, never by its value', () => {
    const values = ['short secret 4711', 'https://u:pass4711@h/', '4711-key ']
    for (const [index, name] of ['secret', 'origin', 'apiKey'].entries()) {
      expect(refusal({ [name]: values[index] })).not.toContain('4711')
    }
  })
})

describe('production', () => {
  test('needs an origin', () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(refusal({})).toContain('"origin"')
    expect(resolve({ origin: 'https://login.example.com' })).toMatchObject({
      origins: ['https://login.example.com'],
      production: true,
    })
  })

  test('needs a word before it keeps flows in memory', () => {
    vi.stubEnv('NODE_ENV', 'production')
    const misuse = expect.objectContaining({ code: 'ERR_OTP_MISUSE' })
    expect(() => memoryStore()).toThrow(misuse)
    expect(() =>
      createOtpFlow({ apiKey: 'key', secret, countries: 'any', origin: 'https://example.com' }),
    ).toThrow(misuse)
    const store = memoryStore({ production: true })
    const given = { apiKey: 'key', secret, countries: 'any', store } as const
    expect(createOtpFlow({ ...given, origin: 'https://example.com' })).toMatchObject({
      send: expect.any(Function),
    })
  })
})

test('memory warns once in a process', () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  memoryStore()
  memoryStore()
  expect(warnings).toHaveBeenCalledTimes(1)
  expect(warnings.mock.calls[0]?.[1]).toEqual({
    code: 'OTP_MEMORY_STORE',
    detail: 'passport-tyntec-otp/docs/errors.md#otp_memory_store',
  })
})

test('a Redis store takes an ioredis client and a prefix that keeps its keys apart', async () => {
  const { redis } = await createRedis()
  const options = expect.objectContaining({ code: 'ERR_OTP_OPTIONS' })
  const halves = [{ status: 'ready' }, { evalsha: () => Promise.resolve() }]
  for (const client of [undefined, null, {}, ...halves, 'redis://localhost']) {
    // What a caller without types may give.
    expect(() => redisStore(client as typeof redis)).toThrow(options)
  }
  for (const prefix of ['', 'a b', 'a{b}', 'a}', 'a\n']) {
    expect(() => redisStore(redis, { prefix })).toThrow(options)
  }
  const five: unknown = 5
  // Apps in JavaScript have no types that forbid it.
  expect(() => redisStore(redis, { prefix: five as string })).toThrow(options)
  for (const timeout of [0, -1, 11, Number.NaN]) {
    expect(() => redisStore(redis, { timeout })).toThrow(options)
  }
  expect(() => redisStore(redis, { timeout: 10 })).not.toThrow()
})

describe('whatever the options are', () => {
  const canary = 'c4n4ry'
  const nasty = fc.oneof(
    fc.constantFrom<unknown>(null, undefined, '', '5', ' ', '\0', '__proto__', true, 7n, /x/),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 0, -1, 0.5, 1.5, 2 ** 53, 1e21),
    fc.constantFrom<unknown>([], {}, [[]], [null], sparse(3), new Map(), new Proxy({}, {})),
    fc.constantFrom<unknown>(`${canary}4711`, [canary], Symbol(canary), () => canary, {
      key: `https://u:${canary}@x/`,
    }),
    fc.anything({ maxDepth: 2, withBigInt: true, withDate: true, withTypedArray: true }),
  )
  const often = (valid: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 60, arbitrary: valid }, { weight: 1, arbitrary: nasty })
  const whole = (most: number, least = 1) => often(fc.integer({ min: least, max: most }))
  const group = (parts: Record<string, fc.Arbitrary<unknown>>) =>
    often(fc.record(parts, { requiredKeys: [] }))
  const rule = group({ points: whole(50), duration: whole(5000) })
  const choice = (...values: unknown[]) => often(fc.constantFrom(...values))
  const pumping = group({
    free: whole(50),
    share: often(fc.double({ min: 0, max: 10, noNaN: true })),
  })
  const logger = { info() {}, warn() {}, error() {} }
  const given = fc.record(
    {
      apiKey: choice(`key-${canary}`, () => 'key'),
      secret: choice(`${canary}, a secret of the app`.padEnd(40, '.x'), [
        new Uint8Array(32),
        secret,
      ]),
      countries: choice(['DE', 'us'], 'any'),
      store: choice(store),
      origin: choice('https://login.example.com', ['http://localhost:3000'], undefined),
      baseUrl: choice('http://127.0.0.1:1', 'https://api.tyntec.com/base'),
      applicationId: choice('default', undefined),
      pinLength: whole(10, 6),
      lifetime: whole(600, 30),
      attempts: whole(10),
      resendWaits: often(fc.array(whole(600), { maxLength: 10 })),
      voice: choice(true, false),
      limits: group({
        sendsPerNumber: often(fc.array(rule, { minLength: 1, maxLength: 5 })),
        sendsPerAddress: rule,
        failuresPerAddress: rule,
        failedNumbersPerAddress: rule,
        sendsPerSite: rule,
        messagesPerAddressAndNumber: often(fc.array(rule, { minLength: 1, maxLength: 5 })),
        waitsPerAddress: rule,
        knownBrowser: group({ failures: rule, sends: rule }),
        failuresPerNumber: group({
          free: whole(20),
          window: whole(86_400, 60),
          wait: whole(3600),
          maxWait: whole(86_400, 3600),
          disableAt: whole(100),
        }),
      }),
      budget: group({
        perHour: whole(500),
        perDay: whole(5000),
        reserve: often(fc.double({ min: 0, max: 0.9, noNaN: true })),
        perCountryPerDay: often(fc.oneof(whole(100), group({ DE: whole(9), default: whole(9) }))),
        money: group({ perDay: whole(500), prices: group({ default: whole(3), DE: whole(3) }) }),
      }),
      pumping: often(
        fc.oneof(
          choice('shadow', 'enforce'),
          group({ mode: choice('shadow'), country: pumping, address: pumping, range: pumping }),
        ),
      ),
      guessing: rule,
      challenge: choice(() => true),
      sendingEnabled: choice(() => true),
      knows: choice(() => true),
      name: choice('login', 'change'),
      codeAlphabet: choice('digits', 'alphanumeric'),
      concurrency: group({ sends: whole(1000), checks: whole(1000) }),
      revealAttempts: choice(true),
      binding: choice('cookie', 'session', 'token'),
      cookie: group({
        sameSite: choice('lax', 'none'),
        domain: choice('a.b'),
        name: choice('otp'),
      }),
      fields: group({ number: choice('phone'), code: choice('pin') }),
      onEvent: choice(() => {}),
      logger: choice(logger, undefined),
      validate: often(fc.oneof(fc.boolean(), group({ secret: fc.boolean(), peers: fc.boolean() }))),
    },
    { requiredKeys: ['apiKey', 'secret', 'countries'] },
  )

  // proves: FAIL-4
  test('a flow is made, or one of them is named and none is shown', { timeout: 60_000 }, () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    let made = 0
    let refused = 0
    fc.assert(
      fc.property(given, (options) => {
        try {
          createOtpFlow(options as OtpOptions) // what a caller without types may give
          made += 1
        } catch (error) {
          refused += 1
          expect(error).toBeInstanceOf(OtpError)
          expect(error).toMatchObject({ code: 'ERR_OTP_OPTIONS' })
          const message = inspect(error, { depth: 9, showHidden: true })
          const [, name = ''] = /"(?:options\.)?(\w+)[^"]*" must be/.exec(message) ?? []
          expect(Object.keys(options)).toContain(name)
          expect(message).not.toContain(canary)
        }
      }),
      { numRuns: 1000 },
    )
    // Both happen often enough to mean something.
    expect(Math.min(made, refused)).toBeGreaterThan(100)
  })

  // proves: ATT-9
  test('no combination takes a limit away', { timeout: 60_000 }, () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    let made = 0
    const expectWhole = (value: number, least: number, most: number) => {
      expect(Number.isInteger(value) && value >= least && value <= most).toBe(true)
    }
    fc.assert(
      fc.property(given, (options) => {
        let resolved: ReturnType<typeof resolveOptions>
        try {
          resolved = resolveOptions(options as OtpOptions) // what a caller without types may give
        } catch {
          return
        }
        made += 1
        const { limits, budget, pinLength, attempts, lifetime, maxLifetime, resendWaits } = resolved
        const { failuresPerNumber, sendsPerNumber, callsPerNumber, knownBrowser, ...more } = limits
        const { messagesPerAddressAndNumber: both, ...others } = more
        expectWhole(pinLength, 6, 10)
        expectWhole(attempts, 1, 10)
        expectWhole(lifetime, 30, 600)
        expectWhole(maxLifetime, 30, 600)
        for (const wait of resendWaits) expectWhole(wait, 1, 600)
        expect(sendsPerNumber.length * callsPerNumber.length * both.length).toBeGreaterThan(0)
        const rules = [
          ...sendsPerNumber,
          ...callsPerNumber,
          ...both,
          ...Object.values(knownBrowser),
          ...Object.values(others),
          resolved.guessing,
        ]
        for (const { points, duration } of rules) {
          expectWhole(points, 1, 1_000_000)
          expectWhole(duration, 1, 86_400 * 31)
        }
        expectWhole(failuresPerNumber.free, 1, 20)
        expectWhole(failuresPerNumber.window, 60, 86_400)
        expectWhole(failuresPerNumber.wait, 1, 3600)
        expectWhole(failuresPerNumber.maxWait, failuresPerNumber.wait, 86_400)
        expectWhole(failuresPerNumber.disableAt, 1, 100)
        expect(budget.reserve >= 0 && budget.reserve <= 0.9).toBe(true)
        expectWhole(budget.perHour, 1, 10_000_000)
        expectWhole(budget.perDay, 1, 100_000_000)
        expectWhole(budget.perCountryPerDay('DE') ?? 1, 1, 100_000_000)
        expectWhole(budget.money?.priceOf('DE', 'sms') ?? 1, 1, 1e10)
      }),
      { numRuns: 1000 },
    )
    expect(made).toBeGreaterThan(100)
  })
})

test.each(['apiKey', 'secret'])('%s of a variable that is not set is refused', (name) => {
  // As the README has it: types don't know which variables are set.
  const { TYNTEC_OTP_IS_NOT_SET: missing } = process.env
  const make = () =>
    createOtpFlow({
      apiKey: name === 'apiKey' ? missing : 'key',
      secret: name === 'secret' ? missing : secret,
      countries: ['US'],
      store: memoryStore(),
    })
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_OTP_OPTIONS' }))
  expect(make).toThrow(name)
})
