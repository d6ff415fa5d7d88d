import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OtpOptions } from 'passport-tyntec-otp'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { resolveOptions } from '../../src/options/resolve.js'
import { createMagic } from '../../src/sandbox/magic.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(root + file, 'utf8')

/** Files move; names of types stay. */
const sources = ['src', 'adapters'].flatMap((folder) =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`${folder}/${file}`)),
)

/** The names in an interface or type of the sources, those of the types it is made of not among them. */
function namesIn(type: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node) && ts.isIdentifier(node.name)) {
      found.push(node.name.text)
      return
    }
    ts.forEachChild(node, visit)
  }
  for (const text of sources) {
    if (!new RegExp(`^export (?:interface|type) ${type}\\b`, 'm').test(text)) continue
    const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true)
    for (const statement of source.statements) {
      const named = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)
      if (named && statement.name.text === type) visit(statement)
    }
  }
  if (found.length === 0) throw new Error(`There is no ${type}`)
  return [...new Set(found)]
}

/** The names in the first cell of a table's rows, its head not among them. */
function rowsOf(text: string): string[] {
  const rows = text.replaceAll(/^\|.*\n(?=\| ---)/gm, '').matchAll(/^\| (.+?) \|/gm)
  return [...rows].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => name),
  )
}

describe('docs/options.md', () => {
  const page = read('docs/options.md')
  const [flow = '', router = ''] = page.split('## Options of the router')

  test('has every option of createOtpFlow, and no other', () => {
    const options = namesIn('OtpOptions')
    expect(rowsOf(flow).toSorted()).toEqual(options.toSorted())
  })

  test('has every option of the routers, and no other', () => {
    const options = [
      'PurposeOptions',
      'CheckOptions',
      'StatusOptions',
      'PageRouterOptions',
      'RedirectOptions',
      'CsrfOptions',
      'RouterOptions',
    ].flatMap(namesIn)
    expect(rowsOf(router).toSorted()).toEqual([...new Set(options)].toSorted())
  })
})

test('docs/page.md has every option of the page, and no other', () => {
  const [options = ''] = read('docs/page.md').split('## A page of your own')
  const names = [...namesIn('PageOptions'), ...namesIn('HostedPageOptions')]
  expect(rowsOf(options).toSorted()).toEqual(names.toSorted())
})

test('docs/guides/limits.md shows each limit with its default', () => {
  const [, block = ''] =
    /^```ts\n(createOtpFlow\(\{\n {2}\.\.\.options,\n {2}attempts: .*?)^```$/ms.exec(
      read('docs/guides/limits.md'),
    ) ?? []
  const given = { apiKey: 'key', secret: 'x'.repeat(32), countries: ['DE'] }
  let shown: OtpOptions = given
  // oxlint-disable-next-line typescript/no-implied-eval -- It is a block of the page.
  const run = new Function('createOtpFlow', 'options', block) as (
    createOtpFlow: (options: OtpOptions) => void,
    options: OtpOptions,
  ) => void
  run((options) => (shown = options), given)
  expect(Object.keys(shown).toSorted()).toEqual(
    ['attempts', 'guessing', 'lifetime', 'limits', 'resendWaits', ...Object.keys(given)].toSorted(),
  )
  const { store: _, ...defaults } = resolveOptions(given)
  const { store: __, ...same } = resolveOptions(shown)
  expect(JSON.stringify({ ...same, maxLifetime: 0 })).toBe(
    JSON.stringify({ ...defaults, maxLifetime: 0 }),
  )
  expect(Object.keys(shown.limits ?? {}).toSorted()).toEqual(namesIn('LimitOptions').toSorted())
})

test('docs/guides/testing.md has every magic number, and no other', () => {
  const [, table = ''] =
    /<!-- magic -->(.*?)<!-- \/magic -->/s.exec(read('docs/guides/testing.md')) ?? []
  const shown = table.split('\n').flatMap((line) => {
    const [, cell = ''] = /^\| (.+?) \|/.exec(line) ?? []
    const [first, last] = [...cell.matchAll(/01(\d\d)`/g)].map(([, number]) => Number(number))
    const isRange = cell.includes(' to ') && first !== undefined && last !== undefined
    return isRange
      ? Array.from({ length: last - first + 1 }, (_, index) => first + index)
      : [...cell.matchAll(/`01(\d\d)`/g)].map(([, number]) => Number(number))
  })
  const known = createMagic()
    .list()
    .map(({ number }) => /^\+120155501(\d\d)$/.exec(number)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
  expect(shown.filter((number) => number > 9)).toEqual(known)
})
