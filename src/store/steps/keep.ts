import type { AddressRecord, Box, NumberRecord, SharedRecord } from '../records.js'
import { halfLives, keepUntil, meterKept, prune } from './limits.js'

/** Writes an address for as long as anything of it matters. */
export function keepAddress(
  box: Box<AddressRecord> | undefined,
  record: AddressRecord,
  now: number,
): void {
  if (box === undefined) return
  let ends = prune(record.uses, now)
  const { meter, countries, failed } = record
  if (meter !== undefined) ends = Math.max(ends, meter.at + halfLives.address * meterKept * 1000)
  if (countries !== undefined) ends = Math.max(ends, countries.ends)
  if (failed !== undefined) ends = Math.max(ends, failed.ends)
  keepUntil(box, record, ends, now)
}

export function keepShared(
  box: Box<SharedRecord> | undefined,
  record: SharedRecord,
  now: number,
  halfLife: number,
): void {
  if (box === undefined) return
  const { meter } = record
  const ends = prune(record.uses, now)
  const faded = meter === undefined ? 0 : meter.at + halfLife * meterKept * 1000
  keepUntil(box, record, Math.max(ends, faded), now)
}

/** Milliseconds for which failures of a number are kept: a year. */
const failuresKept = 365 * 86_400_000

export function keepNumber(
  box: Box<NumberRecord> | undefined,
  record: NumberRecord,
  now: number,
): void {
  if (box === undefined) return
  let ends = prune(record.uses, now)
  const { latest, failures } = record
  if (latest !== undefined && latest.until <= now) record.latest = undefined
  else if (latest !== undefined) ends = Math.max(ends, latest.until)
  if (failures !== undefined) ends = Math.max(ends, failures.last + failuresKept)
  ends = Math.max(ends, pruneFlows(record, now))
  keepUntil(box, record, ends, now)
}

/** Drops the flows that are over, and says when the last one ends. */
function pruneFlows(record: NumberRecord, now: number): number {
  const { flows } = record
  if (flows === undefined) return 0
  let last = 0
  for (const name in flows) {
    const ends = flows[name]
    if (ends !== undefined && ends <= now) flows[name] = undefined
    else if (ends !== undefined) last = Math.max(last, ends)
  }
  if (last === 0) record.flows = undefined
  return last
}
