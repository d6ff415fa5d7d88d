import type { Redis } from 'ioredis'
import { createRedisStore } from '../../src/store/redis.js'
import { advanceRedis } from '../support/stores.js'
import type { Subject } from './subject.js'
import type { TimedStore } from './world.js'

export function timedMemory(subject: Pick<Subject, 'createMemoryStore'>): TimedStore {
  let offset = 0
  return {
    store: subject.createMemoryStore(() => Date.now() + offset),
    async advance(seconds) {
      offset += seconds * 1000
    },
    async inspect() {},
  }
}

/** Redis has no clock to move: everything it keeps is made older instead. */
export function timedRedis(redis: Redis, prefix: string): TimedStore {
  const keys = async () => {
    const found = new Set<string>()
    let cursor = '0'
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000)
      for (const key of page) found.add(key)
      cursor = next
    } while (cursor !== '0')
    return [...found]
  }
  return {
    // Two cores are busy with many runs at once: a slow answer is no failure of Redis here.
    store: createRedisStore(redis, { prefix, timeout: 5 }),
    advance: (seconds) => advanceRedis(redis, prefix, seconds),
    async inspect() {
      for (const key of await keys()) {
        if ((await redis.pttl(key)) === -1) throw new Error(`a key without an end: ${key}`)
      }
    },
  }
}
