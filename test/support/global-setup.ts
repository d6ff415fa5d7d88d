import { Redis } from 'ioredis'
import type { TestProject } from 'vitest/node'
import { provideRedis } from './redis-server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string
  }
}

/** One real Redis for the whole run. What it runs on, `redis-server.ts` decides. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await provideRedis()
  project.provide('redisUrl', redis.url)
  return async () => {
    // With `REDIS_URL` the server is not ours, and other keys may be there.
    const left = process.env.REDIS_URL ? 0 : await countStrayKeys(redis.url)
    await redis.stop()
    if (left === 0) return
    // What is thrown here vitest only prints.
    process.exitCode = 1
    throw new Error(`${left} keys in Redis lie outside the prefix of their store`)
  }
}

async function countStrayKeys(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    return (await redis.keys('*')).filter((key) => !key.startsWith('tyntec-otp-test:')).length
  } finally {
    redis.disconnect()
  }
}
