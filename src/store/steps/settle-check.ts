import type { Box, FlowEnd, NumberRecord, StoredFlow, Try } from '../records.js'
import { type AddressFailures, failAddress, refundAddress } from './address-failures.js'
import { numberOf, sharedOf } from './admission.js'
import { type FailureRules, refund, totalOf } from './failures.js'
import { canBeTried, finish, flowOf, judgeOwn, keepFlow, triedOf } from './flow.js'
import { countHonest, type Honest } from './honest.js'
import { keepNumber, keepShared } from './keep.js'
import { count, type Count, type Limit } from './limits.js'
import { type CountBoxes, passOver } from './unread.js'

export interface SettleCheckBoxes extends CountBoxes {
  number?: Box<NumberRecord>
  flow?: Box<StoredFlow>
}

/** Durations are in seconds. */
export type CheckResult =
  /** `reference`: of the flow when the try was claimed. */
  | {
      result: 'verified'
      hash: string
      reference: string
      openingLease: number
      window: number
    }
  /** `late`: tyntec has counted a wrong code, of which nobody knows whether it was this one. */
  | { result: 'wrong'; counted?: number | undefined; late: boolean }
  /** The OTP has ended; `failed` when by this wrong code. */
  | { result: 'over'; end: FlowEnd; failed: boolean }
  /** tyntec provably did not look at the code. `late`: but an earlier request may still land. */
  | { result: 'unprocessed'; late: boolean }
  /** tyntec was not asked: always given back. `late` as above. */
  | { result: 'unasked'; late: boolean }
  | { result: 'unresolved' }

export interface SettleCheckArgs {
  attempt: string
  /** What the flow is called in the record of its number. */
  flow: string
  result: CheckResult
  rules: FailureRules
  browserLimit?: Limit | undefined
  address?: AddressFailures | undefined
  /** Wrong codes in the whole app. */
  guesses?: Limit | undefined
  honest?: Honest | undefined
  /** Of `recount`: as the reply of the try has it. */
  taken?: true | undefined
}

export type SettleCheckReply =
  | {
      status: 'settled'
      attempts: number
      failures: number
      guesses?: Count | undefined
      /** The address has nothing of this try to get back. */
      taken?: true | undefined
      /** What can't be read of an address, the app, a country or a range: nothing was counted there. */
      unread?: true | undefined
    }
  /** The flow ended meanwhile, or another request took the attempt over. */
  | { status: 'stale' }

/** Tries that one flow gets back, so that no way of failing gives tries without end. */
const mostRefunds = 10

/** Writes down what has become of a try. What can't be counted of it must not lose a code that is proven. */
export function settleCheck(
  boxes: SettleCheckBoxes,
  args: SettleCheckArgs,
  now: number,
): SettleCheckReply {
  const unread = passOver(boxes)
  const reply = settleTry(boxes, args, now)
  if (reply.status === 'settled' && unread) reply.unread = true
  return reply
}

function settleTry(boxes: SettleCheckBoxes, args: SettleCheckArgs, now: number): SettleCheckReply {
  const { attempt, result } = args
  const flow = flowOf(boxes.flow, now)
  if (flow === undefined || boxes.flow === undefined) return { status: 'stale' }
  if (result.result === 'verified') return prove(boxes, boxes.flow, flow, args, result, now)
  if (flow.state === 'dead' && flow.by === attempt) return settled(boxes, flow)
  const tried = triedOf(flow, now)
  if (!canBeTried(flow) || tried === undefined || tried.id !== attempt) {
    return { status: 'stale' }
  }
  const { taken } = tried
  switch (result.result) {
    case 'wrong':
      return reject(boxes, boxes.flow, flow, tried, args, result, now)
    case 'over': {
      const guesses = result.failed ? countFailure(boxes, args, taken, now) : undefined
      if (!result.failed) refundAddress(boxes.own, args.address, taken, now)
      if (!result.failed && boxes.number !== undefined)
        refund(boxes.number, tried, args.browserLimit, now)
      flow.by = attempt
      finish(boxes.flow, flow, result.end, now)
      return settled(boxes, flow, taken, guesses)
    }
    case 'unasked':
    case 'unprocessed':
      takeBack(boxes, boxes.flow, flow, tried, args, result, now)
      return settled(boxes, flow, taken)
    case 'unresolved':
      refundAddress(boxes.own, args.address, taken, now)
      tried.state = 'unresolved'
      tried.lease = 0
      tried.taken = true
      keepFlow(boxes.flow, flow, now)
      return settled(boxes, flow, taken)
  }
}

function settled(
  boxes: SettleCheckBoxes,
  flow: StoredFlow,
  taken?: true,
  guesses?: Count,
): SettleCheckReply {
  const failures = totalOf(boxes.number)
  return { status: 'settled', attempts: flow.attempts ?? 0, failures, guesses, taken }
}

function reject(
  boxes: SettleCheckBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  tried: Try,
  args: SettleCheckArgs,
  { counted, late }: CheckResult & { result: 'wrong' },
  now: number,
): SettleCheckReply {
  const { taken } = tried
  let guesses: Count | undefined
  if (tried.state === 'checking') {
    guesses = countFailure(boxes, args, taken, now)
    tried.state = late ? 'late' : 'wrong'
    const closes = tried.open === undefined || tried.open === tried.hash
    if (closes && !late) flow.open = undefined
    tried.lease = 0
    flow.counted = counted ?? flow.counted
  }
  if ((flow.attempts ?? 0) < args.rules.attempts) {
    keepFlow(box, flow, now)
  } else {
    flow.by = tried.id
    finish(box, flow, 'attempts', now)
  }
  return settled(boxes, flow, taken, guesses)
}

function takeBack(
  boxes: SettleCheckBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  tried: Try,
  args: SettleCheckArgs,
  { result, late }: CheckResult & { result: 'unasked' | 'unprocessed' },
  now: number,
): void {
  const refunds = flow.refunds ?? 0
  if (result === 'unasked' || refunds < mostRefunds) {
    flow.attempts = (flow.attempts ?? 0) - 1
    if (result === 'unprocessed') flow.refunds = refunds + 1
    if (boxes.number !== undefined) refund(boxes.number, tried, args.browserLimit, now)
  }
  refundAddress(boxes.own, args.address, tried.taken, now)
  if (late) {
    tried.id = ''
    tried.state = 'late'
    tried.lease = 0
  } else {
    flow.open = undefined
    flow.tried = undefined
  }
  keepFlow(box, flow, now)
}

/** On a Cluster: what a settled try counts in records of other slots than its flow's. */
export function recount(
  boxes: SettleCheckBoxes,
  args: SettleCheckArgs,
  now: number,
): { guesses?: Count | undefined; unread?: true | undefined } {
  const unread = passOver(boxes) ? true : undefined
  const { result, taken } = args
  const failed = result.result === 'wrong' || (result.result === 'over' && result.failed)
  if (failed) return { guesses: countFailure(boxes, args, taken, now), unread }
  refundAddress(boxes.own, args.address, taken, now)
  if (result.result === 'verified') countHonest(boxes, args.honest, now)
  return { unread }
}

/** A wrong code costs its address something, and shows how much is guessed in the whole app. */
function countFailure(
  boxes: SettleCheckBoxes,
  { address, guesses }: SettleCheckArgs,
  taken: true | undefined,
  now: number,
): Count | undefined {
  failAddress(boxes.own, address, taken, now)
  if (guesses === undefined || boxes.app === undefined) return undefined
  const app = sharedOf(boxes.app)
  const counts: Record<string, Count> = {}
  count(app.uses, [guesses], now, counts)
  keepShared(boxes.app, app, now, 0)
  return counts[guesses.name]
}

/**
 * tyntec's proof counts even when another request took the attempt over meanwhile. But not of another message than
 * the flow's: the same click on its page may have begun it anew, for another purpose.
 */
function prove(
  boxes: SettleCheckBoxes,
  box: Box<StoredFlow>,
  flow: StoredFlow,
  args: SettleCheckArgs,
  { hash, reference, openingLease, window }: CheckResult & { result: 'verified' },
  now: number,
): SettleCheckReply {
  if (flow.state === 'verified' && flow.by === args.attempt) {
    // The client has sent the command again.
    const attempts = flow.attempts ?? 0
    return { status: 'settled', attempts, failures: flow.signIn?.failures ?? 0 }
  }
  const current = flow.reference === reference || judgeOwn(flow, hash) === 'right'
  if (!canBeTried(flow) || !current) return { status: 'stale' }
  const { tried } = flow
  const own = tried === undefined || (tried.id === args.attempt && tried.taken === undefined)
  const taken = own ? undefined : true
  flow.state = 'verified'
  flow.by = args.attempt
  flow.tried = undefined
  flow.before = undefined
  flow.otp = undefined
  flow.code = undefined
  const lease = now + openingLease * 1000
  refundAddress(boxes.own, args.address, taken, now)
  // This attempt was charged as a failure until now.
  const failures = Math.max(totalOf(boxes.number) - 1, 0)
  flow.signIn = {
    hash,
    until: now + window * 1000,
    opener: args.attempt,
    lease,
    failures: failures > 0 ? failures : undefined,
  }
  flow.kept = Math.max(now + window * 1000, lease)
  keepFlow(box, flow, now)
  if (boxes.number !== undefined) forget(boxes.number, args, now)
  countHonest(boxes, args.honest, now)
  return { status: 'settled', attempts: flow.attempts ?? 0, failures, taken }
}

/** Whoever has signed in may sign in again at once, and has failed with nothing. */
function forget(
  box: Box<NumberRecord>,
  { flow, browserLimit }: SettleCheckArgs,
  now: number,
): void {
  const number = numberOf(box)
  number.failures = undefined
  if (browserLimit !== undefined) number.uses[browserLimit.name] = undefined
  if (number.latest?.flow === flow) number.latest = undefined
  keepNumber(box, number, now)
}
