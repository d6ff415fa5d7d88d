import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { clientOf, scriptOf } from '../../../src/store/clients/client.js'
import { type ClientLibrary, clientLibraries } from '../../support/redis-clients.js'
import { startRedisSentinel } from '../../support/redis-sentinel.js'

const sentinel = await startRedisSentinel()
afterAll(() => sentinel.stop())

const count = scriptOf(`redis.call('SET', KEYS[1], 0, 'NX', 'PX', 60000)
  return redis.call('INCR', KEYS[1])`)

const libraries = clientLibraries.filter((library) => library.connectSentinel)

async function connect({ name, connectSentinel }: ClientLibrary) {
  const connected = await connectSentinel?.(sentinel.name, sentinel.sentinels)
  if (!connected) throw new Error(`${name} has no Sentinel`)
  onTestFinished(connected.close)
  return { ...connected, name, port: clientOf(connected.client), key: `tyntec-otp:{${name}}` }
}

describe.each(libraries)('$name behind Sentinels', (library) => {
  test('runs scripts on the master', async () => {
    const { port, key } = await connect(library)
    expect(port.ready()).toBe(true)
    expect(port.cluster).toBe(false)
    expect(await port.run(count, [key], [])).toBe(1)
    const { url } = await sentinel.master()
    const direct = await clientLibraries[0]?.connect(url)
    expect(direct && (await clientOf(direct.client).run(count, [key], []))).toBe(2)
    direct?.close()
  })

  test('is not ready once it is closed', async () => {
    const { port, close } = await connect(library)
    close()
    await vi.waitFor(() => expect(port.ready()).toBe(false))
  })
})

test('every client goes on after a failover, on a server that has no scripts', async () => {
  const clients = await Promise.all(libraries.map(connect))
  for (const { port, key } of clients) await port.run(count, [key], [])
  const before = await sentinel.master()
  await sentinel.failover()
  await vi.waitFor(
    async () => {
      expect((await sentinel.master()).port).not.toBe(before.port)
    },
    { timeout: 10_000 },
  )
  const after = await clientLibraries[0]?.connect((await sentinel.master()).url)
  onTestFinished(() => after?.close())
  for (const { name, port, key } of clients) {
    await vi.waitFor(
      async () => {
        expect([name, port.ready()]).toEqual([name, true])
        const counted = Number(await port.run(count, [key], []))
        // On the new master, not on the one that was.
        expect(after && (await clientOf(after.client).run(count, [key], []))).toBe(counted + 1)
      },
      { timeout: 20_000, interval: 100 },
    )
  }
}, 60_000)
