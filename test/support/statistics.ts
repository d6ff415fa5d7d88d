import { randomInt } from 'node:crypto'

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const half = sorted.length / 2
  const above = sorted[Math.floor(half)] ?? Number.NaN
  return Number.isInteger(half) ? ((sorted[half - 1] ?? Number.NaN) + above) / 2 : above
}

/**
 * The Mann-Whitney U test, two-sided: how likely two samples of one distribution differ in their ranks as much
 * as these. By the normal approximation with corrections for ties and continuity, as SciPy's
 * `method='asymptotic'`; good from about eight values on.
 */
export function mannWhitney(
  one: readonly number[],
  other: readonly number[],
): { u: number; p: number } {
  const all = [...one, ...other].toSorted((a, b) => a - b)
  const count = all.length
  const ranks = new Map<number, number>()
  let ties = 0
  for (let first = 0; first < count;) {
    const value = all[first] as number // first is below the length
    let next = first
    while (all[next] === value) next += 1
    ranks.set(value, (first + 1 + next) / 2)
    const equal = next - first
    ties += equal ** 3 - equal
    first = next
  }
  const rankSum = one.reduce((sum, value) => sum + (ranks.get(value) ?? Number.NaN), 0)
  const pairs = one.length * other.length
  const u = rankSum - (one.length * (one.length + 1)) / 2
  const spread = Math.sqrt((pairs / 12) * (count + 1 - ties / (count * (count - 1))))
  const away = Math.max(Math.abs(u - pairs / 2) - 0.5, 0)
  return { u, p: spread === 0 ? 1 : Math.min(1, 2 * upperTail(away / spread)) }
}

/** How much of the normal distribution lies above `z`, which is not negative. Zelen and Severo 26.2.17. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429]
  const sum = factors.reduce((total, factor, index) => total + factor * t ** (index + 1), 0)
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum
}

/**
 * Values of a normal distribution, in random order, that have its shape as well as so many can: each
 * stands for an equal share of it. A sample that was drawn one by one would have a shape of its own.
 */
export function normalDeck(mean: number, deviation: number, count: number): number[] {
  const deck = Array.from(
    { length: count },
    (_, index) => mean + deviation * normalQuantile((index + 0.5) / count),
  )
  return shuffled(deck)
}

export function shuffled<T>(values: readonly T[]): T[] {
  const deck = [...values]
  for (let last = deck.length - 1; last > 0; last -= 1) {
    const chosen = randomInt(last + 1)
    const kept = deck[last] as T // both are places of the deck
    deck[last] = deck[chosen] as T
    deck[chosen] = kept
  }
  return deck
}

/** Where so much of the normal distribution lies below. */
function normalQuantile(share: number): number {
  if (share < 0.5) return -normalQuantile(1 - share)
  let low = 0
  let high = 10
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (upperTail(middle) > 1 - share) low = middle
    else high = middle
  }
  return low
}
