import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { segment } from '../../../src/sandbox/inbox/segments.js'

describe('a text as SMS', () => {
  test.each([
    ['', 'GSM-7', 1, 160],
    ['a'.repeat(160), 'GSM-7', 1, 0],
    ['a'.repeat(161), 'GSM-7', 2, 143],
    ['a'.repeat(304), 'GSM-7', 2, 0],
    ['a'.repeat(305), 'GSM-7', 3, 151],
    // Two septets each.
    ['€'.repeat(80), 'GSM-7', 1, 0],
    ['[]{}', 'GSM-7', 1, 152],
    ['я'.repeat(70), 'UCS-2', 1, 0],
    ['я'.repeat(71), 'UCS-2', 2, 61],
    // Two units each.
    ['🙂'.repeat(35), 'UCS-2', 1, 0],
  ] as const)('%j', (text, encoding, segments, left) => {
    expect(segment(text)).toMatchObject({ encoding, segments, left })
  })

  test('names the first character that the alphabet lacks', () => {
    expect(segment('ok ’ я').because).toBe('’')
    expect(segment('ok').because).toBeUndefined()
  })

  test('counts letters, and one letter more never needs less', () => {
    const letter = fc.constantFrom('a', '€', 'ä', 'я', '🙂', '\n')
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 400 }), letter, (letters, more) => {
        const text = letters.join('')
        expect(segment(text).characters).toBe(letters.length)
        expect(segment(text + more).segments).toBeGreaterThanOrEqual(segment(text).segments)
      }),
    )
  })
})
