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

/** What may stand in the place of a count. */
const garbage: Record<string, (redis: Redis, key: string) => Promise<unknown>> = {
  'a list': (redis, key) => redis.rpush(key, 'x'),
  'a hash': (redis, key) => redis.hset(key, 'x', 'y'),
  'a text': (redis, key) => redis.set(key, 'garbage'),
  'an empty text': (redis, key) => redis.set(key, ''),
  'a fraction': (redis, key) => redis.set(key, '0.5'),
  'more than a number': (redis, key) => redis.set(key, '99999999999999999999'),
}

/** The keys of all limits that a send and a check have asked, marks of refunds left out. */
async function limitKeys({ redis, prefix }: TestFlow): Promise<string[]> {
  const keys = (await redis?.keys(`${prefix}limit:*`)) ?? []
  return keys.filter((key) => !/\}:[\w-]{8}$/.test(key)).sort()
}

const counts = [
  'limit:failures:address',
  'limit:sends:address',
  'limit:sends:all:day',
  'limit:sends:all:hour',
  'limit:sends:number:0',
  'limit:sends:number:1',
]

describe('a limit whose key holds', () => {
  // proves: RED-10
  test.each(Object.entries(garbage))('%s lets nobody through', async (_, poison) => {
    const setup = await setupFlow('redis')
    const { redis, flow } = setup
    if (!redis) throw new Error('it is on Redis')
    const handle = await sendCode(setup, { address })
    expect((await flow.check({ handle, code: '111111', address })).status).toBe('invalid_code')
    await setup.advance(31)
    const keys = await limitKeys(setup)
    const nameOf = (key: string) => key.slice(setup.prefix.length).split(':{', 1).join()
    expect(keys.map(nameOf)).toEqual(expect.arrayContaining(counts))
    const asked = (await setup.calls()).length

    for (const key of keys.filter((each) => counts.includes(nameOf(each)))) {
      await redis.del(key)
      await poison(redis, key)
      await redis.expire(key, 600)
      const step = nameOf(key).startsWith('limit:failures')
        ? flow.check({ handle, code: rightCode, address })
        : flow.send({ number, address, handle })
      expect([nameOf(key), await failure(step)]).toEqual([nameOf(key), storeIsAway])
      await redis.del(key)
    }
    expect((await setup.calls()).length).toBe(asked)

    // The others count what looks strange: whatever they hold, nothing breaks.
    const others = keys.filter((key) => !counts.includes(nameOf(key)))
    for (const key of others) {
      await redis.del(key)
      await poison(redis, key)
      await redis.expire(key, 600)
    }
    expect(await statusOf(flow.check({ handle, code: '222222', address }))).toMatch(
      /^(?:invalid_code|rate_limited|ERR_OTP_STORE_UNAVAILABLE)$/,
    )
    if (others.length > 0) await redis.del(...others)
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
    const isLimit = (words: CommandWords) => words.some((word) => /:limit:[a-z]/.test(word))
    const isScript = ([name = '']: CommandWords) => name.startsWith('EVAL')
    const steps = () => [
      setup.flow.send({ number: numbers[1], address }),
      setup.flow.check({ handle, code: rightCode, address }),
    ]
    for (const ofLimits of [true, false]) {
      const end = proxy.answer(error, (words) => isScript(words) && isLimit(words) === ofLimits)
      for (const step of steps()) expect(await failure(step)).toEqual(storeIsAway)
      end()
    }
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual(['send'])
    // Nothing is left that would hold up what comes next.
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })
})
