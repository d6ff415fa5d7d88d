import { OtpError } from '../errors.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { Otp } from '../tyntec/index.js'
import type { Context } from './context.js'
import { otpOf, unsealed } from './pending.js'
import { atMost } from './waiting.js'

/** Seconds between two look-ups of one send, or two questions for its delivery. */
export const lookupEvery = 3

/** Seconds for both tries to find a send in tyntec's list. */
const lookupTime = 3

interface Kept {
  lifetime: number
  /** The OTP of the flow that has ended for it. */
  oldOtp: string | undefined
}

/**
 * Finds a send whose answer was lost by the `referenceId` it carried, and keeps its otpId. Never
 * sends. Gives nothing when tyntec's list doesn't show it, which is no proof that it won't.
 *
 * @throws {OtpError} when tyntec or the store can't be asked.
 */
export async function adoptSend(
  context: Context,
  ref: FlowRef,
  sent: { reference: string; number: string; old: FlowRef | undefined },
  secondsLeft = lookupTime,
): Promise<Kept | undefined> {
  const seconds = Math.min(lookupTime, secondsLeft)
  const otp = await findSend(context, sent.reference, sent.number, seconds)
  return otp && keptSent(context, ref, sent.reference, otp, sent.old)
}

/** Settles a flow whose send has no known end, if tyntec can tell it by now, and says whether it can. */
export async function lookUp(context: Context, ref: FlowRef, record: FlowView): Promise<boolean> {
  const values = unsealed(context, ref, record)
  if (!values) return false
  const otp = await findSend(context, record.reference, values.number, lookupTime)
  // When it is not kept, another request has found it first, and the flow has gone on.
  if (otp) await keepSent(context, ref, record.reference, otp)
  return otp !== undefined
}

/**
 * The same for a request that was told that it is its turn. Others wait for the end of it, and are not
 * told so again too soon.
 */
export async function lookUpInTurn(
  context: Context,
  ref: FlowRef,
  record: FlowView,
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
export async function keptSent(
  context: Context,
  ref: FlowRef,
  reference: string,
  otp: Otp,
  old: FlowRef | undefined,
): Promise<Kept> {
  const { kept, ...more } = await keepSent(context, ref, reference, otp, old)
  if (!kept) throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow is gone from the store')
  return more
}

async function keepSent(
  context: Context,
  ref: FlowRef,
  reference: string,
  otp: Otp,
  old?: FlowRef,
): Promise<Kept & { kept: boolean }> {
  const { options, secrets, store } = context
  const { maxLifetime } = options
  const lifetime = lifetimeOf(otp, options.lifetime, maxLifetime)
  const sealed = secrets.seal(ref, 'otp', otp.otpId)
  const result = { result: 'sent', otp: sealed, lifetime, maxLifetime } as const
  const settled = await store.settleSend(ref, reference, result, { old })
  return { kept: settled.kept, lifetime, oldOtp: otpOf(context, old, settled.old) }
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
      const found = await atMost(
        left,
        tyntec.otp.find(number, reference).then((otp) => ({ otp })),
      )
      if (!found) throw new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', `tyntec's list took too long`)
      failure = undefined
      if (found.otp) return found.otp
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
