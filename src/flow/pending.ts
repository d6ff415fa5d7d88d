import { maskNumber } from '../input/number.js'
import type { Channel, Pending } from '../outcomes.js'
import type { FlowRef } from '../secrets.js'
import type { FlowRecord } from '../store/store.js'
import type { Context } from './context.js'

/** What the person may know, from the record. */
export function pendingOf(
  { options, numbers }: Context,
  number: string,
  record: Pick<FlowRecord, 'via' | 'expiresIn' | 'sentAgo' | 'resends'>,
): Pending {
  const wait = options.resendWaits[record.resends]
  const retryAfter = wait === undefined ? 0 : Math.max(0, Math.ceil(wait - record.sentAgo))
  return {
    to: maskNumber(number),
    via: record.via,
    expiresIn: Math.max(0, Math.ceil(record.expiresIn)),
    codeLength: options.pinLength,
    resend: {
      allowed: wait !== undefined && retryAfter === 0,
      retryAfter,
      remaining: Math.max(0, options.resendWaits.length - record.resends),
      channels: channelsOf(numbers, number),
    },
  }
}

/** A landline takes calls only. */
export function channelsOf(numbers: Context['numbers'], number: string): Channel[] {
  for (const via of ['sms', 'voice'] as const) {
    const parsed = numbers.parse(number, undefined, via)
    if ('channels' in parsed) return parsed.channels
  }
  return []
}

/** The record's sealed values, or nothing when they are not this flow's: then it is over. */
export function unsealed(
  { secrets }: Context,
  ref: FlowRef,
  record: FlowRecord,
): { number: string; otpId: string | undefined } | undefined {
  const number = secrets.unseal(ref, 'number', record.number)
  const otpId = record.otp === undefined ? undefined : secrets.unseal(ref, 'otp', record.otp)
  if (number === undefined || (record.otp !== undefined && otpId === undefined)) return undefined
  return { number, otpId }
}
