import type { Redis } from 'ioredis'
import type { Redis as Redis5 } from 'ioredis-5'
import { expect } from 'vitest'
import { faults, watch } from './canary-process.js'

const everything = `
local found = {}
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local type = redis.call('TYPE', key).ok
    local value = type == 'hash' and table.concat(redis.call('HGETALL', key), '\\n')
      or type == 'string' and redis.call('GET', key)
      or type == 'zset' and table.concat(redis.call('ZRANGE', key, 0, -1), '\\n')
      or type == 'list' and table.concat(redis.call('LRANGE', key, 0, -1), '\\n')
      or type == 'set' and table.concat(redis.call('SMEMBERS', key), '\\n')
      or ''
    found[#found + 1] = {key, redis.call('PTTL', key), value, type}
  end
until cursor == '0'
return found`

/** Looks at what a test has left in Redis: every key ends by itself, and none holds anything. */
export async function lookAtKeys(redis: Redis | Redis5, prefix: string): Promise<void> {
  // The script's reply: key, milliseconds, value, type.
  const found = (await redis.eval(everything, 0, prefix)) as [string, number, string, string][]
  for (const [key, ttl, value, type] of found) {
    const name = key.slice(prefix.length)
    watch.look('Redis key', name)
    watch.look('Redis value', value)
    if (ttl === -1) {
      faults.push(`a ${type} in Redis has no end, left by: ${expect.getState().currentTestName}`)
    }
  }
}
