import type { Channel } from '../../outcomes.js'
import type { Box, StoredFlow } from '../records.js'
import {
  addressOf,
  type Counts,
  countWait,
  countWaits,
  type Denied,
  deny,
  type MessageBoxes,
  type NumberPart,
  numberOf,
  type Odd,
  type Parts,
} from './admission.js'
import { keepNumber } from './keep.js'
import {
  canBeLookedUp,
  type FlowView,
  flowOf,
  isChecking,
  keepFlow,
  leaseOf,
  refusalOfFlow,
  renewFlow,
  reserveLatest,
  triedOf,
  viewOf,
} from './flow.js'
import { type Limit, refusalOf } from './limits.js'
import { admit, type Admission, longestWait, noCounts, refuseFlood, waitOfOthers } from './gate.js'
import { setMessageRight, setWaitsRight } from './set-right.js'

export interface ResendBoxes extends MessageBoxes {
  flow?: Box<StoredFlow>
}

/** A resend as a step has it. Durations are in seconds. */
export interface ResendRequest {
  reference: string
  /** What the flow is called in the record of its number. */
  flow: string
  /** The HMAC of a new code, where it is ours. */
  code?: string | undefined
  via: Channel
  /** ISO 639-1. Missing: the flow's own stays. */
  language?: string | undefined
  knownBrowser: boolean
  lease: number
  /** Seconds before the first, second, ... resend; as many as are allowed. */
  waits: readonly number[]
  cooldown: number
  /** With less left than this many seconds, the resend becomes a new send. */
  renewBelow: number
  /** Of the new send, and the longest from the first one. */
  lifetime: number
  maxLifetime: number
  lookedUp: boolean
  again: boolean
}

export interface ResendArgs {
  parts: Parts
  request?: ResendRequest | undefined
  passed: boolean
}

export type ResendReply =
  | { status: 'reserved' | 'renew'; record: FlowView; counts: Counts; odd?: Odd[] | undefined }
  | Admission
  | { status: 'busy' }
  | { status: 'lookup'; record: FlowView }
  | { status: 'none' | 'expired' | 'attempts' }
  | { status: 'too_soon' | 'exhausted'; retryAfter: number }

/** Reserves another message of a flow, as `send` reserves the first one. */
export function resend(
  boxes: ResendBoxes,
  { parts, request, passed }: ResendArgs,
  now: number,
): ResendReply {
  const flow = flowOf(boxes.flow, now)
  if (
    request !== undefined &&
    flow !== undefined &&
    flow.resend === request.reference &&
    refusalOfFlow(flow, now) === undefined
  ) {
    // The client has sent the command again.
    const status = flow.reference === request.reference ? 'renew' : 'reserved'
    return { status, record: viewOf(flow, now), counts: noCounts() }
  }
  const flooding = refuseFlood(boxes, parts, request?.cooldown, now)
  if (flooding !== undefined) return flooding
  if (request !== undefined) {
    const waits = waitForResend(boxes, flow, request, now)
    if (waits !== undefined) {
      if (waits.status === 'too_soon') {
        waits.retryAfter = longestWait(boxes, parts, waits.retryAfter, now)
      }
      if (waits.status !== 'lookup' && !request.again) countWait(boxes, parts, now)
      return waits
    }
  }
  const admitted = admit(boxes, parts, passed, now)
  if (admitted.status !== 'admitted') return admitted
  if (request === undefined || flow === undefined) return admitted
  const { counts, odd } = admitted
  const status = reserveResend(boxes, flow, request, now)
  return { status, record: viewOf(flow, now), counts, odd }
}

function waitForResend(
  boxes: ResendBoxes,
  flow: StoredFlow | undefined,
  request: ResendRequest,
  now: number,
): ResendReply | undefined {
  const refused = refusalOfFlow(flow, now)
  if (refused !== undefined || flow === undefined) return { status: refused ?? 'none' }
  if (flow.state === 'verified') return { status: 'none' }
  if (isUnderWay(flow, now)) return { status: 'busy' }
  const early = tooEarly(boxes, flow, request, now)
  if (early !== undefined) return early
  if (flow.state !== 'pending' && !request.lookedUp && canBeLookedUp(flow)) {
    return { status: 'lookup', record: viewOf(flow, now) }
  }
  return undefined
}

function isUnderWay(flow: StoredFlow, now: number): boolean {
  return leaseOf(flow.lease, now) > now || isChecking(triedOf(flow, now), now)
}

/** What decides whether a resend still has to wait. */
export type ResendWaits = Pick<
  ResendRequest,
  'flow' | 'via' | 'knownBrowser' | 'waits' | 'cooldown'
>

type TooEarly = { status: 'too_soon' | 'exhausted'; retryAfter: number }

function tooEarly(
  boxes: ResendBoxes,
  flow: StoredFlow,
  request: ResendWaits,
  now: number,
): TooEarly | undefined {
  const wait = request.waits[flow.resends ?? 0]
  if (wait === undefined) {
    return { status: 'exhausted', retryAfter: Math.ceil((flow.expires - now) / 1000) }
  }
  // Whoever got nothing may try the next channel at once.
  const undelivered = flow.delivery === 'failed' && flow.via !== request.via
  const own = undelivered ? 0 : flow.sent + wait * 1000 - now
  const left = Math.max(own, waitOfOthers(boxes, request, now))
  return left > 0 ? { status: 'too_soon', retryAfter: Math.ceil(left / 1000) } : undefined
}

export interface ResendDueArgs {
  /** Requests of the address that lead to no message because of a wait. Missing: nothing is counted. */
  waits?: Limit | undefined
  /** Missing where another call of the step has the flow. */
  request?: ResendWaits | undefined
  /** What else the number is limited by: a wait is told as long as it is. */
  number?: NumberPart | undefined
}

export type ResendDueReply =
  /** Nothing that a look at the flow shows is in the way of a resend. */
  { status: 'due'; record?: FlowView | undefined } | Denied | TooEarly

/**
 * Reads the flow of a resend. One that has to wait is refused here, so that pressing again and again costs the
 * store one command each time, and the address its waits.
 */
export function resendDue(
  boxes: ResendBoxes,
  { waits, request, number }: ResendDueArgs,
  now: number,
): ResendDueReply {
  setMessageRight(boxes, { number }, request?.cooldown, now)
  if (waits !== undefined) {
    setWaitsRight(boxes.own, waits, now)
    const refused = refusalOf(addressOf(boxes.own).uses, [waits], now)
    if (refused !== undefined) return deny('own', refused)
  }
  const flow = flowOf(boxes.flow, now)
  const runs = flow !== undefined && refusalOfFlow(flow, now) === undefined
  const due = runs && flow.state !== 'verified' && !isUnderWay(flow, now)
  const early = request !== undefined && due ? tooEarly(boxes, flow, request, now) : undefined
  if (early !== undefined && early.status === 'too_soon') {
    early.retryAfter = longestWait(boxes, { number }, early.retryAfter, now)
  }
  if (waits !== undefined && (request === undefined || early !== undefined)) {
    countWaits(boxes, waits, now)
  }
  return early ?? { status: 'due', record: flow === undefined ? undefined : viewOf(flow, now) }
}

function reserveResend(
  boxes: ResendBoxes,
  flow: StoredFlow,
  request: ResendRequest,
  now: number,
): 'reserved' | 'renew' {
  // A code of ours is nowhere to be sent from again.
  const own = flow.code !== undefined || request.code !== undefined
  const renew = own || flow.state !== 'pending' || flow.expires - now < request.renewBelow * 1000
  flow.before = {
    state: flow.state === 'pending' ? 'pending' : 'unconfirmed',
    reference: flow.reference,
    code: flow.code,
    via: flow.via,
    delivery: flow.delivery,
    expires: flow.expires,
    sent: flow.sent,
  }
  flow.resends = (flow.resends ?? 0) + 1
  flow.sent = now
  flow.via = request.via
  flow.language = request.language ?? flow.language
  flow.code = request.code
  flow.lease = now + request.lease * 1000
  flow.resend = request.reference
  flow.delivery = undefined
  flow.askedAt = undefined
  if (renew) renewFlow(flow, request, now)
  if (boxes.flow !== undefined) keepFlow(boxes.flow, flow, now)
  if (boxes.number !== undefined) {
    const number = numberOf(boxes.number)
    reserveLatest(number, request.flow, request.knownBrowser, request.cooldown, now)
    keepNumber(boxes.number, number, now)
  }
  return renew ? 'renew' : 'reserved'
}
