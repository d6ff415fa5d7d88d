import fc from 'fast-check'
import {
  type CountryCode,
  getCountries,
  getExampleNumber,
  Metadata,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from 'libphonenumber-js/max'
import examples from 'libphonenumber-js/examples.mobile.json'
import { describe, expect, test } from 'vitest'
import { createNumberParser } from '../../src/input/number.js'

/*
 * However a number is written, and wherever it is dialled: it is that number or a refusal, and never
 * another one. DIALLING=all looks at every number from everywhere; without it every 37th.
 */

const every = process.env.DIALLING === 'all' ? 1 : 37

const anywhere = createNumberParser({ countries: 'any', channels: ['sms', 'voice'] })
const countries = getCountries()
const numbers = countries.flatMap((country) => getExampleNumber(country, examples) ?? [])

/** Prefixes for calls abroad, as the library's data has them. */
const prefixes = new Map(countries.map((country) => [country, prefixesOf(country)]))

function prefixesOf(country: CountryCode): string[] {
  const metadata = new Metadata()
  metadata.selectNumberingPlan(country)
  const pattern = new RegExp(`^(?:${metadata.numberingPlan?.IDDPrefix()})$`)
  const short = [1, 2, 3, 4, 5].flatMap((length) =>
    Array.from({ length: 10 ** Math.min(length, 4) }, (_, digits) => {
      const text = String(digits).padStart(Math.min(length, 4), '0')
      return length < 5 ? [text] : [...'0123456789'].map((last) => text + last)
    }).flat(),
  )
  return [...short, '14110011', '14560011'].filter((digits) => pattern.test(digits))
}

/** A sample that is another one for each country, and has every number in it for some of them. */
function sampleFor(index: number): PhoneNumber[] {
  return numbers.filter((_, position) => (position + index * 7) % every === 0)
}

type Parsed = ReturnType<typeof anywhere.parse>

/** How often the number was read, and what was read in its place. */
function tally() {
  const seen = { right: 0, refused: 0, wrong: [] as string[] }
  return {
    seen,
    add(parsed: Parsed, number: string, how: string) {
      if (!('number' in parsed)) seen.refused += 1
      else if (parsed.number === number) seen.right += 1
      else seen.wrong.push(`${how}: ${parsed.number} in place of ${number}`)
    },
  }
}

// proves: NUM-1
test('there is a number of every country to dial', () => {
  expect(numbers.length).toBe(countries.length)
  expect(numbers.length).toBeGreaterThan(240)
  for (const [country, list] of prefixes) expect([country, list]).not.toEqual([country, []])
})

describe('a number of any country', () => {
  // proves: NUM-1, NUM-7
  test('that is dialled from any other is that number or a refusal, with that country', () => {
    const { seen, add } = tally()
    for (const [index, from] of countries.entries()) {
      for (const { number } of sampleFor(index)) {
        for (const prefix of prefixes.get(from) ?? []) {
          const text = prefix + number.slice(1)
          add(anywhere.parse(text, from, 'voice'), number, `${text} from ${from}`)
        }
      }
    }
    expect(seen.wrong).toEqual([])
    expect(seen.right / (seen.right + seen.refused)).toBeGreaterThan(0.97)
  })

  // proves: NUM-1, NUM-7
  test('that is dialled from one of two countries, nobody says from which, is it or a refusal', () => {
    const { seen, add } = tally()
    for (const [index, from] of countries.entries()) {
      const other = countries[(index * 31 + 17) % countries.length] ?? 'DE'
      const { parse } = createNumberParser({ countries: [from, other], channels: ['sms', 'voice'] })
      const own = numbers.filter(({ country }) => country === from || country === other)
      for (const { number } of [...own, ...sampleFor(index)]) {
        for (const prefix of [
          '00',
          ...(prefixes.get(from) ?? []),
          ...(prefixes.get(other) ?? []),
        ]) {
          const text = prefix + number.slice(1)
          const parsed = parse(text, undefined, 'voice')
          add(parsed, number, `${text} from ${from} or ${other}`)
        }
      }
    }
    expect(seen.wrong).toEqual([])
    expect(seen.right).toBeGreaterThan(300)
  })

  // proves: NUM-1, NUM-7
  test('that is dialled from anywhere, nobody says from where, is it or a refusal', () => {
    const { seen, add } = tally()
    const all = new Set([...prefixes.values()].flat().filter((prefix) => prefix.startsWith('0')))
    for (const [index, prefix] of [...all].entries()) {
      for (const { number } of sampleFor(index)) {
        const text = prefix + number.slice(1)
        add(anywhere.parse(text, undefined, 'voice'), number, text)
      }
    }
    expect(seen.wrong).toEqual([])
    const zeros = numbers.filter(({ number }) => 'number' in anywhere.parse(`00${number.slice(1)}`))
    expect(zeros.length / numbers.length).toBeGreaterThan(0.8)
  })

  // proves: NUM-1
  test('that is dialled at home is that number, and with a plus sign everywhere', () => {
    for (const country of countries) {
      const example = getExampleNumber(country, examples)
      if (!example) throw new Error(`There is no example of ${country}`)
      // Islands have numbers that their mainland has too.
      const parsed = { number: example.number }
      expect(anywhere.parse(example.formatNational(), country, 'voice')).toMatchObject(parsed)
      expect(anywhere.parse(example.nationalNumber, country, 'voice')).toMatchObject(parsed)
      for (const elsewhere of [undefined, 'US', 'AU', 'SG', 'UK', country]) {
        expect(anywhere.parse(example.number, elsewhere, 'voice')).toMatchObject(parsed)
      }
    }
  })

  // proves: NUM-7
  test('that has its calling code twice is a refusal', () => {
    for (const { country, number, countryCallingCode, nationalNumber } of numbers) {
      const twice = `+${countryCallingCode}${number.slice(1)}`
      expect(anywhere.parse(twice, country, 'voice')).not.toHaveProperty('number')
      expect(anywhere.parse(twice.slice(1), country, 'voice')).not.toHaveProperty('number')
      // In North America the calling code is dialled at home too.
      const bare = anywhere.parse(countryCallingCode + nationalNumber, country, 'voice')
      if (countryCallingCode === '1') expect(bare).toMatchObject({ number })
      else expect(bare).toEqual({ status: 'invalid_number', hint: 'write_plus' })
    }
  })

  // proves: NUM-1
  test('is one number however it is written', () => {
    const mark = fc.constantFrom(
      '',
      '',
      ' ',
      '-',
      '.',
      '/',
      '(',
      ')',
      '\u00a0',
      '\u2011',
      '\u200e',
      '\uff0f',
    )
    const zero = fc.constantFrom(0x30, 0x660, 0x6f0, 0x966, 0xe50, 0xff10)
    const written = fc.array(fc.tuple(mark, zero), { minLength: 15, maxLength: 15 })
    fc.assert(
      fc.property(fc.constantFrom(...numbers), written, ({ number }, signs) => {
        const digits = Array.from(number.slice(1), (digit, index) => {
          const [mark = '', zero = 0x30] = signs[index] ?? []
          return mark + String.fromCodePoint(zero + Number(digit))
        })
        expect(anywhere.parse(`+${digits.join('')}`, undefined, 'voice')).toMatchObject({ number })
      }),
      { numRuns: 500 },
    )
  })
})

describe('two readings', () => {
  const ambiguous = { status: 'invalid_number', hint: 'write_plus' }

  // proves: NUM-7
  test.each<[string, string?]>([
    ['49 172 1547608', 'DE'],
    ['+49 49 172 1547608'],
    ['0049 49 172 1547608', 'DE'],
    ['+1 1 415 555 2671'],
    ['1 1 415 555 2671', 'US'],
    ['44 7912 345678', 'GB'],
    // A landline in Germany, a mobile in Britain.
    ['44 7912 345678', 'DE'],
    // 001 and 00 are prefixes in Hong Kong, and 00 is written for the plus sign everywhere.
    ['001 47 923 45 678', 'HK'],
    ['001 47 923 45 678', 'SG'],
    // 00 is no prefix in Tajikistan, where numbers begin with it; in Saint Helena it would be another one.
    ['00 290 8999', 'TJ'],
    // From Singapore it is a number in Norway, from elsewhere one in America.
    ['001 479 234 5678'],
  ])(
    '%j (%s) are refused with the advice to write a plus sign, for messages and calls',
    (text, country) => {
      expect(anywhere.parse(text, country, 'sms')).toEqual(ambiguous)
      expect(anywhere.parse(text, country, 'voice')).toEqual(ambiguous)
    },
  )

  // proves: NUM-7
  test('that one has which is not allowed are refused too', () => {
    const { parse } = createNumberParser({ countries: ['SG', 'US'], channels: ['sms', 'voice'] })
    expect(parse('001 479 234 5678')).toEqual(ambiguous)
    expect(
      createNumberParser({ countries: ['DE', 'US'], channels: ['sms', 'voice'] }).parse(
        '001 479 234 5678',
      ),
    ).toMatchObject({
      number: '+14792345678',
    })
  })

  // proves: NUM-1
  test('are none where the country says which it is', () => {
    expect(anywhere.parse('0011 47 923 45 678', 'AU')).toMatchObject({ number: '+4792345678' })
    expect(anywhere.parse('001 479 234 5678', 'DE')).toMatchObject({ number: '+14792345678' })
    const { parse } = createNumberParser({ countries: ['AU'], channels: ['sms'] })
    expect(parse('0011 61 412 345 678')).toMatchObject({ number: '+61412345678' })
    expect(parse('0061 412 345 678')).toEqual({ status: 'invalid_number' })
    expect(parse('0011 47 923 45 678')).toEqual({ status: 'number_not_allowed' })
    // Nobody has said that it is dialled there.
    expect(parse('0412 345 678')).toEqual({ status: 'invalid_number' })
  })

  // proves: NUM-1
  test('of a landline are none where nobody of the other country may sign in', () => {
    const american = createNumberParser({ countries: ['US'], channels: ['sms', 'voice'] })
    expect(american.parse('479 234 5678', 'US')).toMatchObject({ number: '+14792345678' })
    expect(anywhere.parse('479 234 5678', 'US')).toEqual(ambiguous)
    expect(anywhere.parse('1 479 234 5678', 'US')).toMatchObject({ number: '+14792345678' })
  })
})

// proves: NUM-1
test('a call is read as a message is', () => {
  const digits = fc.stringMatching(/^(\+|00|011|0011|)[0-9]{6,13}$/)
  fc.assert(
    fc.property(digits, fc.constantFrom(undefined, ...countries), (text, country) => {
      const [message, call] = (['sms', 'voice'] as const).map((via) =>
        anywhere.parse(text, country, via),
      )
      if (message && 'number' in message) expect(call).toEqual(message)
      else if (call && 'status' in call) expect(message).toEqual(call)
      else expect(message).toEqual({ status: 'number_not_allowed' })
    }),
    { numRuns: 500 },
  )
})

test('the country of a number is told as by reading it', () => {
  const digits = fc.stringMatching(/^[1-9][0-9]{6,14}$/)
  const texts = fc.sample(digits, 1000).map((each) => `+${each}`)
  for (const number of [...texts, ...numbers.map((each) => each.number)]) {
    const country = parsePhoneNumberFromString(number)?.country ?? 'ZZ'
    expect([number, anywhere.countryOf(number)]).toEqual([number, country])
  }
})
