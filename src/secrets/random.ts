import { randomFillSync } from 'node:crypto'

/** A draw costs about the same for 16 bytes as for 1024: these are drawn for many values at once. */
const drawn = Buffer.alloc(1024)
let next = drawn.length

/** Random bytes that nobody else gets, from the generator of `node:crypto`: 1024 at the most. */
export function randomBytes(size: number): Buffer {
  if (size > drawn.length) throw new RangeError('So many are not drawn at once')
  if (drawn.length - next < size) {
    randomFillSync(drawn)
    next = 0
  }
  const bytes = Buffer.from(drawn.subarray(next, next + size)) // a copy
  drawn.fill(0, next, next + size)
  next += size
  return bytes
}
