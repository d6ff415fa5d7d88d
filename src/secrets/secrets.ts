import {
  createHandle,
  createPageToken,
  type FlowRef,
  type Handle,
  handleAfter,
  handleOfPage,
  keyIdOf,
  readHandle,
} from './handle.js'
import { deriveKeys, type Keys, tagOf } from './keys.js'
import {
  createDecoyId,
  createDevice,
  createReference,
  isDecoyId,
  isDecoyReference,
  browserTagOf,
} from './marks.js'
import { seal, unseal } from './seal.js'

export type { FlowRef, Handle } from './handle.js'

/** HMACs that stand for one thing: of the first secret, then of those that rotate out. */
export type Tags = readonly [string, ...string[]]

export interface Secrets {
  numberTags(number: string): Tags
  /** The same by the secrets that have not made this flow's handle. */
  otherTags(ref: FlowRef, number: string): readonly string[]
  /** Where the flows of a number are, by each of the secrets. */
  placesOf(number: string): readonly Pick<FlowRef, 'number' | 'keyId'>[]
  addressTags(address: string): Tags
  /** The same for what a carrier calls a message. */
  messageTags(id: string): Tags
  /** The same for the thousand numbers next to a number. */
  rangeTags(number: string): Tags
  createPageToken(): string
  createHandle(numberTag: string, browserTag: string | undefined): Handle
  handleOfPage(
    token: unknown,
    given: { number: string; browserTag: string | undefined; before: string; browser: string },
  ): Handle | undefined
  /** For the flow that begins again after this one has ended. */
  handleAfter(handle: string, numberTag: string, browserTag: string | undefined): Handle
  /** `undefined` for anything that no secret of ours has made. */
  parseHandle(handle: unknown): FlowRef | undefined
  createDevice(number: string): string
  browserTagOf(device: unknown, number: string): string | undefined
  createReference(known: boolean): string
  isDecoyReference(reference: string | undefined): boolean
  createDecoyId(uuid: string): string
  isDecoyId(otpId: string): boolean
  /** The HMAC that stands for a code while its check is running. */
  codeHash(ref: FlowRef, code: string): string
  seal(ref: FlowRef, field: SealedField, value: string): string
  unseal(ref: FlowRef, field: SealedField, sealed: string): string | undefined
}

/** Which field of a flow a value is sealed for. */
export type SealedField = 'number' | 'otp' | 'session' | 'refusal'

/** The first secret makes new values; all of them read old ones. */
export function createSecrets(secrets: readonly (string | Uint8Array)[], name = 'login'): Secrets {
  const all = secrets.map((secret) => deriveKeys(secret, name))
  const [current] = all
  if (!current) throw new RangeError('at least one secret is needed')
  const byId = new Map(all.map((keys) => [keys.id.toString('base64url'), keys]))
  const keysOf = (ref: FlowRef): Keys => byId.get(ref.keyId) ?? current
  const previous = all.slice(1)
  const tagsOf = (key: 'number' | 'address' | 'range' | 'message', value: string): Tags => [
    tagOf(current[key], value).toString('base64url'),
    ...previous.map((keys) => tagOf(keys[key], value).toString('base64url')),
  ]

  return {
    numberTags: (number) => tagsOf('number', number),
    otherTags(ref, number) {
      const own = keysOf(ref)
      const others = all.filter((keys) => keys !== own)
      return others.map((keys) => tagOf(keys.number, number).toString('base64url'))
    },
    placesOf: (number) =>
      all.map((keys) => ({
        number: tagOf(keys.number, number).toString('base64url'),
        keyId: keys.id.toString('base64url'),
      })),
    addressTags: (address) => tagsOf('address', address),
    messageTags: (id) => tagsOf('message', id),
    rangeTags: (number) => tagsOf('range', number.slice(0, -3)),
    createPageToken: () => createPageToken(current),
    createHandle: (number, browserTag) => createHandle(current, number, browserTag),
    handleOfPage: (token, given) => handleOfPage(current, token, given),
    handleAfter: (handle, number, browserTag) => handleAfter(current, handle, number, browserTag),
    parseHandle(handle) {
      const keys = byId.get(keyIdOf(handle) ?? '')
      return keys && readHandle(keys, handle)
    },
    createDevice: (number) => createDevice(current, number),
    browserTagOf: (device, number) => browserTagOf(all, device, number),
    createReference: (known) => createReference(current, known),
    isDecoyReference: (reference) => isDecoyReference(all, reference),
    createDecoyId: (uuid) => createDecoyId(current, uuid),
    isDecoyId: (otpId) => isDecoyId(all, otpId),
    codeHash: (ref, code) =>
      tagOf(keysOf(ref).code, `${ref.number}.${ref.flow}.${code}`).toString('base64url'),
    seal: (ref, field, value) => seal(keysOf(ref), ref, field, value),
    unseal: (ref, field, sealed) => unseal(keysOf(ref), ref, field, sealed),
  }
}
