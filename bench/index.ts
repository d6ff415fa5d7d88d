/**
 * `npm run bench`: how fast the package is beside the same thing by hand, about 90 s. The two of a
 * pair take turns in short slices, because only ratios within one run mean anything.
 *
 * `BENCH_ROUNDS=40` measures longer; `BENCH_PROF=/tmp/profiles` writes a CPU profile of each server.
 */
import { startRedisServer } from '../test/support/redis-server.js'
import { measureImports } from './imports.js'
import { createLoad, type Slice } from './load.js'
import { measureMemory } from './memory.js'
import { compileServers, pin, type Server, start } from './processes.js'
import { measureRoundTrips } from './round-trips.js'
import { median, printTable, quartiles, type Row } from './table.js'

/** At most 12 rounds and 25 s for each pair, unless more are asked for. */
const asked = process.env.BENCH_ROUNDS
const rounds = Number(asked ?? 12)
const longest = asked ? Number.POSITIVE_INFINITY : 25_000

const rows: Row[] = []
compileServers()
const redis = await startRedisServer()
pin(redis.pid, 'others')
const sandbox = await start('tyntec')
const imports = measureImports()
pin(process.pid, 'others')
const load = createLoad(sandbox)
const env = { REDIS_URL: redis.url, SANDBOX_URL: sandbox.url, NODE_ENV: 'development' }

const express = await pair('package-express', 'bare-express', 400)
const http = await pair('package-flow', 'bare-http', 1000)
const trips = await measureRoundTrips(redis.url, sandbox.url)
const memory = await measureMemory(sandbox.url)
await load.close()
await sandbox.stop()
await redis.stop()

const ratio = ({ a, b }: Pair, of: (slice: Slice) => number) =>
  a.map((slice, index) => of(slice) / of(b[index] ?? slice))
const spread = (values: number[]) =>
  quartiles(values)
    .map((value) => value.toFixed(2))
    .join(' to ')

const expressRate = ratio(express, ({ rate }) => rate)
const expressCpu = ratio(express, ({ cpu }) => cpu)
const httpRate = ratio(http, ({ rate }) => rate)
const httpCpu = ratio(http, ({ cpu }) => cpu)

rows.push(
  {
    figure: 'Express + Passport + package ÷ bare: logins/s',
    value: median(expressRate),
    detail: `${describe(express.a, 'rate', 0)} ÷ ${describe(express.b, 'rate', 0)}; half of the rounds ${spread(expressRate)}`,
    target: { atLeast: 1 },
    unsure: isIdle(express),
  },
  {
    figure: 'Express + Passport + package ÷ bare: CPU per login',
    value: median(expressCpu),
    detail: `${describe(express.a, 'cpu', 2)} ÷ ${describe(express.b, 'cpu', 2)} ms; half of the rounds ${spread(expressCpu)}`,
    target: { atMost: 1.1 },
  },
  {
    figure: 'flow on node:http ÷ bare-http: logins/s',
    value: median(httpRate),
    detail: `${describe(http.a, 'rate', 0)} ÷ ${describe(http.b, 'rate', 0)}; half of the rounds ${spread(httpRate)}`,
    target: { atLeast: 0.7 },
    unsure: isIdle(http),
  },
  {
    figure: 'flow on node:http ÷ bare-http: CPU per login',
    value: median(httpCpu),
    detail: `${describe(http.a, 'cpu', 2)} ÷ ${describe(http.b, 'cpu', 2)} ms; half of the rounds ${spread(httpCpu)}`,
  },
  {
    figure: 'Redis round trips in series, send',
    value: trips.send.series,
    detail: `${trips.send.commands} commands`,
    target: { atMost: 3 },
  },
  {
    figure: 'Redis round trips in series, check',
    value: trips.check.series,
    detail: `${trips.check.commands} commands, and ${trips.complete.series} for complete()`,
    target: { atMost: 2 },
  },
  {
    figure: 'Redis bytes per pending flow with its limits',
    value: memory.perFlow,
    detail: `${memory.flows} flows; ${memory.keys.toFixed(1)} keys each: ${memory.kinds}`,
    target: { atMost: 600 },
  },
  {
    figure: 'import of the main entry, ms',
    value: imports.main,
    detail: imports.parts,
    target: { atMost: 150 },
  },
)
console.log(
  `Node ${process.version}, ${express.a.length} and ${http.a.length} rounds; busy: ${busy()}`,
)
printTable(rows)
console.log(`loaded by the main entry: ${imports.loaded.join(', ')}`)
console.log('HTTP clients by themselves: npx tsx bench/http-client.ts')

interface Pair {
  names: [string, string]
  a: Slice[]
  b: Slice[]
}

/** Slices of both in turn, in changing order. */
async function pair(nameA: string, nameB: string, logins: number): Promise<Pair> {
  const servers: [Server, Server] = [await start(nameA, env), await start(nameB, env)]
  const [a, b]: [Slice[], Slice[]] = [[], []]
  // Until the compiler has seen everything.
  for (const server of servers) await load.slice(server, 3 * logins)
  const started = performance.now()
  for (let round = 0; round < rounds; round += 1) {
    if (round >= 4 && performance.now() - started > longest) break
    const turns = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)
    for (const turn of turns) (turn === 0 ? a : b).push(await load.slice(servers[turn], logins))
  }
  for (const server of servers) await server.stop()
  return { names: [nameA, nameB], a, b }
}

function describe(slices: Slice[], key: keyof Slice, digits: number): string {
  return median(slices.map((slice) => slice[key])).toFixed(digits)
}

/** A server that waits for its load says nothing about its rate. */
function isIdle({ a, b }: Pair): boolean {
  return [a, b].some((slices) => median(slices.map((slice) => slice.busy)) < 0.75)
}

/** Part of a core that each server had. */
function busy(): string {
  return [express, http]
    .flatMap(({ names, a, b }) => [
      `${names[0]} ${describe(a, 'busy', 2)}`,
      `${names[1]} ${describe(b, 'busy', 2)}`,
    ])
    .join(', ')
}
