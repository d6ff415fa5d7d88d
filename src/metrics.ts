import type { OtpEvent, OtpEventListener } from './event.js'

/** What is used of an OpenTelemetry `Meter`, of `@opentelemetry/api` 1.x. */
export interface OtpMeter {
  createCounter(
    name: string,
    options?: { description?: string; unit?: string },
  ): { add(value: number, attributes?: Record<string, string>): void }
  createHistogram(
    name: string,
    options?: {
      description?: string
      unit?: string
      advice?: { explicitBucketBoundaries?: number[] }
    },
  ): { record(value: number, attributes?: Record<string, string>): void }
}

export interface Metrics {
  listener: OtpEventListener
  /** A step has ended, after so many seconds, with an outcome's status or the code of an error. */
  ended(step: string, result: string, duration: number): void
}

/** Fits a send that waits for Redis and tyntec, up to the deadlines of both. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Counts what happens. Each attribute has a small set of values, whatever people send: channels,
 * countries, limits, steps, statuses and codes.
 */
export function createMetrics(meter: OtpMeter): Metrics {
  const counter = (name: string, description: string) =>
    meter.createCounter(`tyntec.otp.${name}`, { description })
  const sends = counter('sends', 'Messages that went out, or may have')
  const checks = counter('checks', 'Tries at a code, by how they ended')
  const verified = counter('verified', 'Codes that were proven')
  const limited = counter('limited', 'Requests that a limit or the budget has refused')
  const refused = counter('refused', 'Requests refused for another reason')
  const durations = meter.createHistogram('tyntec.otp.duration', {
    description: 'How long a step took',
    unit: 's',
    advice: { explicitBucketBoundaries: boundaries },
  })

  return {
    listener(event) {
      switch (event.type) {
        case 'otp.sent':
        case 'otp.resent':
        case 'otp.unconfirmed':
          return sends.add(1, { ...placeOf(event), result: event.type.slice('otp.'.length) })
        case 'otp.verified':
          return verified.add(1, placeOf(event))
        case 'limit.hit':
          return limited.add(1, { policy: event.limit })
        case 'error':
          // The budget's own events come once in each window.
          return event.code === 'ERR_OTP_BUDGET' ? limited.add(1, { policy: 'budget' }) : undefined
        case 'request.refused':
          return refused.add(1, { step: event.step, reason: event.reason })
        default:
          return undefined
      }
    },
    ended(step, result, duration) {
      try {
        durations.record(duration, { step, result })
        if (step === 'check') checks.add(1, { result })
      } catch {
        // What a meter throws changes nothing for the person.
      }
    },
  }
}

function placeOf(event: OtpEvent): Record<string, string> {
  return {
    ...('country' in event && event.country !== undefined && { country: event.country }),
    ...('via' in event && event.via !== undefined && { channel: event.via }),
  }
}
