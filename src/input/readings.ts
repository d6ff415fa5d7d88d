import {
  type CountryCode,
  type NumberType,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'
import { type Country, countryByCallingCode, countryFor, dialledAbroad } from './countries.js'

/*
 * What digits mean. The same digits can be one number in one country and another elsewhere, and a
 * message to the wrong one goes to a stranger. So all readings are looked at, and only a text that
 * has one is a number. Nothing is rewritten before the library has read it.
 */

/** A number that exists, as the library reads it. */
export interface Reading {
  /** E.164. */
  readonly number: string
  /** Satellite and other ranges belong to none. */
  readonly country: CountryCode | undefined
  readonly type: NumberType & string
}

/** `none`: no number. `several`: more than one, and which one was meant cannot be known. */
export type Read = Reading | 'none' | 'several'

/** Reads digits that follow a plus sign. */
export function readInternational(digits: string): Read {
  const reading = parse(`+${digits}`)
  if (!reading) return 'none'
  return isDoubled(digits, reading) ? 'several' : reading
}

/**
 * Reads digits as they are dialled in a country.
 *
 * @param allowed whether a person of a country may be meant at all
 */
export function readDialled(
  digits: string,
  country: Country,
  allowed: (country: CountryCode) => boolean,
): Read {
  const abroad = dialledAbroad(digits, country)
  if (abroad.length > 0) return readAbroad(digits, abroad)
  const home = parse(digits, country.code)
  if (!home) return 'none'
  // Where `00` is no prefix a number may begin with it, and people write it for the plus sign all the same.
  if (digits.startsWith('00') && readInternational(digits.slice(2)) !== 'none') return 'several'
  const { callingCode } = country
  const typed = readInternational(digits)
  // Without its plus sign. In North America the calling code is dialled at home too.
  if (digits.startsWith(callingCode) && typed !== 'none') {
    return callingCode === '1' ? only([home, typed]) : 'several'
  }
  // A landline here that is a mobile elsewhere: its owner has left the plus sign out.
  const isElsewhere =
    typeof typed === 'object' &&
    typed.type === 'MOBILE' &&
    typed.country !== undefined &&
    allowed(typed.country)
  return isElsewhere && home.type !== 'MOBILE' ? 'several' : home
}

/**
 * Reads digits of which nobody knows where they are dialled: `00` is the prefix for calls abroad in
 * most countries, but it must not begin another number in one of the others.
 */
export function readAnywhere(digits: string, ways: readonly Country[]): Read {
  const [way] = ways
  if (way && ways.length === 1) {
    // A number without any prefix is not read: nobody has said that it is one of this country.
    const abroad = dialledAbroad(digits, way)
    return abroad.length > 0 ? readAbroad(digits, abroad) : 'none'
  }
  if (!digits.startsWith('00')) return 'none'
  const plain = readInternational(digits.slice(2))
  if (typeof plain === 'string') return plain
  const others = new Set(ways.flatMap((each) => dialledAbroad(digits, each)))
  const home = ways
    .filter((each) => dialledAbroad(digits, each).length === 0)
    .map((each) => parse(digits, each.code) ?? 'none')
  return only([plain, ...[...others].map(readInternational), ...home])
}

/** @param rests what is left of the digits when a prefix of the country is taken off */
function readAbroad(digits: string, rests: readonly string[]): Read {
  const reading = only(rests.map(readInternational))
  // People write `00` for the plus sign elsewhere too. It is not read so, but it must not be another number.
  const plain = digits.startsWith('00') ? readInternational(digits.slice(2)) : 'none'
  if (typeof plain === 'string') return reading
  return typeof reading === 'object' && reading.number === plain.number ? reading : 'several'
}

/** ISO 3166-1 code of an E.164 number that was read before. */
export function countryOf(number: string): string {
  return countryByCallingCode(number) ?? parsePhoneNumberFromString(number)?.country ?? 'ZZ'
}

/** The number that all readings are which are numbers. */
function only(readings: readonly Read[]): Read {
  const numbers = readings.filter((reading) => reading !== 'none')
  const [first] = numbers
  if (first === undefined || first === 'several') return first ?? 'none'
  const same = numbers.every((each) => each !== 'several' && each.number === first.number)
  return same ? first : 'several'
}

/**
 * Whether the calling code is there twice: `+1 1 415…`, and `+49 49 172…`, which is a landline of a
 * place whose code is 049172 too. A mobile never is: people have those, and the library knows them.
 */
function isDoubled(digits: string, { number, country, type }: Reading): boolean {
  const code = country && countryFor(country)?.callingCode
  if (!code || !digits.startsWith(code + code)) return false
  if (number !== `+${digits}`) return true
  return type === 'FIXED_LINE' && parse(`+${digits.slice(code.length)}`)?.type === 'MOBILE'
}

function parse(text: string, defaultCountry?: CountryCode): Reading | undefined {
  const parsed = parsePhoneNumberFromString(text, {
    extract: false,
    ...(defaultCountry && { defaultCountry }),
  })
  // What is of no type is of no length or range that exists.
  const type = parsed?.getType()
  if (!parsed || !type || !/^\+[1-9][0-9]{6,14}$/.test(parsed.number)) return undefined
  return { number: parsed.number, country: parsed.country, type }
}
