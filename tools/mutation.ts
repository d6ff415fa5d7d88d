// Changes the source in one place at a time and sees whether a test fails: `npm run test:mutation`,
// or `npm run test:mutation -- input steps` for some groups. With `--incremental` only what has
// changed since the last run; with `--file=src/store/steps/claim.ts`, or `…/claim.ts:10-40` for some of its lines, only
// that of its group. The survivors are explained in docs/mutation.md.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MutantResult } from '@stryker-mutator/api/core'
import { Stryker } from '@stryker-mutator/core'
import { type Group, groups } from './mutation-groups.js'

/** Percent of the mutants of a group that a test has to find. */
const needed = 90

interface Score {
  group: string
  killed: number
  timeout: number
  survived: number
  uncovered: number
  percent: string
  minutes: string
}

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const incremental = process.argv.includes('--incremental')
const [file] = process.argv.flatMap((argument) => argument.split('--file=')[1] ?? [])
const unknown = names.filter((name) => !groups[name])
if (unknown.length > 0) {
  console.error(
    `No such group: ${unknown.join(', ')}. There are ${Object.keys(groups).join(', ')}.`,
  )
  process.exit(2)
}

if (file !== undefined && names.length !== 1) {
  console.error('--file takes the one group that the file is in.')
  process.exit(2)
}

const scores: Score[] = []
let failed = false
for (const [name, group] of Object.entries(groups)) {
  if (names.length === 0 || names.includes(name)) {
    const score = await measure(name, group)
    scores.push(score)
    if (!(Number(score.percent) >= needed)) failed = true
  }
}
console.table(scores)
if (failed) {
  console.error(`A group is below ${needed} %.`)
  process.exitCode = 1
}

async function measure(name: string, { mutate, tests, isolate, redis }: Group): Promise<Score> {
  const started = performance.now()
  // Read by test/mutation/vitest.config.ts in the processes that Stryker starts.
  process.env.MUTATION_TESTS = tests.join(',')
  process.env.MUTATION_ISOLATE = isolate ? 'yes' : ''
  process.env.MUTATION_REDIS = redis ? 'yes' : ''
  const results = await new Stryker({
    mutate: file === undefined ? mutate : [file],
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    plugins: ['@stryker-mutator/vitest-runner', resolve('test/mutation/operator-texts.mjs')],
    ignorers: ['operator-texts'],
    ignorePatterns: ['bench', 'coverage', 'dist', 'reports'],
    coverageAnalysis: 'perTest',
    ignoreStatic: !isolate,
    concurrency: 2,
    // What hangs fails by the timeout of its test. This one only has to outlast a busy machine.
    timeoutMS: 60_000,
    tempDirName: '.stryker-tmp',
    cleanTempDir: 'always',
    reporters: ['clear-text', 'progress-append-only', 'json'],
    clearTextReporter: {
      allowColor: false,
      allowEmojis: false,
      logTests: false,
      reportTests: false,
      skipFull: false,
    },
    jsonReporter: { fileName: `reports/mutation/${name}.json` },
    incremental,
    incrementalFile: `reports/mutation/${name}.incremental.json`,
  }).runMutationTest()

  // A file that can't be loaded is none that fails, to Stryker: its tests would be missing unseen.
  const report: unknown = JSON.parse(readFileSync(`reports/mutation/${name}.json`, 'utf8'))
  const { testFiles } = report as { testFiles: Record<string, unknown> } // Stryker's schema
  const missing = tests.filter((file) => !testFiles[file])
  if (missing.length > 0) throw new Error(`No test was run of ${missing.join(', ')}`)

  const count = (...statuses: MutantResult['status'][]) =>
    results.filter(({ status }) => statuses.includes(status)).length
  const killed = count('Killed')
  const timeout = count('Timeout')
  const survived = count('Survived')
  const uncovered = count('NoCoverage')
  const all = killed + timeout + survived + uncovered
  return {
    group: name,
    killed,
    timeout,
    survived,
    uncovered,
    percent: ((100 * (killed + timeout)) / all).toFixed(1),
    minutes: ((performance.now() - started) / 60_000).toFixed(1),
  }
}
