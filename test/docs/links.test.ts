import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { anchorsOf, proseOf } from './markdown.js'

/*
 * Who has only the package can follow each link of its pages: to a file that is in the tarball, and to
 * a heading that is in it. What is elsewhere is an https URL.
 */

const root = fileURLToPath(new URL('../../', import.meta.url))

async function packedFiles(): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root })
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[]
  return packed?.files.map(({ path }) => path) ?? []
}

const read = (file: string) => readFileSync(root + file, 'utf8')

test('all links of the pages in the package work there', { timeout: 60_000 }, async () => {
  const files = new Set(await packedFiles())
  const pages = [...files].filter((file) => /\.(md|txt)$/.test(file))
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'docs/llms.txt']))
  const broken: string[] = []
  let links = 0
  for (const page of pages) {
    for (const [, target = ''] of proseOf(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      links += 1
      if (/^(https:|mailto:)/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : posix.join(posix.dirname(page), path)
      if (!files.has(file)) broken.push(`${page}: ${target} is not in the package`)
      else if (anchor !== undefined && !anchorsOf(read(file)).has(anchor)) {
        broken.push(`${page}: ${target} has no such heading`)
      }
    }
  }
  expect(broken).toEqual([])
  expect(links).toBeGreaterThan(100)
})

test.each(['docs/README.md', 'docs/llms.txt'])('%s leads to every page', (index) => {
  const text = read(index)
  const pages = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.md') && file !== 'README.md',
  )
  expect(pages.filter((page) => !text.includes(`(${page})`))).toEqual([])
})
