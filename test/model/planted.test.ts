import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { planted } from './planted.js'

test.each(planted)('it can be planted that $name', ({ file, change: [before, after] }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
  expect(text.split(before)).toHaveLength(2)
  expect(after).not.toBe(before)
})
