import { Cluster, Redis } from 'ioredis'
import { type RedisServer, startRedisServer } from './redis-server.js'

export interface ClusterNode extends RedisServer {
  id: string
  /** For the test's own questions. Rejects soon when the node is gone or paused. */
  admin: Redis
}

export interface RedisCluster {
  nodes: readonly ClusterNode[]
  /** For `new Cluster(seeds)`, of this ioredis or another. */
  seeds: { host: string; port: number }[]
  slotOf(key: string): Promise<number>
  /** The master of a slot, as a node that answers sees it. */
  masterOf(slot: number): Promise<ClusterNode>
  masters(): Promise<ClusterNode[]>
  /** Resolves when all slots are served and every master that has a replica is copied by it. */
  healthy(): Promise<void>
  /** Lets a replica of a slot's master take over, as an operator does before an update. */
  handOver(slot: number): Promise<void>
  /** Every key of the cluster under a prefix, with the node that has it. */
  scan(prefix: string): Promise<{ key: string; node: ClusterNode }[]>
  stop(): Promise<void>
}

const slots = 16_384

/**
 * Three masters and their three replicas on 127.0.0.1, in two to three seconds. A master is missed
 * after one second. They die with this process, however that ends.
 */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 6 }, startNode))
  const stop = async () => {
    for (const node of nodes) node.admin.disconnect()
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    await join(nodes)
  } catch (error) {
    await stop()
    throw error
  }

  /** The lines of CLUSTER NODES, by the node that knows of the newest failover. */
  const seen = async (): Promise<string[][]> => {
    const answers = await Promise.allSettled(nodes.map(({ admin }) => admin.cluster('NODES')))
    const views = answers
      .filter((answer) => answer.status === 'fulfilled')
      .map(({ value }) =>
        String(value)
          .trim()
          .split('\n')
          .map((line) => line.split(' ')),
      )
    const newest = (view: string[][]) => Math.max(...view.map((line) => Number(line[6])))
    const [latest] = views.sort((one, other) => newest(other) - newest(one))
    if (!latest) throw new Error('no node of the cluster answers')
    return latest
  }
  const nodeOf = (id: string | undefined): ClusterNode => {
    const node = nodes.find((each) => each.id === id)
    if (!node) throw new Error(`no node has the id ${id}`)
    return node
  }
  const masters = async () =>
    (await seen())
      .filter(([, , flags = '', , , , , , range]) => isMaster(flags) && range !== undefined)
      .map(([id]) => nodeOf(id))

  const masterOf = async (slot: number) => {
    const lines = await seen()
    const line = lines.find(
      ([, , flags = '', , , , , , ...ranges]) =>
        isMaster(flags) && ranges.some((range) => includes(range, slot)),
    )
    return nodeOf(line?.[0])
  }

  return {
    nodes,
    seeds: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    stop,
    masters,

    async slotOf(key) {
      return Number(await Promise.any(nodes.map(({ admin }) => admin.cluster('KEYSLOT', key))))
    },

    masterOf,

    async handOver(slot) {
      const before = await masterOf(slot)
      // A replica whose request gets no vote in time gives up, so that it is asked again.
      await until(async () => {
        const line = (await seen()).find((each) => each[3] === before.id)
        await nodeOf(line?.[0]).admin.cluster('FAILOVER')
        await until(async () => (await masterOf(slot)).id !== before.id, 3)
        return true
      })
    },

    async healthy() {
      await until(async () => {
        const lines = await seen()
        const up = lines.filter(([, , flags = '']) => !/fail|noaddr/.test(flags))
        const states = await Promise.all(
          up.map(async ([id, , flags = '']) => {
            const { admin } = nodeOf(id)
            const [info, replication] = await Promise.all([
              admin.cluster('INFO'),
              admin.info('replication'),
            ])
            const linked = isMaster(flags) || replication.includes('master_link_status:up')
            return String(info).includes('cluster_state:ok') && linked
          }),
        )
        return states.every(Boolean)
      })
    },

    async scan(prefix) {
      const found = await Promise.all(
        (await masters()).map(async (node) => {
          const keys: string[] = []
          for await (const batch of node.admin.scanStream({ match: `${prefix}*`, count: 1000 })) {
            keys.push(...(batch as string[])) // the stream is untyped
          }
          return keys.map((key) => ({ key, node }))
        }),
      )
      return found.flat()
    },
  }
}

/** A client as apps make it. Without a listener ioredis prints each failed connection. */
export function clusterClient(
  cluster: RedisCluster,
  options: ConstructorParameters<typeof Cluster>[1] = {},
): Cluster {
  const client = new Cluster(cluster.seeds, options)
  client.on('error', () => {})
  return client
}

async function startNode(): Promise<ClusterNode> {
  const server = await startRedisServer({
    args: [
      ['--cluster-enabled', 'yes'],
      ['--cluster-node-timeout', '1000'],
      // A replica that was away for long may still take over: time is short in tests.
      ['--cluster-replica-validity-factor', '0'],
      ['--repl-diskless-sync-delay', '0'],
    ].flat(),
  })
  const admin = new Redis(server.url, {
    commandTimeout: 800,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
  })
  admin.on('error', () => {})
  const id = String(await admin.cluster('MYID'))
  return { ...server, id, admin }
}

async function join(nodes: readonly ClusterNode[]): Promise<void> {
  const masters = nodes.slice(0, 3)
  await Promise.all(
    nodes.map(async ({ admin }, index) => {
      await admin.cluster('SET-CONFIG-EPOCH', index + 1)
      if (index < masters.length) {
        const first = Math.ceil((index * slots) / masters.length)
        const last = Math.ceil(((index + 1) * slots) / masters.length) - 1
        await admin.cluster('ADDSLOTSRANGE', first, last)
      }
      for (const other of nodes) {
        if (other.admin !== admin) await admin.cluster('MEET', '127.0.0.1', other.port)
      }
    }),
  )
  await until(async () => {
    const views = await Promise.all(nodes.map(({ admin }) => admin.cluster('NODES')))
    return views.every((view) => nodes.every(({ id }) => String(view).includes(id)))
  })
  for (const [index, { id }] of masters.entries()) {
    await nodes[index + masters.length]?.admin.cluster('REPLICATE', id)
  }
  await until(async () => {
    const infos = await Promise.all(
      nodes.map(async ({ admin }) => ({
        cluster: String(await admin.cluster('INFO')),
        replication: await admin.info('replication'),
        views: String(await admin.cluster('NODES')),
      })),
    )
    return infos.every(
      ({ cluster, replication, views }, index) =>
        cluster.includes('cluster_state:ok') &&
        views.split('\n').filter((line) => / (?:myself,)?slave /.test(line)).length === 3 &&
        (index < 3 || replication.includes('master_link_status:up')),
    )
  })
}

const isMaster = (flags: string) => /master/.test(flags) && !/fail|noaddr/.test(flags)

function includes(range: string, slot: number): boolean {
  const [first = '', last = first] = range.split('-')
  return /^\d+$/.test(first) && Number(first) <= slot && slot <= Number(last)
}

/** For what only a server can say. Fails with the test or hook that waits. */
export async function until(condition: () => Promise<boolean>, seconds = 15): Promise<void> {
  const ends = performance.now() + seconds * 1000
  let last: unknown
  while (performance.now() < ends) {
    try {
      if (await condition()) return
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('Redis did not get there in time', { cause: last })
}
