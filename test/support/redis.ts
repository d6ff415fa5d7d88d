import { randomUUID } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { inject, onTestFinished } from 'vitest'
import { lookAtKeys } from './canary-redis.js'
import { type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.js'

/**
 * A connected client of the run's one Redis, and a key prefix that no other test has. Both end with
 * the test. Use it inside a test:
 *
 *     const { redis, prefix } = await createRedis()
 *     const store = redisStore(redis, { prefix })
 *
 * Never flush or look at keys outside the prefix: with `REDIS_URL` the server is not ours. A test
 * that has to stop or hang its Redis starts its own:
 *
 *     const server = await startRedis()
 *     const { redis } = await createRedis({ url: server.url, commandTimeout: 300 })
 *     server.pause()
 */
export async function createRedis(
  // `replyMapping` is a type parameter of the client, so it cannot be optional here.
  options: Omit<RedisOptions, 'replyMapping'> & { url?: string } = {},
): Promise<{ redis: Redis; prefix: string; url: string }> {
  const { url = inject('redisUrl'), ...redisOptions } = options
  const redis = new Redis(url, redisOptions)
  const prefix = await ready(redis, url)
  return { redis, prefix, url }
}

/** The same with ioredis 5. Its types differ from those of 6, hence a function of its own. */
export async function createRedis5(
  options: { url?: string } = {},
): Promise<{ redis: Redis5; prefix: string; url: string }> {
  const { url = inject('redisUrl') } = options
  const redis = new Redis5(url)
  const prefix = await ready(redis, url)
  return { redis, prefix, url }
}

/**
 * A server of the test's own on 127.0.0.1, stopped when the test ends.
 *
 *     const server = await startRedis()                   // url, port, pid
 *     server.pause(); server.resume()                     // hangs, goes on
 *     await server.kill()                                 // gone; connections are reset
 *     await startRedis({ port: server.port })             // back, and empty
 *     await startRedis({ cluster: true })                 // one node that refuses cross-slot keys
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options)
  onTestFinished(() => server.stop())
  return server
}

async function ready(redis: Redis | Redis5, url: string): Promise<string> {
  const prefix = `tyntec-otp-test:${randomUUID()}:`
  // Without a listener ioredis prints each failed connection. Commands still reject.
  redis.on('error', () => {})
  onTestFinished(async () => {
    // A server of the test's own is about to go, and may be stopped or paused by now.
    if (url === inject('redisUrl') && redis.status === 'ready') {
      await lookAtKeys(redis, prefix)
      await deleteKeys(redis, prefix)
    }
    redis.disconnect()
  })
  await redis.ping()
  return prefix
}

async function deleteKeys(redis: Redis | Redis5, prefix: string): Promise<void> {
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000)
    if (keys.length > 0) await redis.unlink(...keys)
    cursor = next
  } while (cursor !== '0')
}
