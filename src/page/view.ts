import type { ResolvedPage } from './options.js'
import type { PageChannel } from './state.js'
import type { PageTexts } from './texts/texts.js'

/** Names of the fields of a form, as the app has them. */
export interface PageFields {
  number: string
  code: string
  via: string
  language: string
}

/** What a page is made with, whatever it shows. */
export interface PageView {
  page: ResolvedPage
  texts: PageTexts
  /** BCP 47, as `lang` says it. */
  language: string
  /** From this page's own address to the routes, like `./login/`. */
  base: string
  /** Names of the files beside the routes. */
  files: { style: string; script: string }
  fields: PageFields
  /** Fields that each form takes along, such as a token of the app's. */
  hidden: Record<string, string>
  /** How a first code can travel. */
  channels: readonly PageChannel[]
  countries: readonly string[] | 'any'
  /** How a number begins, like `+49`. */
  example: string
  codeLength: number
  codeAlphabet: 'digits' | 'alphanumeric'
  /** Where somebody goes who is signed in. */
  next: string
}
