import type { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  failure,
  number,
  numbers,
  rightCode,
  sendCode,
  setupFlow,
  signIn,
  statusOf,
  type TestFlow,
} from '../support/flow.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import { startRedis } from '../support/redis.js'
import { stopwatch } from '../support/elapsed.js'

const storeIsAway = { code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 }

/** Each step fails at once and closed. */
async function expectRefusals(setup: TestFlow, handle: string): Promise<void> {
  const { flow } = setup
  const asked = (await setup.calls()).length
  const steps = [
    () => flow.send({ number: numbers[1] }),
    () => flow.resend({ handle }),
    () => flow.check({ handle, code: rightCode }),
    () => flow.status({ handle }),
    () => flow.unlock(number),
  ]
  await Promise.all(
    steps.map(async (step) => {
      const took = stopwatch()
      expect(await failure(step())).toEqual(storeIsAway)
      expect(took()).toBeLessThan(1000)
    }),
  )
  expect((await setup.calls()).length).toBe(asked)
}

/** As soon as the client is back, and without a restart of the app. */
async function expectRecovery(setup: TestFlow, handle: string): Promise<void> {
  await vi.waitFor(
    async () => expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' }),
    { timeout: 5000 },
  )
  // A check that was on its way when Redis went still holds its lease.
  await vi.waitFor(async () => expect(await signIn(setup.flow, handle)).toBe('opened'), {
    timeout: 5000,
  })
  expect(await setup.count('check')).toBe(1)
}

describe('a flow whose Redis', () => {
  // proves: redis-slow/send, redis-slow/resend, redis-slow/check
  test('hangs refuses every step, and goes on later', { timeout: 20_000 }, async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    server.pause()
    await expectRefusals(setup, handle)
    server.resume()
    await expectRecovery(setup, handle)
  })

  // proves: redis-restarts/resend, redis-restarts/check
  test.each([
    'LOADING Redis is loading the dataset in memory',
    `READONLY You can't write against a read only replica.`,
    `OOM command not allowed when used memory > 'maxmemory'.`,
    'MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no.',
    'CLUSTERDOWN The cluster is down',
    'NOAUTH Authentication required.',
    'ERR unknown command',
  ])('answers %j refuses every step, and goes on later', async (error) => {
    const server = await startRedis()
    const proxy = await startRedisProxy(server.url)
    const setup = await setupFlow('redis', {}, { redisUrl: proxy.url })
    const handle = await sendCode(setup)
    const stop = proxy.answer(error, ([name = '']) => name.startsWith('EVAL'))
    await expectRefusals(setup, handle)
    const text = JSON.stringify(setup.events)
    expect(text).toContain('ERR_OTP_STORE_UNAVAILABLE')
    expect(text).not.toContain('tyntec-otp-test')
    stop()
    await expectRecovery(setup, handle)
  })

  test('takes no writes refuses every step, and goes on later', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    await setup.redis?.replicaof('127.0.0.1', 1)
    await expectRefusals(setup, handle)
    await setup.redis?.replicaof('NO', 'ONE')
    await expectRecovery(setup, handle)
  })

  test('has no memory left refuses every step that writes, and goes on later', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    await setup.redis?.config('SET', 'maxmemory', '1')
    const steps = [
      setup.flow.send({ number: numbers[1] }),
      setup.flow.check({ handle, code: rightCode }),
    ]
    for (const step of steps) expect(await failure(step)).toEqual(storeIsAway)
    expect(await setup.count('send')).toBe(1)
    await setup.redis?.config('SET', 'maxmemory', '0')
    await expectRecovery(setup, handle)
  })

  // proves: FAIL-1, redis-down/send, redis-down/check
  test('was killed refuses every step, and begins anew when it is back', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => void process.off('warning', listen))
    await server.kill()
    await Promise.all(Array.from({ length: 20 }, () => expectRefusals(setup, handle)))
    await startRedis({ port: server.port })
    await vi.waitFor(
      async () => expect(await setup.flow.status({ handle })).toEqual({ status: 'none' }),
      { timeout: 5000 },
    )
    // What was refused is not done later.
    expect(await setup.dump()).toEqual([])
    expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
    expect(await setup.count('check')).toBe(0)
    expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
    // As of a leak of listeners, which a hundred waiting requests are not.
    expect(warnings).toEqual([])
  })

  // proves: redis-lost/send
  test('went while tyntec took a send finds it again when it is back', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    let handle = ''
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
    const held = await asked
    server.pause()
    await held.answer()
    expect(await failure(sending)).toEqual(storeIsAway)
    server.resume()
    await setup.redis?.ping()
    await setup.advance(11)
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('send')).toBe(1)
  })

  // proves: redis-lost/resend
  test('went while tyntec took a resend asks for no second one', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    await setup.advance(31)
    const asked = setup.gate.next('resend')
    const resending = setup.flow.resend({ handle })
    const held = await asked
    server.pause()
    await held.answer()
    expect(await failure(resending)).toEqual(storeIsAway)
    server.resume()
    await setup.redis?.ping()
    await setup.advance(11)
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    expect(await setup.count('resend')).toBe(1)
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  test('went while tyntec proved a code lets nobody in, until the code is repeated', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    const asked = setup.gate.next('check')
    const checking = setup.flow.check({ handle, code: rightCode })
    const held = await asked
    server.pause()
    await held.answer()
    expect(await failure(checking)).toEqual(storeIsAway)
    server.resume()
    await setup.redis?.ping()
    await setup.advance(11)
    // What Redis got too late is done: the code is proven, for whoever types it in this browser.
    expect(await statusOf(setup.flow.check({ handle, code: '111111' }))).toBe('no_pending_code')
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('check')).toBe(1)
  })

  // proves: redis-lost/check
  test('went while tyntec proved a code still opens one session', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    const asked = setup.gate.next('check')
    const checking = setup.flow.check({ handle, code: rightCode })
    const held = await asked
    server.pause()
    await held.answer()
    expect(await failure(checking)).toEqual(storeIsAway)
    server.resume()
    await setup.redis?.ping()
    await setup.advance(11)
    const statuses = await Promise.all(Array.from({ length: 10 }, () => signIn(setup.flow, handle)))
    expect(statuses.filter((status) => status === 'opened')).toHaveLength(1)
    expect(await setup.count('check')).toBe(1)
  })

  test('forgets a running flow lets nobody in', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await sendCode(setup)
    const asked = setup.gate.next('check')
    const checking = setup.flow.check({ handle, code: rightCode })
    const held = await asked
    await setup.redis?.flushall()
    await held.answer()
    expect(await checking).toEqual({ status: 'no_pending_code' })
  })
})

/** How often a client has waited for Redis: what is asked together waits together. */
function countWaits(redis: Redis): () => number {
  let waits = 0
  let pending = 0
  const send = redis.sendCommand.bind(redis)
  vi.spyOn(redis, 'sendCommand').mockImplementation((command, ...rest) => {
    if (pending === 0) waits += 1
    pending += 1
    const answered = () => void (pending -= 1)
    command.promise.then(answered, answered)
    return send(command, ...rest)
  })
  return () => waits
}

describe('the way to Redis', () => {
  test('is gone twice for a send, twice for a check, and once for the end of a sign-in', async () => {
    const setup = await setupFlow('redis')
    if (!setup.redis) throw new Error('this flow has a Redis')
    // The first use loads the scripts.
    const first = await sendCode(setup, { number: numbers[1] })
    await setup.flow.check({ handle: first, code: '111111' })
    await signIn(setup.flow, first)
    const waits = countWaits(setup.redis)
    const handle = await sendCode(setup)
    expect(waits()).toBe(2)
    expect(await setup.flow.check({ handle, code: '111111' })).toMatchObject({
      status: 'invalid_code',
    })
    expect(waits()).toBe(4)
    // A number that has failed costs no more than another.
    const proven = await setup.flow.check({ handle, code: rightCode })
    if (proven.status !== 'verified') throw new Error(proven.status)
    expect(waits()).toBe(6)
    expect(await setup.flow.complete(proven.proof)).toBe(true)
    expect(waits()).toBe(7)
    // An answer that was lost.
    expect(await signIn(setup.flow, handle)).toBe('repeated')
    expect(waits()).toBe(9)
  })

  test('takes two commands for a send, two for a check and one for the end', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    await signIn(setup.flow, await sendCode(setup, { number: numbers[1] }))
    const commands = async (step: () => Promise<unknown>) => {
      await setup.redis?.config('RESETSTAT')
      await step()
      const info = (await setup.redis?.info('commandstats')) ?? ''
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
    }
    let handle = ''
    expect(await commands(async () => (handle = await sendCode(setup)))).toBe(2)
    expect(await commands(() => setup.flow.check({ handle, code: '111111' }))).toBe(2)
    expect(await commands(() => signIn(setup.flow, handle))).toBe(2 + 1)
    expect(await commands(() => setup.flow.status({ handle }))).toBe(1)
    // A handle that nobody made costs nothing.
    expect(await commands(() => setup.flow.check({ handle: 'x', code: rightCode }))).toBe(0)
  })
})
