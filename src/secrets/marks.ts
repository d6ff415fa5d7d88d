import { timingSafeEqual } from 'node:crypto'
import { decode, idBytes, type Keys, tagBytes, tagOf } from './keys.js'
import { randomBytes } from './random.js'

const nonceBytes = 16
const deviceBytes = idBytes + nonceBytes + tagBytes
/** A decoy's reference is as many random bytes, and as many of an HMAC. */
const markBytes = 8

/** What a browser that has signed in with a number keeps. It proves that, and opens nothing. */
export function createDevice(keys: Keys, number: string): string {
  const nonce = randomBytes(nonceBytes)
  return Buffer.concat([keys.id, nonce, deviceMac(keys, number, nonce)]).toString('base64url')
}

/** What stands for such a browser, if what it shows was made for this number. */
export function browserTagOf(
  all: readonly Keys[],
  device: unknown,
  number: string,
): string | undefined {
  const bytes = decode(device, deviceBytes)
  if (!bytes) return undefined
  const keys = all.find(({ id }) => id.equals(bytes.subarray(0, idBytes)))
  if (!keys) return undefined
  const nonce = bytes.subarray(idBytes, idBytes + nonceBytes)
  const given = bytes.subarray(idBytes + nonceBytes)
  if (!timingSafeEqual(deviceMac(keys, number, nonce), given)) return undefined
  return tagOf(keys.browser, nonce).toString('base64url')
}

function deviceMac(keys: Keys, number: string, nonce: Buffer): Buffer {
  return tagOf(keys.device, Buffer.concat([nonce, Buffer.from(number)]))
}

/** What a send is found by afterwards. That of a decoy can be told, with the secret. */
export function createReference(keys: Keys, known: boolean): string {
  if (known) return randomBytes(2 * markBytes).toString('base64url')
  const random = randomBytes(markBytes)
  return Buffer.concat([random, markOf(keys, random)]).toString('base64url')
}

export function isDecoyReference(all: readonly Keys[], reference: string | undefined): boolean {
  const bytes = decode(reference, 2 * markBytes)
  if (!bytes) return false
  const random = bytes.subarray(0, markBytes)
  const mark = bytes.subarray(markBytes)
  return all.some((keys) => timingSafeEqual(markOf(keys, random), mark))
}

function markOf(keys: Keys, random: Buffer): Buffer {
  return tagOf(keys.decoy, random).subarray(0, markBytes)
}

/** Marks an id in the form of tyntec's: the first half of a UUID, and in place of the second an HMAC of it. */
export function createDecoyId(keys: Keys, uuid: string): string {
  const random = uuid.slice(0, 18).toLowerCase()
  const mark = tagOf(keys.decoy, random).toString('hex')
  return `${random}-${mark.slice(0, 4)}-${mark.slice(4, 16)}`
}

export function isDecoyId(all: readonly Keys[], otpId: string): boolean {
  const given = Buffer.from(otpId.toLowerCase())
  return all.some((keys) => {
    const expected = Buffer.from(createDecoyId(keys, otpId))
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}
