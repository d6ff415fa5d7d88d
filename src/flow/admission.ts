import { OtpError } from '../errors.js'
import type { Refused as LimitRefusal } from '../limits/limits.js'
import type { Recipient } from '../limits/message.js'
import type { Origin } from '../limits/origin.js'
import type { Limited, Refused } from '../outcomes.js'
import type { Unsent } from '../store/slots.js'
import type { Message } from '../store/slots.js'
import type { Counts, Denied, Odd } from '../store/steps/admission.js'
import { halfLives, meterKept } from '../store/steps/limits.js'
import type { Context } from './context.js'
import { askApp } from './hooks.js'
import { whenFree } from './waiting.js'

/** A message that somebody asks for. */
export interface Wanted extends Recipient {
  origin: Origin
  /** As the framework has it. */
  address: unknown
  token: unknown
}

/** What a step answers that reserves a message. */
type Reply =
  | { status: 'reserved' | 'renew' | 'admitted'; counts: Counts; odd?: Odd[] | undefined }
  | { status: 'odd'; odd: Odd[] }
  | Denied
  | { status: 'busy' }

/** Why there is no message, as the person is told. */
export type Inadmissible = Limited<'rate_limited'> | Refused<'challenge_required'>

/** What becomes of a request for a message: the step's own answer, without what refuses it. */
export type Admitted<R> = Exclude<R, { status: 'odd' | 'limited' | 'busy' }> & {
  unsent: Unsent | undefined
  /** Another request of this flow was under way, and has ended. */
  joined: boolean
}

/**
 * Asks the store for a message: limits that are certain to refuse it cost nothing, the app's own challenge
 * is asked before anything is counted, and the rest is one step.
 */
export async function admit<R extends Reply | { status: string }>(
  context: Context,
  wanted: Wanted,
  reserve: (message: Message, passed: boolean, again: boolean) => Promise<R>,
): Promise<Admitted<R> | Inadmissible> {
  const { limits } = context
  const message = limits.messageOf(wanted, wanted.origin)
  const blocked = limits.refusedBefore(wanted.origin, wanted.browserTag)
  if (blocked) return limited(context, blocked)
  const asked = await challenge(context, wanted, message)
  if (asked !== 'passed' && asked !== undefined) return asked

  const { reply, joined } = await whenFree((again) => reserve(message, asked === 'passed', again))
  if (isLimited(reply)) return refuse(context, wanted, message, reply)
  if (isOdd(reply)) {
    suspect(context, wanted, reply.odd)
    return limited(context, { limit: 'pumping', retryAfter: waitOf(reply.odd, message.parts) })
  }
  let unsent: Unsent | undefined
  if (isCounted(reply)) {
    if (asked === undefined) suspect(context, wanted, reply.odd ?? [])
    limits.counted(reply.counts, wanted)
    unsent = { message, counts: reply.counts }
  }
  return { ...(reply as Exclude<R, { status: 'odd' | 'limited' | 'busy' }>), unsent, joined }
}

/** Asks the app about every message, with what is odd about it. */
async function challenge(
  context: Context,
  wanted: Wanted,
  message: Message,
): Promise<'passed' | undefined | Inadmissible> {
  const { options, limits, events, store } = context
  const ask = options.challenge
  if (!ask) return undefined
  const looked = await store.look(message)
  if (looked.status === 'limited') return refuse(context, wanted, message, looked)
  const odd = looked.odd ?? []
  suspect(context, wanted, odd)
  const { number, country, via, address } = wanted
  const reasons = [
    ...odd.filter(({ enforced }) => enforced).map(({ by }) => by),
    ...(limits.guessing() ? (['guessing'] as const) : []),
  ]
  const token = typeof wanted.token === 'string' ? wanted.token : undefined
  const passed = await askApp(context, 'challenge', () =>
    ask({ reasons, token, number, country, via, address }),
  )
  if (passed === true) return 'passed'
  events.emit({ type: 'challenge.refused', country, via, failed: passed === undefined })
  await store.refuse(message)
  return { status: 'challenge_required' }
}

/** @throws {OtpError} `ERR_OTP_BUDGET` */
async function refuse(
  context: Context,
  wanted: Wanted,
  message: Message,
  denied: Denied,
): Promise<Limited<'rate_limited'>> {
  const refused = await context.limits.refused(denied, message, wanted, wanted.origin)
  if (refused.limit !== undefined) return limited(context, refused)
  throw new OtpError('ERR_OTP_BUDGET', 'The budget for messages is used up', {
    processed: 'no',
    retryAfter: refused.retryAfter,
  })
}

/** A limit refuses the request of this step, which the operator is told. */
export function limited(
  { events }: Context,
  { limit, retryAfter }: LimitRefusal,
): Limited<'rate_limited'> {
  events.emit({ type: 'limit.hit', limit })
  return { status: 'rate_limited', retryAfter }
}

/** Tells the operator what is odd about a message. */
function suspect({ events }: Context, { country }: Wanted, odd: readonly Odd[]): void {
  const round = (count: number) => Math.round(count * 10) / 10
  for (const { by, unverified, verified, enforced } of odd) {
    events.emit({
      type: 'pumping.suspected',
      by,
      country,
      unverified: round(unverified),
      verified: round(verified),
      enforced,
    })
  }
}

/** Seconds until nothing that refuses a message looks odd any more, if nobody signs in before. */
function waitOf(odd: readonly Odd[], parts: Message['parts']): number {
  const waits = odd.filter(({ enforced }) => enforced).map((each) => waitOfOne(each, parts))
  return Math.max(1, ...waits.map(Math.ceil))
}

function waitOfOne({ by, wait, unverified, verified }: Odd, { address, shared }: Message['parts']) {
  if (by === 'countries') return (wait ?? 0) / 1000
  const rule = by === 'address' ? address?.meter : shared?.[by]
  // What a meter has fades, and one more has to fit in; after this time nothing of it is kept.
  const longest = meterKept * halfLives[by]
  const over = (unverified - 1 - (rule?.share ?? 0) * verified) / ((rule?.free ?? 1) - 1)
  return Math.min(halfLives[by] * Math.log2(over), longest)
}

function isLimited(reply: { status: string }): reply is Denied {
  return reply.status === 'limited'
}

function isOdd(reply: { status: string }): reply is { status: 'odd'; odd: Odd[] } {
  return reply.status === 'odd'
}

function isCounted(reply: {
  status: string
}): reply is { status: 'reserved'; counts: Counts; odd?: Odd[] } {
  return reply.status === 'reserved' || reply.status === 'renew'
}
