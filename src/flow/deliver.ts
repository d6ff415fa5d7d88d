import { OtpError } from '../errors.js'
import { errorEvent } from '../events.js'
import type { Channel } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import type { Via } from '../tyntec/index.js'
import { type Context, lease } from './context.js'
import { adoptSend, settleSent } from './lookup.js'

export interface Order {
  reference: string
  number: string
  via: Channel
  language: string | undefined
}

/**
 * One POST for a reserved send. An answer that was lost or can't be read is looked up, never asked for again.
 *
 * @throws {OtpError} when nothing can be said: `processed` tells whether a message may have gone out.
 */
export async function deliver(
  context: Context,
  ref: FlowRef,
  order: Order,
): Promise<
  { status: 'sent'; lifetime: number } | { status: 'unconfirmed' } | { status: 'refused' }
> {
  const { options, store, tyntec } = context
  const { reference, number, language } = order
  const started = performance.now()
  try {
    const otp = await tyntec.otp.send({
      number,
      via: viaOf(order.via),
      referenceId: reference,
      pinLength: options.pinLength,
      ...(language && { language }),
      ...(options.applicationId && { applicationId: options.applicationId }),
    })
    return { status: 'sent', lifetime: await settleSent(context, ref, reference, otp) }
  } catch (error) {
    if (!(error instanceof OtpError) || error.processed === undefined) throw error
    if (error.processed === 'no') {
      await store.settleSend(ref, reference, { result: 'failed' })
      // A 400: tyntec does not take this number, or this app's settings.
      if (error.code === 'ERR_OTP_PROVIDER_RESPONSE') {
        context.events.emit(errorEvent('send', error))
        return { status: 'refused' }
      }
      throw error
    }
    const secondsLeft = leaseLeft(started)
    context.events.emit(errorEvent('send', error))
    const found = await adoptSend(context, ref, reference, number, secondsLeft).catch(
      (lookup: unknown) => {
        // That tyntec can't say is no more than that; that the store can't keep it is an outage.
        if (lookup instanceof OtpError && lookup.code !== 'ERR_OTP_STORE_UNAVAILABLE') return
        throw lookup
      },
    )
    if (found) return { status: 'sent', lifetime: found }
    await store.settleSend(ref, reference, { result: 'unconfirmed' })
    return { status: 'unconfirmed' }
  }
}

export function viaOf(channel: Channel): Via {
  return channel === 'voice' ? 'VOICE' : 'SMS'
}

/** Seconds left of a lease that began at `started`, less a margin for the store. */
function leaseLeft(started: number): number {
  return lease - 0.7 - (performance.now() - started) / 1000
}
