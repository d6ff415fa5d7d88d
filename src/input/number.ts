import type { Channel, InvalidNumber, Refused } from '../outcomes.js'
import { countryFor, waysOfDialling } from './countries.js'
import {
  countryOf,
  type Read,
  type Reading,
  readAnywhere,
  readDialled,
  readInternational,
} from './readings.js'
import { isHint, longest, plainText, withoutGaps } from './text.js'

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

export type NumberRefusal =
  | InvalidNumber
  | Refused<'bad_request' | 'number_required' | 'number_not_allowed' | 'channel_not_allowed'>

export interface NumberParser {
  /**
   * Reads a number as a person wrote it.
   *
   * @param country ISO 3166-1 code of where the number is dialled as it is written. What is no such
   * code, or is not needed, is not looked at.
   * @param via refuses a number that cannot be reached this way. It never changes what is read.
   */
  parse(input: unknown, country?: unknown, via?: Channel): ParsedNumber | NumberRefusal
  /** ISO 3166-1 code of a number that was parsed before; `ZZ` where it has none. */
  countryOf(number: string): string
  readonly channels: readonly Channel[]
}

export interface NumberRules {
  countries: readonly string[] | 'any'
  /** In the order in which they are offered. */
  channels: readonly Channel[]
}

const lineTypes: Partial<Record<Reading['type'], LineType>> = {
  MOBILE: 'mobile',
  FIXED_LINE_OR_MOBILE: 'fixed_or_mobile',
  FIXED_LINE: 'fixed',
  VOIP: 'voip',
}

export function createNumberParser({ countries, channels }: NumberRules): NumberParser {
  const allowed =
    countries === 'any' ? undefined : new Set(countries.map((each) => each.toUpperCase()))
  const isAllowed = (country: string) => !allowed || allowed.has(country)
  const ways = waysOfDialling(countries)
  const [usual = 'sms'] = channels
  // Nothing can be written to a landline.
  const fixedChannels = channels.filter((channel) => channel === 'voice')

  function read(text: string, countryCode: unknown): Read {
    if (/^\+[1-9][0-9]{6,}$/.test(text)) return readInternational(text.slice(1))
    if (!/^[0-9]{3,}$/.test(text)) return 'none'
    const country = countryFor(countryCode)
    return country ? readDialled(text, country, isAllowed) : readAnywhere(text, ways)
  }

  return {
    channels,
    countryOf,

    parse(input, country, via = usual) {
      if (input === undefined || input === null) return { status: 'number_required' }
      if (typeof input !== 'string' || input.length > longest) return { status: 'bad_request' }
      if (!isHint(country)) return { status: 'bad_request' }
      const text = plainText(input)
      if (text === '') return { status: 'number_required' }
      if (!channels.includes(via)) return { status: 'channel_not_allowed' }

      const reading = read(signsOf(text), country)
      if (reading === 'none') return { status: 'invalid_number' }
      if (reading === 'several') return { status: 'invalid_number', hint: 'write_plus' }
      // Satellite and other ranges without a country are denied even when all countries are allowed.
      if (!reading.country || !isAllowed(reading.country)) return { status: 'number_not_allowed' }
      const lineType = lineTypes[reading.type]
      const reachable = lineType === 'fixed' ? fixedChannels : channels
      if (!lineType || !reachable.includes(via)) return { status: 'number_not_allowed' }
      return {
        number: reading.number,
        country: reading.country,
        lineType,
        channels: [...reachable],
      }
    },
  }
}

/** What a person writes around the digits means nothing. */
function signsOf(text: string): string {
  return withoutGaps(text.replace(/^tel:/i, '')).replace(/[.()/]/g, '')
}

/** What may be shown of a number: its last four digits. */
export function maskNumber(number: string): string {
  return `•••${number.slice(-4)}`
}
