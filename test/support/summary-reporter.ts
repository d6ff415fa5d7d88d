import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Ends the report with `N passed, N failed`, alone on a line, for CI to read. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    let passed = 0
    let skipped = 0
    let failed = errors.length
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed += 1
        else if (state === 'failed') failedHere += 1
        else skipped += 1
      }
      // A file that could not be loaded, or a hook that threw, failed without a failing test.
      failed += failedHere === 0 && !module.ok() ? 1 : failedHere
    }
    const parts = [`${passed} passed`, `${failed} failed`]
    if (skipped > 0) parts.push(`${skipped} skipped`)
    process.stdout.write(`${parts.join(', ')}\n`)
  }
}
