import { defineConfig } from 'vitest/config'

/** For Stryker, which `tools/mutation.ts` starts with the tests of one group. */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: process.env.MUTATION_TESTS?.split(',') ?? [],
    globalSetup: ['test/mutation/global-setup.ts'],
    testTimeout: 10_000,
    hookTimeout: 20_000,
    isolate: process.env.MUTATION_ISOLATE === 'yes',
    restoreMocks: true,
    unstubEnvs: true,
  },
})
