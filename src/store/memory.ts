import { helpOf, OtpError } from '../errors.js'
import type { Box } from './records.js'
import { type BoxName, type StepArgs, type StepName, type StepReply, steps } from './steps/index.js'
import { type OtpStore, type StepKeys, type StepStore, toOpaque } from './store.js'

/** Options of `memoryStore`. */
export interface MemoryStoreOptions {
  /**
   * Allows this store when `NODE_ENV` is `production`: for a single process whose restarts may end
   * every running flow and forget every limit.
   *
   * @default false
   */
  production?: boolean
}

/**
 * Keeps flows and limits in this process: for development, tests and apps of one process. It runs the same steps
 * as `redisStore`.
 *
 * @throws {OtpError} `ERR_OTP_MISUSE` when `NODE_ENV` is `production` and the option does not allow it.
 */
export function memoryStore(options: MemoryStoreOptions = {}): OtpStore {
  if (process.env.NODE_ENV === 'production' && options.production !== true) {
    throw new OtpError(
      'ERR_OTP_MISUSE',
      'memoryStore() forgets everything at a restart and is not shared between processes. Use redisStore(), or memoryStore({ production: true }) for a single process',
    )
  }
  if (options.production !== true) warnOnce()
  return toOpaque(createMemoryStore(() => performance.now()))
}

let warned = false
function warnOnce(): void {
  if (warned) return
  warned = true
  process.emitWarning('memoryStore() is for one process: sign-ins do not survive a restart', {
    code: 'OTP_MEMORY_STORE',
    detail: helpOf('OTP_MEMORY_STORE'),
  })
}

/** Steps as they are called here: which records belong to which step is the caller's to know. */
type AnyStep = (
  boxes: Partial<Record<BoxName, Box<unknown>>>,
  args: unknown,
  now: number,
) => unknown

/** @internal `clock` gives milliseconds and never goes back. */
export function createMemoryStore(clock: () => number): StepStore {
  const records = expiringMap(clock)
  return {
    cluster: false,

    async run<Name extends StepName>(name: Name, keys: StepKeys, args: StepArgs<Name>) {
      const boxes: Partial<Record<BoxName, Box<unknown>>> = {}
      // Several names of one record are one box, as they would be one key.
      const byKey = new Map<string, Box<unknown>>()
      for (const [box, key] of Object.entries(keys) as [BoxName, string | undefined][]) {
        if (key === undefined) continue
        // A copy, as from Redis: what a step changes and does not keep has not happened.
        const found = byKey.get(key) ?? { value: structuredClone(records.get(key)) }
        byKey.set(key, found)
        boxes[box] = found
      }
      const reply = (steps[name] as AnyStep)(boxes, args, clock())
      for (const [key, { value, keep }] of byKey) {
        if (keep === undefined) continue
        if (keep > 0) records.set(key, value, keep)
        else records.delete(key)
      }
      return reply as StepReply<Name>
    },

    async keepNote(name, note, seconds) {
      records.set(`note:${name}`, note, seconds * 1000)
    },
    async note(name) {
      const note = records.get(`note:${name}`)
      return typeof note === 'string' ? note : undefined
    },
  }
}

/** A map whose entries end. Each write looks at a few entries, so that dead ones do not pile up. */
function expiringMap(clock: () => number) {
  const entries = new Map<string, { value: unknown; ends: number }>()
  let sweep = entries.entries()
  return {
    get(key: string): unknown {
      const entry = entries.get(key)
      if (entry && entry.ends > clock()) return entry.value
      if (entry) entries.delete(key)
      return undefined
    },
    delete: (key: string): void => void entries.delete(key),
    set(key: string, value: unknown, milliseconds: number): void {
      entries.set(key, { value, ends: clock() + milliseconds })
      for (let looked = 0; looked < 4; looked++) {
        const next = sweep.next()
        if (next.done) {
          sweep = entries.entries()
          return
        }
        if (next.value[1].ends <= clock()) entries.delete(next.value[0])
      }
    },
  }
}
