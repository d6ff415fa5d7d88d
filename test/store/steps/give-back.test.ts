import { expect, test } from 'vitest'
import { countMessage } from '../../../src/store/steps/admission.js'
import { type GiveBack, giveBack } from '../../../src/store/steps/give-back.js'
import { inSeconds, now, partsOf, type Records, take, used } from './boxes.js'

const parts = partsOf()
const { address, shared, number } = parts
const whole: GiveBack = {
  address,
  shared,
  number: [...(number?.limits ?? []), ...(number?.always ?? [])],
}

const counted = (records: Records) =>
  take((boxes, _args: undefined, time) => countMessage(boxes, parts, time), records, undefined)
    .after
const given = (records: Records, back: GiveBack) => take(giveBack, records, back).after

/** What counts: a meter's time, and an empty list of windows, say nothing. */
function weightOf(records: Records) {
  const { own, site, app, country, range } = records
  const uses = [own, site, app, country, range, records.number].map((each) => each?.uses ?? {})
  const meters = [own, country, range].map((each) => each?.meter?.sent ?? 0)
  return { uses, meters, countries: own?.countries?.of ?? {} }
}

test('a message that tyntec was not asked for has counted nothing in the end', () => {
  const after = given(counted({}), whole)
  expect(weightOf(after)).toEqual(weightOf({}))
  // Nothing is left to be kept.
  expect(after).toEqual({})
})

test('what others have counted stays', () => {
  const meter = { sent: 5, verified: 1, at: now }
  const before: Records = {
    own: { uses: { sends: used(1) }, meter, countries: { of: { US: 2 }, ends: inSeconds(60) } },
    site: { uses: { sends: used(1) } },
    app: { uses: { hour: used(1) } },
    country: { uses: { country: used(1) }, meter },
    range: { uses: {}, meter },
    number: { uses: { sends: used(1) } },
  }
  expect(weightOf(given(counted(before), whole))).toEqual(weightOf(before))
})

test('a message that tyntec refused stays with its address and its range', () => {
  const after = given(counted({}), { shared, number: whole.number })
  expect(after.own).toMatchObject({ uses: { sends: used(1) }, meter: { sent: 1 } })
  expect(after.range?.meter?.sent).toBe(1)
  expect([after.app, after.country, after.number]).toEqual([undefined, undefined, undefined])
})

test('a request that a wait has ended counts as one that asked inside a wait', () => {
  const after = given(counted({}), { address, waited: true })
  expect(after.own).toEqual({ uses: { waits: used(1) } })
})

test('a window that has ended meanwhile is not counted below nothing', () => {
  const before: Records = { app: { uses: { hour: used(1, -1) } }, number: { uses: {} } }
  expect(given(before, { shared, number: whole.number })).toEqual({})
})
