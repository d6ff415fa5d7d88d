import { expect, test } from 'vitest'
import { plainText, withoutGaps } from '../../src/input/text.js'

/** Every sign that Unicode has in a category. */
function signsOf(category: string): string[] {
  const pattern = new RegExp(`^\\p{${category}}$`, 'u')
  const signs = Array.from({ length: 0x11_00_00 }, (_, code) =>
    code >= 0xd8_00 && code < 0xe0_00 ? '' : String.fromCodePoint(code),
  )
  return signs.filter((sign) => pattern.test(sign))
}

test('digits of every script are read as those of ASCII', () => {
  const scripts = Intl.supportedValuesOf('numberingSystem').flatMap((numberingSystem) => {
    const digits = Array.from({ length: 10 }, (_, digit) =>
      new Intl.NumberFormat('en', { numberingSystem }).format(digit),
    )
    return digits.every((digit) => /^\p{Nd}$/u.test(digit)) ? [digits.join('')] : []
  })
  expect(scripts.length).toBeGreaterThan(70)
  for (const digits of scripts) expect(plainText(digits)).toBe('0123456789')
})

test('every decimal digit has a value, each row of them all ten', () => {
  const digits = signsOf('Nd')
  expect(digits.length).toBeGreaterThan(700)
  const values = digits.map((digit) => plainText(digit))
  expect(values.join('')).toBe('0123456789'.repeat(digits.length / 10))
})

test('what is not seen is dropped, wherever it is', () => {
  const unseen = [...signsOf('Cf'), ...signsOf('Variation_Selector')]
  expect(unseen.length).toBeGreaterThan(400)
  expect(plainText(`${unseen.join('')}1${unseen.join('')}2`)).toBe('12')
})

test('every space and every dash is a gap', () => {
  const gaps = [...signsOf('Zs'), ...signsOf('Pd'), '\u2212']
  expect(gaps.length).toBeGreaterThan(40)
  expect(withoutGaps(plainText(`1${gaps.join('')}2`))).toBe('12')
})

test('full-width forms are those of ASCII', () => {
  expect(plainText('（＋４９）１５１／Ａｚ～')).toBe('(+49)151/Az~')
})

test.each(['①', '²', '½', 'Ⅷ', '一', 'O', 'l', '٪', '+\u0301'])('%j stays what it is', (text) => {
  expect(plainText(`a${text}b`)).toBe(`a${text}b`)
})

test('white space at the ends is taken away, tabs and new lines within are not', () => {
  expect(plainText('\t\r\n 1\t2\n3 \u00a0\u2028')).toBe('1\t2\n3')
  expect(withoutGaps('1\t2\n3')).toBe('1\t2\n3')
})
