import type { Reason } from '../reason.js'
import type { Otp, OtpStatusEntity } from './entity.js'
import type { TimelineEntry } from './timeline.js'

/** An OTP as the control routes show it: tyntec's entity, and what only the sandbox knows. */
export interface OtpView extends OtpStatusEntity {
  code: string
  /** The channel of the last send or resend. */
  channel: 'sms' | 'voice'
  line: 'mobile' | 'landline'
  language: string
  application: { name: string; deleted: boolean }
  attemptsLeft: number
  /** Oldest first. */
  timeline: TimelineEntry[]
  /** Why the last send or resend has brought no message (yet); `null` when it has. */
  reason: Reason | null
}

export const toView = (otp: Otp, entity: OtpStatusEntity): OtpView => ({
  ...entity,
  code: otp.code,
  channel: otp.via === 'SMS' ? 'sms' : 'voice',
  line: otp.line,
  language: otp.language,
  application: { name: otp.application.name, deleted: otp.application.deleted },
  attemptsLeft: Math.max(0, otp.attempts - otp.attemptCount),
  timeline: otp.timeline,
  reason: reasonOf(otp.timeline),
})

const deliveries: readonly TimelineEntry['type'][] = ['delivered', 'not-delivered', 'late']

function reasonOf(timeline: readonly TimelineEntry[]): Reason | null {
  const last = timeline.findLast(({ type }) => deliveries.includes(type))
  return last?.type === 'delivered' ? null : (last?.reason ?? null)
}
