import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.js'
import { codeIn } from '../code.js'
import type { Messages } from '../messages.js'
import type { Line } from '../numbers.js'
import { type Delivery, failureOf } from '../otp/delivery.js'
import type { Poster } from '../webhooks/poster.js'
import type { SmsParts } from './parts.js'
import type { SmsRequest } from './request.js'

export type SmsStatus = 'ACCEPTED' | 'BUFFERED' | 'DELIVERED' | 'EXPIRED' | 'UNDELIVERABLE'

/** A message of the SMS API. */
export interface Sms extends SmsRequest {
  readonly requestId: string
  readonly accountId: string
  readonly line: Line
  readonly submitted: number
  readonly partIds: readonly string[]
  status: SmsStatus
  sent: number | undefined
  done: number | undefined
  error: { code: string; reason: string } | undefined
}

export interface SmsInput {
  accountId: string
  request: SmsRequest
  line: Line
  split: SmsParts
}

export interface SmsService {
  /** What it was as it was accepted: what became of it since is for `find` to tell. */
  send(input: SmsInput, delivery: Delivery): Sms
  find(accountId: string, requestId: string): Sms | undefined
  /** The number of any account's message, for faults by number. */
  numberOf(requestId: string): string | undefined
  clear(): void
}

export interface SmsServiceParts {
  clock: Clock
  messages: Messages
  poster: Poster
  toReport(sms: Sms): object
}

const capacity = 10_000
/** tyntec keeps a status for three months. */
const keptFor = 90 * 24 * 60 * 60 * 1000

/** What happens to the messages of the SMS API, without HTTP. */
export function createSmsService(parts: SmsServiceParts): SmsService {
  const { clock, messages, poster, toReport } = parts
  const byId = new Map<string, Sms>()

  function end(sms: Sms, status: SmsStatus, error?: Sms['error']) {
    sms.status = status
    sms.done = clock.now()
    sms.error = error
    if (sms.callbackUrl === undefined) return
    poster.post({
      operation: 'webhook.report',
      url: sms.callbackUrl,
      method: sms.callbackMethod,
      content: toReport(sms),
      number: sms.to,
    })
  }

  function arrive(sms: Sms, copies: number) {
    if (sms.done !== undefined) return
    for (let copy = 0; copy < copies; copy += 1) {
      messages.add({
        channel: 'sms',
        to: sms.to,
        from: sms.from,
        text: sms.message,
        code: codeIn(sms.message),
        otpId: '',
        sentAt: new Date(clock.now()).toISOString(),
        requestId: sms.requestId,
      })
    }
    end(sms, 'DELIVERED')
  }

  function expire(sms: Sms) {
    if (sms.done !== undefined) return
    end(sms, 'EXPIRED', { code: '1', reason: 'The validity ran out before it was delivered.' })
  }

  function start(sms: Sms, delivery: Delivery) {
    sms.sent = clock.now()
    sms.status = 'BUFFERED'
    const failure = failureOf(delivery, 'sms', sms.line)
    if (failure) return end(sms, 'UNDELIVERABLE', { code: '2', reason: failure.text })
    if (delivery.copies > 0 && delivery.delay === 0) return arrive(sms, delivery.copies)
    if (delivery.copies > 0) clock.after(delivery.delay, () => arrive(sms, delivery.copies))
    clock.after(sms.validity * 60, () => expire(sms))
  }

  return {
    send({ accountId, request, line, split }, delivery) {
      const submitted = clock.now()
      const sms: Sms = {
        ...request,
        line,
        accountId,
        requestId: randomUUID(),
        submitted,
        partIds: split.parts.map(() => randomUUID()),
        status: 'ACCEPTED',
        sent: undefined,
        done: undefined,
        error: undefined,
      }
      const accepted = { ...sms }
      byId.set(sms.requestId, sms)
      if (byId.size > capacity) byId.delete(byId.keys().next().value ?? '')
      if (request.sendAt === undefined) start(sms, delivery)
      else clock.after((request.sendAt - submitted) / 1000, () => start(sms, delivery))
      return accepted
    },
    find(accountId, requestId) {
      const sms = byId.get(requestId)
      const kept = sms?.accountId === accountId && clock.now() < sms.submitted + keptFor
      return kept ? sms : undefined
    },
    numberOf: (requestId) => byId.get(requestId)?.to,
    clear: () => byId.clear(),
  }
}
