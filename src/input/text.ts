/*
 * What people type looks the same and is not: digits of their own keypad, the spaces and dashes of
 * a text they copied from, signs that nobody sees. Here it becomes plain; what it means is read elsewhere.
 */

/** Long enough for any spelling of a number and any tag, short enough to cost nothing. */
export const longest = 64

/**
 * Whether a value may be a hint, such as a country or a language: what is not known is then not
 * looked at, and refuses nothing. Lists, objects and long texts are none.
 */
export function isHint(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= longest : typeof value !== 'object' || !value
}

/** Signs that are not seen: marks of direction, joiners, a byte order mark, variation selectors. */
const invisible = /[\p{Cf}\p{Variation_Selector}]/gu

/** Spaces and dashes, whatever their width, and the minus sign. */
const gaps = /[\p{Zs}\p{Pd}\u2212]/gu

/**
 * A text with plain digits, without what is not seen, and without white space at its ends.
 * Full-width forms become those of ASCII; all else stays as it is.
 */
export function plainText(text: string): string {
  // Most texts are plain already.
  if (/^[ -~]*$/.test(text)) return text.trim()
  return text
    .replace(invisible, '')
    .replace(/\p{Nd}/gu, digitOf)
    .replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0))
    .trim()
}

/** A plain text without spaces and dashes. */
export function withoutGaps(text: string): string {
  return text.replace(gaps, '')
}

/** Unicode has decimal digits in rows of ten that begin with zero; rows may follow each other. */
function digitOf(sign: string): string {
  const code = sign.codePointAt(0) ?? 0
  let first = code
  while (isDigit(first - 1)) first -= 1
  return String((code - first) % 10)
}

function isDigit(code: number): boolean {
  return /\p{Nd}/u.test(String.fromCodePoint(code))
}
