import { createOtpFlow } from '../../src/index.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { createMemoryStore } from '../../src/store/memory.js'

/** What is under test. `mutants.ts` puts broken copies in its place. */
export const subject = { createOtpFlow, createMemoryStore, createSecrets }

export type Subject = typeof subject
