import { maskNumber } from '../input/number.js'
import type { Channel, Pending, ResendState } from '../outcomes.js'
import type { Origin } from '../limits/origin.js'
import type { FlowRef } from '../secrets/secrets.js'
import type { FlowView } from '../store/steps/flow.js'
import type { NextMessage } from '../store/steps/gate.js'
import type { Context } from './context.js'

type Shown = Pick<FlowView, 'via' | 'expiresIn' | 'sentAgo' | 'resends'> &
  Partial<Pick<FlowView, 'delivery' | 'nextAfter'>>

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
  { via, sentAgo, resends, delivery, nextAfter = 0 }: Shown,
  channels: Channel[],
): ResendState {
  const ofNumber = Math.ceil(nextAfter)
  const wait = resendWaits[resends]
  const others = channels.filter((each) => each !== via)
  // The next channel may be tried at once, the same one again only after its wait.
  if (delivery === 'failed' && wait !== undefined && others.length > 0) {
    return {
      allowed: ofNumber === 0,
      retryAfter: ofNumber,
      remaining: resendWaits.length - resends,
      channels: others,
    }
  }
  const retryAfter = wait === undefined ? 0 : Math.max(ofNumber, Math.ceil(wait - sentAgo))
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
  { sentAgo, nextAfter = 0 }: Shown,
): ResendState {
  const retryAfter = Math.max(
    0,
    Math.ceil((options.resendWaits[0] ?? 30) - sentAgo),
    Math.ceil(nextAfter),
  )
  return {
    allowed: retryAfter === 0,
    retryAfter,
    remaining: options.resendWaits.length,
    channels: channelsOf(numbers, number),
  }
}

/** What a flow's next message waits for beside its own turn: what strangers have sent to the number counts as well. */
export function nextOf(
  { options, limits }: Pick<Context, 'options' | 'limits'>,
  origin: Origin,
  { browserTag }: FlowRef,
): Pick<NextMessage, 'cooldown' | 'number'> {
  return { cooldown: options.resendWaits[0] ?? 30, number: limits.ofNumber(origin, browserTag) }
}

/** How this number can be reached. A landline takes calls only. */
export function channelsOf(numbers: Context['numbers'], number: string): Channel[] {
  for (const via of numbers.channels) {
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
): Unsealed | undefined {
  const number = secrets.unseal(ref, 'number', record.number)
  const id = record.otp === undefined ? undefined : secrets.unseal(ref, 'otp', record.otp)
  if (number === undefined || (record.otp !== undefined && id === undefined)) return undefined
  const message = messageOf(id)
  return { number, otpId: message ? undefined : id, message }
}

export interface Unsealed {
  number: string
  /** tyntec's. */
  otpId: string | undefined
  /** A message with a code of ours. */
  message: Message | undefined
}

interface Message {
  via: Channel
  id: string
}

/** What a message with a code of ours is called in a record: an otpId stands there without a channel. */
export function idOf(via: Channel, id: string): string {
  return `${via}:${id}`
}

function messageOf(id: string | undefined): Message | undefined {
  const [, via, rest] = /^(sms|voice|whatsapp):(.+)$/.exec(id ?? '') ?? []
  return rest === undefined ? undefined : { via: via as Channel, id: rest } // one of these
}

/** The otpId of a flow that has just ended. */
export function otpOf(
  { secrets }: Pick<Context, 'secrets'>,
  ref: FlowRef | undefined,
  record: { otp?: string | undefined } | undefined,
): string | undefined {
  const id = ref && record?.otp !== undefined ? secrets.unseal(ref, 'otp', record.otp) : undefined
  return messageOf(id) ? undefined : id
}
