import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js'
import type { Count, Limit } from '../store/steps/limits.js'

/** What a limit says. */
export interface LimitAnswer {
  allowed: boolean
  /** Seconds. */
  retryAfter: number
}

/**
 * A limiter of rate-limiter-flexible whose counts travel inside the steps of the store: the step has counted, or
 * refused, and the library judges what has come of it. A key that is over its limit is then refused from
 * memory until its window ends.
 */
export interface Limiter {
  readonly limit: Limit
  /** The answer from memory, or nothing when the store has to be asked. */
  refused(key: string): LimitAnswer | undefined
  judge(key: string, count: Count): Promise<LimitAnswer>
}

class StepLimiter extends RateLimiterStoreAbstract {
  protected override async _upsert(...args: unknown[]): Promise<unknown> {
    return args[4]
  }

  protected override _getRateLimiterRes(_key: string, points: number, count: Count) {
    const { used, wait } = count
    return new RateLimiterRes(Math.max(this.points - used, 0), wait, used, used === points)
  }
}

/** @param certain nothing ends its windows early, so that a refusal holds until then */
export function createLimiter(limit: Limit, certain: boolean): Limiter {
  const { name, points, duration, cost = 1 } = limit
  const limiter = new StepLimiter({
    storeClient: null,
    keyPrefix: name,
    points,
    duration,
    ...(certain && { inMemoryBlockOnConsumed: points + 1 }),
  })
  return {
    limit,
    refused(key) {
      const wait = limiter.getInMemoryBlockMsBeforeExpire(limiter.getKey(key))
      return wait > 0 ? { allowed: false, retryAfter: Math.ceil(wait / 1000) } : undefined
    },
    async judge(key, count) {
      try {
        return answerOf(await limiter.consume(key, cost, count), true)
      } catch (rejection) {
        // The library rejects with a result, not an Error, when the limit is reached.
        if (!(rejection instanceof RateLimiterRes)) throw rejection
        return answerOf(rejection, false)
      }
    },
  }
}

function answerOf({ msBeforeNext }: RateLimiterRes, allowed: boolean): LimitAnswer {
  return { allowed, retryAfter: Math.max(1, Math.ceil(msBeforeNext / 1000)) }
}
