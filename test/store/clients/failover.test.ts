import { setTimeout } from 'node:timers/promises'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { clientOf, scriptOf } from '../../../src/store/clients/client.js'
import { startRedisCluster } from '../../support/redis-cluster.js'
import { type ClientLibrary, clientLibraries } from '../../support/redis-clients.js'

const cluster = await startRedisCluster()
afterAll(() => cluster.stop())

const give = scriptOf('return ARGV[1]')
const key = 'tyntec-otp:{tag}:given'
const slot = await cluster.slotOf(key)

async function connect({ name, connectCluster }: ClientLibrary) {
  const connected = await connectCluster?.(cluster.seeds)
  if (!connected) throw new Error(`${name} has no Cluster`)
  onTestFinished(connected.close)
  const port = clientOf(connected.client)
  let calls = 0
  return {
    name,
    /** The answer to a call of this name, as the store waits for it. */
    async ask() {
      if (!port.ready()) return 'not ready'
      calls += 1
      const answer = port.run(give, [key], [`${name} ${calls}`])
      answer.catch(() => {})
      const given = await Promise.race([answer, setTimeout(300, 'no answer')])
      if (given !== 'no answer') expect(given).toBe(`${name} ${calls}`)
      return given === 'no answer' ? given : 'answered'
    },
  }
}

async function promotion(before: number): Promise<void> {
  await vi.waitFor(
    async () => {
      expect((await cluster.masterOf(slot)).port).not.toBe(before)
    },
    { timeout: 10_000 },
  )
}

const libraries = clientLibraries.filter((library) => library.connectCluster)

test('every client goes on after a master has hung and was replaced', async () => {
  const clients = await Promise.all(libraries.map(connect))
  for (const { ask } of clients) expect(await ask()).toBe('answered')
  const master = await cluster.masterOf(slot)
  master.pause()
  expect(await Promise.all(clients.map(({ ask }) => ask()))).toEqual(clients.map(() => 'no answer'))
  await promotion(master.port)
  master.resume()
  for (const { name, ask } of clients) {
    await vi.waitFor(async () => expect([name, await ask()]).toEqual([name, 'answered']), {
      timeout: 10_000,
    })
  }
  await cluster.healthy()
}, 40_000)

test('every client goes on after a master was killed', async () => {
  // That of redis 5 asks nobody for the new master, as docs/redis.md says.
  const clients = await Promise.all(libraries.filter(({ name }) => name !== 'redis 5').map(connect))
  for (const { ask } of clients) expect(await ask()).toBe('answered')
  const master = await cluster.masterOf(slot)
  await master.kill()
  await promotion(master.port)
  for (const { name, ask } of clients) {
    await vi.waitFor(async () => expect([name, await ask()]).toEqual([name, 'answered']), {
      timeout: 15_000,
    })
  }
}, 40_000)
