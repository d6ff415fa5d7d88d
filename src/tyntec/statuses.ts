import type { OtpError, ProviderAnswer } from '../errors.js'
import { isObject, jsonOrNothing, own } from './body.js'
import { badAnswer, declined, refused, unavailable } from './failures.js'
import { isErrorResponse, isProblem, providerOf } from './refusal.js'
import type { Answer } from './transport.js'

/** The error for a status that carries no result, the same for all of tyntec's APIs. */
export function failure(answer: Answer): OtpError {
  const { status } = answer
  const provider = providerOf(answer)
  const said = says(provider)
  if (status === 401 || status === 403) {
    return refused(`it refuses the key or the account (${said})`, { provider })
  }
  if (status === 429) {
    return unavailable(`it takes no more requests now (${said})`, {
      processed: 'no',
      provider,
      ...retryAfter(answer),
    })
  }
  if (status >= 500) {
    return unavailable(`it answered ${said}`, { provider, ...retryAfter(answer) })
  }
  if (status === 400) return declined(said, { provider })
  if (status >= 300 && status < 400) return badAnswer(`it is a redirect (${said})`, { provider })
  // With tyntec's own error it is tyntec that refuses; without one it may be anybody.
  if (status >= 400 && !undecidedStatus.includes(status) && isOwnError(answer)) {
    return declined(said, { provider })
  }
  return badAnswer(`its status is unexpected (${said})`, { provider })
}

/** For a path without an id that tyntec could not know. */
export function notFound(answer: Answer): OtpError {
  const provider = providerOf(answer)
  const problem =
    'it knows no such application, or the account has no 2FA API of version 1 ' +
    `(${says(provider)})`
  return refused(problem, { provider })
}

/** The status, with tyntec's code and words where it has given them. */
function says({ status, code, message }: ProviderAnswer): string {
  const error = code === undefined ? '' : `, error ${code}`
  return `${status}${error}${message === undefined ? '' : `: ${message.replace(/\.$/, '')}`}`
}

/** Statuses of which even tyntec's own error does not say that nothing has happened. */
const undecidedStatus = [408, 409, 425, 499]

function isOwnError(answer: Answer): boolean {
  const value = jsonOrNothing(answer)
  return (isErrorResponse(value) || isProblem(value)) && isObject(value) && !own(value, 'otpId')
}

/** Seconds from 1 to 60, whatever the server says: the wait is a hint, and nobody waits longer. */
function retryAfter({ retryAfter: value }: Answer): { retryAfter?: number } {
  if (value === undefined) return {}
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isNaN(seconds) ? {} : { retryAfter: Math.min(60, Math.max(1, Math.ceil(seconds))) }
}
