import { normaliseCode } from '../input/code.js'
import { originOf } from '../limits/origin.js'
import type { CheckOutcome, Purpose } from '../outcomes.js'
import { randomBytes } from '../secrets/random.js'
import { flowKey } from '../store/keys.js'
import type { ClaimReply } from '../store/steps/claim.js'
import { limited } from './admission.js'
import { type Context, lease, openingLease, repeats, window } from './context.js'
import { purposeOf } from './input.js'
import { lookUpInTurn, lookupEvery } from './lookup.js'
import { unsealed } from './pending.js'
import { invalidCode, proven, signedIn } from './proof.js'
import { type Request, type Try, unsettled } from './try.js'
import { ask, resolve } from './verdict.js'

/** What a check is made of. */
export interface CheckInput {
  /** The handle this browser has. */
  handle: unknown
  /** As the person typed it. */
  code: unknown
  /** What the proof is for: as for `send`. @default 'login' */
  purpose?: Purpose | undefined
  /** Where the request comes from, as the framework says. */
  address?: unknown
  /**
   * After `signed_in`: this request can't take the session that another one has opened, and wants one of
   * its own.
   *
   * @default false
   */
  again?: boolean | undefined
}

export async function check(context: Context, input: CheckInput): Promise<CheckOutcome> {
  const { options, secrets, limits } = context
  const normalised = normaliseCode(input.code, {
    length: options.pinLength,
    alphabet: options.codeAlphabet,
  })
  if ('status' in normalised) return normalised
  const ref = secrets.parseHandle(input.handle)
  if (!ref) return { status: 'no_pending_code' }
  context.access.known = ref.browserTag !== undefined
  context.access.refuseEarly('checks')

  const { code } = normalised
  const origin = originOf(options, secrets, input.address)
  return run(context, {
    ref,
    code,
    hash: secrets.codeHash(ref, code),
    purpose: purposeOf(input.purpose),
    again: input.again === true,
    origin,
    // A known browser has failures of its own, so that the people next to it cost it nothing.
    address: limits.addressOf(origin, ref.number, ref.browserTag),
    lookedUp: false,
    joined: false,
  })
}

/** Claims the flow for this code, and, with the same step, asks whether its address may fail once more. */
function claim(
  { store, rules, limits }: Context,
  { ref, hash, purpose, again, address, lookedUp, joined }: Request,
  attempt: string,
): Promise<ClaimReply> {
  return store.claim(
    ref,
    {
      attempt,
      hash,
      purpose,
      again,
      lease,
      openingLease,
      window,
      repeats,
      rules,
      joining: joined,
      ...(!lookedUp && { lookupEvery }),
      browserLimit: limits.browserLimitOf(ref.browserTag),
    },
    address,
  )
}

/** Follows a claim to its end. One can lead to another: a look-up, an old try, then this one. */
async function run(context: Context, request: Request): Promise<CheckOutcome> {
  const { store, secrets, limits } = context
  const { ref } = request
  let attempt = newAttempt()
  let current = await claim(context, request, attempt)
  for (let steps = 0; steps < 6; steps++) {
    switch (current.status) {
      case 'none':
        return { status: 'no_pending_code' }
      case 'expired':
        return { status: 'code_expired' }
      case 'attempts':
        return { status: 'too_many_attempts' }
      case 'busy':
        return { status: 'check_in_progress', retryAfter: Math.max(1, current.retryAfter) }
      case 'limited':
        return limited(context, { limit: 'failures_per_number', retryAfter: current.retryAfter })
      case 'address':
        return limited(context, await limits.refusedCheck(current, request.origin))
      case 'wrong':
        return invalidCode(context, current.attempts)
      case 'refused':
        return {
          status: 'sign_in_refused',
          message: secrets.unseal(ref, 'refusal', current.refusal) || undefined,
        }
      case 'unknown':
      case 'unsettled':
        throw unsettled()
      case 'opened': {
        const { record, session } = current
        return signedIn(context, ref, record, session) ?? { status: 'no_pending_code' }
      }
      case 'verified':
        return proven(context, ref, current, attempt) ?? { status: 'no_pending_code' }
      case 'join': {
        request.joined = true
        current = await joined(context, request, attempt, current.opening)
        break
      }
      case 'sending': {
        const sent = await context.joins(`${flowKey(ref)} sending`, lease + 1, async () =>
          (await store.read(ref)).busy ? undefined : true,
        )
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
      case 'claimed':
      case 'unresolved': {
        const tried = tryOf(context, request, attempt, current)
        if (!tried) {
          await store.end(ref, 'expired')
          return { status: 'code_expired' }
        }
        if (current.status === 'claimed' || tried.judged) return ask(context, tried)
        const outcome = await resolve(context, tried, current.sameCode)
        if (outcome) return outcome
        attempt = newAttempt()
        current = await claim(context, request, attempt)
        break
      }
      case 'free':
        throw unsettled()
    }
  }
  throw unsettled()
}

/** Waits for the end of what another request with this code has begun. */
async function joined(
  context: Context,
  request: Request,
  attempt: string,
  opening: boolean,
): Promise<ClaimReply> {
  const { ref } = request
  const longest = opening ? openingLease : lease
  const ended = await context.joins(`${flowKey(ref)} ${request.hash}`, longest + 1, async () => {
    const next = await claim(context, request, attempt)
    if (next.status !== 'join') return next
    // Its check has ended well, and the app opens the session now, which may take longer.
    return next.opening && !opening ? next : undefined
  })
  if (!ended) throw unsettled()
  return ended
}

function tryOf(
  context: Context,
  request: Request,
  attempt: string,
  { record, earlier, judged }: ClaimReply & { status: 'claimed' | 'unresolved' },
): Try | undefined {
  const { ref } = request
  const values = unsealed(context, ref, record)
  if (!values || (values.otpId === undefined && judged === undefined)) return undefined
  const { number, otpId = '' } = values
  const started = performance.now()
  const { reference, via, resends, counted, country, purpose } = record
  const messages = 1 + resends
  return {
    ref,
    attempt,
    started,
    request,
    reference,
    number,
    via,
    country,
    purpose,
    messages,
    otpId,
    judged,
    counted,
    earlier,
  }
}

function newAttempt(): string {
  return randomBytes(12).toString('base64url')
}
