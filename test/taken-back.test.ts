import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import { type App, type AppOptions, frameworks, number, setupApp } from './support/app.js'
import { type Client, expectProblem } from './support/client.js'

const token = 'eyJhbGciOiJub25lIn0'

/** Sends a code. Gives the body that checks it, with the flow for a client that keeps it itself. */
async function sent(app: App, client: Client): Promise<{ code: string; flow: unknown }> {
  const { status, json } = await client.post('/login/send', { number })
  expect(status).toBe(202)
  return { code: await app.sandbox.waitForCode(number), flow: json?.flow }
}

/** A route whose `onVerified` gives a token, in every way but an answer, and then goes on. */
function tokenRoute(next: () => unknown): Pick<AppOptions, 'express' | 'koa'> {
  return {
    express(app, { flow }) {
      app.use((_req, res, next) => {
        res.setHeader('Set-Cookie', ['theme=dark'])
        next()
      })
      const check = onExpress.checkOtp(flow, {
        async onVerified(_identity, _req, res) {
          res.appendHeader('Set-Cookie', `jwt=${token}`)
          res.set({ Authorization: `Bearer ${token}`, 'Content-Type': 'text/jwt' }).status(201)
          await next()
        },
      })
      app.post('/token', check)
    },
    koa(app, { flow }) {
      const check = onKoa.checkOtp(flow, {
        async onVerified(_identity, ctx) {
          ctx.cookies.set('jwt', token)
          ctx.set('Authorization', `Bearer ${token}`)
          ctx.status = 201
          ctx.body = { token }
          await next()
        },
      })
      app.use(async (ctx, next) => {
        ctx.cookies.set('theme', 'dark')
        if (ctx.path !== '/token') return next()
        try {
          return await check(ctx, next)
        } catch {
          // Nothing in the place of what is there: then all of it goes out.
        }
      })
    },
  }
}

describe.each(frameworks)('what an app has set on %s', (framework) => {
  describe.each([
    ['without a session', { sessionless: true }],
    ['without a session or cookies', { sessionless: true, flow: { binding: 'token' } }],
    ['with a session', {}],
  ] satisfies [string, Partial<AppOptions>][])('%s', (_, options) => {
    // proves: FAIL-2
    test('is taken back when it throws, and is there the next time', async () => {
      let fails = true
      const route = tokenRoute(() => {
        if (fails) throw new Error('no database')
      })
      const app = await setupApp({ framework, opener: 'onVerified', ...options, ...route })
      const client = app.client()
      const body = await sent(app, client)
      const handle = client.jar.get('otp')

      const failed = await client.post('/token', body)
      expect(failed.status).toBe(framework.startsWith('koa') ? 404 : 500)
      expect(JSON.stringify(failed)).not.toContain(token)
      expect(failed.headers['content-type']).not.toMatch(/jwt|json/)
      expect(failed.cookies.filter((line) => !line.startsWith('sid'))).toEqual([
        expect.stringMatching(/^theme=dark/),
      ])
      expect(client.jar.get('otp')).toBe(handle)

      fails = false
      const answer = await client.post('/token', body)
      expect(answer.status).toBeLessThan(300)
      expect(answer.headers.authorization).toBe(`Bearer ${token}`)
      expect(client.jar.get('jwt')).toBe(token)
      expect(client.jar.has('otp')).toBe(false)
    })

    // proves: SES-7
    test('is taken back when the flow has ended meanwhile', async () => {
      const route = tokenRoute(() => client.post('/login/cancel', body))
      const app = await setupApp({ framework, opener: 'onVerified', ...options, ...route })
      const client = app.client()
      const body = await sent(app, client)
      const answer = await client.post('/token', body)
      expectProblem(answer, 409, 'no_pending_code')
      expect(JSON.stringify(answer)).not.toContain(token)
      expect(answer.headers.authorization).toBeUndefined()
      expect(client.jar.get('theme')).toBe('dark')
      expect([...client.jar.keys()]).not.toContain('otp-device')
    })
  })

  test('is out when it has answered, which is left as it is', async () => {
    // More than a socket takes at once, so that the answer is still on its way.
    const body = '.\n'.repeat(5_000_000)
    const cancel = () => client.post('/login/cancel')
    const errors: unknown[] = []
    const app = await setupApp({
      framework,
      opener: 'onVerified',
      sessionless: true,
      express(app, { flow }) {
        const check = onExpress.checkOtp(flow, {
          async onVerified(_identity, _req, res) {
            await cancel()
            res.on('error', (error) => errors.push(error)).send(body)
          },
        })
        app.post('/token', check)
      },
      koa(app, { flow }) {
        const check = onKoa.checkOtp(flow, {
          async onVerified(_identity, ctx) {
            await cancel()
            ctx.status = 200
            ctx.respond = false
            ctx.res.on('error', (error) => errors.push(error)).end(body)
          },
        })
        app.use((ctx, next) => (ctx.path === '/token' ? check(ctx, next) : next()))
      },
    })
    const client = app.client()
    const answer = await client.post('/token', await sent(app, client))
    expect([answer.status, answer.text.length]).toEqual([200, body.length])
    expect([...errors, ...app.errors]).toEqual([])
  })

  const openers: NonNullable<AppOptions['opener']>[] = framework.startsWith('koa')
    ? ['passport', 'onVerified', 'koa-passport']
    : ['passport', 'onVerified']

  test.each(openers)('is no session that could not be closed again, with %s', async (opener) => {
    const app: App = await setupApp({
      framework,
      opener,
      async verify({ number }) {
        await client.post('/login/cancel')
        // Called when it is saved: what comes after that is to close it.
        const toJSON = () => {
          app.sessions.fail.destroy = true
          return number
        }
        return { toJSON }
      },
    })
    const client = app.client()
    const body = await sent(app, client)
    expect((await client.post('/login/check', body)).status).toBe(409)
    expect(app.sessions.fail.destroy).toBe(true)
    expect((await client.get('/me')).status).toBe(401)
  })
})
