import { OtpError } from '../errors.js'
import type { CheckOutcome } from '../outcomes.js'
import type { CheckAnswer, Otp } from '../tyntec/index.js'
import { type Context, lease } from './context.js'
import { accept, finish, reject, settle } from './settle.js'
import { type Try, unsettled } from './try.js'
import { atMost } from './waiting.js'

/** Says whether the code is right: tyntec is asked, unless the code is ours and the store has judged it. */
export async function ask(context: Context, tried: Try): Promise<CheckOutcome> {
  if (tried.judged === 'right') return accept(context, tried)
  if (tried.judged === 'wrong') return reject(context, tried, tried.counted)
  return askJudge(context, tried)
}

async function askJudge(context: Context, tried: Try): Promise<CheckOutcome> {
  let answer: CheckAnswer
  try {
    context.access.take('checks')
  } catch (error) {
    await settle(context, tried, { result: 'unasked', late: tried.earlier !== 'none' })
    throw error
  }
  try {
    const { otpId, number, counted } = tried
    answer = await context.carriers.judge.check(otpId, tried.request.code, { number, counted })
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
export async function resolve(
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
async function readOtp({ carriers }: Context, tried: Try): Promise<Otp | typeof gone | undefined> {
  const left = lease - 0.7 - (performance.now() - tried.started) / 1000
  const { otpId, number, counted } = tried
  const reading = carriers.judge.read(otpId, { number, counted })
  return atMost(
    Math.min(3, left),
    reading.then((otp) => otp ?? gone),
  ).catch(() => undefined)
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
