import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../cli/setup.js'

/* Every command line in README, docs and the examples is one that the command takes. */

const root = fileURLToPath(new URL('../../', import.meta.url))

const docs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
const pages = ['README.md', 'SECURITY.md', ...docs.map((file) => `docs/${file}`)].filter((file) =>
  /\.(md|txt)$/.test(file),
)

/** As `command` or `command sub`, with the flags that follow it. */
function linesIn(page: string) {
  const text = readFileSync(root + page, 'utf8').replaceAll(/\s+/g, ' ')
  // Up to where the code ends, another command begins or a comment.
  const lines = text.matchAll(/npx passport-tyntec-otp (?<line>[^`'#$()"&|]+)/g)
  return [...lines].map(({ groups }) => {
    const words = (groups?.line ?? '').trim().split(' ')
    return {
      page,
      name: words[0] ?? '',
      sub: /^[a-z]+$/.test(words[1] ?? '') ? words[1] : undefined,
      flags: words.filter((word) => word.startsWith('--')),
    }
  })
}

const found = pages.flatMap(linesIn)

test('every command in the docs is there, with each of its flags', async () => {
  expect(found.length).toBeGreaterThan(10)
  const wrong: string[] = []
  for (const { page, name, sub, flags } of found) {
    const { code, out } = await run([name, '--help'])
    // A word after it is a command below it, or the next line of the page.
    const below =
      sub && out.includes(` ${name} ${sub} `) ? await run([name, sub, '--help']) : undefined
    const help = out + (below?.out ?? '')
    if (code !== 0) wrong.push(`${page}: ${name}`)
    for (const flag of flags) if (!help.includes(`${flag} `)) wrong.push(`${page}: ${name} ${flag}`)
  }
  expect(wrong).toEqual([])
})
