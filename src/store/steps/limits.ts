import type { Box, Members, Meter, Window, Windows } from '../records.js'

/** A limit as a step judges and counts it. */
export interface Limit {
  /** What its window is called in the record. */
  name: string
  points: number
  /** Seconds. */
  duration: number
  /** Points of one use. 1 when missing. */
  cost?: number
  /** Judged, and not counted: no message goes out. */
  idle?: true
}

/** What a limit has come to, this use included. */
export interface Count {
  used: number
  /** Milliseconds until its window ends. */
  wait: number
}

export interface Refusal extends Count {
  limit: string
}

/** The window that runs now. One that a clock has set too far ahead ends in its own time. */
function windowOf(uses: Windows, name: string, duration: number, now: number): Window {
  const window = uses[name]
  if (window === undefined || window.ends <= now) return { n: 0, ends: now + duration * 1000 }
  if (window.ends > now + duration * 1000) window.ends = now + duration * 1000
  return window
}

/** The limit that has no room for this use for the longest time. */
export function refusalOf(
  uses: Windows | undefined,
  limits: readonly Limit[],
  now: number,
): Refusal | undefined {
  let refused: Refusal | undefined
  for (const { name, points, duration, cost } of limits) {
    const { n, ends } = windowOf(uses ?? {}, name, duration, now)
    const used = n + (cost ?? 1)
    if (used > points) refused = longer(refused, { limit: name, used, wait: ends - now })
  }
  return refused
}

/** The refusal that lasts longer: nobody is told to come back for another one. */
export function longer<R extends Refusal>(one: R | undefined, other: R | undefined): R | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return other.wait > one.wait ? other : one
}

/** Counts one use of each limit, and says what each has come to. */
export function count(
  uses: Windows,
  limits: readonly Limit[],
  now: number,
  counts: Record<string, Count>,
): void {
  for (const { name, duration, cost, idle } of limits) {
    const { n, ends } = windowOf(uses, name, duration, now)
    if (idle === undefined) uses[name] = { n: n + (cost ?? 1), ends }
    counts[name] = { used: n + (cost ?? 1), wait: ends - now }
  }
}

/** Gives one use of each limit back. */
export function uncount(uses: Windows, limits: readonly Limit[], now: number): void {
  for (const { name, cost, idle } of limits) {
    const window = uses[name]
    if (window !== undefined && window.ends > now && idle === undefined) {
      window.n = window.n - (cost ?? 1)
      if (window.n <= 0) uses[name] = undefined
    }
  }
}

/** Drops the windows that are over, and says when the last one ends. */
export function prune(uses: Windows, now: number): number {
  let last = 0
  for (const name in uses) {
    const window = uses[name]
    if (window !== undefined) {
      if (window.ends <= now) uses[name] = undefined
      else if (window.ends > last) last = window.ends
    }
  }
  return last
}

/** Seconds after which a message or a sign-in weighs half in a meter. */
export const halfLives = { address: 43_200, country: 43_200, range: 3600 }

/** A meter at this moment: what was counted one half-life ago weighs half. */
export function faded(meter: Meter | undefined, halfLife: number, now: number): Meter {
  if (meter === undefined) return { sent: 0, verified: 0, at: now }
  const weight = 2 ** (-Math.max(now - meter.at, 0) / (halfLife * 1000))
  return { sent: meter.sent * weight, verified: meter.verified * weight, at: now }
}

/** Adds to a meter, and gives nothing when it is as good as empty. */
export function metered(
  meter: Meter | undefined,
  halfLife: number,
  now: number,
  sent: number,
  verified: number,
): Meter | undefined {
  const next = faded(meter, halfLife, now)
  next.sent = Math.max(next.sent + sent, 0)
  next.verified = Math.max(next.verified + verified, 0)
  return next.sent + next.verified < 0.001 ? undefined : next
}

/** Half-lives after which a meter says nothing that matters. */
export const meterKept = 4

/** The members of a window that runs now. */
export function membersOf(members: Members | undefined, duration: number, now: number): Members {
  if (members === undefined || members.ends <= now) return { of: {}, ends: now + duration * 1000 }
  if (members.ends > now + duration * 1000) members.ends = now + duration * 1000
  return members
}

export function sizeOf(members: Members): number {
  let size = 0
  for (const name in members.of) {
    if (members.of[name] !== undefined) size = size + 1
  }
  return size
}

/** One member more; the same one twice is one. */
export function enter(members: Members, name: string): Members {
  members.of[name] = (members.of[name] ?? 0) + 1
  return members
}

/** So many uses of a member less, and nothing at all when none is left. */
export function leave(
  members: Members | undefined,
  name: string,
  uses: number,
): Members | undefined {
  if (members === undefined) return undefined
  const left = (members.of[name] ?? 0) - uses
  members.of[name] = left > 0 ? left : undefined
  return sizeOf(members) === 0 ? undefined : members
}

/** Has a record written until its last part ends, or deleted when nothing of it is left. */
export function keepUntil<T>(box: Box<T>, value: T, ends: number, now: number): void {
  box.value = value
  box.keep = Math.max(ends - now, 0)
}
