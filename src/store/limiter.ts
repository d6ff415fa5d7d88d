import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { LimitAnswer, Limiter } from './store.js'

/** Our words for what a limiter of rate-limiter-flexible says. */
export function consumerOf(limiter: RateLimiterAbstract): Limiter['consume'] {
  return async (key, points = 1) => {
    try {
      return answerOf(await limiter.consume(key, points), true)
    } catch (rejection) {
      // The library rejects with a result, not an Error, when the limit is reached.
      if (!(rejection instanceof RateLimiterRes)) throw rejection
      return answerOf(rejection, false)
    }
  }
}

function answerOf(result: RateLimiterRes, allowed: boolean): LimitAnswer {
  return {
    allowed,
    // A string on a client with `stringNumbers`.
    retryAfter: Math.max(1, Math.ceil(Number(result.msBeforeNext) / 1000)),
    used: Number(result.consumedPoints),
  }
}
