import { misuse } from './failures.js'

/** tyntec's ids, and nothing that could leave its segment of a path. */
export function isOtpId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(value)
}

/** Ids of the other APIs, of which the reference says less. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(value)
}

/** `encodeURIComponent` leaves `..` alone, which is why the id is checked first. */
export function segment(name: string, value: unknown, is: typeof isId = isId): string {
  if (!is(value)) throw misuse(`"${name}" is not an id of tyntec.`)
  return encodeURIComponent(value)
}

/** What a parameter may be. Text may be given as a whole number too. */
type Kind = 'text' | 'number' | 'flag'

/** The parameters of an operation, in the order in which they are sent. */
export type Kinds<T> = { readonly [Name in keyof T]-?: Kind }

/** Named parameters only, each once: a value can't become a second parameter. */
export function toQuery<T extends object>(
  values: T,
  kinds: Kinds<T>,
  required: readonly NoInfer<keyof T>[] = [],
): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of chosen(values, kinds, required)) query.set(name, String(value))
  return query
}

/** The same as the body of a POST. */
export function toBody<T extends object>(
  values: T,
  kinds: Kinds<T>,
  required: readonly NoInfer<keyof T>[] = [],
): object {
  return Object.fromEntries(chosen(values, kinds, required))
}

function chosen<T extends object>(
  values: T,
  kinds: Kinds<T>,
  required: readonly (keyof T)[],
): [string, string | number | boolean][] {
  if (typeof values !== 'object' || values === null) throw misuse('The parameters are no object.')
  const given: [string, string | number | boolean][] = []
  for (const name of Object.keys(kinds) as (keyof T & string)[]) {
    const value: unknown = Object.hasOwn(values, name) ? (values[name] ?? undefined) : undefined
    if (value === undefined && !required.includes(name)) continue
    const kind = kinds[name]
    if (typeof value === 'string' && kind !== 'flag') given.push([name, value])
    else if (typeof value === 'boolean' && kind === 'flag') given.push([name, value])
    else if (typeof value === 'number' && fits(value, kind)) given.push([name, value])
    else throw misuse(`"${name}" must be a ${kind === 'flag' ? 'boolean' : 'string'}.`)
  }
  return given
}

function fits(value: number, kind: Kind): boolean {
  return kind === 'number' ? Number.isFinite(value) : kind === 'text' && Number.isSafeInteger(value)
}
