import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { groups } from '../../tools/mutation-groups.js'

const page = readFileSync(new URL('../../docs/mutation.md', import.meta.url), 'utf8')
const isThere = (file: string) => existsSync(new URL(`../../${file}`, import.meta.url))

test.each(Object.entries(groups))('the files and tests of %s are there', (_, { mutate, tests }) => {
  expect([...mutate, ...tests].filter((file) => !isThere(file))).toEqual([])
  expect(new Set(mutate).size).toBe(mutate.length)
})

test('docs/mutation.md names the groups there are', () => {
  const table = /## Groups\n(.*?)\n## /s.exec(page)?.[1] ?? ''
  const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  expect(named).toEqual(Object.keys(groups))
})

test('no file is in two groups', () => {
  const files = Object.values(groups).flatMap(({ mutate }) => mutate)
  const twice = files.filter((file, index) => files.indexOf(file) !== index)
  // Its patterns are constants as well.
  expect(twice).toEqual(['src/http/foreign.ts', 'src/http/kept.ts'])
})
