import type { AddressRecord, Box, EarlierTries, NumberRecord, StoredFlow, Try } from '../records.js'
import {
  type AddressFailures,
  type AddressRefusal,
  chargeAddress,
  refusalOfAddress,
} from './address-failures.js'
import { charge, type FailureLimited, type FailureRules } from './failures.js'
import {
  canBeLookedUp,
  type FlowView,
  flowOf,
  judgeOwn,
  keepFlow,
  leaseOf,
  refusalOfFlow,
  takeLookup,
  triedOf,
  viewOf,
} from './flow.js'
import type { Limit } from './limits.js'
import { setTryRight } from './set-right.js'

export interface ClaimBoxes {
  own?: Box<AddressRecord>
  number?: Box<NumberRecord>
  flow?: Box<StoredFlow>
}

/** Durations are in seconds. */
export interface ClaimRequest {
  /** Unguessable and new for each try. */
  attempt: string
  hash: string
  purpose?: string | undefined
  lease: number
  /** How long the app may take to open its session. */
  openingLease: number
  /** How long a try whose end is unknown can still be settled. */
  window: number
  /** This request waits for a running check of the same code, and wants its end. */
  joining: boolean
  /** This request can't take the session that it has waited for, and wants one of its own. */
  again: boolean
  /** How often a session is opened again. */
  repeats: number
  /** Seconds between two requests that are told to look one send up. Missing: this one has looked. */
  lookupEvery?: number | undefined
  rules: FailureRules
  /** Tries that a known browser has to itself. */
  browserLimit?: Limit | undefined
}

export interface ClaimArgs {
  address?: AddressFailures | undefined
  request?: ClaimRequest | undefined
}

/** What the store itself says of a code. */
export type Judged = 'right' | 'wrong' | undefined

export type ClaimReply =
  /** The attempt is counted: ask tyntec, unless the code is ours and `judged`. */
  | { status: 'claimed'; record: FlowView; earlier: EarlierTries; judged?: Judged }
  /** An earlier try has no known end; it is ours to settle. `sameCode`: it carried this code. */
  | {
      status: 'unresolved'
      record: FlowView
      sameCode: boolean
      earlier: EarlierTries
      judged?: Judged
    }
  /** The code is proven, and the session ours to open. `session`: the one that was opened before. */
  | {
      status: 'verified'
      record: FlowView
      by: string
      repeated: boolean
      session?: string | undefined
    }
  /** A check of the same code is running, or its session is being opened. */
  | { status: 'join'; opening: boolean }
  /** A check of another code is running. Seconds. */
  | { status: 'busy'; retryAfter: number }
  /** The check that was joined has opened the session. */
  | { status: 'opened'; record: FlowView; session?: string | undefined }
  /** The app has refused the person. */
  | { status: 'refused'; refusal: string }
  /** The check that was joined ended with a wrong code. */
  | { status: 'wrong'; attempts: number }
  /** The check that was joined ended without an answer. */
  | { status: 'unknown' }
  /** The send has no known end: look it up first, and settle it, for others wait for that. */
  | { status: 'lookup'; record: FlowView }
  /** The same, but it was looked up just now. */
  | { status: 'unsettled' }
  /** A request is under way that sends, or looks the send up. */
  | { status: 'sending' }
  | { status: 'none' | 'expired' | 'attempts' }
  /** This number has failed too often. */
  | FailureLimited
  | AddressRefusal
  /** Nothing of the address refuses it; another call has the rest of the step. */
  | { status: 'free' }

/** Claims the flow for one code, and counts the try before anybody is asked about it. */
export function claim(boxes: ClaimBoxes, { address, request }: ClaimArgs, now: number): ClaimReply {
  setTryRight(boxes, address, request?.browserLimit, now)
  if (request === undefined) {
    const denied = refusalOfAddress(boxes.own, address, now)
    if (denied === undefined) chargeAddress(boxes.own, address, now)
    return denied ?? { status: 'free' }
  }
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined || flow.purpose !== request.purpose) {
    return { status: 'none' }
  }
  if (flow.signIn !== undefined) return claimSignIn(boxes.flow, flow, request, now)
  const refused = refusalOfFlow(flow, now)
  if (refused !== undefined) return { status: refused }
  if (flow.state !== 'pending') {
    if (leaseOf(flow.lease, now) > now) return { status: 'sending' }
    if (canBeLookedUp(flow) && judgeOwn(flow, request.hash) === undefined) {
      const every = request.lookupEvery
      if (every === undefined || !takeLookup(flow, every, now)) return { status: 'unsettled' }
      keepFlow(boxes.flow, flow, now)
      return { status: 'lookup', record: viewOf(flow, now) }
    }
    endWait(flow, request.hash)
  }
  const tried = triedOf(flow, now)
  const running = joinOf(flow, tried, request, now)
  if (running !== undefined) return running
  const denied = refusalOfAddress(boxes.own, address, now)
  if (denied !== undefined) return denied
  // Of a code of ours no try is without an end: what was left of another one was wrong, and is counted.
  const open = judgeOwn(flow, request.hash) === undefined || tried?.hash === request.hash
  if (open && tried !== undefined && (tried.state === 'checking' || tried.state === 'unresolved')) {
    tried.id = request.attempt
    tried.state = 'checking'
    tried.lease = now + request.lease * 1000
    tried.taken = true
    keepFlow(boxes.flow, flow, now)
    return unresolved(flow, tried, request, now)
  }
  if ((flow.attempts ?? 0) >= request.rules.attempts) return { status: 'attempts' }
  const reply = claimTry(boxes, boxes.flow, flow, request, now)
  if (reply.status === 'claimed') chargeAddress(boxes.own, address, now)
  return reply
}

/**
 * Nobody sends any more a message with a code of ours that has no known end. Its own code alone shows that it has
 * come, and ends the code before; any other says nothing of it.
 */
function endWait(flow: StoredFlow, hash: string): void {
  flow.lease = undefined
  flow.state = 'unconfirmed'
  if (flow.code !== hash) return
  flow.state = 'pending'
  flow.before = undefined
}

/** What another request of this flow is doing, or has just done. */
function joinOf(
  flow: StoredFlow,
  tried: Try | undefined,
  request: ClaimRequest,
  now: number,
): ClaimReply | undefined {
  const same = tried?.hash === request.hash
  if (tried !== undefined && tried.state === 'checking' && leaseOf(tried.lease, now) > now) {
    if (tried.id === request.attempt) {
      // The client has sent the command again.
      if (tried.taken === true) return unresolved(flow, tried, request, now)
      return claimed(flow, tried.earlier, request, now)
    }
    if (same) return { status: 'join', opening: false }
    return { status: 'busy', retryAfter: Math.ceil((tried.lease - now) / 1000) }
  }
  if (request.joining && tried?.state !== 'checking') {
    if (tried?.state === 'wrong' && same) return { status: 'wrong', attempts: flow.attempts ?? 0 }
    return { status: 'unknown' }
  }
  return undefined
}

function unresolved(flow: StoredFlow, tried: Try, request: ClaimRequest, now: number): ClaimReply {
  return {
    status: 'unresolved',
    record: viewOf(flow, now),
    sameCode: tried.hash === request.hash,
    earlier: tried.earlier,
    judged: judgeOwn(flow, request.hash),
  }
}

function claimed(
  flow: StoredFlow,
  earlier: EarlierTries,
  { hash }: ClaimRequest,
  now: number,
): ClaimReply {
  const judged = judgeOwn(flow, hash)
  return { status: 'claimed', record: viewOf(flow, now), earlier, judged }
}

/**
 * The code is proven. Whoever comes with the same one opens the session, once nobody else is about to; when it
 * is open already, its answer was lost, and it is opened again.
 */
function claimSignIn(
  box: Box<StoredFlow>,
  flow: StoredFlow,
  request: ClaimRequest,
  now: number,
): ClaimReply {
  const { signIn } = flow
  if (signIn === undefined || signIn.hash !== request.hash || signIn.until <= now) {
    return { status: 'none' }
  }
  const { session, refusal } = signIn
  if (refusal !== undefined) return { status: 'refused', refusal }
  const completed = flow.state === 'completed'
  if (leaseOf(signIn.lease, now) > now && signIn.opener !== request.attempt) {
    return { status: 'join', opening: true }
  }
  if (completed && request.joining && !request.again) {
    return { status: 'opened', record: viewOf(flow, now), session }
  }
  if (completed && signIn.opener !== request.attempt) {
    const repeats = (signIn.repeats ?? 0) + 1
    if (repeats > request.repeats) return { status: 'none' }
    signIn.repeats = repeats
  }
  signIn.opener = request.attempt
  signIn.lease = now + request.openingLease * 1000
  flow.kept = Math.max(flow.kept, signIn.lease)
  keepFlow(box, flow, now)
  return {
    status: 'verified',
    record: viewOf(flow, now),
    by: flow.by ?? '',
    repeated: completed,
    session,
  }
}

function claimTry(
  boxes: ClaimBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  request: ClaimRequest,
  now: number,
): ClaimReply {
  if (boxes.number === undefined) return { status: 'none' }
  const { attempt, hash } = request
  const charged = charge(boxes.number, request.rules, request.browserLimit, attempt, now)
  if ('status' in charged) return charged
  const open = openCode(flow, triedOf(flow, now))
  const earlier = open === undefined ? 'none' : open === hash ? 'same' : 'other'
  flow.attempts = (flow.attempts ?? 0) + 1
  flow.open = true
  flow.tried = {
    id: attempt,
    state: 'checking',
    hash,
    lease: now + request.lease * 1000,
    until: now + request.window * 1000,
    earlier,
    open,
    by: attempt,
    waitBefore: charged.waitBefore,
    knownBrowser: charged.knownBrowser ? true : undefined,
  }
  keepFlow(box, flow, now)
  return claimed(flow, earlier, request, now)
}

/** What may still land. A code that is known to be wrong is none of it any more. */
function openCode(flow: StoredFlow, tried: Try | undefined): string | undefined {
  if (tried === undefined) return flow.open === true ? '*' : undefined
  if (tried.state === 'wrong') return tried.open === tried.hash ? undefined : tried.open
  if (tried.state !== 'late') return undefined
  return tried.open === undefined || tried.open === tried.hash ? tried.hash : '*'
}
