import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { redisStore } from 'passport-tyntec-otp'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startSlowRedis } from '../../bench/slow-redis.js'
import { number, numbers, rightCode, sendCode, setupFlow, type TestFlow } from '../support/flow.js'
import { startRedis } from '../support/redis.js'

/*
 * What each step asks Redis for. These figures are exact: one more command, or one more wait for an answer, needs
 * a reason.
 */

// Each answer of Redis comes late, and the machine may be busy.
vi.setConfig({ testTimeout: 30_000 })

interface Cost {
  /** Commands that the process has sent. */
  sent: number
  /** How often it has waited for Redis, one wait after another. */
  waits: number
}

const address = '192.0.2.7'

async function setup(): Promise<{
  of: TestFlow
  cost(step: () => Promise<unknown>): Promise<Cost>
}> {
  const server = await startRedis()
  const slow = await startSlowRedis(server.url)
  onTestFinished(() => slow.stop())
  const watching = new Redis(server.url)
  const monitor = await watching.monitor()
  onTestFinished(() => {
    monitor.disconnect()
    watching.disconnect()
  })
  let sent = 0
  monitor.on('monitor', (_time: string, _words: string[], source: string) => {
    if (source !== 'lua') sent += 1
  })
  const made = await setupFlow('redis', {}, { redisUrl: server.url })
  const client = new Redis(slow.url)
  onTestFinished(() => client.disconnect())
  const store = redisStore(client, { prefix: made.prefix, timeout: 5 })
  const of: TestFlow = {
    ...made,
    flow: made.another({ store, limits: { waitsPerAddress: { points: 3, duration: 600 } } }),
  }
  // The first steps load the scripts.
  const handle = await sendCode(of, { number: numbers[4], address: '192.0.2.1' })
  await of.advance(31)
  await of.flow.resend({ handle, address: '192.0.2.1' })
  await of.flow.status({ handle })
  await signIn(of, handle, '192.0.2.1')
  return {
    of,
    async cost(step) {
      // Nothing that an earlier step has begun is counted.
      await sleep(150)
      sent = 0
      slow.reset()
      await step()
      const waits = slow.waits()
      await sleep(150)
      return { sent, waits }
    },
  }
}

async function signIn({ flow }: TestFlow, handle: string, from: string) {
  const checked = await flow.check({ handle, code: rightCode, address: from })
  if (checked.status !== 'verified') throw new Error(checked.status)
  return flow.complete(checked.proof)
}

test('a sign-in is two commands, two and one, and as many waits', async () => {
  const { of, cost } = await setup()
  let handle = ''
  expect(await cost(async () => (handle = await sendCode(of, { number, address })))).toEqual({
    sent: 2,
    waits: 2,
  })
  let proof: Parameters<typeof of.flow.complete>[0] | undefined
  expect(
    await cost(async () => {
      const checked = await of.flow.check({ handle, code: rightCode, address })
      if (checked.status === 'verified') proof = checked.proof
    }),
  ).toEqual({ sent: 2, waits: 2 })
  expect(await cost(async () => proof && of.flow.complete(proof))).toEqual({ sent: 1, waits: 1 })
})

test('a wrong code is as many as a right one', async () => {
  const { of, cost } = await setup()
  const handle = await sendCode(of, { number, address })
  expect(await cost(() => of.flow.check({ handle, code: '111111', address }))).toEqual({
    sent: 2,
    waits: 2,
  })
})

test('a resend is one more than a send, and one inside its wait is one', async () => {
  const { of, cost } = await setup()
  const handle = await sendCode(of, { number, address })
  expect(await cost(() => of.flow.resend({ handle, address }))).toEqual({ sent: 1, waits: 1 })
  await of.advance(31)
  expect(await cost(() => of.flow.resend({ handle, address }))).toEqual({ sent: 3, waits: 3 })
})

test('a request that is refused is one, and none once that is certain', async () => {
  const { of, cost } = await setup()
  const handle = await sendCode(of, { number, address })
  const again = (from: string) => () => of.flow.send({ number, address: from })
  expect(await cost(again(address))).toEqual({ sent: 1, waits: 1 })
  expect(
    await cost(() => of.flow.check({ handle: madeUp(handle), code: rightCode, address })),
  ).toEqual({
    sent: 0,
    waits: 0,
  })
  expect(await cost(() => of.flow.resend({ handle: madeUp(handle), address }))).toEqual({
    sent: 0,
    waits: 0,
  })
  // As often as an address may ask inside waits, and once more.
  const flood = '192.0.2.99'
  for (let asked = 0; ; asked += 1) {
    const outcome = await of.flow.send({ number, address: flood })
    if (outcome.status === 'rate_limited') break
    if (asked > 3) throw new Error('an address may ask for ever')
  }
  expect(await cost(again(flood))).toEqual({ sent: 0, waits: 0 })
  expect(await cost(() => of.flow.resend({ handle, address: flood }))).toEqual({
    sent: 0,
    waits: 0,
  })
})

test('a look at the status is one, and one more for who asks tyntec for the delivery', async () => {
  const { of, cost } = await setup()
  const handle = await sendCode(of, { number, address })
  const look = () => of.flow.status({ handle })
  expect(await cost(look)).toEqual({ sent: 2, waits: 2 })
  expect(await cost(look)).toEqual({ sent: 1, waits: 1 })
})

/** Of the right form, but with another sign in its middle. */
function madeUp(handle: string): string {
  const at = Math.floor(handle.length / 2)
  return `${handle.slice(0, at)}${handle[at] === 'A' ? 'B' : 'A'}${handle.slice(at + 1)}`
}
