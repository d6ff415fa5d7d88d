import type { Redis } from 'ioredis'
import { redisStore } from '../../src/store/redis.js'
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
    store: redisStore(redis, { prefix, timeout: 5 }),
    async advance(seconds) {
      // The windows of the limits stand still, as they do in the memory store.
      const ours = (await keys()).filter((key) => !key.startsWith(`${prefix}limit:`))
      if (ours.length > 0) await redis.eval(age, ours.length, ...ours, seconds * 1000)
    },
    async inspect() {
      for (const key of await keys()) {
        if ((await redis.pttl(key)) === -1) throw new Error(`a key without an end: ${key}`)
      }
    },
  }
}

const age = `
local fields = {'expires', 'expiresBefore', 'renewed', 'sent', 'sentBefore', 'created', 'lease',
  'askedAt', 'until', 'last'}
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left ~= -1 and left <= tonumber(ARGV[1]) then
    redis.call('DEL', key)
  else
    if left ~= -1 then redis.call('PEXPIRE', key, left - ARGV[1]) end
    if redis.call('TYPE', key).ok == 'hash' then
      for _, field in ipairs(fields) do
        local value = tonumber(redis.call('HGET', key, field) or 0)
        if value ~= 0 then redis.call('HSET', key, field, value - ARGV[1]) end
      end
    end
  end
end
return 1
`
