import { OtpError } from '../../errors.js'
import { type IoredisClient, ioredisClient, isIoredis } from './ioredis.js'
import { isNodeRedis, type NodeRedisClient, nodeRedisClient } from './node-redis.js'
import type { RedisClient } from './port.js'

export type { IoredisClient } from './ioredis.js'
export type { NodeRedisClient } from './node-redis.js'
export type { RedisClient } from './port.js'
export { type Script, scriptOf } from './script.js'

/**
 * A client that `redisStore` takes: of `ioredis` 5 or 6 or `iovalkey` (`Redis`, `Cluster`), or of `redis`
 * 5 or 6 (`createClient`, `createClientPool`, `createCluster`, `createSentinel`).
 */
export type AnyRedisClient = IoredisClient | NodeRedisClient

/**
 * The store's view of the app's client.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function clientOf(client: AnyRedisClient): RedisClient {
  // Callers without TypeScript give anything.
  const given: unknown = client
  if (typeof given === 'object' && given !== null) {
    if (isIoredis(given)) return ioredisClient(given)
    if (isNodeRedis(given)) return nodeRedisClient(given)
  }
  throw new OtpError(
    'ERR_OTP_OPTIONS',
    `redisStore(client) takes a client of ioredis 5 or 6, iovalkey, or redis (node-redis) 5 or 6, not ${nameOf(given)}`,
  )
}

/** What was given, without a word of its content: a URL may hold a password. */
function nameOf(given: unknown): string {
  if (given === null) return 'null'
  if (given instanceof Promise) return 'a promise: await it first'
  if (typeof given === 'string') return 'a URL: make the client of it'
  if (typeof given !== 'object') return `a value of type ${typeof given}`
  if ('isPipeline' in given) return 'a pipeline'
  if ('isOpen' in given && 'evalSha' in given) return 'a client of redis 4'
  return 'another object'
}
