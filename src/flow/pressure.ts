import {
  BrokenCircuitError,
  bulkhead,
  CircuitState,
  circuitBreaker,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel'
import { randomUUID } from 'node:crypto'
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
  /** For one step, which has to `leave` when it ends. */
  enter(): Visit
}

/** One step's way to tyntec. */
export interface Visit {
  tyntec: TyntecClient
  /**
   * Takes a place until the step ends, or refuses at once, so that an overload costs no round trip
   * to Redis and nobody's limits.
   *
   * @throws {OtpError} `ERR_OTP_PROVIDER_UNAVAILABLE`
   */
  refuseEarly(share: 'sends' | 'checks'): void
  /** Asks tyntec for an OTP that it can't have: a call that does nothing, and fails as others would. */
  probe(share: Share): Promise<void>
  leave(): void
}

/** Seconds after which an open breaker lets one call try. */
const halfOpenAfter = 5

/** Seconds after which others may have the place of a step that has not asked tyntec. */
const patience = 1

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
  let openedAt = 0
  breaker.onBreak(() => (openedAt = Date.now()))
  /** The step that may find out whether tyntec is back. */
  let scout: Visit | undefined

  const bulkheads = {
    sends: bulkhead(concurrency.sends),
    checks: bulkhead(concurrency.checks),
    others: bulkhead(Math.ceil(concurrency.checks / 2)),
  }
  const places = {
    sends: createPlaces(concurrency.sends),
    checks: createPlaces(concurrency.checks),
  }

  const through = async <T>(share: Share, call: () => Promise<T>): Promise<T> => {
    // cockatiel has all others wait for the call that tries; that would be a queue.
    if (breaker.state === CircuitState.HalfOpen) throw open()
    // Before the breaker, which would take a full bulkhead for an answer of tyntec's.
    if (bulkheads[share].executionSlots === 0) throw tooMany()
    try {
      return await breaker.execute(() => bulkheads[share].execute(call))
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw open()
      throw error
    }
  }

  const { otp, ...others } = tyntec
  const enter = (): Visit => {
    const ask = <T>(share: Share, call: () => Promise<T>): Promise<T> => {
      places.sends.keep(visit)
      places.checks.keep(visit)
      return through(share, call)
    }
    const visit: Visit = {
      tyntec: {
        otp: {
          send: (parameters) => ask('sends', () => otp.send(parameters)),
          resend: (otpId, parameters) => ask('sends', () => otp.resend(otpId, parameters)),
          // A look-up follows a send or a check; new ones must not take its place.
          list: (number) => ask('others', () => otp.list(number)),
          find: (number, referenceId, options) =>
            ask('others', () => otp.find(number, referenceId, options)),
          check: (otpId, code, expected) => ask('checks', () => otp.check(otpId, code, expected)),
          read: (otpId, expected) => ask('checks', () => otp.read(otpId, expected)),
          delete: (otpId) => ask('others', () => otp.delete(otpId)),
          events: (otpId) => ask('others', () => otp.events(otpId)),
        },
        ...others,
      },
      refuseEarly(share) {
        const shut = breaker.state !== CircuitState.Closed
        const due = Date.now() - openedAt >= halfOpenAfter * 1000
        if (shut && (scout || !due)) throw open()
        if (!places[share].take(visit)) throw tooMany()
        if (shut) scout = visit
      },
      async probe(share) {
        await ask(share, () => otp.read(randomUUID()))
      },
      leave() {
        places.sends.leave(visit)
        places.checks.leave(visit)
        if (scout === visit) scout = undefined
      },
    }
    return visit
  }
  return { enter }
}

/** So many steps at once. Nobody waits for a place. */
function createPlaces(size: number) {
  /** Since when each has had its place without asking tyntec: it may be waiting for another request. */
  const taken = new Map<Visit, number>()
  return {
    take(visit: Visit): boolean {
      if (taken.size >= size) {
        const before = performance.now() - patience * 1000
        const idle = [...taken].find(([, since]) => since < before)
        if (!idle) return false
        taken.delete(idle[0])
      }
      taken.set(visit, performance.now())
      return true
    },
    keep(visit: Visit): void {
      if (taken.has(visit)) taken.set(visit, Number.POSITIVE_INFINITY)
    },
    leave(visit: Visit): void {
      taken.delete(visit)
    },
  }
}

/** What speaks of tyntec as a whole, not of one number or code. */
export function isOutage(error: Error): boolean {
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
