import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { FlowRef } from '../../src/secrets/secrets.js'
import { createRedisStore } from '../../src/store/redis.js'
import { scripts } from '../../src/store/scripts.js'
import { createRedis, startRedis } from '../support/redis.js'
import { startRedisProxy } from '../support/redis-proxy.js'
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
  type StoreKind,
  sendRequest,
  sent,
  setupStore,
  startFlow,
  storeKinds,
  type TestStore,
  verified,
  wrong,
} from '../support/stores.js'
import {
  type CheckResult,
  createSteps,
  type FlowRecord,
  type ResendResult,
  type SendResult,
  type StoreSteps,
} from '../support/steps.js'

/** Milliseconds pass between two commands; no test here takes half a second of a flow's time. */
const about = (seconds: number): number => expect.closeTo(seconds, 0)

function record(given: Partial<FlowRecord> = {}): Partial<FlowRecord> {
  const all: Partial<FlowRecord> = {
    state: 'pending',
    reference: expect.any(String),
    number: 'sealed-number',
    otp: 'sealed-otp',
    via: 'sms',
    country: 'US',
    expiresIn: about(300),
    sentAgo: about(0),
    resends: 0,
    attempts: 0,
    counted: 0,
    delivery: 'unknown',
    ...given,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** What Redis holds, without what only the clock changes. */
async function contents({ dump }: TestStore) {
  return (await dump()).map(({ key, value }) => ({ key, value }))
}

/** Runs a step as a client does that sent it again because its answer was lost. */
async function twice<T>(stored: TestStore, step: () => Promise<T>): Promise<T> {
  const first = await step()
  const before = await contents(stored)
  const second = await step()
  expect(withoutTimes(second)).toEqual(withoutTimes(first))
  expect(await contents(stored)).toEqual(before)
  return first
}

/** Times as whole seconds, which may still differ by one. */
function withoutTimes(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer ?? null, (key, value: unknown) =>
      ['expiresIn', 'sentAgo', 'retryAfter'].includes(key) ? Math.round(Number(value)) : value,
    ),
  )
}

const shortLease = 0.05

describe.each(storeKinds)('a store on %s', (kind: StoreKind) => {
  describe('a send', () => {
    test('is reserved, whatever is sent again', async () => {
      const stored = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      expect(await twice(stored, () => stored.store.reserveSend(ref, request))).toMatchObject({
        status: 'reserved',
      })
      expect(await stored.store.read(ref, 3)).toMatchObject(
        record({ state: 'sending', otp: undefined, reference: request.reference, busy: true }),
      )
    })

    test('keeps its otpId and lifetime once it has gone out', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const ref = newRef()
      const { reference } = sendRequest()
      await store.reserveSend(ref, sendRequest({ reference }))
      const result = { ...sent, lifetime: 200 }
      expect(await twice(stored, () => store.settleSend(ref, reference, result))).toBe(true)
      expect(await store.read(ref, 3)).toMatchObject(
        record({ reference, expiresIn: about(200), deliveryDue: true }),
      )
    })

    // proves: SES-15, CODE-2
    test('lives no longer than the longest lifetime', async () => {
      const { store } = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      await store.settleSend(ref, request.reference, { ...sent, lifetime: 86_400 })
      expect(await store.read(ref, 3)).toMatchObject({ expiresIn: about(600) })
    })

    test('that failed leaves nothing, and the number is free at once', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      expect(await store.settleSend(ref, request.reference, { result: 'failed' })).toBe(true)
      await store.settleSend(ref, request.reference, { result: 'failed' })
      expect(await contents(stored)).toEqual([])
      expect(await store.read(ref, 3)).toBeUndefined()
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'reserved',
      })
    })

    test('of unknown fate can be adopted later', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      const unconfirmed: SendResult = { result: 'unconfirmed' }
      expect(await twice(stored, () => store.settleSend(ref, request.reference, unconfirmed))).toBe(
        true,
      )
      await advance(20)
      expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
      expect(await store.settleSend(ref, request.reference, sent)).toBe(true)
      expect(await store.read(ref, 3)).toMatchObject(
        record({ expiresIn: about(280), sentAgo: about(20), deliveryDue: true }),
      )
    })

    test('is remembered with its channel', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store, newRef(), { via: 'voice' })
      expect(await store.read(ref, 3)).toMatchObject({ via: 'voice' })
      const other = await startFlow(store)
      expect(await store.read(other.ref, 3)).toMatchObject({ via: 'sms' })
    })

    test('settles only what carries its reference', async () => {
      const { store } = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      expect(await store.settleSend(ref, newId(), sent)).toBe(false)
      expect(await store.settleSend(newRef(), request.reference, sent)).toBe(false)
      expect(await store.read(ref, 3)).toMatchObject({ state: 'sending' })
    })

    // proves: SEND-1
    test('waits for the cooldown of its number, whoever asks', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const stranger = newRef(ref.number)
      expect(await store.reserveSend(stranger, sendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 30,
      })
      expect(await store.reserveSend(newRef(), sendRequest())).toMatchObject({ status: 'reserved' })
      await advance(29.5)
      expect(await store.reserveSend(stranger, sendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 1,
      })
      await advance(1)
      expect(await store.reserveSend(stranger, sendRequest())).toMatchObject({ status: 'reserved' })
    })

    test.each([
      ['sent', sent, 'too_soon'],
      ['unconfirmed', { result: 'unconfirmed' }, 'too_soon'],
      ['not sent yet', undefined, 'reserved'],
    ] as const)(
      'that is %s keeps a known browser from another one only when it is out',
      async (_, result, status) => {
        const { store, advance } = await setupStore(kind)
        const ref = newRef()
        const request = sendRequest()
        await store.reserveSend(ref, request)
        await advance(5)
        if (result) await store.settleSend(ref, request.reference, result)
        const known = { ...newRef(ref.number), browserTag: 'browser' }
        const answer = await store.reserveSend(known, sendRequest())
        expect(answer).toMatchObject({
          status,
          ...(status === 'too_soon' && { retryAfter: 25 }),
        })
        // Whoever is not known waits, also for one that is only reserved.
        expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
          status: 'too_soon',
        })
        // What ends now is not what holds the number any more.
        if (!result) await store.settleSend(ref, request.reference, { result: 'failed' })
        expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
          status: 'too_soon',
        })
      },
    )

    // proves: SEND-1
    test('of a known browser is reserved once, however often it asks', async () => {
      const { store } = await setupStore(kind)
      const ref = { ...newRef(), browserTag: 'browser' }
      const request = sendRequest()
      await store.reserveSend(ref, request)
      // Another channel, from the same page.
      expect(await store.reserveSend(ref, sendRequest({ via: 'voice' }))).toMatchObject({
        status: 'too_soon',
      })
      const others = Array.from({ length: 10 }, () =>
        store.reserveSend({ ...newRef(ref.number), browserTag: 'browser' }, sendRequest()),
      )
      for (const other of others) expect(await other).toMatchObject({ status: 'too_soon' })
      expect(await store.settleSend(ref, request.reference, sent)).toBe(true)
    })

    test('that a known browser has passed and that fails takes nothing from its own', async () => {
      const { store, advance } = await setupStore(kind)
      const ref = newRef()
      const first = sendRequest()
      await store.reserveSend(ref, first)
      await advance(5)
      const known = { ...newRef(ref.number), browserTag: 'browser' }
      const second = sendRequest()
      await store.reserveSend(known, second)
      await store.settleSend(ref, first.reference, { result: 'failed' })
      await store.settleSend(known, second.reference, sent)
      const again = { ...newRef(ref.number), browserTag: 'browser' }
      expect(await store.reserveSend(again, sendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 30,
      })
    })

    // proves: SEND-1
    test('that a known browser has passed holds on when its own message fails', async () => {
      const { store, advance } = await setupStore(kind)
      const ref = newRef()
      const first = sendRequest()
      await store.reserveSend(ref, first)
      await advance(5)
      const known = { ...newRef(ref.number), browserTag: 'browser' }
      const second = sendRequest()
      expect(await store.reserveSend(known, second)).toMatchObject({ status: 'reserved' })
      await store.settleSend(ref, first.reference, sent)
      await store.settleSend(known, second.reference, { result: 'failed' })
      const waits = async (retryAfter: number) =>
        expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
          status: 'too_soon',
          retryAfter,
        })
      await waits(25)
      // It may try again, which keeps nobody waiting for longer.
      await advance(10)
      const third = sendRequest()
      const again = { ...newRef(ref.number), browserTag: 'browser' }
      expect(await store.reserveSend(again, third)).toMatchObject({ status: 'reserved' })
      await store.settleSend(again, third.reference, { result: 'failed' })
      await waits(15)
      await advance(15)
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'reserved',
      })
    })

    // proves: RED-1
    test('of one number is reserved by one of many', async () => {
      const { store } = await setupStore(kind)
      const number = newId()
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => store.reserveSend(newRef(number), sendRequest())),
      )
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).toEqual(['reserved', ...Array<string>(49).fill('too_soon')])
    })
  })

  describe('a send without a known end', () => {
    async function unconfirmed() {
      const stored = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      await stored.store.reserveSend(ref, request)
      await stored.store.settleSend(ref, request.reference, { result: 'unconfirmed' })
      const end = () => stored.store.settleSend(ref, request.reference, { result: 'unconfirmed' })
      return { ...stored, ref, request, end }
    }

    test('is looked up by one of many, for whom the others wait', async () => {
      const { store, ref } = await unconfirmed()
      const [readers, claims] = await Promise.all([
        Promise.all(Array.from({ length: 10 }, () => store.read(ref, 3))),
        Promise.all(Array.from({ length: 10 }, () => claim(store, ref))),
      ])
      const due = readers.filter((each) => each?.lookupDue).length
      const told = claims.filter(({ status }) => status === 'lookup').length
      expect(due + told).toBe(1)
      expect(claims.filter(({ status }) => status === 'sending')).toHaveLength(10 - told)
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: false, busy: true })
    })

    test('is looked up again after a while, and by nobody before', async () => {
      const { store, ref, end, advance } = await unconfirmed()
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: true, busy: false })
      await end()
      expect(await claim(store, ref)).toMatchObject({ status: 'unsettled' })
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: false, busy: false })
      await advance(2.5)
      expect(await claim(store, ref)).toMatchObject({ status: 'unsettled' })
      await advance(0.6)
      expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
      await end()
      await advance(3.1)
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: true })
    })

    test('is looked up again when whoever did it has died', async () => {
      const { store, ref, advance } = await unconfirmed()
      expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
      await advance(3.5)
      expect(await claim(store, ref)).toMatchObject({ status: 'sending' })
      await advance(0.6)
      expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
    })

    test('keeps a resend waiting while it is looked up, and is looked up for that too', async () => {
      const { store, ref, end, advance } = await unconfirmed()
      await advance(31)
      await store.read(ref, 3)
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({ status: 'busy' })
      await end()
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({ status: 'lookup' })
      await advance(3.1)
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: true })
      const lookedUp = resendRequest({ lookedUp: true })
      expect(await store.reserveResend(ref, lookedUp)).toMatchObject({ status: 'busy' })
      await end()
      expect(await store.reserveResend(ref, lookedUp)).toMatchObject({ status: 'renew' })
    })

    test('is not looked up for a resend that would be too soon, or one too many', async () => {
      const { store, ref } = await unconfirmed()
      const ask = (waits?: number[]) =>
        store.reserveResend(ref, resendRequest(waits ? { waits } : {}))
      expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 30 })
      expect(await ask([])).toMatchObject({ status: 'exhausted' })
    })

    test('is looked up for a second click as for a check, and always before a new message', async () => {
      const { store, ref, end, advance } = await unconfirmed()
      const repeat = (lookedUp = false) =>
        store.reserveSend(newRef(ref.number), sendRequest({ current: ref, lookedUp }))
      expect(await repeat()).toMatchObject({ status: 'lookup' })
      expect(await repeat()).toMatchObject({ status: 'busy' })
      expect(await claim(store, ref)).toMatchObject({ status: 'sending' })
      await end()
      expect(await repeat(true)).toMatchObject({ status: 'current' })
      expect(await repeat()).toMatchObject({
        status: 'current',
        record: record({ state: 'unconfirmed', otp: undefined }),
      })
      await advance(3.1)
      expect(await repeat()).toMatchObject({ status: 'lookup' })
      await end()
      await advance(28)
      expect(await store.read(ref, 3)).toMatchObject({ lookupDue: true })
      await end()
      expect(await repeat()).toMatchObject({ status: 'lookup' })
      expect(await repeat(true)).toMatchObject({ status: 'reserved' })
    })

    test('that is found can have its delivery asked for at once', async () => {
      const { store, ref, request } = await unconfirmed()
      await store.read(ref, 3)
      await store.settleSend(ref, request.reference, sent)
      expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: true, busy: false })
    })

    test('is looked up for nobody who only wants to see it, or when its time is over', async () => {
      const { store, ref, advance } = await unconfirmed()
      const seen = await store.read(ref)
      expect(seen).toMatchObject({ lookupDue: false, busy: false })
      await advance(301)
      expect(await store.read(ref, 3)).toMatchObject({ state: 'unconfirmed', lookupDue: false })
    })
  })

  describe('a second send of one browser', () => {
    const again = async (kind: StoreKind, given: Parameters<typeof sendRequest>[0] = {}) => {
      const stored = await setupStore(kind)
      const { ref } = await startFlow(stored.store)
      const next = newRef(ref.number)
      return {
        ...stored,
        ref,
        repeat: () => stored.store.reserveSend(next, sendRequest({ current: ref, ...given })),
      }
    }

    test('is the flow it has, while that is new', async () => {
      const { repeat, advance } = await again(kind)
      expect(await repeat()).toMatchObject({ status: 'current', record: record() })
      await advance(29.5)
      expect(await repeat()).toMatchObject({
        status: 'current',
        record: record({
          expiresIn: expect.any(Number),
          sentAgo: expect.any(Number),
        }),
      })
      await advance(1)
      expect(await repeat()).toMatchObject({ status: 'reserved' })
    })

    test('by another channel has to wait as any other', async () => {
      const { repeat } = await again(kind, { via: 'voice' })
      expect(await repeat()).toMatchObject({ status: 'too_soon' })
    })

    test('waits while the first is being sent', async () => {
      const { store } = await setupStore(kind)
      const ref = newRef()
      await store.reserveSend(ref, sendRequest({ lease: shortLease }))
      const repeat = () =>
        store.reserveSend(newRef(ref.number), sendRequest({ current: ref, lookedUp: false }))
      expect(await repeat()).toMatchObject({ status: 'busy' })
      await vi.waitFor(async () => expect(await repeat()).toMatchObject({ status: 'lookup' }))
    })

    test('looks an unconfirmed first one up, then is that', async () => {
      const { store, advance } = await setupStore(kind)
      const ref = newRef()
      const first = sendRequest()
      await store.reserveSend(ref, first)
      await store.settleSend(ref, first.reference, { result: 'unconfirmed' })
      const repeat = (lookedUp: boolean) =>
        store.reserveSend(newRef(ref.number), sendRequest({ current: ref, lookedUp }))
      const unconfirmed = record({ state: 'unconfirmed', otp: undefined })
      expect(await repeat(false)).toMatchObject({ status: 'lookup', record: unconfirmed })
      await store.settleSend(ref, first.reference, { result: 'unconfirmed' })
      expect(await repeat(true)).toMatchObject({ status: 'current', record: unconfirmed })
      await advance(31)
      expect(await repeat(false)).toMatchObject({ status: 'lookup' })
      expect(await repeat(true)).toMatchObject({ status: 'reserved' })
    })

    test('is a new one when the first has ended', async () => {
      const { repeat, store, ref, advance } = await again(kind)
      await store.end(ref, 'cancelled')
      expect(await repeat()).toMatchObject({ status: 'too_soon' })
      await advance(31)
      expect(await repeat()).toMatchObject({ status: 'reserved' })
    })
  })

  describe('a resend', () => {
    // proves: SEND-1
    test('waits longer each time, until none is left', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const { ref } = await startFlow(store)
      const ask = () => store.reserveResend(ref, resendRequest())
      expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 30 })
      for (const [index, wait] of [30, 60, 120].entries()) {
        await advance(wait - 0.5)
        expect(await ask()).toMatchObject({ status: 'too_soon', retryAfter: 1 })
        await advance(0.6)
        const request = resendRequest()
        expect(await twice(stored, () => store.reserveResend(ref, request))).toMatchObject({
          status: 'reserved',
          record: { resends: index + 1, sentAgo: about(0) },
        })
        expect(await twice(stored, () => store.settleResend(ref, request.reference, 'sent'))).toBe(
          true,
        )
      }
      expect(await ask()).toMatchObject({ status: 'exhausted', retryAfter: expect.closeTo(90, -1) })
    })

    // proves: SEND-4
    test('keeps the time and the tries of the code', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await failOnce(store, ref)
      await advance(31)
      const request = resendRequest()
      await store.reserveResend(ref, request)
      await store.settleResend(ref, request.reference, 'sent')
      expect(await store.read(ref, 3)).toMatchObject(
        record({ expiresIn: about(269), resends: 1, attempts: 1, deliveryDue: true }),
      )
    })

    test('holds the number for others', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(31)
      await store.reserveResend(ref, resendRequest())
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 30,
      })
    })

    test('holds it for a known browser only when it is out', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const known = { ...newRef(ref.number), browserTag: 'browser' }
      await advance(31)
      await startFlow(store, known)
      await advance(31)
      const other = newRef(ref.number)
      await startFlow(store, other)
      await advance(31)
      await store.reserveResend(ref, resendRequest())
      expect(await store.reserveResend(other, resendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 30,
      })
      expect(await store.reserveResend(known, resendRequest())).toMatchObject({
        status: 'reserved',
      })
      await advance(31)
      const next = resendRequest({ reference: newId() })
      await store.reserveResend(ref, { ...next, waits: [30, 30, 30] })
      await store.settleResend(ref, next.reference, 'sent')
      await advance(5)
      expect(await store.reserveSend({ ...known, flow: newId() }, sendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 25,
      })
    })

    test('of a known browser that fails leaves what it has passed', async () => {
      const { store, advance } = await setupStore(kind)
      const known = { ...newRef(), browserTag: 'browser' }
      await startFlow(store, known)
      await advance(31)
      const ref = newRef(known.number)
      const first = sendRequest()
      await store.reserveSend(ref, first)
      await advance(5)
      for (const seconds of [25, 15]) {
        const request = resendRequest()
        expect(await store.reserveResend(known, request)).toMatchObject({ status: 'reserved' })
        await store.settleSend(ref, first.reference, sent)
        await store.settleResend(known, request.reference, 'failed')
        expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
          status: 'too_soon',
          retryAfter: seconds,
        })
        await advance(10)
      }
      await advance(5)
      // Nothing is passed now, and nothing is left.
      const request = resendRequest()
      expect(await store.reserveResend(known, request)).toMatchObject({ status: 'reserved' })
      expect(await store.reserveResend({ ...known, flow: newId() }, resendRequest())).toMatchObject(
        { status: 'none' },
      )
      expect(
        await store.reserveSend({ ...newRef(ref.number), browserTag: 'browser' }, sendRequest()),
      ).toMatchObject({ status: 'too_soon', retryAfter: 30 })
      await store.settleResend(known, request.reference, 'failed')
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'reserved',
      })
    })

    test('waits for the number while another flow holds it', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(31)
      await startFlow(store, newRef(ref.number))
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({
        status: 'too_soon',
        retryAfter: 30,
      })
    })

    test('is made by one of many', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(31)
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => store.reserveResend(ref, resendRequest())),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([
        ...Array<string>(49).fill('busy'),
        'reserved',
      ])
    })

    test('that failed leaves everything as it was', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const { ref } = await startFlow(store, newRef(), { via: 'voice' })
      await advance(40)
      const before = await store.read(ref, 1000)
      const request = resendRequest()
      await store.reserveResend(ref, request)
      expect(await twice(stored, () => store.settleResend(ref, request.reference, 'failed'))).toBe(
        true,
      )
      expect(withoutTimes(await store.read(ref, 1000))).toEqual(
        withoutTimes({ ...before, deliveryDue: true }),
      )
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'reserved',
      })
    })

    test('becomes a new send when little time is left', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const { ref } = await startFlow(store)
      await advance(250)
      const request = resendRequest()
      expect(await twice(stored, () => store.reserveResend(ref, request))).toMatchObject({
        status: 'renew',
        record: { state: 'sending', reference: request.reference },
      })
      const renewed = { ...sent, otp: 'another-otp' }
      expect(await store.settleSend(ref, request.reference, renewed)).toBe(true)
      expect(await store.read(ref, 3)).toMatchObject(
        record({ otp: 'another-otp', resends: 1, deliveryDue: true }),
      )
    })

    // proves: SEND-4
    test('that became a new send ends ten minutes after the first one', async () => {
      const { store, advance, dump } = await setupStore(kind)
      const { ref } = await startFlow(store)
      for (const [seconds, left] of [
        [250, 300],
        [250, 100],
      ] as const) {
        await advance(seconds)
        const request = resendRequest()
        expect(await store.reserveResend(ref, request)).toMatchObject({ status: 'renew' })
        await store.settleSend(ref, request.reference, sent)
        expect(await store.read(ref, 3)).toMatchObject({ expiresIn: about(left) })
      }
      // Ten minutes for the code, and ten in which a new one can be asked for.
      for (const { ttl } of await dump()) expect(ttl).toBeLessThanOrEqual(1_200_000)
    })

    test('becomes a new send when tyntec calls the code over', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const { ref } = await startFlow(store)
      await advance(31)
      const request = resendRequest()
      await store.reserveResend(ref, request)
      expect(await twice(stored, () => store.settleResend(ref, request.reference, 'renew'))).toBe(
        true,
      )
      expect(await store.read(ref, 3)).toMatchObject({
        state: 'sending',
        reference: request.reference,
      })
    })

    test.each(['reserved', 'called over'])(
      'as a new send that failed leaves everything as it was (%s)',
      async (way) => {
        const { store, advance } = await setupStore(kind)
        const { ref } = await startFlow(store)
        await advance(way === 'reserved' ? 250 : 40)
        const before = await store.read(ref, 1000)
        const { reference } = resendRequest()
        await store.reserveResend(ref, resendRequest({ reference }))
        if (way !== 'reserved') await store.settleResend(ref, reference, 'renew')
        expect(await store.settleSend(ref, reference, { result: 'failed' })).toBe(true)
        await store.settleSend(ref, reference, { result: 'failed' })
        expect(withoutTimes(await store.read(ref, 1000))).toEqual(
          withoutTimes({ ...before, deliveryDue: true }),
        )
        expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
          status: 'reserved',
        })
      },
    )

    test('of an unconfirmed send is a new send once that was looked up', async () => {
      const { store, advance } = await setupStore(kind)
      const ref = newRef()
      const first = sendRequest()
      await store.reserveSend(ref, first)
      await store.settleSend(ref, first.reference, { result: 'unconfirmed' })
      await advance(31)
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({
        status: 'lookup',
        record: { reference: first.reference },
      })
      const request = resendRequest({ lookedUp: true })
      expect(await store.reserveResend(ref, request)).toMatchObject({ status: 'renew' })
      expect(await store.settleSend(ref, request.reference, { result: 'failed' })).toBe(true)
      expect(await store.read(ref, 1000)).toMatchObject({
        state: 'unconfirmed',
        reference: first.reference,
        resends: 0,
        sentAgo: about(31),
      })
    })

    test('that failed after an unconfirmed new code leaves that to be adopted', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(245)
      const second = resendRequest({ waits: [30, 1, 1] })
      await store.reserveResend(ref, second)
      await store.settleSend(ref, second.reference, { result: 'unconfirmed' })
      await advance(2)
      const third = resendRequest({ waits: [30, 1, 1], lookedUp: true })
      expect(await store.reserveResend(ref, third)).toMatchObject({ status: 'renew' })
      await store.settleSend(ref, third.reference, { result: 'failed' })
      expect(await store.read(ref, 1000)).toMatchObject({
        state: 'unconfirmed',
        reference: second.reference,
      })
      await advance(5)
      expect(await claim(store, ref)).toMatchObject({
        status: 'lookup',
        record: { reference: second.reference },
      })
    })

    test('waits while a check is running', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(31)
      const { attemptId } = await claim(store, ref)
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({ status: 'busy' })
      await store.settleCheck(ref, attemptId, wrong, rules)
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({ status: 'reserved' })
    })

    test('is refused for what is over', async () => {
      const { store, advance } = await setupStore(kind)
      const ask = async (ref: FlowRef) => (await store.reserveResend(ref, resendRequest())).status
      expect(await ask(newRef())).toBe('none')
      const cancelled = await startFlow(store)
      await store.end(cancelled.ref, 'cancelled')
      expect(await ask(cancelled.ref)).toBe('none')
      const proven = await startFlow(store)
      const { attemptId } = await claim(store, proven.ref)
      await store.settleCheck(proven.ref, attemptId, verified, rules)
      expect(await ask(proven.ref)).toBe('none')
      const tried = await startFlow(store)
      for (let tries = 0; tries < 3; tries++) {
        const each = await claim(store, tried.ref)
        await store.settleCheck(tried.ref, each.attemptId, wrong, rules)
      }
      expect(await ask(tried.ref)).toBe('attempts')
      const old = await startFlow(store)
      await advance(301)
      expect(await ask(old.ref)).toBe('expired')
    })
  })

  describe('a check', () => {
    test('is claimed and counted, whatever is sent again', async () => {
      const stored = await setupStore(kind)
      const { ref } = await startFlow(stored.store)
      const request = checkRequest()
      expect(await twice(stored, () => stored.store.claimCheck(ref, request, rules))).toEqual({
        status: 'claimed',
        record: record({ attempts: 1 }),
        earlier: 'none',
      })
    })

    // proves: RED-1
    test('is claimed by one of many', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const codes = Array.from({ length: 50 }, (_, index) =>
        index % 2 ? 'hash-of-a' : 'hash-of-b',
      )
      const statuses = await Promise.all(
        codes.map(async (codeHash) => (await claim(store, ref, { codeHash })).status),
      )
      expect(statuses.filter((status) => status === 'claimed')).toHaveLength(1)
      expect(statuses.filter((status) => status === 'join')).toHaveLength(24)
      expect(statuses.filter((status) => status === 'busy')).toHaveLength(25)
      expect(await claim(store, ref)).toMatchObject({ status: 'busy', retryAfter: 10 })
      expect(await store.read(ref, 3)).toMatchObject({ attempts: 1 })
    })

    test('that proves the code stays proven until it is completed', async () => {
      const stored = await setupStore(kind)
      const { store, advance } = stored
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      expect(await twice(stored, () => store.settleCheck(ref, attemptId, verified, rules))).toEqual(
        { status: 'settled', attempts: 1, failures: 0 },
      )
      expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({ status: 'none' })
      expect(await claim(store, ref)).toMatchObject({ status: 'join' })
      await advance(11)
      const second = checkRequest()
      expect(await store.claimCheck(ref, second, rules)).toEqual({
        status: 'verified',
        record: record({
          state: 'verified',
          expiresIn: about(289),
          sentAgo: about(11),
          otp: undefined,
          attempts: 1,
        }),
        by: attemptId,
        repeated: false,
      })
      expect(await store.claimCheck(ref, second, rules)).toMatchObject({ status: 'verified' })
      expect(await claim(store, ref)).toMatchObject({ status: 'join' })
      // Only the request that opens the session now can say that it is open.
      expect(await store.complete(ref, attemptId)).toBe(false)
      const open = () => store.complete(ref, attemptId, second.attempt, 'session')
      expect(await twice(stored, open)).toBe(true)
      expect(await store.complete(ref, newId())).toBe(false)
      expect(await claim(store, ref, { joining: true })).toMatchObject({
        status: 'opened',
        session: 'session',
      })
      expect(await claim(store, ref, { codeHash: 'hash-of-b', joining: true })).toMatchObject({
        status: 'none',
      })
    })

    test('that was completed is answered again with the same code, three times in a minute', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, verified, rules)
      await store.complete(ref, attemptId, attemptId, 'session-0')
      for (const number of [1, 2, 3]) {
        expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({ status: 'none' })
        const again = await claim(store, ref)
        expect(again).toMatchObject({
          status: 'verified',
          repeated: true,
          session: `session-${number - 1}`,
        })
        expect(await claim(store, ref)).toMatchObject({ status: 'join', opening: true })
        const session = `session-${number}`
        expect(await store.complete(ref, attemptId, again.attemptId, session)).toBe(true)
      }
      expect(await claim(store, ref)).toMatchObject({ status: 'none' })
      await advance(61)
      expect(await store.read(ref)).toBeUndefined()
    })

    test('that was completed is over after a minute', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, verified, rules)
      await store.complete(ref, attemptId)
      await advance(61)
      expect(await claim(store, ref)).toMatchObject({ status: 'none' })
    })

    test('that was proven is forgotten after a minute', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, verified, rules)
      await advance(61)
      expect(await claim(store, ref)).toMatchObject({ status: 'none' })
    })

    test('that was proven in the last second can still open a session', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(299)
      const { attemptId } = await claim(store, ref)
      await advance(9)
      await store.settleCheck(ref, attemptId, verified, rules)
      await advance(30)
      const last = await claim(store, ref)
      expect(last).toMatchObject({ status: 'verified' })
      expect(await store.complete(ref, attemptId, last.attemptId)).toBe(true)
    })

    test('that was proven goes to the next request after a release', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, verified, rules)
      await store.release(ref, newId())
      expect(await claim(store, ref)).toMatchObject({ status: 'join' })
      await twice(stored, () => store.release(ref, attemptId))
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => (await claim(store, ref)).status),
      )
      expect(statuses.sort()).toEqual([...Array<string>(19).fill('join'), 'verified'])
    })

    test('can be proven although another request has taken it over', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const slow = await claim(store, ref, { lease: shortLease })
      await vi.waitFor(async () =>
        expect(await claim(store, ref)).toMatchObject({ status: 'unresolved' }),
      )
      expect(await store.settleCheck(ref, slow.attemptId, wrong, rules)).toEqual({
        status: 'stale',
      })
      expect(await store.settleCheck(ref, slow.attemptId, verified, rules)).toEqual({
        status: 'settled',
        attempts: 1,
        failures: 0,
      })
      expect(await store.complete(ref, slow.attemptId)).toBe(true)
    })

    test('that is wrong costs a try; the last one ends the flow', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      for (let attempts = 1; attempts <= 3; attempts++) {
        const { attemptId } = await claim(store, ref)
        const result: CheckResult = { result: 'wrong', counted: attempts }
        expect(await twice(stored, () => store.settleCheck(ref, attemptId, result, rules))).toEqual(
          { status: 'settled', attempts, failures: attempts },
        )
      }
      expect(await claim(store, ref)).toMatchObject({ status: 'attempts' })
      expect(await claim(store, ref, { joining: true })).toMatchObject({ status: 'attempts' })
      expect(await store.read(ref, 3)).toMatchObject({
        state: 'dead',
        end: 'attempts',
        number: 'sealed-number',
      })
      expect(await store.read(ref)).not.toHaveProperty('otp', expect.any(String))
    })

    test('that joined hears the end of the one it joined', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const join = (codeHash?: string) =>
        claim(store, ref, { joining: true, ...(codeHash && { codeHash }) })
      const first = await claim(store, ref)
      expect(await join()).toMatchObject({ status: 'join' })
      await store.settleCheck(ref, first.attemptId, wrong, rules)
      expect(await join()).toMatchObject({ status: 'wrong', attempts: 1 })
      expect(await join('hash-of-b')).toMatchObject({ status: 'unknown' })
      const second = await claim(store, ref)
      await store.settleCheck(ref, second.attemptId, { result: 'unprocessed', late: false }, rules)
      expect(await join()).toMatchObject({ status: 'unknown' })
      const third = await claim(store, ref)
      await store.settleCheck(ref, third.attemptId, { result: 'unresolved' }, rules)
      expect(await join()).toMatchObject({ status: 'unknown' })
      expect(await store.read(ref, 3)).toMatchObject({ attempts: 2 })
    })

    test.each([
      ['expired', 'expired'],
      ['attempts', 'attempts'],
      ['used', 'none'],
      ['cancelled', 'none'],
      ['replaced', 'none'],
    ] as const)('of a flow that ended as %s says %s', async (end, status) => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, { result: 'over', end, failed: true }, rules)
      expect(await claim(store, ref)).toMatchObject({ status })
      // One that has ended by itself can begin again; of the others nothing says whose they were.
      const kept = await store.read(ref)
      if (end === 'cancelled' || end === 'replaced') expect(kept).toBeUndefined()
      else
        expect(kept).toMatchObject({
          state: 'dead',
          end,
          number: end === 'used' ? '' : 'sealed-number',
        })
    })

    test('of a flow whose time ran out says so, until it is forgotten', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await advance(301)
      expect(await claim(store, ref)).toMatchObject({ status: 'expired' })
      expect(await store.end(ref, 'cancelled')).toBeUndefined()
      await advance(300)
      expect(await claim(store, ref)).toMatchObject({ status: 'none' })
    })

    test('of a flow that is still being sent has to wait', async () => {
      const { store } = await setupStore(kind)
      const ref = newRef()
      await store.reserveSend(ref, sendRequest({ lease: shortLease }))
      expect(await claim(store, ref)).toMatchObject({ status: 'sending' })
      await vi.waitFor(async () =>
        expect(await claim(store, ref)).toMatchObject({ status: 'lookup' }),
      )
    })
  })

  describe('a check without an answer', () => {
    async function unresolved(given: Parameters<typeof checkRequest>[0] = {}) {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref, given)
      expect(
        await twice(stored, () =>
          store.settleCheck(ref, attemptId, { result: 'unresolved' }, rules),
        ),
      ).toEqual({ status: 'settled', attempts: 1, failures: 1 })
      return { ...stored, ref }
    }

    test('is taken over by the next request, at no cost', async () => {
      const stored = await unresolved()
      const { store, ref } = stored
      const request = checkRequest()
      expect(await twice(stored, () => store.claimCheck(ref, request, rules))).toEqual({
        status: 'unresolved',
        record: record({ attempts: 1 }),
        sameCode: true,
        earlier: 'none',
      })
      expect(await claim(store, ref)).toMatchObject({ status: 'join' })
      expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({ status: 'busy' })
    })

    test('tells another code from its own', async () => {
      const { store, ref } = await unresolved()
      expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({
        status: 'unresolved',
        sameCode: false,
        earlier: 'none',
      })
    })

    test('is taken over when its lease has ended', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await claim(store, ref, { lease: shortLease })
      expect(await claim(store, ref)).toMatchObject({ status: 'join' })
      await vi.waitFor(async () =>
        expect(await claim(store, ref, { joining: true })).toMatchObject({
          status: 'unresolved',
          sameCode: true,
          record: { attempts: 1 },
        }),
      )
    })

    test('that turns out wrong leaves its own tries to the next code', async () => {
      const { store, ref } = await unresolved()
      const next = await claim(store, ref, { codeHash: 'hash-of-b' })
      const found: CheckResult = { result: 'wrong', counted: 1 }
      expect(await store.settleCheck(ref, next.attemptId, found, rules)).toEqual({
        status: 'settled',
        attempts: 1,
        failures: 1,
      })
      expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({
        status: 'claimed',
        record: { attempts: 2, counted: 1 },
        earlier: 'none',
      })
    })

    test('is a try of an unknown code after a minute', async () => {
      const { store, ref, advance } = await unresolved()
      await advance(61)
      const next = await claim(store, ref)
      expect(next).toMatchObject({
        status: 'claimed',
        earlier: 'other',
        record: { attempts: 2 },
      })
      await store.settleCheck(ref, next.attemptId, wrong, rules)
      await advance(61)
      expect(await claim(store, ref)).toMatchObject({ status: 'claimed', earlier: 'other' })
    })

    test('that may still land is a try of an unknown code after a minute', async () => {
      const { store, ref, advance } = await ghost()
      await advance(61)
      expect(await claim(store, ref)).toMatchObject({ status: 'claimed', earlier: 'other' })
    })

    test('is not remembered once every try has ended', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const results: CheckResult[] = [
        { result: 'wrong', counted: 1 },
        { result: 'unprocessed', late: false },
        { result: 'unasked', late: false },
      ]
      for (const result of results) {
        const { attemptId } = await claim(store, ref)
        await store.settleCheck(ref, attemptId, result, rules)
        await advance(61)
        const next = await claim(store, ref)
        expect(next).toMatchObject({ status: 'claimed', earlier: 'none' })
        await store.settleCheck(ref, next.attemptId, { result: 'unasked', late: false }, rules)
      }
    })

    /** tyntec has not seen it yet, but may. */
    async function ghost() {
      const stored = await unresolved()
      const { store, ref } = stored
      const { attemptId } = await claim(store, ref)
      const late: CheckResult = { result: 'unprocessed', late: true }
      await store.settleCheck(ref, attemptId, late, rules)
      expect(await store.read(ref, 1000)).toMatchObject({ attempts: 0 })
      const wrongNext = async (codeHash: string) => {
        const next = await claim(store, ref, { codeHash })
        await store.settleCheck(ref, next.attemptId, { result: 'wrong', counted: 1 }, rules)
      }
      return { ...stored, wrongNext }
    }

    test('that may still land is known to the same code', async () => {
      const { store, ref } = await ghost()
      const same = await claim(store, ref)
      expect(same).toMatchObject({ status: 'claimed', earlier: 'same', record: { attempts: 1 } })
      await store.settleCheck(ref, same.attemptId, { result: 'unprocessed', late: true }, rules)
      expect(await claim(store, ref)).toMatchObject({ status: 'claimed', earlier: 'same' })
    })

    test('that may still land is known to another code, for good', async () => {
      const { store, ref } = await ghost()
      const other = await claim(store, ref, { codeHash: 'hash-of-b' })
      expect(other).toMatchObject({ status: 'claimed', earlier: 'other' })
      await store.settleCheck(ref, other.attemptId, { result: 'unprocessed', late: true }, rules)
      for (const codeHash of ['hash-of-b', 'hash-of-a', 'hash-of-a']) {
        const next = await claim(store, ref, { codeHash })
        expect(next).toMatchObject({ status: 'claimed', earlier: 'other' })
        await store.settleCheck(ref, next.attemptId, { result: 'unprocessed', late: true }, rules)
      }
    })

    test('that may still land is not forgotten because another code was wrong', async () => {
      const { store, ref, wrongNext } = await ghost()
      await wrongNext('hash-of-b')
      expect(await claim(store, ref, { codeHash: 'hash-of-c' })).toMatchObject({
        status: 'claimed',
        earlier: 'other',
      })
    })

    test('that may still land is forgotten once its own code was wrong', async () => {
      const { store, ref, wrongNext } = await ghost()
      await wrongNext('hash-of-a')
      expect(await claim(store, ref, { codeHash: 'hash-of-c' })).toMatchObject({
        status: 'claimed',
        earlier: 'none',
      })
    })
  })

  describe('the failures of a number', () => {
    // proves: ATT-4
    test('cost nothing five times, then a wait that doubles up to an hour', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store, newRef(), { cooldown: 1 })
      for (let failures = 0; failures < 5; failures++) {
        expect(await failOnce(store, ref)).toMatchObject({ status: 'claimed' })
      }
      let failing = ref
      for (const wait of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
        const limited = { status: 'limited', retryAfter: wait, disabled: false }
        expect(await failOnce(store, failing)).toEqual(limited)
        await advance(wait - 0.5)
        // The flow has ended before most of these waits do; the failures are the number's.
        failing = newRef(ref.number)
        await startFlow(store, failing, { cooldown: 1 })
        expect(await failOnce(store, failing)).toEqual({ ...limited, retryAfter: 1 })
        await advance(1)
        expect(await failOnce(store, failing)).toMatchObject({ status: 'claimed' })
      }
    })

    test('begin anew fifteen minutes after the last, but are still counted in all', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      for (let failures = 0; failures < 4; failures++) await failOnce(store, ref)
      await advance(899)
      const soon = newRef(ref.number)
      await startFlow(store, soon)
      expect(await failOnce(store, soon)).toMatchObject({ status: 'claimed' })
      expect(await failOnce(store, soon)).toMatchObject({ status: 'limited', retryAfter: 30 })
      await advance(931)
      const later = newRef(ref.number)
      await startFlow(store, later)
      for (let failures = 0; failures < 5; failures++) {
        expect(await failOnce(store, later)).toMatchObject({ status: 'claimed' })
      }
      expect(await failOnce(store, later)).toMatchObject({ status: 'limited', retryAfter: 30 })
      await store.unlock(newId())
      await advance(31)
      const { attemptId } = await claim(store, later, {}, { ...rules, attempts: 1000 })
      expect(
        await store.settleCheck(later, attemptId, wrong, { ...rules, attempts: 1000 }),
      ).toEqual({
        status: 'settled',
        attempts: 6,
        failures: 11,
      })
    })

    // proves: ATT-3
    test('disable it at a hundred in a row, until it is unlocked', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      const quick = { ...rules, attempts: 1000, freeFailures: 1000, disableAt: 100 }
      for (let failures = 1; failures <= 100; failures++) {
        const { attemptId } = await claim(store, ref, {}, quick)
        expect(await store.settleCheck(ref, attemptId, wrong, quick)).toMatchObject({ failures })
      }
      expect(await claim(store, ref, {}, quick)).toMatchObject({
        status: 'limited',
        retryAfter: 3600,
        disabled: true,
      })
      await stored.advance(200 * 24 * 3600)
      const later = newRef(ref.number)
      await startFlow(store, later)
      expect(await claim(store, later, {}, quick)).toMatchObject({ disabled: true })
      await twice(stored, () => store.unlock(ref.number))
      expect(await claim(store, later, {}, quick)).toMatchObject({ status: 'claimed' })
    })

    test('are kept for a year', async () => {
      const { store, advance, dump } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await failOnce(store, ref)
      const kept = (await dump()).find(({ key }) => key.endsWith(':number'))
      if (kind !== 'memory') expect((kept?.ttl ?? 0) / 86_400_000).toBeCloseTo(365, 1)
      await advance(364 * 86_400)
      const next = newRef(ref.number)
      await startFlow(store, next)
      const { attemptId } = await claim(store, next)
      expect(await store.settleCheck(next, attemptId, wrong, rules)).toMatchObject({ failures: 2 })
      await advance(366 * 86_400)
      const last = newRef(ref.number)
      await startFlow(store, last)
      const final = await claim(store, last)
      expect(await store.settleCheck(last, final.attemptId, wrong, rules)).toMatchObject({
        failures: 1,
      })
    })

    // proves: ATT-6
    test('end with a success of that number, and of no other', async () => {
      const { store } = await setupStore(kind)
      const one = await startFlow(store)
      const other = await startFlow(store)
      for (const { ref } of [one, one, other]) await failOnce(store, ref)
      const proven = await claim(store, one.ref)
      expect(await store.settleCheck(one.ref, proven.attemptId, verified, rules)).toEqual({
        status: 'settled',
        attempts: 3,
        failures: 2,
      })
      const next = await claim(store, other.ref)
      expect(await store.settleCheck(other.ref, next.attemptId, wrong, rules)).toMatchObject({
        failures: 2,
      })
    })

    // proves: ATT-2, SEND-4
    test('stay when the code, the flow or the channel is new', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      await failOnce(store, ref)
      await advance(31)
      const resent = resendRequest()
      await store.reserveResend(ref, resent)
      await store.settleResend(ref, resent.reference, 'sent')
      await failOnce(store, ref)
      await store.end(ref, 'replaced')
      await advance(31)
      const next = newRef(ref.number)
      await startFlow(store, next, { via: 'voice' })
      const { attemptId } = await claim(store, next)
      expect(await store.settleCheck(next, attemptId, wrong, rules)).toMatchObject({ failures: 3 })
    })

    test('are given back with the wait they set when tyntec did not look', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      const patient = { ...rules, attempts: 1000 }
      for (let failures = 0; failures < 4; failures++) await failOnce(store, ref)
      const { attemptId } = await claim(store, ref, {}, patient)
      const unprocessed: CheckResult = { result: 'unprocessed', late: false }
      expect(await store.settleCheck(ref, attemptId, unprocessed, patient)).toEqual({
        status: 'settled',
        attempts: 4,
        failures: 4,
      })
      expect(await store.settleCheck(ref, attemptId, unprocessed, patient)).toEqual({
        status: 'stale',
      })
      expect(await failOnce(store, ref)).toMatchObject({ status: 'claimed' })
      expect(await failOnce(store, ref)).toMatchObject({ status: 'limited', retryAfter: 30 })
    })

    test('are given back ten times per flow at the most', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const attempts: number[] = []
      for (let tries = 0; tries < 13; tries++) {
        const { attemptId, status } = await claim(store, ref)
        expect(status).toBe('claimed')
        const unprocessed: CheckResult = { result: 'unprocessed', late: false }
        const settled = await store.settleCheck(ref, attemptId, unprocessed, rules)
        if (settled.status === 'settled') attempts.push(settled.attempts)
      }
      expect(attempts).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
      expect(await claim(store, ref)).toMatchObject({ status: 'attempts' })
    })

    test('are given back when time, not a guess, ended the code', async () => {
      const { store } = await setupStore(kind)
      const one = await startFlow(store)
      const { attemptId } = await claim(store, one.ref)
      expect(
        await store.settleCheck(
          one.ref,
          attemptId,
          { result: 'over', end: 'expired', failed: false },
          rules,
        ),
      ).toMatchObject({ failures: 0 })
      const two = await startFlow(store)
      const second = await claim(store, two.ref)
      expect(
        await store.settleCheck(
          two.ref,
          second.attemptId,
          { result: 'over', end: 'attempts', failed: true },
          rules,
        ),
      ).toMatchObject({ failures: 1 })
    })
  })

  describe('an end', () => {
    test('gives the record to one of many', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const records = await Promise.all(
        Array.from({ length: 20 }, () => store.end(ref, 'cancelled')),
      )
      expect(records.filter((each) => each !== undefined)).toEqual([record()])
      expect(await store.read(ref, 3)).toBeUndefined()
    })

    test('ends a running check, whatever tyntec says then', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.end(ref, 'cancelled')
      expect(await store.settleCheck(ref, attemptId, verified, rules)).toEqual({ status: 'stale' })
      expect(await claim(store, ref)).toMatchObject({ status: 'none' })
    })

    test('ends a proven flow whose session is not open', async () => {
      const { store } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const { attemptId } = await claim(store, ref)
      await store.settleCheck(ref, attemptId, verified, rules)
      expect(await store.end(ref, 'cancelled')).toMatchObject({ state: 'verified', attempts: 1 })
      expect(await store.complete(ref, attemptId)).toBe(false)
    })

    test('ends a running send', async () => {
      const { store } = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      await store.end(ref, 'cancelled')
      expect(await store.settleSend(ref, request.reference, sent)).toBe(false)
    })
  })

  describe('a delivery', () => {
    test('is asked for by one reader at a time, until it is known', async () => {
      const { store, advance } = await setupStore(kind)
      const { ref } = await startFlow(store)
      const due = async () =>
        (await Promise.all(Array.from({ length: 10 }, () => store.read(ref, 3)))).filter(
          (each) => each?.deliveryDue,
        ).length
      expect(await due()).toBe(1)
      await advance(3.1)
      expect(await due()).toBe(1)
      await store.setDelivery(ref, 'sent')
      await advance(3.1)
      expect(await due()).toBe(1)
      await store.setDelivery(ref, 'delivered')
      await advance(3.1)
      expect(await due()).toBe(0)
      expect(await store.read(ref, 3)).toMatchObject({ delivery: 'delivered' })
    })

    test('is asked for only of a message that is out', async () => {
      const { store, advance } = await setupStore(kind)
      const ref = newRef()
      const request = sendRequest()
      await store.reserveSend(ref, request)
      expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: false, lookupDue: false })
      await store.settleSend(ref, request.reference, { result: 'unconfirmed' })
      await advance(3.1)
      expect(await store.read(ref, 3)).toMatchObject({ deliveryDue: false, lookupDue: true })
    })

    test('is not kept for what is over', async () => {
      const stored = await setupStore(kind)
      const { store } = stored
      const { ref } = await startFlow(store)
      await store.end(ref, 'cancelled')
      await store.setDelivery(ref, 'delivered')
      await store.setDelivery(newRef(), 'delivered')
      expect((await store.read(ref, 3))?.delivery ?? 'unknown').toBe('unknown')
    })
  })

  describe('a note', () => {
    test('is kept for as long as it says, and gives way to the next', async () => {
      const { inner: store, advance } = await setupStore(kind)
      expect(await store.note('test')).toBeUndefined()
      await store.keepNote('test', 'first', 60)
      await store.keepNote('another', 'of another name', 60)
      await store.keepNote('test', 'second', 90)
      await advance(80)
      expect(await store.note('test')).toBe('second')
      expect(await store.note('another')).toBeUndefined()
      await advance(20)
      expect(await store.note('test')).toBeUndefined()
    })
  })
})

/** Goes through every method, and leaves a key of each kind. */
async function walk(store: StoreSteps): Promise<void> {
  const soon = { waits: [0, 0, 0] }
  const renewing = await startFlow(store)
  const renew = resendRequest({ ...soon, renewBelow: 600 })
  expect(await store.reserveResend(renewing.ref, renew)).toMatchObject({ status: 'renew' })
  await store.settleSend(renewing.ref, renew.reference, { result: 'unconfirmed' })
  const again = sendRequest({ current: renewing.ref })
  expect(await store.reserveSend(newRef(renewing.ref.number), again)).toMatchObject({
    status: 'lookup',
  })
  const failing = await startFlow(store)
  await failOnce(store, failing.ref)
  await store.setDelivery(failing.ref, 'delivered')
  const { attemptId } = await claim(store, failing.ref)
  await store.settleCheck(failing.ref, attemptId, { result: 'unresolved' }, rules)
  const proven = await startFlow(store)
  const check = await claim(store, proven.ref)
  await store.settleCheck(proven.ref, check.attemptId, verified, rules)
  await store.release(proven.ref, check.attemptId)
  const completed = await startFlow(store)
  const last = await claim(store, completed.ref)
  await store.settleCheck(completed.ref, last.attemptId, verified, rules)
  expect(await store.complete(completed.ref, last.attemptId)).toBe(true)
  const resent = await startFlow(store)
  for (const result of ['sent', 'failed', 'renew'] as const) {
    const resend = resendRequest(soon)
    expect(await store.reserveResend(resent.ref, resend)).toMatchObject({ status: 'reserved' })
    expect(await store.settleResend(resent.ref, resend.reference, result)).toBe(true)
  }
  const dead = await startFlow(store)
  expect(await store.end(dead.ref, 'cancelled')).toMatchObject({ state: 'pending' })
  const sending = newRef()
  await store.reserveSend(sending, sendRequest())
  await store.unlock(newId())
  expect(await store.read(sending, 3)).toMatchObject({ state: 'sending' })
}

describe('what is kept in Redis', () => {
  // proves: SES-15, CODE-4, RED-3
  test('ends by itself, flows ten minutes after their code', async () => {
    const { store, dump } = await setupStore('ioredis 6')
    await walk(store)
    const kinds = new Map<string, number>()
    for (const { key, ttl } of await dump()) {
      expect(ttl).toBeGreaterThan(0)
      const kind = /:(flow|number)\b/.exec(key)?.[1] ?? 'other'
      kinds.set(kind, Math.max(kinds.get(kind) ?? 0, ttl))
    }
    expect([...kinds.keys()].sort()).toEqual(['flow', 'number'])
    // Its code ends within ten minutes; for ten more it can begin again without the number being typed.
    expect(kinds.get('flow')).toBeLessThanOrEqual(1_200_000)
  })

  // proves: RED-2
  test('lies in one slot for each number', async () => {
    // A node that refuses a script whose keys lie in different ones.
    const server = await startRedis({ cluster: true })
    const { redis, prefix } = await createRedis({ url: server.url })
    await walk(createSteps(createRedisStore(redis, { prefix })))
    for (const key of await redis.keys(`${prefix}*`)) {
      expect(key.slice(prefix.length)).toMatch(/^\{[\w-]+\}/)
    }
  })

  // proves: RED-11
  test('is named by the prefix alone', async () => {
    const { redis, prefix } = await createRedis()
    const one = createSteps(createRedisStore(redis, { prefix: `${prefix}one:` }))
    const other = createSteps(createRedisStore(redis, { prefix: `${prefix}other:` }))
    const { ref } = await startFlow(one)
    expect(await other.read(ref, 3)).toBeUndefined()
    expect(await other.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
      status: 'reserved',
    })
  })

  test('takes less than 1 kB for a flow that is under way', async () => {
    const { redis, prefix } = await createRedis()
    const store = createSteps(createRedisStore(redis, { prefix }))
    const { ref } = await startFlow(store)
    await failOnce(store, ref)
    const keys = await redis.keys(`${prefix}*`)
    const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)))
    expect(keys).toHaveLength(2)
    expect(sizes.reduce((sum: number, size) => sum + Number(size), 0)).toBeLessThan(1000)
  })

  // proves: RED-10
  test.each(['wrong type', 'garbage'])(
    'may be of %s: then a flow is over, and a number refuses until it is unlocked',
    async (what) => {
      const { redis, prefix } = await createRedis()
      const store = createSteps(createRedisStore(redis, { prefix }))
      const spoil = async (key: string) => {
        if (what === 'wrong type') {
          await redis.del(key)
          await redis.rpush(key, 'x')
        } else {
          await redis.set(key, '\u0000{}x')
        }
        await redis.expire(key, 60)
      }
      for (const part of ['flow', 'number']) {
        const { ref } = await startFlow(store)
        await failOnce(store, ref)
        const key = `${prefix}{${ref.number}}:${part}`
        const name = part === 'flow' ? `${key}:${ref.flow}` : key
        const statuses: string[] = []
        const ofNumber: (() => Promise<unknown>)[] = [
          () => store.claimCheck(ref, checkRequest(), rules),
          () => store.settleCheck(ref, newId(), wrong, rules),
          () => store.settleCheck(ref, newId(), verified, rules),
          () => store.reserveSend(newRef(ref.number), sendRequest({ current: ref })),
          () => store.reserveSend(ref, sendRequest()),
          () => store.settleSend(ref, newId(), sent),
          () => store.settleSend(ref, newId(), { result: 'failed' }),
          () => store.reserveResend(ref, resendRequest({ waits: [0] })),
          () => store.settleResend(ref, newId(), 'failed'),
        ]
        const others: (() => Promise<unknown>)[] = [
          () => store.complete(ref, newId()),
          () => store.release(ref, newId()),
          () => store.read(ref, 0),
          () => store.setDelivery(ref, 'sent'),
          () => store.end(ref, 'cancelled'),
          () => store.unlock(ref.number),
        ]
        for (const step of [...ofNumber, ...others]) {
          await spoil(name)
          await step().then(
            () => statuses.push('fine'),
            (error: unknown) => statuses.push(String(error)),
          )
        }
        const refused = part === 'number' ? 'OtpError: Redis answered WRONGTYPE' : 'fine'
        expect(statuses).toEqual([...ofNumber.map(() => refused), ...others.map(() => 'fine')])
        expect(await redis.exists(name)).toBe(part === 'number' ? 0 : 1)
      }
    },
  )

  // proves: RED-8
  test('is found again when Redis has forgotten the scripts', async () => {
    const server = await startRedis()
    const { redis, prefix } = await createRedis({ url: server.url })
    const store = createSteps(createRedisStore(redis, { prefix }))
    const { ref } = await startFlow(store)
    await redis.script('FLUSH')
    expect(await claim(store, ref)).toMatchObject({ status: 'claimed' })
    await redis.script('FLUSH')
    expect(await store.read(ref)).toMatchObject({ state: 'pending', attempts: 1 })
  })
})

describe('a step of which Redis tells only when nobody waits any more is undone:', () => {
  /** Beside the store whose answers come too late is one that shows what was left. */
  async function setup() {
    const { redis, prefix, url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const { redis: behindProxy } = await createRedis({ url: proxy.url })
    for (const text of Object.values(scripts)) await redis.script('LOAD', text)
    return {
      store: createSteps(createRedisStore(redis, { prefix })),
      slow: createSteps(createRedisStore(behindProxy, { prefix, timeout: 0.05 })),
      advance: (seconds: number) => advanceRedis(redis, prefix, seconds),
      dump: () => dumpRedis(redis, prefix),
      async late(step: Promise<unknown>) {
        await expect(step).rejects.toMatchObject({ code: 'ERR_OTP_STORE_UNAVAILABLE' })
        // Its answer comes after that of the step, which Redis has done by then.
        const pong = behindProxy.ping()
        proxy.resume()
        await pong
        // What undoes the step was sent when its answer came.
        await behindProxy.ping()
      },
      hold: () => proxy.holdReplies(([name = '']) => name.startsWith('EVAL')),
    }
  }

  const eventually = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 5000 })

  test('a send', async () => {
    const { store, slow, hold, late } = await setup()
    const ref = newRef()
    hold()
    await late(slow.reserveSend(ref, sendRequest()))
    await eventually(async () =>
      expect(await store.reserveSend(newRef(ref.number), sendRequest())).toMatchObject({
        status: 'reserved',
      }),
    )
  })

  test.each([
    ['reserved', 40],
    ['renew', 250],
  ])('a resend (%s)', async (status, seconds) => {
    const { store, slow, advance, hold, late } = await setup()
    const { ref } = await startFlow(store)
    await advance(seconds)
    hold()
    await late(slow.reserveResend(ref, resendRequest()))
    await eventually(async () =>
      expect(await store.reserveResend(ref, resendRequest())).toMatchObject({
        status,
        record: { resends: 1 },
      }),
    )
  })

  test.each(['a check', 'a page', 'a send'])('looking a send up, by %s', async (who) => {
    const { store, slow, advance, hold, late } = await setup()
    const ref = newRef()
    const { reference } = sendRequest()
    await store.reserveSend(ref, sendRequest({ reference }))
    await store.settleSend(ref, reference, { result: 'unconfirmed' })
    hold()
    const steps: Record<string, () => Promise<unknown>> = {
      'a page': () => slow.read(ref, 3),
      'a check': () => slow.claimCheck(ref, checkRequest(), rules),
      'a send': () => slow.reserveSend(newRef(ref.number), sendRequest({ current: ref })),
    }
    await late(steps[who]?.() ?? Promise.resolve())
    // Nobody waits for a look-up that is not made.
    await eventually(async () =>
      expect(await claim(store, ref)).toMatchObject({ status: 'unsettled' }),
    )
    await advance(3.1)
    expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
  })

  test('a check', async () => {
    const { store, slow, hold, late } = await setup()
    const { ref } = await startFlow(store)
    hold()
    await late(slow.claimCheck(ref, checkRequest(), rules))
    await eventually(async () =>
      expect(await claim(store, ref, { codeHash: 'hash-of-b' })).toMatchObject({
        status: 'claimed',
        record: { attempts: 1 },
        earlier: 'none',
      }),
    )
    expect(await store.failures(ref.number)).toMatchObject({ total: 1 })
  })

  test('a check after one that may still land, which is not forgotten', async () => {
    const { store, slow, hold, late } = await setup()
    const { ref } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    await store.settleCheck(ref, attemptId, { result: 'unprocessed', late: true }, rules)
    hold()
    await late(slow.claimCheck(ref, checkRequest({ codeHash: 'hash-of-b' }), rules))
    await eventually(async () =>
      expect(await claim(store, ref, { codeHash: 'hash-of-c' })).toMatchObject({
        status: 'claimed',
        earlier: 'other',
      }),
    )
  })

  test('taking over a check without an answer', async () => {
    const { store, slow, hold, late } = await setup()
    const { ref } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    await store.settleCheck(ref, attemptId, { result: 'unresolved' }, rules)
    hold()
    await late(slow.claimCheck(ref, checkRequest(), rules))
    await eventually(async () =>
      expect(await claim(store, ref)).toMatchObject({ status: 'unresolved' }),
    )
  })

  // proves: FAIL-3
  test('the session of a code that was proven', async () => {
    const { store, slow, hold, late } = await setup()
    const { ref } = await startFlow(store)
    const { attemptId } = await claim(store, ref)
    const { reference } = (await store.read(ref)) ?? {}
    hold()
    await late(
      slow.settleCheck(ref, attemptId, { ...verified, ...(reference && { reference }) }, rules),
    )
    await eventually(async () =>
      expect(await claim(store, ref)).toMatchObject({ status: 'verified', by: attemptId }),
    )
  })

  test('not what somebody else is doing', async () => {
    const { store, slow, hold, late } = await setup()
    const ref = newRef()
    const request = sendRequest()
    await store.reserveSend(ref, request)
    hold()
    await late(slow.read(ref, 3))
    expect(await store.read(ref, 3)).toMatchObject({ state: 'sending', busy: true })
    await store.settleSend(ref, request.reference, { result: 'unconfirmed' })
    expect(await claim(store, ref)).toMatchObject({ status: 'lookup' })
    hold()
    await late(slow.read(ref, 3))
    expect(await store.read(ref, 3)).toMatchObject({ state: 'unconfirmed', busy: true })
  })
})

describe('the memory store', () => {
  test('forgets what has ended', async () => {
    const { store, advance } = await setupStore('memory')
    const { ref } = await startFlow(store)
    await advance(901)
    expect(await store.read(ref, 3)).toBeUndefined()
  })
})

/** Steps as numbers: which flow, which of the references made so far, which code. */
type Step =
  | { do: 'send'; flow: number; current: number; via: 'sms' | 'voice'; lookedUp: boolean }
  | { do: 'settle send'; flow: number; result: SendResult }
  | { do: 'resend'; flow: number; via: 'sms' | 'voice'; lookedUp: boolean; again: boolean }
  | { do: 'settle resend'; flow: number; result: ResendResult }
  | { do: 'claim'; flow: number; code: number; again: boolean; joining: boolean; patient: boolean }
  | { do: 'settle check'; flow: number; result: CheckResult; patient: boolean }
  | { do: 'complete' | 'release' | 'read' | 'delivery' | 'end' | 'unlock'; flow: number }
  | { do: 'advance'; seconds: number }

const flow = fc.integer({ min: 0, max: 3 })
const via = fc.constantFrom('sms' as const, 'voice' as const)
const often = fc.boolean()
const codes = ['hash-of-a', 'hash-of-b']

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      flow,
      current: flow,
      via,
      lookedUp: often,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle send' as const),
      flow,
      result: fc.constantFrom<SendResult>(
        sent,
        sent,
        { ...sent, lifetime: 40 },
        { result: 'unconfirmed' },
        { result: 'failed' },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resend' as const),
      flow,
      via,
      lookedUp: often,
      again: often,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('settle resend' as const),
      flow,
      result: fc.constantFrom<ResendResult>('sent', 'failed', 'renew'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      flow,
      code: fc.integer({ min: 0, max: 1 }),
      again: often,
      joining: often,
      patient: often,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle check' as const),
      flow,
      patient: often,
      result: fc.constantFrom<CheckResult>(
        verified,
        { result: 'wrong', counted: undefined },
        { result: 'wrong', counted: 2 },
        { result: 'over', end: 'expired', failed: false },
        { result: 'over', end: 'attempts', failed: true },
        { result: 'unprocessed', late: false },
        { result: 'unprocessed', late: true },
        { result: 'unasked', late: true },
        { result: 'unresolved' },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'complete' as const,
        'release' as const,
        'read' as const,
        'delivery' as const,
        'end' as const,
        'unlock' as const,
      ),
      flow,
    }),
  },
  {
    weight: 3,
    // Never a whole number of seconds: at the very end of a time, the two clocks may differ.
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      seconds: fc.constantFrom(1.3, 11.3, 31.3, 61.3, 130.3, 250.3, 1000.3),
    }),
  },
)

test('memory and Redis take the same steps alike', { timeout: 120_000 }, async () => {
  const memory = await setupStore('memory')
  const redis = await setupStore('ioredis 6')
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), async (path) => {
      const numbers = [newId(), newId()]
      // Two flows for each of two numbers.
      const refs = [0, 0, 1, 1].map((which) => newRef(numbers[which]))
      const made = {
        sends: refs.map(() => newId()),
        resends: refs.map(() => newId()),
        attempts: refs.map(() => newId()),
      }
      for (const step of path) {
        if (step.do === 'send') made.sends[step.flow] = newId()
        if (step.do === 'resend' && !step.again) made.resends[step.flow] = newId()
        if (step.do === 'claim' && !step.again) made.attempts[step.flow] = newId()
        const [one, other] = await Promise.all([
          take(memory, step, refs, made),
          take(redis, step, refs, made),
        ])
        expect({ ...step, answer: comparable(other, one) }).toEqual({
          ...step,
          answer: roughly(one),
        })
      }
    }),
    { numRuns: 250 },
  )
})

async function take(
  { store, advance }: TestStore,
  step: Step,
  refs: FlowRef[],
  made: { sends: string[]; resends: string[]; attempts: string[] },
): Promise<unknown> {
  if (step.do === 'advance') return advance(step.seconds)
  const at = <T>(list: T[]) => list[step.flow] as T // the flow is one of the four
  const ref = at(refs)
  const patient = { ...rules, attempts: 1000 }
  switch (step.do) {
    case 'send': {
      const current = refs[step.current]
      return store.reserveSend(
        ref,
        sendRequest({
          reference: at(made.sends),
          via: step.via,
          lookedUp: step.lookedUp,
          current: current?.number === ref.number ? current : undefined,
        }),
      )
    }
    case 'settle send': {
      const reference = (await store.read(ref, 1e6))?.reference
      return store.settleSend(ref, reference || at(made.sends), step.result)
    }
    case 'resend':
      return store.reserveResend(
        ref,
        resendRequest({ reference: at(made.resends), via: step.via, lookedUp: step.lookedUp }),
      )
    case 'settle resend':
      return store.settleResend(ref, at(made.resends), step.result)
    case 'claim': {
      const { code, joining } = step
      const request = { attempt: at(made.attempts), codeHash: codes[code] ?? '', joining }
      return store.claimCheck(ref, checkRequest(request), step.patient ? patient : rules)
    }
    case 'settle check':
      return store.settleCheck(ref, at(made.attempts), step.result, step.patient ? patient : rules)
    case 'complete':
      return store.complete(ref, at(made.attempts))
    case 'release':
      return store.release(ref, at(made.attempts))
    case 'read':
      return store.read(ref, 3)
    case 'delivery':
      return store.setDelivery(ref, 'sent')
    case 'end':
      return store.end(ref, 'cancelled')
    case 'unlock':
      return store.unlock(ref.number)
  }
}

/** Redis may give more than its status goes with. */
function comparable(answer: unknown, like: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  if (typeof like !== 'object' || like === null) return answer
  const wanted = new Map<string, unknown>(Object.entries(like))
  return Object.fromEntries(
    Object.entries(answer).flatMap(([name, value]: [string, unknown]) => {
      if (!wanted.has(name)) return []
      return [[name, comparable(value, wanted.get(name))]]
    }),
  )
}

/** Times may differ by what passes between two commands, and by the whole second it rounds to. */
function roughly(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'number' && ['expiresIn', 'sentAgo', 'retryAfter'].includes(name)
        ? expect.closeTo(value, -0.35)
        : roughly(value),
    ]),
  )
}
