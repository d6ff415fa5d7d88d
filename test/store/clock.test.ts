import { describe, expect, test } from 'vitest'
import type { FlowRef } from '../../src/secrets/secrets.js'
import { flowKey as flowKeyOf, numberKey } from '../../src/store/keys.js'
import type { NumberRecord, StoredFlow } from '../../src/store/records.js'
import { createRedisStore } from '../../src/store/redis.js'
import { recordAt } from '../redis/setup.js'
import { type CheckResult, createSteps } from '../support/steps.js'
import { createRedis } from '../support/redis.js'
import {
  advanceRedis,
  checkRequest,
  claim,
  dumpRedis,
  failOnce,
  newRef,
  resendRequest,
  rules,
  sendRequest,
  startFlow,
  verified,
} from '../support/stores.js'

/*
 * A Redis whose clock was ahead, and then was set right, or whose place a replica has taken with
 * another clock: all times that it has kept lie ahead, and its keys last for longer by as much.
 * Nobody is kept waiting for that time, and no code lives through it.
 */

const day = 86_400

/** Changes a record as it stands in Redis, without its time to live. */
const change = `
local record = cmsgpack.unpack(redis.call('GET', KEYS[1]))
local at = record
local path = cjson.decode(ARGV[1])
for i = 1, #path - 1 do at = at[path[i]] end
at[path[#path]] = cjson.decode(ARGV[2])[1]
redis.call('SET', KEYS[1], cmsgpack.pack(record), 'KEEPTTL')`

async function setup() {
  const { redis, prefix } = await createRedis()
  const flowKey = (ref: FlowRef) => `${prefix}${flowKeyOf(ref)}`
  const inner = createRedisStore(redis, { prefix, timeout: 3 })
  const put = (key: string, path: string[], value: unknown) =>
    redis.eval(change, 1, key, JSON.stringify(path), JSON.stringify([value]))
  return {
    redis,
    prefix,
    flowKey,
    inner,
    store: createSteps(inner),
    put,
    advance: (seconds: number) => advanceRedis(redis, prefix, seconds),
    setBack: (seconds: number) => advanceRedis(redis, prefix, -seconds),
    /** Of one record that began before the clock was ahead. */
    async moveAhead(key: string, path: string[], seconds: number) {
      const [now] = await redis.time()
      await put(key, path, Number(now) * 1000 + seconds * 1000)
    },
    dump: () => dumpRedis(redis, prefix),
    record: <T>(key: string) => recordAt<T>(redis, key),
  }
}

/** A flow of a number that another flow had before the clock was set back. */
async function begin(
  { prefix, store, put, record }: Awaited<ReturnType<typeof setup>>,
  ref: FlowRef,
): Promise<FlowRef> {
  const key = `${prefix}${numberKey(ref.number)}`
  const { latest } = (await record<NumberRecord>(key)) ?? {}
  if (latest) await put(key, ['latest', 'until'], 1)
  return (await startFlow(store, { ...newRef(ref.number), browserTag: ref.browserTag })).ref
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
    const { store, inner, setBack, advance } = await setup()
    const { ref } = await startFlow(store)
    for (let failures = 0; failures < 5; failures++) await failOnce(store, ref)
    await setBack(back)
    expect(await store.failures(ref.number)).toEqual({ total: 5, wait: 30 })
    const next = newRef()
    const older = numberKey(ref.number)
    const take = async () => {
      const { number } = await inner.run('peek', { number: older }, {})
      const parts = { older: [{ tag: 'old', ...(number && { number }) }] }
      await inner.run('look', { number: numberKey(next.number) }, { parts })
      const request = sendRequest()
      const keys = { number: numberKey(next.number), flow: flowKeyOf(newRef(next.number)) }
      const send = { ...request, flow: 'flow', country: 'US', knownBrowser: false, again: false }
      await inner.run('send', keys, { parts, request: { ...send, cooldown: 1 }, passed: false })
    }
    await take()
    expect(await store.failures(next.number)).toEqual({ total: 5, wait: 30 })
    await setBack(back)
    for (const each of [next.number, ref.number]) {
      expect(await store.failures(each)).toEqual({ total: 5, wait: 30 })
    }
    await advance(10)
    expect(await store.failures(next.number)).toEqual({ total: 5, wait: 20 })
    // Taking over once more changes nothing.
    await take()
    expect(await store.failures(next.number)).toEqual({ total: 5, wait: 20 })
  })

  test('a try that is given back leaves no wait that is too long', async () => {
    const { store, setBack, advance, flowKey, put, record } = await setup()
    const { ref } = await startFlow(store)
    const patient = { ...rules, attempts: 1000 }
    for (let failures = 0; failures < 5; failures++) await failOnce(store, ref)
    await advance(31)
    const { attemptId } = await claim(store, ref, {}, patient)
    const { created } = (await record<StoredFlow>(flowKey(ref))) ?? {}
    await setBack(day)
    await put(flowKey(ref), ['created'], created)
    const late: CheckResult = { result: 'unprocessed', late: false }
    await store.settleCheck(ref, attemptId, late, patient)
    expect(await store.failures(ref.number)).toEqual({ total: 5, wait: 0 })
  })

  // proves: clocks/check
  test('a flow that began before is over', async () => {
    const { store, setBack } = await setup()
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
    const { prefix, store, advance, moveAhead } = await setup()
    const { ref } = await startFlow(store)
    await advance(31)
    await startFlow(store, newRef(ref.number))
    await moveAhead(`${prefix}${numberKey(ref.number)}`, ['latest', 'until'], day)
    const ask = () => store.reserveResend(ref, resendRequest())
    expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 30 })
    await advance(30.1)
    expect(await ask()).toMatchObject({ status: 'reserved' })
  })

  test('a step that is under way holds nobody up', async () => {
    const { store, flowKey, moveAhead } = await setup()
    const { ref } = await startFlow(store)
    await moveAhead(flowKey(ref), ['lease'], 300)
    expect(await store.reserveResend(ref, resendRequest({ waits: [0] }))).toMatchObject({
      status: 'reserved',
    })
    const tried = await startFlow(store)
    await claim(store, tried.ref)
    await moveAhead(flowKey(tried.ref), ['tried', 'lease'], 300)
    expect(await store.reserveResend(tried.ref, resendRequest({ waits: [0] }))).toMatchObject({
      status: 'reserved',
    })
    expect(await claim(store, tried.ref, { codeHash: 'hash-of-b' })).toMatchObject({
      status: 'unresolved',
    })
    const sending = newRef()
    await store.reserveSend(sending, sendRequest())
    await moveAhead(flowKey(sending), ['lease'], 300)
    expect(await claim(store, sending)).toMatchObject({ status: 'lookup' })
  })

  test('a send and a delivery are looked up all the same', async () => {
    const { store, flowKey, moveAhead } = await setup()
    const { ref } = await startFlow(store)
    await store.read(ref, 3)
    await moveAhead(flowKey(ref), ['askedAt'], 300)
    expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: true })
    expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: false })
    const unsettled = newRef()
    const request = sendRequest()
    await store.reserveSend(unsettled, request)
    await store.settleSend(unsettled, request.reference, { result: 'unconfirmed' })
    await moveAhead(flowKey(unsettled), ['askedAt'], 300)
    expect(await store.claimCheck(unsettled, checkRequest(), rules)).toMatchObject({
      status: 'lookup',
    })
  })

  test('a proven code opens a session again for no longer', async () => {
    const { store, setBack, advance } = await setup()
    const { ref } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    await store.settleCheck(ref, attemptId, verified, rules)
    await store.release(ref, attemptId)
    // By more than a few seconds the flow is over, by less it lasts as much longer.
    await setBack(9)
    await advance(70)
    expect(await claim(store, ref)).toMatchObject({ status: 'none' })
    const later = await startFlow(store)
    const proven = await claim(store, later.ref)
    await store.settleCheck(later.ref, proven.attemptId, verified, rules)
    expect(await store.complete(later.ref, proven.attemptId)).toBe(true)
    await setBack(60)
    expect(await claim(store, later.ref)).toMatchObject({ status: 'none' })
  })

  // proves: clocks/check
  test('limits last as long as they should', async () => {
    const { inner, setBack, advance, dump } = await setup()
    const keys = { own: 'address:{a}' }
    const part = {
      own: [{ name: 'test', points: 1, duration: 60 }],
      site: [],
      waits: { name: 'waits', points: 9, duration: 60 },
      meter: { free: 9, share: 1, enforced: false },
      country: 'US',
      countries: { points: 1, duration: 60, enforced: true },
    }
    const ask = (country: string, points = 1) =>
      inner.run('send', keys, {
        parts: { address: { ...part, country, own: [{ name: 'test', points, duration: 60 }] } },
        passed: false,
      })
    expect(await ask('US')).toMatchObject({ status: 'reserved' })
    await setBack(day)
    const limited = await ask('US')
    expect(limited).toMatchObject({ status: 'limited', limit: 'test' })
    expect(limited).toMatchObject({ wait: 60_000 })
    expect(await ask('DE', 9)).toMatchObject({ status: 'odd', odd: [{ by: 'countries' }] })
    await advance(60.1)
    expect(await ask('DE')).toMatchObject({
      status: 'reserved',
      counts: { own: { test: { used: 1 } } },
    })
    for (const { ttl } of await dump()) expect(ttl).toBeGreaterThan(0)
  })

  test('a known browser has its tries again after their window', async () => {
    const it = await setup()
    const { store, setBack, advance } = it
    const quick = { ...rules, browserFailures: 1, browserWindow: 60 }
    const ref = { ...newRef(), browserTag: 'browser' }
    await startFlow(store, ref)
    const { attemptId } = await claim(store, ref, {}, quick)
    await store.settleCheck(ref, attemptId, { result: 'wrong', counted: 1 }, quick)
    await setBack(day)
    const next = await begin(it, ref)
    await claim(store, next, {}, quick)
    const record = await it.record<NumberRecord>(`${it.prefix}${numberKey(ref.number)}`)
    const [now] = await it.redis.time()
    const ends = record?.uses['failed:browser']?.ends ?? 0
    expect(ends).toBeGreaterThan(Number(now) * 1000)
    expect(ends).toBeLessThanOrEqual((Number(now) + 61) * 1000)
    await advance(60.1)
    const again = await begin(it, ref)
    await claim(store, again, {}, quick)
    const after = await it.record<NumberRecord>(`${it.prefix}${numberKey(ref.number)}`)
    expect(after?.uses['failed:browser']?.n).toBe(1)
  })
})
