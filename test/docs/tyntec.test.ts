import { readFileSync } from 'node:fs'
import { createTyntecClient } from 'passport-tyntec-otp/tyntec'
import { describe, expect, test } from 'vitest'
import { operations } from '../../src/sandbox/faults/rules.js'
import samples from '../sandbox/api/samples.json' with { type: 'json' }

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/tyntec.md', root), 'utf8')

/** The cells of the rows between two comments. */
function rowsOf(name: string): string[][] {
  const [, table = ''] = page.split(new RegExp(`<!-- /?${name} -->`))
  const [, , ...rows] = table.trim().split('\n')
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The text of the test that a cell names. */
function testOf(cell: string): string {
  const [, path = ''] = /`(test\/[^`]+)`/.exec(cell) ?? []
  return readFileSync(new URL(path, root), 'utf8')
}

const word = (cell: string) => /`([^`]+)`/.exec(cell)?.[1] ?? ''

describe('docs/tyntec.md', () => {
  const rows = rowsOf('operations')

  test('has each operation of the reference once', () => {
    const printed = samples.map(({ curl }) => {
      const [, method = '', url = ''] = /^curl -X (\S+) (\S+)/.exec(curl) ?? []
      const { pathname } = new URL(url.replaceAll(/[{}]/g, '_'))
      return `${method} ${pathname.replace(/\/$/, '').replaceAll(/__?([a-zA-Z-]+)_/g, '{$1}')}`
    })
    const listed = rows.map(([operation = '']) => word(operation))
    expect(listed).toHaveLength(22)
    expect(new Set(listed).size).toBe(22)
    const missing = [...new Set(printed)].filter(
      (operation) => !listed.some((each) => sameShape(each, operation)),
    )
    expect(missing).toEqual([])
  })

  test.each(rows)(
    '%s is there in client and sandbox, and tested',
    async (_, client = '', sandbox = '', product = '') => {
      const [group, method] = word(client).split('.')
      const tyntec = createTyntecClient({ apiKey: 'key' })
      expect(tyntec).toHaveProperty([group ?? '', method ?? ''], expect.any(Function))
      await tyntec.close()
      expect(testOf(client)).toContain(`${word(client)}(`)
      expect(operations).toContain(word(sandbox))
      expect(samples.map(({ operation }) => operation)).toContain(word(sandbox))
      if (!product.startsWith('none')) expect(testOf(product)).toContain('test(')
    },
  )

  test('has each webhook', () => {
    const webhooks = rowsOf('webhooks')
    const known = operations.filter((name) => name.startsWith('webhook.'))
    expect(webhooks.map(([, sandbox = '']) => word(sandbox)).toSorted()).toEqual(known.toSorted())
    for (const [, sandbox = '', product = ''] of webhooks) {
      expect(testOf(sandbox)).toContain('startReceiver')
      expect(testOf(product)).toContain('webhooks(flow')
    }
  })
})

/** What stands in a place of a path is called differently here and there. */
function sameShape(one: string, other: string): boolean {
  const shape = (text: string) => text.replaceAll(/\{[^}]+\}/g, '{}')
  return shape(one) === shape(other)
}
