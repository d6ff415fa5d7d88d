import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { FlowRef } from './handle.js'
import { type Keys, tagBytes } from './keys.js'
import { randomBytes } from './random.js'

const nonceBytes = 12

/** Encrypts a value for one field of one flow. */
export function seal(keys: Keys, ref: FlowRef, field: string, value: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keys.seal, nonce)
  cipher.setAAD(boundTo(ref, field))
  const parts = [nonce, cipher.update(pack(value)), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(parts).toString('base64url')
}

/** `undefined` when the value was not sealed for this field of this flow. */
export function unseal(
  keys: Keys,
  ref: FlowRef,
  field: string,
  sealed: string,
): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length <= nonceBytes + tagBytes) return undefined
  const nonce = bytes.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', keys.seal, nonce, { authTagLength: tagBytes })
  decipher.setAAD(boundTo(ref, field)).setAuthTag(bytes.subarray(-tagBytes))
  try {
    const body = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
    return unpack(Buffer.concat([body, decipher.final()]))
  } catch {
    // The tag does not fit: another key, another flow or another field.
    return undefined
  }
}

function boundTo(ref: FlowRef, field: string): Buffer {
  return Buffer.from(`${ref.number}.${ref.flow}.${field}`)
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const digits = /^\+[1-9][0-9]{6,14}$/

/** tyntec's ids are UUIDs, which take 16 bytes instead of 36, and a number takes 7 instead of up to 16. */
function pack(value: string): Buffer {
  if (uuid.test(value)) {
    return Buffer.concat([Buffer.of(1), Buffer.from(value.replaceAll('-', ''), 'hex')])
  }
  if (digits.test(value)) {
    const packed = Buffer.alloc(8)
    packed.writeBigUInt64BE(BigInt(value.slice(1)))
    packed[0] = 2
    return packed
  }
  return Buffer.concat([Buffer.of(0), Buffer.from(value)])
}

function unpack(bytes: Buffer): string {
  const rest = bytes.subarray(1)
  switch (bytes[0]) {
    case 1:
      return rest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    case 2:
      // 15 digits are less than 2 to the 53rd, so the first byte was free to say what this is.
      return `+${rest.readUIntBE(0, 1) * 2 ** 48 + rest.readUIntBE(1, 6)}`
    default:
      return rest.toString()
  }
}
