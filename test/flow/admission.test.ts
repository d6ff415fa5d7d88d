import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ChallengeRequest } from '../../src/options/spending.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { redisStore } from '../../src/store/redis.js'
import { frameworks, setupApp } from '../support/app.js'
import { countsOf } from '../support/counts.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  rightCode,
  secret,
  sendCode,
  setupFlow,
  statusOf,
  type TestFlow,
} from '../support/flow.js'
import { addressOf, phone, phoneCountries } from '../support/phones.js'
import { createRedis, startRedis } from '../support/redis.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import { dumpRedis } from '../support/stores.js'

const never = () => new Promise<boolean>(() => {})

const counts = async ({ dump }: Pick<TestFlow, 'dump'>) => countsOf(await dump())

describe.each(flowKinds)('a challenge on %s', (kind) => {
  test('that is passed lets a message out, and hears what it is about', async () => {
    const asked: ChallengeRequest[] = []
    const setup = await setupFlow(kind, {
      voice: true,
      resendWaits: [1],
      challenge: async (request) => asked.push(request) > 0,
    })
    const handle = await sendCode(setup, { address: '192.0.2.1', challenge: 'a token' })
    await setup.advance(2)
    const resent = { handle, via: 'voice', address: '192.0.2.2', challenge: 'another' }
    expect(await statusOf(setup.flow.resend(resent))).toBe('sent')
    const common = { reasons: [], number, country: 'US' }
    expect(asked).toEqual([
      { ...common, token: 'a token', via: 'sms', address: '192.0.2.1' },
      { ...common, token: 'another', via: 'voice', address: '192.0.2.2' },
    ])
  })

  const refusing: [string, () => unknown, boolean][] = [
    ['says no', () => false, false],
    ['says no later', async () => false, false],
    [
      'throws',
      () => {
        throw new Error(`no such captcha for ${number}`)
      },
      true,
    ],
    ['rejects', () => Promise.reject(new Error(number)), true],
    ['says "true"', () => 'true', true],
    ['says 1', () => 1, true],
    ['says nothing', () => undefined, true],
    ['says an object', async () => ({ success: false }), true],
    ['never answers', never, true],
  ]
  // proves: SEND-8, FAIL-2, app-throws/send
  test.each(refusing)('that %s lets nothing out', async (_, says, failed) => {
    // Apps in JavaScript have no types that forbid the other answers.
    const challenge = says as () => boolean
    const setup = await setupFlow(kind, { challenge })
    const started = performance.now()
    expect(await setup.flow.send({ number })).toEqual({ status: 'challenge_required' })
    expect(performance.now() - started).toBeLessThan(3500)
    expect(await setup.calls()).toEqual([])
    const { events } = setup
    expect(events.at(-1)).toMatchObject({
      type: 'challenge.refused',
      country: 'US',
      via: 'sms',
      failed,
    })
    expect(events).toHaveLength(failed ? 2 : 1)
    if (failed) {
      expect(events[0]).toEqual({
        at: expect.any(Number),
        type: 'error',
        step: 'challenge',
        code: 'ERR_OTP_MISUSE',
        message: expect.stringMatching(/^"challenge" (threw|gave no|answered neither)/),
      })
    }
    expect(await counts(setup)).toEqual(kind === 'redis' ? { 'address waits:600': 1 } : {})
  })

  // proves: app-throws/resend
  test('refuses a resend as well, and leaves the code as it is', async () => {
    let passes = true
    const setup = await setupFlow(kind, { resendWaits: [1], challenge: () => passes })
    const handle = await sendCode(setup)
    await setup.advance(2)
    passes = false
    const before = await counts(setup)
    expect(await setup.flow.resend({ handle })).toEqual({ status: 'challenge_required' })
    const waits = kind === 'redis' ? { 'address waits:600': 1 } : {}
    expect(await counts(setup)).toEqual({ ...before, ...waits })
    expect(await setup.count('resend')).toBe(0)
    expect(await statusOf(setup.flow.check({ handle, code: rightCode }))).toBe('verified')
  })

  // proves: SEND-8
  test('hears what looks odd, and decides', async () => {
    const asked: (readonly string[])[] = []
    const setup = await setupFlow(kind, {
      countries: phoneCountries,
      pumping: { mode: 'enforce', country: { free: 3 }, address: { free: 2 }, range: { free: 1 } },
      challenge: ({ reasons, token }) => asked.push(reasons) > 0 && token === 'a person',
    })
    const address = '192.0.2.1'
    const send = (index: number, challenge = 'a person') =>
      statusOf(setup.flow.send({ number: phone('US', index), address, challenge }))
    for (const index of [0, 1, 2, 3]) expect(await send(index)).toBe('sent')
    expect(asked).toEqual([[], ['range'], ['address', 'range'], ['country', 'address', 'range']])
    expect(await send(4, 'a program')).toBe('challenge_required')
    for (const [index, country] of phoneCountries.slice(1).entries()) {
      const input = { number: phone(country, index), address, challenge: 'a person' }
      expect(await statusOf(setup.flow.send(input))).toBe('sent')
    }
    expect(asked.slice(5)).toEqual([
      ['address'],
      ['address'],
      ['address', 'countries'],
      ['address', 'countries'],
      ['address', 'countries'],
    ])
    expect(await setup.count('send')).toBe(9)
  })

  test('is asked in shadow too, but hears nothing of what looks odd', async () => {
    const asked: (readonly string[])[] = []
    const setup = await setupFlow(kind, {
      pumping: { mode: 'shadow', country: { free: 1 }, range: { free: 1 } },
      // As the README has it: only what looks odd has to pass.
      challenge: ({ reasons }) => asked.push(reasons) > 0 && reasons.length === 0,
    })
    for (const each of numbers)
      expect(await statusOf(setup.flow.send({ number: each }))).toBe('sent')
    expect(asked).toEqual(numbers.map(() => []))
    const suspected = setup.events.filter(({ type }) => type === 'pumping.suspected')
    expect(suspected.length).toBeGreaterThan(0)
    expect(suspected).toEqual(suspected.map((event) => ({ ...event, enforced: false })))
  })

  test('decides about a known browser whose message looks odd', async () => {
    let passes = true
    const setup = await setupFlow(kind, {
      resendWaits: [1],
      pumping: { mode: 'enforce', country: { free: 1, share: 0 } },
      challenge: ({ reasons }) => passes || reasons.length === 0,
    })
    const verified = await setup.flow.check({ handle: await sendCode(setup), code: rightCode })
    if (verified.status !== 'verified') throw new Error(`not proven: ${verified.status}`)
    await sendCode(setup, { number: numbers[1] })
    await sendCode(setup, { number: numbers[2] })
    passes = false
    await setup.advance(31)
    const before = setup.events.length
    const again = setup.flow.send({ number, device: verified.device })
    expect(await statusOf(again)).toBe('challenge_required')
    expect(setup.events.slice(before)).toMatchObject([
      { type: 'pumping.suspected', by: 'country', enforced: true },
      { type: 'challenge.refused' },
    ])
  })

  // proves: ATT-5
  test('hears that somebody guesses', async () => {
    const asked: (readonly string[])[] = []
    const setup = await setupFlow(kind, {
      guessing: { points: 1, duration: 60 },
      challenge: ({ reasons }) => asked.push(reasons) > 0,
    })
    const handle = await sendCode(setup)
    for (const code of ['111111', '222222']) await setup.flow.check({ handle, code })
    await sendCode(setup, { number: numbers[1] })
    expect(asked).toEqual([[], ['guessing']])
    expect(setup.events.filter(({ type }) => type === 'guessing.suspected')).toMatchObject([
      { failures: 2 },
    ])
  })

  // proves: ATT-13
  test('that refuses a thousand times is asked sixty times, and the people next to it lose nothing', async () => {
    let passes = false
    let asked = 0
    const challenge = () => {
      asked += 1
      return passes
    }
    const setup = await setupFlow(kind, { pumping: 'enforce', challenge })
    const address = '192.0.2.1'
    const statuses: Record<string, number> = {}
    for (let tries = 0; tries < 1000; tries++) {
      const status = await statusOf(setup.flow.send({ number: numbers[1], address }))
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    expect(statuses).toEqual({ challenge_required: 60, rate_limited: 940 })
    expect(asked).toBe(60)
    passes = true
    const before = setup.events.length
    const elsewhere = { number, address: '192.0.2.2' }
    expect(await statusOf(setup.flow.send(elsewhere))).toBe('sent')
    expect(setup.events.slice(before).map(({ type }) => type)).toEqual(['otp.sent'])
  })

  test('gets a token that is text, and no other', async () => {
    const tokens: unknown[] = []
    const setup = await setupFlow(kind, { challenge: ({ token }) => tokens.push(token) < 0 })
    for (const challenge of ['', 'x', 5, null, ['x'], { x: 'y' }, undefined]) {
      await setup.flow.send({ number, challenge })
    }
    const none = Array(5).fill(undefined)
    expect(tokens).toEqual(['', 'x', ...none])
  })
})

describe.each(frameworks)('a challenge on %s', (framework) => {
  test('gets its token from the body, and is refused with 403', async () => {
    const tokens: unknown[] = []
    const app = await setupApp({
      framework,
      flow: {
        resendWaits: [1],
        challenge: ({ token }) => tokens.push(token) > 0 && token === 'right',
      },
    })
    const client = app.client()
    const refused = await client.post('/login/send?challenge=right', { number })
    expect(refused.status).toBe(403)
    expect(refused.json).toMatchObject({ code: 'challenge_required', status: 403 })
    const typed = await client.post('/login/send', { number, challenge: ['right'] })
    expect(typed.status).toBe(400)
    expect((await client.post('/login/send', { number, challenge: 'right' })).status).toBe(202)
    await sleep(1100)
    expect((await client.post('/login/resend', {})).json).toMatchObject({
      code: 'challenge_required',
    })
    const form = await app.client().submit('/login/send', { number, challenge: 'wrong' })
    expect(form.status).toBe(403)
    expect(tokens).toEqual([undefined, 'right', undefined, 'wrong'])
    expect(await app.requests()).toEqual(['send'])
  })

  test('gets it from a field of another name', async () => {
    const app = await setupApp({
      framework,
      flow: {
        fields: { challenge: 'g-recaptcha-response' },
        challenge: ({ token }) => token === 'right',
      },
    })
    const client = app.client()
    expect((await client.post('/login/send', { number, challenge: 'right' })).status).toBe(403)
    const named = { number, 'g-recaptcha-response': 'right' }
    expect((await client.post('/login/send', named)).status).toBe(202)
  })
})

describe.each(flowKinds)('the switch for messages on %s', (kind) => {
  const off: [string, () => unknown][] = [
    ['says no', () => false],
    ['says no later', async () => false],
    [
      'throws',
      () => {
        throw new Error('no flags')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no flags'))],
    ['says nothing', () => undefined],
    ['never answers', never],
  ]
  // proves: FAIL-2, FAIL-5, app-throws/send, app-throws/resend
  test.each(off)('that %s stops them, and nothing else', async (_, says) => {
    // Apps in JavaScript have no types that forbid the other answers.
    const sendingEnabled = says as () => boolean
    let on = true
    const setup = await setupFlow(kind, {
      resendWaits: [1],
      sendingEnabled: () => (on ? true : sendingEnabled()),
    })
    const handle = await sendCode(setup)
    await setup.advance(2)
    on = false
    const before = await counts(setup)
    const started = performance.now()
    const stopped = { code: 'ERR_OTP_BUDGET', status: 503 }
    expect(await failure(setup.flow.send({ number: numbers[1] }))).toEqual(stopped)
    expect(await failure(setup.flow.resend({ handle }))).toEqual(stopped)
    expect(performance.now() - started).toBeLessThan(6500)
    expect(await counts(setup)).toEqual(before)
    expect(await setup.count('send')).toBe(1)
    expect(await setup.count('resend')).toBe(0)
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' })
    expect(await statusOf(setup.flow.check({ handle, code: '111111' }))).toBe('invalid_code')
    expect(await statusOf(setup.flow.check({ handle, code: rightCode }))).toBe('verified')
    on = true
    await sendCode(setup, { number: numbers[1] })
  })
})

test.each(['sendingEnabled', 'knows'] as const)(
  'of a "%s" that fails the operator hears, and when to try again',
  async (name) => {
    const failing = () => Promise.reject(new Error(`nothing is known of ${number}`))
    const setup = await setupFlow('memory', {
      [name]: failing,
    })
    const error: unknown = await setup.flow.send({ number }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      processed: 'no',
      status: 503,
      ...(name === 'sendingEnabled' && { retryAfter: 60 }),
    })
    expect(setup.events[0]).toMatchObject({
      type: 'error',
      step: name,
      code: 'ERR_OTP_MISUSE',
      message: `"${name}" threw`,
    })
  },
)

describe('the order of what stands before a message', () => {
  const input = ['bad input', 'another site'] as const

  // proves: SEND-9
  test.each(input)('%s costs no limit anything', async (what) => {
    const { redis, prefix } = await createRedis()
    const app = await setupApp({
      framework: 'express 5',
      flow: { store: redisStore(redis, { prefix }) },
    })
    const bodies =
      what === 'another site'
        ? [{ number }]
        : [{}, { number: '1' }, { number: 5 }, { number, via: 'pigeon' }, { number: '+4930123456' }]
    const headers = what === 'another site' ? { 'sec-fetch-site': 'cross-site' } : {}
    for (const body of bodies) {
      const answer = await app.client().post('/login/send', body, { headers })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    }
    expect(await dumpRedis(redis, prefix)).toEqual([])
    expect(await app.requests()).toEqual([])
  })

  // proves: LOCK-2, SEND-9
  test('a thousand messages that an address is refused touch nothing behind it', async () => {
    const setup = await setupFlow('redis', {
      pumping: 'enforce',
      limits: { sendsPerAddress: { points: 1, duration: 3600 } },
    })
    const address = '192.0.2.1'
    await sendCode(setup, { number: numbers[1], address })
    const before = await counts(setup)
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => statusOf(setup.flow.send({ number, address }))),
      )
      expect(new Set(outcomes)).toEqual(new Set(['rate_limited']))
    }
    expect(await counts(setup)).toEqual(before)
    expect(await setup.count('send')).toBe(1)
    expect(await setup.flow.send({ number, address: '192.0.2.2' })).toMatchObject({
      status: 'sent',
    })
  })

  // proves: SEND-9
  test('what looks like pumping touches neither budget nor number', async () => {
    const setup = await setupFlow('redis', {
      pumping: { mode: 'enforce', range: { free: 1 } },
    })
    await sendCode(setup, { number: phone('DE', 0), address: addressOf(0) })
    const before = await counts(setup)
    for (let tries = 1; tries < 20; tries++) {
      const each = { number: phone('DE', tries), address: addressOf(tries) }
      expect(await statusOf(setup.flow.send(each))).toBe('rate_limited')
    }
    expect(await counts(setup)).toEqual({ ...before, 'address waits:600': 19 })
    expect((await setup.dump()).filter(({ key }) => key.endsWith('}:number'))).toHaveLength(1)
    expect(await setup.count('send')).toBe(1)
  })

  // proves: LOCK-2, SEND-9
  test('a budget that is used up holds nothing of a number', async () => {
    const setup = await setupFlow('redis', { budget: { perHour: 1 } })
    await sendCode(setup, { number: numbers[1], address: addressOf(1) })
    for (let tries = 2; tries < 10; tries++) {
      const input = { number, address: addressOf(tries) }
      expect(await failure(setup.flow.send(input))).toMatchObject({ code: 'ERR_OTP_BUDGET' })
    }
    expect(await counts(setup)).toEqual({
      'address sends:3600': 1,
      'address meter': 1,
      'address countries': 1,
      'address waits:600': 8,
      'app hour': 1,
      'app day': 1,
      'country meter': 1,
      'range meter': 1,
      'number from:600': 1,
      'number sends:600': 1,
      'number sends:86400': 1,
    })
    const [tag] = createSecrets([secret]).numberTags(number)
    expect((await setup.dump()).filter(({ key }) => key.includes(tag))).toEqual([])
    const rich = setup.another({ budget: { perHour: 2 } })
    expect(await statusOf(rich.send({ number, address: addressOf(10) }))).toBe('sent')
  })

  // proves: SEND-9
  test('a number that is refused costs the budget nothing, and its meters neither', async () => {
    const setup = await setupFlow('redis', {
      resendWaits: [1],
      limits: { sendsPerNumber: [{ points: 1, duration: 600 }] },
    })
    const handle = await sendCode(setup)
    await setup.advance(2)
    const before = await counts(setup)
    for (let tries = 0; tries < 5; tries++) {
      expect(await statusOf(setup.flow.send({ number }))).toBe('rate_limited')
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('rate_limited')
    }
    expect(await counts(setup)).toEqual({ ...before, 'address waits:600': 10 })
  })

  // proves: ATT-13
  test.each([
    [
      'a number whose messages are used up',
      { limits: { sendsPerNumber: [{ points: 1, duration: 600 }] } },
    ],
    ['a budget that is used up', { budget: { perHour: 1 } }],
    ['the detector', { pumping: { mode: 'enforce', range: { free: 1, share: 0 } } }],
  ] as const)('an address asks %s sixty times, and then nothing', async (_, options) => {
    const setup = await setupFlow('redis', options)
    await sendCode(setup, { address: addressOf(1) })
    await setup.advance(31)
    const address = '192.0.2.1'
    const before = await counts(setup)
    for (let tries = 0; tries < 60; tries++) {
      expect(await statusOf(setup.flow.send({ number, address }))).toMatch(
        /^(?:rate_limited|ERR_OTP_BUDGET)$/,
      )
    }
    expect(setup.eventTypes()).not.toContain('limit.hit waits_per_address')
    expect(await counts(setup)).toEqual({ ...before, 'address waits:600': 60 })
    for (let tries = 0; tries < 40; tries++) {
      expect(await statusOf(setup.flow.send({ number: numbers[1], address }))).toBe('rate_limited')
    }
    expect(await counts(setup)).toEqual({ ...before, 'address waits:600': 60 })
    const told = setup.eventTypes().filter((type) => type === 'limit.hit waits_per_address')
    expect(told).toHaveLength(40)
  })
})

describe('the meters', () => {
  test('are not moved by a flood from an address that is over its limit', async () => {
    const setup = await setupFlow('redis', {
      pumping: 'enforce',
      budget: { perHour: 1000 },
      concurrency: { sends: 200 },
    })
    const flooder = '192.0.2.1'
    const flood = (index: number) =>
      statusOf(setup.flow.send({ number: phone('US', index * 7000), address: flooder }))
    for (let sends = 0; sends < 11; sends++) await flood(sends)
    let on = true
    const floods = Array.from({ length: 10 }, async (_, index) => {
      const outcomes = new Set<string>()
      while (on) {
        outcomes.add(await flood(20 + index))
        // What is refused without Redis would let nobody else have a turn.
        await sleep(5)
      }
      return [...outcomes]
    })
    const honest: string[] = []
    for (let index = 0; index < 9; index++) {
      const input = { number: phone('US', 650_000 + index * 3000), address: addressOf(index) }
      honest.push(await statusOf(setup.flow.send(input)))
    }
    on = false
    expect(honest).toEqual(Array(9).fill('sent'))
    expect((await Promise.all(floods)).flat()).toEqual(Array(10).fill('rate_limited'))
  })

  test('keep nothing of a message when the store could not be asked', async () => {
    const server = await startRedis()
    const proxy = await startRedisProxy(server.url)
    const setup = await setupFlow('redis', { pumping: 'enforce' }, { redisUrl: proxy.url })
    await sendCode(setup, { number: numbers[1] })
    const before = await counts(setup)
    const mend = proxy.answer('LOADING Redis is loading the dataset in memory', (words) =>
      words.some((word) => word.startsWith(`${setup.prefix}{all}:country`)),
    )
    for (let tries = 0; tries < 2; tries++) {
      expect(await failure(setup.flow.send({ number }))).toMatchObject({
        code: 'ERR_OTP_STORE_UNAVAILABLE',
      })
    }
    mend()
    expect(await counts(setup)).toEqual(before)
  })

  test('keep of a message that tyntec refused what its address and range have asked for', async () => {
    const setup = await setupFlow('redis')
    await setup.fault({ operation: 'otp.send', kind: 'status', status: 401, when: 'before' })
    expect(await failure(setup.flow.send({ number }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_AUTH',
    })
    expect(await counts(setup)).toEqual({
      'address sends:3600': 1,
      'address meter': 1,
      'address countries': 1,
      'range meter': 1,
    })
  })

  test('count nothing of a message that the app did not answer for', async () => {
    const setup = await setupFlow('redis', {
      knows: (known) => {
        if (known === number) throw new Error('the users are away')
        return true
      },
    })
    for (let tries = 0; tries < 3; tries++) {
      expect(await failure(setup.flow.send({ number }))).toMatchObject({ status: 503 })
    }
    expect(await counts(setup)).toEqual({})
  })

  test('know that people of many countries sign in behind one address', async () => {
    const setup = await setupFlow('redis', { countries: phoneCountries, pumping: 'enforce' })
    const address = '192.0.2.1'
    for (const [index, country] of phoneCountries.entries()) {
      const input = { number: phone(country, index), address }
      const handle = await sendCode(setup, input)
      const code = setup.sandbox.messages().at(-1)?.code
      expect(await statusOf(setup.flow.check({ handle, code, address }))).toBe('verified')
    }
    expect(setup.eventTypes()).not.toContain('pumping.suspected')
    // Those who don't are as many as before.
    const outcomes = []
    for (const [index, country] of phoneCountries.slice(0, 4).entries()) {
      const input = { number: phone(country, 100 + index), address }
      outcomes.push(await statusOf(setup.flow.send(input)))
    }
    expect(outcomes).toEqual(['sent', 'sent', 'sent', 'rate_limited'])
  })

  test('lose no country by a message to it that was refused', async () => {
    const setup = await setupFlow('redis', {
      countries: phoneCountries,
      pumping: { mode: 'enforce', countriesPerAddress: 1 },
    })
    const address = '192.0.2.1'
    await sendCode(setup, { number: phone('DE', 1), address })
    const refused = Array.from({ length: 8 }, (_, index) =>
      statusOf(setup.flow.send({ number: phone('AT', index), address })),
    )
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['rate_limited']))
    expect(await counts(setup)).toMatchObject({ 'address countries': 1 })
  })
})
