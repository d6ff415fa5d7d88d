import { describe, expect, test } from 'vitest'
import {
  count,
  type Count,
  enter,
  faded,
  leave,
  membersOf,
  metered,
  prune,
  refusalOf,
  sizeOf,
  uncount,
} from '../../../src/store/steps/limits.js'
import { inSeconds, limit, now, used } from './boxes.js'

describe('a window', () => {
  test('begins with the first use, and is full with the last', () => {
    const uses = {}
    const counts: Record<string, Count> = {}
    const two = [limit('sends', 2)]
    count(uses, two, now, counts)
    expect(uses).toEqual({ sends: used(1) })
    count(uses, two, inSeconds(100), counts)
    expect(uses).toEqual({ sends: used(2) })
    expect(counts).toEqual({ sends: { used: 2, wait: 500_000 } })
    expect(refusalOf(uses, two, inSeconds(100))).toEqual({ limit: 'sends', used: 3, wait: 500_000 })
    expect(refusalOf(uses, two, inSeconds(600))).toBeUndefined()
  })

  test('ends in its own time, however far ahead a clock has set its end', () => {
    const uses = { sends: used(2, 100_000) }
    expect(refusalOf(uses, [limit('sends', 2)], now)).toMatchObject({ wait: 600_000 })
  })

  test('counts what a use costs, and nothing that is only judged', () => {
    const dear = { ...limit('money', 10), cost: 7 }
    const idle = { ...limit('hour', 1), idle: true as const }
    const uses = {}
    const counts: Record<string, Count> = {}
    count(uses, [dear, idle], now, counts)
    expect(uses).toEqual({ money: used(7) })
    expect(counts.hour).toEqual({ used: 1, wait: 600_000 })
    expect(refusalOf(uses, [dear], now)).toMatchObject({ limit: 'money', used: 14 })
  })

  test('gets a use back, and is gone with its last one', () => {
    const uses = { sends: used(2), old: used(5, -1) }
    const limits = [
      limit('sends', 2),
      limit('old', 9),
      { ...limit('sends', 1), idle: true as const },
    ]
    uncount(uses, limits, now)
    expect(uses).toEqual({ sends: used(1), old: used(5, -1) })
    uncount(uses, limits, now)
    expect(uses.sends).toBeUndefined()
  })

  test('that is over is dropped, and the last of the others says how long a record is kept', () => {
    const uses = { over: used(1, 0), sends: used(1, 60), day: used(1, 3600) }
    expect(prune(uses, now)).toBe(inSeconds(3600))
    expect(uses).toEqual({ over: undefined, sends: used(1, 60), day: used(1, 3600) })
  })
})

test('of several limits the one that refuses for the longest time is told', () => {
  const uses = { short: used(2, 30), long: used(2, 3000), free: used(1, 5000) }
  const limits = [limit('short', 2), limit('long', 2, 3600), limit('free', 2, 7200)]
  expect(refusalOf(uses, limits, now)?.limit).toBe('long')
})

test('what a meter has counted weighs half after its half-life, and nothing once it says nothing', () => {
  const meter = { sent: 8, verified: 4, at: now }
  expect(faded(meter, 3600, inSeconds(3600))).toMatchObject({ sent: 4, verified: 2 })
  // A clock that was set back makes nothing heavier.
  expect(faded(meter, 3600, inSeconds(-3600))).toMatchObject({ sent: 8, verified: 4 })
  expect(metered(undefined, 3600, now, -1, 0)).toBeUndefined()
  expect(metered({ sent: 1, verified: 0, at: now }, 3600, now, -5, 2)).toMatchObject({
    sent: 0,
    verified: 2,
  })
})

test('members are counted once each, and leave with their last use', () => {
  const members = membersOf(undefined, 600, now)
  enter(enter(enter(members, 'US'), 'US'), 'DE')
  expect([sizeOf(members), members.ends]).toEqual([2, inSeconds(600)])
  expect(leave(members, 'US', 1)).toMatchObject({ of: { US: 1, DE: 1 } })
  expect(sizeOf(leave(members, 'US', 5) ?? members)).toBe(1)
  expect(leave(members, 'DE', 1)).toBeUndefined()
  expect(membersOf(members, 600, inSeconds(600)).of).toEqual({})
  expect(membersOf({ of: { US: 1 }, ends: inSeconds(9000) }, 600, now).ends).toBe(inSeconds(600))
})
