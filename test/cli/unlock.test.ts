import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { expect, onTestFinished, test } from 'vitest'
import { setupSandbox } from '../sandbox/setup.js'
import { createRedis } from '../support/redis.js'
import { run, runJson } from './setup.js'

const number = '+12015550100'
const OTP_SECRET = 'n7Qw2ZxV5bT8kLr3YpGd6HsJ9fMa1CeU-unlock'

/** A number with so many failures that even its owner has to wait. */
async function setup() {
  const { sandbox } = await setupSandbox()
  const { redis, prefix, url } = await createRedis()
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    countries: ['US'],
    secret: OTP_SECRET,
    store: redisStore(redis, { prefix, timeout: 5 }),
    limits: { failuresPerNumber: { free: 1 } },
    validate: false,
  })
  onTestFinished(() => flow.drain())
  const sent = await flow.send({ number, address: '192.0.2.1' })
  if (sent.status !== 'sent') throw new Error(`The send was ${sent.status}.`)
  const right = await sandbox.waitForCode(number)
  const code = right === '000000' ? '000001' : '000000'
  const attempt = async () => {
    const { status } = await flow.check({ handle: sent.handle, code, address: '192.0.2.1' })
    return status
  }
  expect(await attempt()).toBe('invalid_code')
  expect(await attempt()).toBe('rate_limited')
  return { attempt, prefix, env: { REDIS_URL: url, OTP_SECRET } }
}

test('unlock ends the failures of a number, and nothing else needs to be known', async () => {
  const { attempt, prefix, env } = await setup()
  expect(await run(['unlock', number, '--prefix', prefix], env)).toEqual({
    code: 0,
    out: 'unlocked\n',
    err: '',
  })
  expect(await attempt()).toBe('invalid_code')
})

test('unlock of another secret, prefix or number changes nothing here', async () => {
  const { attempt, prefix, env } = await setup()
  const other = { ...env, OTP_SECRET: 'B4vN8mXc2QzL6wRt9KyHs3PdGf7JaEu5-other' }
  expect(await runJson(['unlock', number, '--prefix', prefix], other)).toMatchObject({ code: 0 })
  expect(await runJson(['unlock', number, '--prefix', `${prefix}x:`], env)).toMatchObject({
    code: 0,
  })
  expect(await runJson(['unlock', '+12015550101', '--prefix', prefix], env)).toMatchObject({
    code: 0,
  })
  expect(await attempt()).toBe('rate_limited')
})

test.each<[string, Record<string, string>, RegExp]>([
  ['OTP_SECRET', { REDIS_URL: 'redis://127.0.0.1:9' }, /^OTP_SECRET is not set/],
  ['REDIS_URL', { OTP_SECRET }, /^REDIS_URL is not set/],
  ['a good address', { OTP_SECRET, REDIS_URL: '127.0.0.1' }, /^REDIS_URL must be a URL/],
])('unlock without %s is wrong use', async (_, env, expected) => {
  const { code, out, err } = await run(['unlock', number], env)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(expected)
  expect(err).toMatch(/^[^\n]+\n$/)
})

test('unlock without a Redis that answers fails, and shows no address', async () => {
  const REDIS_URL = 'redis://:pa55@127.0.0.1:9'
  const { code, out, err } = await run(['unlock', number], { OTP_SECRET, REDIS_URL })
  expect([code, out]).toEqual([1, ''])
  expect(err).toMatch(/^Redis can not be reached.*ERR_OTP_STORE_UNAVAILABLE\)\n$/)
  expect(err).not.toContain('pa55')
})

test.each([
  ['a short secret', 'short', number],
  ['a number that is none', OTP_SECRET, '12'],
])('unlock with %s is wrong use', async (_, secret, given) => {
  const { url } = await createRedis()
  const { code, out, err } = await run(['unlock', given], { OTP_SECRET: secret, REDIS_URL: url })
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^[^\n]+\n$/)
})
