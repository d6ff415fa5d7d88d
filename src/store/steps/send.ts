import type { Channel } from '../../outcomes.js'
import type { Box, StoredFlow } from '../records.js'
import {
  type Counts,
  countWait,
  type MessageBoxes,
  numberOf,
  type Odd,
  type Parts,
} from './admission.js'
import { keepNumber } from './keep.js'
import {
  canBeLookedUp,
  endedKept,
  longestLifetime,
  type FlowView,
  flowOf,
  keepFlow,
  leaseOf,
  refusalOfFlow,
  reserveLatest,
  takeLookup,
  viewOf,
  waitOf,
} from './flow.js'
import { admit, type NotAdmitted, longestWait, noCounts, refuseFlood } from './gate.js'

export interface SendBoxes extends MessageBoxes {
  flow?: Box<StoredFlow>
  /** The flow this browser has for the same number. */
  current?: Box<StoredFlow>
}

/** A send as a step has it. Durations are in seconds. */
export interface SendRequest {
  /** Unguessable and new for each message: names the send at tyntec and in the store. */
  reference: string
  /** What the flow is called in the record of its number. */
  flow: string
  /** Sealed. */
  number: string
  /** The HMAC of the code, where it is ours. */
  code?: string | undefined
  via: Channel
  /** ISO 3166-1. */
  country: string
  purpose?: string | undefined
  /** ISO 639-1: the person's. */
  language?: string | undefined
  /** The browser has signed in with this number before. */
  knownBrowser: boolean
  lease: number
  /** Seconds in which no other flow sends to this number. */
  cooldown: number
  lifetime: number
  /** The fate of the current flow's send was looked up, and nothing was found. */
  lookedUp: boolean
  /** Seconds between two requests that are told to look one send up, where no message is due. */
  lookupEvery: number
  /** The request has been refused as busy before: it costs its address nothing more. */
  again: boolean
}

export interface SendArgs {
  parts: Parts
  /** Missing where another call of the step has it. */
  request?: SendRequest | undefined
  /** The app's own challenge lets the message through. */
  passed: boolean
}

export type SendReply =
  | { status: 'reserved'; counts: Counts; odd?: Odd[] | undefined }
  | NotAdmitted
  /**
   * A flow of this browser is what it asks for: nothing is sent. `own`: the one that this very request
   * would begin, as another click on the same page has begun it.
   */
  | { status: 'current'; own: boolean; record: FlowView }
  /** The current flow's send is running. */
  | { status: 'busy' }
  /** The current flow's send has no known end: look it up before another is made. */
  | { status: 'lookup'; own: boolean; record: FlowView }
  | { status: 'too_soon'; retryAfter: number }
  /** The flow that this request would begin has signed somebody in: a late click must not take that away. */
  | { status: 'used' }

/**
 * Reserves a message: looks at the flow the browser has, at every limit and at the traffic, and counts it
 * for all of them, or for none.
 */
export function send(
  boxes: SendBoxes,
  { parts, request, passed }: SendArgs,
  now: number,
): SendReply {
  if (request !== undefined && flowOf(boxes.flow, now)?.reference === request.reference) {
    // The client has sent the command again.
    return { status: 'reserved', counts: noCounts() }
  }
  if (request !== undefined && flowOf(boxes.flow, now)?.signIn !== undefined) {
    return { status: 'used' }
  }
  const flooding = refuseFlood(boxes, parts, request?.cooldown, now)
  if (flooding !== undefined) return flooding
  if (request !== undefined) {
    const waits = waitForSend(boxes, request, now)
    if (waits !== undefined) {
      if (waits.status === 'too_soon') {
        waits.retryAfter = longestWait(boxes, parts, waits.retryAfter, now)
      }
      if (waits.status === 'current') {
        const wait = longestWait(boxes, { number: parts.number }, 0, now)
        if (wait > 0) waits.record.nextAfter = wait
      }
      if (waits.status !== 'lookup' && !request.again) countWait(boxes, parts, now)
      return waits
    }
  }
  const admitted = admit(boxes, parts, passed, now)
  if (admitted.status !== 'admitted') return admitted
  if (request !== undefined) reserveSend(boxes, request, now)
  const { counts, odd } = admitted
  return { status: 'reserved', counts, odd }
}

/** Why this browser gets no message now, though nothing refuses it one. */
function waitForSend(boxes: SendBoxes, request: SendRequest, now: number): SendReply | undefined {
  const joined =
    joinSend(boxes.current, request, false, now) ?? joinSend(boxes.flow, request, true, now)
  if (joined !== undefined) return joined
  const wait = waitOf(numberOf(boxes.number), request.knownBrowser, request.cooldown * 1000, now)
  return wait > 0 ? { status: 'too_soon', retryAfter: Math.ceil(wait / 1000) } : undefined
}

/** The flow that this browser has is what it asks for, or has to be looked at first. */
function joinSend(
  box: Box<StoredFlow> | undefined,
  request: SendRequest,
  own: boolean,
  now: number,
): SendReply | undefined {
  const flow = flowOf(box, now)
  if (
    box === undefined ||
    flow === undefined ||
    refusalOfFlow(flow, now) !== undefined ||
    flow.state === 'verified' ||
    flow.via !== request.via ||
    flow.purpose !== request.purpose
  ) {
    return undefined
  }
  const recent = now - flow.sent < request.cooldown * 1000
  if (flow.state !== 'pending') {
    if (leaseOf(flow.lease, now) > now) return { status: 'busy' }
    if (!request.lookedUp && canBeLookedUp(flow)) {
      // Before another message always; else as often as anybody may.
      if (!recent) return { status: 'lookup', own, record: viewOf(flow, now) }
      if (takeLookup(flow, request.lookupEvery, now)) {
        keepFlow(box, flow, now)
        return { status: 'lookup', own, record: viewOf(flow, now) }
      }
    }
  }
  return recent ? { status: 'current', own, record: viewOf(flow, now) } : undefined
}

function reserveSend(boxes: SendBoxes, request: SendRequest, now: number): void {
  const expires = now + request.lifetime * 1000
  const flow: StoredFlow = {
    state: 'sending',
    reference: request.reference,
    number: request.number,
    code: request.code,
    via: request.via,
    country: request.country,
    purpose: request.purpose,
    language: request.language,
    created: now,
    sent: now,
    expires,
    kept: expires + endedKept,
    lease: now + request.lease * 1000,
  }
  if (boxes.flow !== undefined) keepFlow(boxes.flow, flow, now)
  if (boxes.number === undefined) return
  const number = numberOf(boxes.number)
  reserveLatest(number, request.flow, request.knownBrowser, request.cooldown, now)
  const flows = number.flows ?? {}
  // No resend makes it last longer.
  flows[request.flow] = now + longestLifetime + endedKept
  number.flows = flows
  keepNumber(boxes.number, number, now)
}
