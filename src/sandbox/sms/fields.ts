import type { Problem } from '../api/parameters.js'
import { isHttp } from '../webhooks/loopback.js'

/**
 * Reads one field after the other, and keeps the first problem. `texts`: numbers and flags came as
 * texts, in a query or a form.
 */
export function createFieldReader(fields: ReadonlyMap<string, unknown>, texts: boolean) {
  let problem: Problem | undefined

  function refuse<T>(name: string, hint: string, fallback: T): T {
    const message = fields.has(name) ? `Invalid field ${name}` : `Missing field ${name}`
    problem ??= { message, hint }
    return fallback
  }

  function optional(name: string): string | undefined {
    const value = fields.get(name) ?? undefined
    if (value === undefined || value === '') return undefined
    return typeof value === 'string' ? value : refuse(name, `${name} is a text.`, undefined)
  }

  return {
    problem: () => problem,
    optional,
    text(name: string, pattern: RegExp, hint: string): string {
      const value = fields.get(name)
      return typeof value === 'string' && pattern.test(value) ? value : refuse(name, hint, '')
    },
    oneOf<const T extends string>(name: string, values: readonly T[], fallback: T): T {
      const value = optional(name)
      if (value === undefined) return fallback
      const found = values.find((candidate) => candidate === value)
      return found ?? refuse(name, `${name} is one of ${values.join(', ')}.`, fallback)
    },
    /** From `min` to `max`. A JSON text is taken too where the reference has one. */
    number(name: string, { min, max, usual, whole = false, text = texts }: NumberRule): number {
      const given = fields.get(name) ?? usual
      const value = text && typeof given === 'string' ? toNumber(given) : given
      const fits =
        typeof value === 'number' &&
        value >= min &&
        value <= max &&
        (!whole || Number.isInteger(value))
      return fits ? value : refuse(name, `${name} is a number from ${min} to ${max}.`, usual)
    },
    flag(name: string, usual: boolean): boolean {
      const given = fields.get(name) ?? usual
      const value = texts && (given === 'true' || given === 'false') ? given === 'true' : given
      return typeof value === 'boolean' ? value : refuse(name, `${name} is true or false.`, usual)
    },
    url(name: string): string | undefined {
      const value = optional(name)
      if (value === undefined || isHttp(value)) return value
      return refuse(name, `${name} is an http or https URL.`, undefined)
    },
    /** Milliseconds since the epoch. */
    date(name: string): number | undefined {
      const value = optional(name)
      if (value === undefined) return undefined
      // The reference prints a hyphen after the T; ISO 8601 has none.
      const time = dated.test(value) ? Date.parse(value.replace('T-', 'T')) : Number.NaN
      return Number.isNaN(time)
        ? refuse(name, `${name} is like 2030-01-31T12:00:00+01:00.`, undefined)
        : time
    },
  }
}

interface NumberRule {
  min: number
  max: number
  usual: number
  whole?: boolean
  text?: boolean
}

const dated = /^\d{4}-\d\d-\d\dT-?\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

const toNumber = (text: string) => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN)
