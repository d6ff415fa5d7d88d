import type { Box, StoredFlow } from '../records.js'
import { flowOf, keepFlow } from './flow.js'

export interface FlowBoxes {
  flow?: Box<StoredFlow>
}

export interface CompleteArgs {
  /** The try that was proven. */
  attempt: string
  /** The try that was told so. */
  opener: string
  /** Sealed: the app's session. */
  session?: string | undefined
  /** Sealed: why the app has refused the person. */
  refusal?: string | undefined
  /** Seconds in which the same code is answered the same way. */
  window: number
}

/** Milliseconds for which the end of a sign-in is kept at the least. */
const leastKept = 1000

/**
 * Ends the opening of the app's session. True for whoever opened it, however often asked, and for nobody
 * else who was told that the code is proven.
 */
export function complete(boxes: FlowBoxes, args: CompleteArgs, now: number): { done: boolean } {
  const flow = flowOf(boxes.flow, now)
  const signIn = flow?.signIn
  if (
    flow === undefined ||
    signIn === undefined ||
    boxes.flow === undefined ||
    flow.by !== args.attempt ||
    signIn.opener !== args.opener
  ) {
    return { done: false }
  }
  if (flow.state === 'completed' && signIn.lease === 0) return { done: true }
  flow.state = 'completed'
  flow.end = 'used'
  flow.reference = ''
  flow.otp = undefined
  signIn.lease = 0
  signIn.session = args.session
  signIn.refusal = args.refusal
  // The sign-in is answered again for as long after its end, not after each repetition of it.
  if (signIn.repeats === undefined) signIn.until = now + args.window * 1000
  flow.kept = Math.max(signIn.until, now + leastKept)
  keepFlow(boxes.flow, flow, now)
  return { done: true }
}

/**
 * Lets the next request with the same code open the session. `attempt` is missing where nobody has heard which try
 * was proven: nobody else can name the opener.
 */
export function release(
  boxes: FlowBoxes,
  { attempt, opener }: { attempt?: string | undefined; opener: string },
  now: number,
): { done: boolean } {
  const flow = flowOf(boxes.flow, now)
  const signIn = flow?.signIn
  if (
    flow === undefined ||
    signIn === undefined ||
    boxes.flow === undefined ||
    (attempt !== undefined && flow.by !== attempt) ||
    signIn.opener !== opener ||
    signIn.lease === 0
  ) {
    return { done: false }
  }
  signIn.lease = 0
  signIn.opener = undefined
  keepFlow(boxes.flow, flow, now)
  return { done: true }
}
