import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from './redis-cluster.js'
import { findRedis, type RedisServer, startRedisServer } from './redis-server.js'

export interface RedisSentinel {
  /** What the Sentinels call their master. */
  name: string
  /** For `new Redis({ name, sentinels })`, of this ioredis or another. */
  sentinels: { host: string; port: number }[]
  /** The master and its replicas, in no order that lasts. */
  servers: readonly RedisServer[]
  /** Who the Sentinels say is master. */
  master(): Promise<RedisServer>
  /** Makes a replica the master, as an operator does before maintenance. */
  failover(): Promise<void>
  /** Resolves when every server that runs is the master or copies it. */
  healthy(): Promise<void>
  stop(): Promise<void>
}

interface Sentinel {
  port: number
  admin: Redis
  stop(): void
}

const name = 'main'

/**
 * A master, two replicas and three Sentinels on 127.0.0.1, in two to three seconds. A master is
 * missed after one second. They die with this process, however that ends.
 */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  const first = await startRedisServer({ args: ['--repl-diskless-sync-delay', '0'] })
  const replicaOf = ['--replicaof', '127.0.0.1', String(first.port)]
  const args = [...replicaOf, '--repl-diskless-sync-delay', '0']
  const replicas = await Promise.all([startRedisServer({ args }), startRedisServer({ args })])
  const servers = [first, ...replicas]
  const running: Sentinel[] = []
  const stop = async () => {
    for (const sentinel of running) sentinel.stop()
    await Promise.all(servers.map((server) => server.stop()))
  }
  try {
    // A Sentinel finds its replicas in the master's INFO, which it asks for at its start.
    await until(async () => {
      const infos = await Promise.all(servers.map((server) => ask(server, 'replication')))
      return (
        infos[0]?.includes('connected_slaves:2') === true &&
        infos.slice(1).every((info) => info.includes('master_link_status:up'))
      )
    })
    const starts = Array.from({ length: 3 }, () => startSentinel(first.port))
    running.push(...(await Promise.all(starts)))
    await until(async () => {
      const views = await Promise.all(
        running.map(({ admin }) => admin.call('SENTINEL', 'MASTER', name)),
      )
      return views.map(String).every((view) => /num-slaves,2,num-other-sentinels,2/.test(view))
    })
  } catch (error) {
    await stop()
    throw error
  }

  const master = async () => {
    const answers = running.map(({ admin }) =>
      admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
    )
    const [, port] = (await Promise.any(answers)) as [string, string] // as Sentinel documents it
    const server = servers.find((each) => each.port === Number(port))
    if (!server) throw new Error(`no server has port ${port}`)
    return server
  }

  return {
    name,
    sentinels: running.map(({ port }) => ({ host: '127.0.0.1', port })),
    servers,
    master,
    stop,

    async failover() {
      await running[0]?.admin.call('SENTINEL', 'FAILOVER', name)
    },

    async healthy() {
      await until(async () => {
        const { port } = await master()
        const infos = await Promise.allSettled(servers.map((server) => ask(server, 'replication')))
        const alive = infos.flatMap((info) => (info.status === 'fulfilled' ? [info.value] : []))
        const copies = alive.filter(
          (info) =>
            info.includes(`master_port:${port}\r`) && info.includes('master_link_status:up'),
        )
        return (
          alive.filter((info) => info.includes('role:master')).length === 1 &&
          copies.length === alive.length - 1
        )
      })
    },
  }
}

async function ask(server: RedisServer, section: string): Promise<string> {
  const redis = connect(server.port)
  try {
    return await redis.info(section)
  } finally {
    redis.disconnect()
  }
}

function connect(port: number): Redis {
  const redis = new Redis(port, '127.0.0.1', {
    commandTimeout: 1000,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => 50,
  })
  redis.on('error', () => {})
  return redis
}

// As in redis-server.ts: descriptor 3 closes however this process ends, and the Sentinel with it.
const supervisor = `
  dir=$1
  "$2" "$dir/sentinel.conf" --sentinel 3<&- & server=$!
  { read -r _; kill -9 $server; } <&3 & watcher=$!
  wait $server
  kill -9 $watcher
  rm -rf "$dir"
`

async function startSentinel(masterPort: number): Promise<Sentinel> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(10_240, 22_768)
    const sentinel = await startSentinelOn(port, masterPort)
    if (sentinel) return sentinel
    if (tries === 20) throw new Error('no Sentinel could be started')
  }
}

/** Nothing when it did not start, as on a port that is taken. */
async function startSentinelOn(port: number, masterPort: number): Promise<Sentinel | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'tyntec-otp-sentinel-'))
  // A Sentinel writes what it learns into its file.
  writeFileSync(
    join(dir, 'sentinel.conf'),
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${dir}`,
      `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 4000`,
      `sentinel parallel-syncs ${name} 2`,
    ].join('\n'),
  )
  const child = spawn('/bin/sh', ['-c', supervisor, 'sh', dir, findRedis() ?? 'redis-server'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const gone = new Promise<undefined>((resolve) => {
    child.on('exit', () => resolve(undefined))
    child.on('error', () => resolve(undefined))
  })
  const admin = connect(port)
  const stop = () => {
    admin.disconnect()
    child.stdio[3]?.destroy()
  }
  // Another server that has this port does not know this name and master.
  const up = until(async () => {
    const view = String(await admin.call('SENTINEL', 'MASTER', name))
    return view.includes(`,port,${masterPort},`)
  }).then(() => true)
  up.catch(() => {})
  if ((await Promise.race([up, gone])) === undefined) {
    stop()
    return undefined
  }
  child.unref()
  return { port, admin, stop }
}
