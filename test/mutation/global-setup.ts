import type { TestProject } from 'vitest/node'
import { provideRedis } from '../support/redis-server.js'

/** Like that of the other tests, but a mutant may leave keys wherever it likes. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await provideRedis()
  project.provide('redisUrl', redis.url)
  return () => redis.stop()
}
