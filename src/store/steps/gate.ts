import {
  type Counts,
  type Denied,
  denied,
  type MessageBoxes,
  type Odd,
  type Parts,
} from './admission.js'
import { refusalOf } from './limits.js'

/** In Lua a list without entries is the same as a record without fields. */
export function orNone(odd: Odd[]): Odd[] | undefined {
  return odd.length > 0 ? odd : undefined
}

export function noCounts(): Counts {
  return { own: {}, site: {}, app: {}, country: {}, number: {} }
}

export function limited({ by, limit, used, wait }: Denied): { status: 'limited' } & Denied {
  return { status: 'limited', by, limit, used, wait }
}

export function isEnforced(odd: readonly Odd[]): boolean {
  for (const { enforced } of odd) {
    if (enforced) return true
  }
  return false
}

/** Seconds to wait, also for a limit that would refuse the next message then. */
export function longestWait(
  boxes: MessageBoxes,
  { address, number }: Parts,
  seconds: number,
  now: number,
): number {
  const refused = denied(boxes, { address, number }, now)
  return refused === undefined ? seconds : Math.max(seconds, Math.ceil(refused.wait / 1000))
}

/** What refuses is not the address's own limit, so that its request has cost it nothing yet. */
export function isOfOthers({ by }: Denied): boolean {
  return by === 'shared' || by === 'number'
}

/** An address that asks again and again within a wait is not looked at any further. */
export function refusalOfWaits(
  boxes: MessageBoxes,
  { address }: Parts,
  now: number,
): ({ status: 'limited' } & Denied) | undefined {
  if (address === undefined) return undefined
  const refused = refusalOf(boxes.own?.value?.uses, [address.waits], now)
  if (refused === undefined) return undefined
  const { limit, used, wait } = refused
  return { status: 'limited', by: 'own', limit, used, wait }
}
