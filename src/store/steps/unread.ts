import type { AddressRecord, Box, SharedRecord } from '../records.js'

/** What is counted beside a flow and its number. */
export interface CountBoxes {
  own?: Box<AddressRecord> | undefined
  app?: Box<SharedRecord> | undefined
  country?: Box<SharedRecord> | undefined
  range?: Box<SharedRecord> | undefined
}

/** Takes out the records that can't be read, for a step that goes on without them. Whether there were any. */
export function passOver(boxes: CountBoxes): boolean {
  const { own, app, country, range } = boxes
  let unread = false
  if (own !== undefined && own.unreadable === true) {
    boxes.own = undefined
    unread = true
  }
  if (app !== undefined && app.unreadable === true) {
    boxes.app = undefined
    unread = true
  }
  if (country !== undefined && country.unreadable === true) {
    boxes.country = undefined
    unread = true
  }
  if (range !== undefined && range.unreadable === true) {
    boxes.range = undefined
    unread = true
  }
  return unread
}
