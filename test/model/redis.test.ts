import { createRedis } from '../support/redis.js'
import { testModel } from './model.js'
import { timedRedis } from './timed.js'

testModel('Redis', 0.2, async () => {
  const { redis, prefix } = await createRedis()
  let runs = 0
  return () => timedRedis(redis, `${prefix}${(runs += 1)}:`)
})
