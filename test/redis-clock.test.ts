import { describe, expect, test } from 'vitest'
import type { FlowRef } from '../src/secrets/secrets.js'
import { redisStore } from '../src/store/redis.js'
import type { CheckResult } from './support/steps.js'
import { createRedis } from './support/redis.js'
import {
  advanceRedis,
  checkRequest,
  claim,
  dumpRedis,
  failOnce,
  newId,
  newRef,
  resendRequest,
  rules,
  sendRequest,
  startFlow,
  verified,
} from './support/stores.js'

/*
 * A Redis whose clock was ahead, and then was set right, or whose place a replica has taken with
 * another clock: all times that it has kept lie ahead, and its keys last for longer by as much.
 * Nobody is kept waiting for that time, and no code lives through it.
 */

const day = 86_400

async function setup() {
  const { redis, prefix } = await createRedis()
  const flowKey = (ref: FlowRef) => `${prefix}{${ref.number}}:flow:${ref.flow}`
  const attemptKey = (ref: FlowRef) => `${prefix}{${ref.number}}:attempt:${ref.flow}`
  return {
    redis,
    prefix,
    flowKey,
    attemptKey,
    store: redisStore(redis, { prefix, timeout: 3 }),
    advance: (seconds: number) => advanceRedis(redis, prefix, seconds),
    setBack: (seconds: number) => advanceRedis(redis, prefix, -seconds),
    /** Of one record that began before the clock was ahead. */
    async moveAhead(key: string, field: string, seconds: number) {
      const [now] = await redis.time()
      await redis.hset(key, field, Number(now) * 1000 + seconds * 1000)
    },
    dump: () => dumpRedis(redis, prefix),
  }
}

/** A flow of a number that another flow had before the clock was set back. */
async function begin(
  { redis, prefix, store }: Awaited<ReturnType<typeof setup>>,
  ref: FlowRef,
): Promise<FlowRef> {
  await redis.del(`${prefix}{${ref.number}}:sent`)
  return (await startFlow(store, { ...newRef(ref.number), lane: ref.lane })).ref
}

describe('when the clock is set back,', () => {
  // proves: clocks/check
  test('a number waits as long as it has to, and no longer', async () => {
    const it = await setup()
    const { store, setBack, advance } = it
    const { ref } = await startFlow(store)
    for (let failures = 0; failures < 5; failures++) await failOnce(store, ref)
    await setBack(day)
    const next = await begin(it, ref)
    const limited = { status: 'limited', disabled: false }
    expect(await claim(store, next)).toMatchObject({ ...limited, retryAfter: 30 })
    await advance(29.5)
    expect(await claim(store, next)).toMatchObject({ ...limited, retryAfter: 1 })
    await advance(1)
    expect(await failOnce(store, next)).toMatchObject({ status: 'claimed' })
    // What it has failed is not forgotten.
    expect(await claim(store, next)).toMatchObject({ ...limited, retryAfter: 60 })
    expect(await store.failures(ref.number)).toEqual({ total: 6, wait: 60 })
  })

  test.each([day, 365 * day])('nor for what it brings from another secret (%i s)', async (back) => {
    const it = await setup()
    const { store, setBack, advance } = it
    const { ref } = await startFlow(store)
    for (let failures = 0; failures < 5; failures++) await failOnce(store, ref)
    await setBack(back)
    expect(await store.failures(ref.number)).toEqual({ total: 5, wait: 30 })
    const number = newId()
    await store.carryFailures(number, 'old', { total: 5, wait: 30 })
    await setBack(back)
    for (const each of [number, ref.number]) {
      expect(await store.failures(each)).toEqual({ total: 5, wait: 30 })
    }
    await advance(10)
    expect(await store.failures(number)).toEqual({ total: 5, wait: 20 })
    await store.carryFailures(number, 'old', await store.failures(ref.number))
    expect(await store.failures(number)).toEqual({ total: 5, wait: 20 })
  })

  test('a try that is given back leaves no wait that is too long', async () => {
    const it = await setup()
    const { store, setBack, advance, flowKey, redis } = it
    const { ref } = await startFlow(store)
    const patient = { ...rules, attempts: 1000 }
    for (let failures = 0; failures < 5; failures++) await failOnce(store, ref)
    await advance(31)
    const { attemptId } = await claim(store, ref, {}, patient)
    const created = await redis.hget(flowKey(ref), 'created')
    await setBack(day)
    await redis.hset(flowKey(ref), 'created', String(created))
    const late: CheckResult = { result: 'unprocessed', late: false }
    await store.settleCheck(ref, attemptId, late, patient)
    expect(await store.failures(ref.number)).toEqual({ total: 5, wait: 0 })
  })

  // proves: clocks/check
  test('a flow that began before is over', async () => {
    const { store, setBack, flowKey, redis } = await setup()
    const steps: ((ref: FlowRef, reference: string) => Promise<unknown>)[] = [
      async (ref) => ({ status: (await claim(store, ref)).status }),
      (ref) => store.reserveResend(ref, resendRequest({ waits: [0] })),
      async (ref) => ({ status: (await store.read(ref, 3))?.state ?? 'none' }),
      async (ref) => ({ status: (await store.end(ref, 'cancelled'))?.state ?? 'none' }),
    ]
    for (const step of steps) {
      const { ref, reference } = await startFlow(store)
      await setBack(60)
      expect(await step(ref, reference)).toMatchObject({ status: 'none' })
      expect(await redis.exists(flowKey(ref))).toBe(0)
    }
    const { ref, reference } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    await setBack(60)
    expect(await store.settleSend(ref, reference, { result: 'unconfirmed' })).toBe(false)
    expect(await store.settleCheck(ref, attemptId, verified, rules)).toEqual({ status: 'stale' })
    const next = newRef(ref.number)
    expect(await store.reserveSend(next, sendRequest({ current: ref }))).toMatchObject({
      status: 'too_soon',
      retryAfter: 30,
    })
  })

  test('by a few seconds, everything goes on', async () => {
    const { store, setBack } = await setup()
    const { ref } = await startFlow(store)
    await setBack(5)
    const { status, attemptId } = await claim(store, ref)
    expect(status).toBe('claimed')
    await setBack(4)
    expect(await claim(store, ref)).toMatchObject({ status: 'join' })
    expect(await store.settleCheck(ref, attemptId, verified, rules)).toMatchObject({
      status: 'settled',
    })
    expect(await store.complete(ref, attemptId)).toBe(true)
  })

  test('a number is free again after its cooldown', async () => {
    const { store, setBack, advance } = await setup()
    const { ref } = await startFlow(store)
    await setBack(day)
    const ask = () => store.reserveSend(newRef(ref.number), sendRequest())
    expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 30 })
    await advance(30.1)
    expect(await ask()).toMatchObject({ status: 'reserved' })
  })

  test('another flow of the number keeps none from its resend for longer', async () => {
    const { redis, prefix, store, advance } = await setup()
    const { ref } = await startFlow(store)
    await advance(31)
    await startFlow(store, newRef(ref.number))
    await redis.pexpire(`${prefix}{${ref.number}}:sent`, day * 1000)
    const ask = () => store.reserveResend(ref, resendRequest())
    expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 30 })
    await advance(30.1)
    expect(await ask()).toMatchObject({ status: 'reserved' })
  })

  test('a step that is under way holds nobody up', async () => {
    const { store, attemptKey, flowKey, moveAhead } = await setup()
    const { ref } = await startFlow(store)
    await moveAhead(flowKey(ref), 'lease', 300)
    expect(await store.reserveResend(ref, resendRequest({ waits: [0] }))).toMatchObject({
      status: 'reserved',
    })
    const tried = await startFlow(store)
    await claim(store, tried.ref)
    await moveAhead(attemptKey(tried.ref), 'lease', 300)
    expect(await store.reserveResend(tried.ref, resendRequest({ waits: [0] }))).toMatchObject({
      status: 'reserved',
    })
    expect(await claim(store, tried.ref, { codeHash: 'hash-of-b' })).toMatchObject({
      status: 'unresolved',
    })
    const sending = newRef()
    await store.reserveSend(sending, sendRequest())
    await moveAhead(flowKey(sending), 'lease', 300)
    expect(await claim(store, sending)).toMatchObject({ status: 'lookup' })
  })

  test('a send and a delivery are looked up all the same', async () => {
    const { store, flowKey, moveAhead } = await setup()
    const { ref } = await startFlow(store)
    await store.read(ref, 3)
    await moveAhead(flowKey(ref), 'askedAt', 300)
    expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: true })
    expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: false })
    const unsettled = newRef()
    const request = sendRequest()
    await store.reserveSend(unsettled, request)
    await store.settleSend(unsettled, request.reference, { result: 'unconfirmed' })
    await moveAhead(flowKey(unsettled), 'askedAt', 300)
    expect(await store.claimCheck(unsettled, checkRequest(), rules)).toMatchObject({
      status: 'lookup',
    })
  })

  test('a proven code opens no session for longer', async () => {
    const { redis, store, attemptKey } = await setup()
    const { ref } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    await store.settleCheck(ref, attemptId, verified, rules)
    await store.release(ref, attemptId)
    await redis.pexpire(attemptKey(ref), 75_000)
    expect(await claim(store, ref)).toMatchObject({ status: 'none' })
  })

  // proves: clocks/check
  test('limits last as long as they should', async () => {
    const { store, setBack, advance, dump } = await setup()
    const rule = { name: 'test', points: 1, duration: 60 }
    const limiter = store.limiter(rule)
    const members = store.memberLimiter({ ...rule, name: 'members' })
    await limiter.consume('a')
    await members.consume('a', 'x')
    await members.consume('b', 'x')
    await setBack(day)
    const refused = { allowed: false, retryAfter: 60 }
    expect(await limiter.consume('a')).toMatchObject(refused)
    expect(await members.ask('a', 'y')).toMatchObject(refused)
    expect(await members.consume('b', 'x')).toMatchObject({ allowed: true, retryAfter: 60 })
    for (const { ttl } of await dump()) expect(ttl).toBeLessThanOrEqual(60_000)
    await advance(60.1)
    expect(await limiter.consume('a')).toMatchObject({ allowed: true, used: 1 })
    expect(await members.consume('a', 'y')).toMatchObject({ allowed: true, used: 1 })
    expect(await members.consume('b', 'y')).toMatchObject({ allowed: true, used: 1 })
  })

  test('a known browser has its tries again after their window', async () => {
    const it = await setup()
    const { store, setBack, advance, dump } = it
    const quick = { ...rules, laneFailures: 1, laneWindow: 60 }
    const ref = { ...newRef(), lane: 'lane' }
    await startFlow(store, ref)
    const { attemptId } = await claim(store, ref, {}, quick)
    await store.settleCheck(ref, attemptId, { result: 'wrong', counted: 1 }, quick)
    await setBack(day)
    const next = await begin(it, ref)
    await claim(store, next, {}, quick)
    const lane = (await dump()).find(({ key }) => key.endsWith(':lane:lane'))
    expect(lane?.ttl).toBeLessThanOrEqual(60_000)
    await advance(60.1)
    expect((await dump()).filter(({ key }) => key.endsWith(':lane:lane'))).toEqual([])
  })
})
