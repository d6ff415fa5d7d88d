import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  type NumberType,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'
import type { Channel, Refused } from '../outcomes.js'

/** What a number belongs to. Kinds that cost the caller or reach no phone are refused. */
export type LineType = 'mobile' | 'fixed_or_mobile' | 'fixed' | 'voip'

export interface ParsedNumber {
  /** E.164: the only spelling that limits, keys and tyntec get to see. */
  number: string
  /** ISO 3166-1. */
  country: string
  lineType: LineType
  /** How this number can be reached with what the app allows. Never empty. */
  channels: Channel[]
}

export type NumberRefusal = Refused<
  | 'bad_request'
  | 'number_required'
  | 'invalid_number'
  | 'number_not_allowed'
  | 'channel_not_allowed'
>

export interface NumberParser {
  /** `country` is an ISO 3166-1 code that a number without a country code is read with. */
  parse(input: unknown, country?: unknown, via?: Channel): ParsedNumber | NumberRefusal
  /** ISO 3166-1 code of a number that was parsed before. */
  countryOf(number: string): string
}

export interface NumberRules {
  countries: readonly string[] | 'any'
  voice: boolean
}

/** Long enough for any spelling of a number, short enough to cost nothing. */
const longest = 64

const lineTypes: Partial<Record<NumberType & string, LineType>> = {
  MOBILE: 'mobile',
  FIXED_LINE_OR_MOBILE: 'fixed_or_mobile',
  FIXED_LINE: 'fixed',
  VOIP: 'voip',
}

export function createNumberParser({ countries, voice }: NumberRules): NumberParser {
  const allowed = countries === 'any' ? undefined : new Set(countries.map(upperCase))
  const channels: Channel[] = voice ? ['sms', 'voice'] : ['sms']
  const fixedChannels = channels.filter((channel) => channel !== 'sms')

  return {
    countryOf: (number) => parsePhoneNumberFromString(number)?.country ?? 'ZZ',

    parse(input, country, via = 'sms') {
      const read = readInput(input, country)
      if ('status' in read) return read
      if (!channels.includes(via)) return { status: 'channel_not_allowed' }

      const parsed = parsePhoneNumberFromString(read.digits, {
        extract: false,
        ...(read.country && { defaultCountry: read.country }),
      })
      if (!parsed?.isValid() || !/^\+[1-9][0-9]{6,14}$/.test(parsed.number)) {
        return { status: 'invalid_number' }
      }
      // A national number that begins with a prefix for calls abroad is read as one of elsewhere.
      if (read.country && getCountryCallingCode(read.country) !== parsed.countryCallingCode) {
        return { status: 'invalid_number' }
      }
      // Satellite and other ranges without a country are denied even when all countries are allowed.
      if (!parsed.country || (allowed && !allowed.has(parsed.country))) {
        return { status: 'number_not_allowed' }
      }
      const type = parsed.getType()
      const lineType = type && lineTypes[type]
      if (!lineType) return { status: 'number_not_allowed' }
      const reachable = lineType === 'fixed' ? fixedChannels : channels
      if (!reachable.includes(via)) return { status: 'number_not_allowed' }
      return {
        number: parsed.number,
        country: parsed.country,
        lineType,
        channels: [...reachable],
      }
    },
  }
}

/**
 * The library reads letters, extensions, prose and digits of every script. So it only gets to see
 * digits: what a person may write around them is taken away here, and all else is no number.
 */
function readInput(
  input: unknown,
  countryInput: unknown,
): { digits: string; country: CountryCode | undefined } | NumberRefusal {
  if (input === undefined || input === null) return { status: 'number_required' }
  if (typeof input !== 'string' || input.length > longest) return { status: 'bad_request' }
  const country = readCountry(countryInput)
  if (country === 'invalid') return { status: 'bad_request' }
  if (/^ *$/.test(input)) return { status: 'number_required' }

  const plain = input.replace(/[ .()-]/g, '').replace(/^00/, '+')
  if (/^\+[1-9][0-9]{6,14}$/.test(plain)) return { digits: plain, country: undefined }
  if (country && /^[0-9]{3,15}$/.test(plain)) return { digits: plain, country }
  return { status: 'invalid_number' }
}

/** Forms send an empty text for a country that was not chosen. */
function readCountry(input: unknown): CountryCode | 'invalid' | undefined {
  if (input === undefined || input === null || input === '') return undefined
  if (typeof input !== 'string' || !/^[A-Za-z]{2}$/.test(input)) return 'invalid'
  const country = upperCase(input)
  return isSupportedCountry(country) ? country : 'invalid'
}

/** The entries of a list of countries that are no ISO 3166-1 codes of countries with numbers. */
export function validateCountries(list: readonly unknown[]): unknown[] {
  return list.filter((entry) => readCountry(entry) === 'invalid' || !entry)
}

/** What may be shown of a number: its last four digits. */
export function maskNumber(number: string): string {
  return `•••${number.slice(-4)}`
}

function upperCase(text: string): string {
  return text.toUpperCase()
}
