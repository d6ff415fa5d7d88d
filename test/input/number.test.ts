import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { validateCountries } from '../../src/input/countries.js'
import { createNumberParser, maskNumber, type NumberRules } from '../../src/input/number.js'

const anywhere = createNumberParser({ countries: 'any', channels: ['sms'] })
const german = createNumberParser({ countries: ['DE', 'US'], channels: ['sms'] })

function parserFor(countries: NumberRules['countries'], voice = false) {
  return createNumberParser({ countries, channels: voice ? ['sms', 'voice'] : ['sms'] })
}

describe('spellings', () => {
  // proves: NUM-1
  test.each<[string, string?]>([
    ['+4915112345678'],
    ['004915112345678'],
    ['+49 151 12345678'],
    ['+49 151 1234 5678'],
    ['+49-151-12345678'],
    ['+49.151.12345678'],
    ['+49(151)12345678'],
    ['+49 (151) 12345678'],
    ['+49 (0)151 12345678'],
    ['+49 (0) 151 12345678'],
    ['+49 0151 12345678'],
    ['(+49) 151 12345678'],
    ['+ 49 151 12345678'],
    [' +4915112345678'],
    ['+4915112345678 '],
    ['  +49   151   12345678  '],
    ['+4-9-1-5-1-1-2-3-4-5-6-7-8'],
    ['+49..151--12345678'],
    ['0049 151 12345678'],
    ['0049-151-12345678'],
    ['00 49 151 12345678'],
    ['0 0 4 9 151 12345678'],
    ['(0049) 151 12345678'],
    ['0049 (0)151 12345678'],
    ['+4915112345678\n'],
    ['\r\n\t+4915112345678\t'],
    ['+49\u00a0151\u202f12345678'],
    ['+49\u3000151\u200912345678'],
    ['+49\u200b15112345678'],
    ['\ufeff+4915112345678'],
    ['\u202a+49 151 12345678\u202c'],
    ['\u2068+49 151 12345678\u2069'],
    ['\u200e+49 151 12345678'],
    ['+49\u00ad151\u206012345678\ufe0e'],
    ['+49‐151‑12345678'],
    ['+49–151—12345678'],
    ['+49\u2212151\u221212345678'],
    ['＋4915112345678'],
    ['＋４９　（０）１５１－１２３４５６７８'],
    ['+٤٩١٥١١٢٣٤٥٦٧٨'],
    ['+۴۹ ۱۵۱ ۱۲۳۴۵۶۷۸'],
    ['+४९ १५१ १२३४५६७८'],
    ['٠٠٤٩ ١٥١ ١٢٣٤٥٦٧٨'],
    ['tel:+4915112345678'],
    ['TEL: +49-151-12345678'],
    ['+49/151/12345678'],
    ['0049 151/12345678'],
    ['015112345678', 'DE'],
    ['0151 12345678', 'DE'],
    ['0151-12345678', 'DE'],
    ['0151/12345678', 'DE'],
    ['(0151) 12345678', 'DE'],
    ['0151.1234.5678', 'DE'],
    ['15112345678', 'DE'],
    ['151 12345678', 'de'],
    ['0151 12345678', 'De'],
    ['tel:015112345678', 'DE'],
    ['015112345678\n', 'DE'],
    ['٠١٥١١٢٣٤٥٦٧٨', 'DE'],
    ['０１５１１２３４５６７８', 'DE'],
    ['+49 151 12345678', 'DE'],
    ['+49 151 12345678', 'US'],
    ['0049 151 12345678', 'DE'],
    ['+49 151 12345678', ''],
    ['0011 49 151 12345678', 'AU'],
    ['011 49 151 12345678', 'US'],
    ['810 49 151 12345678', 'RU'],
    ['8 10 49 151 12345678', 'RU'],
    ['010 49 151 12345678', 'JP'],
    ['(001) 49 151 12345678', 'TH'],
    ['00 21 49 151 12345678', 'BR'],
  ])('%j (%s) is one number', (input, country) => {
    expect(german.parse(input, country)).toEqual({
      number: '+4915112345678',
      country: 'DE',
      lineType: 'mobile',
      channels: ['sms'],
    })
  })

  // proves: NUM-2
  test.each<[string, string?]>([
    ['015112345678'],
    ['4915112345678'],
    ['15112345678'],
    ['+015112345678'],
    ['++4915112345678'],
    ['+0049 151 12345678'],
    ['+49 0049 151 12345678'],
    ['000 49 151 12345678'],
    ['49+15112345678'],
    ['4915112345678+'],
    ['00+4915112345678'],
    ['+49 151 12345678 x22'],
    ['+49 151 12345678 ext. 5'],
    ['+49 151 12345678;ext=5'],
    ['tel:+4915112345678;ext=5'],
    ['tel:151-12345678;phone-context=+49'],
    ['tel:tel:+4915112345678'],
    ['callto:+4915112345678'],
    ['+49 151 12345678#5'],
    ['+49 151 12345678,5'],
    ['call me +49 151 12345678 ok'],
    ['+49 151 12345678 +49 151 12345679'],
    ['+49\t15112345678'],
    ['+49\r\n15112345678'],
    ['+49\n15112345678'],
    ['+49\u000015112345678'],
    ['+49\u008515112345678'],
    ['+49\u202815112345678'],
    ['+49 151 1234567ⅷ'],
    ['+49 151 1234567⑧'],
    ['+⁴⁹ 151 12345678'],
    ['+49 151 CALLME'],
    ['+1 800 FLOWERS'],
    ['+49_15112345678'],
    ['+49~15112345678'],
    ['+49*15112345678'],
    ['[+49] 15112345678'],
    ['1e10'],
    ['0x4915112345678'],
    ['-4915112345678'],
    ['+'],
    ['00'],
    ['()'],
    ['tel:'],
    ['+491511234567890123456'],
    ['+49'],
    ['+999 12345678'],
    ['+5215512345678'],
    ['011 44 7912 345678'],
    ['011 44 7912 345678', 'DE'],
    ['0049 151 12345678', 'US'],
    ['0044 7912 345678', 'JP'],
    ['0151 12345678', 'US'],
    ['110', 'DE'],
    ['+49110'],
    ['+11234567890'],
    ['+44 7700 900123'],
  ])('%j (%s) is no number', (input, country) => {
    expect(anywhere.parse(input, country)).toEqual({ status: 'invalid_number' })
    expect(german.parse(input, country)).toEqual({ status: 'invalid_number' })
  })

  test.each([
    '0151 12345678 x22',
    '0151 12345678 ext. 5',
    '0151 12345678;ext=5',
    'call 0151 12345678',
    '0151\t12345678',
  ])('%j is no number of a country either', (input) => {
    expect(anywhere.parse(input, 'DE')).toEqual({ status: 'invalid_number' })
  })

  test('a number of a country that is too long for E.164 is no number', () => {
    const { parse } = parserFor('any', true)
    expect(parse('30 1234567890123', 'DE', 'voice')).toEqual({ status: 'invalid_number' })
    expect(parse('30 12345678901', 'DE', 'voice')).toMatchObject({ number: '+493012345678901' })
  })

  test('a country that is null is none', () => {
    expect(anywhere.parse('+49 151 12345678', null)).toMatchObject({ number: '+4915112345678' })
    expect(anywhere.parse('0151 12345678', null)).toEqual({ status: 'invalid_number' })
  })

  test('64 characters are not too long', () => {
    const input = '+49 151 12345678'.padEnd(64)
    expect(anywhere.parse(input)).toMatchObject({ number: '+4915112345678' })
    expect(anywhere.parse(`${input} `)).toEqual({ status: 'bad_request' })
  })

  test.each([undefined, null, '', ' ', '     ', '\n', '\u00a0\u200b'])(
    '%j asks for a number',
    (input) => {
      expect(anywhere.parse(input)).toEqual({ status: 'number_required' })
    },
  )

  test.each<{ input: unknown }>([
    { input: 4915112345678 },
    { input: true },
    { input: ['+4915112345678'] },
    { input: { length: 14 } },
    { input: { toString: () => '+4915112345678' } },
    { input: Buffer.from('+4915112345678') },
    { input: `+49 151 12345678${' '.repeat(60)}` },
    { input: '1'.repeat(1_000_000) },
  ])('another type, or a text of over 64 characters, is a bad request', ({ input }) => {
    expect(anywhere.parse(input)).toEqual({ status: 'bad_request' })
  })

  test.each([49, true, 'D', 'DEU', 'ZZ', '49', 'D\n', 'ＤＥ', 'ß', '__', 'XX', 'T1', 'UK', 'EU'])(
    'a country like %j is none, and refuses no number that needs none',
    (country) => {
      const parsed = { number: '+4915112345678' }
      expect(german.parse('+49 151 12345678', country)).toMatchObject(parsed)
      expect(german.parse('0049 151 12345678', country)).toMatchObject(parsed)
      expect(german.parse('0151 12345678', country)).toEqual({ status: 'invalid_number' })
      expect(anywhere.parse('07912 345678', country)).toEqual({ status: 'invalid_number' })
    },
  )

  test.each([['DE'], {}, { toString: () => 'DE' }, 'D'.repeat(65)].map((country) => ({ country })))(
    'a country that is a list, an object or long is a bad request',
    ({ country }) => {
      expect(german.parse('+49 151 12345678', country)).toEqual({ status: 'bad_request' })
    },
  )

  test('any punctuation around the digits leads to the same number', () => {
    const signs =
      ' .()/\u00a0\u2009\u202f\u3000\u2010\u2015\u2212\uff0d\u200b\u200f\u202a\u202e\u2066\u2069\ufe0f-'
    const between = fc.string({ unit: fc.constantFrom(...Array.from(signs)), maxLength: 2 })
    fc.assert(
      fc.property(fc.array(between, { minLength: 15, maxLength: 15 }), (marks) => {
        const input = Array.from('+4915112345678', (sign, i) => sign + marks[i]).join('')
        expect(anywhere.parse(input)).toMatchObject({ number: '+4915112345678' })
      }),
    )
  })

  // proves: NUM-2, IN-5
  test('any other character makes it no number', () => {
    const around = /[.()+/\p{Nd}\p{Zs}\p{Pd}\p{Cf}\p{Variation_Selector}\u2212．（）＋／]/u
    const foreign = fc
      .integer({ min: 0, max: 0x10_ff_ff })
      .map((code) => String.fromCodePoint(code))
      .filter((sign) => !around.test(sign))
    fc.assert(
      fc.property(foreign, fc.integer({ min: 1, max: 13 }), (sign, at) => {
        const input = `${'+4915112345678'.slice(0, at)}${sign}${'+4915112345678'.slice(at)}`
        expect(anywhere.parse(input)).toEqual({ status: 'invalid_number' })
      }),
    )
  })

  test('whatever is given, the answer is E.164 that reads as itself, or a refusal', () => {
    const countries = fc.constantFrom(undefined, 'DE', 'US', 'GB', 'IT', 'AR', 'RU', 'MX')
    const text = fc.oneof(
      fc.array(fc.nat(0x10_ff_ff)).map((codes) => String.fromCodePoint(...codes)),
      fc.stringMatching(/^(\+|00)?[0-9 ()-]{4,18}$/),
      fc.stringMatching(/^((\+|00)49 \(?0?|0)151\)?[0-9]{7,8}$/),
      fc.stringMatching(/^(\+1|1|)[ -]?[2-9][0-9]{2}[ -]?[2-9][0-9]{6}$/),
    )
    let accepted = 0
    fc.assert(
      fc.property(text, countries, (input, country) => {
        const parsed = anywhere.parse(input, country)
        if ('status' in parsed) return
        accepted += 1
        expect(parsed.number).toMatch(/^\+[1-9][0-9]{6,14}$/)
        expect(anywhere.parse(parsed.number)).toEqual(parsed)
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  // proves: IN-4
  test('a hostile text of the longest length takes no time', () => {
    const started = process.cpuUsage()
    for (const sign of [
      '(',
      ' ',
      '0',
      '+',
      '.',
      '-',
      '1',
      'a',
      '\u0660',
      '\u200b',
      '\u3000',
      '／',
    ]) {
      for (let i = 0; i < 100; i += 1) anywhere.parse(sign.repeat(64), 'DE')
      anywhere.parse(sign.repeat(1_000_000), 'DE')
    }
    const { user, system } = process.cpuUsage(started)
    expect(user + system).toBeLessThan(500_000)
  })
})

describe('countries', () => {
  // proves: NUM-3
  test.each([
    ['+12015550100', 'US'],
    ['+4915112345678', 'DE'],
    ['+447912345678', 'GB'],
    ['+447911123456', 'GG'],
    ['+447624123456', 'IM'],
    ['+525512345678', 'MX'],
    ['+3546111234', 'IS'],
    ['+5491123456789', 'AR'],
    ['+8613800138000', 'CN'],
    ['+12425650123', 'BS'],
    ['+77710009998', 'KZ'],
    ['+79123456789', 'RU'],
    ['+262692123456', 'RE'],
  ])('%s is allowed where %s is, and nowhere else', (number, country) => {
    expect(parserFor([country]).parse(number)).toMatchObject({ number, country })
    expect(parserFor([country.toLowerCase()]).parse(number)).toMatchObject({ country })
    const others = ['US', 'DE', 'GB', 'RU', 'FR'].filter((other) => other !== country)
    expect(parserFor(others).parse(number)).toEqual({ status: 'number_not_allowed' })
  })

  // proves: NUM-3
  test.each([
    '+870773111632',
    '+881612345678',
    '+882161234567',
    '+883510012345678',
    '+878101234567890',
    '+979123456789',
    '+80012345678',
    '+80812345678',
  ])('%s belongs to no country, so not even all countries allow it', (number) => {
    expect(anywhere.parse(number)).toEqual({ status: 'number_not_allowed' })
  })

  test('+888 is no number of anyone', () => {
    expect(anywhere.parse('+88812345678')).toEqual({ status: 'invalid_number' })
  })

  // proves: NUM-5
  test('a national number is read in its own country and allowed by where it turns out to be', () => {
    expect(anywhere.parse('07911 123456', 'GB')).toMatchObject({ country: 'GG' })
    expect(parserFor(['GB']).parse('07911 123456', 'GB')).toEqual({ status: 'number_not_allowed' })
    expect(anywhere.parse('201 555 0100', 'US')).toMatchObject({ number: '+12015550100' })
    expect(anywhere.parse('1 201 555 0100', 'US')).toMatchObject({ number: '+12015550100' })
    expect(anywhere.parse('011 15 2345 6789', 'AR')).toMatchObject({ number: '+5491123456789' })
    expect(anywhere.parse('312 345 6789', 'IT')).toMatchObject({ number: '+393123456789' })
  })

  test('the country of a number that was parsed before', () => {
    expect(anywhere.countryOf('+4915112345678')).toBe('DE')
    expect(anywhere.countryOf('+447911123456')).toBe('GG')
    expect(anywhere.countryOf('+870773111632')).toBe('ZZ')
    expect(anywhere.countryOf('of another version')).toBe('ZZ')
  })

  test('a list of countries is checked entry by entry', () => {
    expect(validateCountries(['DE', 'us', 'XK', 'IM'])).toEqual([])
    const wrong = ['', 'DEU', 'ZZ', 'any', '001', '*', 49, null, undefined, ['DE'], 'EU', 'UK']
    expect(validateCountries(['DE', ...wrong])).toEqual(wrong)
  })
})

describe('line types', () => {
  // proves: NUM-4
  test.each([
    ['premium rate', '+19005551234'],
    ['premium rate', '+499001123456'],
    ['premium rate', '+33899123456'],
    ['premium rate', '+448431234567'],
    ['shared cost', '+491801234567'],
    ['toll free', '+18005551234'],
    ['toll free', '+498001234567'],
    ['pager', '+491641234567'],
    ['pager', '+447640123456'],
    ['company', '+443001234567'],
    ['company', '+445512345678'],
    ['personal', '+15005550006'],
    ['personal', '+447012345678'],
    ['voicemail', '+491779912345678'],
  ])('a %s number like %s is denied on every channel', (_, number) => {
    const parser = parserFor('any', true)
    const denied = { status: 'number_not_allowed' }
    expect(parser.parse(number, undefined, 'sms')).toEqual(denied)
    expect(parser.parse(number, undefined, 'voice')).toEqual(denied)
  })

  test.each([
    ['+4915112345678', 'mobile'],
    ['+12015550100', 'fixed_or_mobile'],
    ['+12015550199', 'fixed_or_mobile'],
    ['+525512345678', 'fixed_or_mobile'],
    ['+445612345678', 'voip'],
  ])('%s is %s and gets messages and calls', (number, lineType) => {
    const parser = parserFor('any', true)
    const channels = ['sms', 'voice']
    expect(parser.parse(number)).toMatchObject({ number, lineType, channels })
    expect(parser.parse(number, undefined, 'voice')).toMatchObject({ number, lineType, channels })
  })

  // proves: NUM-4
  test.each(['+4930231250', '+493023125042', '+861012345678', '+541123456789'])(
    'a landline like %s gets calls only',
    (number) => {
      expect(parserFor('any', true).parse(number, undefined, 'voice')).toMatchObject({
        number,
        lineType: 'fixed',
        channels: ['voice'],
      })
      expect(parserFor('any', true).parse(number)).toEqual({ status: 'number_not_allowed' })
      expect(anywhere.parse(number)).toEqual({ status: 'number_not_allowed' })
    },
  )

  // proves: SEND-5
  test('a call is refused where voice is not enabled', () => {
    expect(anywhere.parse('+4915112345678', undefined, 'voice')).toEqual({
      status: 'channel_not_allowed',
    })
  })
})

test('a masked number shows its last four digits', () => {
  expect(maskNumber('+12015550100')).toBe('•••0100')
})
