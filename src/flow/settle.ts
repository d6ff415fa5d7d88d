import { short } from '../limits/message.js'
import { addressKeysOf } from '../limits/origin.js'
import type { CheckOutcome } from '../outcomes.js'
import { appKey, countryKey, rangeKey } from '../store/keys.js'
import type { CheckResult, SettleCheckReply } from '../store/steps/settle-check.js'
import { type Context, openingLease, window } from './context.js'
import { invalidCode, proven } from './proof.js'
import type { Try } from './try.js'

/** The code is right. What is counted of it, and forgotten, goes with the step that says so. */
export async function accept(context: Context, tried: Try): Promise<CheckOutcome> {
  const { secrets, store, events } = context
  const { ref, attempt, reference, via, country, number } = tried
  const { hash } = tried.request
  const settlement = await settle(context, tried, {
    result: 'verified',
    hash,
    reference,
    openingLease,
    window,
  })
  // The flow was cancelled or replaced while tyntec was asked.
  if (settlement.status === 'stale') return { status: 'no_pending_code' }
  // What a secret that rotates out has counted ends with the sign-in as well.
  const others = secrets.otherTags(ref, number)
  if (others.length > 0) await Promise.all(others.map((tag) => store.unlock(tag, false)))
  const { failures } = settlement
  events.emit({
    type: 'otp.verified',
    flowId: ref.flowId,
    via,
    country,
    failuresBefore: failures,
    knownBrowser: ref.browserTag !== undefined,
  })
  const record = { number: '', via, purpose: tried.purpose }
  const outcome = proven(context, ref, { record, by: attempt, repeated: false }, attempt, number)
  return outcome ?? { status: 'no_pending_code' }
}

export async function reject(
  context: Context,
  tried: Try,
  counted: number,
  late = false,
): Promise<CheckOutcome> {
  const { events } = context
  const { flowId } = tried.ref
  const settlement = await settle(context, tried, { result: 'wrong', counted, late })
  if (settlement.status === 'stale') return { status: 'no_pending_code' }
  watchFailures(context, tried, settlement)
  const outcome = invalidCode(context, settlement.attempts)
  if (!late) events.emit({ type: 'otp.rejected', flowId, reason: outcome.status })
  if (outcome.status === 'too_many_attempts') events.emit({ type: 'otp.locked', flowId })
  return outcome
}

export async function finish(
  context: Context,
  tried: Try,
  end: keyof typeof endings,
  /** The code of this request was wrong. */
  failed: boolean,
): Promise<CheckOutcome> {
  const { events } = context
  const { why, status } = endings[end]
  const settlement = await settle(context, tried, { result: 'over', end: why, failed })
  if (settlement.status === 'stale') return { status: 'no_pending_code' }
  if (failed) watchFailures(context, tried, settlement)
  const { flowId } = tried.ref
  if (status === 'code_expired') events.emit({ type: 'otp.expired', flowId, step: 'check' })
  else events.emit({ type: 'otp.rejected', flowId, reason: status })
  if (status === 'too_many_attempts') events.emit({ type: 'otp.locked', flowId })
  return { status }
}

const endings = {
  expired: { why: 'expired', status: 'code_expired' },
  attempts: { why: 'attempts', status: 'too_many_attempts' },
  // Verified, but not by a request of which we know that it carried this code.
  verified: { why: 'used', status: 'no_pending_code' },
  unknown: { why: 'expired', status: 'code_expired' },
} as const

/** Writes down what has become of a try, with all that this counts. */
export async function settle(
  { store, rules, limits, secrets, events }: Context,
  { ref, attempt, request, country, messages, number }: Try,
  result: CheckResult,
): Promise<SettleCheckReply> {
  const { address, origin } = request
  const verified = result.result === 'verified'
  const failed = result.result === 'wrong' || (result.result === 'over' && result.failed)
  const browserLimit = limits.browserLimitOf(ref.browserTag)
  const settlement = await store.settleCheck(
    ref,
    {
      attempt,
      result,
      rules,
      browserLimit,
      ...(failed && { guesses: limits.guesses }),
      ...(verified && { honest: { country, messages, number: short(ref.number) } }),
    },
    {
      address,
      keys: {
        ...(failed && { app: appKey }),
        ...(verified && {
          own: addressKeysOf(origin)[0],
          country: countryKey(country),
          range: rangeKey(secrets.rangeTags(number)[0]),
        }),
      },
    },
  )
  if (settlement.status === 'settled') {
    limits.countedGuess(settlement.guesses)
    if (settlement.unread) {
      events.emit({
        type: 'error',
        step: 'check',
        code: 'ERR_OTP_STORE_UNAVAILABLE',
        message: 'A record of what is counted can not be read, so a check was not counted there',
      })
    }
  }
  return settlement
}

function watchFailures(
  { events, rules }: Context,
  tried: Try,
  settlement: SettleCheckReply & { status: 'settled' },
): void {
  if (settlement.failures >= rules.disableAt) {
    events.emit({ type: 'number.disabled', flowId: tried.ref.flowId })
  }
}
