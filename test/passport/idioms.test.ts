import { createRequire } from 'node:module'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Context, Middleware } from 'koa'
import { type OtpFlow, Strategy, type Verify } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import {
  type App,
  type AppOptions,
  createKoaPassport,
  frameworks,
  type KoaPassport,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import { type Client, expectProblem } from '../support/client.js'

const other = '+12015550101'

async function sent(app: App, client: Client, to = number): Promise<string> {
  expect((await client.post('/login/send', { number: to })).status).toBe(202)
  return app.sandbox.waitForCode(to)
}

const require = createRequire(import.meta.url)
// It comes without types of its own.
const flash = require('connect-flash') as () => RequestHandler

describe.each(['express 4', 'express 5'] as const)('Passport alone, on %s,', (framework) => {
  test.each([
    ['failureMessage', (session: Session) => session.messages],
    ['failureFlash', (session: Session) => session.flash?.error],
  ] as const)('finds the words for %s, of every kind of refusal', async (option, read) => {
    const app = await setupApp({
      framework,
      verify: (_identity) => false,
      express(app, { passport }) {
        app.use(flash())
        const options = { [option]: true, failureRedirect: '/failed' }
        app.post('/check', passport.authenticate('tyntec-otp', options))
        app.get('/session', (req, res) => res.json(req.session))
      },
    })
    const client = app.client()
    await sent(app, client)
    const failed = await client.submit('/check', { code: wrongCode })
    expect([failed.status, failed.headers.location]).toEqual([302, '/failed'])
    const session = (await client.get('/session')).json as Session
    expect(read(session)).toEqual(['The code is not right. Check it and try again.'])
  })

  test('passes the request to a verify function that asks for it', async () => {
    const seen: unknown[] = []
    const app = await setupApp({
      framework,
      express(app, { flow, passport }) {
        passport.use(
          'with-request',
          new Strategy(flow, { passReqToCallback: true }, (req: Request, identity, done) => {
            seen.push(req.path, req.get('x-tenant'), identity.number)
            done(null, { number: identity.number })
          }),
        )
        passport.use(
          'with-promise',
          new Strategy(flow, { passReqToCallback: true }, async (req: Request, identity) => {
            seen.push(req.path)
            return { number: identity.number }
          }),
        )
        app.post('/done', passport.authenticate('with-request', { successRedirect: '/in' }))
        app.post('/promise', passport.authenticate('with-promise', { successRedirect: '/in' }))
      },
    })
    for (const [path, to] of [
      ['/done', number],
      ['/promise', other],
    ] as const) {
      const client = app.client()
      const code = await sent(app, client, to)
      const headers = { 'x-tenant': 'a' }
      expect((await client.post(path, { code }, { headers })).status).toBe(302)
      expect((await client.get('/me')).json).toEqual({ user: { number: to } })
    }
    expect(seen).toEqual(['/done', 'a', number, '/promise'])
  })

  test("tells a callback of the app's own reason", async () => {
    const seen: unknown[] = []
    const app = await setupApp({
      framework,
      express(app, { flow, passport }) {
        passport.use(
          'refusing',
          new Strategy(flow, (_identity, done) => done(null, false, { message: 'Ask your boss.' })),
        )
        app.post('/check', (req, res, next) => {
          const answered = (error: unknown, user: unknown, info: object, status: number) => {
            seen.push(error, user, (info as { message?: unknown }).message)
            res.status(status).json(info)
          }
          void (passport.authenticate('refusing', answered) as onExpressHandler)(req, res, next)
        })
      },
    })
    const client = app.client()
    const code = await sent(app, client)
    const answer = await client.post('/check', { code })
    expect([answer.status, answer.json]).toMatchObject([
      403,
      { code: 'sign_in_refused', detail: 'Ask your boss.' },
    ])
    expect(answer.json).not.toHaveProperty('message')
    expect(seen).toEqual([null, false, 'Ask your boss.'])
  })

  test('adds a number to the person who is signed in, by authorize', async () => {
    const app = await setupApp({
      framework,
      express(app, { passport }) {
        const authorize = passport.authorize('tyntec-otp') as onExpressHandler
        app.post('/link', authorize, (req, res) => {
          const { account, user } = req as { account?: unknown; user?: unknown }
          res.json({ account, user })
        })
      },
    })
    const client = app.client()
    await client.post('/login/check', { code: await sent(app, client) })
    await client.post('/plant', { cart: 1 })
    const sid = client.jar.get('sid')
    const linked = await client.post('/link', { code: await sent(app, client, other) })
    expect(linked.json).toEqual({ account: { number: other }, user: { number } })
    // The session goes on as it was.
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(client.jar.get('sid')).toBe(sid)
    expect([...app.sessions.records.values()]).toMatchObject([{ cart: 1 }])
  })
})

interface Session {
  messages?: string[]
  flash?: Record<string, string[]>
}

type onExpressHandler = (req: Request, res: Response, next: NextFunction) => unknown

/** The router of either framework, at `/own`, with more options. */
function ownRouter(options: object, opener: 'passport' | 'onVerified'): Partial<AppOptions> {
  return {
    express(app, { flow, passport }) {
      const opening =
        opener === 'passport' ? { passport } : { onVerified: () => ({ name: 'from onVerified' }) }
      app.use('/own', onExpress.otpRouter(flow, { ...opening, ...options }))
    },
    koa(app, { flow, passport }) {
      const opening =
        opener === 'passport' ? { passport } : { onVerified: () => ({ name: 'from onVerified' }) }
      app.use(onKoa.otpRouter(flow, { ...opening, ...options, prefix: '/own' }))
    },
  }
}

describe.each(frameworks)('the router on %s', (framework) => {
  test.each(['passport', 'onVerified'] as const)(
    'adds what body gives, with %s',
    async (opener) => {
      const seen: unknown[] = []
      const body = (user: unknown, info: unknown, identity: object) => {
        seen.push(info, identity)
        return { user, isNew: true, status: 'overwritten' }
      }
      const verify: AppOptions['verify'] = ({ number }) => ({ name: number })
      const app = await setupApp({ framework, verify, ...ownRouter({ body }, opener) })
      const client = app.client()
      const answer = await client.post('/own/check', { code: await sent(app, client) })
      const name = opener === 'passport' ? number : 'from onVerified'
      expect(answer.json).toEqual({ status: 'verified', user: { name }, isNew: true })
      expect(seen).toEqual([undefined, expect.objectContaining({ number })])
    },
  )

  test.each(['passport', 'onVerified'] as const)(
    'signs nobody in where body throws, and takes the code again, with %s',
    async (opener) => {
      let fails = true
      const body = async () => {
        if (fails) throw new Error('no token')
        return { token: 't' }
      }
      const app = await setupApp({ framework, ...ownRouter({ body }, opener) })
      const client = app.client()
      const code = await sent(app, client)
      expect((await client.post('/own/check', { code })).status).toBe(500)
      expect((await client.get('/me')).status).toBe(401)
      expect(app.sessions.signedIn()).toEqual([])
      fails = false
      expect((await client.post('/own/check', { code })).json).toMatchObject({ token: 't' })
    },
  )

  test('keeps what the session held where it is told to', async () => {
    const app = await setupApp({ framework, ...ownRouter({ keepSessionInfo: true }, 'passport') })
    const client = app.client()
    await client.post('/plant', { cart: 1, returnTo: 'https://evil.example' })
    const old = client.jar.get('sid')
    const code = await sent(app, client)
    expect((await client.post('/own/check', { code })).status).toBe(200)
    expect(client.jar.get('sid')).not.toBe(old)
    const [record] = [...app.sessions.records.values()]
    expect(record).toMatchObject({ cart: 1, passport: { user: { number } } })
    expect(record).not.toHaveProperty('returnTo')
  })

  test('opens no session where it is told so, and needs none', async () => {
    const body = (user: unknown) => ({ user, token: 't' })
    const route = ownRouter({ session: false, body }, 'passport')
    const app = await setupApp({ framework, sessionless: true, ...route })
    const client = app.client()
    expect((await client.post('/own/send', { number })).status).toBe(202)
    const code = await app.sandbox.waitForCode(number)
    const answer = await client.post('/own/check', { code })
    expect(answer.json).toEqual({ status: 'verified', user: { number }, token: 't' })
    expect(answer.cookies.filter((line) => line.startsWith('sid'))).toEqual([])
  })

  test.each(['passport', 'onVerified'] as const)(
    "says the app's own reason for a refusal, with %s",
    async (opener) => {
      const message = 'This number belongs to a closed account.'
      const app = await setupApp({
        framework,
        express(app, { flow, passport }) {
          const verify = new Strategy(flow, (_identity, done) => done(null, false, { message }))
          passport.use(verify)
          const onVerified = () => ({ refused: message })
          const opening = opener === 'passport' ? { passport } : { onVerified }
          app.use('/own', onExpress.otpRouter(flow, opening))
        },
        koa(app, { flow, passport }) {
          passport.use(new Strategy(flow, (_identity, done) => done(null, false, { message })))
          const onVerified = () => ({ refused: message })
          const opening = opener === 'passport' ? { passport } : { onVerified }
          app.use(onKoa.otpRouter(flow, { ...opening, prefix: '/own' }))
        },
      })
      const client = app.client()
      const code = await sent(app, client)
      const answer = await client.post('/own/check', { code })
      expectProblem(answer, 403, 'sign_in_refused')
      expect(answer.json?.detail).toBe(message)
      expect(app.sessions.signedIn()).toEqual([])
      // The same code is told the same, and any other nothing.
      expect((await client.post('/own/check', { code })).json).toEqual(answer.json)
      const wrong = await client.post('/own/check', { code: wrongCode })
      expectProblem(wrong, 409, 'no_pending_code')
    },
  )
})

describe.each(['koa 2', 'koa 3'] as const)('koa-passport alone, on %s,', (framework) => {
  /** Its own strategies, with the requests around them that a test looks by. */
  function koaApp(
    route: (passport: KoaPassport, flow: OtpFlow) => Record<string, Middleware>,
    more: Partial<AppOptions> = {},
  ) {
    return setupApp({
      framework,
      ...more,
      koa(app, { flow }) {
        const verify: Verify = more.verify ?? (({ number }) => ({ number }))
        const passport = createKoaPassport({ flow, verify, verified: [] })
        app.use(passport.initialize()).use(passport.session())
        const routes: Record<string, Middleware> = {
          '/session': (ctx) => void (ctx.body = ctx.session),
          ...route(passport, flow),
        }
        app.use((ctx, next) => routes[ctx.path]?.(ctx, next) ?? next())
      },
    })
  }

  test('finds the words for failureMessage, of every kind of refusal', async () => {
    const options = { failureMessage: true, failureRedirect: '/failed' }
    const app = await koaApp((passport) => ({
      '/check': passport.authenticate('tyntec-otp', options),
    }))
    const client = app.client()
    await sent(app, client)
    const failed = await client.submit('/check', { code: wrongCode })
    expect([failed.status, failed.headers.location]).toEqual([302, '/failed'])
    const session = (await client.get('/session')).json as Session
    expect(session.messages).toEqual(['The code is not right. Check it and try again.'])
  })

  test('passes the context to a verify function that asks for it', async () => {
    const seen: unknown[] = []
    const app = await koaApp((passport, flow) => {
      passport.use(
        new Strategy(flow, { passReqToCallback: true }, (ctx: Context, identity, done) => {
          seen.push(ctx.path, ctx.get('x-tenant'), identity.number)
          done(null, { number: identity.number })
        }),
      )
      return { '/done': passport.authenticate('tyntec-otp', { successRedirect: '/in' }) }
    })
    const client = app.client()
    const code = await sent(app, client)
    const headers = { 'x-tenant': 'a' }
    expect((await client.post('/done', { code }, { headers })).status).toBe(302)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(seen).toEqual(['/done', 'a', number])
  })

  test("tells a callback of the app's own reason", async () => {
    const seen: unknown[] = []
    const app = await koaApp((passport, flow) => {
      passport.use(
        new Strategy(flow, (_identity, done) => done(null, false, { message: 'Ask your boss.' })),
      )
      return {
        '/check': (ctx, next) =>
          passport.authenticate(
            'tyntec-otp',
            (error: unknown, user: unknown, info: { message?: unknown }, status: number) => {
              seen.push(error, user, info.message)
              ctx.status = status
              ctx.body = info
            },
          )(ctx, next),
      }
    })
    const client = app.client()
    const code = await sent(app, client)
    const answer = await client.post('/check', { code })
    expect([answer.status, answer.json]).toMatchObject([
      403,
      { code: 'sign_in_refused', detail: 'Ask your boss.' },
    ])
    expect(seen).toEqual([null, false, 'Ask your boss.'])
  })

  test('adds a number to the person who is signed in, by authorize', async () => {
    const app = await koaApp((passport) => ({
      '/in': passport.authenticate('tyntec-otp', { successRedirect: '/me' }),
      '/link': compose(passport.authorize('tyntec-otp'), (ctx) => {
        ctx.body = { account: ctx.state.account, user: ctx.state.user }
      }),
    }))
    const client = app.client()
    expect((await client.post('/in', { code: await sent(app, client) })).status).toBe(302)
    await client.post('/plant', { cart: 1 })
    const sid = client.jar.get('sid')
    const linked = await client.post('/link', { code: await sent(app, client, other) })
    expect(linked.json).toEqual({ account: { number: other }, user: { number } })
    // The session goes on as it was.
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(client.jar.get('sid')).toBe(sid)
    expect([...app.sessions.records.values()]).toMatchObject([{ cart: 1 }])
  })
})

/** One handler after the other. */
function compose(first: Middleware, second: Middleware): Middleware {
  return (ctx, next) => first(ctx, async () => second(ctx, next))
}
