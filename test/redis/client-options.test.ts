import { once } from 'node:events'
import { Redis, type RedisOptions } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { appKey, numberKey } from '../../src/store/keys.js'
import type { SharedRecord } from '../../src/store/records.js'
import { createRedisStore } from '../../src/store/redis.js'
import { createRedis, startRedis } from '../support/redis.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import {
  address,
  expectRefused,
  isScript,
  newNumber,
  recordAt,
  sendTo,
  sent,
  setupFlow,
  setupTyntec,
  signIn,
} from './setup.js'

type Options = Omit<RedisOptions, 'replyMapping'>

const clients: [string, Options][] = [
  ['default options', {}],
  ['no offline queue', { enableOfflineQueue: false }],
  ['one retry per request', { maxRetriesPerRequest: 1 }],
  ['no resending', { autoResendUnfulfilledCommands: false }],
  ['a lazy connection', { lazyConnect: true }],
  ['a lazy connection and no offline queue', { lazyConnect: true, enableOfflineQueue: false }],
  ['a command timeout', { commandTimeout: 200 }],
]

async function setup(options: Options) {
  const server = await startRedis()
  const redis = new Redis(server.url, options)
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  const tyntec = await setupTyntec()
  const flow = setupFlow(tyntec, redis)
  /** Every step at once. */
  const trySteps = (handle: string, code: string) => [
    flow.send({ number: newNumber(), address }),
    flow.send({ number: newNumber(), address }),
    flow.check({ handle, code, address }),
    flow.resend({ handle, address }),
    flow.status({ handle }),
  ]
  return { server, redis, tyntec, flow, trySteps }
}

describe.each(clients)('a client with %s', (_, options) => {
  test('signs in from its first command on', async () => {
    const { flow, tyntec } = await setup(options)
    const { handle, code } = await sent(flow, tyntec)
    expect(await signIn(flow, handle, code)).toBe('verified')
  })

  // proves: RED-6, FAIL-1, redis-down/send
  test('refuses within a second while Redis is down', async () => {
    const { flow, tyntec, server, trySteps } = await setup(options)
    const { handle, code } = await sent(flow, tyntec)
    await server.kill()
    await expectRefused(trySteps(handle, code))
    expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])
  })

  // proves: redis-down/send
  test('has counted nothing of that when Redis is back', async () => {
    const { flow, tyntec, server, trySteps } = await setup(options)
    const { handle, code } = await sent(flow, tyntec)
    await server.kill()
    await expectRefused(trySteps(handle, code))
    const back = await startRedis({ port: server.port })
    const next = await vi.waitFor(() => sent(flow, tyntec), { timeout: 8000 })
    expect(await signIn(flow, next.handle, next.code)).toBe('verified')
    const direct = new Redis(back.url)
    onTestFinished(() => direct.disconnect())
    const app = await recordAt<SharedRecord>(direct, `tyntec-otp:${appKey}`)
    expect(Object.values(app?.uses ?? {}).map((window) => window?.n)).toEqual([1, 1])
  })

  // proves: RED-6
  test('refuses within a second while Redis hangs', async () => {
    const { flow, tyntec, server, trySteps } = await setup(options)
    const { handle, code } = await sent(flow, tyntec)
    server.pause()
    await expectRefused(trySteps(handle, code))
    expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])
    server.resume()
    const next = await sent(flow, tyntec)
    expect(await signIn(flow, next.handle, next.code)).toBe('verified')
  })
})

// proves: redis-slow/check
test('signs in soon with a code that could not be checked while Redis hung', async () => {
  const { flow, tyntec, server } = await setup({})
  // So that Redis knows every script.
  const before = await sent(flow, tyntec)
  expect(await signIn(flow, before.handle, before.code)).toBe('verified')

  const { handle, code } = await sent(flow, tyntec)
  server.pause()
  await expectRefused([flow.check({ handle, code, address })])
  server.resume()
  await vi.waitFor(async () => {
    expect(await signIn(flow, handle, code)).toBe('verified')
  })
})

// proves: redis-slow/send
test('sends soon to a number that could not be reserved while Redis hung', async () => {
  const server = await startRedis()
  const proxy = await startRedisProxy(server.url)
  const redis = new Redis(proxy.url)
  onTestFinished(() => redis.disconnect())
  const tyntec = await setupTyntec()
  const limits = { sendsPerNumber: [{ points: 1, duration: 600 }] }
  const flow = setupFlow(tyntec, redis, { limits })
  await sent(flow, tyntec)

  const number = newNumber()
  // The answers come when nobody waits for them any more.
  proxy.holdReplies(isScript('send'))
  await expectRefused([flow.send({ number, address })])
  proxy.resume()
  await vi.waitFor(async () => {
    expect((await sendTo(flow, number)).outcome).toMatchObject({ status: 'sent' })
  })
  expect(tyntec.messages(number)).toBe(1)
})

test('a client that never reaches its Redis refuses within a second', async () => {
  const redis = new Redis(1, '127.0.0.1', { lazyConnect: true })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  const flow = setupFlow(await setupTyntec(), redis)
  await expectRefused([flow.send({ number: newNumber(), address })])
})

describe('a store', () => {
  const ask = (redis: Redis, timeout: number) =>
    createRedisStore(redis, { timeout }).run('failures', { number: numberKey('tag') }, {})

  test('whose client has ended refuses, and connects it no more', async () => {
    const { redis } = await createRedis()
    const ended = once(redis, 'end')
    redis.disconnect()
    await ended
    await expect(ask(redis, 0.3)).rejects.toThrow('Redis is not connected')
    expect(redis.status).toBe('end')
  })

  test('waits for a client that connects, and adds no listener for that', async () => {
    const { url } = await createRedis()
    const proxy = await startRedisProxy(url)
    proxy.pause()
    const redis = new Redis(proxy.url)
    onTestFinished(() => redis.disconnect())
    await once(redis, 'connect')
    const before = redis.listenerCount('ready')
    const first = Array.from({ length: 20 }, () => ask(redis, 0.1))
    expect(redis.listenerCount('ready')).toBe(before)
    for (const each of first) await expect(each).rejects.toThrow('Redis is not connected')

    const patient = ask(redis, 5)
    proxy.resume()
    expect(await patient).toEqual({ total: 0, wait: 0 })
    // What was refused is not asked later.
    expect(proxy.seen.filter(isScript('failures')).length).toBeLessThanOrEqual(2)
    expect(redis.listenerCount('ready')).toBeLessThanOrEqual(before)
  })

  test('keeps one timer for all that wait', async () => {
    const { redis } = await createRedis()
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const store = createRedisStore(redis, { timeout: 10 })
    const run = () => store.run('failures', { number: numberKey('tag') }, {})
    await run()
    const before = timers()
    await Promise.all(Array.from({ length: 20 }, run))
    expect(timers()).toBeLessThanOrEqual(before + 1)
  })
})
