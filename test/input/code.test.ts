import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normaliseCode } from '../../src/input/code.js'

const six = { length: 6 }
const letters = { length: 6, alphabet: 'alphanumeric' } as const

test.each([
  ['012345', '012345'],
  ['000000', '000000'],
  [' 012345 ', '012345'],
  ['012 345', '012345'],
  ['012-345', '012345'],
  ['0-1-2 3 4 5', '012345'],
  ['  01   23--45', '012345'],
  ['012345'.padEnd(960), '012345'],
  ['012345\n', '012345'],
  ['\r\n012345\t', '012345'],
  ['012\u00a0345', '012345'],
  ['012\u202f345', '012345'],
  ['012\u2011345', '012345'],
  ['012–345', '012345'],
  ['012\u2212345', '012345'],
  ['012\u200b345', '012345'],
  ['\u202a012345\u202c', '012345'],
  ['\ufeff0\u200e12345\ufe0f', '012345'],
  ['٠١٢٣٤٥', '012345'],
  ['۰۱۲ ۳۴۵', '012345'],
  ['०१२३४५', '012345'],
  ['０１２－３４５', '012345'],
  ['𝟎𝟏𝟐𝟑𝟒𝟓', '012345'],
  ['٠12३4５', '012345'],
])('%j is the code %s', (input, code) => {
  expect(normaliseCode(input, six)).toEqual({ code })
})

test.each([undefined, null, '', ' ', '      ', '\n', '\u00a0', '\u200b\u200e'])(
  '%j asks for a code',
  (input) => {
    expect(normaliseCode(input, six)).toEqual({ status: 'code_required' })
  },
)

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
  '012\t345',
  '012\n345',
  '012\u2028345',
  '012345\u0000',
  '\u001b012345',
  '012345\ud800',
  '\ufffd012345',
  '012.345',
  '012/345',
  '012_345',
  '012345a',
  '+012345',
  'a012345',
  'é012345',
  '012345\u0301',
  '①②③④⑤⑥',
  '⁰¹²³⁴⁵',
  '〇一二三四五',
  '0000012345',
  `012345${' '.repeat(955)}`,
])('%j is no code', (input) => {
  expect(normaliseCode(input, six)).toEqual({ status: 'malformed_code' })
})

// proves: CODE-3
test.each([
  ['Your code is 012345.', '012345'],
  ['012345 is your Acme code.', '012345'],
  ['012345 ist dein Code. Er gilt 5 Minuten.', '012345'],
  ['G-012345 is your code', '012345'],
  ['<#> Code: 012345\nFA+9qCX9VSu', '012345'],
  ['رمزك هو ٠١٢٣٤٥', '012345'],
  ['验证码：０１２３４５，五分钟内有效。', '012345'],
  // The same code twice is one code: a field of one line makes one line of this.
  ['012345 is your Acme code. @login.acme.example #012345', '012345'],
  ['012345 is your Acme code.@login.acme.example #012345', '012345'],
])('the only run of the right length in %j is the code', (message, code) => {
  expect(normaliseCode(message, six)).toEqual({ code })
})

// proves: CODE-3
test.each([
  ['012345 is your code.\n\n@login.acme.example #012345'],
  ['Not 999999, and call 888888.\n@login.acme.example #012345'],
  ['Not 999999.\r\n@login.acme.example #012345\r\n'],
  ['Not 999999.\r@login.acme.example #012345'],
  ['@any.host.at.all:8443 #012345'],
  ['@a #012345 %ecommerce.example 999999'],
  ['@a #012345 @ecommerce.example'],
])('the last line of %j is bound to an origin, and says the code', (message) => {
  expect(normaliseCode(message, six)).toEqual({ code: '012345' })
})

// proves: CODE-3
test.each([
  ['two runs', '012345 or 543210'],
  ['two runs, one of them in the host', '012345 @543210.example #012345'],
  ['no run', 'Your code is on its way'],
  ['a run that is longer', 'Your code is 0123456'],
  ['a code with a gap', 'Your code is 012 345'],
  ['a last line with another length', '012345 is your code\n@acme.example #01234'],
  ['a last line with a code that is none', '012345 is your code\n@acme.example #012-345'],
  ['two spaces in the last line, and two runs', '543210\n@acme.example  #012345'],
  ['the code on the line before, and two runs', '@acme.example #012345\n543210'],
])('a message with %s has no code', (_, message) => {
  expect(normaliseCode(message, six)).toEqual({ status: 'malformed_code' })
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

test.each([
  ['a1b2c3\n', 'a1b2c3'],
  ['ａ１Ｂ２c3', 'a1b2c3'],
  ['Your code is A1B2C3.', 'a1b2c3'],
  ['Please use another.\n@acme.example #A1b2C3', 'a1b2c3'],
])('%j is the code %s too', (input, code) => {
  expect(normaliseCode(input, letters)).toEqual({ code })
})

test('a word as long as the code may be the code, so that nothing is guessed', () => {
  const message = 'Please use A1B2C3.'
  expect(normaliseCode(message, letters)).toEqual({ status: 'malformed_code' })
})

test.each(['a1b2cé', 'a1b2cß', 'a1b2c\u212a', 'a1b2c\u0131', 'a1b2_3', 'a1b2c'])(
  '%j is no code where codes have letters',
  (input) => {
    expect(normaliseCode(input, letters)).toEqual({ status: 'malformed_code' })
  },
)

// proves: CODE-3
test('a code is read the same with any gaps, and anything unseen, in digits of any script', () => {
  const gap = fc.constantFrom('', '', ' ', '-', '\u00a0', '\u2011', '\u3000', '\u200b', '\u2069')
  const digit = fc.record({
    value: fc.nat(9),
    zero: fc.constantFrom(0x30, 0x660, 0x6f0, 0x966, 0xff10),
    gap,
  })
  fc.assert(
    fc.property(fc.array(digit, { minLength: 6, maxLength: 6 }), (digits) => {
      const typed = digits.map(({ value, zero, gap }) => String.fromCodePoint(zero + value) + gap)
      const code = digits.map(({ value }) => value).join('')
      expect(normaliseCode(typed.join(''), six)).toEqual({ code })
    }),
  )
})

const anyText = fc.array(fc.nat(0x10_ff_ff)).map((codes) => String.fromCodePoint(...codes))

// proves: CODE-3
test('whatever is given, the answer is a code of the right form, or a refusal', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.anything()), (input) => {
      for (const rules of [six, letters]) {
        const result = normaliseCode(input, rules)
        if ('code' in result) expect(result.code).toMatch(/^[0-9a-z]{6}$/)
        else expect(result.status).toMatch(/^(?:bad_request|code_required|malformed_code)$/)
      }
    }),
  )
})
