export type Line = 'mobile' | 'landline'

export type NumberReading =
  | {
      status: 'parsed'
      number: string
      line: Line
      /** ISO 639-1: what most people speak in the number's country. */
      language: string
    }
  | { status: 'invalid'; reason: string }

/** Reads a number as tyntec does, with the optional `country` of a send. */
export type ReadNumber = (input: string, country?: string) => NumberReading

const cacheSize = 10_000

/** Loads the numbering plans, so it is only called when a sandbox starts. */
export async function createNumberReader(): Promise<ReadNumber> {
  const { getCountryCallingCode, isSupportedCountry, parsePhoneNumberFromString } =
    await import('libphonenumber-js/max')
  const cache = new Map<string, NumberReading>()

  const invalid = (reason: string): NumberReading => ({ status: 'invalid', reason })

  /** With `callingCode`, a number of another country is refused. */
  function international(digits: string, callingCode?: string): NumberReading {
    const parsed = parsePhoneNumberFromString(`+${digits}`, { extract: false })
    // Numbering plans are always a little out of date, and numbers reserved for fiction count as
    // invalid in some: a number of a possible length is good enough to be dialled.
    const dialled = parsed?.isValid() || (parsed?.isPossible() && parsed.nationalNumber.length >= 7)
    if (!parsed || !dialled) {
      return invalid('Invalid number format')
    }
    if (callingCode !== undefined && parsed.countryCallingCode !== callingCode) {
      return invalid('The country code of the number does not match the country')
    }
    return {
      status: 'parsed',
      number: parsed.number,
      line: parsed.getType() === 'FIXED_LINE' ? 'landline' : 'mobile',
      language: languageOf(parsed.country),
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
    if (region !== undefined && !isSupportedCountry(region)) return invalid('Unknown country')
    const callingCode = region === undefined ? undefined : getCountryCallingCode(region)

    if (prefix !== undefined) return international(digits, callingCode)
    if (region === undefined) {
      return digits.startsWith('0')
        ? invalid('A number without a country code needs the parameter country')
        : international(digits)
    }
    const withCountryCode = international(digits, callingCode)
    if (withCountryCode.status === 'parsed') return withCountryCode
    const national = parsePhoneNumberFromString(digits, {
      defaultCountry: region,
      extract: false,
    })
    return national?.isValid()
      ? international(national.number.slice(1), callingCode)
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

function languageOf(country: string | undefined): string {
  return country === undefined ? 'en' : new Intl.Locale(`und-${country}`).maximize().language
}
