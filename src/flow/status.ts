import { errorEvent } from '../events.js'
import type { Delivery, StatusOutcome } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
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
  if (deliveryDue && !options.knows) {
    delivery = (await askDelivery(context, ref, values)) ?? delivery
  }
  return {
    status: record.state === 'pending' ? 'pending' : 'unconfirmed',
    ...pendingOf(context, values.number, { ...record, delivery }),
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
export async function deleteOtp({ carriers, events }: Context, otpId: string): Promise<void> {
  const deleted = carriers.judge.drop(otpId).catch((error: unknown) => {
    events.emit(errorEvent('delete', error))
  })
  await atMost(1, deleted)
}

async function askDelivery(
  { carriers, store }: Context,
  ref: FlowRef,
  { otpId, message }: NonNullable<ReturnType<typeof unsealed>>,
): Promise<Delivery | undefined> {
  const asked = message
    ? carriers.of(message.via).delivery(message.id)
    : otpId === undefined
      ? undefined
      : carriers.judge.delivery(otpId)
  const delivery = asked && (await atMost(2, asked).catch(() => undefined))
  if (delivery === undefined) return undefined
  await store.deliver(ref, delivery).catch(() => {})
  return delivery
}
