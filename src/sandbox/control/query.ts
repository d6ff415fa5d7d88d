import type { MessageFilter } from '../messages.js'
import { InputError } from './input.js'

/** @throws {InputError} */
export function readQuery(search: string, allowed: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(search)) {
    if (!allowed.includes(name)) {
      throw new InputError(
        `Unknown parameter "${name}". Known here: ${allowed.join(', ') || 'none'}.`,
      )
    }
    if (parameters.has(name)) throw new InputError(`"${name}" is there twice.`)
    // `?to=&after=` is how the routes are documented: empty is not given.
    if (value !== '') parameters.set(name, value)
  }
  return parameters
}

/** @throws {InputError} */
export function readFilter(parameters: Map<string, string>): MessageFilter {
  const to = parameters.get('to')
  return {
    to: to === undefined ? undefined : readRecipient(to),
    after: readCursor(parameters.get('after')),
  }
}

/** A `seq`. @throws {InputError} */
export const readCursor = (value: string | undefined) =>
  readAmount(value, 'after', Number.MAX_SAFE_INTEGER)

/**
 * Lenient where the API is strict: a `+` that was not encoded arrives as a space, and people copy
 * numbers with spaces in them. @throws {InputError}
 */
export function readRecipient(input: string): string {
  const digits = input.replace(/[\s+().-]/g, '')
  if (!/^[0-9]{4,17}$/.test(digits)) throw new InputError('"to" must be a number.')
  return `+${digits}`
}

/** @throws {InputError} */
export function readAmount(
  value: string | undefined,
  name: string,
  max: number,
): number | undefined {
  if (value === undefined) return undefined
  const number = /^[0-9]+(?:\.[0-9]+)?$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= 0 && number <= max)) {
    throw new InputError(`"${name}" must be a number from 0 to ${max}.`)
  }
  return number
}
