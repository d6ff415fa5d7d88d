import { originOf } from '../limits/origin.js'
import type { StatusOutcome } from '../outcomes.js'
import type { Context } from './context.js'
import { fallBack, learnDelivery } from './delivery.js'
import { deleteOtp, endOf, isShown } from './ending.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
import { maskNumber } from '../input/number.js'
import { nextOf, pendingOf, renewableOf, unsealed } from './pending.js'

/** What a look at a flow is made of. */
export interface StatusInput {
  /** The handle this browser has, if any. */
  handle: unknown
  /** Where the request comes from: what a message costs that falls back goes by it. */
  address?: unknown
}

export async function status(context: Context, input: StatusInput): Promise<StatusOutcome> {
  const { options, secrets, store } = context
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'none' }
  const next = nextOf(context, originOf(options, secrets, input.address), ref)
  // However often its page asks, tyntec is asked for one flow no more often than that.
  let { record, lookupDue, deliveryDue } = await store.read(ref, lookupEvery, next)
  if (record && lookupDue) {
    // The page is shown whether or not tyntec can be asked.
    await lookUpInTurn(context, ref, record).catch(() => {})
    ;({ record, deliveryDue } = await store.read(ref, lookupEvery, next))
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
    const learned = await learnDelivery(context, ref, record, values)
    delivery = learned.delivery ?? delivery
    const { address } = input
    if (learned.falls && (await fallBack(context, ref, record, values.number, { address }))) {
      ;({ record = record } = await store.read(ref, undefined, next))
      ;({ delivery } = record)
    }
  }
  return {
    status: record.state === 'pending' ? 'pending' : 'unconfirmed',
    ...pendingOf(context, values.number, { ...record, delivery }),
    delivery,
  }
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
