import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'
import { redisStore } from 'passport-tyntec-otp'
import { type AppOptions, number, setupApp } from '../support/app.js'
import type { Answer } from '../support/client.js'
import { createRedis } from '../support/redis.js'
import { advanceRedis } from '../support/stores.js'

/*
 * What a page says of the next message is what the next request for one meets, also where strangers have used up
 * what the number may have.
 */

const owner = { headers: { 'x-forwarded-for': '198.51.100.7' } }
const stranger = { headers: { 'x-forwarded-for': '203.0.113.66' } }

interface Told {
  allowed: boolean
  retryAfter: number
}
const toldBy = ({ json }: Answer) => json?.resend as Told

describe.each([
  ['express 5', 'memory'],
  ['express 5', 'redis'],
  ['koa 3', 'memory'],
  ['koa 3', 'redis'],
] as const)('on %s and %s, the wait for the next message', (framework, kind) => {
  async function storeWithTime() {
    if (kind === 'memory') {
      let passed = 0
      const steps = createMemoryStore(() => performance.now() + passed)
      return {
        store: toOpaque(steps),
        pass: async (seconds: number) => void (passed += seconds * 1000),
      }
    }
    const { redis, prefix } = await createRedis()
    return {
      store: redisStore(redis, { prefix }),
      pass: (seconds: number) => advanceRedis(redis, prefix, seconds),
    }
  }

  async function setup(limits: NonNullable<AppOptions['flow']>['limits'] = {}) {
    const { store, pass } = await storeWithTime()
    const app = await setupApp({ framework, trustProxy: 1, flow: { store, limits } })
    const browser = app.client()
    const sent = await browser.post('/login/send', { number }, owner)
    expect(sent.status).toBe(202)
    const status = async () => toldBy(await browser.get('/login/status', owner))
    /** Nobody gets a message before the wait is over that was told, and everybody after it. */
    const expectTrue = async ({ retryAfter }: Told) => {
      await pass(retryAfter - 5)
      expect((await browser.post('/login/resend', {}, owner)).status).toBe(429)
      await pass(5)
      expect((await browser.post('/login/resend', {}, owner)).status).toBe(202)
    }
    return { app, browser, sent, status, expectTrue, pass }
  }

  // proves: LOCK-6
  test('is the half minute of a flow that nobody disturbs', async () => {
    const { status, expectTrue } = await setup()
    const told = await status()
    expect(told).toMatchObject({ allowed: false })
    expect(told.retryAfter).toBeGreaterThan(25)
    expect(told.retryAfter).toBeLessThanOrEqual(30)
    await expectTrue(told)
  })

  // proves: LOCK-6
  test('is longer by what a stranger has just sent to the number', async () => {
    const { app, status, expectTrue, pass } = await setup()
    await pass(31)
    expect(await status()).toMatchObject({ allowed: true, retryAfter: 0 })
    expect((await app.client().post('/login/send', { number }, stranger)).status).toBe(202)
    const told = await status()
    expect(told).toMatchObject({ allowed: false })
    expect(told.retryAfter).toBeGreaterThan(25)
    expect(told.retryAfter).toBeLessThanOrEqual(30)
    await expectTrue(told)
  })

  // proves: LOCK-6
  test('is that of a number whose messages strangers have used up', async () => {
    const { app, browser, status, expectTrue, pass } = await setup({
      sendsPerNumber: [{ points: 3, duration: 200 }],
    })
    for (let messages = 0; messages < 2; messages += 1) {
      await pass(31)
      expect((await app.client().post('/login/send', { number }, stranger)).status).toBe(202)
    }
    const told = await status()
    expect(told.allowed).toBe(false)
    expect(told.retryAfter).toBeGreaterThan(130)
    // The refusal of a request says the same, also within the flow's own wait.
    const refused = await browser.post('/login/resend', {}, owner)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(130)
    await expectTrue(told)
  })

  // proves: LOCK-6
  test('is told with the message that is the last one, and to a second click', async () => {
    const { browser, sent, status } = await setup({
      sendsPerNumber: [{ points: 1, duration: 200 }],
    })
    const again = await browser.post('/login/send', { number }, owner)
    expect(again.status).toBe(202)
    for (const told of [toldBy(sent), toldBy(again), await status()]) {
      expect(told.allowed).toBe(false)
      expect(told.retryAfter).toBeGreaterThan(180)
    }
  })
})
