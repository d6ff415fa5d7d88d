// Compiled, not run: a project that has node-redis and no other client.
import { RedisStore } from 'connect-redis'
import { type AnyRedisClient, redisStore } from 'passport-tyntec-otp'
import { createClient, type RedisClientType } from 'redis'

const client = createClient()
export const sessions = new RedisStore({ client })
export const flows = redisStore(client)

export function storeOf(shared: RedisClientType) {
  const taken: AnyRedisClient = shared
  return redisStore(taken, { prefix: 'app:' })
}

// @ts-expect-error connect() gives a promise of the client
redisStore(createClient().connect())
