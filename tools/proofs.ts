/**
 * `npm run proofs` writes docs/proofs.md: the tests that prove each row of docs/security.md and
 * docs/reliability.md. `--check` only says whether the page is right. `npm run proofs -- SES-1` runs
 * the tests of a row, `npm run proofs -- redis-down/` those of all rows that begin so.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Proof, readProofs } from '../test/support/proofs.js'
import { failureRows, securityGroups } from '../test/support/rows.js'

const page = fileURLToPath(new URL('../docs/proofs.md', import.meta.url))
const proofs = readProofs()
const [asked] = process.argv.slice(2)

if (asked === '--check') check()
else if (asked) run(asked)
else writeFileSync(page, write())

function check(): void {
  if (existsSync(page) && readFileSync(page, 'utf8') === write()) return
  console.error('docs/proofs.md is not what the tests say: npm run proofs')
  process.exitCode = 1
}

function write(): string {
  const security = securityGroups()
    .flatMap(({ rows }) => rows)
    .map(({ id, starred }) => section(starred ? `${id} ★` : id, id))
  const reliability = failureRows().flatMap(({ failure, cells }) =>
    cells.filter(({ text }) => text !== '–').map(({ id }) => section(`${id}: ${failure}`, id)),
  )
  return `# The tests that prove it

Written by \`npm run proofs\` from the lines above the tests (\`// proves: SES-1\`); not edited by hand. Titles are as
they are in the source: \`%s\`, \`%i\`, \`%j\` and \`$count\` stand for the cases of a table.
\`npm run proofs -- SES-1\` runs the tests of a row.

## [Security](security.md)
${security.join('')}
## [Reliability](reliability.md)
${reliability.join('')}`
}

function section(heading: string, row: string): string {
  const lines = proofs
    .filter(({ rows }) => rows.includes(row))
    .map(({ file, titles }) => `- \`test/${file}\`: \`${titles.join(' > ')}\`\n`)
  return `\n### ${heading}\n\n${lines.join('') || 'No test.\n'}`
}

function run(row: string): void {
  const found = proofs.filter(({ rows }) =>
    rows.some((name) => (row.endsWith('/') ? name.startsWith(row) : name === row)),
  )
  if (found.length === 0) throw new Error(`No test proves ${row}`)
  for (const inBrowser of [false, true]) {
    const some = found.filter(({ file }) => file.startsWith('browser/') === inBrowser)
    if (some.length === 0) continue
    const config = inBrowser ? ['--config', 'test/browser/vitest.config.ts'] : []
    const files = new Set(some.map(({ file }) => `test/${file}`))
    const args = ['vitest', 'run', ...config, ...files, '-t', some.map(patternOf).join('|')]
    const { status } = spawnSync('npx', args, { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  }
}

/** The full name of the test, with anything where a table puts its cases. */
function patternOf({ titles }: Proof): string {
  const name = titles.join(' ').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return `^${name.replaceAll(/%[a-z]|\\\$\w+/g, '.*')}$`
}
