import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normaliseCode } from '../src/code.js'

const six = { length: 6 }
const letters = { length: 6, alphanumeric: true }

test.each([
  ['012345', '012345'],
  ['000000', '000000'],
  [' 012345 ', '012345'],
  ['012 345', '012345'],
  ['012-345', '012345'],
  ['0-1-2 3 4 5', '012345'],
  ['  01   23--45', '012345'],
  ['012345'.padEnd(64), '012345'],
])('%j is the code %s', (input, code) => {
  expect(normaliseCode(input, six)).toEqual({ code })
})

test.each([undefined, null, '', ' ', '      '])('%j asks for a code', (input) => {
  expect(normaliseCode(input, six)).toEqual({ status: 'code_required' })
})

// proves: CODE-3
test.each([
  '12345',
  '1234567',
  '-',
  '12345a',
  'abcdef',
  '1e5000',
  '0x1234',
  '+12345',
  '12345.',
  '1,2345',
  '012345\n',
  '\n012345',
  '012\t345',
  '012345\u0000',
  '012\u00a0345',
  '012\u200b345',
  '012–345',
  '٠١٢٣٤٥',
  '０１２３４５',
  '१२३४५६',
  '𝟎𝟏𝟐𝟑𝟒𝟓',
  '①②③④⑤⑥',
  `012345${' '.repeat(60)}`,
])('%j is no code', (input) => {
  expect(normaliseCode(input, six)).toEqual({ status: 'malformed_code' })
})

// proves: IN-3
test('a text of a megabyte is no code', () => {
  expect(normaliseCode('0'.repeat(1_000_000), six)).toEqual({ status: 'malformed_code' })
})

// proves: CODE-3
test.each([
  12345,
  123456,
  0,
  true,
  [],
  ['012345'],
  ['0', '1', '2', '3', '4', '5'],
  {},
  { length: 6 },
  { $gt: '' },
  { toString: () => '012345' },
  Buffer.from('012345'),
  Object('012345'),
])('a value that is no text is a bad request', (input) => {
  expect(normaliseCode(input, six)).toEqual({ status: 'bad_request' })
})

test.each([
  ['a1b2c3', 'a1b2c3'],
  ['A1B2C3', 'a1b2c3'],
  ['A1B-2C3', 'a1b2c3'],
  ['012345', '012345'],
])('%j is the code %s where codes have letters', (input, code) => {
  expect(normaliseCode(input, letters)).toEqual({ code })
})

test.each(['a1b2cé', 'a1b2cß', 'a1b2c\u212a', 'a1b2c\u0131', 'a1b2_3', 'a1b2c'])(
  '%j is no code where codes have letters',
  (input) => {
    expect(normaliseCode(input, letters)).toEqual({ status: 'malformed_code' })
  },
)

// proves: CODE-3
test('whatever is given, the answer is a code of the right form, or a refusal', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (input) => {
      for (const rules of [six, letters]) {
        const result = normaliseCode(input, rules)
        if ('code' in result) expect(result.code).toMatch(/^[0-9a-z]{6}$/)
        else expect(result.status).toMatch(/^(?:bad_request|code_required|malformed_code)$/)
      }
    }),
  )
})
