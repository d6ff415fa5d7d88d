import { isObject, own } from './body.js'

/** Gives a property's value, or nothing when it is of another type. */
export type Reader<T> = (value: unknown) => T | undefined

export type Readers<T> = { readonly [Name in keyof T]-?: Reader<NonNullable<T[Name]>> }

/**
 * The properties of an answer: those that are known in their types, those that tyntec may add later as
 * they came. null, and a known one of another type, are left out.
 */
export function readFields<T extends object>(value: object, readers: Readers<T>): Partial<T> {
  // Without a prototype, a property that tyntec left out can't be inherited from a polluted one.
  const fields: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(value)) {
    const given = own(value, name)
    if (Object.hasOwn(readers, name)) {
      const field = readers[name as keyof T](given) // it has that name
      if (field !== undefined) fields[name] = field
    } else if (given !== undefined && !(name in Object.prototype)) {
      fields[name] = given
    }
  }
  return fields as Partial<T> // each by its reader
}

export const exactText: Reader<string> = (value) => (typeof value === 'string' ? value : undefined)

/** tyntec's examples have numbers where the type says string. */
export const text: Reader<string> = (value) =>
  Number.isFinite(value) ? String(value) : exactText(value)

export const integer: Reader<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined

export const flag: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined)

/** What has a form of its own is given as it came. */
export const record: Reader<Record<string, unknown>> = (value) =>
  isObject(value) ? Object.assign(Object.create(null), value) : undefined

/** Texts by their names. */
export const texts: Reader<Record<string, string>> = (value) => {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value).filter(([name]) => !(name in Object.prototype))
  const known = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.assign(Object.create(null), Object.fromEntries(known))
}

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value) =>
    Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : undefined
}

export function objectOf<T extends object>(readers: Readers<T>): Reader<Partial<T>> {
  return (value) => (isObject(value) ? readFields(value, readers) : undefined)
}
