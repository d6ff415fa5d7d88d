import { OtpError } from '../errors.js'
import type { CheckAnswer, Otp, OtpEvent, ResendAnswer } from './entities.js'
import { badAnswer, refused, unavailable } from './failures.js'
import type { Answer } from './transport.js'

/** What an answer has to be about. */
export interface Asked {
  otpId?: string | undefined
  number?: string | undefined
  referenceId?: string | undefined
}

/** tyntec's ids, and nothing that could leave its segment of a path. */
export function isOtpId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(value)
}

export function toSent(answer: Answer, asked: Asked): Otp {
  if (answer.status === 200 || answer.status === 201) return entity(answer, asked)
  if (answer.status === 400) throw refusedParameters(providerCode(answer))
  if (answer.status === 404) throw refused('it knows no such application (404)')
  throw failure(answer)
}

export function toOtp(answer: Answer, asked: Asked): Otp | undefined {
  if (answer.status === 200) return entity(answer, asked)
  if (answer.status === 404) return undefined
  throw failure(answer)
}

export function toOtps(answer: Answer, asked: Asked): Otp[] {
  if (answer.status === 204) return []
  if (answer.status === 200) return list(answer).map((item) => about(parseOtp(item), asked))
  throw failure(answer)
}

export function toEvents(answer: Answer): OtpEvent[] {
  // An OTP that tyntec doesn't know has no events.
  if (answer.status === 204 || answer.status === 404) return []
  if (answer.status === 200) return list(answer).map(parseEvent)
  throw failure(answer)
}

export function toDeleted(answer: Answer, asked: Asked): boolean {
  if (answer.status === 204) return true
  if (answer.status === 404 || answer.status === 410) return false
  if (answer.status !== 200) throw failure(answer)
  // The status is the answer, as long as it is tyntec's, which a page of HTML is not.
  if (text(answer) !== '') mentioned(json(answer), asked)
  return true
}

export function toResend(answer: Answer, asked: Asked): ResendAnswer {
  switch (answer.status) {
    case 200:
    case 201:
      return { result: 'sent', otp: entity(answer, asked) }
    case 404:
    case 410:
      return { result: 'over' }
    case 401: {
      // "OTP is not valid anymore" has an error's body; a rejected key has none.
      const value = jsonIfAny(answer)
      if (isErrorResponse(value)) return { result: 'over' }
      const otp = mentioned(value, asked)
      if (!otp) throw failure(answer)
      if (endOf(otp) === 'unknown') throw undecided(answer)
      return { result: 'over' }
    }
    default:
      throw failure(answer)
  }
}

export function toCheck(answer: Answer, asked: Asked): CheckAnswer {
  switch (answer.status) {
    case 202: {
      const otp = entity(answer, asked)
      if (otp.otpStatus !== 'VERIFIED') throw undecided(answer)
      return { result: 'valid', otp }
    }
    case 401:
    case 403: {
      // A refused key or account comes without the OTP.
      const otp = mentioned(jsonIfAny(answer), asked)
      if (!otp) throw failure(answer)
      if (answer.status === 401 && otp.otpStatus === 'ACTIVE') return { result: 'wrong', otp }
      const end = endOf(otp)
      // A refusal that says VERIFIED contradicts itself.
      if (end !== 'attempts' && end !== 'expired') throw undecided(answer)
      return { result: 'over', end, counted: true, otp }
    }
    case 404:
    case 410: {
      const over = { result: 'over', counted: false } as const
      const otp = mentioned(jsonOrNothing(answer), asked)
      return otp ? { ...over, end: endOf(otp), otp } : { ...over, end: 'unknown' }
    }
    default:
      throw failure(answer)
  }
}

/** The error for a status that carries no result. */
function failure(answer: Answer): OtpError {
  const { status } = answer
  if (status === 401 || status === 403)
    return refused(`it refuses the key or the account (${status})`)
  if (status === 429) {
    return unavailable('it takes no more requests now (429)', {
      processed: 'no',
      ...retryAfter(answer),
    })
  }
  if (status >= 500) return unavailable(`it answered ${status}`, retryAfter(answer))
  if (status === 400) return refusedParameters()
  if (status >= 300 && status < 400) return badAnswer(`it is a redirect (${status})`)
  return badAnswer(`its status is unexpected (${status})`)
}

function refusedParameters(code?: string): OtpError {
  const detail = code === undefined ? '400' : `400, error ${code}`
  return badAnswer(`it refuses the parameters (${detail})`, { processed: 'no' })
}

/** tyntec's error codes are four digits. Anything longer might repeat what we sent. */
function providerCode(answer: Answer): string | undefined {
  const value = jsonOrNothing(answer)
  const code = isObject(value) ? own(value, 'code') : undefined
  return typeof code === 'string' && /^1\d{3}$/.test(code) ? code : undefined
}

function undecided(answer: Answer): OtpError {
  return badAnswer(`its otpStatus does not go with ${answer.status}`)
}

function endOf(otp: Otp): 'expired' | 'attempts' | 'verified' | 'unknown' {
  switch (otp.otpStatus) {
    case 'EXPIRED':
      return 'expired'
    case 'TOO_MANY_ATTEMPTS':
      return 'attempts'
    case 'VERIFIED':
      return 'verified'
    default:
      return 'unknown'
  }
}

/** The OTP that the answer has to hold. */
function entity(answer: Answer, asked: Asked): Otp {
  return about(parseOtp(json(answer)), asked)
}

/** The OTP in JSON that may be something else. */
function mentioned(value: unknown, asked: Asked): Otp | undefined {
  if (!isObject(value)) return undefined
  if (own(value, 'otpId') === undefined && own(value, 'otpStatus') === undefined) return undefined
  return about(parseOtp(value), asked)
}

function isErrorResponse(value: unknown): boolean {
  if (!isObject(value)) return false
  // Gateways answer a missing key with a `message` alone, so that isn't enough.
  return typeof own(value, 'code') === 'string' && typeof own(value, 'message') === 'string'
}

function about(otp: Otp, asked: Asked): Otp {
  if (asked.otpId !== undefined && otp.otpId !== asked.otpId) {
    throw badAnswer('it is about another otpId')
  }
  if (
    asked.number !== undefined &&
    otp.number !== undefined &&
    digits(otp.number) !== digits(asked.number)
  ) {
    throw badAnswer('it is about another number')
  }
  if (
    asked.referenceId !== undefined &&
    otp.referenceId !== undefined &&
    otp.referenceId !== asked.referenceId
  ) {
    throw badAnswer('it has another referenceId')
  }
  return otp
}

function digits(number: string): string {
  return number.replace(/\D/g, '').replace(/^00/, '')
}

/** What decides about an answer has to be right; a mistake in the rest is left out. */
const deciding = ['otpStatus', 'number', 'referenceId'] as const
const strings = ['accountId', 'applicationId', 'timestampCreated', 'timestampExpire'] as const
const integers = ['attemptCount', 'created', 'expire'] as const
const eventStrings = ['type', 'status', 'statusText', 'timestampCreated'] as const

function parseOtp(value: unknown): Otp {
  if (!isObject(value)) throw badAnswer('it is not an OTP')
  const otpId = own(value, 'otpId')
  if (!isOtpId(otpId)) throw badAnswer('it has no valid otpId')
  // Without a prototype, a property that tyntec left out can't be inherited from a polluted one.
  const otp: Otp = Object.assign(Object.create(null), { otpId })
  for (const name of deciding) {
    const field = own(value, name)
    if (field === undefined) continue
    if (typeof field !== 'string') throw badAnswer(`its ${name} is not a string`)
    otp[name] = field
  }
  for (const name of strings) {
    const field = own(value, name)
    if (typeof field === 'string') otp[name] = field
  }
  for (const name of integers) {
    const field = own(value, name)
    if (isInteger(field)) otp[name] = field
  }
  return otp
}

function parseEvent(value: unknown): OtpEvent {
  if (!isObject(value)) throw badAnswer('it is not a list of events')
  const event: OtpEvent = {}
  for (const name of eventStrings) {
    const field = own(value, name)
    if (typeof field === 'string') event[name] = field
  }
  const created = own(value, 'created')
  if (isInteger(created)) event.created = created
  return event
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** Own properties only: `__proto__` in an answer, or a polluted prototype here, means nothing. */
function own(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value ?? undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(answer: Answer): unknown[] {
  const value = json(answer)
  if (!Array.isArray(value)) throw badAnswer('it is not a list')
  return value
}

function json(answer: Answer): unknown {
  const body = text(answer)
  if (!isJson(answer)) throw badAnswer('it is not JSON')
  try {
    return JSON.parse(body)
  } catch {
    // The reason is left out: its message quotes the body.
    throw badAnswer('it is malformed JSON')
  }
}

/** For a status that means another thing without JSON. Broken JSON may have meant either. */
function jsonIfAny(answer: Answer): unknown {
  return text(answer) === '' || !isJson(answer) ? undefined : json(answer)
}

/** For a status that says enough by itself. */
function jsonOrNothing(answer: Answer): unknown {
  try {
    return json(answer)
  } catch {
    return undefined
  }
}

function isJson({ contentType = '' }: Answer): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)
}

function text({ body }: Answer): string {
  if (typeof body === 'string') return body
  throw body
}

/** Seconds from 1 to 60, whatever the server says: the wait is a hint, and nobody waits longer. */
function retryAfter({ retryAfter: value }: Answer): { retryAfter?: number } {
  if (value === undefined) return {}
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isNaN(seconds) ? {} : { retryAfter: Math.min(60, Math.max(1, Math.ceil(seconds))) }
}
