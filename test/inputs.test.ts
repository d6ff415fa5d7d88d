import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../src/sandbox/index.js'
import { type Case, createCases, toBytes } from './inputs/cases.js'
import type { Possessions } from './inputs/variants.js'
import { openConnection, sendAlone } from './inputs/connection.js'
import { createJudge, describe as describeCase } from './inputs/judge.js'
import {
  batch,
  type DirectResult,
  goodNumber,
  type Report,
  type Settings,
  type Task,
} from './inputs/variants.js'
import { requestsOf } from './support/app.js'
import { createClient } from './support/client.js'
import { startRedis } from './support/redis.js'

/*
 * 100,000 requests of which none may do anything: 20,000 over HTTP, the rest handed to the adapters,
 * with bodies that no HTTP can carry. A failure prints the seed; to send the same requests again, set
 * INPUTS_SEED to it. INPUTS_HTTP and INPUTS_DIRECT say how many.
 */

const overHttp = Number(process.env.INPUTS_HTTP ?? 20_000)
const direct = Number(process.env.INPUTS_DIRECT ?? 80_000)
const seed = Number(process.env.INPUTS_SEED ?? randomInt(2 ** 31))
/** Each of them has to come, over HTTP and without it. */
const refusals = [
  'bad_request',
  'number_required',
  'invalid_number',
  'number_not_allowed',
  'channel_not_allowed',
  'code_required',
  'malformed_code',
  'no_pending_code',
  'cross_site',
  'redirect',
  'status',
  'cancelled',
]
/** To each app. */
const connections = 2

async function setupApps() {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  // One of its own, to see all that is in it.
  const server = await startRedis()
  const redis = new Redis(server.url)
  onTestFinished(() => redis.disconnect())
  const settings: Settings = {
    redisUrl: server.url,
    baseUrl: sandbox.url,
    apiKey: sandbox.apiKey,
    secret: 'the secret of the apps, longer than 32 bytes',
  }
  const child = fork(
    fileURLToPath(new URL('inputs/app.ts', import.meta.url)),
    [JSON.stringify(settings)],
    { execArgv: ['--expose-gc', '--import', 'tsx'], silent: true },
  )
  onTestFinished(() => {
    if (child.connected) child.disconnect()
  })
  const printed: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  }
  const ports = await message<number[]>(child)
  const ask = <T>(task: Task): Promise<T> => {
    child.send(task)
    return message<T>(child)
  }
  return { sandbox, redis, ports, printed, ask, report: () => ask<Report>({ do: 'report' }) }
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [given] = await once(child, 'message')
  return given as T // what `inputs/app.ts` sends
}

// proves: IN-1, IN-3, IN-5, NAV-3
test('100,000 inputs do nothing', { timeout: 300_000 }, async () => {
  const { sandbox, redis, ports, printed, ask, report } = await setupApps()

  // Somebody has signed in before, and their next code is on its way.
  const client = createClient(`http://127.0.0.1:${ports[0]}`)
  expect((await client.post('/login/send', { number: goodNumber })).status).toBe(202)
  const first = await sandbox.waitForCode(goodNumber)
  expect((await client.post('/login/check', { code: first })).status).toBe(200)
  const device = client.jar.get('otp-device') ?? ''
  // The code is asked for as by a browser that is not known: what that sends costs its address more.
  client.jar.delete('otp-device')
  expect((await client.post('/login/send', { number: goodNumber })).status).toBe(202)
  const code = sandbox.messages().at(-1)?.code
  const live = client.jar.get('otp') ?? ''
  expect(live).toMatch(/^[\w-]{80,}$/)
  expect(device).toMatch(/^[\w-]{40,}$/)
  const possessions: Possessions = { live, device }
  await fetch(`${sandbox.url}/_sandbox/requests`, { method: 'DELETE' })
  const keysBefore = await redis.keys('*')

  const judge = createJudge()
  const opened = ports.map((port) =>
    Array.from({ length: connections }, () => openConnection(port)),
  )
  onTestFinished(() => {
    for (const connection of opened.flat()) connection.close()
  })
  const send = async (asked: Case, index: number): Promise<void> => {
    const bytes = toBytes(asked)
    if (asked.alone) {
      const answer = await sendAlone(ports[asked.app] ?? 0, bytes)
      if (answer && answer.status >= 500) throw new Error(describeCase(asked, answer))
      return
    }
    const connection = opened[asked.app]?.[index % connections]
    if (!connection) throw new Error('there is no such app')
    judge.judge(asked, await connection.send(bytes, asked.method === 'HEAD'))
  }
  const sendAll = async (from: number, to: number): Promise<void> => {
    for (let sent = from; sent < to; sent += batch) {
      const cases = fc.sample(createCases(possessions), { seed: seed + sent, numRuns: batch })
      await Promise.all(cases.map(send))
    }
  }
  const handAll = async (from: number, to: number): Promise<DirectResult> => {
    const task = { do: 'direct', seed: seed + from, count: to - from, possessions } as const
    const result = await ask<DirectResult>(task)
    if (result.failure) throw new Error(result.failure)
    return result
  }

  try {
    // By then everything is loaded and every cache is full.
    await sendAll(0, overHttp / 5)
    await handAll(0, direct / 5)
    const before = await report()
    await sendAll(overHttp / 5, overHttp)
    const handed = await handAll(direct / 5, direct)
    const after = await report()

    expect(await requestsOf(sandbox)).toEqual([])
    expect(after).toEqual({
      ...before,
      heap: expect.any(Number),
      events: expect.any(Number),
      lines: expect.any(Number),
      // Nothing for an operator, nothing of what was sent, and no session.
      faults: 0,
      strange: [],
      errors: [],
      sessions: 0,
      signedIn: 1,
    })
    expect(after.events).toBeGreaterThan(1000)
    expect(after.lines).toBeLessThanOrEqual(after.events)
    // 25 bytes for each request in between would be more.
    expect(after.heap - before.heap).toBeLessThan(2_000_000)
    expect(printed).toEqual([])

    // All answers that there are, so that none of what refuses is left out by chance.
    const kinds = [...judge.counts.keys()]
    expect(kinds).toEqual(
      expect.arrayContaining([...refusals, 'parser 400', 'parser 413', 'app 404']),
    )
    expect(handed.counts.map(([kind]) => kind)).toEqual(expect.arrayContaining(refusals))

    // What processes tell each other of a route is one key for each, whoever asks.
    const keys = (await redis.keys('*')).filter(
      (key) => !keysBefore.includes(key) && !key.includes(':note:route:'),
    )
    const kept = await Promise.all(keys.map(async (key) => ({ key, ttl: await redis.ttl(key) })))
    // What is refused counts nothing and leaves nothing. A key whose time ended meanwhile is none.
    expect(kept.filter(({ ttl }) => ttl !== -2)).toEqual([])
  } catch (error) {
    throw new Error(`INPUTS_SEED=${seed}`, { cause: error })
  }

  // Nor has it harmed whoever was under way.
  const checked = await client.post('/login/check', { code })
  expect([checked.status, checked.json]).toEqual([200, { status: 'verified' }])
  expect(await requestsOf(sandbox)).toEqual(['check'])
})
