import { addressOf, sharedOf } from './admission.js'
import { keepAddress, keepShared } from './keep.js'
import { halfLives, leave, metered } from './limits.js'
import type { CountBoxes } from './unread.js'

/** What a sign-in tells of the traffic. */
export interface Honest {
  country: string
  /** Messages that have led to it. */
  messages: number
  /** The number, as its address remembers those that it has failed with. */
  number: string
}

/** What has led to a sign-in was no pumping, and its number none that the address guesses at. */
export function countHonest(boxes: CountBoxes, honest: Honest | undefined, now: number): void {
  if (honest === undefined) return
  const { country, messages, number } = honest
  if (boxes.own !== undefined) {
    const own = addressOf(boxes.own)
    own.meter = metered(own.meter, halfLives.address, now, 0, messages)
    own.countries = leave(own.countries, country, messages)
    own.failed = leave(own.failed, number, 1_000_000)
    keepAddress(boxes.own, own, now)
  }
  if (boxes.country !== undefined) {
    const shared = sharedOf(boxes.country)
    shared.meter = metered(shared.meter, halfLives.country, now, 0, messages)
    keepShared(boxes.country, shared, now, halfLives.country)
  }
  if (boxes.range !== undefined) {
    const shared = sharedOf(boxes.range)
    shared.meter = metered(shared.meter, halfLives.range, now, 0, messages)
    keepShared(boxes.range, shared, now, halfLives.range)
  }
}
