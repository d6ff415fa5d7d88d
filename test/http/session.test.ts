import { EventEmitter, once } from 'node:events'
import type { Passport } from 'passport'
import type { Identity } from 'passport-tyntec-otp'
import { describe, expect, test, vi } from 'vitest'
import {
  type App,
  type AppOptions,
  createKoaPassport,
  frameworks,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import { type Client, expectProblem, keepCookies } from '../support/client.js'

const other = '+12015550101'
const bindings = ['cookie', 'session'] as const
const planted = {
  pending: { otpId: 'x' },
  evil: 1,
  returnTo: '/account',
  csrfToken: 'x',
  csrfSecret: 'x',
  user: 'evil',
}

async function sent(app: App, client: Client, to = number): Promise<string> {
  expect(await client.post('/login/send', { number: to })).toMatchObject({ status: 202 })
  return app.sandbox.waitForCode(to)
}

async function signedIn(app: App, client: Client, to = number): Promise<void> {
  const code = await sent(app, client, to)
  expect(await client.post('/login/check', { code })).toMatchObject({ status: 200 })
}

/** The same browser at an earlier time. */
function before(app: App, jar: ReadonlyMap<string, string>): Client {
  const client = app.client()
  for (const [name, value] of jar) client.jar.set(name, value)
  return client
}

const checks = async (app: App) => (await app.requests()).filter((call) => call === 'check').length

/** What each session of the app holds, without what session libraries add. */
const contents = (app: App) =>
  [...app.sessions.records.values()].map((record) =>
    Object.fromEntries(
      Object.entries(record).filter(([key]) => !['cookie', '_expire', '_maxAge'].includes(key)),
    ),
  )

describe.each(frameworks)('the session on %s', (framework) => {
  const openers: NonNullable<AppOptions['opener']>[] = framework.startsWith('koa')
    ? ['passport', 'onVerified', 'koa-passport']
    : ['passport', 'onVerified']

  describe.each(openers)('opened by %s', (opener) => {
    const user = opener === 'onVerified' ? { user: { number } } : { passport: { user: { number } } }

    // proves: SES-3, SES-4
    test.each(bindings)(
      "holds the user and nothing from before, binding: '%s'",
      async (binding) => {
        const app = await setupApp({ framework, opener, flow: { binding } })
        const client = app.client()
        await client.post('/plant', planted)
        const old = new Map(client.jar)
        await signedIn(app, client)
        expect(contents(app)).toEqual([user])
        expect(client.jar.get('sid')).not.toBe(old.get('sid'))
        expect((await client.get('/me')).json).toEqual({ user: { number } })
        expect((await before(app, old).get('/me')).status).toBe(401)
      },
    )

    // proves: SES-13
    test.each(bindings)(
      "of one user leaves nothing to the next, binding: '%s'",
      async (binding) => {
        const app = await setupApp({ framework, opener, flow: { binding } })
        const client = app.client()
        await signedIn(app, client, other)
        await client.post('/plant', { theirs: 1, pending: 1 })
        const old = new Map(client.jar)
        await signedIn(app, client)
        expect(contents(app)).toEqual([user])
        expect(client.jar.get('sid')).not.toBe(old.get('sid'))
        expect((await before(app, old).get('/me')).status).toBe(401)
      },
    )
  })

  // proves: SES-6
  test.each(bindings)(
    "that a slow request brings back opens nothing, binding: '%s'",
    async (binding) => {
      const slow = slowRoute()
      const app = await setupApp({ framework, flow: { binding }, ...slow.options })
      const client = app.client()
      await client.post('/plant', { cart: 1 })
      const code = await sent(app, client)
      const old = new Map(client.jar)
      const answering = before(app, old).get('/slow')
      await slow.entered
      expect((await client.post('/login/check', { code })).status).toBe(200)
      slow.finish()
      expect((await answering).status).toBe(200)

      // It is back, with all it had: what counts is that the flow's state was never in it.
      const [id = ''] = (old.get('sid') ?? '').replace(/^s%3A/, '').split('.')
      expect(app.sessions.records.get(id)).toMatchObject({
        cart: 1,
        slow: 1,
        ...(binding === 'session' && { tyntecOtp: expect.any(String) }),
      })
      const replay = before(app, old)
      expectProblem(await replay.post('/login/check', { code: wrongCode }), 409, 'no_pending_code')
      expectProblem(await replay.post('/login/resend'), 409, 'no_pending_code')
      expect((await replay.get('/login/status')).json).toEqual({ status: 'none' })
      expect((await replay.get('/me')).status).toBe(401)
      expect(await checks(app)).toBe(1)
      expect(app.sessions.signedIn()).toHaveLength(1)
    },
  )

  // proves: SES-14
  test.each(bindings)(
    "ends with a logout, and the flow with it, binding: '%s'",
    async (binding) => {
      const app = await setupApp({ framework, flow: { binding } })
      const client = app.client()
      await signedIn(app, client)
      const device = client.jar.get('otp-device')
      const code = await sent(app, client, other)
      const old = new Map(client.jar)
      expect((await client.post('/logout')).status).toBe(204)
      expect((await client.get('/me')).status).toBe(401)
      // The browser stays known.
      expect(client.jar.get('otp-device')).toBe(device)

      for (const browser of [client, before(app, old)]) {
        expectProblem(await browser.post('/login/check', { code }), 409, 'no_pending_code')
        expect((await browser.get('/me')).status).toBe(401)
      }
      expect(await checks(app)).toBe(1)
      expect(app.sessions.signedIn()).toEqual([])
    },
  )

  describe('after a double click', () => {
    const hour = 3_600_000
    /** How the libraries come to write a session that nobody has changed, or to set its cookie. */
    const written: NonNullable<AppOptions['session']>[] = [
      { maxAge: hour },
      { maxAge: hour, rolling: true },
      framework.startsWith('koa')
        ? { maxAge: hour, renew: true }
        : { maxAge: hour, rolling: true, resave: true },
    ]
    const ways = written.flatMap((session) => bindings.map((binding) => ({ session, binding })))

    /** Both answers lead to the person, whichever the browser hears last. */
    async function expectOne(app: App, way: object, path: string): Promise<void> {
      const client = app.client()
      await client.post('/plant', { cart: 1 })
      const code = await sent(app, client)
      const old = new Map(client.jar)
      // koa-session renews what has less than half of its life left.
      for (const record of app.sessions.records.values()) {
        if ('_expire' in record) Object.assign(record, { _expire: Date.now() + hour / 4 })
      }
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 500 })
      const answers = await Promise.all([1, 2].map(() => before(app, old).post(path, { code })))
      const [first] = answers
      expect([way, answers.map(({ status }) => status)]).toEqual([
        way,
        [first, first].map((a) => a?.status),
      ])
      expect([way, await checks(app)]).toEqual([way, 1])
      for (const order of [answers, answers.toReversed()]) {
        const browser = before(app, old)
        for (const { cookies } of order) keepCookies(browser.jar, cookies)
        expect([way, (await browser.get('/me')).json]).toEqual([way, { user: { number } }])
      }
      // The old one is not back, not even as nobody's.
      expect([way, contents(app).length]).toEqual([way, 1])
    }

    // proves: SES-3
    test.each(openers)('is the one in the browser, opened by %s', async (opener) => {
      await Promise.all(
        ways.map(async (way) => {
          const { session, binding } = way
          const app = await setupApp({ framework, opener, session, flow: { binding } })
          await expectOne(app, way, '/login/check')
        }),
      )
    })

    // proves: SES-7
    test("is the one in the browser, with Passport's own redirect", async () => {
      await Promise.all(
        ways.map(async (way) => {
          const { session, binding } = way
          const app = await setupApp({ framework, session, flow: { binding }, ...ownRoute })
          await expectOne(app, way, '/check')
        }),
      )
    })
  })

  describe('and a callback of the app', () => {
    // proves: SES-5
    test('that opens none has none', async () => {
      const app = await setupApp({ framework, ...callbackRoute(false) })
      const client = app.client()
      await client.post('/plant', { cart: 1 })
      const jar = new Map(client.jar)
      const code = await sent(app, client)
      expect((await client.post('/bare', { code })).json).toEqual({ signsIn: false })
      expect((await client.get('/me')).status).toBe(401)
      expect(client.jar.get('sid')).toBe(jar.get('sid'))
      expect(contents(app)).toEqual([{ cart: 1 }])
      // Once, as everywhere.
      await vi.waitFor(() => expect(app.events.map(({ type }) => type)).toContain('session.opened'))
      expect((await client.post('/bare', { code: wrongCode })).status).toBe(409)
      expect((await client.post('/bare', { code })).json).toEqual({ signsIn: false })
      expect((await client.get('/me')).status).toBe(401)
      expect(contents(app)).toEqual([{ cart: 1 }])
      expect(await checks(app)).toBe(1)
    })

    // proves: SES-5
    test.each(bindings)("that signs in has a new one, binding: '%s'", async (binding) => {
      const app = await setupApp({ framework, flow: { binding }, ...callbackRoute(true) })
      const client = app.client()
      await client.post('/plant', planted)
      const old = new Map(client.jar)
      const code = await sent(app, client)
      expect((await client.post('/bare', { code })).json).toEqual({ signsIn: true })
      expect(contents(app)).toEqual([{ passport: { user: { number } } }])
      expect(client.jar.get('sid')).not.toBe(old.get('sid'))
      expect((await before(app, old).get('/me')).status).toBe(401)
      expect((await client.post('/bare', { code })).status).toBe(409)
    })
  })
})

/** A route that loads the session, waits, and writes it back. */
function slowRoute() {
  const entered = deferred()
  const gate = new EventEmitter()
  const options: Pick<AppOptions, 'express' | 'koa'> = {
    express: (app) =>
      app.get('/slow', (req, res) => {
        gate.once('open', () => {
          Object.assign(req.session, { slow: 1 })
          res.send('done')
        })
        entered.resolve()
      }),
    koa: (app) =>
      app.use(async (ctx, next) => {
        if (ctx.path !== '/slow') return next()
        const { session } = ctx
        entered.resolve()
        await once(gate, 'open')
        Object.assign(session ?? {}, { slow: 1 })
        ctx.body = 'done'
      }),
  }
  return { options, entered: entered.promise, finish: () => gate.emit('open') }
}

/** Passport's own middleware, and its redirect. */
const ownRoute: Pick<AppOptions, 'express' | 'koa'> = {
  express(app, { passport }) {
    app.post('/check', passport.authenticate('tyntec-otp', { successRedirect: '/in' }))
  },
  koa(app, { flow }) {
    const verify = ({ number }: Identity) => ({ number })
    const passport = createKoaPassport({ flow, verify, verified: [] })
    app.use(passport.initialize()).use(passport.session())
    const check = passport.authenticate('tyntec-otp', { successRedirect: '/in' })
    app.use((ctx, next) => (ctx.path === '/check' ? check(ctx, next) : next()))
  },
}

/** Passport's middleware with a callback, as its documentation shows it. */
function callbackRoute(signsIn: boolean): Pick<AppOptions, 'express' | 'koa'> {
  return {
    express(app, { passport }: { passport: InstanceType<typeof Passport> }) {
      app.post('/bare', (req, res, next) => {
        passport.authenticate(
          'tyntec-otp',
          (error: unknown, user: Express.User | false, _info: unknown, status: number) => {
            if (error) return next(error)
            if (!user) return res.sendStatus(status)
            const answer = { signsIn }
            if (!signsIn) return res.json(answer)
            return req.logIn(user, (error) => (error ? next(error) : res.json(answer)))
          },
        )(req, res, next)
      })
    },
    koa(app, { flow }) {
      const verify = ({ number }: Identity) => ({ number })
      const passport = createKoaPassport({ flow, verify, verified: [] })
      app.use(passport.initialize()).use(passport.session())
      app.use((ctx, next) => {
        if (ctx.path !== '/bare') return next()
        const decide = async (error: unknown, user: unknown, _info: unknown, status: number) => {
          if (error) throw error
          if (user && signsIn) await ctx.login(user)
          ctx.body = user ? { signsIn } : null
          ctx.status = status ?? 200 // in this order: a body that is null would make it 204
        }
        return passport.authenticate('tyntec-otp', decide)(ctx, next)
      })
    },
  }
}

function deferred() {
  let resolve!: () => void // the executor runs at once
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
