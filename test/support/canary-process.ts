import { expect } from 'vitest'
import { createWatch, type Watch } from './canary-watch.js'

/** Of this process. Also for tests that have more to show it. */
export const watch: Watch = createWatch(
  () => expect.getState().currentTestName ?? 'outside of a test',
)

/** More that has to hold at the end of a test file. */
export const faults: string[] = []
