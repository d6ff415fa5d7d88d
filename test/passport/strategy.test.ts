import { bodyParser } from '@koa/bodyparser'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import session from 'express-session'
import Koa from 'koa'
import { createSession } from 'koa-session'
import { Passport } from 'passport'
import { type Identity, type OtpOptions, Strategy, type Verify } from 'passport-tyntec-otp'
import { sendOtp } from 'passport-tyntec-otp/express'
import { otpRouter, sendOtp as sendOnKoa } from 'passport-tyntec-otp/koa'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import {
  createKoaPassport,
  frameworks,
  listen,
  number,
  requestsOf,
  setupApp,
  setupFlow,
  wrongCode,
} from '../support/app.js'
import { type Client, createClient } from '../support/client.js'

const byNumber: Verify = ({ number }: Identity) => ({ number })
const numberOf = (index: number) => `+1201555${String(3000 + index)}`

interface Given {
  verify?: Verify
  flow?: Partial<OtpOptions>
  /** Makes the route that checks. */
  check?: (passport: InstanceType<typeof Passport>, strategy: Strategy) => RequestHandler
}

/** An Express app that uses the strategy as any other, without our router. */
async function setupStrategy({ verify = byNumber, flow: options = {}, check }: Given = {}) {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const limits = { sendsPerAddress: { points: 100, duration: 60 } }
  const { flow, events } = await setupFlow(sandbox, { flow: { limits, ...options } })
  const passport = new Passport()
  const strategy = new Strategy(flow, verify)
  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user as Express.User)) // what was serialized

  const errors: unknown[] = []
  const store = new session.MemoryStore()
  const app = express()
  app.use(express.json(), express.urlencoded({ extended: false }))
  app.use(session({ secret: 'x', resave: false, saveUninitialized: false, name: 'sid', store }))
  app.use(passport.session())
  app.post('/plant', (req, res) => {
    Object.assign(req.session, req.body)
    res.end()
  })
  app.post('/send', sendOtp(flow))
  app.all(
    '/check',
    check?.(passport, strategy) ?? passport.authenticate('tyntec-otp'),
    (req, res) => {
      res.json({ user: req.user, account: (req as { account?: unknown }).account })
    },
  )
  app.get('/me', (req, res) => {
    res.json({ user: req.user ?? null })
  })
  app.use(((error, _req, res, _next) => {
    errors.push(error)
    res.status(error.status ?? 500).json({ error: error.message })
  }) as ErrorRequestHandler)
  const base = await listen(app)

  return {
    flow,
    events,
    errors,
    store,
    passport,
    client: () => createClient(base),
    requests: () => requestsOf(sandbox),
    async sent(client: Client, to = number): Promise<string> {
      expect(await client.post('/send', { number: to })).toMatchObject({ status: 202 })
      return sandbox.waitForCode(to)
    },
    sessions: () =>
      new Promise<unknown[]>((resolve, reject) => {
        store.all((error, all) => (error ? reject(error) : resolve(Object.values(all ?? {}))))
      }),
  }
}

describe('the strategy', () => {
  test('is named tyntec-otp, and says at once what it lacks', async () => {
    const sandbox = await startSandbox()
    onTestFinished(() => sandbox.close())
    const { flow } = await setupFlow(sandbox)
    expect(new Strategy(flow, byNumber).name).toBe('tyntec-otp')
    const lacks = (what: string) =>
      expect.objectContaining({ code: 'ERR_OTP_OPTIONS', message: `Strategy needs ${what}` })
    const aFlow = lacks('the flow that createOtpFlow() makes')
    // @ts-expect-error nothing is given
    expect(() => new Strategy()).toThrow(aFlow)
    // @ts-expect-error there is no verify function
    expect(() => new Strategy(flow)).toThrow(
      lacks(
        'a verify function: new Strategy(flow, verify), or new Strategy(flow, options, verify)',
      ),
    )
    // @ts-expect-error options are no flow
    expect(() => new Strategy({}, byNumber)).toThrow(aFlow)
  })

  test('signs in by name, in a new session', async () => {
    const app = await setupStrategy()
    const client = app.client()
    await client.post('/plant', { cart: 1 })
    const before = client.jar.get('sid')
    const code = await app.sent(client)
    const answer = await client.post('/check', { code })
    expect([answer.status, answer.json]).toEqual([200, { user: { number } }])
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(client.jar.get('sid')).not.toBe(before)
    expect(client.jar.has('otp')).toBe(false)
    expect(JSON.stringify(await app.sessions())).not.toContain('cart')
    expect(app.events.map(({ type }) => type)).toContain('session.opened')
  })

  test('takes a verify function that calls back', async () => {
    const app = await setupStrategy({
      verify: ({ number }, done) => setImmediate(() => done(null, { number })),
    })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).json).toEqual({ user: { number } })
  })

  test('follows redirects', async () => {
    const app = await setupStrategy({
      check: (passport) =>
        passport.authenticate('tyntec-otp', { successRedirect: '/in', failureRedirect: '/out' }),
    })
    const client = app.client()
    const code = await app.sent(client)
    const leads = async (code: string) => {
      const { status, headers } = await client.submit('/check', { code })
      return [status, headers.location]
    }
    expect(await leads(wrongCode)).toEqual([302, '/out'])
    expect(await leads(code)).toEqual([302, '/in'])
    expect((await client.get('/me')).json).toEqual({ user: { number } })
  })

  test('leads a double click to the same place, and checks once', async () => {
    const app = await setupStrategy({
      verify: async ({ number }) => {
        await vi.waitFor(async () => expect(clicks).toHaveLength(2))
        return { number }
      },
      check: (passport) => passport.authenticate('tyntec-otp', { successRedirect: '/in' }),
    })
    const client = app.client()
    const code = await app.sent(client)
    const clicks: Promise<unknown>[] = []
    clicks.push(client.post('/check', { code }))
    clicks.push(client.post('/check', { code }))
    const answers = await Promise.all(clicks)
    expect(answers).toEqual([1, 2].map(() => expect.objectContaining({ status: 302 })))
    expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
    expect(await app.sessions()).toHaveLength(1)
  })

  test('gives a callback the problem and its status', async () => {
    const seen: unknown[] = []
    const app = await setupStrategy({
      check: (passport) => (req, res, next) =>
        passport.authenticate('tyntec-otp', (...args: unknown[]) => {
          seen.push(args)
          res.status(204).end()
        })(req, res, next),
    })
    const client = app.client()
    const before = await client.post('/check', { code: '123456' })
    expect(before.headers['cache-control']).toBe('no-store')
    await app.sent(client)
    await client.post('/check', { code: wrongCode })
    const problem = (code: string, status: number) => [
      null,
      false,
      expect.objectContaining({
        code,
        status,
        title: expect.any(String),
        detail: expect.any(String),
      }),
      status,
    ]
    expect(seen).toEqual([problem('no_pending_code', 409), problem('invalid_code', 401)])
  })

  test('says when to try again', async () => {
    const app = await setupStrategy({
      flow: { limits: { failuresPerNumber: { free: 1 } } },
      check: (passport) => passport.authenticate('tyntec-otp', { failWithError: true }),
    })
    const client = app.client()
    await app.sent(client)
    expect((await client.post('/check', { code: wrongCode })).status).toBe(401)
    const answer = await client.post('/check', { code: wrongCode })
    expect(answer.status).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('ends the flow with the login that a callback makes', async () => {
    const app = await setupStrategy({
      check: (passport) => (req, res, next) =>
        passport.authenticate('tyntec-otp', (error: unknown, user: Express.User | false) => {
          if (error) return next(error)
          if (!user) return res.sendStatus(401)
          return req.logIn(user, (error) => (error ? next(error) : res.json({ mine: true })))
        })(req, res, next),
    })
    const client = app.client()
    await client.post('/plant', { cart: 1 })
    const before = client.jar.get('sid')
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).json).toEqual({ mine: true })
    expect(client.jar.get('sid')).not.toBe(before)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect((await client.post('/check', { code })).status).toBe(401)
    expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
  })

  test('ends the flow with the answer of a callback that opens something else', async () => {
    let status = 500
    const app = await setupStrategy({
      check: (passport) => (req, res, next) =>
        passport.authenticate('tyntec-otp', (_error: unknown, user: Express.User | false) => {
          res.status(user ? status : 401).json({ token: user && 'jwt' })
        })(req, res, next),
    })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).status).toBe(500)
    status = 200
    await vi.waitFor(async () => expect((await client.post('/check', { code })).status).toBe(200))
    await vi.waitFor(() => expect(app.events.map(({ type }) => type)).toContain('session.opened'))
    expect((await client.post('/check', { code: wrongCode })).status).toBe(401)
    // Its answer may have been lost.
    expect((await client.post('/check', { code })).json).toEqual({ token: 'jwt' })
    expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
    expect(await app.sessions()).toEqual([])
  })

  test('hears of no session when a callback refuses the person', async () => {
    const app = await setupStrategy({
      check: (passport) => (req, res, next) =>
        passport.authenticate('tyntec-otp', (_error: unknown, user: Express.User | false) => {
          res.status(user ? 403 : 401).json({})
        })(req, res, next),
    })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).status).toBe(403)
    await vi.waitFor(async () => expect((await client.post('/check', { code })).status).toBe(401))
    expect(app.events.map(({ type }) => type)).not.toContain('session.opened')
    expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
  })

  test.each([
    ['session: false', { session: false }, { user: { number } }],
    ['assignProperty', { assignProperty: 'account' }, { account: { number } }],
  ])('works without a session: %s', async (_, options, expected) => {
    const app = await setupStrategy({
      check: (passport) => passport.authenticate('tyntec-otp', options),
    })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).json).toEqual(expected)
    expect([...client.jar.keys()]).toEqual(['otp-device'])
    expect((await client.post('/check', { code })).status).toBe(409)
  })

  // proves: SES-16
  test('ends no session that it has not opened, when an answer without one was lost', async () => {
    const app = await setupStrategy({
      check: (passport) => passport.authenticate('tyntec-otp', { session: false }),
    })
    const client = app.client()
    await client.post('/plant', { cart: 'mine' })
    const code = await app.sent(client)
    const lost = new Map(client.jar)
    expect((await client.post('/check', { code })).status).toBe(200)
    // The browser has heard nothing of it, and has another session by now.
    const other = app.client()
    await other.post('/plant', { cart: 'new' })
    for (const [name, value] of lost) if (name !== 'sid') other.jar.set(name, value)
    expect((await other.post('/check', { code })).json).toEqual({ user: { number } })
    expect(JSON.stringify(await app.sessions())).toMatch(/mine.*new|new.*mine/)
  })

  test('works with authorize', async () => {
    const app = await setupStrategy({ check: (passport) => passport.authorize('tyntec-otp') })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).json).toEqual({ account: { number } })
    expect((await client.post('/check', { code })).status).toBe(409)
  })

  // proves: SES-4
  test('drops its own key even when the app keeps what is in the session', async () => {
    const app = await setupStrategy({
      flow: { binding: 'session' },
      check: (passport) => passport.authenticate('tyntec-otp', { keepSessionInfo: true }),
    })
    const client = app.client()
    await client.post('/plant', { cart: 1 })
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).status).toBe(200)
    const sessions = JSON.stringify(await app.sessions())
    expect(sessions).toContain('cart')
    expect(sessions).not.toContain('tyntecOtp')
  })

  test.each(['name', 'instance'] as const)(
    'signs each of many in as who they are, used by %s',
    async (by) => {
      const app = await setupStrategy({
        verify: async ({ number }) => {
          // Ends in another order than it began.
          for (let turns = Number(number.at(-1)); turns > 0; turns--) {
            await new Promise(setImmediate)
          }
          return { number }
        },
        check: (passport, strategy) =>
          passport.authenticate(by === 'name' ? 'tyntec-otp' : strategy),
      })
      const people = Array.from({ length: 30 }, (_, index) => numberOf(index))
      const ready = await Promise.all(
        people.map(async (person) => {
          const client = app.client()
          return { client, code: await app.sent(client, person) }
        }),
      )
      const seen = await Promise.all(
        ready.map(async ({ client, code }) => {
          const { json } = await client.post('/check', { code })
          return [json, (await client.get('/me')).json]
        }),
      )
      expect(seen).toEqual(people.map((number) => [{ user: { number } }, { user: { number } }]))
    },
  )

  describe('reads', () => {
    // proves: IN-7
    test('only the body of a POST', async () => {
      const app = await setupStrategy()
      const client = app.client()
      const code = await app.sent(client)
      expect((await client.get(`/check?code=${code}`)).status).toBe(405)
      expect((await client.post(`/check?code=${code}`, {})).status).toBe(400)
      const raw = JSON.stringify({ code })
      const text = { headers: { 'content-type': 'text/plain' }, raw }
      expect((await client.call('POST', '/check', text)).status).toBe(400)
      expect(await app.requests()).toEqual(['send'])
    })

    test('nothing of another site', async () => {
      const app = await setupStrategy()
      const client = app.client()
      const code = await app.sent(client)
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example' },
      ]) {
        expect((await client.post('/check', { code }, { headers })).status).toBe(403)
      }
      expect(await app.requests()).toEqual(['send'])
      expect(await app.sessions()).toEqual([])
    })
  })

  describe('when the verify function', () => {
    const settled = async (verify: Verify) => {
      const app = await setupStrategy({ verify })
      const client = app.client()
      const code = await app.sent(client)
      return { app, client, code, answer: await client.post('/check', { code }) }
    }

    // proves: FAIL-2, app-throws/check
    test.each<[string, Verify]>([
      [
        'throws',
        () => {
          throw new Error('broken')
        },
      ],
      ['rejects', () => Promise.reject(new Error('broken'))],
      ['calls back with an error', (_identity, done) => done(new Error('broken'))],
      [
        'throws after an error, and calls back again',
        (_identity, done) => {
          done(new Error('broken'))
          done(null, { number })
          throw new Error('broken again')
        },
      ],
    ])('%s, nobody signs in and the code stays good', async (_, verify) => {
      let fails = true
      // Two parameters, so that it may call back.
      const { app, client, code, answer } = await settled((identity, done) =>
        fails ? runAsGiven(verify, identity, done) : done(null, { number }),
      )
      expect([answer.status, answer.json]).toEqual([500, { error: 'broken' }])
      expect((await client.get('/me')).json).toEqual({ user: null })
      expect(app.errors).toHaveLength(1)
      fails = false
      expect((await client.post('/check', { code })).json).toEqual({ user: { number } })
      expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
    })

    // proves: FAIL-3
    test('calls back twice, or fails after it has, the first answer counts', async () => {
      const { app, client, answer } = await settled((_identity, done) => {
        done(null, { number })
        done(null, { number: 'another' })
        done(new Error('too late'))
        throw new Error('too late as well')
      })
      expect([answer.status, answer.json]).toEqual([200, { user: { number } }])
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(app.errors).toEqual([])
    })

    test.each([false, null, undefined, 0, ''])('gives %j, nobody signs in', async (user) => {
      const { client, code, answer } = await settled(() => user)
      expect(answer.status).toBe(403)
      expect((await client.post('/check', { code })).status).toBe(403)
    })

    // proves: FAIL-3
    test('answers too late, the request has ended and the code stays good', async () => {
      const asked = deferred()
      const ends: string[] = []
      let answerLate: (() => void) | undefined
      const app = await setupStrategy({
        verify: ({ number }, done) => {
          if (answerLate) {
            done(null, { number })
            return
          }
          answerLate = () => done(null, { number: 'too late' })
          asked.resolve()
        },
        check: (passport) => (req, res, next) =>
          passport.authenticate('tyntec-otp', (error: unknown, user: Express.User) => {
            ends.push(error ? 'error' : 'user')
            if (error) next(error)
            else req.logIn(user, next)
          })(req, res, next),
      })
      const client = app.client()
      const code = await app.sent(client)
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const answering = client.post('/check', { code })
      await asked.promise
      vi.advanceTimersByTime(30_000)
      expect((await answering).status).toBe(500)
      vi.useRealTimers()

      answerLate?.()
      expect((await client.post('/check', { code })).json).toEqual({ user: { number } })
      expect(app.errors).toEqual([expect.objectContaining({ code: 'ERR_OTP_MISUSE' })])
      expect(ends).toEqual(['error', 'user'])
      expect(await app.sessions()).toHaveLength(1)
    })
  })

  test('closes the session again when the flow has ended meanwhile', async () => {
    let handle: string | undefined
    const app = await setupStrategy({
      verify: async ({ number }) => {
        await app.flow.cancel({ handle })
        return { number }
      },
    })
    const client = app.client()
    const code = await app.sent(client)
    handle = client.jar.get('otp')
    expect((await client.post('/check', { code })).status).toBe(409)
    expect((await client.get('/me')).json).toEqual({ user: null })
    expect(JSON.stringify(await app.sessions())).not.toContain(number)
  })

  test('keeps the code good when the client leaves while its user is looked up', async () => {
    const asked = deferred()
    const left = deferred()
    let first = true
    const app = await setupStrategy({
      verify: async ({ number }) => {
        if (first) {
          first = false
          asked.resolve()
          await left.promise
        }
        return { number }
      },
    })
    const client = app.client()
    const code = await app.sent(client)
    const request = client.begin('/check', { code })
    await asked.promise
    request.leave()
    await request.left
    const again = client.post('/check', { code })
    await new Promise(setImmediate)
    left.resolve()
    expect((await again).json).toEqual({ user: { number } })
    expect(await app.sessions()).toHaveLength(1)
    expect(app.errors).toEqual([])
  })

  // proves: SUP-2
  test('says what is missing when the session cannot be regenerated', async () => {
    const app = await setupStrategy({
      check: (passport) => (req, res, next) => {
        Object.assign(req.session, { regenerate: undefined })
        passport.authenticate('tyntec-otp')(req, res, next)
      },
    })
    const client = app.client()
    const code = await app.sent(client)
    expect((await client.post('/check', { code })).status).toBe(500)
    expect(app.errors).toEqual([
      expect.objectContaining({
        code: 'ERR_OTP_MISUSE',
        message: expect.stringContaining('express-session'),
      }),
    ])
  })

  test('says what is missing when no parser has read the body', async () => {
    const events: unknown[] = []
    const app = await setupStrategy({
      flow: { onEvent: (event) => events.push(event) },
      check: (passport) => (req, res, next) => {
        req.body = undefined
        passport.authenticate('tyntec-otp')(req, res, next)
      },
    })
    expect((await app.client().post('/check', { code: '123456' })).status).toBe(400)
    expect(app.errors).toEqual([])
    expect(events).toEqual([
      expect.objectContaining({
        type: 'error',
        code: 'ERR_OTP_MISUSE',
        message: expect.stringContaining('express.json()'),
      }),
    ])
  })
})

describe.each(frameworks.filter((name) => name.startsWith('koa')))(
  'koa-passport on %s',
  (framework) => {
    // proves: IN-8
    test('signs in through our router', async () => {
      const app = await setupApp({ framework, opener: 'koa-passport' })
      const client = app.client()
      await client.post('/plant', { cart: 1 })
      const before = client.jar.get('sid')
      await client.post('/login/send', { number })
      const code = await app.sandbox.waitForCode(number)
      expect((await client.post('/login/check', { code: wrongCode })).json).toMatchObject({
        code: 'invalid_code',
      })
      expect((await client.post('/login/check', { code })).json).toEqual({ status: 'verified' })
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(client.jar.get('sid')).not.toBe(before)
      expect(client.jar.has('otp')).toBe(false)
      expect(JSON.stringify([...app.sessions.records.values()])).not.toContain('cart')
      expect((await client.post('/login/check', { code })).status).toBe(409)
    })

    // proves: session-store/check
    test('keeps the code good while the session store fails', async () => {
      const app = await setupApp({ framework, opener: 'koa-passport' })
      const client = app.client()
      await client.post('/login/send', { number })
      const code = await app.sandbox.waitForCode(number)
      app.sessions.fail.set = true
      expect((await client.post('/login/check', { code })).status).toBe(500)
      app.sessions.fail.set = false
      expect((await client.get('/me')).status).toBe(401)
      expect((await client.post('/login/check', { code })).status).toBe(200)
    })

    test('signs each of many in as who they are', async () => {
      const limits = { sendsPerAddress: { points: 100, duration: 60 } }
      const app = await setupApp({ framework, opener: 'koa-passport', flow: { limits } })
      const people = Array.from({ length: 20 }, (_, index) => numberOf(index))
      const seen = await Promise.all(
        people.map(async (person) => {
          const client = app.client()
          await client.post('/login/send', { number: person })
          await client.post('/login/check', { code: await app.sandbox.waitForCode(person) })
          return (await client.get('/me')).json
        }),
      )
      expect(seen).toEqual(people.map((number) => ({ user: { number } })))
    })
  },
)

describe('koa-passport with its own middleware', () => {
  async function setupKoaPassport(
    check: (passport: ReturnType<typeof createKoaPassport>) => Koa.Middleware,
  ) {
    const sandbox = await startSandbox()
    onTestFinished(() => sandbox.close())
    const { flow } = await setupFlow(sandbox)
    const passport = createKoaPassport({ flow, verify: byNumber, verified: [] })
    const app = new Koa()
    app.keys = ['x']
    app.use(createSession({ key: 'sid' }, app)).use(bodyParser())
    app.use(passport.initialize()).use(passport.session())
    const routes: Record<string, Koa.Middleware> = {
      '/send': sendOnKoa(flow),
      '/check': check(passport),
      '/me': (ctx) => {
        ctx.body = { user: ctx.state.user ?? null }
      },
    }
    app.use((ctx, next) => routes[ctx.path]?.(ctx, next))
    const client = createClient(await listen((req, res) => void app.callback()(req, res)))
    await client.post('/send', { number })
    return { client, code: await sandbox.waitForCode(number), requests: () => requestsOf(sandbox) }
  }

  test('follows redirects', async () => {
    const redirects = { successRedirect: '/in', failureRedirect: '/out' }
    const { client, code } = await setupKoaPassport((passport) =>
      passport.authenticate('tyntec-otp', redirects),
    )
    expect((await client.post('/check', { code: wrongCode })).headers.location).toBe('/out')
    expect((await client.post('/check', { code })).headers.location).toBe('/in')
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect((await client.post('/check', { code })).headers.location).toBe('/out')
  })

  test('ends the flow with the login that a callback makes', async () => {
    const { client, code, requests } = await setupKoaPassport((passport) => (ctx, next) => {
      const decide = async (error: unknown, user: unknown, info: unknown, status: number) => {
        if (error) throw error
        if (user) await ctx.login(user)
        ctx.status = status ?? 200
        ctx.body = info ?? { mine: true }
      }
      return passport.authenticate('tyntec-otp', decide)(ctx, next)
    })
    const refused = await client.post('/check', { code: wrongCode })
    expect([refused.status, refused.json]).toEqual([
      401,
      expect.objectContaining({ code: 'invalid_code' }),
    ])
    expect((await client.post('/check', { code })).json).toEqual({ mine: true })
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect((await client.post('/check', { code })).status).toBe(409)
    expect(await requests()).toEqual(['send', 'check', 'check'])
  })
})

test('says what is missing when koa-passport was not initialized', async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const { flow } = await setupFlow(sandbox)
  const passport = createKoaPassport({ flow, verify: byNumber, verified: [] })
  const errors: unknown[] = []
  const app = new Koa()
  app.keys = ['x']
  app.on('error', (error) => errors.push(error))
  app.use(createSession({ key: 'sid' }, app)).use(bodyParser())
  app.use(otpRouter(flow, { passport }))
  const client = createClient(await listen((req, res) => void app.callback()(req, res)))
  await client.post('/send', { number })
  const code = await sandbox.waitForCode(number)
  expect((await client.post('/check', { code })).status).toBe(500)
  expect(errors).toEqual([
    expect.objectContaining({ message: expect.stringContaining('passport.initialize()') }),
  ])
})

test('is what require() gives, with everything else attached', async () => {
  const names = await import('passport-tyntec-otp')
  expect(names['module.exports']).toBe(Strategy)
  const { createOtpFlow, memoryStore, OtpError, redisStore } = names
  const { sms, twoFactor, whatsapp } = names
  const all = { Strategy, createOtpFlow, memoryStore, OtpError, redisStore }
  expect({ ...Strategy }).toEqual({ ...all, sms, twoFactor, whatsapp })
})

function runAsGiven(verify: Verify, ...args: Parameters<Verify>): unknown {
  return verify(...args)
}

function deferred() {
  let resolve!: () => void // the executor runs at once
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
