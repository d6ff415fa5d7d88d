import { describe, expect, test, vi } from 'vitest'
import { OtpError } from '../src/errors.js'
import { createOtpFlow } from '../src/flow/index.js'
import { type OtpOptions, resolveOptions } from '../src/options.js'
import { createMemoryStore, memoryStore } from '../src/store/memory.js'
import { redisStore } from '../src/store/redis.js'
import { createRedis } from './support/redis.js'

const secret = 'a secret of the app that is long enough'
const store = createMemoryStore(() => 0)

function resolve(options: object = {}) {
  const given: object = { apiKey: 'key', secret, countries: ['DE'], store, ...options }
  return resolveOptions(given as OtpOptions) // what a caller without types may give
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
    store,
    origins: [],
    production: false,
    baseUrl: undefined,
    applicationId: undefined,
    pinLength: 6,
    lifetime: 300,
    maxLifetime: 600,
    attempts: 3,
    resendWaits: [30, 60, 120],
    voice: false,
    limits: {
      sendsPerNumber: [
        { points: 5, duration: 600 },
        { points: 10, duration: 86_400 },
      ],
      sendsPerAddress: { points: 10, duration: 3600 },
      failuresPerAddress: { points: 20, duration: 3600 },
      failuresPerDevice: { points: 10, duration: 3600 },
      sendsPerDevice: { points: 3, duration: 86_400 },
      failuresPerNumber: { free: 5, window: 900, wait: 30, maxWait: 3600, disableAt: 100 },
    },
    budget: { perHour: 300, perDay: 2000 },
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
    },
    onEvent: undefined,
    logger: undefined,
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
    ['origin', { origin: ['https://login.example.com', 'evil'] }],
    ['resendWaits', { resendWaits: 30 }],
    ['resendWaits', { resendWaits: Array(11).fill(30) }],
    ['limits.sendsPerNumber', { limits: { sendsPerNumber: [] } }],
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
    ['limit', { limit: {} }],
    ['pinlength', { pinlength: 8 }],
  ])('when %s is not what it has to be: %j', (name, options) => {
    expect(refusal(options)).toMatch(`"${name}" must be`)
  })

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
    expect(memoryStore({ production: true })).toMatchObject({ end: expect.any(Function) })
  })
})

test('memory warns once in a process', () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  memoryStore()
  memoryStore()
  expect(warnings).toHaveBeenCalledTimes(1)
  expect(warnings.mock.calls[0]?.[1]).toEqual({ code: 'OTP_MEMORY_STORE' })
})

test('a Redis store takes an ioredis client and a prefix that keeps its keys apart', async () => {
  const { redis } = await createRedis()
  const options = expect.objectContaining({ code: 'ERR_OTP_OPTIONS' })
  for (const client of [undefined, null, {}, { status: 'ready' }, 'redis://localhost']) {
    // What a caller without types may give.
    expect(() => redisStore(client as typeof redis)).toThrow(options)
  }
  for (const prefix of ['', 'a b', 'a{b}', 'a}', 'a\n']) {
    expect(() => redisStore(redis, { prefix })).toThrow(options)
  }
  for (const timeout of [0, -1, 11, Number.NaN]) {
    expect(() => redisStore(redis, { timeout })).toThrow(options)
  }
})
