import type { Carried, Order } from '../carriers/carrier.js'
import { OtpError } from '../errors.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { Context } from './context.js'
import { idOf, otpOf, unsealed } from './pending.js'
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
  order: Order,
  old: FlowRef | undefined,
  secondsLeft = lookupTime,
): Promise<Kept | undefined> {
  const seconds = Math.min(lookupTime, secondsLeft)
  const found = await findSend(context, order.reference, order.number, seconds)
  return found && keptSent(context, ref, order, found, old)
}

/** Settles a flow whose send has no known end, if tyntec can tell it by now, and says whether it can. */
export async function lookUp(context: Context, ref: FlowRef, record: FlowView): Promise<boolean> {
  const values = unsealed(context, ref, record)
  if (!values) return false
  const { reference, via } = record
  const found = await findSend(context, reference, values.number, lookupTime)
  // When it is not kept, another request has found it first, and the flow has gone on.
  if (found) await keepSent(context, ref, { reference, via }, found)
  return found !== undefined
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

/** Keeps what a send is called by its carrier, and gives its lifetime in seconds. */
export async function keptSent(
  context: Context,
  ref: FlowRef,
  order: Pick<Order, 'reference' | 'via' | 'code'>,
  carried: Carried,
  old: FlowRef | undefined,
): Promise<Kept> {
  const { kept, ...more } = await keepSent(context, ref, order, carried, old)
  if (!kept) throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'The flow is gone from the store')
  return more
}

async function keepSent(
  context: Context,
  ref: FlowRef,
  { reference, via, code }: Pick<Order, 'reference' | 'via'> & Partial<Pick<Order, 'code'>>,
  { id, lifetime: given }: Carried,
  old?: FlowRef,
): Promise<Kept & { kept: boolean }> {
  const { options, secrets, store } = context
  const { maxLifetime } = options
  const lifetime = Math.min(given ?? options.lifetime, maxLifetime)
  const sealed = secrets.seal(ref, 'otp', code === undefined ? id : idOf(via, id))
  const result = { result: 'sent', otp: sealed, lifetime, maxLifetime } as const
  const settled = await store.settleSend(ref, reference, result, { old })
  return { kept: settled.kept, lifetime, oldOtp: otpOf(context, old, settled.old) }
}

async function findSend(
  { carriers }: Context,
  reference: string,
  number: string,
  seconds: number,
): Promise<Carried | undefined> {
  const ends = performance.now() + seconds * 1000
  let failure: unknown
  for (let tries = 0; tries < 2; tries++) {
    try {
      const left = (ends - performance.now()) / 1000
      const found = await atMost(
        left,
        carriers.judge.find(number, reference).then((carried) => ({ carried })),
      )
      if (!found) throw new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', `tyntec's list took too long`)
      failure = undefined
      if (found.carried) return found.carried
    } catch (error) {
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  return undefined
}
