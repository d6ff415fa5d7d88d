import { OtpError } from '../errors.js'
import type { Channel, Limited, Refused } from '../outcomes.js'
import type { Counted, Message, Oddity } from '../pumping.js'
import type { Context } from './context.js'
import { askApp } from './hooks.js'

/** A message that somebody asks for. */
export interface Wanted {
  number: string
  country: string
  via: Channel
  lane: string | undefined
  address: unknown
  addressKeys: readonly string[]
  token: unknown
}

export interface Admitted {
  status: 'admitted'
  /** No message went out: it counts for the address, and for nothing else. */
  uncount(): Promise<void>
}

/**
 * What stands between a request and a message, before anything of the number is touched: the limit of its
 * address, the look of the traffic, and the app's own challenge. One wait for the store.
 */
export async function admit(
  context: Context,
  wanted: Wanted,
): Promise<Admitted | Limited<'rate_limited'> | Refused<'challenge_required'>> {
  const { limits, pumping, secrets, events } = context
  const { number, country, addressKeys } = wanted
  const message: Message = { country, addressKeys, rangeTags: secrets.rangeTags(number) }

  const limiting = limits.sendsPerAddress.consume(addressKeys)
  // Each request counts until it is refused. A flood from an address that is over its limit would so
  // make everybody's traffic look odd, and is kept away from the meters.
  const counting = limits.sendsPerAddress.refusedLately(addressKeys)
    ? limiting.then(({ allowed }) => (allowed ? pumping.count(message) : notCounted))
    : pumping.count(message)
  const [limit, counted] = await Promise.allSettled([limiting, counting])
  if (limit.status === 'rejected' || counted.status === 'rejected') {
    if (counted.status === 'fulfilled') await counted.value.undo().catch(() => {})
    throw (limit.status === 'rejected' ? limit : (counted as PromiseRejectedResult)).reason
  }
  const { odd, undo } = counted.value
  if (!limit.value.allowed) {
    await undo().catch(() => {})
    events.emit({ type: 'limit.hit', limit: 'sends_per_address' })
    return { status: 'rate_limited', retryAfter: limit.value.retryAfter }
  }

  const refused = await judge(context, wanted, odd)
  if (refused) {
    await undo().catch(() => {})
    return refused
  }
  return { status: 'admitted', uncount: undo }
}

/** The same after an error. When the store is what failed, its deadline is not waited for once more. */
export async function uncountAfter({ uncount }: Admitted, error: unknown): Promise<void> {
  const uncounted = uncount().catch(() => {})
  if (!(error instanceof OtpError && error.code === 'ERR_OTP_STORE_UNAVAILABLE')) await uncounted
}

const notCounted: Counted = { odd: [], async undo() {} }

async function judge(
  context: Context,
  wanted: Wanted,
  odd: readonly Oddity[],
): Promise<Limited<'rate_limited'> | Refused<'challenge_required'> | undefined> {
  const { options, limits, events } = context
  const { country, via, lane } = wanted
  const { challenge, pumping } = options
  // Whoever has signed in with this number is nobody who pumps, so only a challenge can refuse that.
  const enforces = ({ by }: Oddity) =>
    pumping.enforced[by] && (lane === undefined || challenge !== undefined)
  for (const oddity of odd) {
    const { by, unverified, verified } = oddity
    const round = (count: number) => Math.round(count * 10) / 10
    events.emit({
      type: 'pumping.suspected',
      by,
      country,
      unverified: round(unverified),
      verified: round(verified),
      enforced: enforces(oddity),
    })
  }
  const decisive = odd.filter(enforces)
  if (!challenge) {
    if (decisive.length === 0) return undefined
    events.emit({ type: 'limit.hit', limit: 'pumping' })
    return {
      status: 'rate_limited',
      retryAfter: Math.max(...decisive.map(({ retryAfter }) => retryAfter)),
    }
  }
  const reasons = [
    ...decisive.map(({ by }) => by),
    ...(limits.guessing() ? ['guessing' as const] : []),
  ]
  const { number, address } = wanted
  const token = typeof wanted.token === 'string' ? wanted.token : undefined
  const passed = await askApp(context, 'challenge', () =>
    challenge({ reasons, token, number, country, via, address }),
  )
  if (passed === true) return undefined
  events.emit({ type: 'challenge.refused', country, via, failed: passed === undefined })
  return { status: 'challenge_required' }
}
