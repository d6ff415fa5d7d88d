import type { OtpError } from '../errors.js'
import { isObject, json, jsonIfAny, jsonOrNothing, own, text } from './body.js'
import type { CheckAnswer, Otp, OtpEvent, ResendAnswer } from './entities.js'
import { failure, notFound } from './statuses.js'
import { badAnswer } from './failures.js'
import { exactText, integer, readFields, type Readers } from './fields.js'
import { isErrorResponse } from './refusal.js'
import { isOtpId } from './requests.js'
import type { Answer } from './transport.js'

/** What an answer has to be about. */
export interface Asked {
  otpId?: string | undefined
  number?: string | undefined
  referenceId?: string | undefined
}

export function toSent(answer: Answer, asked: Asked): Otp {
  if (answer.status === 404) throw notFound(answer)
  if (answer.status !== 200 && answer.status !== 201) throw failure(answer)
  const otp = entity(answer, asked)
  // A code that can't be used any more is none that was sent just now.
  if (endOf(otp) !== 'unknown') throw undecided(answer)
  return otp
}

export function toOtp(answer: Answer, asked: Asked): Otp | undefined {
  if (answer.status === 200) return entity(answer, asked)
  if (answer.status === 404) return undefined
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
    case 201: {
      const otp = entity(answer, asked)
      // Not every property has to be there, but one that is there has to agree.
      if (otp.otpStatus === undefined || otp.otpStatus === 'ACTIVE') return { result: 'sent', otp }
      if (endOf(otp) === 'unknown') throw undecided(answer)
      return { result: 'over' }
    }
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

export function about(otp: Otp, asked: Asked): Otp {
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

export function parseOtp(value: unknown): Otp {
  if (!isObject(value)) throw badAnswer('it is not an OTP')
  const otpId = own(value, 'otpId')
  if (!isOtpId(otpId)) throw badAnswer('it has no valid otpId')
  for (const name of deciding) {
    const field = own(value, name)
    if (field !== undefined && typeof field !== 'string') {
      throw badAnswer(`its ${name} is not a string`)
    }
  }
  return Object.assign(readFields(value, readers), { otpId })
}

const readers: Readers<Otp> = {
  otpId: exactText,
  otpStatus: exactText,
  number: exactText,
  referenceId: exactText,
  attemptCount: integer,
  created: integer,
  expire: integer,
  timestampCreated: exactText,
  timestampExpire: exactText,
  accountId: exactText,
  applicationId: exactText,
}

export function parseEvent(value: unknown): OtpEvent {
  if (!isObject(value)) throw badAnswer('it is not a list of events')
  return readFields<OtpEvent>(value, {
    type: exactText,
    status: exactText,
    statusText: exactText,
    created: integer,
    timestampCreated: exactText,
  })
}
