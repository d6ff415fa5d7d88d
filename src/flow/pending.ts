import { maskNumber } from '../input/number.js'
import type { Channel, Pending, ResendState } from '../outcomes.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { Context } from './context.js'

type Shown = Pick<FlowView, 'via' | 'expiresIn' | 'sentAgo' | 'resends'>

/** What the person may know, from the record. */
export function pendingOf(
  { options, numbers }: Pick<Context, 'options' | 'numbers'>,
  number: string,
  record: Shown,
  channels: Channel[] = channelsOf(numbers, number),
): Pending {
  return {
    to: maskNumber(number),
    via: record.via,
    expiresIn: Math.max(0, Math.ceil(record.expiresIn)),
    codeLength: options.pinLength,
    resend: resendOf(options, record, channels),
  }
}

function resendOf(
  { resendWaits }: Context['options'],
  { sentAgo, resends }: Shown,
  channels: Channel[],
): ResendState {
  const wait = resendWaits[resends]
  const retryAfter = wait === undefined ? 0 : Math.max(0, Math.ceil(wait - sentAgo))
  return {
    allowed: wait !== undefined && retryAfter === 0,
    retryAfter,
    remaining: Math.max(0, resendWaits.length - resends),
    channels,
  }
}

/** The same once the flow has ended: a resend begins anew, as soon as the number may have another message. */
export function renewableOf(
  { options, numbers }: Pick<Context, 'options' | 'numbers'>,
  number: string,
  { sentAgo }: Shown,
): ResendState {
  const retryAfter = Math.max(0, Math.ceil((options.resendWaits[0] ?? 30) - sentAgo))
  return {
    allowed: retryAfter === 0,
    retryAfter,
    remaining: options.resendWaits.length,
    channels: channelsOf(numbers, number),
  }
}

/** How this number can be reached. A landline takes calls only. */
export function channelsOf(numbers: Context['numbers'], number: string): Channel[] {
  for (const via of ['sms', 'voice'] as const) {
    const parsed = numbers.parse(number, undefined, via)
    if ('channels' in parsed) return parsed.channels
  }
  return []
}

/** The record's sealed values, or nothing when they are not this flow's: then it is over. */
export function unsealed(
  { secrets }: Pick<Context, 'secrets'>,
  ref: FlowRef,
  record: Pick<FlowView, 'number' | 'otp'>,
): { number: string; otpId: string | undefined } | undefined {
  const number = secrets.unseal(ref, 'number', record.number)
  const otpId = record.otp === undefined ? undefined : secrets.unseal(ref, 'otp', record.otp)
  if (number === undefined || (record.otp !== undefined && otpId === undefined)) return undefined
  return { number, otpId }
}

/** The otpId of a flow that has just ended. */
export function otpOf(
  { secrets }: Pick<Context, 'secrets'>,
  ref: FlowRef | undefined,
  record: { otp?: string | undefined } | undefined,
): string | undefined {
  return ref && record?.otp !== undefined ? secrets.unseal(ref, 'otp', record.otp) : undefined
}
