/** The class that all stores of the library derive from. It is not in the index of the package. */
declare module 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js' {
  import type { RateLimiterRes } from 'rate-limiter-flexible'

  export default abstract class RateLimiterStoreAbstract {
    constructor(options: {
      storeClient: unknown
      keyPrefix: string
      points: number
      duration: number
      inMemoryBlockOnConsumed?: number
    })
    readonly points: number
    consume(key: string, points: number, options: object): Promise<RateLimiterRes>
    getKey(key: string): string
    getInMemoryBlockMsBeforeExpire(key: string): number
    protected abstract _upsert(
      key: string,
      points: number,
      milliseconds: number,
      forceExpire: boolean,
      options: object,
    ): Promise<unknown>
    protected abstract _getRateLimiterRes(
      key: string,
      points: number,
      result: unknown,
    ): RateLimiterRes
  }
}

declare module 'rate-limiter-flexible/lib/RateLimiterRes.js' {
  export { RateLimiterRes as default } from 'rate-limiter-flexible'
}
