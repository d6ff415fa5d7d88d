import type { Counts, Odd, Older, Parts } from './steps/admission.js'
import type { GiveBack } from './steps/give-back.js'
import type { Limit } from './steps/limits.js'
import type { StepStore } from './store.js'

/** Where the records are of what one message costs. */
export interface MessageKeys {
  own?: string | undefined
  site?: string | undefined
  app?: string | undefined
  country?: string | undefined
  range?: string | undefined
}

/** What a message costs, and where that is kept. */
export interface Message {
  keys: MessageKeys
  parts: Omit<Parts, 'older'>
  /** The records of secrets that rotate out. */
  older: readonly OlderKeys[]
}

export interface OlderKeys extends Pick<MessageKeys, 'own' | 'site' | 'range'> {
  /** The number's tag by that secret. */
  tag: string
  number: string
}

/** A message that did not go out. */
export interface Unsent {
  message: Message
  /** What it has counted. */
  counts: Counts
  /** False when nobody was asked to send it: its address gets it back as well. */
  asked?: boolean
}

/** A message that costs nothing. */
export const free: Message = { keys: {}, parts: {}, older: [] }

/** One call of a step: all of it, or what of it is in one hash slot. */
export interface Part {
  keys: MessageKeys
  parts: Omit<Parts, 'older'>
  /** This call also has the flow and its number. */
  last: boolean
  /** What of the message this call has, where it has not all of it. */
  slot?: Slot
}

/** What a step answers that has counted its part of the message. */
const counted: ReadonlySet<string> = new Set(['reserved', 'renew', 'admitted'])

/** What it answers when the request leads to no message, which costs its address something. */
const waited: ReadonlySet<string> = new Set([
  'current',
  'busy',
  'too_soon',
  'exhausted',
  'limited',
  'odd',
])

type Replied = { status: string; counts?: Counts; odd?: Odd[] | undefined }

/**
 * Runs a step: in one call, or, on a Cluster, in one for each hash slot, in the order address, app,
 * number. When one of these refuses, those before it get back what they have counted.
 */
export async function inParts<Reply extends Replied>(
  store: StepStore,
  { keys, parts, older }: Message,
  run: (part: Part) => Promise<Reply>,
): Promise<Reply> {
  if (!store.cluster) return run({ keys, parts, last: true })
  const message = { keys, parts, older }
  const done: Slot[] = []
  const replies: Reply[] = []
  const ask = async (part: Part): Promise<Reply | undefined> => {
    const reply = await run(part).catch(async (error: unknown) => {
      await giveBackParts(store, message, done).catch(() => {})
      throw error
    })
    replies.push(reply)
    if (counted.has(reply.status)) return undefined
    await giveBackParts(store, message, done, waited.has(reply.status))
    return reply
  }
  for (const slot of slots) {
    if (parts[slot] === undefined) continue
    const refused = await ask({
      keys: keysOf(keys, slot),
      parts: { [slot]: parts[slot] },
      last: false,
      slot,
    })
    if (refused) return refused
    done.push(slot)
  }
  const { number } = parts
  const refused = await ask({ keys: {}, parts: { number }, last: true })
  const last = replies.at(-1) as Reply // it was pushed just now
  return refused ?? merge(replies, last)
}

/**
 * The same for a step that only looks: there is nothing to give back, and the number has no part in it.
 */
export async function lookInParts<Reply extends Replied>(
  store: StepStore,
  { keys, parts }: Message,
  run: (part: Part) => Promise<Reply>,
): Promise<Reply> {
  if (!store.cluster) return run({ keys, parts, last: true })
  const asked = slots.filter((slot) => parts[slot] !== undefined)
  const replies: Reply[] = []
  for (const slot of asked) {
    const part = { keys: keysOf(keys, slot), parts: { [slot]: parts[slot] }, last: false, slot }
    const reply = await run(part)
    if (reply.status === 'limited') return reply
    replies.push(reply)
  }
  return merge(replies, replies.at(-1) as Reply) // every message costs all numbers together something
}

/** A part was counted after the request had been told that it failed. */
export async function undoPart(
  store: StepStore,
  message: Message,
  { slot }: Part,
  { status }: Replied,
): Promise<void> {
  if (slot && counted.has(status)) await giveBackParts(store, message, [slot]).catch(() => {})
}

/** What is left to give back of a message when its other parts have been. */
export function ofNumber({ parts: { number }, older }: Message): Message {
  return { keys: {}, parts: { number }, older }
}

type Slot = 'address' | 'shared'
const slots = ['address', 'shared'] as const

function keysOf({ own, site, app, country, range }: MessageKeys, slot: Slot): MessageKeys {
  return slot === 'address' ? { own, site } : { app, country, range }
}

function merge<Reply extends Replied>(replies: readonly Reply[], last: Reply): Reply {
  const odd = replies.flatMap((reply) => reply.odd ?? [])
  const counts: Counts = { own: {}, site: {}, app: {}, country: {}, number: {} }
  for (const reply of replies) {
    for (const name of Object.keys(counts) as (keyof Counts)[]) {
      Object.assign(counts[name], reply.counts?.[name])
    }
  }
  return { ...last, counts, odd }
}

/** Gives back, on a Cluster, what a message has counted in other slots than its number's. */
export async function giveBackParts(
  store: StepStore,
  { keys, parts }: Message,
  given: readonly Slot[],
  waits = false,
): Promise<void> {
  await Promise.all(
    given
      .filter((slot) => parts[slot] !== undefined)
      .map((slot) =>
        store.run('giveBack', keysOf(keys, slot), {
          [slot]: parts[slot],
          ...(slot === 'address' && { waited: waits }),
        }),
      ),
  )
}

/** What a message gets back of which tyntec provably did nothing. Its address and its range keep what tyntec was asked for. */
export function backOf({ message, counts, asked }: Unsent): GiveBack & { number: Limit[] } {
  const { number } = message.parts
  const all = number ? [...number.always, ...number.limits, ...number.own] : []
  return {
    address: asked === false ? message.parts.address : undefined,
    shared: message.parts.shared,
    number: all.filter(({ name }) => Object.hasOwn(counts.number, name)),
  }
}

/** Where that is kept, beside the number. */
export function backKeys({ message, asked }: Unsent): MessageKeys {
  const { app, country } = message.keys
  return asked === false ? message.keys : { app, country }
}

/** The same on a Cluster. */
export function backSlots({ asked }: Unsent): readonly Slot[] {
  return asked === false ? slots : ['shared']
}

/**
 * What was counted under the secrets that rotate out. Nothing is asked while there is none.
 *
 * @param own the number's tag in the step itself: a flow that an older secret has named lies with the older
 * record, which takes nothing over from itself
 */
export async function olderOf(
  store: StepStore,
  { older }: Message,
  own?: string,
): Promise<Older[] | undefined> {
  if (older.length === 0) return undefined
  const found = await Promise.all(older.map((keys) => peek(store, keys)))
  return found.map((each) => (each.tag === own ? { ...each, number: undefined } : each))
}

async function peek(
  store: StepStore,
  { tag, own, site, range, number }: OlderKeys,
): Promise<Older> {
  if (!store.cluster) return { tag, ...(await store.run('peek', { own, site, range, number }, {})) }
  const found = await Promise.all([
    own === undefined ? {} : store.run('peek', { own, site }, {}),
    range === undefined ? {} : store.run('peek', { range }, {}),
    store.run('peek', { number }, {}),
  ])
  return Object.assign({ tag }, ...found)
}
