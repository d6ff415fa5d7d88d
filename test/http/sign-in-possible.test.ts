import { createRequire } from 'node:module'
import type { RequestHandler } from 'express'
import { Passport } from 'passport'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import { type App, type AppOptions, frameworks, number, setupApp } from '../support/app.js'
import { expectProblem } from '../support/client.js'

const require = createRequire(import.meta.url)
// It comes without types of its own.
const cookieSession = require('cookie-session') as (options: object) => RequestHandler

/** Sessions that live in a cookie alone, and can't be made anew. */
const inCookie: Pick<AppOptions, 'sessionless' | 'express' | 'koa'> = {
  sessionless: true,
  express: (app) => app.use(cookieSession({ name: 'sid', keys: ['session secret'] })),
  koa: (app) =>
    app.use((ctx, next) => {
      Object.defineProperty(ctx, 'session', { value: {}, configurable: true })
      return next()
    }),
}

/** Another router, with a Passport that knows no strategy. */
const withoutStrategy: Pick<AppOptions, 'express' | 'koa'> = {
  express: (app, { flow }) =>
    app.use('/own', onExpress.otpRouter(flow, { passport: new Passport() })),
  koa: (app, { flow }) =>
    app.use(onKoa.otpRouter(flow, { passport: new Passport(), prefix: '/own' })),
}

const told = ({ events }: App) =>
  events.flatMap((event) => (event.type === 'error' ? [`${event.code} ${event.message}`] : []))

describe.each(frameworks)('nobody pays for a message that signs nobody in, on %s:', (framework) => {
  const library = framework.startsWith('koa') ? 'koa-session' : 'express-session'

  test.each<[string, Partial<AppOptions>, string, string]>([
    ['there is no session', { sessionless: true }, '/login', library],
    ['the session is one in a cookie', inCookie, '/login', `regenerate() and save(), so nobody`],
    [
      'Passport knows no strategy',
      withoutStrategy,
      '/own',
      `'tyntec-otp': passport.use(new Strategy(flow, verify))`,
    ],
  ])('%s', async (_, options, path, fix) => {
    const app = await setupApp({ framework, ...options })
    const client = app.client()
    const answer = await client.post(`${path}/send`, { number })
    expectProblem(answer, 503, 'service_unavailable', { retryAfter: expect.any(Number) })
    expectProblem(await client.post(`${path}/resend`), 503, 'service_unavailable', {
      retryAfter: expect.any(Number),
    })
    expect(await app.requests()).toEqual([])
    expect(app.sandbox.messages()).toEqual([])
    // The operator is told why, and what to write.
    expect(told(app).length).toBeGreaterThan(0)
    for (const each of told(app)) {
      expect(each).toMatch(/^ERR_OTP_MISUSE /)
      expect(each).toContain(fix)
    }
  })
})
