import { OtpError } from '../errors.js'
import type { FlowRef } from '../secrets.js'
import type { FlowRecord } from '../store/store.js'
import type { Otp } from '../tyntec/index.js'
import type { Context } from './context.js'
import { unsealed } from './pending.js'
import { atMost } from './waiting.js'

/** Seconds between two look-ups of one send, or two questions for its delivery. */
export const lookupEvery = 3

/** Seconds for both tries to find a send in tyntec's list. */
const lookupTime = 3

/**
 * Finds a send whose answer was lost by the `referenceId` it carried, and keeps its otpId. Never
 * sends. Gives its lifetime, or nothing when tyntec's list doesn't show it, which is no proof that it
 * won't.
 *
 * @throws {OtpError} when tyntec or the store can't be asked.
 */
export async function adoptSend(
  context: Context,
  ref: FlowRef,
  reference: string,
  number: string,
  secondsLeft = lookupTime,
): Promise<number | undefined> {
  const otp = await findSend(context, reference, number, Math.min(lookupTime, secondsLeft))
  return otp && settleSent(context, ref, reference, otp)
}

/** Settles a flow whose send has no known end, if tyntec can tell it by now, and says whether it can. */
export async function lookUp(context: Context, ref: FlowRef, record: FlowRecord): Promise<boolean> {
  const values = unsealed(context, ref, record)
  if (!values) return false
  const otp = await findSend(context, record.reference, values.number, lookupTime)
  // When it is not kept, another request has found it first, and the flow has gone on.
  if (otp) await keepSent(context, ref, record.reference, otp)
  return otp !== undefined
}

/**
 * The same for who was told that it is his turn. Others wait for the end of it, and are not told so
 * again too soon.
 */
export async function lookUpInTurn(
  context: Context,
  ref: FlowRef,
  record: FlowRecord,
): Promise<void> {
  let found = false
  try {
    found = await lookUp(context, ref, record)
  } finally {
    if (!found) {
      const settling = context.store.settleSend(ref, record.reference, { result: 'unconfirmed' })
      // What can't be said here ends with its lease.
      await settling.catch(() => {})
    }
  }
}

/** Keeps the otpId of a send, and gives its lifetime in seconds. */
export async function settleSent(
  context: Context,
  ref: FlowRef,
  reference: string,
  otp: Otp,
): Promise<number> {
  const { kept, lifetime } = await keepSent(context, ref, reference, otp)
  if (!kept) throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow is gone from the store')
  return lifetime
}

async function keepSent(
  { options, secrets, store }: Context,
  ref: FlowRef,
  reference: string,
  otp: Otp,
): Promise<{ kept: boolean; lifetime: number }> {
  const lifetime = lifetimeOf(otp, options.lifetime, options.maxLifetime)
  const kept = await store.settleSend(ref, reference, {
    result: 'sent',
    otp: secrets.seal(ref, 'otp', otp.otpId),
    lifetime,
    maxLifetime: options.maxLifetime,
  })
  return { kept, lifetime }
}

async function findSend(
  { tyntec }: Context,
  reference: string,
  number: string,
  seconds: number,
): Promise<Otp | undefined> {
  const ends = performance.now() + seconds * 1000
  let failure: unknown
  for (let tries = 0; tries < 2; tries++) {
    try {
      const left = (ends - performance.now()) / 1000
      const otps = await atMost(left, tyntec.otp.list(number, reference))
      if (!otps) throw new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', `tyntec's list took too long`)
      failure = undefined
      const found = otps.find(({ referenceId }) => referenceId === reference)
      if (found) return found
    } catch (error) {
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  return undefined
}

/** A duration by tyntec's clock alone, so that no two clocks are compared. */
function lifetimeOf(otp: Otp, fallback: number, longest: number): number {
  const given = ((otp.expire ?? Number.NaN) - (otp.created ?? Number.NaN)) / 1000
  return Math.min(given > 0 && Number.isFinite(given) ? given : fallback, longest)
}
