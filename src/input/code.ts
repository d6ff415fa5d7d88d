import type { Refused } from '../outcomes.js'
import { plainText, withoutGaps } from './text.js'

export interface CodeRules {
  /** Characters of a code. */
  length: number
  /** `alphanumeric` codes hold the letters a to z as well. tyntec's are lower case. Default `digits`. */
  alphabet?: 'digits' | 'alphanumeric' | undefined
}

export type CodeRefusal = Refused<'bad_request' | 'code_required' | 'malformed_code'>

/** Six parts of an SMS: long enough for the whole message, short enough to cost nothing. */
const longest = 960

/**
 * The code as tyntec knows it, from what a person typed or pasted: the code alone, or the whole
 * message. It stays text: a code may begin with zeros. A wrong length or sign is found here, before
 * it costs an attempt.
 */
export function normaliseCode(
  input: unknown,
  { length, alphabet = 'digits' }: CodeRules,
): { code: string } | CodeRefusal {
  if (input === undefined || input === null) return { status: 'code_required' }
  if (typeof input !== 'string') return { status: 'bad_request' }
  if (input.length > longest) return { status: 'malformed_code' }
  const text = plainText(input)
  if (text === '') return { status: 'code_required' }

  const signs = alphabet === 'digits' ? /^[0-9]+$/ : /^[0-9A-Za-z]+$/
  const isCode = (each: string) => each.length === length && signs.test(each)
  const alone = withoutGaps(text)
  const code = isCode(alone) ? alone : codeIn(text, isCode)
  return code === undefined ? { status: 'malformed_code' } : { code: code.toLowerCase() }
}

/** The code in a message: where its last line says it, or the only run that can be one. */
function codeIn(message: string, isCode: (text: string) => boolean): string | undefined {
  // No telephone shows these, or the text was damaged on its way: it is no message.
  if (/[^\P{Cc}\t\n\r]|[\p{Cs}\ufffd]/u.test(message)) return undefined
  // As browsers read an origin-bound one-time code (WICG/sms-one-time-codes). The host is not ours to judge.
  const lastLine = message.slice(Math.max(message.lastIndexOf('\n'), message.lastIndexOf('\r')) + 1)
  const [, bound] = /^@[^\t\f ]+ #([^\t\f ]+)/.exec(lastLine) ?? []
  if (bound !== undefined) return isCode(bound) ? bound : undefined
  // A field of one line makes one of all lines, and then the code is in it twice.
  const runs = new Set((message.match(/[+\p{L}\p{M}\p{N}]+/gu) ?? []).filter(isCode))
  const [only] = runs
  return runs.size === 1 ? only : undefined
}
