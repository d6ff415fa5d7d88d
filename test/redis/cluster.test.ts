import { randomUUID } from 'node:crypto'
import type { AnyRedisClient } from 'passport-tyntec-otp'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { sms, twoFactor, whatsapp } from '../../src/options/channels.js'
import { appKey } from '../../src/store/keys.js'
import { clusterClient, startRedisCluster } from '../support/redis-cluster.js'
import { type ClientLibrary, clientLibraries } from '../support/redis-clients.js'
import { expectSound, startLoad, summary } from './load.js'
import { address, expectRefused, sent, setupFlow, setupTyntec, signIn, wrong } from './setup.js'

const cluster = await startRedisCluster()
afterAll(() => cluster.stop())

function client6(options?: Parameters<typeof clusterClient>[1]) {
  const client = clusterClient(cluster, options)
  onTestFinished(() => client.disconnect())
  return client
}

async function setup(client: AnyRedisClient = client6()) {
  const prefix = `${randomUUID()}:`
  const tyntec = await setupTyntec()
  return { prefix, tyntec, flow: setupFlow(tyntec, client, { prefix, resendWaits: [1] }) }
}

const libraries = clientLibraries.filter((library) => library.connectCluster)

async function clientOf({ name, connectCluster }: ClientLibrary): Promise<AnyRedisClient> {
  const connected = await connectCluster?.(cluster.seeds)
  if (!connected) throw new Error(`${name} has no Cluster`)
  onTestFinished(connected.close)
  return connected.client
}

describe.each(libraries)('a sign-in on a Cluster with $name', (library) => {
  // proves: RED-2
  test('goes through every step', async () => {
    const { flow, tyntec } = await setup(await clientOf(library))
    const { number, handle, code } = await sent(flow, tyntec)
    expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })
    await vi.waitFor(
      async () => {
        expect(await flow.resend({ handle, address })).toMatchObject({ status: 'sent' })
      },
      { timeout: 3000, interval: 200 },
    )
    expect(await signIn(flow, handle, wrong(code))).toBe('invalid_code')
    expect(await signIn(flow, handle, code)).toBe('verified')
    for (let repeats = 0; repeats < 3; repeats++) {
      expect(await signIn(flow, handle, code)).toBe('repeated')
    }
    expect(await signIn(flow, handle, code)).toBe('no_pending_code')
    expect(tyntec.messages(number)).toBe(2)

    const next = await sent(flow, tyntec)
    await flow.cancel({ handle: next.handle })
    expect(await flow.status({ handle: next.handle })).toEqual({ status: 'none' })
    await flow.unlock(number)
  })

  // proves: RED-2
  test.each(['whatsapp', 'sms'] as const)('goes through every step by %s', async (via) => {
    const tyntec = await setupTyntec()
    const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
    const flow = setupFlow(tyntec, await clientOf(library), {
      prefix: `${randomUUID()}:`,
      resendWaits: [1],
      channels: via === 'sms' ? [sms({ from: 'Example', text: '{{OTP}}' })] : [chat, twoFactor()],
      fallback: 'auto',
    })
    const { number, handle, code } = await sent(flow, tyntec)
    expect(await flow.status({ handle })).toMatchObject({ via, delivery: 'delivered' })
    await vi.waitFor(
      async () => {
        const resent = await flow.resend({ handle, address })
        expect(resent).toMatchObject({ status: 'sent', newCode: true })
      },
      { timeout: 3000, interval: 200 },
    )
    const [next] = tyntec.sandbox.messages().slice(-1)
    expect(await signIn(flow, handle, code)).toBe('invalid_code')
    expect(await signIn(flow, handle, next?.code ?? '')).toBe('verified')
    expect(await signIn(flow, handle, next?.code ?? '')).toBe('repeated')
    expect(tyntec.messages(number)).toBe(2)
    if (via === 'sms') return
    const failed = await flow.send({ number: '+12015550114', address, language: 'de' })
    const other = 'handle' in failed ? failed.handle : ''
    expect(await flow.status({ handle: other, address })).toMatchObject({ via: 'sms' })
    expect(await signIn(flow, other, '424242')).toBe('verified')
  })

  test('goes on after every node has forgotten the scripts', async () => {
    const { flow, tyntec } = await setup(await clientOf(library))
    const { handle, code } = await sent(flow, tyntec)
    await Promise.all(cluster.nodes.map(({ admin }) => admin.script('FLUSH')))
    expect(await signIn(flow, handle, wrong(code))).toBe('invalid_code')
    await Promise.all(cluster.nodes.map(({ admin }) => admin.script('FLUSH')))
    expect(await signIn(flow, handle, code)).toBe('verified')
  })
})

// proves: RED-2
test('keeps all keys of a number in one slot', async () => {
  const { flow, tyntec, prefix } = await setup()
  const { handle, code } = await sent(flow, tyntec)
  await signIn(flow, handle, wrong(code))
  const all = (await cluster.scan(prefix)).map(({ key }) => key.slice(prefix.length))
  const tag = all.flatMap((key) => /(\{.*\}):flow:/.exec(key)?.[1] ?? [])[0] ?? ''
  const keys = all.filter((key) => key.includes(tag))
  expect(keys.map((key) => key.replace(tag, '{}').replace(/[^:]+$/, '…')).sort()).toEqual([
    '{}:flow:…',
    '{}:…',
  ])
  const slots = await Promise.all(keys.map((key) => cluster.slotOf(prefix + key)))
  expect(new Set(slots).size).toBe(1)
})

// proves: RED-3
test('lets every key end', async () => {
  const { flow, tyntec, prefix } = await setup()
  const { handle, code } = await sent(flow, tyntec)
  const other = await sent(flow, tyntec)
  await signIn(flow, handle, wrong(code))
  const keysNow = async () => {
    const keys = await cluster.scan(prefix)
    const ttls = keys.map(async ({ key, node }) => ({ key, ttl: await node.admin.pttl(key) }))
    return Promise.all(ttls)
  }
  const pending = await keysNow()
  await signIn(flow, other.handle, other.code)
  await flow.cancel({ handle })
  const ended = await keysNow()
  // The address, the app, its country and range, and of two numbers their records and flows.
  expect(pending.length).toBeGreaterThanOrEqual(7)
  expect(ended.length).toBeGreaterThanOrEqual(5)
  for (const { ttl } of [...pending, ...ended]) expect(ttl).toBeGreaterThan(0)
})

// proves: redis-restarts/check
test('follows a flow whose slot is moved', async () => {
  const { flow, tyntec, prefix } = await setup()
  const { handle, code } = await sent(flow, tyntec)
  await signIn(flow, handle, wrong(code))
  const all = (await cluster.scan(prefix)).map(({ key }) => key)
  const tag = all.flatMap((key) => /(\{.*\}):flow:/.exec(key)?.[1] ?? [])[0] ?? ''
  const keys = all.filter((key) => key.includes(tag))
  const slot = await cluster.slotOf(keys[0] ?? '')
  const source = await cluster.masterOf(slot)
  const target = (await cluster.masters()).find((node) => node !== source)
  if (!target) throw new Error('there is one master only')

  await target.admin.cluster('SETSLOT', slot, 'IMPORTING', source.id)
  await source.admin.cluster('SETSLOT', slot, 'MIGRATING', target.id)
  expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })

  // Half of the keys here, half of them there: Redis runs no script on them.
  const [first = '', ...rest] = keys.sort((one) => (one.includes(':flow:') ? -1 : 1))
  await source.admin.call('MIGRATE', '127.0.0.1', target.port, first, 0, 1000)
  await expectRefused([flow.check({ handle, code, address }), flow.status({ handle })])

  await source.admin.call('MIGRATE', '127.0.0.1', target.port, '', 0, 1000, 'KEYS', ...rest)
  for (const { admin } of [target, source]) await admin.cluster('SETSLOT', slot, 'NODE', target.id)
  await vi.waitFor(
    async () => {
      expect(await signIn(flow, handle, code)).toBe('verified')
    },
    { timeout: 5000 },
  )
  const checks = (await tyntec.requests()).filter(({ path }) => path.endsWith('/check'))
  expect(checks.map(({ status }) => status)).toEqual([401, 202])
})

// proves: redis-restarts/send
test('goes on after a master has hung under load', async () => {
  // What docs/redis.md says.
  const options = { retryDelayOnFailover: 200, maxRedirections: 32 }
  const { flow, tyntec, prefix } = await setup(client6(options))
  const load = startLoad(flow, tyntec)
  await load.signedIn(30)

  const slot = await cluster.slotOf(`${prefix}${appKey}`)
  const master = await cluster.masterOf(slot)
  const paused = performance.now()
  master.pause()
  await vi.waitFor(
    async () => {
      expect((await cluster.masterOf(slot)).port).not.toBe(master.port)
    },
    { timeout: 10_000 },
  )
  await load.signedIn(30)
  master.resume()
  await cluster.healthy()
  await load.signedIn(30)
  await load.stop()

  await expectSound(load, tyntec)
  expect(summary('Cluster, hung', load, paused).mostFailedWithin).toBeLessThan(1000)
}, 60_000)
