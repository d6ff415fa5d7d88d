import { randomInt } from 'node:crypto'
import { expectTypeOf, describe, expect, test, vi } from 'vitest'
import { type Identity, redisStore } from 'passport-tyntec-otp'
import {
  type App,
  type AppOptions,
  frameworks,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import { type Answer, type Client, expectProblem } from '../support/client.js'
import { createRedis } from '../support/redis.js'
import { advanceRedis } from '../support/stores.js'

/** A session's cookie of either framework, without what belongs to the handle. */
const sid = (client: Client) => client.jar.get('sid')

async function sent(app: App, client: Client, to = number): Promise<string> {
  expect(await client.post('/login/send', { number: to })).toMatchObject({ status: 202 })
  return app.sandbox.waitForCode(to)
}

async function signedIn(app: App, client: Client, to = number): Promise<void> {
  const code = await sent(app, client, to)
  expect(await client.post('/login/check', { code })).toMatchObject({ status: 200 })
}

const origin = 'https://login.example.com'
const numberOf = (index: number) => `+1201555${String(2000 + index)}`
const counts = async (app: App, call: string) =>
  (await app.requests()).filter((each) => each === call).length

describe.each(frameworks)('%s', (framework) => {
  describe.each(['memory', 'redis'] as const)('on the %s store', (store) => {
    test('signs in with JSON', async () => {
      const app = await setupApp({ framework, store })
      const client = app.client()

      const sent = await client.post('/login/send', { number: '+1 (201) 555-0100' })
      expect(sent.json).toEqual({
        status: 'sent',
        to: '•••0100',
        via: 'sms',
        expiresIn: 300,
        codeLength: 6,
        resend: { allowed: false, retryAfter: 30, remaining: 3, channels: ['sms'] },
      })
      expect(sent.status).toBe(202)
      expect(sent.headers['content-type']).toBe('application/json; charset=utf-8')
      expect((await client.get('/login/status')).json).toEqual({
        ...sent.json,
        status: 'pending',
        delivery: expect.any(String),
        resend: expect.any(Object),
        expiresIn: expect.any(Number),
      })

      expectProblem(await client.post('/login/check', { code: wrongCode }), 401, 'invalid_code', {
        fields: [{ name: 'code', code: 'invalid_code', detail: expect.any(String) }],
      })
      expect((await client.get('/me')).status).toBe(401)

      const code = await app.sandbox.waitForCode(number)
      const checked = await client.post('/login/check', {
        code: `${code.slice(0, 3)} ${code.slice(3)}`,
      })
      expect([checked.status, checked.json]).toEqual([200, { status: 'verified' }])
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
      expect(client.jar.has('otp')).toBe(false)
      expect(app.errors).toEqual([])
    })

    // proves: SES-7, twice/check
    test('opens one session when the right code comes many times at once', async () => {
      const app = await setupApp({ framework, store })
      const client = app.client()
      const code = await sent(app, client)
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 400 })

      const answers = await Promise.all(
        Array.from({ length: 12 }, () => client.post('/login/check', { code })),
      )
      const statuses = answers.map(({ status }) => status).toSorted()
      expect(statuses).toEqual(Array<number>(12).fill(200))
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(await counts(app, 'check')).toBe(1)
    })

    // proves: SES-12, SEND-3, twice/send
    test('answers eight clicks on one page alike, with one message', async () => {
      const app = await setupApp({ framework, store })
      const client = app.client()
      await client.get('/login/status')
      await app.fault({ operation: 'otp.send', when: 'before', kind: 'delay', ms: 100 })

      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client.post('/login/send', { number })),
      )
      expect(answers.map(({ status }) => status)).toEqual(Array<number>(8).fill(202))
      expect(new Set(answers.map(({ json }) => json?.to))).toEqual(new Set(['•••0100']))
      const handles = answers.map(
        ({ headers }) =>
          /(?<=^otp=)[^;]+/m.exec([headers['set-cookie'] ?? []].flat().join('\n'))?.[0],
      )
      expect(new Set(handles).size).toBe(1)
      expect(await counts(app, 'send')).toBe(1)

      // Whichever answer the browser has seen, the code is good in it.
      const code = await app.sandbox.waitForCode(number)
      expect((await client.post('/login/check', { code })).status).toBe(200)
    })

    test('answers two clicks alike that ask for a new code after too many tries', async () => {
      const app = await setupApp({ framework, store, flow: { resendWaits: [1] } })
      const client = app.client()
      await client.get('/login/status')
      await sent(app, client)
      for (let tries = 0; tries < 3; tries++) {
        await client.post('/login/check', { code: wrongCode })
      }
      await vi.waitFor(async () => {
        const clicks = [1, 2].map(() => client.post('/login/send', { number }))
        const statuses = (await Promise.all(clicks)).map(({ status }) => status)
        expect(statuses).toEqual([202, 202])
      }, 5000)
      expect(await counts(app, 'send')).toBe(2)
      const { messages } = app.sandbox
      const code = messages().at(-1)?.code
      expect((await client.post('/login/check', { code })).status).toBe(200)
    })

    // proves: SES-12
    test('begins anew on the same page after a sign-in, another number and a cancel', async () => {
      const app = await setupApp({ framework, store })
      const client = app.client()
      const handles: (string | undefined)[] = []
      const send = async (to: string) => {
        await client.get('/login/status')
        const code = await sent(app, client, to)
        handles.push(client.jar.get('otp'))
        return code
      }
      await send(numberOf(1))
      await send(numberOf(2))
      await client.post('/login/cancel')
      const code = await send(numberOf(3))
      expect((await client.post('/login/check', { code })).status).toBe(200)
      await send(numberOf(3))
      expect(new Set(handles).size).toBe(4)
    })

    // proves: app-throws/check
    test('lets the same code in again when the app could not find its user', async () => {
      let fails = true
      const app = await setupApp({
        framework,
        store,
        verify: async ({ number }: Identity) => {
          if (fails) throw new Error('no database')
          return { number }
        },
      })
      const client = app.client()
      const code = await sent(app, client)

      expect((await client.post('/login/check', { code })).status).toBe(500)
      expect(app.errors).toEqual([new Error('no database')])
      expect((await client.get('/me')).status).toBe(401)

      fails = false
      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(await counts(app, 'check')).toBe(1)
    })

    // proves: client-leaves/check
    test('lets the same code in again when the client left before its answer', async () => {
      const app = await setupApp({ framework, store })
      const client = app.client()
      const code = await sent(app, client)
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 300, times: 1 })

      const request = client.begin('/login/check', { code })
      await vi.waitFor(async () => expect(await counts(app, 'check')).toBe(1))
      request.leave()
      await request.left

      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(await counts(app, 'check')).toBe(1)
    })
  })

  // proves: NAV-4
  test('signs in with forms, and shows the kept outcome once', async () => {
    const app = await setupApp({
      framework,
      router: { successRedirect: '/home', failureRedirect: '/login', pendingRedirect: '/code' },
    })
    const client = app.client()
    const leads = (answer: Answer) => [answer.status, answer.headers.location]

    expect(leads(await client.submit('/login/send', { number: 'call me' }))).toEqual([
      303,
      '/login',
    ])
    const refused = await client.get('/login/status')
    expect(refused.json).toMatchObject({ status: 'none', outcome: { code: 'invalid_number' } })
    expect((await client.get('/login/status')).json).toEqual({ status: 'none' })

    expect(leads(await client.submit('/login/send', { number }))).toEqual([303, '/code'])
    expect(leads(await client.submit('/login/resend'))).toEqual([303, '/login'])
    expect((await client.get('/login/status')).json).toMatchObject({
      status: 'pending',
      outcome: { code: 'resend_too_soon', status: 429, retryAfter: 30 },
    })
    expect(leads(await client.submit('/login/check', { code: wrongCode }))).toEqual([303, '/login'])
    const code = await app.sandbox.waitForCode(number)
    expect(leads(await client.submit('/login/check', { code }))).toEqual([303, '/home'])
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    // The last refusal was not shown, and says nothing any more.
    expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
    // The browser is known from now on, and nothing else of the flow is left.
    expect([...client.jar.keys()].filter((name) => name.startsWith('otp'))).toEqual([
      'otp-device',
      'otp-page',
    ])
  })

  test('leads a page that sends the code twice to where the first one has led', async () => {
    const app = await setupApp({ framework, router: { successRedirect: '/home' } })
    const client = app.client()
    const code = await sent(app, client)
    await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 400 })
    const answers = await Promise.all([1, 2].map(() => client.submit('/login/check', { code })))
    expect(answers.map(({ headers }) => headers.location)).toEqual(['/home', '/home'])
    expect(app.sessions.signedIn()).toHaveLength(1)
  })

  test('answers forms like other clients when it was not told where to lead them', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    expect((await client.submit('/login/send', { number })).status).toBe(202)
    expectProblem(await client.submit('/login/check', { code: wrongCode }), 401, 'invalid_code', {
      fields: expect.any(Array),
    })
    const asked = { headers: { accept: 'application/json' } }
    const redirecting = await setupApp({ framework, router: { failureRedirect: '/login' } })
    const answer = await redirecting.client().submit('/login/check', { code: '1' }, asked)
    expect(answer.status).toBe(400)
  })

  describe('refuses with', () => {
    const field = (name: string, code: string) => ({
      fields: [{ name, code, detail: expect.any(String) }],
    })
    const refusals: [
      code: string,
      status: number,
      run: (client: Client, app: App) => Promise<Answer>,
      members?: Record<string, unknown>,
      flow?: AppOptions['flow'],
    ][] = [
      ['bad_request', 400, (client) => client.post('/login/send', [number])],
      [
        'number_required',
        400,
        (client) => client.post('/login/send', {}),
        field('number', 'number_required'),
      ],
      [
        'invalid_number',
        400,
        (client) => client.post('/login/send', { number: '+1 999' }),
        field('number', 'invalid_number'),
      ],
      [
        'number_not_allowed',
        403,
        (client) => client.post('/login/send', { number: '+33612345678' }),
        field('number', 'number_not_allowed'),
      ],
      [
        'channel_not_allowed',
        400,
        (client) => client.post('/login/send', { number, via: 'voice' }),
        field('via', 'channel_not_allowed'),
      ],
      [
        'cross_site',
        403,
        (client) =>
          client.post('/login/send', { number }, { headers: { 'sec-fetch-site': 'cross-site' } }),
      ],
      [
        'code_required',
        400,
        (client) => client.post('/login/check', {}),
        field('code', 'code_required'),
      ],
      [
        'malformed_code',
        400,
        (client) => client.post('/login/check', { code: '12345' }),
        field('code', 'malformed_code'),
      ],
      ['no_pending_code', 409, (client) => client.post('/login/check', { code: '123456' })],
      ['no_pending_code', 409, (client) => client.post('/login/resend')],
      [
        'invalid_code',
        401,
        async (client, app) => {
          await sent(app, client)
          return client.post('/login/check', { code: wrongCode })
        },
        { ...field('code', 'invalid_code'), attemptsRemaining: 2 },
        { revealAttempts: true },
      ],
      [
        'check_in_progress',
        409,
        async (client, app) => {
          await sent(app, client)
          await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 300 })
          const first = client.post('/login/check', { code: '000001' })
          await vi.waitFor(async () => expect(await counts(app, 'check')).toBe(1))
          const second = await client.post('/login/check', { code: wrongCode })
          await first
          return second
        },
        { retryAfter: expect.any(Number) },
      ],
      [
        'code_expired',
        410,
        async (client, app) => {
          await sent(app, client, '+12015550120')
          return client.post('/login/check', { code: '424242' })
        },
      ],
      [
        'too_many_attempts',
        410,
        async (client, app) => {
          await sent(app, client)
          return client.post('/login/check', { code: wrongCode })
        },
        {},
        { attempts: 1 },
      ],
      [
        'resend_too_soon',
        429,
        async (client, app) => {
          await sent(app, client)
          return client.post('/login/resend')
        },
        { retryAfter: 30 },
      ],
      [
        'rate_limited',
        429,
        async (client, app) => {
          const from = { headers: { 'x-forwarded-for': '192.0.2.1' } }
          expect((await client.post('/login/send', { number }, from)).status).toBe(202)
          await app.sandbox.waitForCode(number)
          return client.post('/login/send', { number: '+12015550101' }, from)
        },
        { retryAfter: expect.any(Number) },
        { limits: { sendsPerAddress: { points: 1, duration: 60 } } },
      ],
      [
        'service_unavailable',
        503,
        (client) => client.post('/login/send', { number: '+12015550131' }),
        { retryAfter: 5 },
      ],
    ]

    // proves: ATT-7, ATT-11, NUM-5, NAV-4
    test.each(refusals)('%s (%i)', async (code, status, run, members = {}, flow = {}) => {
      const app = await setupApp({ framework, flow, trustProxy: 1 })
      const client = app.client()
      const answer = await run(client, app)
      expectProblem(answer, status, code, members)
      const { retryAfter } = answer.json ?? {}
      expect(answer.headers['retry-after']).toBe(
        retryAfter === undefined ? undefined : String(Number(retryAfter)),
      )
      expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Otp' : undefined)
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        vary: expect.stringContaining('Sec-Fetch-Site'),
      })
      expect(app.errors).toEqual([])
      expect((await client.get('/me')).status).toBe(401)
    })
  })

  test('gives the handle to the browser although the send has failed', async () => {
    const app = await setupApp({ framework })
    const answer = await app.client().post('/login/send', { number: '+12015550131' })
    expect(answer.status).toBe(503)
    expect(answer.cookies).toEqual([
      expect.stringMatching(/^otp=[\w-]{112}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
  })

  test('sets the safe cookie in production, and clears it with the same attributes', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const app = await setupApp({
      framework,
      store: 'redis',
      flow: { origin: 'https://login.example.com' },
    })
    const client = app.client()
    const answer = await client.post('/login/send', { number })
    const attributes = 'Path=/; HttpOnly; Secure; SameSite=Lax'
    expect(answer.cookies).toEqual([
      expect.stringMatching(new RegExp(`^__Host-otp=[\\w-]{112}; Max-Age=600; ${attributes}$`)),
    ])
    expect(answer.text).not.toContain(client.jar.get('__Host-otp'))
    const cancelled = await client.post('/login/cancel')
    expect(cancelled.cookies).toEqual([`__Host-otp=; Max-Age=0; ${attributes}`])
  })

  test('neither makes nor touches a session before the login', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    await sent(app, client)
    await client.get('/login/status')
    await client.post('/login/check', { code: wrongCode })
    expect(app.sessions.records.size).toBe(0)
    expect([...client.jar.keys()]).toEqual(['otp', 'otp-page'])
  })

  // proves: SES-1
  test('binds the code to the browser that asked for it', async () => {
    const app = await setupApp({ framework })
    const owner = app.client()
    const stranger = app.client()
    const code = await sent(app, owner)

    const claims = { code, number, flow: owner.jar.get('otp'), handle: owner.jar.get('otp') }
    expectProblem(await stranger.post('/login/check', claims), 409, 'no_pending_code')
    expectProblem(await stranger.post('/login/resend', claims), 409, 'no_pending_code')
    expect(await app.requests()).toEqual(['send'])
    expect((await owner.post('/login/check', { code })).status).toBe(200)
  })

  test('ignores a handle that is there twice', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    const handle = client.jar.get('otp') ?? ''
    const twice = (one: string, other: string) => ({
      headers: { cookie: `otp=${one}; otp=${other}` },
    })
    for (const values of [twice('x', handle), twice(handle, 'x'), twice(handle, handle)]) {
      expectProblem(await client.post('/login/check', { code }, values), 409, 'no_pending_code')
    }
    expect((await client.post('/login/check', { code })).status).toBe(200)
  })

  // proves: SES-3
  test('opens a new session at login, with nothing of the old one', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    await client.post('/plant', { cart: 3, returnTo: 'https://evil.example', tyntecOtp: 'x' })
    const before = sid(client)
    const code = await sent(app, client)
    expect(sid(client)).toBe(before)

    await client.post('/login/check', { code })
    expect(sid(client)).not.toBe(before)
    const [record, ...others] = app.sessions.records.values()
    expect(others).toEqual([])
    expect(JSON.stringify(record)).not.toMatch(/cart|returnTo|tyntecOtp/)

    const old = app.client()
    old.jar.set('sid', before ?? '')
    expect((await old.get('/me')).status).toBe(401)
  })

  // proves: SES-8
  test('refuses the code after it was used, by the old cookie as well', async () => {
    const { redis, prefix } = await createRedis()
    const app = await setupApp({ framework, flow: { store: redisStore(redis, { prefix }) } })
    const client = app.client()
    const code = await sent(app, client)
    const before = new Map(client.jar)
    await client.post('/login/check', { code })
    const replay = app.client()
    for (const [name, value] of before) replay.jar.set(name, value)

    expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
    // Until then the old cookie is answered as the first time: see test/http/last-answer.test.ts.
    await advanceRedis(redis, prefix, 61)
    expectProblem(await replay.post('/login/check', { code }), 409, 'no_pending_code')
    expect(await counts(app, 'check')).toBe(1)
    expect(app.verified).toHaveLength(1)
    expect(app.sessions.signedIn()).toHaveLength(1)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
  })

  // proves: SES-10
  test('ends the flow of a number when the browser asks for another', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    await sent(app, client, numberOf(1))
    const first = await app.sandbox.waitForCode(numberOf(1))
    const before = client.jar.get('otp') ?? ''
    const second = await sent(app, client, numberOf(2))

    const old = app.client()
    old.jar.set('otp', before)
    expectProblem(await old.post('/login/check', { code: first }), 409, 'no_pending_code')
    const body = { code: second, number: numberOf(1) }
    expect((await client.post('/login/check', body)).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number: numberOf(2) } })
  })

  test('leaves nothing of one user to the next in the same browser', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    await signedIn(app, client, numberOf(1))
    await client.post('/plant', { secretOfTheFirst: 1 })
    const before = sid(client)
    await signedIn(app, client, numberOf(2))

    expect((await client.get('/me')).json).toEqual({ user: { number: numberOf(2) } })
    expect(sid(client)).not.toBe(before)
    expect([...app.sessions.records.values()]).toEqual([
      expect.not.objectContaining({ secretOfTheFirst: 1 }),
    ])
  })

  // proves: SES-14
  test('ends the flow when a pending browser logs out', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    const handle = client.jar.get('otp') ?? ''
    expect((await client.post('/logout')).status).toBe(204)
    expect(client.jar.has('otp')).toBe(false)

    client.jar.set('otp', handle)
    expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
    expect(await app.requests()).toEqual(['send', 'delete'])
  })

  test('cancels: the code is deleted at tyntec, and the cookie goes', async () => {
    const app = await setupApp({ framework, router: { successRedirect: '/home' } })
    const client = app.client()
    const code = await sent(app, client)
    const cancelled = await client.post('/login/cancel')
    expect([cancelled.status, cancelled.text]).toEqual([204, ''])
    expect(client.jar.size).toBe(0)
    expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
    expect(await app.requests()).toEqual(['send', 'delete'])
    expect((await client.submit('/login/cancel')).headers.location).toBe('/home')
  })

  test('sends again when the time has come', async () => {
    const app = await setupApp({ framework, flow: { resendWaits: [1] } })
    const client = app.client()
    await sent(app, client)
    const resent = await vi.waitFor(
      async () => {
        const answer = await client.post('/login/resend')
        expect(answer.status).toBe(202)
        return answer
      },
      { timeout: 5_000, interval: 200 },
    )
    expect(resent.json).toMatchObject({ status: 'sent', resend: { remaining: 0 } })
    expect(resent.json).not.toHaveProperty('handle')
    expect(await counts(app, 'resend')).toBe(1)
  })

  describe('input', () => {
    const values: unknown[] = [
      ['1', '2'],
      { $gt: '' },
      { length: 6 },
      { toString: 'x' },
      123456,
      true,
      0,
      [],
      [['+12015550100']],
    ]

    // proves: NUM-7
    test('that is two numbers is refused with the advice to write a plus sign', async () => {
      const app = await setupApp({ framework })
      const text = { number: '1 1 201 555 0100', country: 'US' }
      const { status, json } = await app.client().post('/login/send', text)
      const detail = expect.stringContaining('Enter it with + and its country code')
      expect([status, json]).toMatchObject([
        400,
        { code: 'invalid_number', detail, fields: [{ name: 'number', detail }] },
      ])
      expect(await counts(app, 'send')).toBe(0)
    })

    // proves: NUM-1
    test('that is not known hints at nothing, and refuses nobody', async () => {
      const app = await setupApp({ framework })
      const text = { number, country: 'UK', language: 'x-klingon' }
      expect((await app.client().post('/login/send', text)).status).toBe(202)
    })

    // proves: IN-1, IN-8
    test('that is no text is refused before anything is asked', async () => {
      const app = await setupApp({ framework })
      const client = app.client()
      for (const value of values) {
        expectProblem(await client.post('/login/send', { number: value }), 400, 'bad_request', {
          fields: [expect.objectContaining({ name: 'number' })],
        })
        expect((await client.post('/login/send', { number, via: value })).status).toBe(400)
        expect((await client.post('/login/send', { number, country: value })).status).toBe(400)
        expect((await client.post('/login/send', { number, language: value })).status).toBe(400)
        expectProblem(await client.post('/login/check', { code: value }), 400, 'bad_request', {
          fields: [expect.objectContaining({ name: 'code' })],
        })
      }
      expectProblem(await client.post('/login/check', { code: null }), 400, 'code_required', {
        fields: expect.any(Array),
      })
      expect(await app.requests()).toEqual([])
      expect(app.errors).toEqual([])
    })

    // proves: IN-1
    test('that is there twice in a form is refused', async () => {
      const app = await setupApp({ framework })
      const answer = await app.client().call('POST', '/login/send', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        raw: `number=${encodeURIComponent(number)}&number=${encodeURIComponent('+12015550101')}`,
      })
      expect(answer.status).toBe(400)
      expect(await app.requests()).toEqual([])
    })

    // proves: IN-2, IN-7
    test('counts only as an own field of the body', async () => {
      const app = await setupApp({ framework })
      const client = app.client()
      const prototype = Object.prototype as { number?: string } // polluted, for a moment
      prototype.number = number
      try {
        expect((await client.post('/login/send', {})).json).toMatchObject({
          code: 'number_required',
        })
      } finally {
        delete prototype.number
      }
      const raw = `{"__proto__":{"number":"${number}"},"constructor":{"prototype":{"number":"${number}"}}}`
      const polluting = await client.post('/login/send', undefined, { raw })
      // koa-bodyparser refuses such bodies itself.
      expect([400, 500]).toContain(polluting.status)
      const query = `?number=${encodeURIComponent(number)}&code=424242`
      expect((await client.post(`/login/send${query}`, {})).json).toMatchObject({
        code: 'number_required',
      })
      expect((await client.post(`/login/check${query}`, {})).json).toMatchObject({
        code: 'code_required',
      })
      expect(await app.requests()).toEqual([])
    })

    // proves: CSRF-3
    test('of the wrong content type is refused', async () => {
      const app = await setupApp({ framework })
      const client = app.client()
      const raw = JSON.stringify({ number })
      for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml', '']) {
        for (const path of ['send', 'resend', 'check', 'cancel']) {
          const headers = type === '' ? {} : { 'content-type': type }
          const answer = await client.call('POST', `/login/${path}`, { headers, raw })
          expectProblem(answer, 400, 'bad_request')
        }
      }
      expect(await app.requests()).toEqual([])
    })

    test('that is no object is refused', async () => {
      const app = await setupApp({ framework })
      const client = app.client()
      for (const raw of ['[]', '["+12015550100"]']) {
        const answer = await client.post('/login/send', undefined, { raw })
        expectProblem(answer, 400, 'bad_request')
      }
      for (const raw of ['null', '"text"', '17', '{', `{"number":"${'1'.repeat(1_000_000)}"}`]) {
        const answer = await client.post('/login/send', undefined, { raw })
        // The body parser's own answer.
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
      }
      expect(await app.requests()).toEqual([])
    })

    test('may be missing where none is needed', async () => {
      const app = await setupApp({ framework, flow: { resendWaits: [1] } })
      const client = app.client()
      await sent(app, client)
      const resent = await client.call('POST', '/login/resend')
      expect([202, 429]).toContain(resent.status)
      expect((await client.call('POST', '/login/cancel')).status).toBe(204)
      expect((await client.call('POST', '/login/send')).json).toMatchObject({
        code: 'number_required',
      })
    })
  })

  describe('another site', () => {
    const origin = 'https://login.example.com'

    async function setupPages() {
      const app = await setupApp({ framework, flow: { origin: [origin, 'http://app.example'] } })
      return { app, client: app.client() }
    }

    const sites = ['cross-site', 'same-site', 'none', 'same-origin', 'made-up', undefined]
    const origins = [origin, 'http://app.example', 'https://evil.example', 'null', undefined]
    const allowed = (site: string | undefined, from: string | undefined): boolean => {
      if (site === 'cross-site' || site === 'made-up') return false
      if (from === 'null') return site === 'same-origin'
      if (from === 'https://evil.example') return false
      return site === 'same-site' ? from !== undefined : true
    }
    const headersOf = (site: string | undefined, from: string | undefined) => ({
      ...(site !== undefined && { 'sec-fetch-site': site }),
      ...(from !== undefined && { origin: from }),
    })

    test('sends nothing, whatever it claims', async () => {
      const { app, client } = await setupPages()
      await sent(app, client)
      let reached = 0
      for (const site of sites) {
        for (const from of origins) {
          for (const who of [client, app.client()]) {
            const options = { headers: headersOf(site, from) }
            // Without a number nothing is sent, and the refusal tells how far the request got.
            const answer = await who.post('/login/send', {}, options)
            const code = allowed(site, from) ? 'number_required' : 'cross_site'
            expect([site, from, answer.json?.code]).toEqual([site, from, code])
            reached += Number(code === 'number_required')
          }
        }
      }
      expect(reached).toBe(2 * (2 + 3 + 4 + 3))
      expect(await counts(app, 'send')).toBe(1)
    })

    test('cannot act through any of the routes', async () => {
      const { app, client } = await setupPages()
      const code = await sent(app, client)
      const evil = { headers: headersOf('cross-site', 'https://evil.example') }
      for (const [path, body] of [
        ['send', { number: '+12015550101' }],
        ['resend', {}],
        ['check', { code }],
        ['cancel', {}],
      ] as const) {
        const answer = await client.post(`/login/${path}`, body, evil)
        expectProblem(answer, 403, 'cross_site')
        expect(answer.cookies).toEqual([])
      }
      expect(await app.requests()).toEqual(['send'])
      expect((await client.post('/login/check', { code })).status).toBe(200)
    })

    // proves: CSRF-1
    test('is told by the referrer where nothing else tells it', async () => {
      const { client } = await setupPages()
      const codeFor = async (referer: string) =>
        (await client.post('/login/send', {}, { headers: { referer } })).json?.code
      expect(await codeFor(`${origin}/login?x=1`)).toBe('number_required')
      expect(await codeFor('https://evil.example/login.example.com')).toBe('cross_site')
      expect(await codeFor('https://login.example.com.evil.example/')).toBe('cross_site')
      expect(await codeFor('not a url')).toBe('cross_site')
    })

    test('is every other host when no origin is configured', async () => {
      const app = await setupApp({ framework })
      const client = app.client()
      const codeFor = async (from: string) =>
        (await client.post('/login/send', {}, { headers: { origin: from } })).json?.code
      expect(await codeFor(app.base)).toBe('number_required')
      expect(await codeFor('http://localhost:1')).toBe('cross_site')
      expect(await codeFor('null')).toBe('cross_site')
      expect(await codeFor('nonsense')).toBe('cross_site')
    })

    test('may hold the sign-in page when the app says so', async () => {
      const app = await setupApp({ framework, flow: { origin, cookie: { sameSite: 'none' } } })
      const codeFor = async (from: string) =>
        (await app.client().post('/login/send', {}, { headers: headersOf('cross-site', from) }))
          .json?.code
      expect(await codeFor(origin)).toBe('number_required')
      expect(await codeFor('https://evil.example')).toBe('cross_site')
    })

    test('neither leads a form post nor leaves a message', async () => {
      const app = await setupApp({ framework, router: { failureRedirect: '/login' } })
      const headers = { 'sec-fetch-site': 'cross-site' }
      const answer = await app.client().submit('/login/send', { number }, { headers })
      expectProblem(answer, 403, 'cross_site')
      expect(answer.cookies).toEqual([])
    })
  })

  // proves: CSRF-5
  test('does nothing for a GET, a HEAD or a prefetch', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    for (const path of ['send', 'resend', 'check', 'cancel']) {
      const query = `?number=${encodeURIComponent(number)}&code=${code}`
      const answer = await client.get(`/login/${path}${query}`)
      expectProblem(answer, 405, 'bad_request')
      expect(answer.headers.allow).toBe('POST')
      expect((await client.call('HEAD', `/login/${path}`)).status).toBe(405)
      expect((await client.call('PUT', `/login/${path}`)).status).toBe(405)
      const ahead = { headers: { 'sec-purpose': 'prefetch;prerender' } }
      expectProblem(
        await client.post(`/login/${path}`, { code, number }, ahead),
        400,
        'bad_request',
      )
    }
    const posted = await client.post('/login/status')
    expectProblem(posted, 405, 'bad_request')
    expect(posted.headers.allow).toBe('GET, HEAD')
    expect(await app.requests()).toEqual(['send'])
    expect((await client.post('/login/check', { code })).status).toBe(200)
  })

  test('leaves every other path to the app', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const paths = [
      '/login',
      '/login/',
      '/login/sendx',
      '/login/x/send',
      '/send',
      '/login/SEND',
      '/x',
    ]
    for (const path of paths) {
      expect([path, (await client.get(path)).status]).toEqual([path, 404])
      expect([path, (await client.post(path)).status]).toEqual([path, 404])
    }
    expect((await client.call('OPTIONS', '/login/send')).status).not.toBe(405)
    expect((await client.post('/login/send/', { number })).status).toBe(202)
  })

  test('renders the page of the app, with the kept outcome, and without JavaScript', async () => {
    const app = await setupApp({ framework, router: { failureRedirect: '/', render: true } })
    const client = app.client()
    await client.submit('/login/check', { code: '1' })
    const ahead = { headers: { 'sec-purpose': 'prefetch' } }
    expect((await client.get('/login/status', ahead)).text).toContain('malformed_code')

    const page = await client.get('/login/status')
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    expect(page.headers['cache-control']).toBe('no-store')
    // With it, browsers would send the page's forms without an origin.
    expect(page.headers['referrer-policy']).toBeUndefined()
    expect(page.text).toContain('malformed_code')
    expect((await client.get('/login/status')).text).not.toContain('malformed_code')
  })

  test('believes a kept outcome only when it is one of its own', async () => {
    const app = await setupApp({ framework, router: { failureRedirect: '/' } })
    const client = app.client()
    const shown = async (value: string) => {
      client.jar.set('otp-outcome', value)
      const answer = await client.get('/login/status')
      expect(answer.json).toMatchObject({ status: 'none' })
      return answer.json?.outcome
    }
    for (const value of [
      '<script>',
      'hello..',
      'invalid_code',
      'toString..',
      'invalid_code.x.',
      '',
    ]) {
      expect(await shown(value)).toBeUndefined()
    }
    expect(await shown('rate_limited.27.')).toMatchObject({ code: 'rate_limited', retryAfter: 27 })
    // Whether tries are shown is for the app to say.
    expect(await shown('invalid_code..2')).not.toHaveProperty('attemptsRemaining')
  })

  // proves: session-store/check
  test('keeps the code good while the session store fails', async () => {
    const app = await setupApp({ framework })
    const client = app.client()
    const code = await sent(app, client)
    app.sessions.fail.set = true
    expect((await client.post('/login/check', { code })).status).toBeGreaterThanOrEqual(500)
    expect((await client.get('/me')).status).toBe(401)

    app.sessions.fail.set = false
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(app.sessions.signedIn()).toHaveLength(1)
    expect(await counts(app, 'check')).toBe(1)
  })

  test('refuses whom the app refuses, and the code is used up', async () => {
    const app = await setupApp({ framework, verify: () => false })
    const client = app.client()
    const code = await sent(app, client)
    expectProblem(await client.post('/login/check', { code }), 403, 'sign_in_refused')
    expect(app.events.map(({ type }) => type)).toEqual(['otp.sent', 'otp.verified'])
    // An answer that was lost is given again. The app is not asked a second time, nor is tyntec.
    expectProblem(await client.post('/login/check', { code }), 403, 'sign_in_refused')
    expectProblem(await client.post('/login/check', { code: wrongCode }), 409, 'no_pending_code')
    expect(app.verified).toHaveLength(1)
    expect(await counts(app, 'check')).toBe(1)
    expect(app.sessions.signedIn()).toEqual([])
    expect((await client.get('/me')).status).toBe(401)
  })

  // proves: UP-10, client-leaves/send
  test('finishes a send whose client has left', async () => {
    const app = await setupApp({ framework })
    await app.fault({ operation: 'otp.send', when: 'before', kind: 'delay', ms: 400 })
    const request = app.client().begin('/login/send', { number })
    await vi.waitFor(async () => expect(await counts(app, 'send')).toBe(1))
    request.leave()
    await vi.waitFor(() => expect(app.events.map(({ type }) => type)).toContain('otp.sent'))
    expect(app.sandbox.messages()).toHaveLength(1)
  })

  test('signs each of many in as who they are', async () => {
    const limits = { sendsPerAddress: { points: 100, duration: 60 } }
    const app = await setupApp({ framework, flow: { limits } })
    const people = Array.from({ length: 30 }, (_, index) => numberOf(index))
    const seen = await Promise.all(
      people.map(async (person) => {
        const client = app.client()
        const code = await sent(app, client, person)
        await client.post('/login/check', { code })
        return (await client.get('/me')).json
      }),
    )
    expect(seen).toEqual(people.map((number) => ({ user: { number } })))
  })

  // proves: NET-1
  test('counts the address that the framework names, not the one a client claims', async () => {
    // Elsewhere this machine's own address has room.
    vi.stubEnv('NODE_ENV', 'production')
    const limits = { sendsPerAddress: { points: 3, duration: 60 } }
    const app = await setupApp({ framework, store: 'redis', flow: { limits, origin } })
    const claimed = (person: number) => ({
      headers: { 'x-forwarded-for': Array.from({ length: 4 }, () => randomInt(255)).join('.') },
      person,
    })
    for (const person of [1, 2, 3]) {
      const answer = await app
        .client()
        .post('/login/send', { number: numberOf(person) }, claimed(person))
      expect(answer.status).toBe(202)
    }
    const answer = await app.client().post('/login/send', { number: numberOf(4) }, claimed(4))
    expect(answer.json).toMatchObject({ code: 'rate_limited' })
  })

  test('counts clients behind a trusted proxy apart', async () => {
    const limits = { sendsPerAddress: { points: 1, duration: 60 } }
    const app = await setupApp({ framework, flow: { limits }, trustProxy: 1 })
    const from = (address: string) => ({ headers: { 'x-forwarded-for': `6.6.6.6, ${address}` } })
    const send = async (person: number, address: string) =>
      (await app.client().post('/login/send', { number: numberOf(person) }, from(address))).status
    expect(await send(1, '192.0.2.1')).toBe(202)
    expect(await send(2, '192.0.2.2')).toBe(202)
    expect(await send(3, '192.0.2.1')).toBe(429)
  })

  describe('with onVerified', () => {
    const opener = 'onVerified'

    test('opens a new session, with nothing of the old one', async () => {
      const app = await setupApp({ framework, opener })
      const client = app.client()
      await client.post('/plant', { cart: 3 })
      const before = sid(client)
      await signedIn(app, client)
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(sid(client)).not.toBe(before)
      expect(JSON.stringify([...app.sessions.records.values()])).not.toContain('cart')
      expect(app.verified).toEqual([
        {
          number,
          flowId: expect.any(String),
          verifiedAt: expect.any(Date),
          channel: 'sms',
          purpose: 'login',
          knownBrowser: false,
          repeated: false,
        },
      ])
      expect(client.jar.has('otp')).toBe(false)
    })

    test('lets the app answer itself', async () => {
      const app = await setupApp({ framework, opener, verify: () => 'answers itself' })
      const client = app.client()
      const code = await sent(app, client)
      const answer = await client.post('/login/check', { code })
      expect([answer.status, answer.text]).toEqual([201, 'hello'])
      expect(client.jar.has('otp')).toBe(false)
      expect((await client.get('/me')).status).toBe(200)
      expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
    })

    // proves: FAIL-2, session-store/check
    test('leaves no half-open session when the app or its store fails', async () => {
      let fails = true
      const verify = ({ number }: Identity) => {
        if (fails) throw new Error('no database')
        return { number }
      }
      const app = await setupApp({ framework, opener, verify })
      const client = app.client()
      const code = await sent(app, client)
      const handle = client.jar.get('otp')

      expect((await client.post('/login/check', { code })).status).toBe(500)
      expect(client.jar.get('otp')).toBe(handle)
      fails = false
      app.sessions.fail.set = true
      expect((await client.post('/login/check', { code })).status).toBe(500)
      app.sessions.fail.set = false
      expect((await client.get('/me')).status).toBe(401)
      expect(app.sessions.signedIn()).toEqual([])

      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect((await client.get('/me')).status).toBe(200)
      expect(await counts(app, 'check')).toBe(1)
    })

    test('opens one session when the right code comes many times at once', async () => {
      const app = await setupApp({ framework, opener })
      const client = app.client()
      const code = await sent(app, client)
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 400 })
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => client.post('/login/check', { code })),
      )
      expect(answers.map(({ status }) => status)).toEqual(Array<number>(12).fill(200))
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(app.verified).toHaveLength(1)
    })

    test('lets the same code in again when the client left before its answer', async () => {
      const app = await setupApp({ framework, opener })
      const client = app.client()
      const code = await sent(app, client)
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 200, times: 1 })
      const request = client.begin('/login/check', { code })
      await vi.waitFor(async () => expect(await counts(app, 'check')).toBe(1))
      request.leave()
      await request.left
      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect(app.verified).toHaveLength(1)
    })

    // proves: client-leaves/check
    test('keeps the code good when the client leaves while its session is opened', async () => {
      const asked = deferred()
      const left = deferred()
      const verify = async ({ number }: Identity) => {
        asked.resolve()
        await left.promise
        return { number }
      }
      const app = await setupApp({ framework, opener, verify })
      const client = app.client()
      const code = await sent(app, client)
      const request = client.begin('/login/check', { code })
      await asked.promise
      request.leave()
      await request.left
      // The server has heard of it when it has answered somebody else.
      await client.get('/me')
      left.resolve()

      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(app.verified).toHaveLength(2)
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(await counts(app, 'check')).toBe(1)
    })

    test('needs no session', async () => {
      const app = await setupApp({ framework, opener, sessionless: true })
      const client = app.client()
      await signedIn(app, client)
      expect(app.verified).toHaveLength(1)
      expect([...client.jar.keys()]).toEqual(['otp-device'])
    })
  })

  describe("with binding: 'session'", () => {
    test('keeps the handle in the session until the login', async () => {
      const app = await setupApp({ framework, flow: { binding: 'session' } })
      const client = app.client()
      const code = await sent(app, client)
      expect([...client.jar.keys()]).toEqual(
        framework.startsWith('koa') ? ['sid', 'sid.sig'] : ['sid'],
      )
      expect([...app.sessions.records.values()]).toEqual([
        expect.objectContaining({ tyntecOtp: expect.any(String) }),
      ])
      expect((await client.get('/login/status')).json).toMatchObject({ status: 'pending' })

      expect((await client.post('/login/check', { code })).status).toBe(200)
      expect((await client.get('/me')).json).toEqual({ user: { number } })
      expect(JSON.stringify([...app.sessions.records.values()])).not.toContain('tyntecOtp')
    })

    test('keeps the code good when the app fails', async () => {
      let fails = true
      const verify = ({ number }: Identity) => {
        if (fails) throw new Error('no database')
        return { number }
      }
      for (const opener of ['passport', 'onVerified'] as const) {
        fails = true
        const app = await setupApp({ framework, opener, verify, flow: { binding: 'session' } })
        const client = app.client()
        const code = await sent(app, client)
        expect((await client.post('/login/check', { code })).status).toBe(500)
        expect((await client.get('/me')).status).toBe(401)
        fails = false
        expect((await client.post('/login/check', { code })).status).toBe(200)
      }
    })

    test('says what is missing when there is no session', async () => {
      const app = await setupApp({ framework, sessionless: true, flow: { binding: 'session' } })
      expect((await app.client().post('/login/send', { number })).status).toBe(500)
      expect(app.errors).toEqual([expect.objectContaining({ code: 'ERR_OTP_MISUSE' })])
    })
  })

  describe("with binding: 'token'", () => {
    test('gives the flow to the client, who gives it back', async () => {
      const app = await setupApp({ framework, flow: { binding: 'token' } })
      const client = app.client()
      const answer = await client.post('/login/send', { number })
      const { flow } = answer.json ?? {}
      expect(answer.cookies).toEqual([])
      expect(flow).toEqual(expect.any(String))
      const code = await app.sandbox.waitForCode(number)

      const pending = { status: 'pending' }
      const headers = { authorization: `Otp ${String(flow)}` }
      expect((await client.get('/login/status', { headers })).json).toMatchObject(pending)
      expect((await client.post('/login/status', { flow })).json).toMatchObject(pending)
      expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
      expect((await client.post('/login/resend', { flow })).json).toMatchObject({
        code: 'resend_too_soon',
      })
      expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
      expectProblem(await client.post('/login/check', { code, flow: 7 }), 400, 'bad_request', {
        fields: expect.any(Array),
      })
      expect((await client.post('/login/check', { code, flow })).status).toBe(200)
    })
  })

  test('sends nothing when there is no session to sign in to, and says what is missing', async () => {
    const app = await setupApp({ framework, sessionless: true })
    const client = app.client()
    for (const step of ['send', 'resend']) {
      const answer = await client.post(`/login/${step}`, { number })
      expectProblem(answer, 503, 'service_unavailable', { retryAfter: 5 })
    }
    expect(await app.requests()).toEqual([])
    const told = { code: 'ERR_OTP_MISUSE', message: expect.stringContaining('has no session') }
    expect(app.events.filter(({ type }) => type === 'error')).toMatchObject([told, told])
    // A code that another route has sent is none to sign in with either.
    const outcome = await app.flow.send({ number })
    if (outcome.status !== 'sent') throw new Error(outcome.status)
    client.jar.set('otp', outcome.handle)
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(500)
    expect(app.errors).toEqual([expect.objectContaining({ code: 'ERR_OTP_MISUSE' })])
  })

  test('takes other names for the fields', async () => {
    const app = await setupApp({ framework, flow: { fields: { number: 'phone', code: 'pin' } } })
    const client = app.client()
    expect((await client.post('/login/send', { number })).json).toMatchObject({
      code: 'number_required',
      fields: [{ name: 'phone' }],
    })
    await client.post('/login/send', { phone: number })
    const pin = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { pin })).status).toBe(200)
  })
})

// proves: IN-8
test('both adapters have the same names', async () => {
  const [express, koa] = await Promise.all([
    import('passport-tyntec-otp/express'),
    import('passport-tyntec-otp/koa'),
  ])
  expect(Object.keys(express).toSorted()).toEqual(Object.keys(koa).toSorted())
  expectTypeOf<keyof typeof express>().toEqualTypeOf<keyof typeof koa>()
})

function deferred() {
  let resolve!: () => void // the executor runs at once
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
