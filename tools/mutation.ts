// Changes the source in one place at a time and sees whether a test fails: `npm run test:mutation`,
// or `npm run test:mutation -- number store` for some groups. With `--incremental` only what has
// changed since the last run. The survivors are explained in docs/mutation.md.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MutantResult } from '@stryker-mutator/api/core'
import { Stryker } from '@stryker-mutator/core'

interface Group {
  /** The files that are changed. */
  mutate: string[]
  /** The tests that have to see it. None that start other processes of ours or run at once. */
  tests: string[]
  /** Each mutant gets modules of its own, so that constants are changed too. It takes three times as long. */
  isolate?: true
}

const groups: Record<string, Group> = {
  number: {
    mutate: ['src/input/number.ts', 'src/input/code.ts', 'src/input/address.ts'],
    tests: ['test/input/number.test.ts', 'test/input/code.test.ts', 'test/input/address.test.ts'],
    isolate: true,
  },
  client: {
    mutate: ['src/tyntec/answers.ts', 'src/tyntec/failures.ts'],
    tests: ['check', 'client', 'secrets', 'transport'].map((name) => `test/tyntec/${name}.test.ts`),
    isolate: true,
  },
  store: {
    mutate: ['src/store/redis.ts', 'src/store/limiter.ts', 'src/store/replies.ts'],
    tests: [
      'test/store.test.ts',
      'test/flow-redis.test.ts',
      'test/redis-clock.test.ts',
      'test/options.test.ts',
      'test/redis/client-options.test.ts',
      'test/redis/errors.test.ts',
      'test/shared-pace.test.ts',
    ],
  },
  limits: {
    mutate: ['src/limits.ts', 'src/pumping.ts'],
    tests: ['limits', 'pumping', 'wallet', 'events-scenarios'].map(testFile),
  },
  check: {
    mutate: ['check', 'input', 'lookup', 'pending', 'status', 'waiting'].map(flowFile),
    tests: [
      'flow',
      'flow-faults',
      'devices',
      'matrix',
      'check-ends',
      'events-scenarios',
      'flow-status',
      'guessing',
      'crash/lost-answers',
      'rows/poisoned-limits',
    ].map(testFile),
  },
  send: {
    mutate: ['context', 'deliver', 'index', 'resend', 'reserve', 'send'].map(flowFile),
    tests: [
      'admission',
      'devices',
      'events-scenarios',
      'flow',
      'flow-faults',
      'flow-status',
      'matrix',
      'metrics',
      'send-ends',
      'spending',
    ].map(testFile),
  },
  guards: {
    mutate: ['admission', 'hooks', 'pressure', 'watch'].map(flowFile),
    tests: [
      'admission',
      'breaker',
      'events',
      'events-log',
      'events-scenarios',
      'events-tracing',
      'metrics',
      'flow-status',
      'pressure',
      'send-ends',
      'spending',
      'wallet',
    ].map(testFile),
  },
  decoys: {
    mutate: ['decoy', 'pace', 'shared-pace'].map(flowFile),
    tests: ['decoy', 'pace', 'send-ends', 'shared-pace'].map(testFile),
  },
}

function flowFile(name: string): string {
  return `src/flow/${name}.ts`
}

function testFile(name: string): string {
  return `test/${name}.test.ts`
}

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
const unknown = names.filter((name) => !groups[name])
if (unknown.length > 0) {
  console.error(
    `No such group: ${unknown.join(', ')}. There are ${Object.keys(groups).join(', ')}.`,
  )
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

async function measure(name: string, { mutate, tests, isolate }: Group): Promise<Score> {
  const started = performance.now()
  // Read by test/mutation/vitest.config.ts in the processes that Stryker starts.
  process.env.MUTATION_TESTS = tests.join(',')
  process.env.MUTATION_ISOLATE = isolate ? 'yes' : ''
  const results = await new Stryker({
    mutate,
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
