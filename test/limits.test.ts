import { describe, expect, test, vi } from 'vitest'
import type { OtpEvent } from '../src/events.js'
import { createEvents } from '../src/events.js'
import { createLimits, type Recipient } from '../src/limits/limits.js'
import type { LimitOptions, LimitRule } from '../src/options/limits.js'
import { resolveOptions } from '../src/options/resolve.js'
import type { BudgetOptions } from '../src/options/spending.js'
import { redisStore } from '../src/store/redis.js'
import { createRedis } from './support/redis.js'
import { startRedisProxy } from './support/redis-proxy.js'
import { dumpRedis, type StoreKind, setupStore, storeKinds } from './support/stores.js'

const to = (tag: string, given: Partial<Recipient> = {}): Recipient => ({
  tags: [tag],
  lane: undefined,
  country: 'US',
  via: 'sms',
  ...given,
})

async function setupLimits(
  kind: StoreKind,
  budget: BudgetOptions = { perHour: 10, perDay: 20 },
  more: LimitOptions = {},
  guessing?: LimitRule,
) {
  const { store, advance, dump } = await setupStore(kind)
  const events: OtpEvent[] = []
  const options = resolveOptions({
    apiKey: 'key',
    secret: 'a secret of the app that is long enough',
    countries: 'any',
    store,
    budget,
    limits: {
      sendsPerNumber: [
        { points: 2, duration: 60 },
        { points: 3, duration: 3600 },
      ],
      ...more,
    },
    guessing,
  })
  const limits = createLimits(
    options,
    store,
    createEvents((event) => events.push(event), undefined),
  )
  const used = async () =>
    (await dump())
      // Not the marks of refunds, which keep one from being made twice.
      .filter(({ key }) => key.endsWith('}'))
      .map(({ key, value }) => [key, Number(value)])
  return { limits, events, used, store, advance }
}

describe.each(storeKinds)('a message on %s', (kind) => {
  test('is taken from all limits, and given back to all or to its number', async () => {
    const { limits, used } = await setupLimits(kind)
    const taken = await limits.takeSend(to('tag'))
    expect(taken).toMatchObject({ refused: undefined, retryAfter: 0 })
    const all = (budget: number, number: number) =>
      kind === 'memory'
        ? []
        : [
            ['limit:sends:all:day:{all}', budget],
            ['limit:sends:all:hour:{all}', budget],
            ['limit:sends:number:0:{tag}', number],
            ['limit:sends:number:1:{tag}', number],
          ].filter(([, uses]) => uses !== 0)
    expect(await used()).toEqual(all(1, 1))
    await taken.refundNumber()
    expect(await used()).toEqual(all(1, 0))
    const again = await limits.takeSend(to('tag'))
    expect(await used()).toEqual(all(2, 1))
    await again.refund()
    expect(await used()).toEqual(all(1, 0))
  })

  test('is refused by its number, and may be had again after the refund of others', async () => {
    const { limits } = await setupLimits(kind)
    const first = await limits.takeSend(to('tag'))
    await limits.takeSend(to('tag'))
    for (let tries = 0; tries < 5; tries++) {
      const refused = await limits.takeSend(to('tag'))
      expect(refused).toMatchObject({ refused: 'number', retryAfter: 60, used: 3 })
      await refused.refund()
    }
    expect(await limits.takeSend(to('other'))).toMatchObject({ refused: undefined })
    await first.refundNumber()
    expect(await limits.takeSend(to('tag'))).toMatchObject({ refused: undefined })
  })

  test('that the hour refuses is no use of the day', async () => {
    const { limits, events } = await setupLimits(kind, { perHour: 5, perDay: 6 })
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => limits.takeSend(to(`one of many ${index}`))),
    )
    await Promise.all(all.filter(({ refused }) => refused).map((each) => each.refund()))
    const told = events.flatMap((event) =>
      'window' in event ? [`${event.type} ${event.window}`] : [],
    )
    expect(told.filter((each) => each.startsWith('budget.exhausted'))).toEqual([
      'budget.exhausted hour',
    ])
  })

  test('is refused by the budget first, however many are refused at once', async () => {
    const { limits, events } = await setupLimits(kind, { perHour: 5, perDay: 100 })
    for (let sends = 0; sends < 4; sends++) await limits.takeSend(to(`tag ${sends}`))
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, index) => limits.takeSend(to(`one of many ${index}`))),
    )
    expect(many.filter(({ refused }) => refused === undefined)).toHaveLength(1)
    expect(many.filter(({ refused }) => refused === 'budget')).toHaveLength(19)
    await Promise.all(many.map((taken) => taken.refund()))
    expect(await limits.takeSend(to('last'))).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(to('too late'))).toMatchObject({
      refused: 'budget',
      retryAfter: 3600,
    })
    const at = expect.any(Number)
    expect(events).toEqual([
      { type: 'budget.warning', window: 'hour', used: 4, of: 5, at },
      { type: 'budget.exhausted', window: 'hour', used: 5, of: 5, at },
    ])
  })
})

describe.each(storeKinds)('what messages may cost, on %s:', (kind) => {
  test('a day has its figure as an hour has', async () => {
    const { limits, events } = await setupLimits(kind, { perHour: 100, perDay: 2 })
    expect(await limits.takeSend(to('one'))).toMatchObject({ refused: undefined })
    expect(events).toEqual([])
    expect(await limits.takeSend(to('two'))).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(to('three'))).toMatchObject({
      refused: 'budget',
      retryAfter: 86_400,
    })
    expect(events).toMatchObject([
      { type: 'budget.warning', window: 'day', used: 2, of: 2 },
      { type: 'budget.exhausted', window: 'day', used: 2, of: 2 },
    ])
  })

  test('a country has a figure of its own, which costs no other country anything', async () => {
    const perCountryPerDay = { US: 1, DE: 2 }
    const { limits, events } = await setupLimits(kind, { perCountryPerDay })
    expect(await limits.takeSend(to('one'))).toMatchObject({ refused: undefined })
    const refused = await limits.takeSend(to('two'))
    expect(refused).toMatchObject({ refused: 'budget', retryAfter: 86_400, used: 2 })
    await refused.refund()
    expect(await limits.takeSend(to('three', { country: 'DE' }))).toMatchObject({
      refused: undefined,
    })
    // A country without a figure has no limit of its own.
    for (const tag of ['four', 'five', 'six']) {
      expect(await limits.takeSend(to(tag, { country: 'FR' }))).toMatchObject({
        refused: undefined,
      })
    }
    expect(events).toMatchObject([
      { type: 'budget.warning', window: 'country', country: 'US', used: 1, of: 1 },
      { type: 'budget.exhausted', window: 'country', country: 'US', used: 1, of: 1 },
    ])
  })

  test('money is counted by country and channel, and told of as people reckon', async () => {
    const money = { perDay: 1, prices: { default: { sms: 0.1, voice: 0.5 }, DE: 0.25 } }
    const { limits, events } = await setupLimits(kind, { money })
    const first = await limits.takeSend(to('one', { country: 'DE' }))
    await limits.takeSend(to('two', { via: 'voice' }))
    expect(events).toEqual([])
    await limits.takeSend(to('three'))
    expect(events).toMatchObject([{ type: 'budget.warning', window: 'money', used: 0.85, of: 1 }])
    expect(events[0]).not.toHaveProperty('country')
    const refused = await limits.takeSend(to('four', { country: 'DE' }))
    expect(refused).toMatchObject({ refused: 'budget', retryAfter: 86_400 })
    await refused.refund()
    await first.refund()
    expect(await limits.takeSend(to('five', { country: 'DE' }))).toMatchObject({
      refused: undefined,
    })
  })

  test('nothing is told of before four fifths are used', async () => {
    const { limits, events } = await setupLimits(kind, { perHour: 10, perDay: 1000 })
    for (let sends = 1; sends <= 7; sends++) await limits.takeSend(to(`tag ${sends}`))
    expect(events).toEqual([])
    const eighth = await limits.takeSend(to('tag 8'))
    await eighth.refund()
    await limits.takeSend(to('tag 8 again'))
    expect(events).toMatchObject([{ type: 'budget.warning', used: 8, of: 10 }])
  })
})

describe.each(storeKinds)('a number whose messages are used up, on %s', (kind) => {
  const knownBrowser = { sends: { points: 2, duration: 600 } }
  const atHome = to('tag', { lane: 'its browser' })

  async function usedUp() {
    const setting = await setupLimits(kind, undefined, { knownBrowser })
    for (let sends = 0; sends < 2; sends++) await setting.limits.takeSend(to('tag'))
    return setting
  }

  test('has some left for a browser that it knows', async () => {
    const { limits } = await usedUp()
    expect(await limits.takeSend(atHome)).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(atHome)).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(atHome)).toMatchObject({
      refused: 'number',
      retryAfter: 600,
      used: 3,
    })
    const other = to('tag', { lane: 'another browser' })
    expect(await limits.takeSend(other)).toMatchObject({ refused: undefined })
  })

  test('has as many for all of them as two have, and those of other numbers too', async () => {
    const { limits } = await usedUp()
    for (let sends = 0; sends < 2; sends++) await limits.takeSend(to('other'))
    const from = (tag: string, lane: string) => limits.takeSend(to(tag, { lane }))
    for (const lane of ['a', 'b', 'c', 'd']) {
      expect(await from('tag', lane)).toMatchObject({ refused: undefined })
    }
    const refused = await from('tag', 'e')
    expect(refused).toMatchObject({ refused: 'number', retryAfter: 600 })
    expect(await from('other', 'e')).toMatchObject({ refused: undefined })
    await refused.refund()
    expect(await from('tag', 'e')).toMatchObject({ refused: 'number' })
  })

  test.each(['refund', 'refundNumber'] as const)('gets them back by %s', async (refund) => {
    const { limits } = await usedUp()
    for (let tries = 0; tries < 5; tries++) {
      const taken = await limits.takeSend(atHome)
      expect(taken).toMatchObject({ refused: undefined })
      await taken[refund]()
    }
  })
})

describe.each(storeKinds)('a number with two names, on %s', (kind) => {
  test('has the messages of one', async () => {
    const { limits } = await setupLimits(kind)
    const both = { tags: ['new', 'old'] }
    await limits.takeSend(to('old'))
    await limits.takeSend(to('', both))
    expect(await limits.takeSend(to('', both))).toMatchObject({ refused: 'number', retryAfter: 60 })
  })

  test('of an address counts under both', async () => {
    const { limits, advance } = await setupLimits(kind, undefined, {
      sendsPerAddress: { points: 2, duration: 60 },
    })
    const { sendsPerAddress } = limits
    expect(await sendsPerAddress.consume(['old'])).toMatchObject({ allowed: true, used: 1 })
    await advance(20)
    expect(await sendsPerAddress.consume(['new', 'old'])).toEqual({
      allowed: true,
      retryAfter: 60,
      used: 2,
    })
    expect(await sendsPerAddress.consume(['new', 'old'])).toMatchObject({ allowed: false, used: 3 })
    await sendsPerAddress.refund(['new', 'old'])
    await sendsPerAddress.refund(['new', 'old'])
    expect(await sendsPerAddress.consume(['new', 'old'])).toMatchObject({ allowed: true, used: 2 })
  })
})

describe.each(storeKinds)('failures from an address, on %s,', (kind) => {
  const failuresPerAddress = { points: 3, duration: 60 }
  const failedNumbersPerAddress = { points: 2, duration: 600 }
  const setup = () => setupLimits(kind, undefined, { failuresPerAddress, failedNumbersPerAddress })

  test('are counted, and refused with the time to wait', async () => {
    const { limits } = await setup()
    for (let tries = 0; tries < 3; tries++) {
      expect(await limits.takeFailure(['a'], 'tag')).toMatchObject({ refused: undefined })
    }
    expect(await limits.takeFailure(['a'], 'tag')).toMatchObject({
      refused: 'failures_per_address',
      retryAfter: 60,
    })
    expect(await limits.takeFailure(['b'], 'tag')).toMatchObject({ refused: undefined })
  })

  test('are refused with one number too many', async () => {
    const { limits } = await setup()
    for (const number of ['one', 'two']) {
      const taken = await limits.takeFailure(['a'], number)
      expect(taken).toMatchObject({ refused: undefined })
      await taken.keep()
    }
    const refused = await limits.takeFailure(['a'], 'three')
    expect(refused).toMatchObject({ refused: 'failed_numbers_per_address', retryAfter: 600 })
    await refused.refund()
    expect(await limits.takeFailure(['a'], 'one')).toMatchObject({ refused: undefined })
  })

  test('that were none are given back', async () => {
    const { limits } = await setup()
    for (const number of ['one', 'two', 'three', 'four', 'five']) {
      const taken = await limits.takeFailure(['a', 'also a'], number)
      expect(taken).toMatchObject({ refused: undefined })
      await taken.refund()
    }
  })
})

describe.each(storeKinds)('failures of an address that are forgotten, on %s,', (kind) => {
  test('are those of one number, under all names of the address', async () => {
    const failedNumbersPerAddress = { points: 1, duration: 600 }
    const { limits } = await setupLimits(kind, undefined, { failedNumbersPerAddress })
    const keys = ['new', 'old']
    await (await limits.takeFailure(keys, 'one')).keep()
    await limits.forgetFailures(keys, 'another')
    await limits.forgetFailures(['elsewhere'], 'one')
    for (const key of keys) {
      const refused = await limits.takeFailure([key], 'two')
      expect(refused).toMatchObject({ refused: 'failed_numbers_per_address' })
    }
    await limits.forgetFailures(keys, 'one')
    for (const key of keys) {
      expect(await limits.takeFailure([key], 'two')).toMatchObject({ refused: undefined })
    }
  })
})

describe.each(storeKinds)('failures in all, on %s,', (kind) => {
  test('are told of once, at the mark, until the window ends', async () => {
    const { limits, events } = await setupLimits(kind, undefined, undefined, {
      points: 2,
      duration: 3600,
    })
    await limits.countFailure()
    await limits.countFailure()
    expect(limits.guessing()).toBe(false)
    expect(events).toEqual([])
    await limits.countFailure()
    await limits.countFailure()
    expect(limits.guessing()).toBe(true)
    expect(events).toMatchObject([{ type: 'guessing.suspected', failures: 3 }])

    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 3_590_000)
    expect(limits.guessing()).toBe(true)
    clock.mockReturnValue(now + 3_601_000)
    expect(limits.guessing()).toBe(false)
  })
})

test('an address that was refused is known as one for a minute', async () => {
  const { limits } = await setupLimits('memory', undefined, {
    sendsPerAddress: { points: 1, duration: 3600 },
  })
  const { sendsPerAddress } = limits
  await sendsPerAddress.consume(['a'])
  expect(sendsPerAddress.refusedLately(['a'])).toBe(false)
  await sendsPerAddress.consume(['a'])
  expect(sendsPerAddress.refusedLately(['a'])).toBe(true)
  expect(sendsPerAddress.refusedLately(['another name', 'a'])).toBe(true)
  expect(sendsPerAddress.refusedLately(['b'])).toBe(false)

  const now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 59_000)
  expect(sendsPerAddress.refusedLately(['a'])).toBe(true)
  clock.mockReturnValue(now + 61_000)
  expect(sendsPerAddress.refusedLately(['a'])).toBe(false)
})

test('of refused addresses the latest ten thousand are known', async () => {
  const { limits } = await setupLimits('memory', undefined, {
    sendsPerAddress: { points: 1, duration: 3600 },
  })
  const { sendsPerAddress } = limits
  const refuse = async (key: string) => {
    await sendsPerAddress.consume([key])
    await sendsPerAddress.consume([key])
  }
  for (let index = 0; index < 10_000; index++) await refuse(`address ${index}`)
  await refuse('address 0')
  await refuse('one more')
  expect(sendsPerAddress.refusedLately(['address 0'])).toBe(true)
  expect(sendsPerAddress.refusedLately(['address 1'])).toBe(false)
  expect(sendsPerAddress.refusedLately(['address 2'])).toBe(true)
})

describe('what one limit cannot count is given back to the others:', () => {
  async function setup() {
    const { redis, prefix, url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const { redis: behindProxy } = await createRedis({ url: proxy.url })
    const options = resolveOptions({
      apiKey: 'key',
      secret: 'a secret of the app that is long enough',
      countries: 'any',
      store: redisStore(behindProxy, { prefix }),
      budget: { perHour: 10, perDay: 20 },
    })
    const limits = createLimits(options, options.store, createEvents(undefined, undefined))
    /** What is left of a step in which Redis has an error for one limit. */
    const leftOf = async (limit: string, step: () => Promise<unknown>): Promise<unknown[]> => {
      const end = proxy.answer('OOM no memory', (words) =>
        words.some((word) => word.startsWith(`${prefix}limit:${limit}`)),
      )
      await expect(step()).rejects.toMatchObject({ code: 'ERR_OTP_STORE_UNAVAILABLE' })
      end()
      const held = await dumpRedis(redis, prefix)
      return held.filter(({ key }) => key.endsWith('}')).map(({ value }) => value)
    }
    return { limits, leftOf }
  }

  test('a message', async () => {
    const { limits, leftOf } = await setup()
    const left = await leftOf('sends:number:0', () => limits.takeSend(to('tag')))
    expect(left).toEqual([])
  })

  test('a message of a known browser', async () => {
    const { limits, leftOf } = await setup()
    for (let sends = 0; sends < 5; sends++) await limits.takeSend(to('tag'))
    const known = to('tag', { lane: 'lane' })
    const left = await leftOf('sends:device:', () => limits.takeSend(known))
    // The five of before: none of the sixth, and none of the browser's own.
    expect(left).toEqual(['5', '5', '5', '5'])
  })

  test('a failure that its address cannot count', async () => {
    const { limits, leftOf } = await setup()
    expect(await leftOf('failures:address', () => limits.takeFailure(['a'], 'tag'))).toEqual([])
  })

  test('a failure whose number cannot be counted', async () => {
    const { limits, leftOf } = await setup()
    const step = () => limits.takeFailure(['a'], 'tag')
    expect(await leftOf('failed-numbers:address', step)).toEqual([])
  })
})

describe.each(storeKinds)('calls to a number, on %s,', (kind) => {
  const call = (tag: string, lane?: string) => ({ ...to(tag), lane, via: 'voice' as const })

  // proves: SEND-5
  test('are one in ten minutes, and a message is still had', async () => {
    const { limits } = await setupLimits(kind, { perHour: 100, perDay: 100 })
    expect(await limits.takeSend(call('tag'))).toMatchObject({ refused: undefined })
    const refused = await limits.takeSend(call('tag'))
    expect(refused).toMatchObject({ refused: 'number', retryAfter: 600 })
    await refused.refund()
    expect(await limits.takeSend(to('tag'))).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(call('other'))).toMatchObject({ refused: undefined })
  })

  test('count under both names of a number', async () => {
    const { limits } = await setupLimits(kind, { perHour: 100, perDay: 100 })
    await limits.takeSend({ ...call('old'), tags: ['old'] })
    const both = { ...call('new', 'lane'), tags: ['new', 'old'] }
    // The second name is what refuses, and it is a call although its browser is known.
    const refused = await limits.takeSend(both)
    expect(refused).toMatchObject({ refused: 'number', retryAfter: 600 })
    await refused.refund()
    expect(await limits.takeSend({ ...both, via: 'sms' })).toMatchObject({ refused: undefined })
  })

  // proves: SEND-5
  test('are no more for a browser that is known, and given back when none was made', async () => {
    const { limits } = await setupLimits(kind, { perHour: 100, perDay: 100 })
    const first = await limits.takeSend(call('tag', 'lane'))
    const refused = await limits.takeSend(call('tag', 'lane'))
    expect(refused).toMatchObject({ refused: 'number' })
    await Promise.all([refused.refund(), first.refundNumber()])
    expect(await limits.takeSend(call('tag', 'lane'))).toMatchObject({ refused: undefined })
  })
})
