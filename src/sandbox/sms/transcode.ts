import { isGsm, splitSms } from './parts.js'
import type { SmsRequest } from './request.js'

/**
 * Makes a text fit for GSM-7 as far as the request allows: in upper case where that saves parts,
 * without accents up to the share `trate`, without further characters up to the share `mrate`.
 * Leaves it as it is when it does not get there.
 */
export function transcode(text: string, { trate, mrate, upperCased }: SmsRequest): string {
  if (isGsm(text)) return text
  const upper = text.toUpperCase()
  if (upperCased && isGsm(upper) && splitSms(upper).parts.length < splitSms(text).parts.length) {
    return upper
  }
  const characters = Array.from(text)
  const foreign = characters.filter((character) => !isGsm(character))
  const plain = new Map(foreign.map((character) => [character, withoutAccents(character)]))
  const replaced = foreign.filter((character) => plain.get(character) !== '').length
  const skipped = foreign.length - replaced
  if (replaced > trate * characters.length || skipped > mrate * characters.length) return text
  return characters.map((character) => plain.get(character) ?? character).join('')
}

/** `''` when nothing of GSM-7 is left. */
function withoutAccents(character: string): string {
  const base = character.normalize('NFKD').replace(/\p{M}/gu, '')
  return base !== character && isGsm(base) ? base : ''
}
