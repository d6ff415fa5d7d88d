/**
 * `npm run bench`: what a login costs with the package, beside the same thing by hand, the naive way
 * and better-auth, against one simulated tyntec and one Redis. About three minutes on two cores.
 *
 * `BENCH_ROUNDS=40` measures longer, `BENCH_ONLY=package-express` one pair of servers,
 * `BENCH_FLOWS=1000000` the memory of so many pending flows, and `BENCH_PROF=/tmp/profiles` writes a
 * CPU profile of each server. All figures are in `bench/results.json` afterwards.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { Redis } from 'ioredis'
import { startRedisServer } from '../test/support/redis-server.js'
import { startCounter, type Costs } from './counts.js'
import { measureImports } from './imports.js'
import { createLoad } from './load.js'
import { measureMemory } from './memory.js'
import { compare, createPair, type Pair, playRound, ratioOfPairs } from './pairs.js'
import {
  compileServers,
  install,
  needsInstall,
  pin,
  type Server,
  startServer,
  startTyntec,
} from './processes.js'
import { printRows, printServers, type Row, say, wrap } from './report.js'

const rounds = Number(process.env.BENCH_ROUNDS ?? 10)
const flows = Number(process.env.BENCH_FLOWS ?? 2000)
const only = process.env.BENCH_ONLY

// Logins in a slice: about half a second of each server.
const pairs = [
  createPair('package-express', 'bare-express', 200),
  createPair('naive', 'bare-express', 150),
  createPair('better-auth', 'bare-express', 100),
  createPair('package-flow', 'bare-http', 500),
].filter(({ name }) => !only || name === only)
if (pairs.length === 0) throw new Error(`BENCH_ONLY=${only} is none of the servers`)
const names = [...new Set(pairs.flatMap(({ name, base }) => [base, name]))]

if (needsInstall()) {
  say('installing what only the benchmark needs (bench/package.json)')
  install()
}
say('compiling the servers')
compileServers()
say('starting Redis and the simulated tyntec')
const redis = await startRedisServer()
pin(redis.pid, 'others')
const tyntec = await startTyntec()
say('timing imports in new processes')
const imports = measureImports()
pin(process.pid, 'others')

const counter = await startCounter(tyntec)
const costs = new Map<string, Costs>()
for (const name of names) {
  say(`counting what ${name} asks Redis for`)
  costs.set(name, await counter.ofServer(name))
}
say('counting what the flow by itself asks Redis for')
const steps = await counter.ofFlow()
await counter.stop()
say(`measuring ${flows} pending flows`)
const memory = await measureMemory(tyntec.url, flows)

const load = createLoad(tyntec)
const servers = new Map<string, Server>()
const env = { REDIS_URL: redis.url, SANDBOX_URL: tyntec.url, NODE_ENV: 'development' }
for (const name of names) {
  say(`warming ${name} up`)
  const server = await startServer(name, env)
  servers.set(name, server)
  // Until the compiler has seen everything.
  await load.slice(server, name === 'better-auth' ? 1000 : 3000)
}
for (let round = 1; round <= rounds; round += 1) {
  say(
    `round ${round} of ${rounds}: ${pairs.map(({ name }) => name).join(', ')}, each beside its base`,
  )
  for (const pair of pairs) await playRound(pair, servers, load.slice)
}
const compared = pairs.map(compare)
for (const server of servers.values()) await server.stop()
await load.close()
await tyntec.stop()
const redisVersion = await versionOf(redis.url)
await redis.stop()

const machine = {
  node: process.version,
  redis: redisVersion,
  cpu: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
  commit: commit(),
}
const rows = [...ratios(), ...counts()]
writeFileSync(
  new URL('results.json', import.meta.url),
  `${JSON.stringify({ machine, rounds, rows, compared, costs: Object.fromEntries(costs), steps, memory, imports }, undefined, 2)}\n`,
)
console.log(`\nNode ${machine.node}, Redis ${machine.redis}, ${machine.cpu}, ${machine.commit}`)
printServers(compared, costs)
printRows(rows)
const loaded = `loaded by the main entry: ${imports.loaded.join(', ')}`
console.log(`\n${wrap(loaded, 100).join('\n')}`)
console.log('HTTP clients by themselves: npx tsx bench/http-client.ts')

function ratios(): Row[] {
  const pairOf = (name: string): Pair | undefined => pairs.find((pair) => pair.name === name)
  const [ours, flow] = [pairOf('package-express'), pairOf('package-flow')]
  const [naive, betterAuth] = [pairOf('naive'), pairOf('better-auth')]
  const half = ({ half: [from, to] }: { half: [number, number] }) =>
    `half of the rounds ${from.toFixed(2)} to ${to.toFixed(2)}`
  // A server that waits for its core says little about its CPU, and nothing about its rate.
  const unsure = compared.some(({ busy }) => Math.min(busy.own, busy.base) < 0.6)
  const rows: Row[] = []
  if (ours) {
    const { cpu } = compare(ours)
    rows.push({
      figure: 'Express + Passport + package ÷ bare Express, CPU per login',
      value: cpu.ratio,
      target: { atMost: 1.3 },
      detail: half(cpu),
      unsure,
    })
  }
  if (ours && naive) {
    rows.push({
      figure: 'the same ÷ the naive way, CPU per login',
      value: ratioOfPairs(ours, naive, 'cpu'),
      target: { below: 1 },
      unsure,
    })
  }
  if (ours && betterAuth) {
    rows.push({
      figure: 'the same ÷ better-auth, logins per second',
      value: ratioOfPairs(ours, betterAuth, 'rate'),
      target: { atLeast: 2 },
      unsure,
    })
  }
  if (flow) {
    const { cpu } = compare(flow)
    rows.push({
      figure: 'flow on node:http ÷ bare node:http, CPU per login',
      value: cpu.ratio,
      target: { atMost: 2 },
      detail: half(cpu),
      unsure,
    })
  }
  return rows
}

function counts(): Row[] {
  const cost = (step: string) => steps[step] ?? { sent: Number.NaN, inside: 0, waits: Number.NaN }
  const commands = (step: string, atMost: number): Row => ({
    figure: `Redis commands, ${step}`,
    value: cost(step).sent,
    target: { atMost },
    detail: `and ${cost(step).inside} inside scripts`,
  })
  const waits = (step: string, atMost: number): Row => ({
    figure: `waits for Redis in series, ${step}`,
    value: cost(step).waits,
    target: { atMost },
  })
  return [
    commands('send', 2),
    commands('check', 2),
    commands('complete', 1),
    waits('send', 2),
    waits('check', 2),
    commands('resend inside its wait', 1),
    commands('check of a made-up handle', 0),
    {
      figure: 'Redis bytes per pending flow with its limits',
      value: memory.perFlow,
      target: { atMost: 600 },
      detail: `${memory.flows} flows; ${memory.keys.toFixed(1)} keys each: ${memory.kinds}; in memoryStore ${memory.inProcess.toFixed(0)} bytes of heap`,
    },
    {
      figure: 'import of the main entry, ms',
      value: imports.main,
      target: { atMost: 150 },
      detail: imports.parts,
    },
  ]
}

async function versionOf(url: string): Promise<string> {
  const client = new Redis(url)
  const info = await client.info('server')
  client.disconnect()
  return /^(?:redis|valkey)_version:(\S+)/m.exec(info)?.[1] ?? 'unknown'
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  } catch {
    return 'no commit'
  }
}
