import type { Surroundings } from './command.js'

type Field = string | number | boolean | undefined

/** Prints a value as JSON, or as lines of names and values. */
export function print(
  around: Surroundings,
  json: boolean | undefined,
  value: unknown,
  fields: Readonly<Record<string, Field>>,
): void {
  if (json) {
    around.out(`${JSON.stringify(value, null, 2)}\n`)
    return
  }
  const shown = Object.entries(fields).filter((entry) => entry[1] !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  for (const [name, field] of shown) {
    around.out(`${plain(name).padEnd(width)}  ${plain(String(field))}\n`)
  }
}

/** Text of others, without what would move the cursor or colour a terminal. */
export function plain(text: string): string {
  return text.replace(/\r?\n/g, '⏎').replace(/\p{C}/gu, '')
}

export function timeOf(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined || Math.abs(milliseconds) > 8e15
    ? undefined
    : new Date(milliseconds).toISOString()
}
