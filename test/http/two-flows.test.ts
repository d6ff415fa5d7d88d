import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { frameworks, number, setupApp } from '../support/app.js'
import { expectProblem } from '../support/client.js'
import { createRedis } from '../support/redis.js'

const secret = 'the one secret of both flows, longer than 32 bytes'

describe.each(frameworks)('two flows with one secret on one store, on %s,', (framework) => {
  // proves: RED-2
  test('take nothing from each other, each by its name', async () => {
    const { redis, prefix } = await createRedis()
    const store = redisStore(redis, { prefix })
    const shared = { store, secret, binding: 'token' } as const
    const onVerified = () => {}
    const sandbox = await startSandbox()
    onTestFinished(() => sandbox.close())
    const staff = createOtpFlow({
      ...shared,
      name: 'staff',
      apiKey: sandbox.apiKey,
      baseUrl: sandbox.url,
      countries: ['US'],
    })
    onTestFinished(() => staff.drain())
    const app = await setupApp({
      framework,
      sessionless: true,
      opener: 'onVerified',
      flow: { ...shared, name: 'customers' },
      express: (app) => app.use('/staff', onExpress.otpRouter(staff, { onVerified })),
      koa: (app) => app.use(onKoa.otpRouter(staff, { onVerified, prefix: '/staff' })),
    })
    const client = app.client()
    const { json } = await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    const body = { flow: json?.flow, code }
    expectProblem(await client.post('/staff/check', body), 409, 'no_pending_code')
    expectProblem(await client.post('/staff/resend', body), 409, 'no_pending_code')
    expect((await client.post('/staff/cancel', body)).status).toBe(204)
    expect(sandbox.messages()).toEqual([])

    // A phone is one, whoever sends to it: it waits for the message it has, and other numbers don't.
    const again = await client.post('/staff/send', { number })
    expectProblem(again, 429, 'resend_too_soon', { retryAfter: expect.any(Number) })
    expect((await client.post('/staff/send', { number: '+12015550101' })).status).toBe(202)
    // The first flow is as it was.
    expect((await client.post('/login/check', body)).status).toBe(200)
  })
})
