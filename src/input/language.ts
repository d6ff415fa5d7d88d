import type { Refused } from '../outcomes.js'
import { isHint } from './text.js'

const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' })

/**
 * The ISO 639-1 code of a BCP 47 tag such as `de-DE`, which is what browsers say and tyntec takes.
 * Nothing for a language that has none or is not known: then tyntec chooses by the number's country.
 */
export function languageOf(tag: unknown): string | undefined | Refused<'bad_request'> {
  if (!isHint(tag)) return { status: 'bad_request' }
  if (typeof tag !== 'string') return undefined
  const language = canonical(tag.replaceAll('_', '-'))
  // Filipino is Tagalog by a name of three letters.
  if (language === 'fil') return 'tl'
  return language?.length === 2 && names.of(language) ? language : undefined
}

/** `deu` is `de`, and `iw` is `he` today. */
function canonical(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).language
  } catch {
    return undefined
  }
}

const letters = [...'abcdefghijklmnopqrstuvwxyz']

/** The ISO 639-1 codes that have a name: what a browser's languages are looked for among. */
export const languages: readonly string[] = letters
  .flatMap((first) => letters.map((second) => first + second))
  .filter((code) => names.of(code) !== undefined)
