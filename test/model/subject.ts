import { createOtpFlow, OtpError, sms } from '../../src/index.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'

/** What is under test. `mutants.ts` puts broken copies in its place. */
export const subject = { createOtpFlow, createMemoryStore, createSecrets, OtpError, sms, toOpaque }

export type Subject = typeof subject
