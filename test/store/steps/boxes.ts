import type {
  AddressRecord,
  Box,
  NumberRecord,
  SharedRecord,
  StoredFlow,
} from '../../../src/store/records.js'
import type { Parts } from '../../../src/store/steps/admission.js'
import type { FailureRules } from '../../../src/store/steps/failures.js'
import type { Limit } from '../../../src/store/steps/limits.js'

/** What a step is given, by the names of its boxes. */
export interface Records {
  own?: AddressRecord
  site?: AddressRecord
  app?: SharedRecord
  country?: SharedRecord
  range?: SharedRecord
  number?: NumberRecord
  flow?: StoredFlow
  current?: StoredFlow
  old?: StoredFlow
}

type Boxes = { [name in keyof Records]: Box<NonNullable<Records[name]>> }

const names = [
  'own',
  'site',
  'app',
  'country',
  'range',
  'number',
  'flow',
  'current',
  'old',
] as const

/** The time of a step, unless it says another. */
export const now = 1_700_000_000_000

/** Seconds from now. */
export const inSeconds = (seconds: number): number => now + seconds * 1000

/**
 * Takes a step on copies of the records, as a store does: what it keeps is what is there afterwards.
 */
export function take<Args, Reply>(
  step: (boxes: Boxes, args: Args, now: number) => Reply,
  records: Records,
  args: Args,
  time = now,
): { reply: Reply; after: Records; kept: { [name in keyof Records]: number } } {
  const boxes: Record<string, Box<unknown>> = {}
  for (const name of names) boxes[name] = { value: structuredClone(records[name]) }
  const reply = step(boxes, args, time)
  const after: Record<string, unknown> = structuredClone(records as Record<string, unknown>)
  const kept: Record<string, number> = {}
  for (const name of names) {
    const { value, keep } = boxes[name] ?? {}
    if (keep === undefined) continue
    kept[name] = keep
    if (keep > 0) after[name] = value
    else delete after[name]
  }
  return { reply, after, kept }
}

export const limit = (name: string, points: number, duration = 600): Limit => ({
  name,
  points,
  duration,
})

/** A window with so many uses that ends in so many seconds. */
export const used = (n: number, seconds = 600): { n: number; ends: number } => ({
  n,
  ends: inSeconds(seconds),
})

const free = { free: 20, share: 0.4, enforced: true }

/** What a message costs: two of each, so that a test can fill one. */
export function partsOf(given: Parts = {}): Parts {
  return {
    address: {
      own: [limit('sends', 2)],
      site: [limit('sends', 2)],
      waits: limit('waits', 3),
      meter: free,
      country: 'US',
      countries: { points: 2, duration: 86_400, enforced: true },
    },
    shared: {
      app: [limit('hour', 2)],
      ofCountry: [limit('country', 2)],
      country: free,
      range: free,
      decoy: false,
    },
    number: { limits: [limit('sends', 2)], always: [limit('calls', 2)], own: [] },
    ...given,
  }
}

export const rules: FailureRules = {
  attempts: 3,
  freeFailures: 2,
  failureWindow: 900,
  failureWait: 30,
  failureMaxWait: 100,
  disableAt: 10,
}

/** A flow whose code went out ten seconds ago. */
export function pendingFlow(given: Partial<StoredFlow> = {}): StoredFlow {
  return {
    state: 'pending',
    reference: 'reference',
    number: 'sealed number',
    otp: 'sealed otp',
    via: 'sms',
    country: 'US',
    created: inSeconds(-10),
    sent: inSeconds(-10),
    expires: inSeconds(290),
    kept: inSeconds(890),
    ...given,
  }
}

/** The same, with a code that is being tried. */
export function triedFlow(given: Partial<NonNullable<StoredFlow['tried']>> = {}): StoredFlow {
  return pendingFlow({
    attempts: 1,
    open: true,
    tried: {
      id: 'attempt',
      state: 'checking',
      hash: 'hash',
      lease: inSeconds(10),
      until: inSeconds(60),
      earlier: 'none',
      by: 'attempt',
      waitBefore: 0,
      ...given,
    },
  })
}
