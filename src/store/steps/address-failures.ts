import type { AddressRecord, Box } from '../records.js'
import { addressOf } from './admission.js'
import { keepAddress } from './keep.js'
import {
  count,
  enter,
  type Limit,
  longer,
  membersOf,
  type Refusal,
  refusalOf,
  sizeOf,
  uncount,
} from './limits.js'

/** What an address may fail. */
export interface AddressFailures {
  failures: Limit
  /** The number that is tried, as the address remembers it. */
  number: string
  numbers: { points: number; duration: number }
  /** The same, of the secrets that rotate out. */
  older?: readonly AddressRecord[] | undefined
}

/** This address has failed too often, or with too many numbers. */
export type AddressRefusal = { status: 'address' } & Refusal

export function refusalOfAddress(
  box: Box<AddressRecord> | undefined,
  address: AddressFailures | undefined,
  now: number,
): AddressRefusal | undefined {
  if (address === undefined) return undefined
  const own = refusalOfRecord(addressOf(box), address, now)
  if (own !== undefined) return own
  for (const older of address.older ?? []) {
    const refused = refusalOfRecord(older, address, now)
    if (refused !== undefined) return refused
  }
  return undefined
}

/** As with its number, each try counts as a failure until it is known to be none. */
export function chargeAddress(
  box: Box<AddressRecord> | undefined,
  address: AddressFailures | undefined,
  now: number,
): void {
  if (box === undefined || address === undefined) return
  const own = addressOf(box)
  count(own.uses, [address.failures], now, {})
  keepAddress(box, own, now)
}

function refusalOfRecord(
  record: AddressRecord,
  { failures, number, numbers }: AddressFailures,
  now: number,
): AddressRefusal | undefined {
  let refused = refusalOf(record.uses, [failures], now)
  const failed = membersOf(record.failed, numbers.duration, now)
  const size = sizeOf(failed)
  if (size >= numbers.points && failed.of[number] === undefined) {
    const wait = failed.ends - now
    refused = longer(refused, { limit: 'failed_numbers', used: size + 1, wait })
  }
  if (refused === undefined) return undefined
  return { status: 'address', limit: refused.limit, used: refused.used, wait: refused.wait }
}

/** A wrong code. Where another address was charged for the try, this one is now. */
export function failAddress(
  box: Box<AddressRecord> | undefined,
  address: AddressFailures | undefined,
  taken: true | undefined,
  now: number,
): void {
  if (box === undefined || address === undefined) return
  const own = addressOf(box)
  if (taken === true) count(own.uses, [address.failures], now, {})
  own.failed = enter(membersOf(own.failed, address.numbers.duration, now), address.number)
  keepAddress(box, own, now)
}

/** It was no failure. What another address was charged with is not this one's to get back. */
export function refundAddress(
  box: Box<AddressRecord> | undefined,
  address: AddressFailures | undefined,
  taken: true | undefined,
  now: number,
): void {
  if (address === undefined || box === undefined || taken === true) return
  const own = addressOf(box)
  uncount(own.uses, [address.failures], now)
  keepAddress(box, own, now)
}
