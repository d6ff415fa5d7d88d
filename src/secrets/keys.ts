import { createHmac, hkdfSync } from 'node:crypto'

/** The keys of one secret: one for each purpose, by HKDF, so that no value is good for two. */
export interface Keys {
  /** Says which secret a value was made with. */
  id: Buffer
  number: Buffer
  address: Buffer
  range: Buffer
  handle: Buffer
  page: Buffer
  code: Buffer
  seal: Buffer
  device: Buffer
  browser: Buffer
  decoy: Buffer
  message: Buffer
}

export const idBytes = 4

/** Bytes of an HMAC that stands for something: 128 bits. */
export const tagBytes = 16

/**
 * @param name The flow's name: what one flow has made is nothing to another. Numbers and addresses
 * are the same to all of them, and so are their limits.
 */
export function deriveKeys(secret: string | Uint8Array, name: string): Keys {
  const derive = (purpose: string, length = 32) =>
    Buffer.from(hkdfSync('sha256', secret, '', `passport-tyntec-otp/v1/${purpose}`, length))
  return {
    id: derive('key-id', idBytes),
    number: derive('number'),
    address: derive('address'),
    range: derive('range'),
    device: derive('device'),
    browser: derive('browser'),
    handle: derive(`handle/${name}`),
    page: derive(`page/${name}`),
    code: derive(`code/${name}`),
    seal: derive(`seal/${name}`),
    decoy: derive(`decoy/${name}`),
    message: derive(`message/${name}`),
  }
}

export function tagOf(key: Buffer, value: string | Buffer): Buffer {
  return createHmac('sha256', key).update(value).digest().subarray(0, tagBytes)
}

/** The bytes of a value that we have written. */
export function decode(value: unknown, length: number): Buffer | undefined {
  if (typeof value !== 'string' || value.length !== Math.ceil((length * 4) / 3)) return undefined
  const bytes = Buffer.from(value, 'base64url')
  // Several spellings decode to the same bytes; only the one we write is ours.
  return bytes.length === length && bytes.toString('base64url') === value ? bytes : undefined
}
