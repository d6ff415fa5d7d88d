import { OtpError } from '../errors.js'

/** Takes what was given, whatever it is, and gives what it stands for. */
export type Check<T> = (name: string, value: unknown) => T

/** How an option is checked, and what it is when none is given. */
type Entry<T> = readonly [check: Check<T>, fallback?: unknown]

/** What a group of options may hold. A name that is left out does not compile. */
export type Table<Group> = { readonly [Name in keyof Required<Group>]: Entry<unknown> }

/** What a table makes of a group. */
export type Resolved<T> = {
  [Name in keyof T]: T[Name] extends readonly [Check<infer Value>, ...unknown[]] ? Value : never
}

/**
 * Checks a group and fills in what is missing. Only what the app itself has written counts, whatever a
 * polluted prototype holds; a name that is slightly off would leave a default in place of what was meant.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`, with the name of what is wrong and never its value
 */
export function resolveGroup<T extends object>(
  name: string,
  given: unknown,
  table: T & { readonly [Name in keyof T]: Entry<unknown> },
): Resolved<T> {
  if (!isGroup(given)) throw invalid(name || 'options', 'an object')
  const whole = name === '' ? 'an option of createOtpFlow' : `a part of "${name}"`
  const pathOf = (key: string) => (name === '' ? key : `${name}.${key}`)
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(table, key))
  if (unknown !== undefined) throw invalid(pathOf(shown(unknown)), whole)

  const entries = Object.entries<Entry<unknown>>(table).map(([key, [check, fallback]]) => {
    const value = Object.hasOwn(given, key) ? given[key] : undefined
    return [key, check(pathOf(key), value === undefined ? fallback : value)] as const
  })
  return Object.fromEntries(entries) as Resolved<T> // the table's own checks made the values
}

/** A group inside of another. */
export function group<T extends object>(
  table: T & { readonly [Name in keyof T]: Entry<unknown> },
): Check<Resolved<T>> {
  return (name, value) => resolveGroup(name, value, table)
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (name, value) => (value === undefined ? undefined : check(name, value))
}

export const flag: Check<boolean> = (name, value) => {
  if (typeof value !== 'boolean') throw invalid(name, 'true or false')
  return value
}

export function whole(least: number, most: number): Check<number> {
  return (name, value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
      return value
    }
    throw invalid(name, `a whole number from ${least} to ${most}`)
  }
}

export function between(least: number, most: number): Check<number> {
  return (name, value) => {
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw invalid(name, `a number from ${least} to ${most}`)
  }
}

export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return (name, value) => {
    const found = values.find((each) => each === value)
    if (found === undefined) throw invalid(name, values.map((each) => `'${each}'`).join(' or '))
    return found
  }
}

export function text(pattern: RegExp, expected: string): Check<string> {
  return (name, value) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    throw invalid(name, expected)
  }
}

/** Spread, because `every` and `map` pass over the holes of a sparse array. */
export function list<T>(
  check: Check<T>,
  [least, most]: readonly [number, number],
  expected: string,
): Check<readonly T[]> {
  return (name, value) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      throw invalid(name, expected)
    }
    return [...value].map((each, index) => check(`${name}[${index}]`, each))
  }
}

/** A function of the app's. Its types say what it takes and gives. */
export function hook<F>(): Check<F | undefined> {
  return (name, value) => {
    if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function')
    return value as F | undefined // what it takes and gives is seen when it is called
  }
}

export function withMethods<T>(
  methods: readonly string[],
  expected = `an object with ${methods.join('(), ')}()`,
): Check<T> {
  return (name, value) => {
    const has = (method: string) =>
      typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function' // or not
    if (methods.every(has)) return value as T // as far as can be seen
    throw invalid(name, expected)
  }
}

/** A name that somebody else may have chosen. */
export function shown(name: string): string {
  return name.slice(0, 40).replaceAll(/[^\w-]/g, '?')
}

export function invalid(name: string, expected: string): OtpError {
  return new OtpError('ERR_OTP_OPTIONS', `"${name}" must be ${expected}`)
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
