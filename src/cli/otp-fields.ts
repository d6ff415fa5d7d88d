import type { Otp, OtpEvent } from '../tyntec/index.js'
import { timeOf } from './print.js'

/** An OTP as lines. */
export function otpFields(otp: Otp) {
  return {
    otpId: otp.otpId,
    otpStatus: otp.otpStatus,
    number: otp.number,
    referenceId: otp.referenceId,
    attemptCount: otp.attemptCount,
    created: timeOf(otp.created) ?? otp.timestampCreated,
    expire: timeOf(otp.expire) ?? otp.timestampExpire,
    applicationId: otp.applicationId,
  }
}

/** Events as lines, in tyntec's order. */
export function eventFields(events: readonly OtpEvent[]): Record<string, string> {
  return Object.fromEntries(
    events.map(({ type, status, statusText, created, timestampCreated }, i) => [
      `event ${i + 1}`,
      [timeOf(created) ?? timestampCreated, type, status, statusText].filter(Boolean).join('  '),
    ]),
  )
}

/** `--via`, as tyntec writes it. */
export const channels = ['SMS', 'VOICE', 'AUTO'] as const
