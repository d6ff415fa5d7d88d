import { badAnswer } from './failures.js'

export interface Elements {
  /** Takes the next bytes. Gives false once the reader has had enough. */
  write(bytes: Uint8Array): boolean
  /** @throws {OtpError} when the list is not complete */
  end(): void
}

/** Bytes of UTF-8 that mean something to JSON are ASCII, and are never a part of another character. */
const quote = 0x22
const comma = 0x2c
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/**
 * Splits the text of a JSON array into the texts of its elements, so that an array of any length is
 * read in the memory of one. What an element holds is for `JSON.parse` to judge.
 *
 * @param read takes one element's text; false stops
 * @param maxElement bytes of one element
 */
export function splitElements(read: (text: string) => boolean, maxElement: number): Elements {
  let state: 'before' | 'inside' | 'after' | 'stopped' = 'before'
  let depth = 0
  let inString = false
  let escaped = false
  let count = 0
  /** The bytes of the element that is being read, spaces around it included. */
  let pieces: Uint8Array[] = []
  let size = 0

  const keep = (piece: Uint8Array) => {
    size += piece.length
    if (size > maxElement) throw badAnswer('an element of its list is too long')
    if (piece.length > 0) pieces.push(piece)
  }
  const finish = (last: boolean): boolean => {
    const text = Buffer.concat(pieces).toString()
    pieces = []
    size = 0
    if (last && count === 0 && text.trim() === '') return true
    count += 1
    return read(text)
  }

  return {
    write(bytes) {
      let start = 0
      for (let at = 0; at < bytes.length && state !== 'stopped'; at += 1) {
        const byte = bytes[at]
        if (state === 'inside' && inString) {
          if (escaped) escaped = false
          else if (byte === backslash) escaped = true
          else if (byte === quote) inString = false
        } else if (state !== 'inside') {
          if (isSpace(byte)) continue
          if (state === 'after' || byte !== openList) throw badAnswer('it is not a list')
          state = 'inside'
          start = at + 1
        } else if (byte === quote) {
          inString = true
        } else if (byte === openList || byte === openObject) {
          depth += 1
        } else if (depth > 0 && (byte === closeList || byte === closeObject)) {
          depth -= 1
        } else if (depth === 0 && (byte === comma || byte === closeList)) {
          keep(bytes.subarray(start, at))
          start = at + 1
          const last = byte === closeList
          if (last) state = 'after'
          if (!finish(last)) state = 'stopped'
        }
      }
      if (state === 'inside') keep(bytes.subarray(start))
      return state !== 'stopped'
    },
    end() {
      if (state === 'before' || state === 'inside') throw badAnswer('its list is not complete')
    },
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
