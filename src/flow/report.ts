import type { Context } from './context.js'
import { fallBack, learnDelivery } from './delivery.js'
import { lookupEvery } from './lookup.js'
import { unsealed } from './pending.js'
import { placeOf } from './place.js'

/*
 * tyntec tells of messages by webhooks that nobody signs: anybody can post one. So each is a hint only. It names a
 * message, and when that is one of ours, tyntec is asked what has become of it.
 */

export type ReportOutcome =
  /** No message that has been kept by now. */
  | { status: 'unknown' }
  /** Nothing new to ask. */
  | { status: 'none' }
  | { status: 'asked' }
  /** Asked for a moment ago: worth another try in so many seconds. */
  | { status: 'later'; retryAfter: number }

/** Somebody says that there is news of a message. */
export async function report(context: Context, { id }: { id: string }): Promise<ReportOutcome> {
  // Where only some numbers get messages, what became of one would tell which.
  if (context.options.knows) return { status: 'none' }
  const place = await placeOf(context, id)
  if (!place) return { status: 'unknown' }
  const { ref, origin } = place
  const { record, deliveryDue } = await context.store.read(ref, lookupEvery)
  const values = record && unsealed(context, ref, record)
  // The flow may have sent another message since.
  if (!record || values?.message?.id !== id || record.state !== 'pending') return { status: 'none' }
  if (!deliveryDue) {
    const told = record.delivery === 'delivered' || record.delivery === 'failed'
    return told ? { status: 'none' } : { status: 'later', retryAfter: lookupEvery }
  }
  const { falls } = await learnDelivery(context, ref, record, values)
  if (falls) await fallBack(context, ref, record, values.number, { origin })
  return { status: 'asked' }
}
