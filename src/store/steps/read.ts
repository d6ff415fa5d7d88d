import type { Delivery } from '../../outcomes.js'
import type { AddressRecord, Box, FlowEnd, NumberRecord, SharedRecord } from '../records.js'
import {
  countWait,
  type Denied,
  denied,
  type MessageBoxes,
  numberOf,
  type Odd,
  oddOf,
  type Parts,
} from './admission.js'
import { keepNumber } from './keep.js'
import { failuresOf } from './failures.js'
import {
  canBeLookedUp,
  finish,
  type FlowView,
  flowOf,
  keepFlow,
  leaseOf,
  refusalOfFlow,
  takeLookup,
  takeTurn,
  viewOf,
} from './flow.js'
import { type NextMessage, nextAfter, orNone, refuseFlood } from './gate.js'
import { setMessageRight, setTryRight } from './set-right.js'
import type { FlowBoxes } from './sign-in.js'

export interface ReadReply {
  record?: FlowView | undefined
  /** This reader is the one who asks tyntec for the delivery now. */
  deliveryDue: boolean
  /** This reader is the one who looks the send up now, and settles it. */
  lookupDue: boolean
  /** A request is under way that sends, or looks the send up. */
  busy: boolean
}

export interface ReadBoxes extends FlowBoxes {
  number?: Box<NumberRecord>
}

export interface ReadArgs {
  /** Seconds between two readers that are told to ask tyntec. Missing: none is. */
  every?: number | undefined
  /** Where it matters when the next message may go out. */
  next?: NextMessage | undefined
}

export function read(boxes: ReadBoxes, { every, next }: ReadArgs, now: number): ReadReply {
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined) {
    return { deliveryDue: false, lookupDue: false, busy: false }
  }
  const { state, delivery, expires } = flow
  const sending = state === 'sending' || state === 'unconfirmed'
  const busy = sending && leaseOf(flow.lease, now) > now
  const told = delivery === 'delivered' || delivery === 'failed'
  let deliveryDue = false
  let lookupDue = false
  if (every !== undefined && expires > now) {
    if (state === 'pending' && !told) deliveryDue = takeTurn(flow, every, now)
    if (state === 'unconfirmed' && !busy && canBeLookedUp(flow)) {
      lookupDue = takeLookup(flow, every, now)
    }
    if (deliveryDue || lookupDue) keepFlow(boxes.flow, flow, now)
  }
  const record = viewOf(flow, now)
  if (next !== undefined) {
    setMessageRight(boxes, { number: next.number }, next.cooldown, now)
    record.nextAfter = nextAfter(boxes, next, now)
  }
  return { record, deliveryDue, lookupDue, busy }
}

export interface DeliverArgs {
  delivery: Delivery
  /** These two name the message that was asked about. */
  reference: string
  resends: number
  /** A message that failed is to be followed by one on the next channel, once in a flow. */
  fallback: boolean
}

/**
 * Keeps what is known of a message. `news`: nobody has kept that before. `falls`: this reader is the one who sends
 * the next message.
 */
export function deliver(
  boxes: FlowBoxes,
  { delivery, reference, resends, fallback }: DeliverArgs,
  now: number,
): { news: boolean; falls: boolean } {
  const flow = flowOf(boxes.flow, now)
  if (
    flow === undefined ||
    boxes.flow === undefined ||
    flow.state !== 'pending' ||
    // A newer message is on its way, of which nobody was asked.
    flow.reference !== reference ||
    (flow.resends ?? 0) !== resends
  ) {
    return { news: false, falls: false }
  }
  const news = flow.delivery !== delivery
  const falls = fallback && delivery === 'failed' && flow.fell === undefined
  flow.delivery = delivery
  if (falls) flow.fell = true
  keepFlow(boxes.flow, flow, now)
  return { news, falls }
}

/** Ends a flow that is not over and gives its record back, once. */
export function endFlow(
  boxes: FlowBoxes,
  { end }: { end: FlowEnd },
  now: number,
): { record?: FlowView | undefined } {
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined) return {}
  const over = refusalOfFlow(flow, now) !== undefined
  const record = over ? undefined : viewOf(flow, now)
  // What has ended by itself keeps its number for a while, unless it is cancelled.
  if (over && end !== 'cancelled' && end !== 'replaced') return {}
  finish(boxes.flow, flow, end, now)
  return { record }
}

export interface RecordBoxes {
  own?: Box<AddressRecord>
  site?: Box<AddressRecord>
  range?: Box<SharedRecord>
  number?: Box<NumberRecord>
}

/**
 * What would refuse a message and what is odd about it, for the app's own challenge. Nothing is counted,
 * until the app has `refused` it: that costs its address something.
 */
export function look(
  boxes: MessageBoxes,
  { parts, refused: byApp }: { parts: Parts; refused?: boolean | undefined },
  now: number,
): { status: 'looked'; odd?: Odd[] | undefined } | Denied {
  if (byApp === true) {
    countWait(boxes, parts, now)
    return { status: 'looked' }
  }
  const { address } = parts
  const refused = refuseFlood(boxes, parts, undefined, now) ?? denied(boxes, { address }, now)
  return refused ?? { status: 'looked', odd: orNone(oddOf(boxes, parts, now)) }
}

/** Reads records as they are: those of a secret that rotates out, for the step that takes them over. */
export function peek(
  boxes: RecordBoxes,
  _args: unknown,
): {
  own?: AddressRecord | undefined
  site?: AddressRecord | undefined
  range?: SharedRecord | undefined
  number?: NumberRecord | undefined
} {
  return {
    own: boxes.own?.value,
    site: boxes.site?.value,
    range: boxes.range?.value,
    number: boxes.number?.value,
  }
}

/** Forgets the failures, waits and used up messages of a number. */
export function unlock(
  boxes: RecordBoxes,
  { all, forget }: { all: boolean; forget?: boolean | undefined },
  now: number,
): { done: boolean } {
  if (boxes.number === undefined) return { done: false }
  // Nothing may be there that can't be read.
  if (forget === true) {
    boxes.number.value = undefined
    boxes.number.keep = 0
    return { done: true }
  }
  const number = numberOf(boxes.number)
  number.failures = undefined
  if (all) {
    number.uses = {}
    number.latest = undefined
  }
  keepNumber(boxes.number, number, now)
  return { done: true }
}

/** How often a number has failed in a row, and how many seconds it still has to wait. */
export function failures(
  boxes: RecordBoxes,
  _args: unknown,
  now: number,
): { total: number; wait: number } {
  setTryRight(boxes, undefined, undefined, now)
  const failed = boxes.number === undefined ? undefined : failuresOf(numberOf(boxes.number), now)
  const wait = Math.max(0, Math.ceil(((failed?.wait ?? 0) - now) / 1000))
  return { total: failed?.total ?? 0, wait }
}
