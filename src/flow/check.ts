import { randomBytes } from 'node:crypto'
import { normaliseCode } from '../input/code.js'
import { OtpError } from '../errors.js'
import type { Channel, CheckOutcome, Identity, Proof } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import type {
  CheckClaim,
  CheckResult,
  CheckSettlement,
  EarlierTries,
  FlowRecord,
} from '../store/store.js'
import type { CheckAnswer, Otp } from '../tyntec/index.js'
import { type Context, lease, window } from './context.js'
import type { TakenFailure } from '../limits.js'
import { addressKeysOf } from './input.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
import { unsealed } from './pending.js'
import { atMost, poll } from './waiting.js'

export interface CheckInput {
  handle: unknown
  /** As the person typed it. */
  code: unknown
  address?: unknown
}

/** One try at a code. */
interface Try {
  ref: FlowRef
  attempt: string
  /** When its lease began. */
  started: number
  request: Request
  number: string
  via: Channel
  /** Messages that this flow has sent. */
  messages: number
  otpId: string
  /** tyntec's count of checks before this one, as last heard. */
  counted: number
  earlier: EarlierTries
}

/** A check proven here; `complete` and `release` name it by this. */
const proofs = new WeakMap<
  Proof,
  { ref: FlowRef; attempt: string; opener: string; opened?: true }
>()

export async function check(context: Context, input: CheckInput): Promise<CheckOutcome> {
  const { options, secrets } = context

  const normalised = normaliseCode(input.code, {
    length: options.pinLength,
    alphabet: options.codeAlphabet,
  })
  if ('status' in normalised) return normalised
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'no_pending_code' }
  context.refuseEarly('checks')

  const request: Request = {
    ref,
    code: normalised.code,
    codeHash: secrets.codeHash(ref, normalised.code),
    addressKeys: addressKeysOf(context, input.address),
    taken: undefined,
    failed: false,
    lookedUp: false,
  }
  try {
    return await run(context, request)
  } finally {
    await refundAddress(request)
  }
}

/** Only a wrong code costs the address something. */
async function refundAddress(request: Request): Promise<void> {
  const { taken } = request
  if (!taken || request.failed) return
  request.taken = undefined
  await taken.refund().catch(() => {})
}

/** What one request asks, and what it has cost its address so far. */
interface Request {
  ref: FlowRef
  code: string
  codeHash: string
  addressKeys: readonly string[]
  /** What the address has given for this check. */
  taken: TakenFailure | undefined
  /** tyntec has called a code of this request wrong. */
  failed: boolean
  /** It has had its look-up, which may have taken until the next is due. */
  lookedUp: boolean
}

/**
 * Claims the flow for this code and takes a failure from the address at once, so that a check waits
 * for Redis twice: before tyntec is asked, and after. A request that will not ask tyntec, such as
 * the second click on a button, costs its address nothing.
 */
async function claim(
  context: Context,
  request: Request,
  attempt: string,
): Promise<CheckClaim | { status: 'address'; retryAfter: number }> {
  const { limits, events } = context
  const { ref } = request
  // A known browser has failures of its own, so that the people next to it cost it nothing.
  if (request.taken || ref.lane !== undefined) return claimOnly(context, request, attempt, false)
  const [limit, claiming] = await Promise.allSettled([
    limits.takeFailure(request.addressKeys, ref.number),
    claimOnly(context, request, attempt, false),
  ])
  if (limit.status === 'fulfilled') request.taken = limit.value
  if (limit.status === 'rejected' || claiming.status === 'rejected') {
    if (claiming.status === 'fulfilled') await unclaim(context, request, attempt, claiming.value)
    throw (limit.status === 'rejected' ? limit : (claiming as PromiseRejectedResult)).reason
  }
  const { status } = claiming.value
  const { refused, retryAfter } = limit.value
  if (status !== 'claimed' && status !== 'unresolved') {
    request.taken = undefined
    await limit.value.refund().catch(() => {})
  } else if (refused) {
    await unclaim(context, request, attempt, claiming.value)
    events.emit({ type: 'limit.hit', limit: refused })
    return { status: 'address', retryAfter }
  }
  return claiming.value
}

function claimOnly(
  { store, rules }: Context,
  { ref, codeHash, lookedUp }: Request,
  attempt: string,
  joining: boolean,
): Promise<CheckClaim> {
  const every = lookedUp ? Number.MAX_SAFE_INTEGER : lookupEvery
  const claim = { attempt, codeHash, lease, window, joining, lookupEvery: every }
  return store.claimCheck(ref, claim, rules)
}

/** Follows a claim to its end. One can lead to another: a look-up, an old try, then this one. */
async function run(context: Context, request: Request): Promise<CheckOutcome> {
  const { store, events, secrets } = context
  const { ref } = request
  let attempt = newAttempt()
  let current = await claim(context, request, attempt)
  for (let steps = 0; steps < 6; steps++) {
    switch (current.status) {
      case 'none':
        return { status: 'no_pending_code' }
      case 'opened':
        return { status: 'signed_in' }
      case 'expired':
        return { status: 'code_expired' }
      case 'attempts':
        return { status: 'too_many_attempts' }
      case 'busy':
        return { status: 'check_in_progress', retryAfter: Math.max(1, current.retryAfter) }
      case 'limited':
        events.emit({ type: 'limit.hit', limit: 'failures_per_number' })
        return { status: 'rate_limited', retryAfter: current.retryAfter }
      case 'address':
        return { status: 'rate_limited', retryAfter: current.retryAfter }
      case 'wrong':
        return invalidCode(context, current.attempts)
      case 'unknown':
        throw unsettled()
      case 'verified': {
        const number = secrets.unseal(ref, 'number', current.record.number)
        if (number === undefined) return { status: 'no_pending_code' }
        return verified(context, { ref, attempt: current.attempt, number }, attempt)
      }
      case 'join': {
        const ended = await poll(async () => {
          const next = await claimOnly(context, request, attempt, true)
          return next.status === 'join' ? undefined : next
        })
        if (!ended) throw unsettled()
        current = ended
        break
      }
      case 'sending': {
        const sent = await poll(async () => {
          const record = await store.read(ref, Number.MAX_SAFE_INTEGER)
          return record?.busy ? undefined : true
        })
        if (!sent) throw unsettled()
        current = await claim(context, request, attempt)
        break
      }
      case 'lookup':
        // Somebody types a code, so its send should be in tyntec's list.
        request.lookedUp = true
        await lookUpInTurn(context, ref, current.record)
        current = await claim(context, request, attempt)
        break
      case 'unsettled':
        throw unsettled()
      case 'claimed':
      case 'unresolved': {
        const tried = tryOf(context, request, attempt, current)
        if (!tried) {
          await store.end(ref, 'expired')
          return { status: 'code_expired' }
        }
        if (current.status === 'claimed') return ask(context, tried)
        const outcome = await resolve(context, tried, current.sameCode)
        if (outcome) return outcome
        attempt = newAttempt()
        current = await claim(context, request, attempt)
      }
    }
  }
  throw unsettled()
}

/** Asks tyntec whether the code is right. */
async function ask(context: Context, tried: Try): Promise<CheckOutcome> {
  let answer: CheckAnswer
  try {
    const { otpId, number, counted } = tried
    answer = await context.tyntec.otp.check(otpId, tried.request.code, { number, counted })
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    if (error.processed === 'no') {
      // What answered may still have let it through to tyntec, and only hidden the answer.
      await settle(context, tried, { result: 'unprocessed', late: true })
      throw error
    }
    return reconcile(context, tried, error)
  }
  switch (answer.result) {
    case 'valid':
      return accept(context, tried)
    case 'wrong':
      return reject(context, tried, answer.otp.attemptCount ?? tried.counted + 1)
    case 'over':
      // The code of this request was not looked at. An earlier request that carried the same code,
      // and whose answer was lost, is what has verified the OTP: nothing else proves a code here.
      if (answer.end === 'verified' && tried.earlier === 'same') return accept(context, tried)
      return finish(context, tried, answer.end, answer.end === 'attempts' && answer.counted)
  }
}

/**
 * The answer to this try was lost: tyntec's record of the OTP decides. `VERIFIED` proves the code
 * because only this flow checks this OTP, one code at a time, and every earlier try is known to have been wrong.
 */
async function reconcile(context: Context, tried: Try, failure: OtpError): Promise<CheckOutcome> {
  const otp = await readOtp(context, tried)
  if (otp?.otpStatus === 'VERIFIED' && tried.earlier !== 'other') return accept(context, tried)
  const outcome = await settleByRecord(context, tried, otp)
  if (outcome) return outcome
  await settle(context, tried, { result: 'unresolved' })
  throw failure
}

/**
 * Settles an earlier try whose end is unknown. Gives the outcome when that is also this request's;
 * nothing when this request's code has still to be asked for.
 */
async function resolve(
  context: Context,
  tried: Try,
  sameCode: boolean,
): Promise<CheckOutcome | undefined> {
  const otp = await readOtp(context, tried)
  if (otp?.otpStatus === 'VERIFIED') {
    if (sameCode && tried.earlier !== 'other') return accept(context, tried)
    return finish(context, tried, 'verified', false)
  }
  if (otp?.otpStatus === 'ACTIVE' && otp.attemptCount !== undefined) {
    if (otp.attemptCount > tried.counted) {
      const outcome = await rejectByCount(context, tried, otp.attemptCount)
      if (sameCode && !outcome) throw unsettled()
      // The earlier code was wrong. This one, if it is another, has not been looked at.
      return sameCode || outcome?.status !== 'invalid_code' ? outcome : undefined
    }
    await settle(context, tried, { result: 'unprocessed', late: true })
    return undefined
  }
  const outcome = await settleByRecord(context, tried, otp)
  if (outcome) return outcome
  await settle(context, tried, { result: 'unresolved' })
  throw unsettled()
}

/** What the record says of a code that was not proven. Nothing when it doesn't say. */
async function settleByRecord(
  context: Context,
  tried: Try,
  otp: Otp | typeof gone | undefined,
): Promise<CheckOutcome | undefined> {
  switch (otp?.otpStatus) {
    case 'ACTIVE': {
      const { attemptCount = 0 } = otp
      if (attemptCount <= tried.counted) return undefined
      const outcome = await rejectByCount(context, tried, attemptCount)
      if (!outcome) throw unsettled()
      return outcome
    }
    case 'GONE':
    case 'EXPIRED':
      return finish(context, tried, 'expired', false)
    case 'TOO_MANY_ATTEMPTS':
      return finish(context, tried, 'attempts', true)
    case 'VERIFIED':
      return finish(context, tried, 'verified', false)
    default:
      return undefined
  }
}

/** In place of a record that tyntec doesn't have any more. */
const gone = { otpStatus: 'GONE', attemptCount: undefined } as const

/** tyntec's record, or nothing when it can't be had while this try holds its lease. */
async function readOtp({ tyntec }: Context, tried: Try): Promise<Otp | typeof gone | undefined> {
  const left = lease - 0.7 - (performance.now() - tried.started) / 1000
  const { otpId, number, counted } = tried
  const reading = tyntec.otp.read(otpId, { number, counted })
  return atMost(
    Math.min(3, left),
    reading.then((otp) => otp ?? gone),
  ).catch(() => undefined)
}

async function accept(context: Context, tried: Try): Promise<CheckOutcome> {
  const { codeHash } = tried.request
  const [settlement] = await Promise.all([
    settle(context, tried, { result: 'verified', codeHash, lease, window }),
    refundAddress(tried.request),
    countSignIn(context, tried),
  ])
  // The flow was cancelled or replaced while tyntec was asked.
  if (settlement.status === 'stale') return { status: 'no_pending_code' }
  const [current, ...previous] = context.secrets.numberTags(tried.number)
  // What a secret that rotates out has counted ends with the sign-in as well.
  const others = [current, ...previous].filter((tag) => tag !== tried.ref.number)
  await Promise.all([
    ...others.map((tag) => context.store.unlock(tag)),
    settlement.failures > 0 && forgetFailures(context, tried),
  ])
  const country = context.numbers.countryOf(tried.number)
  const { ref, via } = tried
  context.events.emit({
    type: 'otp.verified',
    flowId: ref.flowId,
    via,
    country,
    failuresBefore: settlement.failures,
    knownBrowser: ref.lane !== undefined,
  })
  return verified(context, tried)
}

/** That a failure can't be counted for its address is no reason to keep its end from the person. */
async function countFailure({ limits }: Context, { request }: Try): Promise<void> {
  await Promise.allSettled([limits.countFailure(), request.taken?.keep()])
}

/** That they can't be forgotten is no reason to refuse the sign-in. */
async function forgetFailures({ limits }: Context, { ref, request }: Try): Promise<void> {
  await limits.forgetFailures(request.addressKeys, ref.number).catch(() => {})
}

/** What has led to a sign-in was no pumping. That it can't be counted is no reason to refuse it. */
async function countSignIn(
  { pumping, secrets, numbers }: Context,
  { number, messages, request: { addressKeys } }: Try,
): Promise<void> {
  const message = {
    country: numbers.countryOf(number),
    addressKeys,
    rangeTags: secrets.rangeTags(number),
  }
  await pumping.verified(message, messages).catch(() => {})
}

/**
 * tyntec has counted a wrong code, but doesn't say which. When another one may have been under way,
 * there is no outcome: this one may still land.
 */
async function rejectByCount(
  context: Context,
  tried: Try,
  counted: number,
): Promise<CheckOutcome | undefined> {
  const late = tried.earlier === 'other'
  const outcome = await reject(context, tried, counted, late)
  return late && outcome.status === 'invalid_code' ? undefined : outcome
}

async function reject(
  context: Context,
  tried: Try,
  counted: number,
  late = false,
): Promise<CheckOutcome> {
  const { events } = context
  const { flowId } = tried.ref
  tried.request.failed = true
  const [settlement] = await Promise.all([
    settle(context, tried, { result: 'wrong', counted, late }),
    countFailure(context, tried),
  ])
  // The flow was cancelled or replaced while tyntec was asked.
  if (settlement.status === 'stale') return { status: 'no_pending_code' as const }
  watchFailures(context, tried, settlement)
  const outcome = invalidCode(context, settlement.attempts)
  if (!late) events.emit({ type: 'otp.rejected', flowId, reason: outcome.status })
  if (outcome.status === 'too_many_attempts') events.emit({ type: 'otp.locked', flowId })
  return outcome
}

async function finish(
  context: Context,
  tried: Try,
  end: keyof typeof endings,
  /** The code of this request was wrong. */
  failed: boolean,
): Promise<CheckOutcome> {
  const { why, status } = endings[end]
  if (failed) tried.request.failed = true
  const [settlement] = await Promise.all([
    settle(context, tried, { result: 'over', end: why, failed }),
    failed && countFailure(context, tried),
  ])
  // The flow was cancelled or replaced while tyntec was asked.
  if (settlement.status === 'stale') return { status: 'no_pending_code' }
  if (failed) watchFailures(context, tried, settlement)
  const { flowId } = tried.ref
  if (status === 'code_expired') context.events.emit({ type: 'otp.expired', flowId, step: 'check' })
  else context.events.emit({ type: 'otp.rejected', flowId, reason: status })
  if (status === 'too_many_attempts') context.events.emit({ type: 'otp.locked', flowId })
  return { status }
}

function watchFailures({ events, rules }: Context, tried: Try, settlement: CheckSettlement): void {
  if (settlement.status === 'settled' && settlement.failures >= rules.disableAt) {
    events.emit({ type: 'number.disabled', flowId: tried.ref.flowId })
  }
}

const endings = {
  expired: { why: 'expired', status: 'code_expired' },
  attempts: { why: 'attempts', status: 'too_many_attempts' },
  // Verified, but not by a request of which we know that it carried this code.
  verified: { why: 'used', status: 'no_pending_code' },
  unknown: { why: 'expired', status: 'code_expired' },
} as const

function settle({ store, rules }: Context, tried: Try, result: CheckResult) {
  return store.settleCheck(tried.ref, tried.attempt, result, rules)
}

function invalidCode({ options }: Context, attempts: number) {
  return attempts >= options.attempts
    ? { status: 'too_many_attempts' as const }
    : { status: 'invalid_code' as const, attemptsRemaining: options.attempts - attempts }
}

function verified(
  { secrets }: Context,
  { ref, attempt, number }: Pick<Try, 'ref' | 'attempt' | 'number'>,
  opener = attempt,
): CheckOutcome {
  const identity: Identity = { number, flowId: ref.flowId, verifiedAt: new Date() }
  const proof = Object.freeze({}) as Proof // its meaning is in the map
  proofs.set(proof, { ref, attempt, opener })
  return { status: 'verified', identity, proof, device: secrets.createDevice(number) }
}

/** The app's session is open: the code can't be used again. False when the flow had ended meanwhile. */
export async function complete(context: Context, proof: Proof): Promise<boolean> {
  const proven = provenOf(proof, 'complete')
  const completed = await close(context, proof)
  if (completed && !proven.opened) {
    proven.opened = true
    context.events.emit({ type: 'session.opened', flowId: proven.ref.flowId })
  }
  return completed
}

/** The same without a session: the app has refused the person. */
export async function close({ store }: Pick<Context, 'store'>, proof: Proof): Promise<boolean> {
  const { ref, attempt, opener } = provenOf(proof, 'complete')
  return store.complete(ref, attempt, opener)
}

/** The app's session could not be opened: the next request with the same code may try again. */
export async function release({ store }: Context, proof: Proof): Promise<void> {
  const { ref, attempt } = provenOf(proof, 'release')
  await store.release(ref, attempt)
}

function provenOf(proof: Proof, step: 'complete' | 'release') {
  const proven = proofs.get(proof)
  if (proven) return proven
  throw new OtpError('ERR_OTP_MISUSE', `${step}() takes the proof of a verified outcome`)
}

/** Gives a claim back before tyntec was asked. */
async function unclaim(
  { store, rules }: Context,
  { ref }: Request,
  attempt: string,
  claimed: CheckClaim,
): Promise<void> {
  const giveBack = () => {
    switch (claimed.status) {
      case 'verified':
        return store.release(ref, claimed.attempt)
      case 'claimed': {
        const late = claimed.earlier !== 'none'
        return store.settleCheck(ref, attempt, { result: 'unasked', late }, rules)
      }
      case 'unresolved':
        return store.settleCheck(ref, attempt, { result: 'unresolved' }, rules)
      default:
        return undefined
    }
  }
  // What can't be given back ends with its lease.
  await giveBack()?.catch(() => {})
}

function tryOf(
  context: Context,
  request: Request,
  attempt: string,
  { record, earlier }: { record: FlowRecord; earlier: EarlierTries },
): Try | undefined {
  const { ref } = request
  const values = unsealed(context, ref, record)
  if (values?.otpId === undefined) return undefined
  const { number, otpId } = values
  const started = performance.now()
  const { via, resends, counted } = record
  const messages = 1 + resends
  return { ref, attempt, started, request, number, via, messages, otpId, counted, earlier }
}

function newAttempt(): string {
  return randomBytes(12).toString('base64url')
}

function unsettled(): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', 'A check has no known end yet', {
    processed: 'unknown',
    retryAfter: 2,
  })
}
