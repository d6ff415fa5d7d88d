import { describe, expect, test } from 'vitest'
import { createRedis, createRedis5, startRedis } from './support/redis.js'

describe('the Redis that tests get', () => {
  test('answers ioredis 6 and 5', async () => {
    const six = await createRedis()
    const five = await createRedis5()
    await six.redis.set(`${six.prefix}a`, '1', 'EX', 60)
    expect(await five.redis.get(`${six.prefix}a`)).toBe('1')
    expect(five.prefix).not.toBe(six.prefix)
  })

  test('answers nothing while it is paused', async () => {
    const server = await startRedis()
    const { redis } = await createRedis({ url: server.url, commandTimeout: 100 })
    server.pause()
    await expect(redis.ping()).rejects.toThrow('Command timed out')
    server.resume()
    expect(await redis.ping()).toBe('PONG')
  })

  test('comes back empty on the same port after it was killed', async () => {
    const server = await startRedis()
    const { redis } = await createRedis({ url: server.url })
    await redis.set('a', '1')
    await server.kill()
    await startRedis({ port: server.port })
    expect(await redis.get('a')).toBeNull()
  })

  test('refuses keys of different slots as a cluster node', async () => {
    const server = await startRedis({ cluster: true })
    const { redis } = await createRedis({ url: server.url })
    await expect(redis.mget('a', 'b')).rejects.toThrow('CROSSSLOT')
    expect(await redis.mget('{x}a', '{x}b')).toEqual([null, null])
  })
})
