import { type Answer, jsonAnswer } from '../api/answer.js'
import type { ApiCall, Glance, OperationTable } from '../api/operation.js'
import type { Problem } from '../api/parameters.js'
import type { Clock } from '../clock.js'
import type { ReadNumber } from '../numbers.js'
import { deliveryBy } from '../otp/delivery.js'
import { isLoopback, parseUrl } from '../webhooks/loopback.js'
import { isGsm, splitSms } from './parts.js'
import { readSms, smsFields } from './request.js'
import type { Sms, SmsService } from './sms.js'
import { transcode } from './transcode.js'

export interface SmsOperationParts {
  clock: Clock
  readNumber: ReadNumber
  service: SmsService
  toResponse(sms: Sms): object
}

/** tyntec's Messaging API: an SMS by POST or GET, and what became of it. */
export function smsOperations(parts: SmsOperationParts): OperationTable {
  const { clock, readNumber, service, toResponse } = parts

  function send(call: ApiCall): Answer {
    const byQuery = call.method === 'GET'
    if (!byQuery && call.given.size > 0) return call.refuse(400, bodyOnly)
    const input = byQuery ? Object.fromEntries(call.given) : call.body
    const asked = readSms(input, byQuery || call.isForm)
    if ('hint' in asked) return call.refuse(400, asked)
    const reading = readNumber(asked.to)
    if (reading.status === 'invalid') {
      return call.refuse(400, { message: 'Invalid field to', hint: reading.reason })
    }
    if (asked.sendAt !== undefined && asked.sendAt <= clock.now()) {
      return call.refuse(400, { message: 'sendDateTime is past', hint: 'Any future date will do.' })
    }
    const unicode = asked.encoding === 'UNICODE'
    const message = unicode ? asked.message : transcode(asked.message, asked)
    if (asked.encoding === 'GSM7' && !isGsm(message)) return call.refuse(400, notGsm)
    const split = splitSms(message, unicode ? 'UCS-2' : undefined)
    if (split.parts.length > asked.partLimit) {
      return call.refuse(400, {
        message: `The message takes ${split.parts.length} parts`,
        hint: `partLimit is ${asked.partLimit}; there are ${split.units} units of ${split.encoding}.`,
      })
    }
    const request = { ...asked, to: reading.number, message }
    const { accountId, effect, reason } = call
    const accepted = service.send(
      { accountId, request, line: reading.line, split },
      deliveryBy(effect, reason),
    )
    const answer = jsonAnswer(200, toResponse(accepted))
    return isElsewhere(asked.callbackUrl) ? { ...answer, hint: noReports } : answer
  }

  function get(call: ApiCall): Answer {
    const sms = service.find(call.accountId, call.ids[0] ?? '')
    return sms ? jsonAnswer(200, toResponse(sms)) : call.refuse(404, unknownRequest)
  }

  function recipient({ body, method, search }: Glance): string | undefined {
    const to = method === 'GET' ? new URLSearchParams(search).get('to') : toOf(body)
    const reading = readNumber(to ?? '')
    return reading.status === 'parsed' ? reading.number : undefined
  }

  return {
    'sms.send': { parameters: smsFields, body: true, number: recipient, perform: send },
    'sms.get': { number: ({ ids }) => service.numberOf(ids[0] ?? ''), perform: get },
  }
}

/** The recipient in a body that was not looked at yet. */
export const toOf = (body: unknown): string | undefined =>
  typeof body === 'object' && body !== null && 'to' in body && typeof body.to === 'string'
    ? body.to
    : undefined

function isElsewhere(callbackUrl: string | undefined): boolean {
  const url = callbackUrl === undefined ? undefined : parseUrl(callbackUrl)
  return url !== undefined && !isLoopback(url)
}

const noReports = 'No reports: callbackUrl is not on this machine.'

const bodyOnly: Problem = {
  message: 'Unexpected query',
  hint: 'With POST the fields go in the body, as JSON or as a form.',
}

const notGsm: Problem = {
  message: 'The message has characters that are not in GSM7',
  hint: 'Take encoding AUTO or UNICODE, or let trate and mrate replace and skip some.',
}

const unknownRequest: Problem = {
  message: 'Message not found',
  hint: 'There is no message with this id, it is older than three months, or of another key.',
}
