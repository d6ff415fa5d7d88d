import { parseArgs, type ParseArgsConfig } from 'node:util'
import { UsageError } from './command.js'

type Flags = NonNullable<ParseArgsConfig['options']>

type Value<F extends Flags[string]> = F extends { type: 'boolean' }
  ? boolean
  : F extends { multiple: true }
    ? string[]
    : string

export interface Arguments<F extends Flags> {
  values: { [Name in keyof F]?: Value<F[Name]> }
  positionals: string[]
}

/**
 * The arguments of a command: its flags, and as many words beside them as it has names for. What was given is not
 * repeated in what is said of it, since it may be a secret that should not have been there.
 *
 * @param names of the words; one that ends with `?` may be missing
 */
export function readArguments<const F extends Flags>(
  args: string[],
  flags: F,
  names: readonly string[] = [],
): Arguments<F> {
  let parsed: { values: object; positionals: string[] }
  try {
    parsed = parseArgs({ args, options: flags, allowPositionals: true })
  } catch (error) {
    throw new UsageError(problemOf(error))
  }
  const { values, positionals } = parsed
  const least = names.filter((name) => !name.endsWith('?')).length
  if (positionals.length < least) {
    throw new UsageError(`The ${names[positionals.length]} is missing`)
  }
  if (positionals.length > names.length) {
    const most = names.length === 0 ? 'no argument' : `${names.length} at most`
    throw new UsageError(`Too many arguments: ${positionals.length}, and it takes ${most}`)
  }
  return { values, positionals }
}

/** Node's message in one line, without its advice and without values. */
function problemOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [first = ''] = message.split(/[.\n] ?(?:To specify|Did you)/)
  return first
    .replace(/=[^'\s]*/g, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
}

export function wholeNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} must be a whole number`)
  return Number(value)
}

export function yesOrNo(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined
  if (value === 'yes' || value === 'true') return true
  if (value === 'no' || value === 'false') return false
  throw new UsageError(`--${name} must be yes or no`)
}

export function oneOf<const T extends string>(
  name: string,
  value: string | undefined,
  values: readonly T[],
): T | undefined {
  if (value === undefined) return undefined
  const found = values.find((each) => each.toLowerCase() === value.toLowerCase())
  if (found === undefined) throw new UsageError(`--${name} must be one of ${values.join(', ')}`)
  return found
}

/** Without what was not given. */
export function given<T extends object>(
  values: T,
): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> }
}
