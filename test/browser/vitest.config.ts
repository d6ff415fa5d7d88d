import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** What needs Chromium, apart from `npm test` so that it does not. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/browser/**/*.test.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    allowOnly: !process.env.CI,
    expect: { requireAssertions: true },
  },
})
