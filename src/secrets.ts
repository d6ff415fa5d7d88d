import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/**
 * Where a flow lives in the store. `number` is the HMAC of the number and the hash tag of every key
 * of that number, so that one script can touch a flow together with its number's failures.
 */
export interface FlowRef {
  readonly number: string
  readonly flow: string
  /** For events and the app: tells flows apart, opens nothing. */
  readonly flowId: string
  /** Which secret the handle was made with. */
  readonly keyId: string
  /** The lane of a browser that has signed in with this number before. */
  readonly lane: string | undefined
}

export interface Secrets {
  /** The HMACs that stand for a number in keys: of the first secret, then of those that rotate out. */
  numberTags(number: string): readonly [string, ...string[]]
  /** The same for an address. */
  addressTags(address: string): readonly [string, ...string[]]
  /** The same for the thousand numbers next to a number. */
  rangeTags(number: string): readonly [string, ...string[]]
  /** What a browser gets with the page, before there is a flow. It opens nothing. */
  createBlank(): string
  createHandle(numberTag: string, lane: string | undefined): string
  /**
   * The handle of a browser that has a blank: the same for each click, so that the second finds the
   * flow of the first. Nothing when it is no blank.
   */
  fillBlank(
    blank: unknown,
    numberTag: string,
    lane: string | undefined,
    /** What else two clicks of one browser have in common. */
    same?: string,
  ): string | undefined
  /** What a browser that has signed in with a number keeps. It proves that, and opens nothing. */
  createDevice(number: string): string
  /** The lane of such a browser, if what it shows was made for this number. */
  laneOf(device: unknown, number: string): string | undefined
  /** `undefined` for anything that no secret of ours can have made. */
  parseHandle(handle: unknown): FlowRef | undefined
  /** What a send is found by afterwards. That of a decoy can be told, with the secret. */
  createReference(known: boolean): string
  isDecoyReference(reference: string | undefined): boolean
  /** Marks an id in the form of tyntec's as one of ours that tyntec does not know. */
  createDecoyId(uuid: string): string
  isDecoyId(otpId: string): boolean
  /** The HMAC that stands for a code while its check is running. */
  codeHash(ref: FlowRef, code: string): string
  /** Encrypts a value for one field of one flow. */
  seal(ref: FlowRef, field: string, value: string): string
  /** `undefined` when the value was not sealed for this field of this flow. */
  unseal(ref: FlowRef, field: string, sealed: string): string | undefined
}

interface Keys {
  id: string
  number: Buffer
  address: Buffer
  range: Buffer
  flow: Buffer
  flowId: Buffer
  code: Buffer
  seal: Buffer
  device: Buffer
  lane: Buffer
  decoy: Buffer
  handle: Buffer
}

const tagBytes = 16
const randomPartBytes = 32
const idBytes = 4
const handleBytes = idBytes + randomPartBytes + tagBytes + tagBytes
const nonceBytes = 16
/** A decoy's reference is as many random bytes, and as many of an HMAC. */
const markBytes = 8
const deviceBytes = idBytes + nonceBytes + tagBytes
/** In a handle's place for a lane: the browser is not known. In that for a number: there is no flow. */
const noTag = Buffer.alloc(tagBytes)

/** One secret, a key per purpose by HKDF. The first secret makes new values; all of them read old ones. */
export function createSecrets(secrets: readonly (string | Uint8Array)[]): Secrets {
  const all = secrets.map(deriveKeys)
  const byId = new Map(all.map((keys) => [keys.id, keys]))
  const [current] = all
  if (!current) throw new RangeError('at least one secret is needed')
  const keysOf = (ref: FlowRef) => byId.get(ref.keyId) ?? current
  const previous = all.slice(1)
  const tagsOf = (tag: (keys: Keys) => string): readonly [string, ...string[]] => [
    tag(current),
    ...previous.map(tag),
  ]

  return {
    numberTags: (number) => tagsOf((keys) => mac(keys.number, number)),
    addressTags: (address) => tagsOf((keys) => mac(keys.address, address)),
    rangeTags: (number) => tagsOf((keys) => mac(keys.range, number.slice(0, -3))),

    createBlank: () => join(current, randomBytes(randomPartBytes), noTag, noTag),

    createHandle: (numberTag, lane) =>
      join(current, randomBytes(randomPartBytes), tagsOfHandle(numberTag, lane)),

    fillBlank(blank, numberTag, lane, same = '') {
      const seed = decode(blank, handleBytes)
      if (!seed || !isBlank(seed)) return undefined
      const tags = tagsOfHandle(numberTag, lane)
      const filled = createHmac('sha256', current.handle).update(seed).update(tags).update(same)
      return join(current, filled.digest(), tags)
    },

    createDevice(number) {
      const nonce = randomBytes(nonceBytes)
      return Buffer.concat([
        Buffer.from(current.id, 'base64url'),
        nonce,
        macBytes(current.device, bindDevice(number, nonce)),
      ]).toString('base64url')
    },

    laneOf(device, number) {
      const bytes = decode(device, deviceBytes)
      const keys = bytes && byId.get(bytes.subarray(0, idBytes).toString('base64url'))
      if (!keys) return undefined
      const nonce = bytes.subarray(idBytes, idBytes + nonceBytes)
      const expected = macBytes(keys.device, bindDevice(number, nonce))
      if (!timingSafeEqual(expected, bytes.subarray(idBytes + nonceBytes))) return undefined
      return mac(keys.lane, nonce)
    },

    parseHandle(handle) {
      const bytes = decode(handle, handleBytes)
      const keys = bytes && byId.get(bytes.subarray(0, idBytes).toString('base64url'))
      return keys && !isBlank(bytes) ? refOf(keys, bytes) : undefined
    },

    createReference(known) {
      if (known) return randomBytes(2 * markBytes).toString('base64url')
      const random = randomBytes(markBytes)
      return Buffer.concat([random, markOf(current, random)]).toString('base64url')
    },

    isDecoyReference(reference) {
      const bytes = decode(reference, 2 * markBytes)
      const mark = bytes?.subarray(markBytes)
      const random = bytes?.subarray(0, markBytes)
      return !!mark && !!random && all.some((keys) => timingSafeEqual(markOf(keys, random), mark))
    },

    createDecoyId: (otpId) => decoyOf(current, otpId),

    isDecoyId: (otpId) =>
      all.some((keys) => {
        const expected = Buffer.from(decoyOf(keys, otpId))
        const given = Buffer.from(otpId.toLowerCase())
        return given.length === expected.length && timingSafeEqual(given, expected)
      }),

    codeHash: (ref, code) => mac(keysOf(ref).code, `${ref.number}.${ref.flow}.${code}`),

    seal(ref, field, value) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', keysOf(ref).seal, nonce)
      cipher.setAAD(aadOf(ref, field))
      const body = Buffer.concat([cipher.update(pack(value)), cipher.final()])
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url')
    },

    unseal(ref, field, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length <= nonceLength + tagBytes) return undefined
      const nonce = bytes.subarray(0, nonceLength)
      const options = { authTagLength: tagBytes }
      const decipher = createDecipheriv('aes-256-gcm', keysOf(ref).seal, nonce, options)
      decipher.setAAD(aadOf(ref, field)).setAuthTag(bytes.subarray(-tagBytes))
      try {
        const body = decipher.update(bytes.subarray(nonceLength, -tagBytes))
        return unpack(Buffer.concat([body, decipher.final()]))
      } catch {
        // The tag does not fit: another key, another flow or another field.
        return undefined
      }
    },
  }
}

const nonceLength = 12

function aadOf(ref: FlowRef, field: string): Buffer {
  return Buffer.from(`${ref.number}.${ref.flow}.${field}`)
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * tyntec's ids are UUIDs, which take 16 bytes instead of 36. A sealed value has to stay under 64
 * characters: with a longer one Redis keeps a flow in twice the memory.
 */
function pack(value: string): Buffer {
  if (!uuid.test(value)) return Buffer.concat([Buffer.of(0), Buffer.from(value)])
  return Buffer.concat([Buffer.of(1), Buffer.from(value.replaceAll('-', ''), 'hex')])
}

function unpack(bytes: Buffer): string {
  const rest = bytes.subarray(1)
  if (bytes[0] === 0) return rest.toString()
  return rest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function deriveKeys(secret: string | Uint8Array): Keys {
  const derive = (purpose: string, length = 32) =>
    Buffer.from(hkdfSync('sha256', secret, '', `passport-tyntec-otp/v1/${purpose}`, length))
  return {
    id: derive('key-id', idBytes).toString('base64url'),
    number: derive('number'),
    address: derive('address'),
    range: derive('range'),
    flow: derive('flow'),
    flowId: derive('flow-id'),
    code: derive('code'),
    seal: derive('seal'),
    device: derive('device'),
    lane: derive('lane'),
    decoy: derive('decoy'),
    handle: derive('handle'),
  }
}

function join({ id }: Keys, ...parts: Buffer[]): string {
  return Buffer.concat([Buffer.from(id, 'base64url'), ...parts]).toString('base64url')
}

function tagsOfHandle(numberTag: string, lane: string | undefined): Buffer {
  const tags = [Buffer.from(numberTag, 'base64url')]
  return Buffer.concat([...tags, lane === undefined ? noTag : Buffer.from(lane, 'base64url')])
}

function isBlank(handle: Buffer): boolean {
  return handle.subarray(-2 * tagBytes, -tagBytes).equals(noTag)
}

function refOf(keys: Keys, handle: Buffer): FlowRef {
  // Number and lane are bound by the flow's key: a changed handle finds no flow.
  const bound = handle.subarray(idBytes)
  const lane = handle.subarray(-tagBytes)
  return {
    lane: lane.equals(noTag) ? undefined : lane.toString('base64url'),
    number: handle.subarray(-2 * tagBytes, -tagBytes).toString('base64url'),
    flow: mac(keys.flow, bound),
    flowId: mac(keys.flowId, bound),
    keyId: keys.id,
  }
}

function markOf(keys: Keys, random: Buffer): Buffer {
  return macBytes(keys.decoy, random).subarray(0, markBytes)
}

/** The first half of a UUID, and in place of the second one an HMAC of the first. */
function decoyOf(keys: Keys, uuid: string): string {
  const random = uuid.slice(0, 18).toLowerCase()
  const mark = macBytes(keys.decoy, random).toString('hex')
  return `${random}-${mark.slice(0, 4)}-${mark.slice(4, 16)}`
}

function bindDevice(number: string, nonce: Buffer): Buffer {
  return Buffer.concat([nonce, Buffer.from(number)])
}

/** The bytes of a value that we have written. */
function decode(value: unknown, length: number): Buffer | undefined {
  if (typeof value !== 'string' || value.length !== Math.ceil((length * 4) / 3)) return undefined
  const bytes = Buffer.from(value, 'base64url')
  // Several spellings decode to the same bytes; only the one we write is ours.
  return bytes.length === length && bytes.toString('base64url') === value ? bytes : undefined
}

function mac(key: Buffer, value: string | Buffer): string {
  return macBytes(key, value).toString('base64url')
}

function macBytes(key: Buffer, value: string | Buffer): Buffer {
  return createHmac('sha256', key).update(value).digest().subarray(0, tagBytes)
}
