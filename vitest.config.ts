import { defineConfig } from 'vitest/config'

// Node reads it when a process starts. test/support/canary.ts reads what is printed, and keeps it quiet.
if (!process.env.NODE_DEBUG) {
  Object.assign(process.env, { NODE_DEBUG: 'passport-tyntec-otp', CANARY_DEBUG: '1' })
}

export default defineConfig({
  // The package's own name is an alias for `src`, in tests and examples as in TypeScript.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['test/browser/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/worker-setup.ts', 'test/support/canary.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    // Processes, because Redis clients and servers of one file must not share an event loop with
    // another's. Three on CI's two cores, because many tests wait for a time of tyntec's or Redis's.
    pool: 'forks',
    maxWorkers: 3,
    // Failovers and browsers are real, and CI shares its cores. The report still tells which needed it.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 40_000,
    teardownTimeout: 5_000,
    // A forgotten `vi.spyOn`, `vi.stubEnv` or `test.only` must not decide another test.
    restoreMocks: true,
    unstubEnvs: true,
    coverage: { include: ['src/**', 'adapters/**'], reporter: ['text', 'html'] },
    allowOnly: !process.env.CI,
    expect: { requireAssertions: true },
  },
})
