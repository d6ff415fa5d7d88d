/** Something is wrong with what a test sent to the control routes; the message says what. */
export class InputError extends Error {
  override name = 'InputError'
}

/** Reads the fields of a JSON object one by one; `finish` refuses those that nobody asked for. */
export function readFields(input: unknown) {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InputError('The body must be a JSON object.')
  }
  const fields = new Map<string, unknown>(Object.entries(input))
  const known = new Set<string>()

  function take(name: string): unknown {
    known.add(name)
    return fields.get(name)
  }

  return {
    take,
    number(name: string, min: number, max: number, fallback?: number): number {
      const value = take(name) ?? fallback
      if (typeof value !== 'number' || !(value >= min && value <= max)) {
        throw new InputError(`"${name}" must be a number from ${min} to ${max}.`)
      }
      return value
    },
    integer(name: string, min: number, max: number, fallback?: number): number {
      const value = take(name) ?? fallback
      if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
        throw new InputError(`"${name}" must be a whole number from ${min} to ${max}.`)
      }
      return value
    },
    text(name: string, fallback?: string): string {
      const value = take(name) ?? fallback
      if (typeof value !== 'string') throw new InputError(`"${name}" must be a text.`)
      return value
    },
    oneOf<const T extends string>(name: string, values: readonly T[], fallback?: T): T {
      const value = take(name) ?? fallback
      const found = values.find((candidate) => candidate === value)
      if (found === undefined) throw new InputError(`"${name}" must be ${listOf(values)}.`)
      return found
    },
    finish() {
      for (const name of fields.keys()) {
        if (!known.has(name)) {
          throw new InputError(`Unknown field "${name}". Known here: ${[...known].join(', ')}.`)
        }
      }
    },
  }
}

export type Fields = ReturnType<typeof readFields>

function listOf(values: readonly string[]): string {
  return `one of ${values.map((value) => `"${value}"`).join(', ')}`
}
