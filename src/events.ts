import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { OtpErrorCode } from './errors.js'
import { createLogSink, type OtpLogger } from './log.js'
import type { Channel, ProblemCode } from './outcomes.js'

/** Which limit refused. */
export type LimitName =
  | 'sends_per_number'
  | 'sends_per_address'
  | 'failures_per_number'
  | 'failures_per_address'

/** What happened. No number, code, otpId, handle or key is in any of them. */
export type OtpEventBody =
  | { type: 'otp.sent'; flowId: string; via: Channel; country: string }
  | { type: 'otp.resent'; flowId: string; via: Channel; newCode: boolean }
  /** tyntec's answer to a send was lost, and its list doesn't show it yet. */
  | { type: 'otp.unconfirmed'; flowId: string }
  /** `failuresBefore`: failed checks of this number since its last sign-in. */
  | { type: 'otp.verified'; flowId: string; failuresBefore: number }
  /** The app has opened its session. */
  | { type: 'session.opened'; flowId: string }
  | { type: 'otp.rejected'; flowId: string; reason: ProblemCode }
  | { type: 'otp.cancelled'; flowId: string }
  /** Too many failures in a row: nobody signs in with this number until `flow.unlock(number)`. */
  | { type: 'number.disabled'; flowId: string }
  | { type: 'limit.hit'; limit: LimitName }
  | {
      type: 'budget.warning' | 'budget.exhausted'
      window: 'hour' | 'day'
      used: number
      of: number
    }
  /** tyntec, Redis or the API key failed. `step` is what was tried. */
  | { type: 'error'; step: string; code: OtpErrorCode; message: string }

/** `at`: milliseconds since the epoch. */
export type OtpEvent = OtpEventBody & { at: number }

export type OtpEventListener = (event: OtpEvent) => unknown

export interface Events {
  emit(event: OtpEventBody): void
  on(listener: OtpEventListener): () => void
}

const debug = debuglog('passport-tyntec-otp')

/** Every event is published here too, for tools that are not part of the app's code. */
const published = channel('passport-tyntec-otp')

/** Listeners are told in turn; what one throws changes nothing for the person or the others. */
export function createEvents(
  first: OtpEventListener | undefined,
  logger: OtpLogger | undefined,
): Events {
  const listeners = new Set<OtpEventListener>()
  if (logger) listeners.add(createLogSink(logger))
  if (first) listeners.add(first)
  return {
    emit(body) {
      const event: OtpEvent = { ...body, at: Date.now() }
      debug('%j', event)
      if (published.hasSubscribers) published.publish(event)
      for (const listener of listeners) {
        // An async listener must not end the process either.
        const told = async () => listener(event)
        told().catch((error: unknown) => {
          debug('a listener threw %s', error instanceof Error ? error.name : typeof error)
        })
      }
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
