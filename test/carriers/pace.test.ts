import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { alike, createAlarm, createPace, sample } from '../../src/carriers/pace.js'
import { mannWhitney, median, normalDeck } from '../support/statistics.js'

const fraction = () => randomInt(1_000_000) / 1_000_000

describe('how long a call would have taken', () => {
  const slow = normalDeck(300, 80, 300).toSorted((one, other) => one - other)
  const quick = normalDeck(100, 20, 300).toSorted((one, other) => one - other)
  const likes = (times: readonly number[], others: readonly number[], seen: readonly number[]) =>
    times.map((time) => alike(time, others, seen, fraction))

  test('has the distribution of its kind', () => {
    const times = likes(normalDeck(100, 20, 300), quick, slow)
    expect(mannWhitney(times, slow).p).toBeGreaterThan(0.5)
  })

  test('is long when the other call took long', () => {
    const [low = 0, middle = 0, high = 0] = likes([60, 100, 140], quick, slow)
    expect(low).toBeLessThan(180)
    expect(middle).toBeGreaterThan(290)
    expect(middle).toBeLessThan(310)
    expect(high).toBeGreaterThan(420)
  })

  test('is any of those that were seen, as long as no other call is known', () => {
    expect(mannWhitney(likes(normalDeck(5, 1, 300), [], slow), slow).p).toBeGreaterThan(0.01)
    expect(likes([5, 5], [], [7])).toEqual([7, 7])
  })

  test('is one of as many as were equal, and between two that were seen', () => {
    expect(alike(5, [5, 5, 5], [0, 25, 50, 75, 100], () => 0.5)).toBe(50)
    expect(alike(5, [1, 2, 5, 9], [0, 25, 50, 75, 100], () => 0.5)).toBe(60)
    expect(alike(5, [], [0, 100], () => 0.25)).toBe(25)
    expect(alike(5, [], [10, 20, 40], () => 0.75)).toBe(30)
  })

  test('is none again and again', () => {
    expect(new Set(likes(normalDeck(100, 20, 100), quick, [100, 300])).size).toBe(100)
  })
})

describe('what is remembered', () => {
  test('are calls since the first of others, however long ago that was', () => {
    let now = 0
    const [calls, reads] = [createPace(() => now), createPace(() => now)]
    for (let minute = 0; minute < 100; minute += 1) {
      now += 60_000
      reads.add(minute)
      if (minute >= 50 && minute < 60) calls.add(minute)
    }
    const { times, since } = calls.latest()
    expect(times).toHaveLength(10)
    expect(reads.from(since)).toEqual(Array.from({ length: 50 }, (_, index) => 50 + index))
    expect(reads.from(now)).toHaveLength(30)
    expect(createPace().latest().times).toEqual([])
  })

  test('are the latest 300 calls', () => {
    const pace = createPace()
    for (let time = 1; time <= 1000; time += 1) {
      pace.add(time)
      expect(pace.latest().times.length).toBe(Math.min(time, 300))
    }
    const sorted = pace.latest().times
    expect(sorted[0]).toBe(701)
    expect(sorted.at(-1)).toBe(1000)
  })

  test('are those of a quarter of an hour, and 30 when there were fewer', () => {
    let now = 0
    const pace = createPace(() => now)
    for (let time = 1; time <= 100; time += 1) pace.add(time)
    now += 901_000
    expect(pace.latest().times).toHaveLength(30)
    for (let time = 201; time <= 229; time += 1) pace.add(time)
    expect(pace.latest().times[0]).toBe(100)
    pace.add(230)
    expect(pace.latest().times[0]).toBe(201)
    for (let time = 231; time <= 250; time += 1) pace.add(time)
    expect(pace.latest().times).toHaveLength(50)
  })
})

describe('what others have seen', () => {
  const times = Array.from({ length: 300 }, (_, index) => index + 1)

  test('is told by a few times that stand for all', () => {
    const few = sample(times)
    expect(few).toHaveLength(30)
    expect([few[0], few.at(-1)]).toEqual([1, 300])
    expect(mannWhitney(few, times).p).toBeGreaterThan(0.9)
    expect(sample([3, 4])).toEqual([3, 4])
    expect(sample([])).toEqual([])
  })

  test('counts as old, the slow like the quick', () => {
    const pace = createPace()
    for (const time of [1000, 1001]) pace.add(time)
    pace.adopt(sample(times))
    const mixed = pace.latest().times
    expect(mixed).toHaveLength(30)
    expect(mixed.slice(-2)).toEqual([1000, 1001])
    // Any two of them had to make room, and not the two quickest each time.
    const gone = Array.from({ length: 50 }, () => {
      const other = createPace()
      other.adopt(sample(times))
      for (const time of [1000, 1001]) other.add(time)
      return other.latest().times[0]
    })
    expect(gone.filter((first) => first === 1).length).toBeGreaterThan(25)
    for (let time = 0; time < 40; time += 1) pace.add(1000)
    expect(new Set(pace.latest().times)).toEqual(new Set([1000, 1001]))
  })
})

test('an alarm learns how late the timers of its process are', async () => {
  const alarm = createAlarm()
  const over: number[] = []
  for (let round = 0; round < 40; round += 1) {
    const started = performance.now()
    // Work that comes in the way of each timer.
    setTimeout(() => {
      const until = started + 22
      while (performance.now() < until);
    }, 8)
    await alarm(started, 15)
    over.push(performance.now() - started - 15)
  }
  const late = median(over.slice(0, 5))
  expect(late).toBeGreaterThan(3)
  expect(Math.abs(median(over.slice(20)))).toBeLessThan(late)
})

test('an alarm is set earlier the later its timers were, by 15 ms at the most', async () => {
  let now = 0
  const alarm = createAlarm(() => now)
  const start = 1000
  /** Whether so many milliseconds before its time it is as good as late. */
  const isOver = async (left: number) => {
    now = start + 20
    let over = false
    const ending = alarm(start, 20 + left).then(() => (over = true))
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve()
    const atOnce = over
    // One that has waited was not late: the next is set a millisecond later.
    await ending
    return atOnce
  }
  const rounds = async (count: number, late: boolean) => {
    for (let round = 0; round < count; round += 1) {
      now = start
      const ending = alarm(start, 16)
      now = start + (late ? 17 : 15)
      await ending
    }
  }
  expect(await isOver(0)).toBe(true)
  expect(await isOver(0.4)).toBe(false)
  await rounds(4, true)
  expect(await isOver(2)).toBe(true)
  await rounds(20, true)
  expect(await isOver(7.5)).toBe(true)
  expect(await isOver(7.6)).toBe(false)
  await rounds(4, false)
  expect(await isOver(5)).toBe(true)
  expect(await isOver(5.6)).toBe(false)
  await rounds(30, false)
  expect(await isOver(0)).toBe(true)
  expect(await isOver(0.4)).toBe(false)
})
