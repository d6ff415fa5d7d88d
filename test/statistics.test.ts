import { describe, expect, test } from 'vitest'
import { mannWhitney, median, normalDeck } from './support/statistics.js'

describe('the Mann-Whitney test', () => {
  // U and p by scipy.stats.mannwhitneyu(..., method='asymptotic').
  test.each([
    [[19, 22, 16, 29, 24], [20, 11, 17, 12], 17, 0.11134688653314041],
    [[1, 2, 2, 3, 5, 5], [2, 4, 5, 6, 7, 7, 7], 7, 0.04985927558863796],
    [[1, 1, 1], [1, 1, 1], 4.5, 1],
  ])('gives what SciPy gives for %j and %j', (one, other, u, p) => {
    const result = mannWhitney(one, other)
    expect(result.u).toBe(u)
    expect(result.p).toBeCloseTo(p, 5)
    expect(mannWhitney(other, one).p).toBeCloseTo(p, 5)
  })

  test('tells two shapes apart by their ranks, and does not tell one from itself', () => {
    const usual = normalDeck(300, 80, 300)
    expect(mannWhitney(usual, normalDeck(300, 80, 300)).p).toBeGreaterThan(0.9)
    expect(mannWhitney(usual, normalDeck(320, 80, 300)).p).toBeLessThan(0.01)
    expect(mannWhitney(usual, normalDeck(5, 1, 300)).p).toBeLessThan(1e-9)
  })
})

test('a median is the value in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('a deck has the shape of its distribution', () => {
  const deck = normalDeck(300, 80, 300)
  expect(median(deck)).toBeCloseTo(300, 5)
  expect(deck.filter((value) => value < 220)).toHaveLength(48) // 15.87 % of 300
  expect(Math.min(...deck)).toBeGreaterThan(0)
})
