import type { AddressRecord, Box, NumberRecord, Windows } from '../records.js'
import { addressOf, type MessageBoxes, numberOf, type Parts, sharedOf } from './admission.js'
import type { AddressFailures } from './address-failures.js'
import { failuresOf } from './failures.js'
import { keepAddress, keepNumber, keepShared } from './keep.js'
import { halfLives, type Limit } from './limits.js'

/*
 * A clock that was ahead and has been set back leaves windows and waits that end too late. They begin anew, once:
 * so that is written down whatever the step says, for a step that refuses writes nothing else.
 */

export function setMessageRight(
  boxes: MessageBoxes,
  { address, shared, number }: Parts,
  /** Seconds that a number waits for its next message at the longest. */
  cooldown: number | undefined,
  now: number,
): void {
  if (address !== undefined) {
    const own = addressOf(boxes.own)
    const { countries } = own
    let moved = renew(own.uses, address.own, now)
    if (renew(own.uses, [address.waits], now)) moved = true
    const ends = now + address.countries.duration * 1000
    if (countries !== undefined && countries.ends > ends) {
      countries.ends = ends
      moved = true
    }
    if (moved) keepAddress(boxes.own, own, now)
    const site = addressOf(boxes.site)
    if (renew(site.uses, address.site, now)) keepAddress(boxes.site, site, now)
  }
  if (shared !== undefined) {
    const app = sharedOf(boxes.app)
    if (renew(app.uses, shared.app, now)) keepShared(boxes.app, app, now, 0)
    const country = sharedOf(boxes.country)
    if (renew(country.uses, shared.ofCountry, now)) {
      keepShared(boxes.country, country, now, halfLives.country)
    }
  }
  const record = numberOf(boxes.number)
  const { latest } = record
  let waits = false
  if (number !== undefined) {
    if (renew(record.uses, number.always, now)) waits = true
    if (renew(record.uses, number.limits, now)) waits = true
    if (renew(record.uses, number.own, now)) waits = true
  }
  if (latest !== undefined && cooldown !== undefined && latest.until > now + cooldown * 1000) {
    latest.until = now + cooldown * 1000
    waits = true
  }
  if (waits) keepNumber(boxes.number, record, now)
}

export function setWaitsRight(
  box: Box<AddressRecord> | undefined,
  waits: Limit,
  now: number,
): void {
  const own = addressOf(box)
  if (renew(own.uses, [waits], now)) keepAddress(box, own, now)
}

export function setTryRight(
  boxes: { own?: Box<AddressRecord>; number?: Box<NumberRecord> },
  address: AddressFailures | undefined,
  browserLimit: Limit | undefined,
  now: number,
): void {
  if (address !== undefined) {
    const own = addressOf(boxes.own)
    const { failed } = own
    let moved = renew(own.uses, [address.failures], now)
    const ends = now + address.numbers.duration * 1000
    if (failed !== undefined && failed.ends > ends) {
      failed.ends = ends
      moved = true
    }
    if (moved) keepAddress(boxes.own, own, now)
  }
  const number = numberOf(boxes.number)
  const ahead = number.failures !== undefined && number.failures.last > now
  if (ahead) failuresOf(number, now)
  let moved = ahead
  if (browserLimit !== undefined && renew(number.uses, [browserLimit], now)) moved = true
  if (moved) keepNumber(boxes.number, number, now)
}

function renew(uses: Windows, limits: readonly Limit[], now: number): boolean {
  let renewed = false
  for (const { name, duration } of limits) {
    const window = uses[name]
    if (window !== undefined && window.ends > now + duration * 1000) {
      window.ends = now + duration * 1000
      renewed = true
    }
  }
  return renewed
}
