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
  return redis.stop
}
