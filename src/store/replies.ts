import type { Channel, Delivery } from '../outcomes.js'
import type { EarlierTries, FlowEnd, FlowRecord } from './store.js'

/*
 * What a script answers: its status, then the record in the order of `view` in `scripts.ts`. A value
 * that no version of this package writes reads as an ended flow, never as a crash.
 */

const states = ['sending', 'unconfirmed', 'pending', 'verified', 'completed', 'dead'] as const
const ends = ['expired', 'attempts', 'cancelled', 'replaced', 'used'] as const
const deliveries = ['unknown', 'sent', 'delivered', 'failed'] as const
const firstExtra = 13

/** The status of a reply, which must be one of those that its script gives. */
export function statusOf<S extends string>(reply: unknown, statuses: readonly S[]): S {
  const status = Array.isArray(reply) ? oneOf(statuses, reply[0]) : undefined
  if (status === undefined) throw new Error('unreadable reply')
  return status
}

export function extraOf(reply: unknown, index: number): string {
  return text(reply, firstExtra + index)
}

/** What is not known to be `none` or `same` proves nothing. */
export function earlierOf(reply: unknown, index: number): EarlierTries {
  return oneOf<EarlierTries>(['none', 'same'], extraOf(reply, index)) ?? 'other'
}

export function recordOf(reply: unknown): FlowRecord {
  return {
    state: oneOf(states, text(reply, 1)) ?? 'dead',
    end: oneOf<FlowEnd>(ends, text(reply, 2)),
    reference: text(reply, 3),
    number: text(reply, 4),
    otp: text(reply, 5) || undefined,
    via: oneOf<Channel>(['sms', 'voice'], text(reply, 6)) ?? 'sms',
    expiresIn: count(reply, 7) / 1000,
    sentAgo: count(reply, 8) / 1000,
    resends: count(reply, 9),
    attempts: count(reply, 10),
    counted: count(reply, 11),
    delivery: oneOf<Delivery>(deliveries, text(reply, 12)) ?? 'unknown',
    deliveryDue: false,
    lookupDue: false,
    busy: false,
  }
}

function text(reply: unknown, index: number): string {
  const value: unknown = Array.isArray(reply) ? reply[index] : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function count(reply: unknown, index: number): number {
  const value = Number(text(reply, index))
  return Number.isFinite(value) ? value : 0
}

function oneOf<S extends string>(values: readonly S[], value: unknown): S | undefined {
  return values.find((each) => each === value)
}
