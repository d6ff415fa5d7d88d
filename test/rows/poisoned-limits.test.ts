import type { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import {
  failure,
  number,
  numbers,
  rightCode,
  sendCode,
  setupFlow,
  signIn,
  statusOf,
  type TestFlow,
} from '../support/flow.js'
import { createRedis } from '../support/redis.js'
import { type CommandWords, startRedisProxy } from '../support/redis-proxy.js'

/*
 * A limit that can't be asked refuses: it is neither "not reached" nor "reached".
 */

const storeIsAway = { code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 }
const address = '192.0.2.1'

/** What may stand in the place of a record. */
const garbage: Record<string, (redis: Redis, key: string) => Promise<unknown>> = {
  'a list': (redis, key) => redis.rpush(key, 'x'),
  'a hash': (redis, key) => redis.hset(key, 'x', 'y'),
  'a text': (redis, key) => redis.set(key, 'garbage'),
  'an empty text': (redis, key) => redis.set(key, ''),
  'half a record': (redis, key) => redis.set(key, Buffer.from([0x81, 0xa4, 0x75, 0x73])),
  'a number': (redis, key) => redis.set(key, Buffer.from([0x07])),
  'a list of records': (redis, key) => redis.set(key, Buffer.from([0x91, 0x80])),
}

/** The keys of all that counts, and those of a flow and its number. */
async function recordKeys({ redis, prefix }: TestFlow): Promise<string[]> {
  return ((await redis?.keys(`${prefix}*`)) ?? [])
    .filter((key) => !key.includes(':note:'))
    .toSorted()
}

const kindOf = (key: string) =>
  /(?:^|:)(address):\{/.exec(key)?.[1] ?? /\}:(app|country|range|number|flow)\b/.exec(key)?.[1]

describe('a limit whose record is', () => {
  // proves: RED-10
  test.each(Object.entries(garbage))('%s lets nobody through', async (_, poison) => {
    const setup = await setupFlow('redis', { budget: { perCountryPerDay: 100 } })
    const { redis, flow } = setup
    if (!redis) throw new Error('it is on Redis')
    const handle = await sendCode(setup, { address })
    expect((await flow.check({ handle, code: '111111', address })).status).toBe('invalid_code')
    await setup.advance(31)
    const keys = await recordKeys(setup)
    expect(keys.map(kindOf)).toEqual(
      expect.arrayContaining(['address', 'app', 'country', 'range', 'number', 'flow']),
    )
    const asked = (await setup.calls()).length

    for (const key of keys) {
      const before = await redis.getBuffer(key)
      await redis.del(key)
      await poison(redis, key)
      await redis.expire(key, 600)
      const kind = kindOf(key)
      if (kind !== 'flow') {
        const sending = failure(flow.send({ number, address, handle }))
        expect([kind, 'send', await sending]).toEqual([kind, 'send', storeIsAway])
      }
      if (kind === 'flow') {
        // What can't be read is no flow.
        expect(await statusOf(flow.check({ handle, code: rightCode, address }))).toMatch(
          /^(?:no_pending_code|ERR_OTP_STORE_UNAVAILABLE)$/,
        )
      }
      if (kind === 'address' || kind === 'number') {
        const checking = failure(flow.check({ handle, code: rightCode, address }))
        expect([kind, 'check', await checking]).toEqual([kind, 'check', storeIsAway])
      }
      await redis.del(key)
      if (before) await redis.set(key, before, 'EX', 600)
    }
    expect((await setup.calls()).length).toBe(asked)
    expect(await signIn(flow, handle)).toBe('opened')
  })
})

describe('what a check is only counted in', () => {
  // proves: RED-10
  test.each(Object.entries(garbage))('loses no proven code when it is %s', async (_, poison) => {
    for (const kind of ['country', 'range']) {
      const setup = await setupFlow('redis', { budget: { perCountryPerDay: 100 } })
      const { redis, flow } = setup
      if (!redis) throw new Error('it is on Redis')
      const handle = await sendCode(setup, { address })
      const key = (await recordKeys(setup)).find((each) => kindOf(each) === kind) ?? 'none'
      await redis.del(key)
      await poison(redis, key)
      await redis.expire(key, 600)
      const found = await redis.dump(key)
      expect(await signIn(flow, handle)).toBe('opened')
      const told = setup.events.filter(({ type }) => type === 'error')
      expect(told).toMatchObject([{ step: 'check', code: 'ERR_OTP_STORE_UNAVAILABLE' }])
      // It is as it was found, and lets no message out.
      expect(await redis.dump(key)).toEqual(found)
      const sending = failure(flow.send({ number: numbers[1], address }))
      expect([kind, await sending]).toEqual([kind, storeIsAway])
    }
  })

  test('keeps no wrong code from being one', async () => {
    const setup = await setupFlow('redis')
    const { redis, flow } = setup
    if (!redis) throw new Error('it is on Redis')
    const handle = await sendCode(setup, { address })
    const key = (await recordKeys(setup)).find((each) => kindOf(each) === 'app') ?? 'none'
    await redis.set(key, 'garbage', 'EX', 600)
    expect((await flow.check({ handle, code: '111111', address })).status).toBe('invalid_code')
    expect(setup.events.filter(({ type }) => type === 'error')).toHaveLength(1)
    expect(await signIn(flow, handle)).toBe('opened')
  })
})

describe('an error of Redis', () => {
  // proves: RED-8, FAIL-1
  test.each([
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    'NOSCRIPT No matching script. Please use EVAL.',
    'MOVED 3999 127.0.0.1:1',
    'ASK 3999 127.0.0.1:1',
    'CLUSTERDOWN Hash slot not served',
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR value is not an integer or out of range',
    'EXECABORT Transaction discarded because of previous errors.',
  ])('is no answer of a limit, nor of a flow: %s', async (error) => {
    const { url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const setup = await setupFlow('redis', {}, { redisUrl: proxy.url })
    const handle = await sendCode(setup, { address })
    const isScript = ([name = '']: CommandWords) => name.startsWith('EVAL')
    const steps = () => [
      setup.flow.send({ number: numbers[1], address }),
      setup.flow.check({ handle, code: rightCode, address }),
    ]
    const end = proxy.answer(error, isScript)
    for (const step of steps()) expect(await failure(step)).toEqual(storeIsAway)
    end()
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual(['send'])
    // Nothing is left that would hold up what comes next.
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })
})
