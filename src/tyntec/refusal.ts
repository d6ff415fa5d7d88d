import type { ProviderAnswer } from '../errors.js'
import { jsonOrNothing, own, isObject } from './body.js'
import type { Answer } from './transport.js'
import { printable } from './words.js'

/**
 * What an answer that is no result says, from either of tyntec's forms: `ErrorResponse` of the 2FA API,
 * `Problem` (RFC 9457) of SMS and Chat.
 */
export function providerOf(answer: Answer): ProviderAnswer {
  const { status } = answer
  const value = jsonOrNothing(answer)
  if (!isObject(value)) return { status }
  const sent = answer.sent()
  const code = codeOf(value, sent)
  const words = wordsOf(value)
  const message = printable(words, sent)
  return {
    status,
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message }),
    ...(status === 400 && isAboutNumber(code, words) && { about: 'number' }),
  }
}

/**
 * Whether the body is an `ErrorResponse`, whatever type its `code` has. Gateways answer a rejected key
 * with a `message` alone, with properties that tyntec's errors have not, or with words about the key.
 */
export function isErrorResponse(value: unknown): boolean {
  if (!isObject(value)) return false
  const message = own(value, 'message')
  if (typeof message !== 'string' || aboutKey.test(message)) return false
  if (foreign.some((name) => own(value, name) !== undefined)) return false
  return ['code', 'id', 'timestamp'].some((name) => own(value, name) !== undefined)
}

/** A `Problem`: what RFC 9457 requires of one, and tyntec always sends. */
export function isProblem(value: unknown): boolean {
  return isObject(value) && typeof own(value, 'title') === 'string'
}

const aboutKey = /\bapi.?key|\bcredential|unauthori[sz]ed|authenticat|\btoken\b|subscription/i
const foreign = ['error', 'path', 'status', 'statusCode', 'description', 'fault']

/** Anything longer than tyntec's codes are, or that was sent, might be a person's number or code. */
function codeOf(value: object, sent: readonly string[]): string | undefined {
  const given = own(value, 'code') ?? nameIn(own(value, 'type'))
  const code = typeof given === 'number' ? String(given) : given
  if (typeof code !== 'string' || sent.includes(code)) return undefined
  return /^(?:\d{1,4}|[A-Za-z][A-Za-z_-]{2,47})$/.test(code) ? code : undefined
}

/** The name at the end of a problem's type, `https://docs.tyntec.com/problems/DataNotParseable`. */
function nameIn(type: unknown): string | undefined {
  return typeof type === 'string' ? /\/([A-Za-z_-]+)$/.exec(type)?.[1] : undefined
}

function wordsOf(value: object): string {
  const parts = ['message', 'title', 'detail'].map((name) => own(value, name))
  const texts = parts.filter((part) => typeof part === 'string')
  return texts.map((text) => text.slice(0, 1000)).join(': ')
}

/** Codes that tyntec documents, none of them about the number: PIN length, expiry, name. */
const operatorCodes = ['1006', '1008', '1017']

const numberWords = /\b(?:number(?!s? of\b)|msisdn|phone|recipient|destination|subscriber)/i

/** What only the operator can change, also where the number is named in the same sentence. */
const operatorWords =
  /\b(?:balance|credits?|funds?|payment|prepaid|quota|limit|budget|too many|exceed|account|contract|api.?key|permission|authori|application|templates?|text|placeholder|language|sender|caller|originator|source|from|pin|pin.?length|otp.?code|expir|attempts?|via|channel|reference|enabled|activated|white.?list|allow.?list|internal|server)/i

/**
 * tyntec documents neither the code nor the words of a refused number, so its words decide where they
 * are clear, and everything else is the operator's: a wrong number that is told as an outage is seen in the log,
 * an empty account that is told as a wrong number never is.
 */
function isAboutNumber(code: string | undefined, words: string): boolean {
  if (code !== undefined && operatorCodes.includes(code)) return false
  return numberWords.test(words) && !operatorWords.test(words)
}
