import { errorEvent } from '../events.js'
import type { Delivery, StatusOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { OtpEvent as DeliveryEvent } from '../tyntec/index.js'
import type { Context } from './context.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
import { maskNumber } from '../input/number.js'
import { pendingOf, renewableOf, unsealed } from './pending.js'
import { atMost } from './waiting.js'

export async function status(context: Context, input: { handle: unknown }): Promise<StatusOutcome> {
  const { options, secrets, store } = context
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'none' }
  // However often its page asks, tyntec is asked for one flow no more often than that.
  let { record, lookupDue, deliveryDue } = await store.read(ref, lookupEvery)
  if (record && lookupDue) {
    // The page is shown whether or not tyntec can be asked.
    await lookUpInTurn(context, ref, record).catch(() => {})
    ;({ record, deliveryDue } = await store.read(ref, lookupEvery))
  }
  if (!record) return { status: 'none' }
  const values = unsealed(context, ref, record)
  if (!values) return { status: 'none' }
  const why = endOf(record)
  if (why) {
    return {
      status: 'ended',
      why,
      to: maskNumber(values.number),
      resend: renewableOf(context, values.number, record),
    }
  }
  if (!isShown(record)) return { status: 'none' }

  let { delivery } = record
  // Where only some numbers get messages, what became of one would tell which.
  if (deliveryDue && values.otpId !== undefined && !options.knows) {
    delivery = (await askDelivery(context, ref, values.otpId)) ?? delivery
  }
  return {
    status: record.state === 'pending' ? 'pending' : 'unconfirmed',
    ...pendingOf(context, values.number, record),
    delivery,
  }
}

/** Why a flow has ended by itself, so that a resend can begin anew. */
export function endOf({ state, end, expiresIn }: FlowView): 'expired' | 'attempts' | undefined {
  if (state === 'dead') return end === 'expired' || end === 'attempts' ? end : undefined
  return isShown({ state }) && expiresIn <= 0 ? 'expired' : undefined
}

function isShown({ state }: Pick<FlowView, 'state'>): boolean {
  return state === 'pending' || state === 'unconfirmed' || state === 'sending'
}

/** Ends the flow here and, as far as tyntec can be asked, there. */
export async function cancel(context: Context, input: { handle: unknown }): Promise<void> {
  const ref = context.secrets.parseHandle(input.handle)
  if (!ref) return
  const record = await context.store.end(ref, 'cancelled')
  if (!record) return
  const otpId = unsealed(context, ref, record)?.otpId
  if (otpId !== undefined) await deleteOtp(context, otpId)
  context.events.emit({ type: 'otp.cancelled', flowId: ref.flowId })
}

/** The flow is over here already, so tyntec's answer is not waited for longer than a second. */
export async function deleteOtp({ tyntec, events }: Context, otpId: string): Promise<void> {
  const deleted = tyntec.otp.delete(otpId).catch((error: unknown) => {
    events.emit(errorEvent('delete', error))
  })
  await atMost(1, deleted)
}

async function askDelivery(
  { tyntec, store }: Context,
  ref: FlowRef,
  otpId: string,
): Promise<Delivery | undefined> {
  const events = await atMost(2, tyntec.otp.events(otpId)).catch(() => undefined)
  if (!events) return undefined
  const delivery = deliveryOf(events)
  await store.deliver(ref, delivery).catch(() => {})
  return delivery
}

/** The newest event that says anything. Types are tyntec's own and may grow, so their words decide. */
function deliveryOf(events: readonly DeliveryEvent[]): Delivery {
  // Of one millisecond, what became of a message comes after the message.
  const newest = [...events].sort(
    (one, other) =>
      (other.created ?? 0) - (one.created ?? 0) ||
      Number(other.status !== undefined) - Number(one.status !== undefined),
  )
  for (const { type = '', status } of newest) {
    if (status === 'failed' || /FAIL/i.test(type)) return 'failed'
    if (status === 'success' && /RES|DELIVERED/i.test(type)) return 'delivered'
    if (/DELIVER|SEND|SENT/i.test(type)) return 'sent'
  }
  return 'unknown'
}
