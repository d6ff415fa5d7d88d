import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import { expectSound, startLoad, summary } from './load.js'
import { address, newNumber, sent, setupFlow, setupTyntec, signIn, wrong } from './setup.js'

const sentinel = await startRedisSentinel()
afterAll(() => sentinel.stop())

const { name, sentinels } = sentinel

async function setup(options: Omit<RedisOptions, 'replyMapping'> = {}) {
  const client = new Redis({ name, sentinels, ...options })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const tyntec = await setupTyntec()
  return { client, tyntec, flow: setupFlow(tyntec, client) }
}

async function newMasterThan(port: number) {
  await vi.waitFor(
    async () => {
      expect((await sentinel.master()).port).not.toBe(port)
    },
    { timeout: 40_000 },
  )
}

test('a sign-in on ioredis 5 goes through every step', async () => {
  const client = new Redis5({ name, sentinels })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const tyntec = await setupTyntec()
  const flow = setupFlow(tyntec, client)
  const { handle, code } = await sent(flow, tyntec)
  expect(await signIn(flow, handle, wrong(code))).toBe('invalid_code')
  expect(await signIn(flow, handle, code)).toBe('verified')
})

test('refuses on a server that is not the master any more', async () => {
  const { port } = await sentinel.master()
  const replica = sentinel.servers.find((server) => server.port !== port)
  const client = new Redis(replica?.url ?? '')
  onTestFinished(() => client.disconnect())
  const tyntec = await setupTyntec()
  const flow = setupFlow(tyntec, client)
  await expect(flow.send({ number: newNumber(), address })).rejects.toMatchObject({
    code: 'ERR_OTP_STORE_UNAVAILABLE',
    message: 'Redis answered READONLY',
  })
  expect(await tyntec.requests()).toEqual([])
})

// proves: redis-restarts/send
test('goes on after the master was killed under load', async () => {
  const { flow, tyntec } = await setup()
  const load = startLoad(flow, tyntec)
  await load.signedIn(30)
  const master = await sentinel.master()
  const killed = performance.now()
  await master.kill()
  await newMasterThan(master.port)
  await load.signedIn(30)
  await load.stop()

  await expectSound(load, tyntec)
  const { failed, mostFailedWithin } = summary('Sentinel, killed', load, killed)
  expect(failed).toBeGreaterThan(0)
  expect(mostFailedWithin).toBeLessThan(1000)
}, 90_000)

test('goes on while the old master hangs, with failoverDetector', async () => {
  const { flow, tyntec } = await setup({ failoverDetector: true })
  const load = startLoad(flow, tyntec)
  await load.signedIn(30)
  const master = await sentinel.master()
  const paused = performance.now()
  master.pause()
  await newMasterThan(master.port)
  await load.signedIn(30)
  await load.stop()

  await expectSound(load, tyntec)
  expect(summary('Sentinel, hung', load, paused).mostFailedWithin).toBeLessThan(1000)
}, 90_000)
