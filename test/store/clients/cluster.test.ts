import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { createCluster as createCluster5 } from 'redis-5'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type AnyRedisClient,
  clientOf,
  type RedisClient,
  scriptOf,
} from '../../../src/store/clients/client.js'
import { startRedisCluster } from '../../support/redis-cluster.js'
import { clientLibraries } from '../../support/redis-clients.js'

const cluster = await startRedisCluster()
afterAll(() => cluster.stop())

const count = scriptOf(`redis.call('SET', KEYS[1], 0, 'NX', 'PX', 60000)
  return { redis.call('INCR', KEYS[1]), KEYS[1] }`)

/** So many that each master has some. */
const tags = Array.from({ length: 24 }, (_, index) => `{tag ${index}}`)

const keysOf = (prefix: string) => tags.map((tag) => `${prefix}:${tag}:count`)

const rootNodes = cluster.seeds.map(({ host, port }) => ({ socket: { host, port } }))

/** Counts once for every key. */
async function countAll(port: RedisClient, keys: readonly string[]): Promise<number[]> {
  const replies = await Promise.all(keys.map((key) => port.run(count, [key], [])))
  return replies.map((reply) => Number((reply as unknown[])[0]))
}

const libraries = clientLibraries.filter((library) => library.connectCluster)

describe.each(libraries)('$name on a Cluster', ({ name, connectCluster }) => {
  async function setup() {
    const connected = await connectCluster?.(cluster.seeds)
    if (!connected) throw new Error('has no Cluster')
    onTestFinished(connected.close)
    return { ...connected, port: clientOf(connected.client) }
  }

  test('runs scripts where their keys are', async () => {
    const { port } = await setup()
    const keys = keysOf(name)
    expect(port.cluster).toBe(true)
    expect(port.ready()).toBe(true)
    expect(await countAll(port, keys)).toEqual(tags.map(() => 1))
    expect(await countAll(port, keys)).toEqual(tags.map(() => 2))
    const found = await cluster.scan(name)
    expect(new Set(found.map(({ node }) => node.id)).size).toBe(3)
  })

  test('goes on after every node has forgotten the scripts', async () => {
    const { port } = await setup()
    const keys = keysOf(`${name} forgotten`)
    await countAll(port, keys)
    await Promise.all(cluster.nodes.map(({ admin }) => admin.script('FLUSH', 'ASYNC')))
    expect(await countAll(port, keys)).toEqual(tags.map(() => 2))
  })

  test('rejects keys of different slots', async () => {
    const { port } = await setup()
    const both = scriptOf(`return redis.call('EXISTS', KEYS[1], KEYS[2])`)
    await expect(port.run(both, ['{one}', '{two}'], [])).rejects.toThrow('CROSSSLOT')
  })

  test('follows a slot that is being moved, and that was moved', async () => {
    const { port } = await setup()
    const key = `tyntec-otp:{${name}}:moved`
    const counted = async () => (await countAll(port, [key]))[0]
    expect(await counted()).toBe(1)
    const slot = await cluster.slotOf(key)
    const source = await cluster.masterOf(slot)
    const target = (await cluster.masters()).find((node) => node !== source)
    if (!target) throw new Error('there is one master only')
    await target.admin.cluster('SETSLOT', slot, 'IMPORTING', source.id)
    await source.admin.cluster('SETSLOT', slot, 'MIGRATING', target.id)
    expect(await counted()).toBe(2)
    await source.admin.call('MIGRATE', '127.0.0.1', target.port, key, 0, 1000)
    expect(await counted()).toBe(3)
    expect(await counted()).toBe(4)
    for (const { admin } of [target, source]) {
      await admin.cluster('SETSLOT', slot, 'NODE', target.id)
    }
    expect(await counted()).toBe(5)
  })

  test('goes on after a master has handed over', async () => {
    const { port } = await setup()
    const keys = keysOf(`${name} handed over`)
    await countAll(port, keys)
    await cluster.healthy()
    const slot = await cluster.slotOf(keys[0] ?? '')
    await cluster.handOver(slot)
    await vi.waitFor(
      async () => {
        const counts = await countAll(port, keys)
        expect(Math.min(...counts)).toBeGreaterThan(1)
      },
      { timeout: 5000 },
    )
  }, 20_000)

  test('is not ready once it is closed', async () => {
    const { port, close } = await setup()
    close()
    await vi.waitFor(() => expect(port.ready()).toBe(false))
  })
})

describe('options of a Cluster', () => {
  function ioredis(options: ConstructorParameters<typeof Cluster>[1]) {
    const client = new Cluster(cluster.seeds, options)
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    return client
  }

  test('a lazy Cluster connects when it is asked for the first time', async () => {
    const port = clientOf(ioredis({ lazyConnect: true, enableOfflineQueue: false }))
    expect(port.ready()).toBe(false)
    await vi.waitFor(() => expect(port.ready()).toBe(true))
    expect(await countAll(port, keysOf('lazy'))).toEqual(tags.map(() => 1))
  })

  test.each([
    ['a keyPrefix', 'app:', 3],
    ['a keyPrefix with a tag, which puts all keys into one slot', '{app}:', 1],
  ])('%s', async (_, keyPrefix, nodes) => {
    const client = ioredis({ keyPrefix })
    const port = clientOf(client)
    await vi.waitFor(() => expect(port.ready()).toBe(true))
    const [, key] = (await port.run(count, ['prefixed:{tag}:count'], [])) as unknown[]
    expect(key).toBe(`${keyPrefix}prefixed:{tag}:count`)
    await countAll(port, keysOf('prefixed'))
    const found = await cluster.scan(`${keyPrefix}prefixed`)
    expect(new Set(found.map(({ node }) => node.id)).size).toBe(nodes)
  })

  test('automatic pipelines hold no script', async () => {
    const client = ioredis({ enableAutoPipelining: true })
    const port = clientOf(client)
    await vi.waitFor(() => expect(port.ready()).toBe(true))
    const calls = countAll(port, keysOf('pipelined'))
    expect(client.autoPipelineQueueSize).toBe(0)
    expect(await calls).toEqual(tags.map(() => 1))
  })

  test.each<[string, () => AnyRedisClient & { connect(): Promise<unknown>; destroy(): void }]>([
    ['redis 6', () => createCluster({ rootNodes, useReplicas: true })],
    ['redis 5', () => createCluster5({ rootNodes, useReplicas: true })],
    ['redis 6 with RESP2', () => createCluster({ rootNodes, RESP: 2 })],
    ['redis 5 with RESP3', () => createCluster5({ rootNodes, RESP: 3 })],
  ])(
    'scripts go to masters, and no command before the client is connected: %s',
    async (name, make) => {
      const client = make()
      onTestFinished(() => client.destroy())
      const port = clientOf(client)
      expect(port.ready()).toBe(false)
      const connecting = client.connect()
      expect(port.ready()).toBe(false)
      await connecting
      expect(port.ready()).toBe(true)
      const keys = keysOf(`${name} replicas`)
      for (let round = 1; round < 4; round += 1) {
        expect(await countAll(port, keys)).toEqual(tags.map(() => round))
      }
    },
  )

  test('ioredis reads from replicas, and runs scripts on masters', async () => {
    const port = clientOf(ioredis({ scaleReads: 'slave' }))
    await vi.waitFor(() => expect(port.ready()).toBe(true))
    for (let round = 1; round < 4; round += 1) {
      expect(await countAll(port, keysOf('scaled'))).toEqual(tags.map(() => round))
    }
  })
})
