/*
 * Takes one protection after the other out of a copy of `src` and counts the runs until the model
 * finds it: `node --import tsx test/model/mutants.ts [name]`, `MODEL_SEED` and `MUTANT_RUNS` where others than 1 and
 * 3000 are wanted.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Planted, planted } from './planted.js'
import { search } from './search.js'
import type { Subject } from './subject.js'
import { timedMemory } from './timed.js'

const only = process.argv[2]
const most = Number(process.env.MUTANT_RUNS ?? 3000)

for (const mutant of planted) {
  if (only !== undefined && !mutant.name.includes(only)) continue
  const folder = mkdtempSync(join(tmpdir(), 'tyntec-otp-mutant-'))
  try {
    const subject = await build(folder, mutant)
    const started = performance.now()
    const found = await search({
      subject,
      store: () => timedMemory(subject),
      mode: 'both',
      runs: most,
      seed: Number(process.env.MODEL_SEED ?? 1),
      shrink: false,
    })
    const time = ((performance.now() - started) / 1000).toFixed(1)
    // Found by another test, whatever becomes of it here.
    const missed = `not in ${most}${mutant.instead ? `: ${mutant.instead}` : ''}`
    const [reason = ''] = found?.report.replace(/^Violation: Error: /, '').split('\n') ?? []
    console.log(`| ${mutant.name} | ${found ? found.runs : missed} | ${time} s | ${reason} |`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
process.exit(0)

async function build(folder: string, { name, file, change }: Planted): Promise<Subject> {
  const root = new URL('../../', import.meta.url)
  cpSync(new URL('src', root), join(folder, 'src'), { recursive: true })
  cpSync(new URL('package.json', root), join(folder, 'package.json'))
  symlinkSync(new URL('node_modules', root), join(folder, 'node_modules'))
  const path = join(folder, 'src', file)
  const text = readFileSync(path, 'utf8')
  const [before, after] = change
  if (text.split(before).length !== 2) throw new Error(`${file} has changed: ${name}`)
  writeFileSync(
    path,
    text.replace(before, () => after),
  )
  const load = (module: string): Promise<unknown> =>
    import(pathToFileURL(join(folder, 'src', module)).href)
  // A copy of what `subject.ts` imports.
  return Object.assign(
    {},
    await load('index.ts'),
    await load('secrets/secrets.ts'),
    await load('store/memory.ts'),
    await load('store/store.ts'),
  ) as Subject
}
