import { createRequire } from 'node:module'
import type { RequestHandler } from 'express'
import { Passport } from 'passport'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import { type App, type AppOptions, frameworks, number, setupApp } from '../support/app.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'
import { expectProblem, keepCookies } from '../support/client.js'
import { changed } from '../support/flow.js'

const require = createRequire(import.meta.url)
// It comes without types of its own.
const cookieSession = require('cookie-session') as (options: object) => RequestHandler

/** Sessions that live in a cookie alone, and can't be made anew. */
const inCookie = {
  sessionless: true,
  express: (app) => app.use(cookieSession({ name: 'sid', keys: ['session secret'] })),
  koa: (app) =>
    app.use((ctx, next) => {
      Object.defineProperty(ctx, 'session', { value: {}, configurable: true })
      return next()
    }),
} satisfies Pick<AppOptions, 'sessionless' | 'express' | 'koa'>

/** Sessions of a library that nobody knows, whose methods have other names. */
const unknown = {
  sessionless: true,
  express: (app) =>
    app.use((req, _res, next) => {
      Object.defineProperty(req, 'session', { value: {}, configurable: true })
      next()
    }),
  koa: inCookie.koa,
} satisfies Pick<AppOptions, 'sessionless' | 'express' | 'koa'>

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
      'the session is none that can be made anew, with onVerified',
      { ...unknown, opener: 'onVerified' },
      '/login',
      `regenerate() and save(), so nobody`,
    ],
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

describe.each(['express 4', 'express 5'] as const)('cookie-session on %s', (framework) => {
  const setup = () => setupApp({ framework, opener: 'onVerified', ...inCookie })

  test('is what onVerified puts into it, and nothing of before the login', async () => {
    const app = await setup()
    const client = app.client()
    await client.post('/plant', { cart: 1, user: 'somebody else' })
    const planted = new Map(client.jar)
    expect((await client.post('/login/send', { number })).status).toBe(202)
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    const held = Buffer.from(client.jar.get('sid') ?? '', 'base64').toString()
    expect(JSON.parse(held)).toEqual({ user: { number } })
    expect(client.jar.get('sid')).not.toBe(planted.get('sid'))
    expect(told(app)).toEqual([])
  })

  test('signs in by each of six clicks at once', async () => {
    const app = await setup()
    const client = app.client()
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    const old = new Map(client.jar)
    await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 500 })
    const browser = () => {
      const same = app.client()
      for (const [name, value] of old) same.jar.set(name, value)
      return same
    }
    const clicks = Array.from({ length: 6 }, browser)
    const answers = await Promise.all(clicks.map((each) => each.post('/login/check', { code })))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    // Each answer leaves the browser signed in that has heard those before.
    for (const order of [answers, answers.toReversed()]) {
      const heard = browser()
      for (const { cookies } of order) keepCookies(heard.jar, cookies)
      expect((await heard.get('/me')).json).toEqual({ user: { number } })
    }
    expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
  })

  test('holds nothing of a sign-in that failed', async () => {
    const steps = changed(
      createMemoryStore(() => performance.now()),
      { complete: async () => ({ done: false }) },
    )
    const app = await setupApp({
      framework,
      opener: 'onVerified',
      ...inCookie,
      flow: { store: toOpaque(steps) },
    })
    const client = app.client()
    expect(await client.post('/login/send', { number })).toMatchObject({ status: 202 })
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(409)
    expect((await client.get('/me')).status).toBe(401)
  })
})
