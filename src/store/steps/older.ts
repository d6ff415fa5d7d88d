import type { Box, Failures, Members, Meter, NumberRecord, Windows } from '../records.js'
import { addressOf, type MessageBoxes, numberOf, type Older, sharedOf } from './admission.js'
import { faded, halfLives } from './limits.js'

/**
 * While a secret rotates out, what was counted under it goes on counting: of the records that stand for one
 * thing each step takes the larger part, so that taking over twice changes nothing.
 */
export function takeOver(
  boxes: MessageBoxes,
  older: readonly Older[] | undefined,
  now: number,
): void {
  for (const each of older ?? []) takeEach(boxes, each, now)
}

function takeEach(boxes: MessageBoxes, older: Older, now: number): void {
  const { tag, own, site, number, range } = older
  if (own !== undefined && boxes.own !== undefined) {
    const record = addressOf(boxes.own)
    takeUses(record.uses, own.uses, now)
    record.meter = largerMeter(record.meter, own.meter, halfLives.address, now)
    record.countries = union(record.countries, own.countries, now)
    record.failed = union(record.failed, own.failed, now)
    boxes.own.value = record
  }
  if (site !== undefined && boxes.site !== undefined) {
    const record = addressOf(boxes.site)
    takeUses(record.uses, site.uses, now)
    boxes.site.value = record
  }
  if (range !== undefined && boxes.range !== undefined) {
    const record = sharedOf(boxes.range)
    record.meter = largerMeter(record.meter, range.meter, halfLives.range, now)
    boxes.range.value = record
  }
  if (number !== undefined) takeNumber(boxes.number, tag, number, now)
}

function takeNumber(
  box: Box<NumberRecord> | undefined,
  tag: string,
  older: NumberRecord,
  now: number,
): void {
  if (box === undefined) return
  const record = numberOf(box)
  takeUses(record.uses, older.uses, now)
  const { latest, failures } = older
  if (latest !== undefined && latest.until > (record.latest?.until ?? now)) record.latest = latest
  if (failures !== undefined && failures.total > 0) {
    record.failures = carry(record.failures, tag, failures, now)
  }
  box.value = record
}

function takeUses(uses: Windows, older: Windows, now: number): void {
  for (const name in older) {
    const window = older[name]
    if (window !== undefined && window.ends > now && window.n > (uses[name]?.n ?? 0)) {
      uses[name] = { n: window.n, ends: window.ends }
    }
  }
}

/** The one with more messages that nobody has signed in with. */
function largerMeter(
  meter: Meter | undefined,
  older: Meter | undefined,
  halfLife: number,
  now: number,
): Meter | undefined {
  if (meter === undefined || older === undefined) return meter ?? older
  const own = faded(meter, halfLife, now)
  const other = faded(older, halfLife, now)
  return other.sent - other.verified > own.sent - own.verified ? older : meter
}

/** All that one of the two has. */
function union(
  members: Members | undefined,
  older: Members | undefined,
  now: number,
): Members | undefined {
  if (older === undefined || older.ends <= now) return members
  if (members === undefined || members.ends <= now) return older
  for (const name in older.of) {
    members.of[name] = Math.max(members.of[name] ?? 0, older.of[name] ?? 0)
  }
  return members
}

/** Of one origin only those failures are added that are new. */
function carry(
  failures: Failures | undefined,
  origin: string,
  older: Failures,
  now: number,
): Failures {
  const next: Failures = failures ?? { total: 0, last: older.last }
  const carried = next.carried ?? {}
  next.total = next.total + Math.max(older.total - (carried[origin] ?? 0), 0)
  carried[origin] = older.total
  next.carried = carried
  // Without a wait those that the number has go on ageing.
  if ((older.wait ?? 0) > now) next.wait = Math.max(next.wait ?? 0, older.wait ?? 0)
  return next
}
