import type { Box, Failures, NumberRecord, Try } from '../records.js'
import { numberOf } from './admission.js'
import { keepNumber } from './keep.js'
import { count, type Limit, refusalOf, uncount } from './limits.js'

/** Durations are in seconds. */
export interface FailureRules {
  /** Tries at one code. */
  attempts: number
  /** Failures of a number that cost no wait. */
  freeFailures: number
  /** How long after the last failure, or the end of its wait, the free failures come back. */
  failureWindow: number
  /** The first wait; each further failure doubles it. */
  failureWait: number
  failureMaxWait: number
  /** Failures in a row after which the number is refused until it is unlocked. */
  disableAt: number
}

export interface FailureLimited {
  status: 'limited'
  /** Seconds. */
  retryAfter: number
  /** Until it is unlocked. */
  disabled: boolean
}

/** The failures of a number. A wait that was written by a clock that was ahead begins now. */
export function failuresOf(number: NumberRecord, now: number): Failures | undefined {
  const { failures } = number
  if (failures !== undefined && failures.last > now) {
    failures.wait = Math.max((failures.wait ?? 0) - failures.last + now, 0)
    failures.last = now
  }
  return failures
}

/**
 * Counts one failure before the code is tried, so that no number of tries at once can outrun the count.
 * What is not a failure in the end is given back.
 *
 * @param browserLimit what a known browser has to itself: what strangers did to the number doesn't stop it
 */
export function charge(
  box: Box<NumberRecord>,
  rules: FailureRules,
  browserLimit: Limit | undefined,
  attempt: string,
  now: number,
): FailureLimited | { knownBrowser: boolean; waitBefore: number } {
  const number = numberOf(box)
  const failed: Failures = failuresOf(number, now) ?? { total: 0, last: now }
  if (failed.total >= rules.disableAt) {
    return { status: 'limited', retryAfter: rules.failureMaxWait, disabled: true }
  }
  const waitBefore = failed.wait ?? 0
  const own =
    browserLimit !== undefined && refusalOf(number.uses, [browserLimit], now) === undefined
  if (own && browserLimit !== undefined) {
    count(number.uses, [browserLimit], now, {})
  } else {
    if (waitBefore > now) {
      const retryAfter = Math.ceil((waitBefore - now) / 1000)
      return { status: 'limited', retryAfter, disabled: false }
    }
    const over = now > Math.max(failed.last, waitBefore) + rules.failureWindow * 1000
    failed.recent = (over ? 0 : (failed.recent ?? 0)) + 1
    failed.wait = waitAfter(failed.recent, rules, now)
    failed.last = now
    failed.by = attempt
  }
  failed.total = failed.total + 1
  number.failures = failed
  keepNumber(box, number, now)
  return { knownBrowser: own, waitBefore }
}

function waitAfter(recent: number, rules: FailureRules, now: number): number {
  if (recent < rules.freeFailures) return 0
  const doubled = rules.failureWait * 2 ** Math.min(recent - rules.freeFailures, 30)
  return now + 1000 * Math.min(rules.failureMaxWait, doubled)
}

/** tyntec did not look at the code after all. */
export function refund(
  box: Box<NumberRecord>,
  tried: Try,
  browserLimit: Limit | undefined,
  now: number,
): void {
  const number = numberOf(box)
  const failed = number.failures
  if (tried.knownBrowser === true && browserLimit !== undefined)
    uncount(number.uses, [browserLimit], now)
  if (failed !== undefined) {
    failed.total = failed.total - 1
    if (tried.knownBrowser !== true) {
      failed.recent = Math.max((failed.recent ?? 0) - 1, 0)
      if (failed.by === tried.by) failed.wait = tried.waitBefore
    }
    if (failed.total <= 0) number.failures = undefined
  }
  keepNumber(box, number, now)
}

export function totalOf(box: Box<NumberRecord> | undefined): number {
  return box?.value?.failures?.total ?? 0
}
