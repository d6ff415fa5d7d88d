import { OtpError } from '../errors.js'
import type { Channel, Delivery, Purpose } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { Context } from './context.js'
import { deleteOtp, endOf, isShown } from './ending.js'
import { unsealed } from './pending.js'

/** What the support desk may do about one number, once it is known who asks. Each call is told by an event. */
export interface OtpAdmin {
  /** What is known of the number. */
  look(): Promise<NumberStatus>
  /** Ends its pending flows and deletes their codes at tyntec. Says how many there were. */
  revoke(): Promise<number>
  /** Ends its failures, waits and message limits. */
  unlock(): Promise<void>
  /** Ends its flows and erases everything that is kept under the number. Says how many flows there were. */
  forget(): Promise<number>
}

/** Durations are in seconds. */
export interface NumberStatus {
  /** Failed checks in a row, since the last sign-in. */
  failures: number
  /** Until the next try is allowed; 0 when it is. */
  wait: number
  /** So many failures that nobody signs in with it before it is unlocked. */
  disabled: boolean
  /** Messages, by the seconds of the limit that they count for. */
  messages: { used: number; of: number; duration: number }[]
  /** Its flows that are not over. */
  pending: PendingFlow[]
}

/** A flow whose code can still be used, as the support desk sees it. */
export interface PendingFlow {
  /** How the last message went. */
  via: Channel
  purpose: Purpose
  /** Seconds since the last message. */
  sentAgo: number
  /** Seconds in which its code can still be used. */
  expiresIn: number
  /** Resends so far. */
  resends: number
  /** Wrong codes so far, and one that is being checked. */
  attempts: number
  /** As tyntec tells it; `unknown` before it does. */
  delivery: Delivery
}

export interface AdminInput {
  number: string
  actor: string
}

/** @throws {OtpError} `ERR_OTP_MISUSE` */
export function numberOfAdmin({ numbers }: Pick<Context, 'numbers'>, given: unknown): string {
  const parsed = numbers.parse(given)
  // A number that is not allowed any more can still be looked after.
  const number = 'status' in parsed ? given : parsed.number
  if (typeof number === 'string' && /^\+[1-9][0-9]{6,14}$/.test(number)) return number
  throw new OtpError('ERR_OTP_MISUSE', 'unlock() and admin() take a number in E.164 form')
}

/** @throws {OtpError} `ERR_OTP_MISUSE` */
export function requireActor(by: unknown): { actor: string } {
  const actor = typeof by === 'object' && by !== null && 'actor' in by ? by.actor : undefined
  if (typeof actor === 'string' && /^[^\p{C}]{1,100}$/u.test(actor)) return { actor }
  const problem =
    'admin() needs an actor, who is named in its events: a text of at most 100 characters'
  throw new OtpError('ERR_OTP_MISUSE', problem)
}

export async function lookAtNumber(
  context: Context,
  { number, actor }: AdminInput,
): Promise<NumberStatus> {
  const { options, store, secrets, rules, events } = context
  events.emit({ type: 'admin', action: 'look', actor })
  const { sendsPerNumber } = options.limits
  const messages = sendsPerNumber.map(({ points, duration }) => ({ used: 0, of: points, duration }))
  const pending: PendingFlow[] = []
  let failures = 0
  let wait = 0
  for (const tag of secrets.numberTags(number)) {
    const [record, failed] = await Promise.all([store.ofNumber(tag), store.failures(tag)])
    // While a secret rotates out, what counts is the larger part.
    failures = Math.max(failures, failed.total)
    wait = Math.max(wait, failed.wait)
    for (const message of messages) {
      message.used = Math.max(message.used, record?.uses[`sends:${message.duration}`]?.n ?? 0)
    }
  }
  for (const ref of await flowsOf(context, number)) {
    const { record } = await store.read(ref)
    if (!record || !isShown(record) || endOf(record)) continue
    const { via, purpose, sentAgo, expiresIn, resends, attempts, delivery } = record
    pending.push({
      via,
      purpose: (purpose ?? 'login') as Purpose, // the flow has written it
      sentAgo: Math.floor(sentAgo),
      expiresIn: Math.ceil(expiresIn),
      resends,
      attempts,
      delivery,
    })
  }
  return { failures, wait, disabled: failures >= rules.disableAt, messages, pending }
}

export async function revokeNumber(
  context: Context,
  { number, actor }: AdminInput,
): Promise<number> {
  context.events.emit({ type: 'admin', action: 'revoke', actor })
  return endFlows(context, number)
}

export async function unlockNumber(
  { events, secrets, store }: Context,
  { number, actor }: { number: string; actor?: string | undefined },
): Promise<void> {
  if (actor !== undefined) events.emit({ type: 'admin', action: 'unlock', actor })
  await Promise.all(secrets.numberTags(number).map((tag) => store.unlock(tag, true)))
}

export async function forgetNumber(
  context: Context,
  { number, actor }: AdminInput,
): Promise<number> {
  const { events, secrets, store } = context
  events.emit({ type: 'admin', action: 'forget', actor })
  const ended = await endFlows(context, number)
  await Promise.all(secrets.numberTags(number).map((tag) => store.forget(tag)))
  return ended
}

async function endFlows(context: Context, number: string): Promise<number> {
  let ended = 0
  for (const ref of await flowsOf(context, number)) {
    const record = await context.store.end(ref, 'cancelled')
    if (!record) continue
    ended++
    const otpId = unsealed(context, ref, record)?.otpId
    if (otpId !== undefined) await deleteOtp(context, otpId)
  }
  return ended
}

/** The flows that the record of a number names. What they are called in events only their handles tell. */
async function flowsOf({ secrets, store }: Context, number: string): Promise<FlowRef[]> {
  const found = secrets.placesOf(number).map(async (place) => {
    const { flows = {} } = (await store.ofNumber(place.number)) ?? {}
    return Object.keys(flows).map((flow) => ({ ...place, flow, flowId: '', browserTag: undefined }))
  })
  return (await Promise.all(found)).flat()
}
