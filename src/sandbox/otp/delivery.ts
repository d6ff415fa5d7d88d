import { chooseTemplate, fillTemplate } from '../applications/templates.js'
import type { Clock } from '../clock.js'
import type { DeliveryChannel, Effect } from '../faults/rules.js'
import type { Messages } from '../messages.js'
import type { Reason } from '../reason.js'
import type { Otp, StatusEvent } from './entity.js'
import type { TimelineEntry } from './timeline.js'

/** What happens to a message on its way to the phone. */
export interface Delivery {
  copies: number
  /** Seconds by the sandbox's clock. */
  delay: number
  /** The channel that can't reach this phone. */
  fails?: DeliveryChannel | 'all'
  /** Why, when it is not as usual. */
  reason?: Reason | undefined
}

export const normalDelivery: Delivery = { copies: 1, delay: 0 }

export function deliveryBy(effect: Effect | undefined, reason: Reason | undefined): Delivery {
  switch (effect?.kind) {
    case 'drop-message':
      return { copies: 0, delay: 0, reason }
    case 'duplicate-message':
      return { copies: 2, delay: 0, reason }
    case 'late-message':
      return { copies: 1, delay: effect.seconds, reason }
    case 'fail-message':
      return { copies: 1, delay: 0, fails: effect.channel ?? 'all', reason }
    default:
      return normalDelivery
  }
}

const landline: Reason = {
  why: 'landline',
  text: 'The number is a landline, which gets no SMS. A call (via=VOICE or AUTO) reaches it.',
}

const noWhatsapp: Reason = {
  why: 'landline',
  text: 'The number is a landline, which has no WhatsApp here.',
}

/** Why this channel does not reach the phone; `undefined` when it does. */
export function failureOf(
  delivery: Delivery,
  channel: DeliveryChannel,
  line: Otp['line'],
): Reason | undefined {
  if (channel === 'sms' && line === 'landline') return landline
  if (channel === 'whatsapp' && line === 'landline') return noWhatsapp
  if (delivery.fails !== 'all' && delivery.fails !== channel) return undefined
  return delivery.reason ?? { why: 'channel', text: `This phone can't be reached by ${channel}.` }
}

export interface DeliverParts {
  clock: Clock
  messages: Messages
  changed(otp: Otp): void
}

/** Brings an OTP's code to the phone, or doesn't, and writes down which and why. */
export function createDeliver({ clock, messages, changed }: DeliverParts) {
  function record(otp: Otp, type: StatusEvent['type'], statusText: string | null) {
    const created = clock.now()
    otp.events.push({
      created,
      status: eventStatus[type],
      statusText,
      timestampCreated: new Date(created).toISOString(),
      type,
    })
  }

  function note(otp: Otp, entry: Omit<TimelineEntry, 'at'>) {
    otp.timeline.push({ at: new Date(clock.now()).toISOString(), ...entry })
    changed(otp)
  }

  function arrive(otp: Otp, from: string, { copies, reason }: Delivery) {
    const channel = channelName(otp)
    const template = otp.text ?? chooseTemplate(otp.application.templates, otp.language, otp.via)
    const text = fillTemplate(template, otp.code, otp.validity)
    record(otp, 'DELIVER_OTP_RES_OK', `${otp.via} delivered`)
    for (let copy = 0; copy < copies; copy += 1) {
      const sentAt = new Date(clock.now()).toISOString()
      const { otpId, number: to, code } = otp
      const { seq } = messages.add({ channel, to, from, text, code, otpId, sentAt })
      note(otp, {
        type: 'delivered',
        text: channel === 'sms' ? 'The SMS came.' : 'The call was answered.',
        channel,
        message: seq,
        ...(copies > 1 && reason && { reason }),
      })
    }
  }

  return function deliver(otp: Otp, from: string, delivery: Delivery, request?: number): void {
    const channel = channelName(otp)
    const first = otp.timeline.length === 0
    const what = channel === 'sms' ? 'An SMS' : 'A call'
    record(otp, 'DELIVER_OTP_REQ', null)
    note(otp, {
      type: first ? 'sent' : 'resent',
      text: first ? `${what} was asked for.` : `${what} with the same code was asked for.`,
      channel,
      ...(request !== undefined && { request }),
    })
    const failure = failureOf(delivery, channel, otp.line)
    if (failure) {
      record(otp, 'DELIVER_OTP_RES_FAIL', `${otp.via} could not be delivered`)
      return note(otp, {
        type: 'not-delivered',
        text: `${what} could not be delivered.`,
        channel,
        reason: failure,
      })
    }
    if (delivery.copies === 0) {
      const reason = delivery.reason ?? { why: 'fault' as const, text: 'The message was dropped.' }
      return note(otp, {
        type: 'not-delivered',
        text: `${what} got lost on the way.`,
        channel,
        reason,
      })
    }
    if (delivery.delay === 0) return arrive(otp, from, delivery)
    const text = `It comes ${delivery.delay} s later, by the sandbox's clock.`
    note(otp, {
      type: 'late',
      text: `${what} is on its way.`,
      channel,
      reason: { why: 'late', text },
    })
    clock.after(delivery.delay, () => arrive(otp, from, delivery))
  }
}

const channelName = ({ via }: Otp) => (via === 'SMS' ? 'sms' : 'voice')

const eventStatus = {
  DELIVER_OTP_REQ: null,
  DELIVER_OTP_RES_OK: 'success',
  DELIVER_OTP_RES_FAIL: 'failed',
} satisfies Record<StatusEvent['type'], StatusEvent['status']>
