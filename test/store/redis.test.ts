import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { numberKey } from '../../src/store/keys.js'
import { createRedisStore } from '../../src/store/redis.js'
import { clientLibraries } from '../support/redis-clients.js'
import { createRedis, startRedis } from '../support/redis.js'

const keys = { number: numberKey('tag') }

describe.each(clientLibraries)('a store whose client of $name', (library) => {
  // The deadline is longer than the test may take.
  test('was closed refuses at once', { timeout: 5000 }, async () => {
    const { url } = await createRedis()
    const { client, close } = await library.connect(url)
    const store = createRedisStore(client, { timeout: 10 })
    expect(await store.run('failures', keys, {})).toEqual({ total: 0, wait: 0 })
    close()
    // A command that was on its way hears it of its connection.
    await vi.waitFor(async () => {
      await expect(store.run('failures', keys, {})).rejects.toThrow('Redis is not connected')
    })
  })

  // proves: redis-down/check
  test('has lost Redis waits for it no longer than its deadline', async () => {
    const server = await startRedis()
    const { client, close } = await library.connect(server.url)
    onTestFinished(close)
    const store = createRedisStore(client, { timeout: 0.3 })
    await store.run('failures', keys, {})
    await server.kill()
    await expect(store.run('failures', keys, {})).rejects.toMatchObject({
      code: 'ERR_OTP_STORE_UNAVAILABLE',
      status: 503,
    })
  })
})
