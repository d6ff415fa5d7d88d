import type { Operation } from '../faults/rules.js'

/** Why tyntec's API refuses a call, for its error body, and what to do about it. */
export interface Problem {
  message: string
  hint: string
  /** One of tyntec's own codes. */
  code?: string
  /** tyntec's own kind of problem, and its title. */
  type?: string
  title?: string
}

export type Parameters = Map<string, string>

/** A number, or up to 11 visible characters. */
export const originator = /^(?:\+?[0-9]{3,15}|[\x20-\x7e]{1,11})$/

const formats: Record<string, { pattern: RegExp } & Pick<Problem, 'hint' | 'code'>> = {
  via: { pattern: /^(?:SMS|VOICE|AUTO)$/, hint: 'via is SMS, VOICE or AUTO.' },
  language: { pattern: /^[a-z]{2}$/i, hint: 'language is an ISO 639-1 code, like en.' },
  sender: { pattern: originator, hint: 'sender is a number, or up to 11 characters.' },
  caller: { pattern: originator, hint: 'caller is a number, or up to 11 characters.' },
  pinLength: {
    pattern: /^(?:[4-9]|10)$/,
    hint: 'pinLength is a whole number from 4 to 10.',
    code: '1006',
  },
}

/** Stricter than tyntec says it is: what is not in the reference is refused, never passed over. */
export function readParameters(
  operation: Operation,
  known: readonly string[],
  search: string,
): Parameters | Problem {
  const parameters: Parameters = new Map()
  if (search === '') return parameters
  for (const [name, value] of new URLSearchParams(search)) {
    if (!known.includes(name)) {
      return { message: `Unknown parameter ${name}`, hint: hintFor(name, operation, known) }
    }
    if (parameters.has(name)) {
      return { message: `Repeated parameter ${name}`, hint: `Send ${name} once.` }
    }
    if (value === '') {
      return { message: `Empty parameter ${name}`, hint: `Leave ${name} out, or fill it.` }
    }
    const format = formats[name]
    if (format && !format.pattern.test(value)) {
      const { hint, code } = format
      return { message: `Invalid parameter ${name}`, hint, ...(code !== undefined && { code }) }
    }
    parameters.set(name, value)
  }
  return parameters
}

export const missing = (name: string): Problem => ({
  message: `Missing parameter ${name}`,
  hint: 'Parameters go in the query; a body is not read.',
})

function hintFor(name: string, operation: Operation, known: readonly string[]): string {
  if (name.toLowerCase() === 'apikey') return 'The key goes in the header apikey.'
  const near = known.find((parameter) => parameter.toLowerCase() === name.toLowerCase())
  if (near !== undefined) return `Did you mean ${near}?`
  return known.length === 0 ? `${operation} takes none.` : `It takes ${known.join(', ')}.`
}
