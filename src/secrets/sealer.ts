import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { randomBytes } from './random.js'

/** For what a browser keeps for us, and nobody is to read or to make up on its way. */
export interface Sealer {
  seal(text: string): string
  /** `undefined` for what was not sealed here. */
  unseal(sealed: string): string | undefined
}

const algorithm = 'aes-256-gcm'
const sizes = { key: 32, nonce: 12, tag: 16 }

/** The first secret seals, all of them open. */
export function createSealer(secrets: readonly (string | Uint8Array)[]): Sealer {
  const keys = secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', secret, '', 'tyntec-otp kept', sizes.key)),
  )
  return {
    seal(text) {
      const [key = Buffer.alloc(0)] = keys
      const nonce = randomBytes(sizes.nonce)
      const cipher = createCipheriv(algorithm, key, nonce)
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    unseal(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const head = sizes.nonce + sizes.tag
      if (bytes.length < head) return undefined
      for (const key of keys) {
        const cipher = createDecipheriv(algorithm, key, bytes.subarray(0, sizes.nonce))
        cipher.setAuthTag(bytes.subarray(sizes.nonce, head))
        try {
          return Buffer.concat([cipher.update(bytes.subarray(head)), cipher.final()]).toString()
        } catch {
          // Sealed with another secret, or by somebody else.
        }
      }
      return undefined
    },
  }
}
