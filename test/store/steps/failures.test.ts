import { describe, expect, test } from 'vitest'
import type { NumberRecord, Try } from '../../../src/store/records.js'
import { charge, failuresOf, refund } from '../../../src/store/steps/failures.js'
import { inSeconds, limit, now, type Records, rules, take, triedFlow, used } from './boxes.js'

const known = limit('failed:browser', 2)

function charged(number: NumberRecord | undefined, time = now, browserLimit?: typeof known) {
  return take(
    (boxes, attempt: string, at) => charge(boxes.number ?? {}, rules, browserLimit, attempt, at),
    number ? { number } : {},
    'attempt',
    time,
  )
}

const failed = (failures: NumberRecord['failures'], uses: NumberRecord['uses'] = {}) => ({
  uses,
  failures,
})

describe('a try', () => {
  test('costs its number a failure before anybody has looked at the code', () => {
    const { reply, after } = charged(undefined)
    expect(reply).toEqual({ knownBrowser: false, waitBefore: 0 })
    expect(after.number?.failures).toEqual({
      total: 1,
      recent: 1,
      wait: 0,
      last: now,
      by: 'attempt',
    })
  })

  test.each([
    [1, 30],
    [2, 60],
    [3, 100],
    [8, 100],
  ])('after %i recent failures makes the number wait %i seconds', (recent, seconds) => {
    const { after } = charged(failed({ total: recent, recent, last: inSeconds(-1) }))
    expect(after.number?.failures?.wait).toBe(inSeconds(seconds))
  })

  test('inside the wait is refused, and has counted nothing', () => {
    const number = failed({ total: 4, recent: 4, last: inSeconds(-1), wait: inSeconds(20.2) })
    const { reply, after } = charged(number)
    expect(reply).toEqual({ status: 'limited', retryAfter: 21, disabled: false })
    expect(after).toEqual({ number })
  })

  test('of a number that has failed too often in a row is refused until it is unlocked', () => {
    const number = failed({ total: rules.disableAt, last: inSeconds(-86_400) })
    const { reply, after } = charged(number, now, known)
    expect(reply).toEqual({ status: 'limited', retryAfter: rules.failureMaxWait, disabled: true })
    expect(after).toEqual({ number })
  })

  test('is free again after a pause that begins when the wait has ended', () => {
    const number = failed({ total: 5, recent: 5, last: now, wait: inSeconds(100) })
    const late = inSeconds(100 + rules.failureWindow + 1)
    expect(charged(number, late).after.number?.failures).toMatchObject({
      total: 6,
      recent: 1,
      wait: 0,
    })
    const early = charged(number, inSeconds(100 + rules.failureWindow))
    expect(early.after.number?.failures).toMatchObject({ total: 6, recent: 6 })
  })
})

describe('a known browser', () => {
  const closed = failed({ total: 5, recent: 5, last: inSeconds(-1), wait: inSeconds(90) })

  test('has tries of its own while strangers have made the number wait', () => {
    const { reply, after } = charged(closed, now, known)
    expect(reply).toEqual({ knownBrowser: true, waitBefore: inSeconds(90) })
    expect(after.number).toMatchObject({
      uses: { 'failed:browser': used(1) },
      failures: { total: 6, recent: 5, wait: inSeconds(90) },
    })
  })

  test('waits with all others once they are used up', () => {
    const number = { ...closed, uses: { 'failed:browser': used(2) } }
    const { reply, after } = charged(number, now, known)
    expect(reply).toMatchObject({ status: 'limited', retryAfter: 90 })
    expect(after).toEqual({ number })
  })
})

describe('a try that was no failure', () => {
  const tried = (given: Partial<Try> = {}): Try => ({ ...(triedFlow().tried as Try), ...given })
  const back = (number: Records['number'], each: Try) =>
    take(
      (boxes, _args: undefined, at) => refund(boxes.number ?? {}, each, known, at),
      number ? { number } : {},
      undefined,
    ).after.number

  test('is as if it had not been: the first one leaves no failures', () => {
    const first = charged(undefined).after.number
    expect(back(first, tried())?.failures).toBeUndefined()
  })

  test('gives the wait back that it has caused', () => {
    const before = failed({ total: 3, recent: 3, last: inSeconds(-90), wait: inSeconds(-1) })
    const after = charged(before).after.number
    expect(after?.failures?.wait).toBe(inSeconds(100))
    const given = back(after, tried({ waitBefore: inSeconds(-1) }))
    expect(given?.failures).toMatchObject({ total: 3, recent: 3, wait: inSeconds(-1) })
  })

  test('gives no wait back that a later one has caused', () => {
    const later = failed({ total: 4, recent: 4, last: now, wait: inSeconds(100), by: 'another' })
    const given = back(later, tried({ waitBefore: 0 }))
    expect(given?.failures).toMatchObject({ total: 3, wait: inSeconds(100) })
  })

  test('of a known browser goes back to what it has to itself', () => {
    const number = failed({ total: 6, recent: 5, last: now }, { 'failed:browser': used(2) })
    const given = back(number, tried({ knownBrowser: true }))
    expect(given?.failures).toMatchObject({ total: 5, recent: 5 })
    expect(given?.uses['failed:browser']).toEqual(used(1))
  })
})

test('a wait that was written by a clock that was ahead begins now', () => {
  const number = failed({ total: 3, last: inSeconds(5000), wait: inSeconds(5030) })
  expect(failuresOf(number, now)).toEqual({ total: 3, last: now, wait: inSeconds(30) })
})
