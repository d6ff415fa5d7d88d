import { describe, expect, test } from 'vitest'
import type { Try } from '../../../src/store/records.js'
import type { AddressFailures } from '../../../src/store/steps/address-failures.js'
import {
  type CheckResult,
  recount,
  settleCheck,
  type SettleCheckArgs,
} from '../../../src/store/steps/settle-check.js'
import {
  inSeconds,
  limit,
  now,
  pendingFlow,
  type Records,
  rules,
  take,
  triedFlow,
  used,
} from './boxes.js'

const address: AddressFailures = {
  failures: limit('failed', 20),
  number: 'number',
  numbers: { points: 10, duration: 600 },
}
const failures = { total: 1, recent: 1, wait: 0, last: now, by: 'attempt' }

/** While tyntec is asked: the flow, its number and the address are all charged with a failure. */
const asking = (tried: Partial<Try> = {}): Records => ({
  flow: triedFlow(tried),
  number: { uses: {}, failures },
  own: { uses: { failed: used(1) } },
})

const args = (result: CheckResult, given: Partial<SettleCheckArgs> = {}): SettleCheckArgs => ({
  attempt: 'attempt',
  flow: 'flow',
  rules,
  result,
  address,
  guesses: limit('guesses', 100),
  ...given,
})

const settle = (records: Records, result: CheckResult, given: Partial<SettleCheckArgs> = {}) =>
  take(settleCheck, records, args(result, given))

const verified = {
  result: 'verified',
  hash: 'hash',
  reference: 'reference',
  openingLease: 35,
  window: 60,
} as const
const wrong = { result: 'wrong', counted: 1, late: false } as const

describe('a wrong code', () => {
  test('keeps what its try was charged with, and the app and its address learn of it', () => {
    const { reply, after } = settle(asking(), wrong)
    expect(reply).toEqual({
      status: 'settled',
      attempts: 1,
      failures: 1,
      guesses: { used: 1, wait: 600_000 },
      taken: undefined,
    })
    expect(after.flow).toMatchObject({
      attempts: 1,
      counted: 1,
      tried: { state: 'wrong', lease: 0 },
    })
    expect(after.flow?.open).toBeUndefined()
    expect(after.number).toEqual({ uses: {}, failures })
    expect(after.own).toEqual({
      uses: { failed: used(1) },
      failed: { of: { number: 1 }, ends: inSeconds(600) },
    })
    expect(after.app).toEqual({ uses: { guesses: used(1) } })
  })

  test('that is told twice counts once', () => {
    const { after } = settle(asking(), wrong)
    const again = settle(after, wrong)
    expect(again.reply).toMatchObject({ status: 'settled', attempts: 1, guesses: undefined })
    expect(again.after).toEqual(after)
  })

  test('with the last attempt ends the flow, and stays told', () => {
    const records = asking()
    const last = { ...records, flow: { ...triedFlow(), attempts: rules.attempts } }
    const { reply, after } = settle(last, wrong)
    expect(reply).toMatchObject({ status: 'settled', attempts: 3 })
    expect(after.flow).toMatchObject({ state: 'dead', end: 'attempts', by: 'attempt' })
    expect([after.flow?.otp, after.flow?.tried]).toEqual([undefined, undefined])
    expect(settle(after, wrong).reply).toMatchObject({ status: 'settled', attempts: 3 })
  })

  test('of which nobody knows whether it was this one leaves the try open', () => {
    const { after } = settle(asking(), { ...wrong, late: true })
    expect(after.flow).toMatchObject({ open: true, tried: { state: 'late' } })
  })
})

describe('a try that tyntec did not look at', () => {
  test('is taken back from flow, number and address', () => {
    const { reply, after } = settle(asking(), { result: 'unasked', late: false })
    expect(reply).toMatchObject({ status: 'settled', attempts: 0, failures: 0 })
    expect(after.flow?.tried).toBeUndefined()
    expect(after.flow).toMatchObject({ attempts: 0 })
    expect([after.number, after.own]).toEqual([undefined, undefined])
  })

  test('after it was asked is taken back ten times, and then it counts', () => {
    const records = asking()
    const ninth = { ...records, flow: { ...triedFlow(), refunds: 9 } }
    const result = { result: 'unprocessed', late: false } as const
    expect(settle(ninth, result).after.flow).toMatchObject({ attempts: 0, refunds: 10 })
    const tenth = { ...records, flow: { ...triedFlow(), refunds: 10 } }
    const { after } = settle(tenth, result)
    expect(after.flow).toMatchObject({ attempts: 1, refunds: 10 })
    expect(after.number?.failures).toEqual(failures)
  })

  test('while an earlier one may still land can be claimed by nobody else as its own', () => {
    const { after } = settle(asking(), { result: 'unprocessed', late: true })
    expect(after.flow).toMatchObject({ open: true, tried: { id: '', state: 'late', lease: 0 } })
  })
})

test('a try without an end stays with its number, and goes back to its address once', () => {
  const { after } = settle(asking(), { result: 'unresolved' })
  expect(after.flow?.tried).toMatchObject({ state: 'unresolved', lease: 0, taken: true })
  expect(after.number?.failures).toEqual(failures)
  expect(after.own).toBeUndefined()
  const other = { own: { uses: { failed: used(5) } } }
  expect(settle({ ...after, ...other }, { result: 'unresolved' }).after.own).toEqual(other.own)
})

describe('an OTP that is over', () => {
  test('by a wrong code ends the flow, and counts', () => {
    const { after } = settle(asking(), { result: 'over', end: 'attempts', failed: true })
    expect(after.flow).toMatchObject({ state: 'dead', end: 'attempts' })
    expect(after.number?.failures).toEqual(failures)
    expect(after.app?.uses).toEqual({ guesses: used(1) })
  })

  test('by itself ends the flow, and is nobody’s failure', () => {
    const { after } = settle(asking(), { result: 'over', end: 'expired', failed: false })
    expect(after.flow).toMatchObject({ state: 'dead', end: 'expired' })
    expect([after.number, after.own, after.app]).toEqual([undefined, undefined, undefined])
  })
})

describe('a proof', () => {
  test('ends failures and waits of the number, and hands over the opening of the session', () => {
    const records = asking()
    const latest = { flow: 'flow', until: inSeconds(20) }
    const number = { uses: { sends: used(1) }, failures: { ...failures, total: 4 }, latest }
    const { reply, after } = settle({ ...records, number }, verified)
    expect(reply).toEqual({ status: 'settled', attempts: 1, failures: 3, taken: undefined })
    expect(after.number).toEqual({ uses: { sends: used(1) } })
    expect(after.own).toBeUndefined()
    expect(after.flow).toMatchObject({
      state: 'verified',
      by: 'attempt',
      kept: inSeconds(60),
      signIn: {
        hash: 'hash',
        opener: 'attempt',
        lease: inSeconds(35),
        until: inSeconds(60),
        failures: 3,
      },
    })
    expect([after.flow?.otp, after.flow?.code, after.flow?.tried]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('that is told twice says the same and writes nothing', () => {
    const { after } = settle(asking(), verified)
    const again = settle(after, verified)
    expect(again.reply).toMatchObject({ status: 'settled', attempts: 1, failures: 0 })
    expect(again.after).toEqual(after)
  })

  test('counts although another request has taken the try over', () => {
    const { reply, after } = settle(asking({ id: 'another' }), verified)
    expect(reply).toMatchObject({ status: 'settled', taken: true })
    expect(after.flow).toMatchObject({ state: 'verified', by: 'attempt' })
    // The other one's address was charged.
    expect(after.own).toEqual({ uses: { failed: used(1) } })
  })

  test('of a message that is not the flow’s any more opens nothing', () => {
    const records = asking()
    const { reply, after } = settle(records, { ...verified, reference: 'an older reference' })
    expect(reply).toEqual({ status: 'stale' })
    expect(after).toEqual(records)
  })

  test('shows that the messages before it were no pumping', () => {
    const meter = { sent: 3, verified: 0, at: now }
    const records = {
      ...asking(),
      own: {
        uses: {},
        meter,
        countries: { of: { US: 3, DE: 1 }, ends: inSeconds(60) },
        failed: { of: { number: 2, other: 1 }, ends: inSeconds(60) },
      },
      country: { uses: {}, meter },
      range: { uses: {}, meter },
    }
    const honest = { country: 'US', messages: 3, number: 'number' }
    const { after } = settle(records, verified, { honest })
    for (const record of [after.own, after.country, after.range]) {
      expect(record?.meter).toEqual({ sent: 3, verified: 3, at: now })
    }
    expect(after.own?.countries?.of).toEqual({ DE: 1 })
    expect(after.own?.failed?.of).toEqual({ other: 1 })
  })
})

describe.each<[string, CheckResult]>([
  ['a proof', verified],
  ['a wrong code', wrong],
  ['a try that goes back', { result: 'unasked', late: false }],
  ['an end', { result: 'over', end: 'expired', failed: false }],
  ['no end', { result: 'unresolved' }],
])('%s', (name, result) => {
  const gone: [string, Records][] = [
    ['a flow that is gone', {}],
    ['a flow whose time is over', { flow: { ...triedFlow(), kept: now } }],
    ['a flow that was cancelled', { flow: pendingFlow({ state: 'dead', end: 'cancelled' }) }],
  ]
  const taken: [string, Records][] = [
    ['a try that another request has', asking({ id: 'another' })],
    ['a try that is over', asking({ until: now })],
  ]
  test.each(name === 'a proof' ? gone : [...gone, ...taken])(
    'of %s counts nothing',
    (_of, records) => {
      const { reply, after } = settle(records, result)
      expect(reply).toEqual({ status: 'stale' })
      expect(after).toEqual(records)
    },
  )
})

test('on a Cluster the records of other slots are counted by a call of their own', () => {
  const own = { uses: { failed: used(1) } }
  const guessed = take(recount, { own }, args(wrong))
  expect(guessed.reply.guesses).toEqual({ used: 1, wait: 600_000 })
  expect(guessed.after.own?.failed?.of).toEqual({ number: 1 })
  expect(take(recount, { own }, args({ result: 'unasked', late: false })).after).toEqual({})
  const kept = take(recount, { own }, args(verified, { taken: true }))
  expect(kept.after).toEqual({ own })
})
