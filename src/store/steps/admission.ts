import type { AddressRecord, Box, Meter, NumberRecord, SharedRecord } from '../records.js'
import { keepAddress, keepNumber, keepShared } from './keep.js'
import {
  count,
  type Count,
  enter,
  faded,
  halfLives,
  type Limit,
  longer,
  membersOf,
  metered,
  type Refusal,
  refusalOf,
  sizeOf,
} from './limits.js'

/** More messages without a sign-in than this are suspicious. */
export interface MeterRule {
  free: number
  /** So much more for each sign-in. */
  share: number
  /** The message is refused. */
  enforced: boolean
}

/** What a message costs its address. */
export interface AddressPart {
  own: readonly Limit[]
  site: readonly Limit[]
  /** Requests that lead to no message: because of a wait, or of what others have used up. */
  waits: Limit
  meter: MeterRule
  country: string
  countries: { points: number; duration: number; enforced: boolean }
}

/** What it costs all numbers together, those of its country, and those next to it. */
export interface SharedPart {
  app: readonly Limit[]
  ofCountry: readonly Limit[]
  country: MeterRule
  range: MeterRule
  /** No message goes out, whatever is said: the country has nothing to count. */
  decoy: boolean
}

/** What it costs the number. */
export interface NumberPart {
  limits: readonly Limit[]
  /** Those that hold for known browsers as well. */
  always: readonly Limit[]
  /** In place of `limits`, once these are used up: what a known browser has to itself. */
  own: readonly Limit[]
}

/** What the parts of a message are judged by. Each is left out where another call of the step has it. */
export interface Parts {
  address?: AddressPart | undefined
  shared?: SharedPart | undefined
  number?: NumberPart | undefined
  /** What the records of secrets that rotate out say. */
  older?: readonly Older[] | undefined
}

export interface Older {
  /** The number's tag by that secret. */
  tag: string
  own?: AddressRecord | undefined
  site?: AddressRecord | undefined
  number?: NumberRecord | undefined
  range?: SharedRecord | undefined
}

export interface MessageBoxes {
  own?: Box<AddressRecord>
  site?: Box<AddressRecord>
  app?: Box<SharedRecord>
  country?: Box<SharedRecord>
  range?: Box<SharedRecord>
  number?: Box<NumberRecord>
}

/** Why no message goes out. */
export interface Denied extends Refusal {
  status: 'limited'
  by: 'own' | 'site' | 'shared' | 'number'
}

/** What the traffic looks like. */
export interface Odd {
  by: 'country' | 'address' | 'range' | 'countries'
  unverified: number
  verified: number
  enforced: boolean
  /** Milliseconds until it may look better; missing when nobody can say. */
  wait?: number
}

/** What each limit has come to. */
export interface Counts {
  own: Record<string, Count>
  site: Record<string, Count>
  app: Record<string, Count>
  country: Record<string, Count>
  number: Record<string, Count>
}

export function addressOf(box: Box<AddressRecord> | undefined): AddressRecord {
  return box?.value ?? { uses: {} }
}

export function sharedOf(box: Box<SharedRecord> | undefined): SharedRecord {
  return box?.value ?? { uses: {} }
}

export function numberOf(box: Box<NumberRecord> | undefined): NumberRecord {
  return box?.value ?? { uses: {} }
}

/**
 * What refuses the message: in the order of address, app and number, and of each the limit that does so for the
 * longest time. Nothing is counted.
 */
export function denied(boxes: MessageBoxes, parts: Parts, now: number): Denied | undefined {
  const { address, shared, number } = parts
  if (address !== undefined) {
    const own = refusalOf(addressOf(boxes.own).uses, address.own, now)
    const site = refusalOf(addressOf(boxes.site).uses, address.site, now)
    const refused = longer(own, site)
    if (refused !== undefined) return deny(refused === own ? 'own' : 'site', refused)
  }
  if (shared !== undefined) {
    const refused = longer(
      refusalOf(sharedOf(boxes.app).uses, shared.app, now),
      refusalOf(sharedOf(boxes.country).uses, shared.ofCountry, now),
    )
    if (refused !== undefined) return deny('shared', refused)
  }
  if (number !== undefined) {
    const { uses } = numberOf(boxes.number)
    const refused = longer(refusalOf(uses, number.always, now), refusedNumber(uses, number, now))
    if (refused !== undefined) return deny('number', refused)
  }
  return undefined
}

/** Strangers have used the number's messages up: a known browser has some of its own. */
function refusedNumber(
  uses: NumberRecord['uses'],
  { limits, own }: NumberPart,
  now: number,
): Refusal | undefined {
  const refused = refusalOf(uses, limits, now)
  if (refused === undefined || own.length === 0) return refused
  // Whichever has room first lets it out.
  const ofOwn = refusalOf(uses, own, now)
  return ofOwn === undefined || ofOwn.wait < refused.wait ? ofOwn : refused
}

export function deny(by: Denied['by'], { limit, used, wait }: Refusal): Denied {
  return { status: 'limited', by, limit, used, wait }
}

/** What is odd about the message, with it counted. Nothing is counted yet. */
export function oddOf(boxes: MessageBoxes, parts: Parts, now: number): Odd[] {
  const odd: Odd[] = []
  const { address, shared } = parts
  if (shared !== undefined) {
    suspect(odd, 'country', sharedOf(boxes.country).meter, shared.country, now)
  }
  if (address !== undefined) {
    suspect(odd, 'address', addressOf(boxes.own).meter, address.meter, now)
  }
  if (shared !== undefined) suspect(odd, 'range', sharedOf(boxes.range).meter, shared.range, now)
  if (address !== undefined) {
    const { points, duration, enforced } = address.countries
    const members = membersOf(addressOf(boxes.own).countries, duration, now)
    const size = sizeOf(members)
    if (size >= points && members.of[address.country] === undefined) {
      const wait = members.ends - now
      odd.push({ by: 'countries', unverified: size + 1, verified: 0, enforced, wait })
    }
  }
  return odd
}

function suspect(
  odd: Odd[],
  by: 'country' | 'address' | 'range',
  meter: Meter | undefined,
  { free, share, enforced }: MeterRule,
  now: number,
): void {
  const { sent, verified } = faded(meter, halfLives[by], now)
  const unverified = sent + 1 - verified
  if (unverified > free + share * verified) odd.push({ by, unverified, verified, enforced })
}

/** Counts the message for everything that it costs. */
export function countMessage(boxes: MessageBoxes, parts: Parts, now: number): Counts {
  const counts: Counts = { own: {}, site: {}, app: {}, country: {}, number: {} }
  const { address, shared, number } = parts
  if (address !== undefined) {
    const own = addressOf(boxes.own)
    count(own.uses, address.own, now, counts.own)
    own.meter = metered(own.meter, halfLives.address, now, 1, 0)
    own.countries = enter(
      membersOf(own.countries, address.countries.duration, now),
      address.country,
    )
    keepAddress(boxes.own, own, now)
    if (address.site.length > 0) {
      const site = addressOf(boxes.site)
      count(site.uses, address.site, now, counts.site)
      keepAddress(boxes.site, site, now)
    }
  }
  if (shared !== undefined) {
    const app = sharedOf(boxes.app)
    count(app.uses, shared.app, now, counts.app)
    keepShared(boxes.app, app, now, 0)
    const country = sharedOf(boxes.country)
    count(country.uses, shared.ofCountry, now, counts.country)
    if (!shared.decoy) {
      country.meter = metered(country.meter, halfLives.country, now, 1, 0)
    }
    keepShared(boxes.country, country, now, halfLives.country)
    const range = sharedOf(boxes.range)
    range.meter = metered(range.meter, halfLives.range, now, 1, 0)
    keepShared(boxes.range, range, now, halfLives.range)
  }
  if (number !== undefined) {
    const record = numberOf(boxes.number)
    const full = refusalOf(record.uses, number.limits, now) !== undefined
    count(record.uses, number.always, now, counts.number)
    count(record.uses, full ? number.own : number.limits, now, counts.number)
    keepNumber(boxes.number, record, now)
  }
  return counts
}

/** A request that leads to no message costs its address something, and nobody else. */
export function countWait(
  boxes: MessageBoxes,
  { address }: Pick<Parts, 'address'>,
  now: number,
): void {
  if (address !== undefined) countWaits(boxes, address.waits, now)
}

export function countWaits(boxes: MessageBoxes, waits: Limit, now: number): void {
  if (boxes.own === undefined) return
  const own = addressOf(boxes.own)
  count(own.uses, [waits], now, {})
  keepAddress(boxes.own, own, now)
}
