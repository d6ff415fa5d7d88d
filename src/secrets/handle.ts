import { createHmac, timingSafeEqual } from 'node:crypto'
import { decode, idBytes, type Keys, tagBytes } from './keys.js'
import { randomBytes } from './random.js'

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
  /** What stands for a browser that has signed in with this number before. */
  readonly browserTag: string | undefined
}

export interface Handle {
  handle: string
  ref: FlowRef
}

const randomPartBytes = 32
/** In the place of a number: the handle is a page's, and there is no flow. In that of a browser's tag: nobody knows the browser. */
const noTag = Buffer.alloc(tagBytes)
const bodyBytes = idBytes + randomPartBytes + tagBytes + tagBytes
const handleBytes = bodyBytes + tagBytes
const placeBytes = 12

/** A new handle for a flow of this number. */
export function createHandle(keys: Keys, number: string, browserTag: string | undefined): Handle {
  return sign(keys, randomBytes(randomPartBytes), tagsOf(number, browserTag))
}

/** What a browser gets with the page, before there is a flow. It opens nothing. */
export function createPageToken(keys: Keys): string {
  return sign(keys, randomBytes(randomPartBytes), Buffer.concat([noTag, noTag])).handle
}

/**
 * The handle of a browser that has a page's token: the same for each click, so that the second finds the
 * flow of the first. Another browser that has come by the token gets another one.
 */
export function handleOfPage(
  keys: Keys,
  token: unknown,
  given: {
    number: string
    browserTag: string | undefined
    /** The handle that this one comes after, if any. */
    before: string
    /** What tells this browser from others: it need not be secret, nor say who it is. */
    browser: string
  },
): Handle | undefined {
  const { body } = verified(keys, token) ?? {}
  if (!body || !isPageToken(body)) return undefined
  const tags = tagsOf(given.number, given.browserTag)
  const filled = createHmac('sha256', keys.page)
    .update(body)
    .update(tags)
    .update(JSON.stringify([given.before, given.browser]))
  return sign(keys, filled.digest(), tags)
}

/**
 * The handle after one whose flow has ended: the same for each click, so that one whose answer was lost, or
 * came too late, finds the flow that another has begun.
 */
export function handleAfter(
  keys: Keys,
  handle: string,
  number: string,
  browserTag: string | undefined,
): Handle {
  const tags = tagsOf(number, browserTag)
  const filled = createHmac('sha256', keys.page).update('after').update(handle).update(tags)
  return sign(keys, filled.digest(), tags)
}

/** Nothing for what these keys have not made. The store is not asked for that. */
export function readHandle(keys: Keys, handle: unknown): FlowRef | undefined {
  const ours = verified(keys, handle)
  return ours && !isPageToken(ours.body) ? refOf(keys, ours.body, ours.mac) : undefined
}

/** Which secret a handle says it was made with. */
export function keyIdOf(handle: unknown): string | undefined {
  return typeof handle === 'string' && handle.length === Math.ceil((handleBytes * 4) / 3)
    ? Buffer.from(handle.slice(0, 8), 'base64url').subarray(0, idBytes).toString('base64url')
    : undefined
}

function sign(keys: Keys, random: Buffer, tags: Buffer): Handle {
  const body = Buffer.concat([keys.id, random, tags])
  const mac = macOf(keys, body)
  const handle = Buffer.concat([body, mac.subarray(0, tagBytes)]).toString('base64url')
  return { handle, ref: refOf(keys, body, mac) }
}

function verified(keys: Keys, handle: unknown): { body: Buffer; mac: Buffer } | undefined {
  const bytes = decode(handle, handleBytes)
  if (!bytes) return undefined
  const body = bytes.subarray(0, bodyBytes)
  const mac = macOf(keys, body)
  const isOurs = timingSafeEqual(mac.subarray(0, tagBytes), bytes.subarray(bodyBytes))
  return isOurs ? { body, mac } : undefined
}

/** One HMAC says that a handle is ours, what its flow is called in the store, and what in events. */
function macOf(keys: Keys, body: Buffer): Buffer {
  return createHmac('sha512', keys.handle).update(body).digest()
}

function refOf(keys: Keys, body: Buffer, mac: Buffer): FlowRef {
  const number = body.subarray(bodyBytes - 2 * tagBytes, bodyBytes - tagBytes)
  const browserTag = body.subarray(bodyBytes - tagBytes, bodyBytes)
  const place = (from: number) => mac.toString('base64url', from, from + placeBytes)
  return {
    number: number.toString('base64url'),
    browserTag: browserTag.equals(noTag) ? undefined : browserTag.toString('base64url'),
    flow: place(tagBytes),
    flowId: place(tagBytes + placeBytes),
    keyId: keys.id.toString('base64url'),
  }
}

function tagsOf(number: string, browserTag: string | undefined): Buffer {
  const browserBytes = browserTag === undefined ? noTag : Buffer.from(browserTag, 'base64url')
  return Buffer.concat([Buffer.from(number, 'base64url'), browserBytes])
}

function isPageToken(body: Buffer): boolean {
  return body.subarray(bodyBytes - 2 * tagBytes, bodyBytes - tagBytes).equals(noTag)
}
