import {
  type Check,
  group,
  list,
  optional,
  type Resolved,
  resolveGroup,
  type Table,
  whole,
} from './values.js'

/** So many in so many seconds. */
export interface LimitRule {
  /** How many are let through in a window; a whole number. */
  points: number
  /** Whole seconds, up to 31 days; for most limits on `memoryStore()` up to 24. */
  duration: number
}

/**
 * Each takes part alone: giving one leaves the others as they are. A request that meets one is told
 * `rate_limited`, with `retryAfter`; the operator hears of it by the event `limit.hit`.
 */
export interface LimitOptions {
  /**
   * Messages to one number, resends among them. All rules hold.
   *
   * @default [{ points: 5, duration: 600 }, { points: 10, duration: 86400 }]
   */
  sendsPerNumber?: readonly LimitRule[] | undefined
  /**
   * Calls to one number, which count as messages too. All rules hold, for known browsers as well. The
   * event calls it `sends_per_number`.
   *
   * @default [{ points: 1, duration: 600 }, { points: 2, duration: 86400 }]
   */
  callsPerNumber?: readonly LimitRule[] | undefined
  /**
   * Messages asked for from one address. IPv6 counts by /64. A known browser is counted by itself, so that
   * nobody next to it uses its messages up. Outside of production, requests of this machine are not held by it.
   *
   * @default { points: 10, duration: 3600 }
   */
  sendsPerAddress?: LimitRule | undefined
  /**
   * The same for all addresses of one IPv6 /48, which is what a subscriber or a small office may have.
   *
   * @default the duration of `sendsPerAddress`, with five times its points or a sixth of `budget.perHour`,
   * whichever is more
   */
  sendsPerSite?: LimitRule | undefined
  /**
   * Messages from one address to one number, resends among them, so that no single address uses up the
   * number's day. IPv6 counts by /48. All rules hold; a known browser then has those of `knownBrowser.sends`.
   *
   * @default [{ points: 4, duration: 600 }, { points: 6, duration: 86400 }]
   */
  messagesPerAddressAndNumber?: readonly LimitRule[] | undefined
  /**
   * Sends and resends of one address that lead to no message: they come before their wait is over, or a limit of
   * the number, a budget, the detector of pumping or the challenge has refused them. Above it, those that may go
   * out are refused too; a check never is.
   *
   * @default { points: 60, duration: 600 }
   */
  waitsPerAddress?: LimitRule | undefined
  /**
   * Failed checks from one address.
   *
   * @default { points: 20, duration: 3600 }
   */
  failuresPerAddress?: LimitRule | undefined
  /**
   * Different numbers with failed checks from one address.
   *
   * @default { points: 10, duration: 3600 }
   */
  failedNumbersPerAddress?: LimitRule | undefined
  /**
   * What a browser that has signed in with the number before has to itself, whatever strangers do to the number or
   * at its address.
   */
  knownBrowser?: KnownBrowserLimits | undefined
  /**
   * Failed checks of one number: `free` of them cost no wait until there was none for `window` seconds; then
   * each has to wait, `wait` seconds at first and twice as long each time up to `maxWait`. After
   * `disableAt` in a row the number is refused until `flow.unlock(number)`.
   *
   * @default { free: 5, window: 900, wait: 30, maxWait: 3600, disableAt: 100 }
   */
  failuresPerNumber?: Partial<FailureRule> | undefined
}

/** See `LimitOptions.knownBrowser`. */
export interface KnownBrowserLimits {
  /**
   * Failed checks. More of them count as those of any browser.
   *
   * @default { points: 10, duration: 3600 }
   */
  failures?: LimitRule | undefined
  /**
   * Messages, when strangers have used up those of the number. All such browsers of a number have twice as
   * many together. The event calls it `sends_per_number`.
   *
   * @default { points: 3, duration: 86400 }
   */
  sends?: LimitRule | undefined
}

/** See `LimitOptions.failuresPerNumber`. */
export interface FailureRule {
  /** 1 to 20. */
  free: number
  /** Seconds, 60 to 86,400. */
  window: number
  /** Seconds, 1 to 3,600. */
  wait: number
  /** Seconds, up to 86,400. */
  maxWait: number
  /** 1 to 100. */
  disableAt: number
}

const day = 86_400

/** Whole seconds: rate-limiter-flexible makes a key without an end of anything under one. */
export function rule(points: number, duration: number): Check<LimitRule> {
  return group({
    points: [whole(1, 1_000_000), points],
    duration: [whole(1, day * 31), duration],
  } satisfies Table<LimitRule>)
}

function rules(
  ofTenMinutes: number,
  ofDay: number,
): readonly [Check<readonly LimitRule[]>, unknown] {
  return [
    list(rule(ofTenMinutes, 600), [1, 5], 'an array of 1 to 5 rules'),
    [
      { points: ofTenMinutes, duration: 600 },
      { points: ofDay, duration: day },
    ],
  ]
}

const failureTable = {
  free: [whole(1, 20), 5],
  window: [whole(60, day), 900],
  wait: [whole(1, 3600), 30],
  maxWait: [whole(1, day), 3600],
  // More than 100 tries in a row is what NIST SP 800-63B-4, 3.2.2, forbids.
  disableAt: [whole(1, 100), 100],
} satisfies Table<FailureRule>

const failureRule: Check<FailureRule> = (name, value) => {
  const failures = resolveGroup(name, value, failureTable)
  whole(failures.wait, day)(`${name}.maxWait`, failures.maxWait)
  return failures
}

const table = {
  sendsPerNumber: rules(5, 10),
  callsPerNumber: rules(1, 2),
  sendsPerAddress: [rule(10, 3600), {}],
  sendsPerSite: [optional(rule(50, 3600))],
  messagesPerAddressAndNumber: rules(4, 6),
  waitsPerAddress: [rule(60, 600), {}],
  failuresPerAddress: [rule(20, 3600), {}],
  failedNumbersPerAddress: [rule(10, 3600), {}],
  knownBrowser: [
    group({
      failures: [rule(10, 3600), {}],
      sends: [rule(3, day), {}],
    } satisfies Table<KnownBrowserLimits>),
    {},
  ],
  failuresPerNumber: [failureRule, {}],
} satisfies Table<LimitOptions>

export type ResolvedLimits = Resolved<typeof table> & { sendsPerSite: LimitRule }

export function resolveLimits(given: unknown, perHour: number): ResolvedLimits {
  const limits = resolveGroup('limits', given, table)
  const { points, duration } = limits.sendsPerAddress
  const ofBudget = Math.ceil((perHour * duration) / 3600 / 6)
  const sendsPerSite = { points: Math.max(5 * points, ofBudget), duration }
  return { ...limits, sendsPerSite: limits.sendsPerSite ?? sendsPerSite }
}
