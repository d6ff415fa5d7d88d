import { redisStore } from 'passport-tyntec-otp'
import { expect, test } from 'vitest'
import { setupApp } from '../support/app.js'
import { createRedis } from '../support/redis.js'

/*
 * However a number is written, it is one number to limits, keys, cooldown and tyntec, or none at all:
 * a second key would be a second set of limits.
 */

const number = '+4915112345678'

/** All of them are that number. */
const right: [number: string, country?: string][] = [
  ['+4915112345678'],
  ['004915112345678'],
  ['+49 151 12345678'],
  ['+49 151 1234 5678'],
  ['+49-151-12345678'],
  ['+49.151.12345678'],
  ['+49(151)12345678'],
  ['+49 (0)151 12345678'],
  ['+49 0151 12345678'],
  ['(+49) 151 12345678'],
  ['+ 49 151 12345678'],
  [' +4915112345678 '],
  ['+4-9-1-5-1-1-2-3-4-5-6-7-8'],
  ['0049-151-12345678'],
  ['00 49 151 12345678'],
  ['(0049) 151 12345678'],
  ['0049 (0)151 12345678'],
  ['015112345678', 'DE'],
  ['(0151) 12345678', 'DE'],
  ['151.12345678', 'de'],
  ['+49 151 12345678', 'US'],
  ['0049 151 12345678', 'DE'],
  ['011 49 151 12345678', 'US'],
  ['0011 49 151 12345678', 'AU'],
  ['tel:+49-151-12345678'],
  ['+4915112345678\n'],
  ['+49\u00a015112345678'],
  ['+49\u200b15112345678'],
  ['\u202d+4915112345678'],
  ['+49–15112345678'],
  ['＋4915112345678'],
  ['+４９１５１１２３４５６７８'],
  ['+٤٩١٥١١٢٣٤٥٦٧٨'],
  ['+49/151/12345678'],
  ['+49 151 12345678', 'ZZ'],
  ['+49 151 12345678', 'UK'],
]

/** None of them is, although a lenient parser makes it that number. */
const wrong: [number: string, country?: string][] = [
  ['015112345678'],
  ['4915112345678'],
  ['+0049 151 12345678'],
  ['++4915112345678'],
  ['+4915112345678;ext=5'],
  ['+49 151 12345678 x22'],
  ['+49 151 12345678#5'],
  ['call me +49 151 12345678 ok'],
  ['+49\t15112345678'],
  ['+4915112345678\u0000'],
  ['0151 12345678', 'US'],
  ['0151 12345678', 'UK'],
  ['0049 151 12345678', 'AU'],
  ['49 151 12345678', 'DE'],
  ['+49 49 151 12345678'],
]

// proves: NUM-1, NUM-2
test.each(['express 5', 'koa 3'] as const)(
  'every spelling of a number is one number, or a 400, on %s',
  async (framework) => {
    const { redis, prefix } = await createRedis()
    const app = await setupApp({
      framework,
      flow: {
        store: redisStore(redis, { prefix }),
        countries: ['DE', 'US'],
        limits: { sendsPerAddress: { points: 1000, duration: 3600 } },
      },
    })
    const send = async ([spelling, country]: [string, string?], form: boolean) => {
      const fields = { number: spelling, ...(country && { country }) }
      const client = app.client()
      const asked = form ? client.submit('/login/send', fields) : client.post('/login/send', fields)
      const { status, json } = await asked
      return [spelling, status, json?.code]
    }

    const [first = [number], ...others] = right
    expect(await send(first, false)).toEqual([number, 202, undefined])
    for (const form of [false, true]) {
      for (const spelling of others) {
        // It has to wait as the same number has to.
        expect(await send(spelling, form)).toEqual([spelling[0], 429, 'resend_too_soon'])
      }
      for (const spelling of wrong) {
        expect(await send(spelling, form)).toEqual([spelling[0], 400, expect.any(String)])
      }
    }

    const journal = await fetch(`${app.sandbox.url}/_sandbox/requests`)
    const asked = (await journal.json()) as { query: { number: string } }[] // the sandbox's own
    expect(asked.map(({ query }) => query.number)).toEqual([number])

    const keys = await redis.keys(`${prefix}*`)
    const ofNumber = /^\{([\w-]+)\}:(?:number|flow:[\w-]+)$/
    const tags = keys.flatMap((key) => ofNumber.exec(key.slice(prefix.length))?.[1] ?? [])
    // The flow, and what the number has used.
    expect(tags).toHaveLength(2)
    expect(new Set(tags).size).toBe(1)
    // For support it is the same number too.
    await expect(app.flow.unlock('0049 (0)151 123-456-78')).resolves.toBeUndefined()
  },
)
