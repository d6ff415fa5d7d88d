import { setTimeout as sleep } from 'node:timers/promises'
import { OtpError } from '../errors.js'
import type { Recipient, TakenSend } from '../limits.js'
import type { Limited } from '../outcomes.js'
import type { Context } from './context.js'
import { poll } from './waiting.js'

/**
 * Reserves a message in the store and takes it from the limits at once, in one wait: whichever
 * refuses, the other gives back what it took.
 *
 * @throws {OtpError} `ERR_OTP_BUDGET`, `ERR_OTP_STORE_UNAVAILABLE`
 */
export async function reserveMessage<R extends { status: string }>(
  { limits, events }: Context,
  to: Recipient,
  reserve: () => Promise<R>,
  undo: () => Promise<unknown>,
): Promise<(R & { taken: TakenSend }) | Limited<'rate_limited'>> {
  const started = performance.now()
  const [reservation, limit] = await Promise.allSettled([reserve(), limits.takeSend(to)])
  const holds =
    reservation.status === 'fulfilled' &&
    (reservation.value.status === 'reserved' || reservation.value.status === 'renew')

  if (reservation.status === 'rejected' || limit.status === 'rejected') {
    if (holds) await undo().catch(() => {})
    if (limit.status === 'fulfilled') await limit.value.refund().catch(() => {})
    throw reservation.status === 'rejected'
      ? reservation.reason
      : (limit as PromiseRejectedResult).reason
  }
  let taken = limit.value
  if (!holds) {
    await taken.refund()
    return { ...reservation.value, taken }
  }
  // Requests that the store refused hold their uses until they have given them back. So who has the
  // reservation asks again as long as the count moves, or of many requests none would be the one.
  const pause = Math.min(10 + 2 * (performance.now() - started), 300)
  for (let tries = 0, before = -1; taken.refused && taken.used !== before && tries < 5; tries++) {
    before = taken.used
    try {
      await taken.refund()
      await sleep(pause)
      taken = await limits.takeSend(to)
    } catch (error) {
      await undo().catch(() => {})
      throw error
    }
  }
  if (!taken.refused) return { ...reservation.value, taken }

  await Promise.all([undo(), taken.refund()])
  if (taken.refused === 'budget') {
    throw new OtpError('ERR_OTP_BUDGET', 'The budget for messages is used up', {
      retryAfter: Math.min(taken.retryAfter, 3600),
    })
  }
  events.emit({ type: 'limit.hit', limit: 'sends_per_number' })
  return { status: 'rate_limited', retryAfter: taken.retryAfter }
}

/** The same once no other request of this flow is running: a double click has one end. */
export async function whenFree<R extends { status: string }>(
  reserve: () => Promise<R>,
): Promise<{ reserved: R; joined: boolean }> {
  const first = await reserve()
  if (first.status !== 'busy') return { reserved: first, joined: false }
  const later = await poll(async () => {
    const reserved = await reserve()
    return reserved.status === 'busy' ? undefined : reserved
  })
  if (later) return { reserved: later, joined: true }
  throw new OtpError(
    'ERR_OTP_PROVIDER_UNAVAILABLE',
    'Another request of this flow is still running',
  )
}
