import type { Refused } from './outcomes.js'

export interface CodeRules {
  /** Characters of a code. */
  length: number
  /** Codes hold the letters a to z as well. tyntec's are lower case. */
  alphanumeric?: boolean | undefined
}

export type CodeRefusal = Refused<'bad_request' | 'code_required' | 'malformed_code'>

/** Long enough for any spelling of a code, short enough to cost nothing. */
const longest = 64

/**
 * The code as tyntec knows it. It stays text: a code may begin with zeros. A wrong length or sign
 * is found here, before it costs an attempt.
 */
export function normaliseCode(
  input: unknown,
  { length, alphanumeric = false }: CodeRules,
): { code: string } | CodeRefusal {
  if (input === undefined || input === null) return { status: 'code_required' }
  if (typeof input !== 'string') return { status: 'bad_request' }
  if (input.length > longest) return { status: 'malformed_code' }
  if (/^ *$/.test(input)) return { status: 'code_required' }
  const plain = input.replace(/[ -]/g, '')
  const signs = alphanumeric ? /^[0-9A-Za-z]+$/ : /^[0-9]+$/
  if (plain.length !== length || !signs.test(plain)) return { status: 'malformed_code' }
  return { code: plain.toLowerCase() }
}
