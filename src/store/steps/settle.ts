import type { Box, NumberRecord, StoredFlow } from '../records.js'
import { type MessageBoxes, numberOf } from './admission.js'
import { keepNumber } from './keep.js'
import {
  dropLatest,
  endedKept,
  finish,
  type FlowView,
  flowOf,
  giveUp,
  holdLatest,
  keepFlow,
  refusalOfFlow,
  renewFlow,
  viewOf,
} from './flow.js'
import { type GiveBack, giveBack } from './give-back.js'

export interface SettleBoxes extends MessageBoxes {
  flow?: Box<StoredFlow>
  /** The flow that the browser had before. */
  old?: Box<StoredFlow>
}

export type SendResult =
  | { result: 'sent'; otp: string; lifetime: number; maxLifetime: number }
  /** tyntec provably did nothing. */
  | { result: 'failed' }
  | { result: 'unconfirmed' }

export interface SettleSendArgs {
  /** Names the message. */
  reference: string
  /** What the flow is called in the record of its number. */
  flow: string
  result: SendResult
  /** What the message gets back if it is the one that failed. */
  back?: GiveBack | undefined
}

export interface SettleSendReply {
  /** False when the record is gone or belongs to a newer send. */
  kept: boolean
  /** The message has got back what it had counted. */
  back?: boolean | undefined
  /** The flow before, which has ended now. */
  old?: FlowView | undefined
}

/** Writes down what has become of a send. */
export function settleSend(boxes: SettleBoxes, args: SettleSendArgs, now: number): SettleSendReply {
  const { reference, result } = args
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined || flow.reference !== reference) {
    return { kept: false }
  }
  if (flow.state !== 'sending' && flow.state !== 'unconfirmed') {
    if (flow.state === 'dead' && result.result === 'failed') {
      return failEnded(boxes, boxes.flow, flow, args, now)
    }
    return { kept: result.result === 'sent' && flow.state === 'pending' }
  }
  if (result.result === 'failed') {
    fail(boxes, boxes.flow, flow, args, now)
    return { kept: true, back: true }
  }
  if (boxes.number !== undefined) holdLatest(boxes.number, args.flow, now)
  flow.lease = undefined
  if (result.result === 'sent') {
    // The lifetime runs from the first send of the flow at the longest.
    const last = flow.created + result.maxLifetime * 1000
    flow.state = 'pending'
    flow.otp = result.otp
    flow.expires = Math.min(flow.sent + result.lifetime * 1000, last)
    flow.counted = undefined
    flow.delivery = undefined
    flow.askedAt = undefined
    flow.before = undefined
    flow.kept = flow.expires + endedKept
  } else {
    flow.state = 'unconfirmed'
  }
  keepFlow(boxes.flow, flow, now)
  return { kept: true, old: endOld(boxes.old, now) }
}

/** At most one code of a browser is alive. */
function endOld(box: Box<StoredFlow> | undefined, now: number): FlowView | undefined {
  const old = flowOf(box, now)
  if (old === undefined || box === undefined) return undefined
  const view = refusalOfFlow(old, now) === undefined ? viewOf(old, now) : undefined
  finish(box, old, 'replaced', now)
  return view
}

function fail(
  boxes: SettleBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  { flow: name, back }: SettleSendArgs,
  now: number,
): void {
  if (boxes.number !== undefined) dropLatest(boxes.number, name, now)
  if (back !== undefined) giveBack(boxes, back, now)
  const { before } = flow
  if (before === undefined) {
    leaveNumber(boxes.number, name, now)
    box.value = undefined
    box.keep = 0
    return
  }
  // It was a resend that had become a new send: the flow is what it was before.
  flow.state = before.state
  flow.reference = before.reference
  flow.expires = before.expires
  flow.resend = undefined
  undoResend(flow)
  keepFlow(box, flow, now)
}

/** Nobody who ends a flow while tyntec is asked makes its message count that did not go out. */
function failEnded(
  boxes: SettleBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  { flow: name, back }: Pick<SettleSendArgs, 'flow' | 'back'>,
  now: number,
): { kept: boolean; back: boolean } {
  if (boxes.number !== undefined) dropLatest(boxes.number, name, now)
  if (back !== undefined) giveBack(boxes, back, now)
  giveUp(box, flow, now)
  return { kept: false, back: true }
}

/** The number has no such flow any more. */
function leaveNumber(box: Box<NumberRecord> | undefined, name: string, now: number): void {
  if (box === undefined) return
  const number = numberOf(box)
  if (number.flows?.[name] === undefined) return
  number.flows[name] = undefined
  keepNumber(box, number, now)
}

function undoResend(flow: StoredFlow): void {
  const { before } = flow
  flow.lease = undefined
  if (before === undefined) return
  flow.resends = (flow.resends ?? 0) - 1
  flow.sent = before.sent
  flow.via = before.via
  flow.code = before.code
  flow.delivery = before.delivery
  flow.before = undefined
}

export interface SettleResendArgs {
  reference: string
  flow: string
  /** `renew`: tyntec refused the OTP as over, so the same message becomes a new send. */
  result: 'sent' | 'failed' | 'renew'
  /** Seconds; of the new send. */
  lifetime: number
  maxLifetime: number
  /** What the message gets back if it is the one that failed. */
  back?: GiveBack | undefined
}

/** Writes down what has become of a resend. False when the flow has gone on without it. */
export function settleResend(
  boxes: SettleBoxes,
  args: SettleResendArgs,
  now: number,
): Pick<SettleSendReply, 'kept' | 'back'> {
  const { reference, result, back } = args
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined || flow.resend !== reference) {
    return { kept: false }
  }
  if (flow.state === 'sending') return { kept: result === 'renew' }
  if (flow.state !== 'pending') {
    if (result === 'sent') return { kept: false }
    return failEnded(boxes, boxes.flow, flow, args, now)
  }
  if (flow.lease === undefined) return { kept: true }
  if (result === 'renew') {
    renewFlow(flow, args, now)
  } else if (result === 'failed') {
    undoResend(flow)
    if (boxes.number !== undefined) dropLatest(boxes.number, args.flow, now)
    if (back !== undefined) giveBack(boxes, back, now)
  } else {
    flow.lease = undefined
    flow.before = undefined
    if (boxes.number !== undefined) holdLatest(boxes.number, args.flow, now)
  }
  keepFlow(boxes.flow, flow, now)
  return { kept: true, back: result === 'failed' }
}
