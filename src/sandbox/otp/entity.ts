import type { Application } from '../applications/applications.js'
import type { Line } from '../numbers.js'
import type { TimelineEntry } from './timeline.js'

export type Via = 'SMS' | 'VOICE' | 'AUTO'

export const finalStatuses = ['VERIFIED', 'EXPIRED', 'TOO_MANY_ATTEMPTS'] as const

export type FinalStatus = (typeof finalStatuses)[number]

export type OtpStatus = 'ACTIVE' | FinalStatus

/** tyntec's `OtpStatusEntity`. */
export interface OtpStatusEntity {
  accountId: string
  applicationId: string
  attemptCount: number
  created: number
  expire: number
  number: string
  otpId: string
  otpStatus: OtpStatus
  referenceId: string | null
  timestampCreated: string
  timestampExpire: string
}

/** tyntec's `StatusEvent`. */
export interface StatusEvent {
  created: number
  status: 'success' | 'failed' | null
  statusText: string | null
  timestampCreated: string
  type: 'DELIVER_OTP_REQ' | 'DELIVER_OTP_RES_OK' | 'DELIVER_OTP_RES_FAIL'
}

export interface Otp {
  readonly otpId: string
  readonly accountId: string
  readonly application: Application
  readonly number: string
  readonly line: Line
  readonly code: string
  /** Given with the send, in place of the application's templates. */
  readonly text: string | undefined
  /** ISO 639-1. */
  readonly language: string
  readonly sender: string
  readonly caller: string
  readonly referenceId: string | null
  readonly created: number
  /** How many tries there are, and how many seconds it is valid: its application's when it was made. */
  readonly attempts: number
  readonly validity: number
  readonly events: StatusEvent[]
  readonly timeline: TimelineEntry[]
  via: 'SMS' | 'VOICE'
  expire: number
  attemptCount: number
  /** Set once the OTP has ended for good; time alone only sets it when somebody tries a code. */
  ended: FinalStatus | undefined
}
