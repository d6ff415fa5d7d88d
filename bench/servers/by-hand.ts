import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Redis, Result } from 'ioredis'
import { Pool } from 'undici'
import { apiKey, secret, setting } from './serve.js'

// What somebody would write who needs nothing but the three steps: a script, a call and a script for
// each of them. No limits, no answer that is lost, no double click.

const reserve = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'state', 'sending', 'number', ARGV[1], 'attempts', 0)
redis.call('PEXPIRE', KEYS[1], 300000)
return 1`

const settle = `
redis.call('HSET', KEYS[1], 'state', 'pending', 'otp', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 300000)
return 1`

const claim = `
if redis.call('HGET', KEYS[1], 'state') ~= 'pending' then return false end
if redis.call('HINCRBY', KEYS[1], 'attempts', 1) > 3 then return false end
return redis.call('HMGET', KEYS[1], 'number', 'otp')`

const finish = `
if ARGV[1] == '1' then return redis.call('DEL', KEYS[1]) end
return 0`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    bareReserve(key: string, number: string): Result<number, Context>
    bareSettle(key: string, otpId: string): Result<number, Context>
    bareClaim(key: string): Result<[number: string, otpId: string] | null, Context>
    bareFinish(key: string, verified: string): Result<number, Context>
  }
}

export function createByHand(redis: Redis) {
  for (const [name, lua] of Object.entries({ reserve, settle, claim, finish })) {
    redis.defineCommand(`bare${name[0]?.toUpperCase()}${name.slice(1)}`, { numberOfKeys: 1, lua })
  }
  const pool = new Pool(setting('SANDBOX_URL'), { connections: 50 })
  const headers = { accept: 'application/json', apikey: apiKey }
  const keyOf = (flow: string) => `bare:${flow}`

  const ask = async (path: string) => {
    const { statusCode, body } = await pool.request({ path, method: 'POST', headers })
    return { statusCode, body: (await body.json()) as { otpId?: string } }
  }

  return {
    /** Gives the flow that was started. */
    async send(number: unknown): Promise<string | undefined> {
      if (typeof number !== 'string' || !/^\+[1-9]\d{6,14}$/.test(number)) return undefined
      const flow = randomBytes(32).toString('base64url')
      await redis.bareReserve(keyOf(flow), number)
      const query = `number=${encodeURIComponent(number)}&pinLength=6&via=SMS`
      const { statusCode, body } = await ask(`/2fa/v1/otp?${query}`)
      if (statusCode !== 200 || !body.otpId) return undefined
      await redis.bareSettle(keyOf(flow), body.otpId)
      return flow
    },
    /** Gives the number that was proven. */
    async check(flow: unknown, code: unknown): Promise<string | undefined> {
      if (typeof flow !== 'string' || typeof code !== 'string') return undefined
      if (!/^\d{6}$/.test(code)) return undefined
      const claimed = await redis.bareClaim(keyOf(flow))
      if (!claimed) return undefined
      const [number, otpId] = claimed
      const { statusCode } = await ask(`/2fa/v1/otp/${otpId}/check?otpCode=${code}`)
      const verified = statusCode === 202
      await redis.bareFinish(keyOf(flow), verified ? '1' : '0')
      return verified ? number : undefined
    },
    close: () => pool.close(),
  }
}

/** A login without a session store: the number and its signature. */
export function sign(value: string): string {
  return `${value}.${createHmac('sha256', secret).update(value).digest('base64url')}`
}

export function unsign(signed: string | undefined): string | undefined {
  const value = signed?.slice(0, signed.lastIndexOf('.'))
  if (!signed || !value) return undefined
  const [given, own] = [Buffer.from(signed), Buffer.from(sign(value))]
  return given.length === own.length && timingSafeEqual(given, own) ? value : undefined
}
