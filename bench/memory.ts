import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { createOtpFlow, memoryStore, redisStore } from 'passport-tyntec-otp'
import { startRedisServer } from '../test/support/redis-server.js'
import { apiKey, secret } from './servers/serve.js'

// Fewer than the sends that may be under way, of which a tenth waits for known browsers.
const atOnce = 40

export interface Memory {
  flows: number
  /** Bytes of Redis per pending flow with all its limits. */
  perFlow: number
  keys: number
  /** Bytes of the largest kinds of keys, by Redis's own count. */
  kinds: string
  /** Bytes of heap per pending flow in `memoryStore`. */
  inProcess: number
}

/** What pending flows take, each of another number and address. */
export async function measureMemory(sandboxUrl: string, flows: number): Promise<Memory> {
  return {
    ...(await measureRedis(sandboxUrl, flows)),
    flows,
    inProcess: await measureHeap(sandboxUrl, flows),
  }
}

async function measureRedis(sandboxUrl: string, flows: number) {
  const server = await startRedisServer()
  const redis = new Redis(server.url)
  const flow = createFlow(sandboxUrl, redisStore(redis, { timeout: 5 }))
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])

  // Scripts and connections are there before it counts.
  await send(flow, flows)
  const [memory, keys] = [await used(), await redis.dbsize()]
  await sendMany(flow, flows)
  const perFlow = ((await used()) - memory) / flows
  const perFlowKeys = ((await redis.dbsize()) - keys) / flows
  const kinds = await byKind(redis)
  await flow.drain()
  redis.disconnect()
  await server.stop()
  return { perFlow, keys: perFlowKeys, kinds }
}

async function measureHeap(sandboxUrl: string, flows: number): Promise<number> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void // the flag puts it there
  /** What is let go only by timers and callbacks is gone after a few turns. */
  const used = async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      gc()
      await setTimeout(50)
    }
    return process.memoryUsage().heapUsed
  }
  const flow = createFlow(sandboxUrl, memoryStore({ production: true }))
  await sendMany(flow, atOnce, flows)
  const before = await used()
  await sendMany(flow, flows)
  const perFlow = ((await used()) - before) / flows
  await flow.drain()
  return perFlow
}

type Flow = ReturnType<typeof createOtpFlow>

function createFlow(baseUrl: string, store: Parameters<typeof createOtpFlow>[0]['store']): Flow {
  return createOtpFlow({
    apiKey,
    baseUrl,
    secret,
    countries: ['DE'],
    ...(store && { store }),
    budget: { perHour: 10_000_000, perDay: 10_000_000 },
  })
}

async function sendMany(flow: Flow, count: number, from = 0): Promise<void> {
  for (let index = 0; index < count; index += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, more) => send(flow, from + index + more)))
  }
}

async function send(flow: Flow, index: number): Promise<void> {
  const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
  const { status } = await flow.send({ number: `+49151${20_000_000 + index}`, address })
  if (status !== 'sent') throw new Error(`A send is ${status}`)
}

/** Bytes by kind of key, by Redis's own count. */
async function byKind(redis: Redis): Promise<string> {
  const sizes = new Map<string, number[]>()
  for await (const keys of redis.scanStream({ count: 1000 })) {
    for (const key of keys as string[]) {
      const kind = key
        .replace(/^tyntec-otp:/, '')
        .replaceAll(/\{[^}]*\}:?/g, '')
        .replace(/:[\w-]{16,}$/, '')
      const known = sizes.get(kind) ?? []
      if (known.length < 200) known.push((await redis.memory('USAGE', key)) ?? 0)
      sizes.set(kind, known)
    }
  }
  return [...sizes]
    .filter(([, bytes]) => bytes.length > 100)
    .map(([kind, bytes]) => [kind, bytes.reduce((a, b) => a + b) / bytes.length] as const)
    .toSorted((a, b) => b[1] - a[1])
    .map(([kind, bytes]) => `${kind} ${bytes.toFixed(0)}`)
    .join(', ')
}
