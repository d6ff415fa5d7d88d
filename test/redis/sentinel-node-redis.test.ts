import { expect, onTestFinished, test, vi } from 'vitest'
import { clientLibraries } from '../support/redis-clients.js'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import { expectSound, startLoad, summary } from './load.js'
import { setupFlow, setupTyntec } from './setup.js'

const libraries = clientLibraries.filter(
  ({ name, connectSentinel }) => name.startsWith('redis ') && connectSentinel,
)

// proves: redis-restarts/send
test.each(libraries)(
  '$name goes on after the master was killed under load',
  async (library) => {
    const sentinel = await startRedisSentinel()
    onTestFinished(() => sentinel.stop())
    const connected = await library.connectSentinel?.(sentinel.name, sentinel.sentinels)
    if (!connected) throw new Error(`${library.name} has no Sentinel`)
    onTestFinished(connected.close)
    const tyntec = await setupTyntec()
    const load = startLoad(setupFlow(tyntec, connected.client), tyntec)
    await load.signedIn(30)
    const master = await sentinel.master()
    const killed = performance.now()
    await master.kill()
    await vi.waitFor(
      async () => {
        expect((await sentinel.master()).port).not.toBe(master.port)
      },
      { timeout: 40_000 },
    )
    await load.signedIn(30)
    await load.stop()

    await expectSound(load, tyntec)
    const { failed, mostFailedWithin } = summary(`${library.name}, Sentinel, killed`, load, killed)
    expect(failed).toBeGreaterThan(0)
    expect(mostFailedWithin).toBeLessThan(1000)
  },
  90_000,
)
