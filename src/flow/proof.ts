import { OtpError } from '../errors.js'
import type { CheckOutcome, Identity, Proof, Purpose } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import { type Context, window } from './context.js'

/** A check proven here; `complete` and `release` name it by this. */
const proofs = new WeakMap<Proof, Proven>()

interface Proven {
  ref: FlowRef
  attempt: string
  opener: string
  opened: boolean
}

type Record = Pick<FlowView, 'number' | 'via' | 'purpose'>

/** What the app gets to open its session with. Nothing when the record is not this flow's. */
export function proven(
  { secrets }: Context,
  ref: FlowRef,
  claimed: { record: Record; by: string; repeated: boolean; session?: string | undefined },
  opener: string,
  number = secrets.unseal(ref, 'number', claimed.record.number),
): (CheckOutcome & { status: 'verified' }) | undefined {
  if (number === undefined) return undefined
  const { record, by, repeated, session } = claimed
  const proof = Object.freeze({}) as Proof // its meaning is in the map
  proofs.set(proof, { ref, attempt: by, opener, opened: false })
  return {
    status: 'verified',
    identity: identityOf(ref, record, number, repeated),
    proof,
    device: secrets.createDevice(number),
    ...(session !== undefined && { previous: secrets.unseal(ref, 'session', session) }),
  }
}

/** What a request gets that has waited while another one opened the session. */
export function signedIn(
  { secrets }: Context,
  ref: FlowRef,
  record: Record,
  session: string | undefined,
): (CheckOutcome & { status: 'signed_in' }) | undefined {
  const number = secrets.unseal(ref, 'number', record.number)
  if (number === undefined) return undefined
  return {
    status: 'signed_in',
    identity: identityOf(ref, record, number, true),
    device: secrets.createDevice(number),
    ...(session !== undefined && { session: secrets.unseal(ref, 'session', session) }),
  }
}

function identityOf(ref: FlowRef, record: Record, number: string, repeated: boolean): Identity {
  return {
    number,
    flowId: ref.flowId,
    verifiedAt: new Date(),
    channel: record.via,
    purpose: (record.purpose ?? 'login') as Purpose, // the flow has written it
    knownBrowser: ref.browserTag !== undefined,
    repeated,
  }
}

export function invalidCode({ options }: Context, attempts: number) {
  return attempts >= options.attempts
    ? { status: 'too_many_attempts' as const }
    : { status: 'invalid_code' as const, attemptsRemaining: options.attempts - attempts }
}

export interface Completion {
  proof: Proof
  /** What the app's session is called, so that it can be ended when the answer to the browser is lost. */
  session?: string | undefined
}

/** The app's session is open. False when the flow had ended meanwhile. */
export async function complete(context: Context, { proof, session }: Completion): Promise<boolean> {
  const found = provenOf(proof, 'complete')
  const sealed = session && context.secrets.seal(found.ref, 'session', session)
  const completed = await end(context, found, sealed ? { session: sealed } : {})
  if (completed && !found.opened) {
    found.opened = true
    context.events.emit({ type: 'session.opened', flowId: found.ref.flowId })
  }
  return completed
}

/** The app has refused the person: there is no session, and the same code gets the same answer for a while. */
export async function close(
  context: Context,
  { proof, message = '' }: { proof: Proof; message?: string | undefined },
): Promise<boolean> {
  const found = provenOf(proof, 'complete')
  const refusal = context.secrets.seal(found.ref, 'refusal', message)
  return end(context, found, { refusal })
}

function end(
  { store }: Context,
  { ref, attempt, opener }: Proven,
  how: { session?: string; refusal?: string },
): Promise<boolean> {
  return store.complete(ref, { attempt, opener, window, ...how })
}

/** The app's session could not be opened: the next request with the same code may try again. */
export async function release({ store }: Context, proof: Proof): Promise<void> {
  const { ref, attempt, opener } = provenOf(proof, 'release')
  await store.release(ref, { attempt, opener })
}

function provenOf(proof: Proof, step: 'complete' | 'release'): Proven {
  const found = proofs.get(proof)
  if (found) return found
  throw new OtpError('ERR_OTP_MISUSE', `${step}() takes the proof of a verified outcome`)
}
