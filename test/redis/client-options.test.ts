import { Redis, type RedisOptions } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startRedis } from '../support/redis.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import {
  address,
  expectRefused,
  isScript,
  newNumber,
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

  test('refuses within a second while Redis is down', async () => {
    const { flow, tyntec, server, trySteps } = await setup(options)
    const { handle, code } = await sent(flow, tyntec)
    await server.kill()
    await expectRefused(trySteps(handle, code))
    expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])
  })

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
    expect(await direct.get('tyntec-otp:limit:sends:all:hour:{all}')).toBe('1')
  })

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
  proxy.holdReplies(isScript('reserveSend'))
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
