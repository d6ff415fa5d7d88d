import { Cluster as Cluster5 } from 'ioredis-5'
import { createCluster } from 'redis'
import type { AnyRedisClient } from 'passport-tyntec-otp'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { clusterClient, startRedisCluster } from '../support/redis-cluster.js'
import { expectSound, startLoad, summary } from './load.js'
import { address, expectRefused, newNumber, sent, setupFlow, setupTyntec, signIn } from './setup.js'

const cluster = await startRedisCluster()
afterAll(() => cluster.stop())

/** The masters at the start, each of which has a replica. */
const masters = await cluster.masters()

type Client = AnyRedisClient & ({ disconnect(): void } | { destroy(): void })

async function setup(client: Client) {
  onTestFinished(() => ('destroy' in client ? client.destroy() : client.disconnect()))
  const tyntec = await setupTyntec()
  return { tyntec, flow: setupFlow(tyntec, client) }
}

/** What docs/redis.md says. */
const recommended = { retryDelayOnFailover: 200, maxRedirections: 32 }

function client5() {
  const client = new Cluster5(cluster.seeds, recommended)
  client.on('error', () => {})
  return client
}

async function nodeRedis() {
  const client = createCluster({
    rootNodes: cluster.seeds.map(({ host, port }) => ({ socket: { host, port } })),
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

// proves: RED-9, redis-restarts/send
test.each<[string, () => Client | Promise<Client>]>([
  ['ioredis 6, set for failovers', () => clusterClient(cluster, recommended)],
  ['ioredis 5, set for failovers', client5],
  ['redis 6', nodeRedis],
])(
  'goes on after a master was killed under load, with %s',
  async (name, makeClient) => {
    const { flow, tyntec } = await setup(await makeClient())
    const load = startLoad(flow, tyntec)
    await load.signedIn(50)

    const master = masters.pop()
    const killed = performance.now()
    await master?.kill()
    await cluster.healthy()
    await load.signedIn(50)
    await load.stop()

    await expectSound(load, tyntec)
    const { failed, mostFailedWithin } = summary(name, load, killed)
    expect(failed).toBeGreaterThan(0)
    expect(mostFailedWithin).toBeLessThan(1000)
  },
  60_000,
)

test('refuses while most masters are away, then goes on', async () => {
  const { flow, tyntec } = await setup(clusterClient(cluster))
  const before = await sent(flow, tyntec)
  const [left, ...away] = await cluster.masters()
  for (const node of away) node.pause()
  await vi.waitFor(
    async () => {
      expect(await left?.admin.cluster('INFO')).toContain('cluster_state:fail')
    },
    { timeout: 5000 },
  )
  const steps = [
    ...Array.from({ length: 8 }, () => flow.send({ number: newNumber(), address })),
    flow.check({ ...before, address }),
    flow.status(before),
  ]
  await expectRefused(steps)
  expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])

  for (const node of away) node.resume()
  await vi.waitFor(
    async () => {
      expect(await signIn(flow, before.handle, before.code)).toBe('verified')
    },
    { timeout: 15_000 },
  )
}, 60_000)
