import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { redisStore } from '../src/store/redis.js'
import type { OtpStore } from '../src/store/store.js'
import { createRedis, startRedis } from './support/redis.js'
import { startRedisProxy } from './support/redis-proxy.js'
import { advanceRedis, dumpRedis, setupStore, storeKinds } from './support/stores.js'

const key = '{tag}'
const rule = { name: 'members', points: 3, duration: 60 }
const halfLife = 3600

function members(store: OtpStore, points = rule.points) {
  return store.memberLimiter({ ...rule, points })
}

/** Which of the members are let in, one after the other. */
async function letIn(limiter: ReturnType<typeof members>, names: readonly string[]) {
  const allowed: string[] = []
  for (const name of names) if ((await limiter.consume(key, name)).allowed) allowed.push(name)
  return allowed
}

describe.each(storeKinds)('the members of a key on %s', (kind) => {
  test('are so many different ones, however often each comes', async () => {
    const { store } = await setupStore(kind)
    const limiter = members(store)
    expect(await letIn(limiter, ['a', 'a', 'b', 'a', 'c', 'd', 'b', 'e'])).toEqual(
      'a a b a c b'.split(' '),
    )
    expect(await limiter.consume('{other}', 'd')).toMatchObject({ allowed: true, used: 1 })
  })

  test('are forgotten with all of their uses, and nobody else is', async () => {
    const { store, advance, dump } = await setupStore(kind)
    const limiter = members(store, 2)
    await letIn(limiter, ['a', 'a', 'b'])
    await limiter.forget(key, 'a')
    await limiter.forget(key, 'nobody')
    await limiter.forget('{nothing}', 'a')
    expect(await letIn(limiter, ['c', 'a', 'b'])).toEqual(['c', 'b'])
    await advance(20)
    for (const name of ['b', 'c']) await limiter.forget(key, name)
    // Nothing of the window is left either.
    expect(await dump()).toEqual([])
    expect(await limiter.consume(key, 'd')).toEqual({ allowed: true, retryAfter: 60, used: 1 })
  })

  test('are counted, and one too many hears how long it lasts', async () => {
    const { store, advance } = await setupStore(kind)
    const limiter = members(store)
    expect(await limiter.consume(key, 'a')).toEqual({ allowed: true, retryAfter: 60, used: 1 })
    expect(await limiter.consume(key, 'a')).toEqual({ allowed: true, retryAfter: 60, used: 1 })
    await letIn(limiter, ['b', 'c'])
    await advance(20)
    expect(await limiter.consume(key, 'd')).toEqual({ allowed: false, retryAfter: 40, used: 4 })
  })

  test('are forgotten when the window of the first one ends, and not later', async () => {
    const { store, advance } = await setupStore(kind)
    const limiter = members(store)
    await letIn(limiter, ['a', 'b', 'c'])
    await advance(50)
    expect(await letIn(limiter, ['a', 'd', 'c'])).toEqual(['a', 'c'])
    await advance(11)
    expect(await letIn(limiter, ['d', 'e', 'f', 'a'])).toEqual(['d', 'e', 'f'])
  })

  test('leave when every use of theirs was given back', async () => {
    const { store } = await setupStore(kind)
    const limiter = members(store)
    await letIn(limiter, ['a', 'a', 'b', 'c'])
    await limiter.refund(key, 'a')
    expect(await letIn(limiter, ['d'])).toEqual([])
    await limiter.refund(key, 'a')
    expect(await letIn(limiter, ['d', 'a'])).toEqual(['d'])
  })

  test('have a whole window again after the last one has left', async () => {
    const { store, advance } = await setupStore(kind)
    const limiter = members(store, 1)
    await letIn(limiter, ['a'])
    await advance(50)
    await limiter.refund(key, 'a')
    await letIn(limiter, ['b'])
    await advance(20)
    expect(await limiter.consume(key, 'c')).toEqual({ allowed: false, retryAfter: 40, used: 2 })
  })

  test('lose nothing by a refund of what was not taken', async () => {
    const { store } = await setupStore(kind)
    const limiter = members(store)
    await limiter.refund(key, 'a')
    await letIn(limiter, ['a', 'b', 'c'])
    for (let times = 0; times < 3; times++) {
      expect(await limiter.consume(key, 'd')).toMatchObject({ allowed: false })
      await limiter.refund(key, 'd')
    }
    expect(await letIn(limiter, ['d', 'a'])).toEqual(['a'])
  })

  test('are as many as allowed when fifty come at once', async () => {
    const { store } = await setupStore(kind)
    const limiter = members(store, 10)
    const at = Array.from({ length: 50 }, (_, index) => `member ${index}`)
    const answers = await Promise.all(at.map((member) => limiter.consume(key, member)))
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(10)
    const again = await Promise.all(at.map(() => limiter.consume('{one}', 'the same')))
    expect(again.filter(({ allowed, used }) => allowed && used === 1)).toHaveLength(50)
    await Promise.all(at.slice(1).map(() => limiter.refund('{one}', 'the same')))
    expect(await limiter.consume('{one}', 'the same')).toMatchObject({ used: 1 })
  })
})

describe.each(storeKinds)('a meter on %s', (kind) => {
  test('adds to what is there', async () => {
    const { store } = await setupStore(kind)
    const meter = store.meter({ name: 'meter', halfLife })
    await meter.add(key, { sent: 1, verified: 0 })
    await meter.add(key, { sent: 2, verified: 1 })
    const reading = await meter.add(key, { sent: 0, verified: 0 })
    expect(reading).toEqual({ sent: expect.closeTo(3, 2), verified: expect.closeTo(1, 2) })
    expect(await meter.add('{other}', { sent: 1, verified: 0 })).toEqual({ sent: 1, verified: 0 })
    const other = store.meter({ name: 'other', halfLife })
    expect(await other.add(key, { sent: 1, verified: 0 })).toEqual({ sent: 1, verified: 0 })
  })

  test('forgets half of it in each half-life', async () => {
    const { store, advance } = await setupStore(kind)
    const meter = store.meter({ name: 'meter', halfLife })
    const read = () => meter.add(key, { sent: 0, verified: 0 })
    await meter.add(key, { sent: 16, verified: 8 })
    await advance(halfLife)
    expect(await read()).toEqual({ sent: expect.closeTo(8, 1), verified: expect.closeTo(4, 1) })
    await advance(halfLife / 2)
    expect(await read()).toMatchObject({ sent: expect.closeTo(8 * Math.SQRT1_2, 1) })
    await advance(halfLife / 2)
    await meter.add(key, { sent: 4, verified: 0 })
    await advance(halfLife)
    expect(await read()).toEqual({ sent: expect.closeTo(4, 1), verified: expect.closeTo(1, 1) })
  })

  test('begins anew after four of them without a message', async () => {
    const { store, advance } = await setupStore(kind)
    const meter = store.meter({ name: 'meter', halfLife })
    await meter.add(key, { sent: 1000, verified: 1000 })
    await advance(4 * halfLife + 1)
    expect(await meter.add(key, { sent: 1, verified: 0 })).toEqual({ sent: 1, verified: 0 })
  })

  test('is never under nothing', async () => {
    const { store, advance } = await setupStore(kind)
    const meter = store.meter({ name: 'meter', halfLife })
    expect(await meter.add(key, { sent: -1, verified: -1 })).toEqual({ sent: 0, verified: 0 })
    await meter.add(key, { sent: 1, verified: 0 })
    // It weighs half when it is given back whole.
    await advance(halfLife)
    expect(await meter.add(key, { sent: -1, verified: 0 })).toEqual({ sent: 0, verified: 0 })
    expect(await meter.add(key, { sent: 1, verified: 0 })).toEqual({ sent: 1, verified: 0 })
  })

  test('misses none of fifty at once', async () => {
    const { store } = await setupStore(kind)
    const meter = store.meter({ name: 'meter', halfLife })
    const readings = await Promise.all(
      Array.from({ length: 50 }, () => meter.add(key, { sent: 1, verified: 0 })),
    )
    // Each has seen another count: whoever is one too many knows it.
    expect(new Set(readings.map(({ sent }) => Math.round(sent))).size).toBe(50)
    await Promise.all(readings.slice(2).map(() => meter.add(key, { sent: -1, verified: 0 })))
    expect(await meter.add(key, { sent: 0, verified: 0 })).toMatchObject({
      sent: expect.closeTo(2, 1),
    })
  })
})

describe.each(storeKinds)('uses that cost several points on %s', (kind) => {
  test('are refused once they would be too many, and come back whole', async () => {
    const { store } = await setupStore(kind)
    const limiter = store.limiter({ name: 'points', points: 1000, duration: 60 })
    for (const used of [400, 800]) {
      expect(await limiter.consume(key, 400)).toMatchObject({ allowed: true, used })
    }
    expect(await limiter.consume(key, 400)).toMatchObject({ allowed: false, used: 1200 })
    await limiter.refund(key, 400)
    expect(await limiter.consume(key, 201)).toMatchObject({ allowed: false })
    await limiter.refund(key, 201)
    expect(await limiter.consume(key, 200)).toMatchObject({ allowed: true, used: 1000 })
    await limiter.refund(key, 400)
    expect(await limiter.consume(key, 400)).toMatchObject({ allowed: true, used: 1000 })
  })

  test('are exact when fifty come at once', async () => {
    const { store } = await setupStore(kind)
    const limiter = store.limiter({ name: 'points', points: 1000, duration: 60 })
    const answers = await Promise.all(Array.from({ length: 50 }, () => limiter.consume(key, 30)))
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(33)
  })
})

describe.each(storeKinds)('uses that cost several points on %s', (kind) => {
  test('are given back as far as they are there', async () => {
    const { store } = await setupStore(kind)
    const limiter = store.limiter({ name: 'points', points: 1000, duration: 1 })
    await limiter.consume(key, 900)
    // Its window ends meanwhile.
    await vi.waitFor(async () => expect(await limiter.consume(key, 1)).toMatchObject({ used: 1 }), {
      timeout: 3000,
      interval: 200,
    })
    await limiter.refund(key, 900)
    expect(await limiter.consume(key, 1000)).toMatchObject({ allowed: true, used: 1000 })
    expect(await limiter.consume(key, 1)).toMatchObject({ allowed: false })
  })
})

/** A client that runs each command twice, as one does that has not heard the first answer. */
function repeating(redis: Awaited<ReturnType<typeof createRedis>>['redis']): typeof redis {
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'evalsha' && name !== 'eval') return value.bind(target)
      return async (...words: unknown[]) => {
        await value.apply(target, words)
        return value.apply(target, words)
      }
    },
  })
}

describe('what Redis keeps of them', () => {
  async function setup() {
    const { redis, prefix } = await createRedis()
    return {
      redis,
      prefix,
      store: redisStore(redis, { prefix, timeout: 3 }),
      twice: redisStore(repeating(redis), { prefix, timeout: 3 }),
      dump: () => dumpRedis(redis, prefix),
    }
  }

  // proves: RED-3
  test('ends by itself, whatever was done', async () => {
    const { redis, prefix, store, dump } = await setup()
    const limiter = members(store)
    const meter = store.meter({ name: 'meter', halfLife })
    const limit = store.limiter({ name: 'points', points: 10, duration: 60 })
    const steps = [
      () => limiter.consume(key, 'a'),
      () => limiter.consume(key, 'a'),
      () => limiter.refund(key, 'a'),
      () => limiter.refund(key, 'b'),
      () => letIn(limiter, ['b', 'c', 'd']),
      () => limiter.refund('{none}', 'a'),
      () => meter.add(key, { sent: 1, verified: 0 }),
      () => meter.add(key, { sent: 0, verified: 1 }),
      () => meter.add('{none}', { sent: -1, verified: 0 }),
      () => limit.consume(key, 5),
      () => limit.refund(key, 50),
      () => limit.refund('{none}', 5),
    ]
    for (const step of steps) {
      await step()
      for (const { ttl } of await dump()) {
        expect(ttl).toBeGreaterThan(0)
        expect(ttl).toBeLessThanOrEqual(4 * halfLife * 1000)
      }
    }
    // The window of members is the first one's, that of a meter the last one's.
    await advanceRedis(redis, prefix, 30)
    await limiter.consume(key, 'a')
    await meter.add(key, { sent: 1, verified: 0 })
    const ttls = Object.fromEntries((await dump()).map(({ key, ttl }) => [key, ttl]))
    expect(ttls['limit:members:{tag}']).toBeLessThanOrEqual(30_000)
    expect(ttls['meter:meter:{tag}']).toBeGreaterThan(4 * halfLife * 1000 - 5000)
  })

  test('is nothing of a use that was given back, but a mark for half a minute', async () => {
    const { store, redis, prefix, dump } = await setup()
    const limit = store.limiter({ name: 'points', points: 10, duration: 60 })
    await limit.consume(key)
    await limit.consume(key, 3)
    await limit.refund(key, 3)
    expect((await dump()).map(({ value }) => value)).toEqual(['1', '1'])
    await limit.refund(key)
    for (const each of await dump()) {
      expect(each.key).toMatch(/^limit:points:\{tag\}:[\w-]{8}$/)
      expect(each.ttl).toBeLessThanOrEqual(30_000)
    }
    await advanceRedis(redis, prefix, 30)
    expect(await dump()).toEqual([])
  })

  test('is right after a refund that came again when others had begun a new window', async () => {
    const { redis, prefix, store } = await setup()
    const sent: Parameters<typeof redis.evalsha>[] = []
    const recording = new Proxy(redis, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...words: Parameters<typeof redis.evalsha>) => {
          if (name === 'evalsha') sent.push(words)
          return value.apply(target, words)
        }
      },
    })
    const points = { name: 'points', points: 2, duration: 60 }
    await store.limiter(points).consume(key)
    await redisStore(recording, { prefix, timeout: 3 }).limiter(points).refund(key)
    await store.limiter(points).consume(key)
    expect(sent).toHaveLength(1)
    for (const words of sent) await redis.evalsha(...words)
    expect(await store.limiter(points).consume(key)).toMatchObject({ used: 2 })
  })

  test('is right after a refund that the client sent twice', async () => {
    const { store, twice } = await setup()
    await letIn(members(store), ['a', 'a', 'a'])
    await members(twice).refund(key, 'a')
    await members(store).refund(key, 'a')
    expect(await letIn(members(store), ['b', 'c', 'd'])).toEqual(['b', 'c'])

    const points = { name: 'points', points: 10, duration: 60 }
    await store.limiter(points).consume(key, 9)
    await store.limiter(points).consume('{other}', 1)
    await twice.limiter(points).refund(key, 3)
    expect(await store.limiter(points).consume(key, 4)).toMatchObject({ allowed: true, used: 10 })
  })

  // proves: RED-7
  test('counts more, and never less, when the client sent a use twice', async () => {
    const { store, twice } = await setup()
    await letIn(members(twice), ['a'])
    await members(store).refund(key, 'a')
    expect(await letIn(members(store), ['b', 'c', 'd'])).toEqual(['b', 'c'])
    const meter = { name: 'meter', halfLife }
    await twice.meter(meter).add(key, { sent: 1, verified: 0 })
    expect(await store.meter(meter).add(key, { sent: 0, verified: 0 })).toMatchObject({
      sent: expect.closeTo(2, 1),
    })
  })

  test.each(['text', 'list', 'set'])('is made anew in place of a %s', async (type) => {
    const { redis, prefix, store, dump } = await setup()
    for (const name of ['limit:members:{tag}', 'meter:meter:{tag}']) {
      if (type === 'text') await redis.set(`${prefix}${name}`, 'x')
      if (type === 'list') await redis.lpush(`${prefix}${name}`, 'x')
      if (type === 'set') await redis.sadd(`${prefix}${name}`, 'x')
    }
    await members(store).refund(key, 'a')
    expect(await letIn(members(store), ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c'])
    const meter = store.meter({ name: 'meter', halfLife })
    expect(await meter.add(key, { sent: 1, verified: 0 })).toEqual({ sent: 1, verified: 0 })
    for (const { ttl } of await dump()) expect(ttl).toBeGreaterThan(0)
  })

  test('is nothing when all of it was given back', async () => {
    const { redis, prefix, store, dump } = await setup()
    const meter = store.meter({ name: 'meter', halfLife })
    await members(store).consume(key, 'a')
    await meter.add(key, { sent: 2, verified: 0 })
    await members(store).refund(key, 'a')
    // Less of it is left than is given back.
    await advanceRedis(redis, prefix, 60)
    await meter.add(key, { sent: -2, verified: 0 })
    const kept = (await dump()).filter(({ key }) => key.endsWith('}'))
    expect(kept).toEqual([])
    await meter.add(key, { sent: 0, verified: 1 })
    expect(await meter.add(key, { sent: 0, verified: 0 })).toMatchObject({
      verified: expect.closeTo(1, 2),
    })
  })

  test('is read as nothing where it holds no numbers', async () => {
    const { redis, prefix, store } = await setup()
    await redis.hset(`${prefix}meter:meter:{tag}`, { sent: 'x', verified: 'nan', at: '' })
    const meter = store.meter({ name: 'meter', halfLife })
    expect(await meter.add(key, { sent: 1, verified: 0 })).toMatchObject({
      sent: expect.closeTo(1, 2),
    })
  })

  // proves: RED-2
  test('has each its own slot in a cluster', async () => {
    const server = await startRedis({ cluster: true })
    const { redis, prefix } = await createRedis({ url: server.url })
    const store = redisStore(redis, { prefix, timeout: 3 })
    expect(await letIn(members(store), ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c'])
    await members(store).refund(key, 'a')
    const meter = store.meter({ name: 'meter', halfLife })
    expect(await meter.add(key, { sent: 1, verified: 1 })).toEqual({ sent: 1, verified: 1 })
    const limit = store.limiter({ name: 'points', points: 10, duration: 60 })
    await limit.consume(key, 5)
    await limit.refund(key, 5)
    for (const { key: name } of await dumpRedis(redis, prefix)) expect(name).toContain('{tag}')
  })

  test('forgets a use that Redis made after its caller had gone', async () => {
    const { redis, prefix, url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const { redis: slow } = await createRedis({ url: proxy.url })
    const store = redisStore(redis, { prefix, timeout: 3 })
    const late = redisStore(slow, { prefix, timeout: 0.2 })
    const meter = { name: 'meter', halfLife }
    // The scripts are known.
    await letIn(members(store), ['a'])
    await store.meter(meter).add(key, { sent: 1, verified: 0 })
    proxy.holdReplies(([name]) => name === 'EVALSHA')
    const steps = [
      members(late).consume(key, 'b'),
      late.meter(meter).add(key, { sent: 1, verified: 0 }),
    ]
    expect(await Promise.allSettled(steps)).toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ])
    proxy.resume()
    await vi.waitFor(async () => {
      const kept = await dumpRedis(redis, prefix)
      expect(kept.find(({ key }) => key === 'limit:members:{tag}')?.value).toEqual({ a: '1' })
      expect(kept.find(({ key }) => key === 'meter:meter:{tag}')?.value).toMatchObject({
        sent: expect.stringMatching(/^(1\.0|0\.99)/),
      })
    })
  })
})

test('what is added too late is taken back once, however late that is', async () => {
  const { redis, prefix } = await createRedis()
  let commands = 0
  const late = <T>(answer: Promise<T>): Promise<T> => {
    commands += 1
    return answer.then((value) => sleep(60, value))
  }
  const client = {
    status: 'ready',
    connect: async () => {},
    eval: (text: string, keys: number, ...args: (string | number)[]) =>
      late(redis.eval(text, keys, ...args)),
    evalsha: () => Promise.reject(new Error('NOSCRIPT No matching script')),
    once: () => {},
    off: () => {},
  }
  const meter = redisStore(client, { prefix, timeout: 0.02 }).meter({ name: 'late', halfLife: 60 })
  await expect(meter.add('{a}', { sent: 1, verified: 0 })).rejects.toThrow('gave no answer')
  await vi.waitFor(() => expect(commands).toBe(2))
  await sleep(400)
  expect(commands).toBe(2)
  const reading = await redisStore(redis, { prefix, timeout: 3 })
    .meter({ name: 'late', halfLife: 60 })
    .add('{a}', { sent: 0, verified: 0 })
  expect(reading.sent).toBeCloseTo(0, 1)
})
