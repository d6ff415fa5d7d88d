import type { Events } from '../events.js'
import type { Limits } from '../limits.js'
import type { NumberParser } from '../input/number.js'
import type { ResolvedOptions } from '../options/options.js'
import type { Pumping } from '../pumping.js'
import type { Secrets } from '../secrets.js'
import type { CheckRules, OtpStore } from '../store/store.js'
import type { StepClient } from './decoy.js'
import type { Visit } from './pressure.js'

/** One step's way to tyntec. */
export interface Calls {
  tyntec: StepClient
  refuseEarly: Visit['refuseEarly']
}

/** What the steps of a flow work with. */
export interface Context extends Calls {
  options: ResolvedOptions
  pumping: Pumping
  store: OtpStore
  secrets: Secrets
  limits: Limits
  numbers: NumberParser
  events: Events
  rules: CheckRules
}

/** Seconds that a step may take before another request may take it over. tyntec's deadline is under it. */
export const lease = 10

/** Seconds in which a check whose end is unknown, or a login whose session is not open, can be repeated. */
export const window = 60

/** With less left than this many seconds, a resend becomes a new code. */
export const renewBelow = 60
