import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  isSupportedCountry,
  Metadata,
} from 'libphonenumber-js/max'

/** What a country's own rules say of a number that is dialled there. */
export interface Country {
  /** ISO 3166-1. */
  readonly code: CountryCode
  readonly callingCode: string
  /** Matches a whole prefix for calls abroad: `00`, `011`, `0011`. */
  readonly prefix: RegExp
}

const known = new Map<string, Country>()

/** A country by its ISO 3166-1 code; nothing for what is none, like `UK`. */
export function countryFor(code: unknown): Country | undefined {
  if (typeof code !== 'string' || !/^[A-Za-z]{2}$/.test(code)) return undefined
  const upper = code.toUpperCase()
  return isSupportedCountry(upper) ? (known.get(upper) ?? read(upper)) : undefined
}

function read(code: CountryCode): Country {
  const metadata = new Metadata()
  metadata.selectNumberingPlan(code)
  const country = {
    code,
    callingCode: getCountryCallingCode(code),
    prefix: new RegExp(`^(?:${metadata.numberingPlan?.IDDPrefix()})$`),
  }
  known.set(code, country)
  return country
}

/**
 * Countries in which every number is dialled alike: one for each way. Where only one way is left, it is
 * known how a number is dialled.
 */
export function waysOfDialling(countries: readonly string[] | 'any'): Country[] {
  const ways = new Map<string, Country>()
  for (const code of countries === 'any' ? getCountries() : countries) {
    const country = countryFor(code)
    if (country) ways.set(`${country.callingCode} ${country.prefix.source}`, country)
  }
  return [...ways.values()]
}

/** The longest prefix for calls abroad has eight digits, in Australia. */
const longestPrefix = 8

/**
 * What is left of digits when a prefix for calls abroad is taken off. There can be several, as in
 * Hong Kong, where both `00` and `001` are prefixes. No country's code begins with a zero.
 */
export function dialledAbroad(digits: string, { prefix }: Country): string[] {
  const rests: string[] = []
  for (let length = 1; length <= longestPrefix; length += 1) {
    if (digits[length] === '0' || !prefix.test(digits.slice(0, length))) continue
    rests.push(digits.slice(length))
  }
  return rests
}

/** The entries of a list of countries that are no ISO 3166-1 codes of countries with numbers. */
export function validateCountries(list: readonly unknown[]): unknown[] {
  return list.filter((entry) => countryFor(entry) === undefined)
}

const byCallingCode = new Map<string, CountryCode[]>()
for (const country of getCountries()) {
  const code = getCountryCallingCode(country)
  byCallingCode.set(code, [...(byCallingCode.get(code) ?? []), country])
}

/** The country of an E.164 number whose calling code no other country has. */
export function countryByCallingCode(number: string): CountryCode | undefined {
  for (let end = 2; end <= 4; end += 1) {
    const countries = byCallingCode.get(number.slice(1, end))
    if (countries) return countries.length === 1 ? countries[0] : undefined
  }
  return undefined
}
