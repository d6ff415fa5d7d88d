import {
  type Check,
  invalid,
  list,
  optional,
  type Resolved,
  resolveGroup,
  shown,
  text,
} from '../options/values.js'
import { colors, type Palette } from './colors.js'
import { de } from './texts/de.js'
import { en } from './texts/en.js'
import { catalogue, type PageTexts } from './texts/texts.js'

/** The sign-in page that the router shows. Nothing but the name has to be given. */
export interface PageOptions {
  /** What the person signs in to, like `Acme`. Stands in the title and on top of the page. */
  name: string
  /** A picture in place of the name: a path of the app, or an `https:` URL. Its text is the name. */
  logo?: string | undefined
  /** `#rgb` or `#rrggbb`. What is not given has a colour that goes with the others. */
  colors?: { light?: Palette | undefined; dark?: Palette | undefined } | undefined
  /** Where somebody without this phone gets help: a path, an `https:` URL or `mailto:`. */
  helpUrl?: string | undefined
  /** A path or an `https:` URL. */
  termsUrl?: string | undefined
  /** A path or an `https:` URL. */
  privacyUrl?: string | undefined
  /**
   * Texts by language (BCP 47): a whole catalogue for a language of your own, single texts in place
   * of those of `en` and `de`.
   */
  texts?: Readonly<Record<string, Partial<PageTexts>>> | undefined
  /**
   * Which languages are offered. `Accept-Language` picks one, and the first is for everybody else.
   *
   * @default `en`, `de` and all of `texts`
   */
  languages?: readonly string[] | undefined
}

/** Options of the page once they are checked. */
export interface ResolvedPage extends Omit<Resolved<typeof table>, 'texts' | 'languages'> {
  languages: readonly [string, ...string[]]
  texts: ReadonlyMap<string, PageTexts>
}

const language: Check<string> = (name, value) => {
  try {
    const [tag] = Intl.getCanonicalLocales(typeof value === 'string' ? value : '')
    if (tag !== undefined) return tag
  } catch {}
  throw invalid(name, 'a language, like en or pt-BR')
}

const link = optional(linkTo('a path that begins with one slash, or an https URL'))

const table = {
  name: [text(/^(?=.*\S).{1,100}$/u, 'a text of up to 100 characters')],
  logo: [link],
  colors: [colors, {}],
  helpUrl: [
    optional(linkTo('a path that begins with one slash, an https URL or mailto:', 'mailto:')),
  ],
  termsUrl: [link],
  privacyUrl: [link],
  texts: [catalogues, {}],
  languages: [optional(list(language, [1, 100], 'a list of languages'))],
} as const

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolvePage(options: PageOptions): ResolvedPage {
  const resolved = resolveGroup('page', options, table)
  const { texts, languages = [...texts.keys()] } = resolved
  const [first, ...others] = new Set(languages)
  const missing = languages.find((language) => !texts.has(language))
  if (first === undefined || missing !== undefined) {
    throw invalid(`page.texts.${missing ?? ''}`, 'a catalogue, since the language is offered')
  }
  return { ...resolved, texts, languages: [first, ...others] }
}

function catalogues(name: string, value: unknown): Map<string, PageTexts> {
  if (typeof value !== 'object' || value === null)
    throw invalid(name, 'an object of texts by language')
  const found = new Map([
    ['en', en],
    ['de', de],
  ])
  for (const [key, own] of Object.entries(value)) {
    const path = `${name}.${shown(key)}`
    const tag = language(path, key)
    found.set(tag, catalogue(path, own, en, found.get(tag)))
  }
  return found
}

function linkTo(expected: string, also?: string): Check<string> {
  return (name, value) => {
    const url = typeof value === 'string' && /^[!-[\]-~]{1,2048}$/.test(value) ? value : ''
    const isOwn = /^\/(?!\/)/.test(url)
    const isOther = /^https:\/\/./i.test(url) && URL.canParse(url)
    if (isOwn || isOther || (also !== undefined && url.startsWith(also))) return url
    throw invalid(name, expected)
  }
}
