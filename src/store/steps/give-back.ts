import {
  addressOf,
  type AddressPart,
  type MessageBoxes,
  numberOf,
  sharedOf,
  type SharedPart,
} from './admission.js'
import { keepAddress, keepNumber, keepShared } from './keep.js'
import { count, halfLives, leave, type Limit, metered, uncount } from './limits.js'

/** What a message gets back that did not go out. */
export interface GiveBack {
  /** tyntec was not asked: its address gets it back as well. */
  address?: AddressPart | undefined
  /** A wait is what has ended the request: that is counted instead. */
  waited?: boolean | undefined
  shared?: SharedPart | undefined
  /** Names and points of what the number has counted. */
  number?: readonly Limit[] | undefined
}

/** The one place where something that was counted is given back. */
export function giveBack(boxes: MessageBoxes, given: GiveBack, now: number): { done: boolean } {
  const { address, shared, number, waited } = given
  if (address !== undefined) {
    const own = addressOf(boxes.own)
    uncount(own.uses, address.own, now)
    own.meter = metered(own.meter, halfLives.address, now, -1, 0)
    own.countries = leave(own.countries, address.country, 1)
    if (waited === true) count(own.uses, [address.waits], now, {})
    keepAddress(boxes.own, own, now)
    if (address.site.length > 0) {
      const site = addressOf(boxes.site)
      uncount(site.uses, address.site, now)
      keepAddress(boxes.site, site, now)
    }
  }
  if (shared !== undefined) {
    const app = sharedOf(boxes.app)
    uncount(app.uses, shared.app, now)
    keepShared(boxes.app, app, now, 0)
    const country = sharedOf(boxes.country)
    uncount(country.uses, shared.ofCountry, now)
    if (!shared.decoy) {
      country.meter = metered(country.meter, halfLives.country, now, -1, 0)
    }
    keepShared(boxes.country, country, now, halfLives.country)
    // Its range keeps what was asked for, unless nothing was.
    if (address !== undefined) {
      const range = sharedOf(boxes.range)
      range.meter = metered(range.meter, halfLives.range, now, -1, 0)
      keepShared(boxes.range, range, now, halfLives.range)
    }
  }
  if (number !== undefined) {
    const record = numberOf(boxes.number)
    uncount(record.uses, number, now)
    keepNumber(boxes.number, record, now)
  }
  return { done: true }
}
