import type { Box, FlowEnd, NumberRecord, StoredFlow, Try } from '../records.js'
import { numberOf } from './admission.js'
import { keepNumber } from './keep.js'

/*
 * What the steps of a flow share. All of this runs as it is in `memoryStore`, and as Lua in Redis: so no
 * value but a boolean is asked whether it is true, and nothing is used of a library.
 */

/** Milliseconds that the store's clock may be set back without any harm. */
const skew = 10_000

/** Milliseconds that the longest lease of a step takes: the one in which the app opens its session. */
const longestLease = 35_000

/** Milliseconds from the first send in which codes of a flow can be used. */
export const longestLifetime = 600_000

/** Milliseconds for which a flow that has ended by itself can begin again. */
export const endedKept = 600_000

/** Seconds that a request has for looking a send up. */
const lookupLease = 4

/** What a step says of a flow. Durations are in seconds. */
export interface FlowView {
  state: StoredFlow['state']
  end?: FlowEnd | undefined
  reference: string
  number: string
  otp?: string | undefined
  via: StoredFlow['via']
  /** ISO 3166-1. */
  country: string
  purpose?: string | undefined
  language?: string | undefined
  expiresIn: number
  sentAgo: number
  resends: number
  attempts: number
  counted: number
  delivery: NonNullable<StoredFlow['delivery']>
  /** Seconds that its number has to wait for the next message, where the step has looked and it has to. */
  nextAfter?: number | undefined
}

export function viewOf(flow: StoredFlow, now: number): FlowView {
  return {
    state: flow.state,
    end: flow.end,
    reference: flow.reference,
    number: flow.number,
    otp: flow.otp,
    via: flow.via,
    country: flow.country,
    purpose: flow.purpose,
    language: flow.language,
    expiresIn: (flow.expires - now) / 1000,
    sentAgo: (now - flow.sent) / 1000,
    resends: flow.resends ?? 0,
    attempts: flow.attempts ?? 0,
    counted: flow.counted ?? 0,
    delivery: flow.delivery ?? 'unknown',
  }
}

/** The flow, unless it was written by a clock that was ahead and has been set back since. */
export function flowOf(box: Box<StoredFlow> | undefined, now: number): StoredFlow | undefined {
  const flow = box?.value
  if (flow === undefined || flow.created > now + skew || flow.kept <= now) return undefined
  return flow
}

export function keepFlow(box: Box<StoredFlow>, flow: StoredFlow, now: number): void {
  box.value = flow
  box.keep = Math.max(flow.kept - now, 1)
}

/** A lease that is longer than any was written by a clock that was ahead. */
export function leaseOf(lease: number | undefined, now: number): number {
  if (lease === undefined || lease > now + longestLease + skew) return 0
  return lease
}

/** A send whose answer was lost is in tyntec's list, if it went out. Nobody lists messages with a code of ours. */
export function canBeLookedUp(flow: StoredFlow): boolean {
  return flow.code === undefined
}

/**
 * Whether a code, by its HMAC, is one that we have made for this flow. As long as the newest message has no
 * known end the person may only have the one before. Nothing: tyntec may have made the code, and has to be asked.
 */
export function judgeOwn(flow: StoredFlow, hash: string): 'right' | 'wrong' | undefined {
  const { code, before } = flow
  if (code === hash || (before !== undefined && before.code === hash)) return 'right'
  // The code before is one of tyntec's, whose otpId is still there.
  if (before !== undefined && before.code === undefined && before.state === 'pending') {
    return undefined
  }
  return code === undefined ? undefined : 'wrong'
}

/** Whether a try can end: also that of a code of ours whose message, or the one after it, has no known end. */
export function canBeTried({ state, code, before }: StoredFlow): boolean {
  const own = code !== undefined || (before !== undefined && before.code !== undefined)
  return state === 'pending' || (state === 'unconfirmed' && own)
}

/** The last try, as long as its end may matter. */
export function triedOf(flow: StoredFlow, now: number): Try | undefined {
  const { tried } = flow
  return tried === undefined || tried.until <= now ? undefined : tried
}

/** A request asks tyntec about a code now. */
export function isChecking(tried: Try | undefined, now: number): boolean {
  return tried !== undefined && tried.state === 'checking' && leaseOf(tried.lease, now) > now
}

/** Why a flow takes no further step. */
export function refusalOfFlow(
  flow: StoredFlow | undefined,
  now: number,
): 'none' | 'expired' | 'attempts' | undefined {
  if (flow === undefined || flow.state === 'completed') return 'none'
  if (flow.state === 'dead') {
    return flow.end === 'expired' || flow.end === 'attempts' ? flow.end : 'none'
  }
  return flow.state !== 'verified' && flow.expires <= now ? 'expired' : undefined
}

/** Whether it is this request's turn to ask tyntec, which is one's in so many seconds. */
export function takeTurn(flow: StoredFlow, every: number, now: number): boolean {
  const last = flow.askedAt
  if (last !== undefined && last <= now && now - last < every * 1000) return false
  flow.askedAt = now
  return true
}

/** The same for a send that has no known end. Others wait for this look-up until its lease ends. */
export function takeLookup(flow: StoredFlow, every: number, now: number): boolean {
  if (!takeTurn(flow, every, now)) return false
  flow.state = 'unconfirmed'
  flow.lease = now + lookupLease * 1000
  return true
}

/**
 * Ends a flow. One that has ended by itself can begin again for a while, so that nobody types a
 * number twice; of the others nothing stays that says whose it was. While tyntec is asked for a message, the
 * record goes on saying for which: one that does not go out is given back, whatever became of its flow.
 */
export function finish(box: Box<StoredFlow>, flow: StoredFlow, end: FlowEnd, now: number): void {
  const asking = leaseOf(flow.lease, now)
  if (asking <= now) {
    flow.reference = ''
    flow.resend = undefined
    flow.lease = undefined
  }
  flow.state = 'dead'
  flow.end = end
  flow.otp = undefined
  flow.code = undefined
  flow.before = undefined
  flow.tried = undefined
  flow.signIn = undefined
  flow.delivery = undefined
  flow.askedAt = undefined
  if (end === 'cancelled' || end === 'replaced') {
    flow.number = ''
    flow.kept = asking
    if (asking > now) keepFlow(box, flow, now)
    else drop(box)
    return
  }
  if (end === 'used') {
    flow.number = ''
    flow.kept = Math.min(flow.kept, now + 60_000)
  } else {
    flow.kept = now + endedKept
  }
  keepFlow(box, flow, now)
}

function drop(box: Box<StoredFlow>): void {
  box.value = undefined
  box.keep = 0
}

/** A message did not go out whose flow has ended meanwhile. */
export function giveUp(box: Box<StoredFlow>, flow: StoredFlow, now: number): void {
  flow.resend = undefined
  flow.lease = undefined
  if (flow.state === 'dead') flow.reference = ''
  if (flow.end === 'cancelled' || flow.end === 'replaced') drop(box)
  else keepFlow(box, flow, now)
}

/** A resend becomes a new send. */
export function renewFlow(
  flow: StoredFlow,
  {
    reference,
    lifetime,
    maxLifetime,
  }: { reference: string; lifetime: number; maxLifetime: number },
  now: number,
): void {
  flow.state = 'sending'
  flow.reference = reference
  flow.expires = Math.min(now + lifetime * 1000, flow.created + maxLifetime * 1000)
}

/** Milliseconds that the number has to wait for its next message. */
export function waitOf(
  number: NumberRecord,
  knownBrowser: boolean,
  longest: number,
  now: number,
): number {
  const { latest } = number
  if (latest === undefined || latest.until <= now) return 0
  if (latest.until > now + longest) latest.until = now + longest
  // Requests that fail give it back at once, and a known browser doesn't wait for that: with
  // them alone strangers could keep it from sending.
  if (knownBrowser && latest.reserved === true) return 0
  return latest.until - now
}

/** The number's latest message is this flow's now. */
export function reserveLatest(
  number: NumberRecord,
  flow: string,
  knownBrowser: boolean,
  cooldown: number,
  now: number,
): void {
  const { latest } = number
  const passes =
    knownBrowser && latest !== undefined && latest.reserved === true && latest.until > now
  number.latest = {
    flow,
    until: now + cooldown * 1000,
    // A known browser passes others only, so that its own double click is one message.
    reserved: knownBrowser ? undefined : true,
    passed: passes ? latest.until : undefined,
  }
}

/** It is out, or may be. */
export function holdLatest(box: Box<NumberRecord>, flow: string, now: number): void {
  const number = numberOf(box)
  if (number.latest?.flow !== flow || number.latest.reserved !== true) return
  number.latest.reserved = undefined
  keepNumber(box, number, now)
}

/** It did not go out. What it has passed may be out by now, and holds on. */
export function dropLatest(box: Box<NumberRecord>, flow: string, now: number): void {
  const number = numberOf(box)
  const { latest } = number
  if (latest?.flow !== flow) return
  const left = Math.min(latest.passed ?? 0, latest.until)
  number.latest = left > now ? { flow, until: left, reserved: true } : undefined
  keepNumber(box, number, now)
}
