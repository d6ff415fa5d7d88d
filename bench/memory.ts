import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { startRedisServer } from '../test/support/redis-server.js'
import { apiKey, secret } from './servers/serve.js'

const flows = 2000
const atOnce = 50

/** What a pending flow takes in a Redis of its own, each of another number and address. */
export async function measureMemory(
  sandboxUrl: string,
): Promise<{ flows: number; perFlow: number; keys: number; kinds: string }> {
  const server = await startRedisServer()
  const redis = new Redis(server.url)
  const flow = createOtpFlow({
    apiKey,
    baseUrl: sandboxUrl,
    secret,
    countries: ['DE'],
    store: redisStore(redis),
    budget: { perHour: 1_000_000, perDay: 1_000_000 },
  })
  const send = async (index: number) => {
    const address = `10.9.${index >> 8}.${index & 255}`
    const { status } = await flow.send({ number: `+491512${8_000_000 + index}`, address })
    if (status !== 'sent') throw new Error(`A send is ${status}`)
  }
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])

  // Scripts and connections are there before it counts.
  await send(flows)
  const [memory, keys] = [await used(), await redis.dbsize()]
  for (let index = 0; index < flows; index += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, more) => send(index + more)))
  }
  const perFlow = ((await used()) - memory) / flows
  const perFlowKeys = ((await redis.dbsize()) - keys) / flows
  const kinds = await byKind(redis)
  await flow.drain()
  redis.disconnect()
  await server.stop()
  return { flows, perFlow, keys: perFlowKeys, kinds }
}

/** Bytes by kind of key, by Redis's own count. */
async function byKind(redis: Redis): Promise<string> {
  const sizes = new Map<string, number[]>()
  for (const key of await redis.keys('*')) {
    const kind = key
      .replace(/^tyntec-otp:/, '')
      .replaceAll(/\{[^}]*\}:?/g, '')
      .replace(/:[\w-]{16,}$/, '')
    const known = sizes.get(kind) ?? []
    if (known.length < 200) known.push((await redis.memory('USAGE', key)) ?? 0)
    sizes.set(kind, known)
  }
  return [...sizes]
    .filter(([, bytes]) => bytes.length > 100)
    .map(([kind, bytes]) => [kind, bytes.reduce((a, b) => a + b) / bytes.length] as const)
    .toSorted((a, b) => b[1] - a[1])
    .map(([kind, bytes]) => `${kind} ${bytes.toFixed(0)}`)
    .join(', ')
}
