import { describe, expect, test } from 'vitest'
import {
  type App,
  type AppOptions,
  frameworks,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import { type Client, keepCookies } from '../support/client.js'
import { sessionSettings } from '../support/session-settings.js'

/** Requests of the route `/login` with `x-late` wait, with their session loaded, until the gate opens. */
function gated(): { open: () => void; options: Pick<AppOptions, 'express' | 'koa'> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  const options: Pick<AppOptions, 'express' | 'koa'> = {
    express: (app) =>
      app.use((req, _res, next) => {
        const late = req.headers['x-late'] ? opened : undefined
        // oxlint-disable-next-line promise/no-callback-in-promise -- It is how Express goes on.
        void Promise.resolve(late).then(() => next())
      }),
    koa: (app) =>
      app.use(async (ctx, next) => {
        // Looking at it loads a session that is in the cookie alone.
        if (ctx.headers['x-late'] && ctx.session) await opened
        await next()
      }),
  }
  return { open: () => open(), options }
}

function browserWith(app: App, jar: ReadonlyMap<string, string>): Client {
  const client = app.client()
  for (const [name, value] of jar) client.jar.set(name, value)
  return client
}

const other = '+12015550101'

describe.each(frameworks)('a late request on %s', (framework) => {
  const kind = framework.startsWith('koa') ? 'koa' : 'express'
  // proves: SES-17
  test.each(sessionSettings[kind])('leaves the new session alone, with %j', async (session) => {
    const gate = gated()
    const app = await setupApp({ framework, session, ...gate.options })
    const client = app.client()
    await client.post('/plant', { cart: 1 })
    expect((await client.post('/login/send', { number })).status).toBe(202)
    const code = await app.sandbox.waitForCode(number)
    const old = new Map(client.jar)
    for (const record of app.sessions.records.values()) {
      // koa-session renews what has less than half of its life left.
      if ('_expire' in record) Object.assign(record, { _expire: Date.now() + 900_000 })
    }

    const calls = (headers: Record<string, string>) => [
      () => browserWith(app, old).get('/login/status', { headers }),
      () => browserWith(app, old).post('/login/check', { code: wrongCode }, { headers }),
      () => browserWith(app, old).post('/login/resend', {}, { headers }),
      () => browserWith(app, old).post('/login/send', { number: other }, { headers }),
      () => browserWith(app, old).post('/login/cancel', {}, { headers }),
    ]
    const underWay = calls({ 'x-late': '1' }).map((call) => call())
    // Each has its session when the gate's route has it, which a later request shows.
    await client.get('/me')
    const signedIn = await client.post('/login/check', { code })
    expect(signedIn.status).toBe(200)
    gate.open()
    const late = await Promise.all(underWay)
    for (const call of calls({})) late.push(await call())

    for (const { cookies } of late) {
      const browser = browserWith(app, client.jar)
      keepCookies(browser.jar, cookies)
      expect((await browser.get('/me')).json).toEqual({ user: { number } })
    }
    // Nor is the old session back.
    expect(app.sessions.records.size).toBe(1)
    expect(app.sessions.signedIn()).toHaveLength(1)
  })
})
