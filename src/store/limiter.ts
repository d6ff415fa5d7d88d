import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { LimitAnswer, Limiter } from './store.js'

/** Our words for a limiter of rate-limiter-flexible. */
export function limiterOf(limiter: RateLimiterAbstract): Limiter {
  return {
    async consume(key, points = 1) {
      try {
        return answerOf(await limiter.consume(key, points), true)
      } catch (rejection) {
        // The library rejects with a result, not an Error, when the limit is reached.
        if (!(rejection instanceof RateLimiterRes)) throw rejection
        return answerOf(rejection, false)
      }
    },

    async refund(key, points = 1) {
      const { consumedPoints } = await limiter.reward(key, points)
      // The window of the use has ended: less than nothing would be more uses for the next one.
      if (consumedPoints < 0) await limiter.penalty(key, Math.min(points, -consumedPoints))
    },
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
