import type { Carriers } from '../carriers/carrier.js'
import type { Access } from '../carriers/pressure.js'
import type { Events } from '../events.js'
import type { NumberParser } from '../input/number.js'
import type { Limits } from '../limits/limits.js'
import type { ResolvedOptions } from '../options/options.js'
import type { Secrets } from '../secrets/secrets.js'
import type { FlowStore } from '../store/flows.js'
import type { FailureRules } from '../store/steps/failures.js'

/** One step's way to those who bring codes. */
export interface Calls {
  carriers: Carriers
  access: Access
}

/** What the steps of a flow work with. */
export interface Context extends Calls {
  options: ResolvedOptions
  store: FlowStore
  secrets: Secrets
  limits: Limits
  numbers: NumberParser
  events: Events
  rules: FailureRules
  joins: Joins
  /** Somebody takes hints about messages. */
  hears: () => boolean
}

/** Waits for the end of what another request does, with all who wait for the same in this process. */
export type Joins = <T>(
  name: string,
  seconds: number,
  ask: () => Promise<T | undefined>,
) => Promise<T | undefined>

/** Seconds that a step may take before another request may take it over. tyntec's deadline is under it. */
export const lease = 10

/** Seconds for opening the app's session: its verify function may take 30 s, and runs once. */
export const openingLease = 35

/**
 * Seconds in which a check whose end is unknown can be settled, a session whose opening has failed opened
 * again, and a sign-in whose answer was lost answered again.
 */
export const window = 60

/** How often a sign-in is answered again. */
export const repeats = 3

/** With less left than this many seconds, a resend becomes a new code. */
export const renewBelow = 60
