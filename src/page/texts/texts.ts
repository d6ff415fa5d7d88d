import { invalid, shown } from '../../options/values.js'
import type { PageChannel, PageProblem } from '../state.js'

/** A text for each plural form that the language has: `Intl.PluralRules` picks one. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/**
 * All that the page says, in one language. Words in braces are filled in, and each text may leave
 * them out:
 *
 * - `{to}`: the number, masked. `{example}`: how a number is written. `{countries}`: a list of names
 * - `{length}`: digits, or characters, of a code. `{count}`: how many
 * - `{time}`: a duration, like "5 minutes". `{when}`: like "in 5 minutes"
 */
export interface PageTexts {
  title: string
  errorTitle: string
  errorHeading: string
  errorPrefix: string

  numberHeading: string
  numberLabel: string
  numberHint: string
  /** Only where a few countries are allowed. */
  countries: string
  viaLegend: string
  via: Record<PageChannel, string>
  send: string
  rates: string

  codeHeading: string
  codeLabel: string
  sent: Record<PageChannel, string>
  /** The same of codes that have letters too. */
  sentLetters: Record<PageChannel, string>
  delivered: string
  failed: string
  failedAdvice: string
  /** The same where there is no other way. */
  failedNumber: string
  unconfirmed: string
  /** The code step while the store can't be asked. */
  outage: string
  works: string
  /** Written by the script, which knows the person's time zone. */
  worksUntil: string
  check: string
  resend: Record<PageChannel, string>
  /** Another way than the last one. */
  instead: Record<PageChannel, string>
  wait: string
  usedUp: string
  change: string

  ended: Record<'expired' | 'attempts', string>
  endedHint: string
  endedUsedUp: string
  newCode: string

  signedIn: string
  signedInHint: string
  goOn: string

  noPhone: string
  help: string
  terms: string
  privacy: string

  /** Said once, after the code has been sent again. */
  resent: Record<PageChannel, string>
  /** Said by the script, each once. */
  canResend: string
  filled: string
  sending: string
  checking: string

  triesLeft: Plural
  /** In place of `invalid_number`, where a number can be read as two. */
  writePlus: string
  /** In place of `malformed_code`, where codes have letters too. */
  malformedLetters: string
  /** `{when}` where nobody knows how long. */
  later: string
  problems: Record<PageProblem['code'], string>
}

/**
 * The texts that an app has given, with those of `base` where it gives none. A language without a
 * base has to be whole; which texts there are, and which are groups, is read from `shape`.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`, with the name of the text that is missing or unknown
 */
export function catalogue<Texts extends object>(
  path: string,
  given: unknown,
  shape: Texts,
  base: Texts | undefined,
): Texts {
  if (!isGroup(given)) throw invalid(path, 'an object of texts')
  const shapes = new Map<string, unknown>(Object.entries(shape))
  const bases = new Map<string, unknown>(Object.entries(base ?? {}))
  const own = new Map<string, unknown>(Object.entries(given))
  // Which forms a plural has differs from one language to the next.
  const isPlural = shapes.has('other')
  const unknown = [...own.keys()].find((name) => !shapes.has(name) && !isPlural)
  if (unknown !== undefined) throw invalid(`${path}.${shown(unknown)}`, 'a text of the page')

  const texts = new Map(bases)
  for (const name of new Set([...shapes.keys(), ...own.keys()])) {
    const at = `${path}.${shown(name)}`
    const kind = shapes.get(name)
    const value = own.get(name)
    if (value === undefined) {
      const optional = texts.has(name) || (isPlural && name !== 'other')
      if (!optional) throw invalid(at, 'there, since the language has no texts of its own')
    } else if (isGroup(kind)) {
      const group = bases.get(name)
      texts.set(name, catalogue(at, value, kind, isGroup(group) ? group : undefined))
    } else if (typeof value === 'string') texts.set(name, value)
    else throw invalid(at, 'a text')
  }
  return Object.fromEntries(texts) as Texts // each name of the shape is there, as what it is there
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
