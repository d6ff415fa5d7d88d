import { performance } from 'node:perf_hooks'
import { refused, safeCause } from './failures.js'
import { isApiKey, type ResolvedTyntecOptions } from './options.js'

const cachedFor = 60

export interface ApiKeySource {
  /** Resolves with the key, or throws `ERR_OTP_PROVIDER_AUTH` after `wait` seconds at most. */
  get(wait: number): string | Promise<string>
  /** tyntec has refused the key: the next call asks for it anew. */
  drop(): void
}

export function createApiKeySource({
  apiKey,
}: Pick<ResolvedTyntecOptions, 'apiKey'>): ApiKeySource {
  if (typeof apiKey === 'string') return { get: () => apiKey, drop() {} }

  const ask = async () => {
    let key: unknown
    try {
      key = await apiKey()
    } catch (error) {
      throw refused('the apiKey function failed', { cause: safeCause(error) })
    }
    if (isApiKey(key)) return key
    throw refused('the apiKey function gave no string of visible ASCII characters')
  }
  let cached: { key: string; until: number } | undefined
  let asking: Promise<string> | undefined

  const renew = () => {
    const answer = ask().then((key) => {
      // Not the answer of a question that was given up or dropped meanwhile.
      if (asking === answer) cached = { key, until: performance.now() + cachedFor * 1000 }
      return key
    })
    asking = answer
    const forget = () => {
      if (asking === answer) asking = undefined
    }
    answer.then(forget, forget)
    return answer
  }

  return {
    get(wait) {
      if (cached && performance.now() < cached.until) return cached.key
      const answer = asking ?? renew()
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          // A function that hangs once would otherwise hold up every call after this one.
          if (asking === answer) asking = undefined
          reject(refused('the apiKey function took too long'))
        }, wait * 1000)
        answer.then(resolve, reject).finally(() => clearTimeout(timer))
      })
    },
    drop() {
      cached = undefined
      asking = undefined
    },
  }
}
