import { expect, test } from 'vitest'
import { randomBytes } from '../../src/secrets/random.js'

const sizes = [12, 16, 32, 7]

test('gives as many bytes as are asked for, and none of them twice', () => {
  const seen = new Set<string>()
  let windows = 0
  for (let draw = 0; draw < 4000; draw += 1) {
    const size = sizes[draw % sizes.length] ?? 12
    const bytes = randomBytes(size)
    expect(bytes).toHaveLength(size)
    // Two draws that overlapped would have one of these in common.
    for (let at = 0; at + 7 <= size; at += 1) {
      seen.add(bytes.toString('hex', at, at + 7))
      windows += 1
    }
  }
  expect(seen.size).toBe(windows)
})

test('gives no more than are drawn at once', () => {
  expect(randomBytes(1024)).toHaveLength(1024)
  expect(() => randomBytes(1025)).toThrow(RangeError)
})
