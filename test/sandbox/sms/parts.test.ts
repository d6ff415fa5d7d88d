import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitSms } from '../../../src/sandbox/sms/parts.js'

const figures = (text: string) => {
  const { encoding, units, parts } = splitSms(text)
  return [encoding, units, parts.length]
}

test.each([
  ['', 'GSM-7', 0, 1],
  ['OTP code: 4242.', 'GSM-7', 15, 1],
  ['äöüßñÇ{}', 'GSM-7', 10, 1],
  ['x'.repeat(160), 'GSM-7', 160, 1],
  ['x'.repeat(161), 'GSM-7', 161, 2],
  ['x'.repeat(304), 'GSM-7', 304, 2],
  ['x'.repeat(305), 'GSM-7', 305, 3],
  ['€'.repeat(80), 'GSM-7', 160, 1],
  ['€'.repeat(81), 'GSM-7', 162, 2],
  ['я'.repeat(70), 'UCS-2', 70, 1],
  ['я'.repeat(71), 'UCS-2', 71, 2],
  ['я'.repeat(132), 'UCS-2', 132, 2],
  ['я'.repeat(133), 'UCS-2', 133, 3],
  ['😀'.repeat(35), 'UCS-2', 70, 1],
  ['😀'.repeat(36), 'UCS-2', 72, 2],
])('%s is %s, %i units in %i parts', (text, encoding, units, count) => {
  expect(figures(text)).toEqual([encoding, units, count])
})

test('a character that takes two units is not torn apart', () => {
  const text = `${'x'.repeat(151)}€${'x'.repeat(20)}`
  expect(splitSms(text).parts).toEqual(['x'.repeat(151), `€${'x'.repeat(20)}`])
})

test('a letter piled with accents is cut where it has to be', () => {
  const text = `a${'\u0301'.repeat(200)}`
  const { parts } = splitSms(text)
  expect(parts.join('')).toBe(text)
  expect(parts.map((part) => part.length)).toEqual([66, 66, 66, 3])
})

test('UCS-2 can be asked for, GSM-7 only where it is enough', () => {
  expect(splitSms('x'.repeat(71), 'UCS-2')).toMatchObject({ encoding: 'UCS-2', units: 71 })
  expect(() => splitSms('я', 'GSM-7')).toThrow('GSM-7')
})

test('nothing of a text is lost, and no part is too long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
      const { encoding, parts } = splitSms(text)
      expect(parts.join('')).toBe(text)
      if (parts.length === 1) return
      for (const part of parts) {
        const { units } = splitSms(part, encoding)
        expect(units).toBeLessThanOrEqual(encoding === 'GSM-7' ? 152 : 66)
      }
    }),
  )
})
