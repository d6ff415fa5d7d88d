import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  circuitBreaker,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel'
import { OtpError } from '../errors.js'
import type { TyntecClient } from '../tyntec/index.js'

/** Calls to tyntec that may be under way at once in this process. */
export interface Concurrency {
  sends: number
  checks: number
}

/** Which calls share places: a flood of sends leaves the checks theirs. */
export type Share = 'sends' | 'checks' | 'others'

export interface Pressure {
  tyntec: TyntecClient
  /**
   * Refuses at once when a call would be refused, so that an overload costs no round trip to Redis.
   *
   * @throws {OtpError} `ERR_OTP_PROVIDER_UNAVAILABLE`
   */
  refuseEarly(share: Share): void
}

/** Seconds after which an open breaker lets one call try. */
const halfOpenAfter = 5

/**
 * Keeps a slow or failing tyntec from taking the app with it: a bounded number of calls at once,
 * none in a queue, and a breaker that stops asking while most calls fail.
 */
export function createPressure(tyntec: TyntecClient, concurrency: Concurrency): Pressure {
  // One for all calls: they go to the same service. Half of at least 40 calls in 10 s have to fail,
  // so that a few people's bad luck never stops the rest.
  const breaker = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: halfOpenAfter * 1000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 4 }),
  })
  const bulkheads = {
    sends: bulkhead(concurrency.sends),
    checks: bulkhead(concurrency.checks),
    others: bulkhead(Math.ceil(concurrency.checks / 2)),
  }

  const through = async <T>(share: Share, call: () => Promise<T>): Promise<T> => {
    try {
      return await breaker.execute(() => bulkheads[share].execute(call))
    } catch (error) {
      if (error instanceof BulkheadRejectedError) throw tooMany()
      if (error instanceof BrokenCircuitError) throw open()
      throw error
    }
  }

  const { otp } = tyntec
  return {
    tyntec: {
      otp: {
        send: (parameters) => through('sends', () => otp.send(parameters)),
        resend: (otpId, parameters) => through('sends', () => otp.resend(otpId, parameters)),
        // A look-up follows a send whose place is free again; it must not wait behind new ones.
        list: (number) => through('others', () => otp.list(number)),
        check: (otpId, code, expected) => through('checks', () => otp.check(otpId, code, expected)),
        read: (otpId, expected) => through('checks', () => otp.read(otpId, expected)),
        delete: (otpId) => through('others', () => otp.delete(otpId)),
        events: (otpId) => through('others', () => otp.events(otpId)),
      },
      close: tyntec.close,
    },
    refuseEarly(share) {
      if (bulkheads[share].executionSlots === 0) throw tooMany()
    },
  }
}

/** What speaks of tyntec as a whole, not of one number or code. */
function isOutage(error: Error): boolean {
  return (
    error instanceof OtpError &&
    (error.code === 'ERR_OTP_PROVIDER_UNAVAILABLE' ||
      error.code === 'ERR_OTP_PROVIDER_AUTH' ||
      (error.code === 'ERR_OTP_PROVIDER_RESPONSE' && error.processed === 'unknown'))
  )
}

function tooMany(): OtpError {
  return new OtpError('ERR_OTP_PROVIDER_UNAVAILABLE', 'Too many calls to tyntec are under way', {
    processed: 'no',
    retryAfter: 2,
  })
}

function open(): OtpError {
  return new OtpError(
    'ERR_OTP_PROVIDER_UNAVAILABLE',
    'Most calls to tyntec fail, so it gets a rest',
    {
      processed: 'no',
      retryAfter: halfOpenAfter,
    },
  )
}
