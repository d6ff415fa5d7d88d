import type { StoreFacts } from './facts.js'
import type { BoxName, StepArgs, StepName, StepReply } from './steps/index.js'

declare const opaque: unique symbol

/** Where flows and limits are kept: what `redisStore` and `memoryStore` give. Its methods are not public. */
export interface OtpStore {
  readonly [opaque]: never
}

/** The keys of the records that a step is about, without the store's prefix. */
export type StepKeys = { readonly [name in BoxName]?: string | undefined }

/** What the flow asks of a store. Each step is atomic, and safe to run twice with the same reference or attempt. */
export interface StepStore {
  /** Records of different hash slots need different calls. */
  readonly cluster: boolean
  /**
   * @param late Gets the reply of a step that was done after its caller had been told that it failed, or nothing when
   *   no reply will come and the step may have been done.
   * @throws {OtpError} `ERR_OTP_STORE_UNAVAILABLE`
   */
  run<Name extends StepName>(
    name: Name,
    keys: StepKeys,
    args: StepArgs<Name>,
    late?: (reply: StepReply<Name> | undefined) => void,
  ): Promise<StepReply<Name>>
  /** What processes tell each other, for so many seconds. Nothing of a person, and nothing that decides. */
  keepNote(name: string, note: string, seconds: number): Promise<void>
  note(name: string): Promise<string | undefined>
  /**
   * What the server says of itself. Missing where there is none: the store is this process's own memory.
   *
   * @throws {OtpError} `ERR_OTP_STORE_UNAVAILABLE`
   */
  facts?(): Promise<StoreFacts>
}

const stores = new WeakMap<OtpStore, StepStore>()

export function toOpaque(store: StepStore): OtpStore {
  const outside = Object.freeze({}) as OtpStore // its meaning is in the map
  stores.set(outside, store)
  return outside
}

/** What is behind a store, or nothing when it is none of ours. */
export function storeOf(outside: unknown): StepStore | undefined {
  return typeof outside === 'object' && outside !== null
    ? stores.get(outside as OtpStore) // a WeakMap takes any object
    : undefined
}
