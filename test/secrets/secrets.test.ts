import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSecrets, type FlowRef, type Secrets } from '../../src/secrets/secrets.js'

const one = 'a secret of the app that is long enough'
const two = 'another secret that is also long enough'
const number = '+12015550100'

function newFlow(secrets: Secrets): { handle: string; ref: FlowRef } {
  return secrets.createHandle(secrets.numberTags(number)[0], undefined)
}

describe('a handle', () => {
  test('is new each time, and names its flow without holding that name', () => {
    const secrets = createSecrets([one])
    const flows = Array.from({ length: 100 }, () => newFlow(secrets))
    expect(new Set(flows.map(({ handle }) => handle)).size).toBe(100)
    expect(new Set(flows.map(({ ref }) => ref.flow)).size).toBe(100)
    for (const { handle, ref } of flows) {
      expect(handle).toMatch(/^[\w-]{112}$/)
      expect(ref).toEqual({
        number: secrets.numberTags(number)[0],
        browserTag: undefined,
        flow: expect.stringMatching(/^[\w-]{16}$/),
        flowId: expect.stringMatching(/^[\w-]{16}$/),
        keyId: expect.stringMatching(/^[\w-]{6}$/),
      })
      expect(handle).not.toContain(ref.flow)
      expect(handle).not.toContain(ref.flowId)
      expect(ref.flow).not.toBe(ref.flowId)
      expect(secrets.parseHandle(handle)).toEqual(ref)
    }
  })

  test('changed in any bit names another flow, or none', () => {
    const secrets = createSecrets([one])
    const { handle, ref } = newFlow(secrets)
    const bytes = Buffer.from(handle, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(secrets.parseHandle(copy.toString('base64url'))?.flow).not.toBe(ref.flow)
    }
  })

  test('has one spelling', () => {
    const secrets = createSecrets([one])
    const { handle } = newFlow(secrets)
    const spellings = [
      `${handle}=`,
      `${handle}==`,
      ` ${handle}`,
      `${handle}\n`,
      handle.replaceAll('-', '+').replaceAll('_', '/'),
      `${handle.slice(0, -1)}${String.fromCharCode(handle.charCodeAt(90) + 1)}`,
      handle.slice(0, -1),
    ].filter((spelling) => spelling !== handle)
    for (const spelling of spellings) expect(secrets.parseHandle(spelling)).toBeUndefined()
  })

  // proves: KEY-3
  test('of no shape makes anything fail', () => {
    const secrets = createSecrets([one])
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ maxLength: 100 })), (input) => {
        expect(secrets.parseHandle(input)).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })

  test('is read with an older secret, and with no foreign one', () => {
    const { handle, ref } = newFlow(createSecrets([one]))
    expect(createSecrets([two, one]).parseHandle(handle)).toEqual(ref)
    expect(createSecrets([two]).parseHandle(handle)).toBeUndefined()
    expect(newFlow(createSecrets([two, one])).ref.keyId).not.toBe(ref.keyId)
  })
})

describe('a tag', () => {
  // proves: RED-4
  test('stands for one number or address under one secret', () => {
    const secrets = createSecrets([one])
    const tags = [
      secrets.numberTags(number),
      secrets.numberTags('+12015550101'),
      secrets.addressTags(number),
      createSecrets([two]).numberTags(number),
      createSecrets([Buffer.from(one).subarray(0, -1)]).numberTags(number),
    ].flat()
    expect(new Set(tags).size).toBe(5)
    for (const tag of tags) expect(tag).toMatch(/^[\w-]{22}$/)
    expect(createSecrets([Buffer.from(one)]).numberTags(number)).toEqual([tags[0]])
  })

  // proves: RED-4
  test('is an HMAC of 128 bits under a key of the secret, each of which says something', () => {
    const [secrets, others] = [createSecrets([one]), createSecrets([two])]
    const kinds = [
      (from: Secrets, index: number) => from.numberTags(`+1201555${1000 + index}`)[0],
      (from: Secrets, index: number) => from.addressTags(`192.0.2.${index}`)[0],
      // A range is a thousand numbers.
      (from: Secrets, index: number) => from.rangeTags(`+1201${1000 + index}000`)[0],
    ]
    const seen = new Set<string>()
    for (const tagOf of kinds) {
      const bits = { ones: Buffer.alloc(16), zeros: Buffer.alloc(16) }
      for (let index = 0; index < 200; index++) {
        const tag = tagOf(secrets, index)
        expect(tagOf(others, index)).not.toBe(tag)
        seen.add(tag).add(tagOf(others, index))
        for (const [at, byte] of Buffer.from(tag, 'base64url').entries()) {
          bits.ones[at] = (bits.ones[at] ?? 0) | byte
          bits.zeros[at] = (bits.zeros[at] ?? 0) | (byte ^ 255)
        }
      }
      // None is always the same: by chance that would be one in 2 to the 192nd.
      expect(bits).toEqual({ ones: Buffer.alloc(16, 255), zeros: Buffer.alloc(16, 255) })
    }
    expect(seen.size).toBe(kinds.length * 200 * 2)
    // Nor are they what anybody can compute without the secret, as under a key of zeros.
    for (const value of ['192.0.2.1', number]) {
      for (const length of [0, 32, 64]) {
        const guess = createHmac('sha256', Buffer.alloc(length)).update(value).digest()
        const tag = guess.subarray(0, 16).toString('base64url')
        expect([secrets.addressTags(value)[0], secrets.numberTags(value)[0]]).not.toContain(tag)
      }
    }
  })

  test('of an older secret follows that of the first', () => {
    const both = createSecrets([two, one])
    expect(both.numberTags(number)).toEqual([
      ...createSecrets([two]).numberTags(number),
      ...createSecrets([one]).numberTags(number),
    ])
    expect(both.addressTags('192.0.2.1')).toHaveLength(2)
  })

  // proves: KEY-2
  test('of a code is that of one flow', () => {
    const secrets = createSecrets([one])
    const { ref } = newFlow(secrets)
    const hash = secrets.codeHash(ref, '424242')
    expect(hash).toMatch(/^[\w-]{22}$/)
    expect(secrets.codeHash(ref, '424242')).toBe(hash)
    expect(secrets.codeHash(ref, '424243')).not.toBe(hash)
    expect(secrets.codeHash(newFlow(secrets).ref, '424242')).not.toBe(hash)
    // A deploy that rotates the secret meets checks that are running.
    expect(createSecrets([two, one]).codeHash(ref, '424242')).toBe(hash)
  })

  // proves: KEY-3
  test('of a code has nothing of how near another code is', () => {
    const secrets = createSecrets([one])
    const { ref } = newFlow(secrets)
    const hash = secrets.codeHash(ref, '424242')
    const shared = (other: string) => [...other].findIndex((letter, at) => letter !== hash[at])
    const others = Array.from({ length: 2000 }, (_, index) => String(423_242 + index))
    const prefixes = others
      .filter((code) => code !== '424242')
      .map((code) => shared(secrets.codeHash(ref, code)))
    // Where two of them differ first is chance: how long a comparison takes says nothing.
    expect(Math.max(...prefixes)).toBeLessThan(6)
    expect(prefixes.filter((length) => length === 0).length).toBeGreaterThan(1900)
  })
})

describe('a sealed value', () => {
  // proves: RED-4, KEY-2
  test('opens for its own field of its own flow', () => {
    const secrets = createSecrets([one])
    const { ref } = newFlow(secrets)
    const sealed = secrets.seal(ref, 'number', number)
    expect(secrets.unseal(ref, 'number', sealed)).toBe(number)
    expect(createSecrets([two, one]).unseal(ref, 'number', sealed)).toBe(number)
    expect(secrets.seal(ref, 'number', number)).not.toBe(sealed)
    expect(sealed).not.toContain('2015550100')
    expect(secrets.unseal(ref, 'otp', sealed)).toBeUndefined()
    expect(secrets.unseal(newFlow(secrets).ref, 'number', sealed)).toBeUndefined()
    expect(createSecrets([two]).unseal(ref, 'number', sealed)).toBeUndefined()
  })

  test('that was changed, cut or made up opens nothing', () => {
    const secrets = createSecrets([one])
    const { ref } = newFlow(secrets)
    const sealed = secrets.seal(ref, 'number', number)
    const bytes = Buffer.from(sealed, 'base64url')
    for (let index = 0; index < bytes.length; index++) {
      const copy = Buffer.from(bytes)
      copy[index] = (copy[index] ?? 0) ^ 1
      expect(secrets.unseal(ref, 'number', copy.toString('base64url'))).toBeUndefined()
      const cut = bytes.subarray(0, index).toString('base64url')
      expect(secrets.unseal(ref, 'number', cut)).toBeUndefined()
    }
    for (const text of ['', '.', '\u0000', randomBytes(50).toString('base64url')]) {
      expect(secrets.unseal(ref, 'number', text)).toBeUndefined()
    }
  })

  test('keeps every text', () => {
    const secrets = createSecrets([one])
    const { ref } = newFlow(secrets)
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.uuid()), (text) => {
        expect(secrets.unseal(ref, 'otp', secrets.seal(ref, 'otp', text))).toBe(text)
      }),
    )
  })
})

describe('the mark of a known browser', () => {
  // proves: LOCK-3, KEY-2
  test('gives one tag of its own, for its own number', () => {
    const secrets = createSecrets([one])
    const device = secrets.createDevice(number)
    const browserTag = secrets.browserTagOf(device, number)
    expect(browserTag).toMatch(/^[\w-]{22}$/)
    expect(secrets.browserTagOf(device, number)).toBe(browserTag)
    expect(createSecrets([two, one]).browserTagOf(device, number)).toBe(browserTag)
    expect(secrets.browserTagOf(secrets.createDevice(number), number)).not.toBe(browserTag)
    expect(secrets.browserTagOf(device, '+12015550101')).toBeUndefined()
    expect(createSecrets([two]).browserTagOf(device, number)).toBeUndefined()
    expect(secrets.parseHandle(device)).toBeUndefined()
    expect(device).not.toContain(browserTag)
  })

  // proves: LOCK-3, KEY-3
  test('that was changed or made up gives none', () => {
    const secrets = createSecrets([one])
    const bytes = Buffer.from(secrets.createDevice(number), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(secrets.browserTagOf(copy.toString('base64url'), number)).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.anything(), (device) => {
        expect(secrets.browserTagOf(device, number)).toBeUndefined()
      }),
    )
  })

  test('is bound to the flow by the handle', () => {
    const secrets = createSecrets([one])
    const [tag] = secrets.numberTags(number)
    const browserTag = secrets.browserTagOf(secrets.createDevice(number), number)
    const { handle } = secrets.createHandle(tag, browserTag)
    expect(secrets.parseHandle(handle)).toMatchObject({ number: tag, browserTag })
    const bytes = Buffer.from(handle, 'base64url')
    bytes.fill(0, bytes.length - 32, bytes.length - 16)
    expect(secrets.parseHandle(bytes.toString('base64url'))).toBeUndefined()
  })
})

describe('what marks a decoy', () => {
  const uuid = 'fffb5a70-5d6c-4f0e-9a3b-6f1c2d3e4f50'

  test('looks like what is none, to all who have not the secret', () => {
    const secrets = createSecrets([one])
    const id = secrets.createDecoyId(uuid)
    expect(id).toMatch(/^fffb5a70-5d6c-4f0e-[0-9a-f]{4}-[0-9a-f]{12}$/)
    expect(secrets.isDecoyId(id)).toBe(true)
    expect(secrets.isDecoyId(uuid)).toBe(false)
    expect(createSecrets([two]).isDecoyId(id)).toBe(false)
    const [known, decoy] = [secrets.createReference(true), secrets.createReference(false)]
    for (const reference of [known, decoy]) expect(reference).toMatch(/^[\w-]{22}$/)
    expect(secrets.isDecoyReference(decoy)).toBe(true)
    expect(secrets.isDecoyReference(known)).toBe(false)
    expect(createSecrets([two]).isDecoyReference(decoy)).toBe(false)
    expect(secrets.createReference(false)).not.toBe(decoy)
    // As long in the store, where ids are packed.
    const { ref } = newFlow(secrets)
    expect(secrets.seal(ref, 'otp', id)).toHaveLength(secrets.seal(ref, 'otp', uuid).length)
  })

  test('is read with the secret that rotates out', () => {
    const [old, both] = [createSecrets([one]), createSecrets([two, one])]
    expect(both.isDecoyId(old.createDecoyId(uuid))).toBe(true)
    expect(both.isDecoyReference(old.createReference(false))).toBe(true)
  })

  test('is in nothing that was changed or made up', () => {
    const secrets = createSecrets([one])
    const id = secrets.createDecoyId(uuid)
    for (const [index, sign] of [...id].entries()) {
      if (sign === '-') continue
      const other = sign === '0' ? '1' : '0'
      expect(secrets.isDecoyId(id.slice(0, index) + other + id.slice(index + 1))).toBe(false)
    }
    fc.assert(
      fc.property(fc.string(), (made) => {
        expect(secrets.isDecoyId(made)).toBe(false)
        expect(secrets.isDecoyReference(made)).toBe(false)
      }),
    )
    expect(secrets.isDecoyReference(undefined)).toBe(false)
  })
})
