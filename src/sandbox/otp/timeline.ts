import type { Reason } from '../reason.js'

/** One thing that happened to an OTP. */
export interface TimelineEntry {
  at: string
  /**
   * - `sent`, `resent`: tyntec was asked for a message.
   * - `delivered`: it came to the phone. `not-delivered`: it won't; `reason` says why.
   * - `late`: it comes later; `reason` says when.
   * - `wrong-code`, `verified`, `locked`: what came of a check. `refused`: a check or a resend after the end.
   * - `expired`: its time ran out. `forced`: its status was set on the control routes.
   * - `application-deleted`: it can't be resent or checked any more.
   */
  type:
    | 'sent'
    | 'resent'
    | 'delivered'
    | 'not-delivered'
    | 'late'
    | 'wrong-code'
    | 'verified'
    | 'locked'
    | 'refused'
    | 'expired'
    | 'forced'
    | 'application-deleted'
  /** A sentence in English, to be shown as it is. */
  text: string
  channel?: 'sms' | 'voice'
  /** The `seq` of the message, of a delivery. */
  message?: number
  /** The `seq` of the API call in the journal. */
  request?: number
  reason?: Reason
}
