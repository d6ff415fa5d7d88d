import { describe, expect, test, vi } from 'vitest'
import {
  type App,
  type AppOptions,
  frameworks,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import type { Identity } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'
import { type Client, expectProblem, keepCookies } from '../support/client.js'
import { changed } from '../support/flow.js'

/** The same browser at an earlier time: it has not heard the answers since. */
function before(app: App, jar: ReadonlyMap<string, string>): Client {
  const client = app.client()
  for (const [name, value] of jar) client.jar.set(name, value)
  return client
}

async function sent(app: App, client: Client): Promise<string> {
  expect((await client.post('/login/send', { number })).status).toBe(202)
  return app.sandbox.waitForCode(number)
}

const checks = async (app: App) => (await app.requests()).filter((call) => call === 'check').length

const openersOf = (framework: string): NonNullable<AppOptions['opener']>[] =>
  framework.startsWith('koa')
    ? ['passport', 'onVerified', 'koa-passport']
    : ['passport', 'onVerified']

describe.each(frameworks)('an answer that was lost, on %s,', (framework) => {
  describe.each(openersOf(framework))('opened by %s', (opener) => {
    // proves: SES-16
    test.each(['memory', 'redis'] as const)(
      'is given again, with one live session, on %s',
      async (store) => {
        const app = await setupApp({ framework, opener, store })
        const client = app.client()
        await client.post('/plant', { cart: 1 })
        const code = await sent(app, client)
        const old = new Map(client.jar)

        const lost: Client[] = []
        for (const times of [1, 2, 3, 4]) {
          const browser = before(app, old)
          expect((await browser.post('/login/check', { code })).status).toBe(200)
          expect((await browser.get('/me')).json).toEqual({ user: { number } })
          expect(app.sessions.signedIn()).toHaveLength(1)
          for (const each of lost) expect((await each.get('/me')).status).toBe(401)
          lost.push(browser)
          expect(app.verified.map(({ repeated }) => repeated)).toEqual(
            Array.from({ length: times }, (_, index) => index > 0),
          )
        }
        // Three times, and no more.
        expectProblem(await before(app, old).post('/login/check', { code }), 409, 'no_pending_code')
        expect((await lost.at(-1)?.get('/me'))?.json).toEqual({ user: { number } })
        expect(await checks(app)).toBe(1)
        // One sign-in, and one more for each time.
        expect(app.sessions.records.size).toBe(1)
      },
    )

    // proves: SES-16
    test('is given to no other browser, and for no other code', async () => {
      const app = await setupApp({ framework, opener })
      const client = app.client()
      const code = await sent(app, client)
      const old = new Map(client.jar)
      expect((await client.post('/login/check', { code })).status).toBe(200)

      expectProblem(await app.client().post('/login/check', { code }), 409, 'no_pending_code')
      // In the sandbox of tests all numbers get one code: it opens each browser's own flow, and no other.
      const stranger = app.client()
      const own = '+12015550101'
      await stranger.post('/login/send', { number: own })
      const claims = { code, number, flow: old.get('otp'), handle: old.get('otp') }
      expect((await stranger.post('/login/check', claims)).status).toBe(200)
      expect((await stranger.get('/me')).json).toEqual({ user: { number: own } })
      expectProblem(
        await before(app, old).post('/login/check', { code: wrongCode }),
        409,
        'no_pending_code',
      )
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(app.sessions.signedIn()).toHaveLength(2)
    })

    // proves: SES-18
    test.each([12, 25])(
      'comes from one verify function that takes %i s, however often people press',
      async (seconds) => {
        let opens = () => {}
        const opening = new Promise<void>((resolve) => (opens = resolve))
        let asked = 0
        let passed = 0
        let claims = 0
        const steps = changed(
          createMemoryStore(() => performance.now() + passed),
          {
            claim(next) {
              claims += 1
              return next()
            },
          },
        )
        const app = await setupApp({
          framework,
          opener,
          flow: { store: toOpaque(steps) },
          async verify({ number }) {
            asked += 1
            await opening
            return { number }
          },
        })
        const client = app.client()
        await client.post('/plant', { cart: 1 })
        const code = await sent(app, client)
        const old = new Map(client.jar)
        const presses = [before(app, old).post('/login/check', { code })]
        await vi.waitFor(() => expect(asked).toBe(1))
        /** Four presses: each has asked whether the session is there, and one of them asks again for all. */
        const press = async () => {
          const waiting = Array.from({ length: 4 }, () =>
            before(app, old).post('/login/check', { code }),
          )
          presses.push(...waiting)
          const enough = claims + waiting.length + 1
          await vi.waitFor(() => expect(claims).toBeGreaterThan(enough), 9000)
        }
        await press()
        // Nothing is said of a code that is not right, and nobody waits for that.
        const other = before(app, old).post('/login/check', { code: wrongCode })
        expect((await other).status).toBe(409)
        passed += seconds * 1000
        await press()
        opens()

        const answers = await Promise.all(presses)
        expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200))
        expect(asked).toBe(1)
        expect(await checks(app)).toBe(1)
        expect(app.sessions.signedIn()).toHaveLength(1)
        for (const order of [answers, answers.toReversed()]) {
          const browser = before(app, old)
          for (const { cookies } of order) keepCookies(browser.jar, cookies)
          expect((await browser.get('/me')).json).toEqual({ user: { number } })
        }
      },
    )
  })

  // proves: SES-18
  test('comes to each of seven presses that open no session, from one verify function', async () => {
    let asked = 0
    let opens = () => {}
    const opening = new Promise<void>((resolve) => (opens = resolve))
    const body = (user: unknown, _info: unknown, { repeated }: Identity) => ({ user, repeated })
    const app = await setupApp({
      framework,
      sessionless: true,
      async verify({ number }) {
        asked += 1
        await opening
        return { number }
      },
      express: (app, { flow, passport }) =>
        app.use('/own', onExpress.otpRouter(flow, { passport, session: false, body })),
      koa: (app, { flow, passport }) =>
        app.use(onKoa.otpRouter(flow, { passport, session: false, body, prefix: '/own' })),
    })
    const client = app.client()
    expect((await client.post('/own/send', { number })).status).toBe(202)
    const code = await app.sandbox.waitForCode(number)
    const old = new Map(client.jar)
    const press = () => before(app, old).post('/own/check', { code })
    const presses = [press()]
    await vi.waitFor(() => expect(asked).toBe(1))
    presses.push(...Array.from({ length: 6 }, press))
    const wrong = before(app, old).post('/own/check', { code: wrongCode })
    expect((await wrong).status).toBe(409)
    opens()
    const answers = await Promise.all(presses)
    const signedIn = { status: 'verified', user: { number } }
    expect(answers.map(({ json }) => json)).toEqual([
      { ...signedIn, repeated: false },
      ...Array.from({ length: 6 }, () => ({ ...signedIn, repeated: true })),
    ])
    expect(asked).toBe(1)
    // One that comes later is one whose answer was lost.
    expect((await press()).json).toEqual({ ...signedIn, repeated: true })
    expect(asked).toBe(2)
    expect(await checks(app)).toBe(1)
  })

  // proves: SES-8, SES-16
  test('is none to a wrong code that waited while the right one signed in', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    const old = new Map(client.jar)
    const press = (typed: string) => before(app, old).post('/login/check', { code: typed })
    await app.fault({
      operation: 'otp.check',
      when: 'before',
      kind: 'delay',
      ms: 400,
      times: 1,
    })
    const wrong = [press(wrongCode)]
    await vi.waitFor(async () => expect(await checks(app)).toBe(1))
    wrong.push(press(wrongCode), press(wrongCode))
    await expect
      .poll(async () => (await client.post('/login/check', { code })).status, { interval: 20 })
      .toBe(200)
    for (const answer of await Promise.all(wrong)) {
      expect([401, 409]).toContain(answer.status)
      expect(answer.json).not.toHaveProperty('status', 'verified')
      const browser = before(app, old)
      keepCookies(browser.jar, answer.cookies)
      expect((await browser.get('/me')).status).toBe(401)
    }
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(app.sessions.signedIn()).toHaveLength(1)
  })

  // proves: SES-16
  test('is given again to a client that keeps the handle itself, with another token', async () => {
    const app = await setupApp({
      framework,
      sessionless: true,
      opener: 'onVerified',
      flow: { binding: 'token' },
    })
    const client = app.client()
    const { json } = await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    const body = { code, flow: json?.flow }
    expect((await client.post('/login/check', body)).status).toBe(200)
    expect((await client.post('/login/check', body)).status).toBe(200)
    expect(app.verified.map(({ repeated }) => repeated)).toEqual([false, true])
  })

  // proves: SES-16
  test('of which the connection broke is given again', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 150 })
    const request = client.begin('/login/check', { code })
    await vi.waitFor(async () => expect(await checks(app)).toBe(1))
    request.leave()
    await request.left
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(app.sessions.signedIn()).toHaveLength(1)
    expect(await checks(app)).toBe(1)
  })
})
