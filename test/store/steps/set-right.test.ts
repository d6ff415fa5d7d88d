import { expect, test } from 'vitest'
import type { AddressFailures } from '../../../src/store/steps/address-failures.js'
import { setMessageRight, setTryRight, setWaitsRight } from '../../../src/store/steps/set-right.js'
import { inSeconds, limit, partsOf, type Records, take, used } from './boxes.js'

/** As a clock that was a day ahead has written it. */
const ahead = (n: number) => used(n, 86_400 + 600)

const right = (records: Records, cooldown?: number) =>
  take(
    (boxes, _args: undefined, at) => setMessageRight(boxes, partsOf(), cooldown, at),
    records,
    undefined,
  )

const address: AddressFailures = {
  failures: limit('failed', 20),
  number: 'number',
  numbers: { points: 10, duration: 600 },
}

test('windows that end too late end in their own time, with all they have counted', () => {
  const records: Records = {
    own: { uses: { sends: ahead(1), waits: ahead(2) } },
    site: { uses: { sends: ahead(1) } },
    app: { uses: { hour: ahead(7) } },
    country: { uses: { country: ahead(3) } },
    number: { uses: { sends: ahead(1), calls: ahead(1) } },
  }
  expect(right(records).after).toEqual({
    own: { uses: { sends: used(1), waits: used(2) } },
    site: { uses: { sends: used(1) } },
    app: { uses: { hour: used(7) } },
    country: { uses: { country: used(3) } },
    number: { uses: { sends: used(1), calls: used(1) } },
  })
})

test('what ends in time is not written at all', () => {
  const records: Records = {
    own: {
      uses: { sends: used(1), waits: used(2) },
      countries: { of: { US: 1 }, ends: inSeconds(60) },
    },
    site: { uses: { sends: used(1) } },
    app: { uses: { hour: used(7) } },
    country: { uses: { country: used(3) } },
    number: { uses: { sends: used(1) }, latest: { flow: 'flow', until: inSeconds(30) } },
  }
  expect(right(records, 30).kept).toEqual({})
})

test('the countries of an address, and the wait of a number, are set right as well', () => {
  const records: Records = {
    own: { uses: {}, countries: { of: { US: 1 }, ends: inSeconds(100_000) } },
    number: { uses: {}, latest: { flow: 'flow', until: inSeconds(5000) } },
  }
  const { after } = right(records, 30)
  expect(after.own?.countries?.ends).toBe(inSeconds(86_400))
  expect(after.number?.latest?.until).toBe(inSeconds(30))
  // A step that knows no cooldown leaves the wait alone.
  expect(right({ ...records, own: { uses: {} } }).kept).toEqual({})
})

test('the waits of an address are set right by themselves', () => {
  const { after } = take(
    (boxes, _args: undefined, at) => setWaitsRight(boxes.own, limit('waits', 3), at),
    { own: { uses: { waits: ahead(3), sends: ahead(1) } } },
    undefined,
  )
  expect(after.own?.uses).toEqual({ waits: used(3), sends: ahead(1) })
})

test('failures of an address, a number and a known browser are set right before a try', () => {
  const { after } = take(
    (boxes, _args: undefined, at) => setTryRight(boxes, address, limit('failed:browser', 5), at),
    {
      own: { uses: { failed: ahead(2) }, failed: { of: { number: 1 }, ends: inSeconds(9000) } },
      number: {
        uses: { 'failed:browser': ahead(1) },
        failures: { total: 5, last: inSeconds(9000), wait: inSeconds(9060) },
      },
    },
    undefined,
  )
  expect(after).toEqual({
    own: { uses: { failed: used(2) }, failed: { of: { number: 1 }, ends: inSeconds(600) } },
    number: {
      uses: { 'failed:browser': used(1) },
      failures: { total: 5, last: inSeconds(0), wait: inSeconds(60) },
    },
  })
})
