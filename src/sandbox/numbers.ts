export type Line = 'mobile' | 'landline'

export type NumberReading =
  | { status: 'parsed'; number: string; line: Line }
  | { status: 'invalid'; reason: string }

/** Reads a number as tyntec does, with the optional `country` of a send. */
export type ReadNumber = (input: string, country?: string) => NumberReading

const cacheSize = 10_000

/** Loads the numbering plans, so it is only called when a sandbox starts. */
export async function createNumberReader(): Promise<ReadNumber> {
  const { getCountryCodeForRegionCode, parsePhoneNumber } = await import('awesome-phonenumber')
  const cache = new Map<string, NumberReading>()

  const invalid = (reason: string): NumberReading => ({ status: 'invalid', reason })

  /** With `callingCode`, a number of another country is refused. */
  function international(digits: string, callingCode?: number): NumberReading {
    const parsed = parsePhoneNumber(`+${digits}`)
    const national = parsed.number?.significant ?? ''
    // Numbering plans are always a little out of date, and numbers reserved for fiction count as
    // invalid in some: a number of a possible length is good enough to be dialled.
    if (!parsed.number || !(parsed.valid || (parsed.possible && national.length >= 7))) {
      return invalid('Invalid number format')
    }
    if (callingCode !== undefined && parsed.countryCode !== callingCode) {
      return invalid('The country code of the number does not match the country')
    }
    return {
      status: 'parsed',
      number: parsed.number.e164,
      line: parsed.type === 'fixed-line' ? 'landline' : 'mobile',
    }
  }

  function read(input: string, country: string | undefined): NumberReading {
    if (!/^(?:\+|00)?[0-9]{4,17}$/.test(input)) {
      return invalid(
        input.startsWith(' ') || input === ''
          ? 'Invalid number format: in a query a + has to be written as %2B'
          : 'Invalid number format: digits only, with +, 00 or nothing in front',
      )
    }
    const prefix = /^(?:\+|00)/.exec(input)?.[0]
    const digits = input.slice(prefix?.length ?? 0)
    const region = country?.toUpperCase()
    const callingCode = region === undefined ? undefined : getCountryCodeForRegionCode(region)
    if (callingCode === 0) return invalid('Unknown country')

    if (prefix !== undefined) return international(digits, callingCode)
    if (region === undefined) {
      return digits.startsWith('0')
        ? invalid('A number without a country code needs the parameter country')
        : international(digits)
    }
    const withCountryCode = international(digits, callingCode)
    if (withCountryCode.status === 'parsed') return withCountryCode
    const national = parsePhoneNumber(digits, { regionCode: region })
    return national.valid
      ? international(national.number.e164.slice(1), callingCode)
      : invalid('The number does not match the country')
  }

  return (input, country) => {
    const key = `${country ?? ''} ${input}`
    const known = cache.get(key)
    if (known) return known
    if (cache.size >= cacheSize) cache.clear()
    const reading = read(input, country)
    cache.set(key, reading)
    return reading
  }
}
