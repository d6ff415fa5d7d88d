import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** So many calls are remembered of each kind. */
const remembered = 300

/** Seconds for which a call counts, unless there were few since. */
const recently = 900

/** Of an app that few people sign in to, so many count however old they are. */
const atLeast = 30

/** How long the latest calls of one kind took. */
export interface Pace {
  /** Keeps how long a call took, in milliseconds. */
  add(time: number): void
  /** Calls that others have seen, and which count as old. Milliseconds, in any order. */
  adopt(times: readonly number[]): void
  /** Milliseconds in ascending order, and when the oldest of these calls ended. */
  latest(): { times: readonly number[]; since: number }
  /** Milliseconds of the calls since then, in ascending order. */
  from(since: number): readonly number[]
}

/**
 * A few times that stand for all of them, the fastest and the slowest included.
 *
 * @param times ascending
 */
export function sample(times: readonly number[]): number[] {
  if (times.length <= atLeast) return [...times]
  return Array.from({ length: atLeast }, (_, index) => quantile(times, index / (atLeast - 1)))
}

export function createPace(clock: () => number = () => performance.now()): Pace {
  let calls: { time: number; at: number }[] = []
  const from = (since: number) => {
    const kept = calls.slice(-remembered)
    const recent = kept.filter(({ at }) => at >= since)
    return recent.length < atLeast ? kept.slice(-atLeast) : recent
  }
  const timesOf = (some: typeof calls) =>
    some.map(({ time }) => time).toSorted((one, other) => one - other)
  return {
    add(time) {
      calls.push({ time, at: clock() })
      if (calls.length >= 2 * remembered) calls = calls.slice(-remembered)
    },
    adopt(times) {
      calls = [...shuffled(times).map((time) => ({ time, at: -Infinity })), ...calls]
    },
    latest() {
      const counted = from(clock() - recently * 1000)
      return { times: timesOf(counted), since: counted[0]?.at ?? 0 }
    },
    from: (since) => timesOf(from(since)),
  }
}

/**
 * How long a call of one kind would have taken, when one of another kind has just taken `time`: of
 * each kind the same share of calls is faster. So the answers have the distribution of the first
 * kind, and go along when tyntec is slower or faster than it was.
 *
 * @param times of the first kind, ascending
 * @param others of the other kind, ascending
 */
export function alike(
  time: number,
  others: readonly number[],
  times: readonly number[],
  random: () => number,
): number {
  const faster = others.filter((other) => other < time).length
  const equal = others.filter((other) => other === time).length
  // Among so few, one more stands anywhere in its place.
  const share = (faster + random() * (equal + 1)) / (others.length + 1)
  return quantile(times, share)
}

/** So that the latest of them are not the slowest. */
function shuffled(times: readonly number[]): number[] {
  return times
    .map((time) => ({ time, place: randomInt(2 ** 32) }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ time }) => time)
}

/** Between two values that were seen, so that no value comes again and again. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? 0
  return below + (above - below) * (place - Math.floor(place))
}

/** Milliseconds that timers are thought to be late at the most. */
const latest = 15

/**
 * Waits until so many milliseconds have passed since `started`. A busy process is late with its
 * timers, and tyntec's answers wait for nothing but their turn: so they are set as much earlier as
 * they were late before.
 */
export function createAlarm(
  clock: () => number = () => performance.now(),
): (started: number, time: number) => Promise<void> {
  let late = 0
  return async (started, time) => {
    const left = time - (clock() - started)
    if (left <= late / 2) return
    await sleep(left - late)
    // By small steps to where half of them are late: one that is very late says little.
    const step = clock() - started > time ? 1 : -1
    late = Math.min(Math.max(late + step, 0), latest)
  }
}
