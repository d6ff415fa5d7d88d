import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { OtpEvent } from '../../src/events.js'

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')

/** The rows of a table of docs/events.md, between the comments that name it. */
export function tableOf(name: string): string[][] {
  const lines = blockOf(name)
  return lines
    .slice(lines.findIndex((line) => line.startsWith('| ---')) + 1)
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

/** The lines between the comments that name a part of docs/events.md. */
export function blockOf(name: string): string[] {
  const [, block] = new RegExp(`<!-- ${name} -->\n(.*?)<!-- /${name} -->`, 's').exec(page) ?? []
  if (block === undefined) throw new Error(`docs/events.md has no part called ${name}`)
  return block.split('\n')
}

/** What a cell has in backticks. */
export function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

export interface Documented {
  fields: string[]
  optional: string[]
  level: string
}

export const documented = new Map<string, Documented>(
  tableOf('events').flatMap(([event, , cell, level = '']) => {
    const given = namesIn(cell)
    const fields = given.filter((name) => !name.endsWith('?'))
    const optional = given.filter((name) => name.endsWith('?')).map((name) => name.slice(0, -1))
    return namesIn(event).map((name) => [name, { fields, optional, level }] as const)
  }),
)

/** Asserts that an event is on the list, with the fields the list has, and nothing of anybody's in them. */
export function expectDocumented(event: OtpEvent): void {
  const entry = documented.get(event.type)
  expect(entry, `${event.type} in docs/events.md`).toBeDefined()
  const { fields = [], optional = [] } = entry ?? {}
  const { type: _type, at, message, ...rest } = event as OtpEvent & { message?: string }
  expect(at).toBeTypeOf('number')
  const names = [...Object.keys(rest), ...(message === undefined ? [] : ['message'])]
  expect(names.filter((name) => !optional.includes(name)).toSorted()).toEqual(fields.toSorted())
  for (const [name, value] of Object.entries(rest)) {
    expect(isPlain(name, value), `${event.type}.${name}: ${String(value)}`).toBe(true)
  }
}

/** Origins and hosts of the request and of the app: no more of what a request says. */
const compared =
  /^(The option "csrf" gave something else than true|a request with Sec-Fetch-Site [a-z()-]+, Origin ([a-z]+:\/\/|null|\()[a-z\d.:)[\]-]* and Host [a-z\d.:()[\]-]+ was compared with [a-z\d.:/, ()[\]-]+)$/

/** A number, a flag, a random id or a word. */
function isPlain(name: string, value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return true
  if (typeof value !== 'string') return false
  if (name === 'flowId') return /^[\w-]{16}$/.test(value)
  if (name === 'compared') return compared.test(value)
  return name === 'country' ? /^[A-Z]{2}$/.test(value) : /^[A-Za-z_]{1,40}$/.test(value)
}
