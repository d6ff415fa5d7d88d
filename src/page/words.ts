import { type Html, markup, type Part } from './markup.js'
import type { Plural } from './texts/texts.js'

/** Fills the words in braces in. What is filled in may be HTML, the text itself never is. */
export function fill(text: string, values: Record<string, Part>): Html {
  const parts = text.split(/\{(\w+)\}/)
  return markup`${parts.map((part, index) => (index % 2 === 0 ? part : values[part]))}`
}

/** The same for text that goes where no HTML does, such as an attribute. */
export function fillText(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
}

/** The form that the language has for this many. */
export function plural(language: string, forms: Plural, count: number): string {
  const form = forms[new Intl.PluralRules(language).select(count)] ?? forms.other
  return form.replaceAll('{count}', String(count))
}

/** "5 minutes", never told as longer than it is. */
export function lasting(language: string, seconds: number): string {
  return duration(language, rounded(seconds, Math.floor))
}

/** "27 seconds", never told as shorter than it is. */
export function waiting(language: string, seconds: number): string {
  return duration(language, rounded(seconds, Math.ceil))
}

/** "in 5 minutes", never told as shorter than it is. */
export function fromNow(language: string, seconds: number): string {
  return new Intl.RelativeTimeFormat(language).format(...rounded(seconds, Math.ceil))
}

type Unit = 'second' | 'minute' | 'hour'

function duration(language: string, [count, unit]: [count: number, unit: Unit]): string {
  const style = { style: 'unit', unit, unitDisplay: 'long' } as const
  return new Intl.NumberFormat(language, style).format(count)
}

function rounded(seconds: number, round: (value: number) => number): [count: number, unit: Unit] {
  if (seconds <= 90) return [Math.max(1, round(seconds)), 'second']
  if (seconds <= 90 * 60) return [round(seconds / 60), 'minute']
  return [round(seconds / 3600), 'hour']
}

/** "Germany and United States" */
export function countryList(language: string, countries: readonly string[]): string {
  const names = new Intl.DisplayNames([language], { type: 'region' })
  const list = countries.map((country) => names.of(country) ?? country)
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(list)
}

/** Right to left, by the script that the language is written in. */
export function direction(language: string): 'ltr' | 'rtl' {
  const { script } = new Intl.Locale(language).maximize()
  return /^(Arab|Hebr|Thaa|Syrc|Nkoo|Adlm)$/.test(script ?? '') ? 'rtl' : 'ltr'
}
