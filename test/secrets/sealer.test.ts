import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer } from '../../src/secrets/sealer.js'

test('what is sealed is opened again, by each secret that was the first one', () => {
  const [old, rotated] = [
    createSealer(['a'.repeat(32)]),
    createSealer(['b'.repeat(32), 'a'.repeat(32)]),
  ]
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(rotated.unseal(old.seal(text))).toBe(text)
      expect(rotated.unseal(rotated.seal(text))).toBe(text)
      expect(old.unseal(rotated.seal(text))).toBeUndefined()
    }),
  )
})

test('nothing else is opened: no other text, and no sealed one with a bit that is another', () => {
  const sealer = createSealer(['a'.repeat(32)])
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(sealer.unseal(text)).toBeUndefined()
    }),
  )
  const sealed = Buffer.from(sealer.seal('+12015550100'), 'base64url')
  fc.assert(
    fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(sealer.unseal(changed.toString('base64url'))).toBeUndefined()
    }),
  )
})
