import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis-5'
import * as iovalkey from 'iovalkey'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import type { AnyRedisClient } from '../../src/store/clients/client.js'

export interface Address {
  host: string
  port: number
}

export interface Connected {
  client: AnyRedisClient
  close(): void
}

/** One of the client libraries that `redisStore` takes, as apps make its clients. */
export interface ClientLibrary {
  name: string
  /** Resolves when the client is connected, with any other than a lazy connection. */
  connect(url: string): Promise<Connected>
  connectCluster?(seeds: readonly Address[]): Promise<Connected>
  connectSentinel?(name: string, sentinels: readonly Address[]): Promise<Connected>
}

interface Emitter {
  on(event: 'error', listener: () => void): unknown
}

/** ioredis prints each failed connection of a client that nobody listens to. */
function quiet<C extends Emitter>(client: C): C {
  client.on('error', () => {})
  return client
}

type Ioredis = AnyRedisClient & Emitter & { ping(): Promise<unknown>; disconnect(): void }

async function ioredis(client: Ioredis): Promise<Connected> {
  quiet(client)
  await client.ping()
  return { client, close: () => client.disconnect() }
}

type NodeRedis = AnyRedisClient & Emitter & { connect(): Promise<unknown>; destroy(): unknown }

async function nodeRedis(client: NodeRedis): Promise<Connected> {
  quiet(client)
  await client.connect()
  return {
    client,
    close() {
      // A test may have closed the client itself. The Sentinel's gives a promise.
      const destroy = async () => client.destroy()
      destroy().catch(() => {})
    },
  }
}

const rootNodes = (seeds: readonly Address[]) =>
  seeds.map(({ host, port }) => ({ socket: { host, port } }))

export const clientLibraries: readonly ClientLibrary[] = [
  {
    name: 'ioredis 6',
    connect: (url) => ioredis(new ioredis6.Redis(url)),
    connectCluster: (seeds) => ioredis(new ioredis6.Cluster([...seeds])),
    connectSentinel: (name, sentinels) =>
      ioredis(new ioredis6.Redis({ name, sentinels: [...sentinels] })),
  },
  {
    name: 'ioredis 5',
    connect: (url) => ioredis(new ioredis5.Redis(url)),
    connectCluster: (seeds) => ioredis(new ioredis5.Cluster([...seeds])),
    connectSentinel: (name, sentinels) =>
      ioredis(new ioredis5.Redis({ name, sentinels: [...sentinels] })),
  },
  {
    name: 'iovalkey',
    connect: (url) => ioredis(new iovalkey.Redis(url)),
    connectCluster: (seeds) => ioredis(new iovalkey.Cluster([...seeds])),
    connectSentinel: (name, sentinels) =>
      ioredis(new iovalkey.Redis({ name, sentinels: [...sentinels] })),
  },
  {
    name: 'redis 6',
    connect: (url) => nodeRedis(redis6.createClient({ url })),
    connectCluster: (seeds) => nodeRedis(redis6.createCluster({ rootNodes: rootNodes(seeds) })),
    connectSentinel: (name, sentinels) =>
      nodeRedis(redis6.createSentinel({ name, sentinelRootNodes: [...sentinels] })),
  },
  {
    name: 'redis 6, a pool',
    connect: (url) => nodeRedis(redis6.createClient({ url }).createPool()),
  },
  {
    name: 'redis 5',
    connect: (url) => nodeRedis(redis5.createClient({ url })),
    connectCluster: (seeds) => nodeRedis(redis5.createCluster({ rootNodes: rootNodes(seeds) })),
    connectSentinel: (name, sentinels) =>
      nodeRedis(redis5.createSentinel({ name, sentinelRootNodes: [...sentinels] })),
  },
  {
    name: 'redis 5, a pool',
    connect: (url) => nodeRedis(redis5.createClient({ url }).createPool()),
  },
]
