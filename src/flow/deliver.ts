import { apiOf } from '../carriers/carriers.js'
import type { Order } from '../carriers/carrier.js'
import { isAboutNumber, OtpError } from '../errors.js'
import { errorEvent } from '../events.js'
import type { Origin } from '../limits/origin.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { Unsent } from '../store/slots.js'
import { type Context, lease } from './context.js'
import { adoptSend, keptSent } from './lookup.js'
import { otpOf } from './pending.js'
import { rememberMessage } from './place.js'

export type Delivered =
  /** `oldOtp`: the OTP of the flow that has ended for it. */
  | { status: 'sent'; lifetime: number; oldOtp: string | undefined }
  | { status: 'unconfirmed'; oldOtp: string | undefined }
  /** tyntec does not take this number. */
  | { status: 'refused' }

/**
 * One POST for a reserved send. An answer that was lost or can't be read is looked up, never asked for again.
 *
 * @throws {OtpError} when nothing can be said: `processed` tells whether a message may have gone out.
 */
export async function deliver(
  context: Context,
  ref: FlowRef,
  order: Order,
  {
    origin,
    unsent,
    old,
  }: {
    /** Who has asked for it. */
    origin: Origin
    /** What the message gets back when it did not go out. */
    unsent?: Unsent | undefined
    /** The flow that ends when it did. */
    old?: FlowRef | undefined
  },
): Promise<Delivered> {
  const { options, store, carriers, events } = context
  const { reference, via } = order
  const carrier = carriers.of(via)
  const started = performance.now()
  let asked = false
  const failed = () =>
    store.settleSend(
      ref,
      reference,
      { result: 'failed' },
      { unsent: unsent && { ...unsent, asked } },
    )
  try {
    context.access.take('sends', apiOf(options, via))
    asked = true
    const carried = await carrier.send(order)
    const kept = await keptSent(context, ref, order, carried, old)
    if (carrier.ownCode && context.hears()) {
      await rememberMessage(context, carried.id, { ref, origin })
    }
    return { status: 'sent', ...kept }
  } catch (error) {
    if (!(error instanceof OtpError) || error.processed === undefined) throw error
    if (error.processed === 'no') {
      await failed()
      // A 400 about the number is the person's to mend; any other is the operator's.
      if (!isAboutNumber(error)) throw error
      events.emit(errorEvent('send', error))
      return { status: 'refused' }
    }
    const secondsLeft = leaseLeft(started)
    events.emit(errorEvent('send', error))
    // Nobody lists messages with a code of ours.
    const found = carrier.ownCode
      ? undefined
      : await adoptSend(context, ref, order, old, secondsLeft).catch((lookup: unknown) => {
          // That tyntec can't say is no more than that; that the store can't keep it is an outage.
          if (lookup instanceof OtpError && lookup.code !== 'ERR_OTP_STORE_UNAVAILABLE') return
          throw lookup
        })
    if (found) return { status: 'sent', ...found }
    const settled = await store.settleSend(ref, reference, { result: 'unconfirmed' }, { old })
    return { status: 'unconfirmed', oldOtp: otpOf(context, old, settled.old) }
  }
}

/** Seconds left of a lease that began at `started`, less a margin for the store. */
function leaseLeft(started: number): number {
  return lease - 0.7 - (performance.now() - started) / 1000
}
