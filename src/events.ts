import { debuglog } from 'node:util'
import type { OtpErrorCode } from './errors.js'
import type { Channel, ProblemCode } from './outcomes.js'

/** What happened, for the operator. No number, code, otpId, handle or key is in any of them. */
export type OtpEvent =
  | { type: 'otp.sent'; flowId: string; via: Channel; country: string }
  | { type: 'otp.resent'; flowId: string; via: Channel; newCode: boolean }
  | { type: 'otp.unconfirmed'; flowId: string }
  | { type: 'otp.verified'; flowId: string; failuresBefore: number }
  | { type: 'otp.rejected'; flowId: string; reason: ProblemCode }
  | { type: 'otp.cancelled'; flowId: string }
  /** 100 failures in a row: nobody signs in with this number until `flow.unlock(number)`. */
  | { type: 'number.disabled'; flowId: string }
  | {
      type: 'limit.hit'
      limit: 'sends_per_number' | 'sends_per_address' | 'failures_per_number' | 'failures_per_address'
    }
  | { type: 'budget.warning' | 'budget.exhausted'; window: 'hour' | 'day'; used: number; of: number }
  /** tyntec, Redis or the API key failed. `step` is what was tried. */
  | { type: 'error'; step: string; code: OtpErrorCode; message: string }

export type OtpEventListener = (event: OtpEvent) => void

export interface Events {
  emit(event: OtpEvent): void
  on(listener: OtpEventListener): () => void
}

const debug = debuglog('passport-tyntec-otp')

/** Listeners are told in turn; what one throws changes nothing for the person or the others. */
export function createEvents(first: OtpEventListener | undefined): Events {
  const listeners = new Set(first ? [first] : [])
  return {
    emit(event) {
      debug('%j', event)
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (error) {
          debug('a listener threw %s', error instanceof Error ? error.name : typeof error)
        }
      }
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
