import { OtpError } from '../errors.js'
import { errorEvent } from '../events.js'
import type { Origin } from '../limits/origin.js'
import type { Channel, Delivery } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { Context } from './context.js'
import { channelsOf, type Unsealed } from './pending.js'
import { resendFor } from './resend.js'
import { atMost } from './waiting.js'

interface Learned {
  /** Nothing when the carrier could not say. */
  delivery?: Delivery
  /** This request is the one that sends on the next channel. */
  falls: boolean
}

/** Asks the carrier what has become of the flow's newest message, and keeps it. */
export async function learnDelivery(
  context: Context,
  ref: FlowRef,
  record: FlowView,
  { otpId, message }: Unsealed,
): Promise<Learned> {
  const { carriers, store, events, options } = context
  const { reference, resends, via, country } = record
  // The app may have changed its channels since.
  const carrier = message ? carriers.of(message.via) : carriers.judge
  const id = message && carrier.ownCode ? message.id : otpId
  if (id === undefined) return { falls: false }
  const delivery = await atMost(2, carrier.delivery(id)).catch(() => undefined)
  if (delivery === undefined) return { falls: false }
  const kept = await store
    .deliver(ref, { delivery, reference, resends, fallback: options.fallback === 'auto' })
    .catch(() => undefined)
  if (kept?.news && (delivery === 'delivered' || delivery === 'failed')) {
    events.emit({ type: 'otp.delivery', flowId: ref.flowId, via, country, delivery })
  }
  return { delivery, falls: kept?.falls === true }
}

/**
 * Sends on the channel after the one that has failed, under all limits. What refuses it leaves the person to choose:
 * their page is shown in any case. Says whether there may be a message.
 */
export async function fallBack(
  context: Context,
  ref: FlowRef,
  { via }: FlowView,
  number: string,
  from: { address: unknown } | { origin: Origin },
): Promise<boolean> {
  const next = nextOf(channelsOf(context.numbers, number), via)
  if (next === undefined) return false
  try {
    const { status } = await resendFor(context, { ref, handle: '' }, next, from)
    return status === 'sent' || status === 'unconfirmed'
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    context.events.emit(errorEvent('fallback', error))
    return false
  }
}

/** It goes on, never back: what comes before has failed, or was not wanted. */
function nextOf(channels: readonly Channel[], via: Channel): Channel | undefined {
  const place = channels.indexOf(via)
  return place < 0 ? undefined : channels[place + 1]
}
