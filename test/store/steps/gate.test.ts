import { describe, expect, test } from 'vitest'
import type { Parts } from '../../../src/store/steps/admission.js'
import { admit, longestWait, refuseFlood } from '../../../src/store/steps/gate.js'
import { inSeconds, now, partsOf, type Records, take, used } from './boxes.js'

const admitted = (records: Records, parts: Parts = partsOf(), passed = false) =>
  take((boxes, at: Parts, time) => admit(boxes, at, passed, time), records, parts)

test('a message is counted for all that it costs', () => {
  const { reply, after } = admitted({})
  const one = { used: 1, wait: 600_000 }
  expect(reply).toEqual({
    status: 'admitted',
    odd: undefined,
    counts: {
      own: { sends: one },
      site: { sends: one },
      app: { hour: one },
      country: { country: one },
      number: { sends: one, calls: one },
    },
  })
  const meter = { sent: 1, verified: 0, at: now }
  expect(after).toEqual({
    own: {
      uses: { sends: used(1) },
      meter,
      countries: { of: { US: 1 }, ends: inSeconds(86_400) },
    },
    site: { uses: { sends: used(1) } },
    app: { uses: { hour: used(1) } },
    country: { uses: { country: used(1) }, meter },
    range: { uses: {}, meter },
    number: { uses: { sends: used(1), calls: used(1) } },
  })
})

describe('a message that a limit refuses has counted nothing', () => {
  test.each<[string, Records, string]>([
    ['its address', { own: { uses: { sends: used(2) } } }, 'own'],
    ['its network', { site: { uses: { sends: used(2) } } }, 'site'],
  ])('of %s', (_name, records, by) => {
    const { reply, after } = admitted(records)
    expect(reply).toEqual({ status: 'limited', by, limit: 'sends', used: 3, wait: 600_000 })
    expect(after).toEqual(records)
  })

  test.each<[string, Records, string, string]>([
    ['the app', { app: { uses: { hour: used(2) } } }, 'shared', 'hour'],
    ['its country', { country: { uses: { country: used(2) } } }, 'shared', 'country'],
    ['its number', { number: { uses: { sends: used(2) } } }, 'number', 'sends'],
    ['calls to its number', { number: { uses: { calls: used(2) } } }, 'number', 'calls'],
  ])('of %s, but that its address has asked in vain', (_name, records, by, limit) => {
    const { reply, after } = admitted(records)
    expect(reply).toMatchObject({ status: 'limited', by, limit, used: 3 })
    expect(after).toEqual({ ...records, own: { uses: { waits: used(1) } } })
  })
})

describe('what is odd about a message', () => {
  const country = { uses: {}, meter: { sent: 20, verified: 0, at: now } }

  test('refuses it where that is enforced, and nothing is counted but the wait', () => {
    const { reply, after } = admitted({ country })
    expect(reply).toEqual({
      status: 'odd',
      odd: [{ by: 'country', unverified: 21, verified: 0, enforced: true }],
    })
    expect(after).toEqual({ country, own: { uses: { waits: used(1) } } })
  })

  test('is only told where it is not, or where the app has let it through', () => {
    const { shared } = partsOf()
    if (shared === undefined) throw new Error('no shared part')
    const shadow = { ...shared, country: { ...shared.country, enforced: false } }
    const told = admitted({ country }, partsOf({ shared: shadow }))
    expect(told.reply).toMatchObject({
      status: 'admitted',
      odd: [{ by: 'country', enforced: false }],
    })
    expect(admitted({ country }, partsOf(), true).reply).toMatchObject({
      status: 'admitted',
      odd: [{ by: 'country', enforced: true }],
    })
  })

  test('makes room with each sign-in', () => {
    const honest = { uses: {}, meter: { sent: 30, verified: 8, at: now } }
    expect(admitted({ country: honest }).reply.status).toBe('admitted')
    const less = { uses: {}, meter: { sent: 30, verified: 7, at: now } }
    expect(admitted({ country: less }).reply.status).toBe('odd')
  })

  test('is a third country of one address, and none that it has sent to', () => {
    const own = { uses: {}, countries: { of: { DE: 1, FR: 2 }, ends: inSeconds(60) } }
    expect(admitted({ own }).reply).toMatchObject({
      status: 'odd',
      odd: [{ by: 'countries', unverified: 3, wait: 60_000 }],
    })
    const again = { uses: {}, countries: { of: { DE: 1, US: 2 }, ends: inSeconds(60) } }
    expect(admitted({ own: again }).reply.status).toBe('admitted')
  })
})

test('a decoy counts nothing of its country but its budget', () => {
  const { shared } = partsOf()
  if (shared === undefined) throw new Error('no shared part')
  const { after } = admitted({}, partsOf({ shared: { ...shared, decoy: true } }))
  expect(after.country?.meter).toBeUndefined()
  expect(after.range?.meter).toMatchObject({ sent: 1 })
})

test('a known browser has messages of its own once strangers have used up the number', () => {
  const own = [{ name: 'known', points: 1, duration: 600 }]
  const parts = partsOf({
    number: { limits: [{ ...own[0], name: 'sends', points: 2, duration: 600 }], always: [], own },
  })
  const full = { number: { uses: { sends: used(2) } } }
  const first = admitted(full, parts)
  expect(first.reply.status).toBe('admitted')
  expect(first.after.number?.uses).toEqual({ sends: used(2), known: used(1) })
  const second = admitted(first.after, parts)
  expect(second.reply).toMatchObject({ status: 'limited', by: 'number' })
  expect(second.after.number).toEqual(first.after.number)
})

describe('an address that asks again and again inside a wait', () => {
  const flood = (records: Records) =>
    take((boxes, parts: Parts, time) => refuseFlood(boxes, parts, 30, time), records, partsOf())

  test('is refused before anything else is looked at', () => {
    const records = { own: { uses: { waits: used(3, 100) } } }
    const { reply, after } = flood(records)
    expect(reply).toEqual({ status: 'limited', by: 'own', limit: 'waits', used: 4, wait: 100_000 })
    expect(after).toEqual(records)
  })

  test('has as many as it is allowed', () => {
    expect(flood({ own: { uses: { waits: used(2) } } }).reply).toBeUndefined()
  })
})

test('a wait is told as long as the limit after it refuses, and never as shorter', () => {
  const wait = (records: Records) =>
    take((boxes, parts: Parts, time) => longestWait(boxes, parts, 30, time), records, partsOf())
      .reply
  expect(wait({})).toBe(30)
  expect(wait({ number: { uses: { sends: used(2, 500.1) } } })).toBe(501)
  expect(wait({ own: { uses: { sends: used(2, 10) } } })).toBe(30)
  // Of the app's budget nobody is told.
  expect(wait({ app: { uses: { hour: used(2) } } })).toBe(30)
})
