import {
  type Counts,
  countMessage,
  countWait,
  deny,
  type Denied,
  denied,
  type MessageBoxes,
  type NumberPart,
  numberOf,
  type Odd,
  oddOf,
  type Parts,
} from './admission.js'
import { waitOf } from './flow.js'
import { refusalOf } from './limits.js'
import { takeOver } from './older.js'
import { setMessageRight } from './set-right.js'

/** What limits and traffic say of a message. */
export type Admission =
  | { status: 'admitted'; counts: Counts; odd?: Odd[] | undefined }
  | NotAdmitted

export type NotAdmitted = { status: 'odd'; odd: Odd[] } | Denied

/**
 * Makes the records ready for a message, and refuses one whose address asks again and again within a wait: that is
 * not looked at any further.
 *
 * @param cooldown Seconds that a number waits for its next message at the longest.
 */
export function refuseFlood(
  boxes: MessageBoxes,
  parts: Parts,
  cooldown: number | undefined,
  now: number,
): Denied | undefined {
  takeOver(boxes, parts.older, now)
  setMessageRight(boxes, parts, cooldown, now)
  const { address } = parts
  if (address === undefined) return undefined
  const refused = refusalOf(boxes.own?.value?.uses, [address.waits], now)
  return refused === undefined ? undefined : deny('own', refused)
}

/** Counts the message for all that it costs, or for nothing. `passed`: the app's challenge lets it through. */
export function admit(boxes: MessageBoxes, parts: Parts, passed: boolean, now: number): Admission {
  const refused = denied(boxes, parts, now)
  if (refused !== undefined) {
    // Where the address's own limits refuse, it has used these up; where others' do, its request costs it a wait.
    if (refused.by === 'shared' || refused.by === 'number') countWait(boxes, parts, now)
    return refused
  }
  const odd = oddOf(boxes, parts, now)
  if (!passed && isEnforced(odd)) {
    countWait(boxes, parts, now)
    return { status: 'odd', odd }
  }
  return { status: 'admitted', counts: countMessage(boxes, parts, now), odd: orNone(odd) }
}

/** In Lua a list without entries is the same as a record without fields. */
export function orNone(odd: Odd[]): Odd[] | undefined {
  return odd.length > 0 ? odd : undefined
}

export function noCounts(): Counts {
  return { own: {}, site: {}, app: {}, country: {}, number: {} }
}

function isEnforced(odd: readonly Odd[]): boolean {
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

/** The next message of a flow, as far as it is its number's matter. Durations are in seconds. */
export interface NextMessage {
  flow: string
  knownBrowser: boolean
  cooldown: number
  number: NumberPart
}

/** Seconds until its number may have a flow's next message, whoever has had those before; nothing when it may. */
export function nextAfter(boxes: MessageBoxes, next: NextMessage, now: number): number | undefined {
  const others = waitOfOthers(boxes, next, now)
  const refused = denied(boxes, { number: next.number }, now)
  const left = refused === undefined ? others : Math.max(others, refused.wait)
  return left > 0 ? left / 1000 : undefined
}

/** Milliseconds that other flows of the number make this one wait. */
export function waitOfOthers(
  boxes: MessageBoxes,
  { flow, knownBrowser, cooldown }: Omit<NextMessage, 'number'>,
  now: number,
): number {
  const number = numberOf(boxes.number)
  return number.latest?.flow === flow ? 0 : waitOf(number, knownBrowser, cooldown * 1000, now)
}
