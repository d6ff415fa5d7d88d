import type { OtpFlow } from '../../flow/index.js'
import type { CheckOutcome, Identity, Purpose, Verified } from '../../outcomes.js'
import type { Exchange } from '../exchange.js'

/** What came of a code, once it is known whether another request has signed this browser in with it. */
export type CodeOutcome =
  | Exclude<CheckOutcome, { status: 'verified' | 'signed_in' }>
  | Proven
  | Joined

/** tyntec has proven the code, and this request is the one that opens the session. */
export type Proven = Verified & {
  /** The session that an earlier answer has opened, which nobody has heard. */
  readonly lost?: string | undefined
}

/** Another request has signed this browser in with this code: what it has opened is this one's too. */
export interface Joined {
  readonly status: 'joined'
  readonly identity: Identity
  readonly device: string
}

interface HowItJoins {
  purpose: Purpose | undefined
  joins: boolean
  shared?: (identity: Identity) => boolean
}

/**
 * Tries the code of a request. Of two requests with one code, as of a double click, one opens the session; the
 * other joins it, so that either answer signs the browser in. Where a session can't be joined it opens one of
 * its own, and `identity.repeated` says so. The fifth of these joins without a session: those before it have theirs.
 *
 * `shared`: there is none, and what came of the other request is known here.
 */
export async function checkCode(
  flow: OtpFlow,
  { host, binding, field }: Exchange,
  { purpose, joins, shared }: HowItJoins,
): Promise<CodeOutcome> {
  const input = { handle: binding.handle, code: field('code'), address: host.address, purpose }
  const outcome = await flow.check(input)
  if (outcome.status === 'verified') return { ...outcome, lost: outcome.previous }
  if (outcome.status !== 'signed_in') return outcome

  const { session, identity, device } = outcome
  const joined: Joined = { status: 'joined', identity, device }
  if (joins && session !== undefined && (await host.session.adopt(session))) return joined
  if (shared?.(identity)) return joined
  const again = await flow.check({ ...input, again: true })
  // Its session stays: the answer that has opened it may still be on its way, and arrive last.
  const usedUp = joins && again.status === 'no_pending_code'
  if (again.status !== 'signed_in' && !usedUp) return again
  host.session.leave()
  return joined
}
