import type { Request, Response } from 'express'
import type { Context } from 'koa'
import { redisStore, Strategy } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { beforeAll, describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import {
  type AppOptions,
  frameworks,
  type FrameworkName,
  number,
  setupApp,
  wrongCode,
} from '../support/app.js'
import { type Answer, type Client, expectProblem } from '../support/client.js'
import { createRedis } from '../support/redis.js'
import { startRedisServer } from '../support/redis-server.js'

const origin = 'https://login.example.com'
const evil = 'https://evil.example'
const routes = ['send', 'resend', 'check', 'cancel'] as const
type Route = (typeof routes)[number]

const numberOf = (index: number) => `+1201555${String(5000 + index)}`

let url: string

// One of this file's own: with others' commands in between, ioredis can't begin to watch.
beforeAll(async () => {
  const server = await startRedisServer({})
  url = server.url
  return () => server.stop()
})

/** On Redis, so that every command that a request causes can be counted. */
async function setup(framework: FrameworkName, options: Omit<AppOptions, 'framework'> = {}) {
  const { redis, prefix } = await createRedis({ url })
  const limits = { sendsPerAddress: { points: 1000, duration: 60 } }
  const app = await setupApp({
    framework,
    store: 'redis', // replaced below by one on a connection that is watched
    ...options,
    flow: {
      origin,
      limits: { ...limits, failuresPerAddress: { points: 1000, duration: 60 } },
      store: redisStore(redis, { prefix }),
      ...options.flow,
    },
  })

  const monitor = await redis.duplicate().monitor()
  onTestFinished(() => monitor.disconnect())
  let commands: string[] = []
  monitor.on('monitor', (_time: string, args: string[]) => {
    if (args.some((argument) => argument.includes(prefix))) commands.push(String(args[0]))
  })
  let people = 0
  return {
    app,
    /** A number that no other request of the test has. */
    person: () => numberOf(people++),
    /** What was asked of Redis and tyntec since the last time. */
    async effects() {
      await redis.echo(`${prefix}mark`)
      await vi.waitFor(() => expect(commands.at(-1)).toBe('echo'), 10_000)
      const asked = commands.slice(0, -1)
      commands = []
      const calls = await app.requests()
      await fetch(`${app.sandbox.url}/_sandbox/requests`, { method: 'DELETE' })
      return { redis: asked, tyntec: calls }
    },
  }
}

const none = { redis: [], tyntec: [] }
type Parts = Awaited<ReturnType<typeof setup>>

/** A browser with a pending flow. */
async function pending({ app, person }: Parts, path = '/login') {
  const client = app.client()
  const to = person()
  expect((await client.post(`${path}/send`, { number: to })).status).toBe(202)
  return { client, code: await app.sandbox.waitForCode(to) }
}

const bodyOf = (route: Route, to: string): Record<string, string> =>
  route === 'send' ? { number: to } : route === 'check' ? { code: wrongCode } : {}

describe.each(frameworks)('another site on %s', (framework) => {
  const sites = ['cross-site', 'same-site', 'none', 'same-origin', undefined]
  const origins = [origin, evil, 'null', undefined]
  /** What a browser of today, one without fetch metadata, and a program that is no browser say. */
  const allowed = new Set([
    `same-site ${origin}`, // configured: a page of ours on a sibling host
    `none ${origin}`,
    'none undefined',
    `same-origin ${origin}`,
    'same-origin null', // the page's own Referrer-Policy is no-referrer
    'same-origin undefined',
    `undefined ${origin}`,
    'undefined undefined',
  ])
  const cells = sites.flatMap((site) =>
    origins.map((from) => ({
      isAllowed: allowed.has(`${site} ${from}`),
      cell: `${site} ${from}`,
      headers: {
        ...(site !== undefined && { 'sec-fetch-site': site }),
        ...(from !== undefined && { origin: from }),
      },
    })),
  )

  // proves: CSRF-1
  test(
    'reaches neither Redis nor tyntec, with and without a cookie, as JSON and as a form',
    { timeout: 60_000 },
    async () => {
      const parts = await setup(framework, {
        router: { failureRedirect: '/', successRedirect: '/' },
      })
      const { app, person, effects } = parts
      const owner = await pending(parts)
      await effects()
      const refused = cells.filter(({ isAllowed }) => !isAllowed)
      expect(refused).toHaveLength(12)
      for (const { cell, headers } of refused) {
        for (const route of routes) {
          for (const client of [owner.client, app.client()]) {
            const body = bodyOf(route, person())
            for (const answer of [
              await client.post(`/login/${route}`, body, { headers }),
              await client.submit(`/login/${route}`, body, { headers }),
            ]) {
              expect([cell, route, answer.status]).toEqual([cell, route, 403])
              expectProblem(answer, 403, 'cross_site')
              expect(answer.cookies).toEqual([])
            }
          }
        }
      }
      expect(await effects()).toEqual(none)
      expect((await owner.client.post('/login/check', { code: owner.code })).status).toBe(200)
    },
  )

  // proves: CSRF-1
  test('is none of the others, which get their code', { timeout: 60_000 }, async () => {
    const parts = await setup(framework, { flow: { budget: { perHour: 1000 } } })
    const { app, person, effects } = parts
    const expected = {
      send: { without: [202, ['send']], with: [202, ['send', 'delete']] },
      resend: { without: [409, []], with: [429, []] },
      check: { without: [409, []], with: [401, ['check']] },
      cancel: { without: [204, []], with: [204, ['delete']] },
    }
    for (const { cell, headers } of cells.filter(({ isAllowed }) => isAllowed)) {
      for (const route of routes) {
        for (const who of ['without', 'with'] as const) {
          const { client } = who === 'with' ? await pending(parts) : { client: app.client() }
          await effects()
          const body = bodyOf(route, person())
          const { status } = await client.post(`/login/${route}`, body, { headers })
          const { tyntec } = await effects()
          const seen = [status, tyntec]
          expect([cell, route, who, seen]).toEqual([cell, route, who, expected[route][who]])
        }
      }
    }
  })

  // proves: CSRF-3, CSRF-5
  test(
    'does nothing by another method, another type of body, or ahead of a click',
    { timeout: 60_000 },
    async () => {
      const parts = await setup(framework)
      const { app, effects } = parts
      const owner = await pending(parts)
      await effects()
      const { code } = owner
      const raw = JSON.stringify({ number, code })
      const form = new URLSearchParams({ number, code }).toString()
      const types: [type: string | undefined, raw: string][] = [
        ['text/plain', raw],
        ['text/plain;application/json', raw],
        ['text/plain; charset=application/json', raw],
        ['application/jsonp', raw],
        ['application/csp-report', raw],
        ['multipart/form-data; boundary=x', `--x\r\n\r\n${raw}\r\n--x--`],
        ['application/octet-stream', form],
        ['application/xml', '<number/>'],
        [undefined, raw],
      ]
      const query = `?${form}`
      for (const client of [owner.client, app.client()]) {
        for (const route of routes) {
          const path = `/login/${route}`
          for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
            const answer = await client.call(method, path + query)
            expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'POST'])
            expect(answer.cookies).toEqual([])
          }
          // The app's, as every other path is.
          const preflight = { origin: evil, 'access-control-request-method': 'POST' }
          const asked = await client.call('OPTIONS', path, { headers: preflight })
          expect(asked.headers).not.toHaveProperty('access-control-allow-origin')
          for (const [type, raw] of types) {
            const headers = type === undefined ? {} : { 'content-type': type }
            expectProblem(await client.call('POST', path, { headers, raw }), 400, 'bad_request')
          }
          for (const headers of [
            { 'sec-purpose': 'prefetch' },
            { 'sec-purpose': 'prefetch;prerender' },
            { purpose: 'prefetch' },
          ] as Record<string, string>[]) {
            expectProblem(
              await client.post(path, { number, code }, { headers }),
              400,
              'bad_request',
            )
          }
        }
      }
      // Nobody's status is nothing to look up.
      for (const method of ['GET', 'HEAD', 'OPTIONS'])
        await app.client().call(method, '/login/status')
      expect(await effects()).toEqual(none)
      expect((await owner.client.post('/login/check', { code })).status).toBe(200)
    },
  )

  test('gets no answer of ours to read', async () => {
    const parts = await setup(framework)
    const { client } = await pending(parts)
    for (const headers of [{ origin: evil }, { origin }] as Record<string, string>[]) {
      const { headers: answered } = await client.get('/login/status', { headers })
      expect(Object.keys(answered).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  // proves: CSRF-2
  test('signs nobody in as somebody else', async () => {
    const parts = await setup(framework)
    const { app, effects } = parts
    const victim = app.client()
    const attacker = await pending(parts)
    const own = await pending(parts)
    expect((await own.client.post('/login/check', { code: own.code })).status).toBe(200)
    await victim.post('/plant', { cart: 1 })
    await effects()
    for (const client of [victim, own.client]) {
      const me = (await client.get('/me')).text
      const jar = new Map(client.jar)
      const headers = { 'sec-fetch-site': 'cross-site', origin: evil }
      await client.submit('/login/send', { number: numberOf(900) }, { headers })
      await client.submit('/login/check', { code: attacker.code }, { headers })
      // A browser that names no site has no flow here either.
      expect((await client.submit('/login/check', { code: attacker.code })).status).toBe(409)
      expect(client.jar).toEqual(jar)
      expect((await client.get('/me')).text).toBe(me)
    }
    expect((await effects()).tyntec).toEqual([])
    expect(app.sessions.signedIn()).toHaveLength(1)
  })
})

/** Mounts a router that asks for a token at `/guarded`. */
function guarded(
  csrf: (header: string | undefined) => boolean | Promise<boolean>,
): Pick<AppOptions, 'express' | 'koa'> {
  return {
    express(app, { flow, passport }) {
      const validateRequest = (req: Request) => csrf(req.get('x-csrf-token'))
      app.use('/guarded', onExpress.otpRouter(flow, { passport, csrf: validateRequest }))
      const out = onExpress.cancelOtp(flow, { next: true, csrf: validateRequest })
      app.post('/out', out, (_req, res) => res.send('out'))
    },
    koa(app, { flow, passport }) {
      const validate = (ctx: Context) => csrf(ctx.get('x-csrf-token') || undefined)
      app.use(onKoa.otpRouter(flow, { prefix: '/guarded', passport, csrf: validate }))
      const out = onKoa.cancelOtp(flow, { next: true, csrf: validate })
      app.use((ctx, next) =>
        ctx.path === '/out' ? out(ctx, async () => void (ctx.body = 'out')) : next(),
      )
    },
  }
}

describe.each(frameworks)("the app's own token on %s", (framework) => {
  const right = { headers: { 'x-csrf-token': 'right' } }
  const wrong = { headers: { 'x-csrf-token': 'wrong' } }

  // proves: CSRF-3
  test('is asked for before anything is spent', async () => {
    const asked = vi.fn((token: string | undefined) => Promise.resolve(token === 'right'))
    const parts = await setup(framework, guarded(asked))
    const { app, effects } = parts
    const { client, code } = await pending(parts)
    await effects()
    for (const route of routes) {
      const body = { number, code }
      expectProblem(await client.post(`/guarded/${route}`, body), 403, 'cross_site')
      expectProblem(await client.post(`/guarded/${route}`, body, wrong), 403, 'cross_site')
      expectProblem(await client.submit(`/guarded/${route}`, body), 403, 'cross_site')
    }
    expectProblem(await client.post('/out', {}), 403, 'cross_site')
    expect(await effects()).toEqual(none)
    expect(asked).toHaveBeenCalledTimes(3 * routes.length + 1)
    expect(app.events.filter(({ type }) => type === 'error')).toEqual([])

    asked.mockClear()
    expect((await client.post('/guarded/resend', {}, right)).status).toBe(429)
    expect((await client.post('/guarded/check', { code }, right)).status).toBe(200)
    expect((await client.post('/guarded/send', { number }, right)).status).toBe(202)
    expect((await client.post('/guarded/cancel', {}, right)).status).toBe(204)
    expect((await client.post('/out', {}, right)).text).toBe('out')
    expect(asked).toHaveBeenCalledTimes(5)
  })

  test('is not asked for where the request is refused or acts on nothing anyway', async () => {
    const asked = vi.fn(() => true)
    const { app } = await setup(framework, guarded(asked))
    const client = app.client()
    const cross = { headers: { 'sec-fetch-site': 'cross-site' } }
    expectProblem(await client.post('/guarded/send', { number }, cross), 403, 'cross_site')
    expect((await client.get('/guarded/send')).status).toBe(405)
    expect((await client.get('/guarded/status')).status).toBe(200)
    const text = { headers: { 'content-type': 'text/plain' }, raw: 'x' }
    expect((await client.call('POST', '/guarded/send', text)).status).toBe(400)
    expect(asked).not.toHaveBeenCalled()
  })

  // proves: CSRF-4
  test.each([undefined, null, 1, 'true', {}, [], () => true])(
    'is only right when it is true: %s',
    async (verdict) => {
      const { app, effects } = await setup(
        framework,
        guarded(() => verdict as boolean),
      )
      expectProblem(await app.client().post('/guarded/send', { number }), 403, 'cross_site')
      expect(await effects()).toEqual(none)
    },
  )

  test.each<[string, () => boolean | Promise<boolean>]>([
    [
      'throws',
      () => {
        throw new RangeError('the token was 4711')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('the token was 4711'))],
  ])('is wrong when the check %s, and the operator is told', async (_, csrf) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const { app, effects } = await setup(framework, guarded(csrf))
    const answer = await app.client().post('/guarded/send', { number })
    expectProblem(answer, 403, 'cross_site')
    expect(await effects()).toEqual(none)
    const told = app.events.filter(({ type }) => type === 'error')
    expect(told).toEqual([
      expect.objectContaining({
        code: 'ERR_OTP_MISUSE',
        message: expect.stringContaining('"csrf" threw RangeError'),
      }),
    ])
    expect(JSON.stringify([told, warned.mock.calls, answer.text])).not.toContain('4711')
    expect(app.errors).toEqual([])
  })
})

test('the token of an app that never answers is wrong after three seconds', async () => {
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const never = () => new Promise<boolean>(() => {})
  const { app, effects } = await setup('express 5', guarded(never))
  expectProblem(await app.client().post('/guarded/send', { number }), 403, 'cross_site')
  expect(await effects()).toEqual(none)
  const told = app.events.filter(({ type }) => type === 'error')
  expect(told).toMatchObject([
    { code: 'ERR_OTP_MISUSE', message: '"csrf" gave no answer within 3 s' },
  ])
})

describe("the strategy's token", () => {
  const strategyRoute = (asked: (context: object) => boolean): Pick<AppOptions, 'express'> => ({
    express(app, { flow, passport }) {
      const verify = ({ number }: { number: string }) => ({ number })
      passport.use('guarded', new Strategy(flow, { csrf: asked }, verify))
      app.post('/check', passport.authenticate('guarded'), (_req, res) => res.send('in'))
    },
  })

  test.each(['express 4', 'express 5'] as const)('is asked for once on %s', async (framework) => {
    const asked = vi.fn((req: object) => (req as Request).get('x-csrf-token') === 'right')
    const parts = await setup(framework, strategyRoute(asked))
    const { client, code } = await pending(parts)
    await parts.effects()
    expect((await client.post('/check', { code })).status).toBe(403)
    expect(await parts.effects()).toEqual(none)
    const headers = { 'x-csrf-token': 'right' }
    expect((await client.post('/check', { code }, { headers })).text).toBe('in')
    expect(asked).toHaveBeenCalledTimes(2)
  })
})

test('a token check that is no function is refused at start', async () => {
  const { flow } = await setupApp({ framework: 'express 5' })
  const csrf = 'csrf' as never
  const onVerified = () => {}
  for (const make of [
    () => onExpress.otpRouter(flow, { onVerified, csrf }),
    () => onKoa.otpRouter(flow, { onVerified, csrf }),
    () => onExpress.sendOtp(flow, { csrf }),
    () => onExpress.resendOtp(flow, { csrf }),
    () => onExpress.checkOtp(flow, { onVerified, csrf }),
    () => onExpress.cancelOtp(flow, { csrf }),
    () => new Strategy(flow, { csrf }, () => {}),
  ]) {
    expect(make).toThrow(
      expect.objectContaining({
        code: 'ERR_OTP_OPTIONS',
        message: expect.stringContaining('"csrf"'),
      }),
    )
  }
})

// proves: SUP-3
test('each framework has its own token check', () => {
  type Csrf<T> = NonNullable<Extract<T, { csrf?: unknown }>['csrf']>
  expectTypeOf<Parameters<Csrf<onExpress.PostOptions>>>().toEqualTypeOf<
    [req: Request, res: Response]
  >()
  expectTypeOf<Parameters<Csrf<onKoa.PostOptions>>>().toEqualTypeOf<[ctx: Context]>()
  expect(routes).toHaveLength(4)
})

describe.each(frameworks)('every answer on %s', (framework) => {
  // proves: CSRF-7
  test('is kept by no cache, is what it says it is, and tells no other page where it was', async () => {
    const limits = { sendsPerAddress: { points: 3, duration: 60 } }
    const parts = await setup(framework, {
      router: { successRedirect: '/in', failureRedirect: '/out' },
      flow: { limits, attempts: 2 },
    })
    const { app, person } = parts
    const statuses = new Set<number>()
    const look = ({ status, headers }: Answer, vary = 'Origin, Sec-Fetch-Site, Accept') => {
      statuses.add(status)
      expect([status, headers]).toEqual([
        status,
        expect.objectContaining({
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          vary,
        }),
      ])
    }
    const client = app.client()
    look(await client.get('/login/status'), 'Cookie')
    look(await client.post('/login/send', { number: person() })) // 202
    look(await client.get('/login/status'), 'Cookie')
    look(await client.post('/login/resend')) // 429
    look(await client.submit('/login/resend')) // 303
    look(await client.post('/login/check', { code: '1' })) // 400
    look(await client.post('/login/check', { code: wrongCode })) // 401
    look(await client.post('/login/check', { code: wrongCode })) // 410
    look(await client.post('/login/send', { number }, { headers: { origin: evil } })) // 403
    look(await client.get('/login/send')) // 405
    look(await client.post('/login/status'), 'Cookie') // 405
    look(await client.post('/login/cancel')) // 204
    look(await client.post('/login/resend')) // 409
    look(await client.post('/login/send', { number: '+12015550131' })) // 503
    const next = await pending(parts)
    look(await next.client.post('/login/check', { code: next.code })) // 200
    const all = [200, 202, 204, 303, 400, 401, 403, 405, 409, 410, 429, 503]
    expect([...statuses].toSorted()).toEqual(all)
  })

  // proves: NAV-5
  test('tells nothing of tyntec, of Redis or of the program', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const { app, person } = await setup(framework)
    const answers: Answer[] = []
    const ask = async (client: Client, path: string, body: object) => {
      const answer = await client.post(`/login/${path}`, body)
      answers.push(answer, await client.get('/login/status'))
      return answer.status
    }
    const secret = { message: 'UPSTREAM-CANARY', accountId: 'UPSTREAM-CANARY' }
    for (const fault of [
      { kind: 'status', status: 400, body: secret },
      { kind: 'status', status: 401, body: secret },
      { kind: 'status', status: 403, body: secret },
      { kind: 'status', status: 404, body: secret },
      { kind: 'status', status: 500, body: secret },
      { kind: 'malformed' },
      { kind: 'truncate' },
      { kind: 'html' },
      { kind: 'empty' },
      { kind: 'reset' },
    ]) {
      const client = app.client()
      await app.fault({ operation: 'otp.send', when: 'before', ...fault, times: 1 })
      expect(await ask(client, 'send', { number: person() })).toBeGreaterThanOrEqual(202)
      await app.clearFaults()
      const to = person()
      expect(await ask(client, 'send', { number: to })).toBe(202)
      const code = await app.sandbox.waitForCode(to)
      await app.fault({ operation: 'otp.check', when: 'before', ...fault, times: 1 })
      expect(await ask(client, 'check', { code })).toBeGreaterThanOrEqual(400)
      await app.clearFaults()
    }
    const otps = (await (await fetch(`${app.sandbox.url}/_sandbox/otps`)).json()) as {
      otpId: string
    }[]
    expect(otps.length).toBeGreaterThanOrEqual(10)
    const told = answers.map(({ headers, text }) => JSON.stringify([headers, text])).join('\n')
    for (const { otpId } of otps) expect(told).not.toContain(otpId)
    expect(told).not.toContain(app.sandbox.apiKey)
    expect(told).not.toMatch(
      /CANARY|accountId|tyntec-otp-test|ECONN|\.ts:|\.js:|node_modules|1201555/,
    )
    expect(app.errors).toEqual([])
  })

  test("says so of the app's page too, whose forms must name their origin", async () => {
    const { app } = await setup(framework, { router: { render: true } })
    const { headers } = await app.client().get('/login/status')
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: expect.stringContaining('Cookie'),
    })
    expect(headers).not.toHaveProperty('referrer-policy')
  })

  // proves: CSRF-6
  test('sets the cookies of this list, and no other', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const parts = await setup(framework, {
      router: { failureRedirect: '/', pendingRedirect: '/', successRedirect: '/' },
    })
    const { app } = parts
    const client = app.client()
    const lines = async (path: string, body: Record<string, string>) => {
      const { cookies } = await client.submit(path, body)
      return cookies.filter((line) => /otp/.test(line)).map(shapeOf)
    }
    const safe = 'Path=/; HttpOnly; Secure; SameSite=Lax'
    const shown = await client.get('/login/status')
    expect(shown.cookies.map(shapeOf)).toEqual([`__Host-otp-page=<page>; Max-Age=86400; ${safe}`])
    expect(await lines('/login/send', { number })).toEqual([
      `__Host-otp=<91>; Max-Age=600; ${safe}`,
    ])
    expect(await lines('/login/check', { code: wrongCode })).toEqual([
      `__Host-otp-outcome=invalid_code..; Max-Age=60; ${safe}`,
    ])
    const code = await app.sandbox.waitForCode(number)
    const values = [...client.jar.values()].join()
    expect(values).not.toMatch(/5550100|201555/)
    expect(values).not.toContain(code)
    expect((await lines('/login/check', { code })).toSorted()).toEqual([
      `__Host-otp-device=<device>; Max-Age=15552000; ${safe}`,
      `__Host-otp-outcome=; Max-Age=0; ${safe}`,
      `__Host-otp-page=; Max-Age=0; ${safe}`,
      `__Host-otp=; Max-Age=0; ${safe}`,
    ])
    expect(client.jar.get('__Host-otp-device')).not.toMatch(/5550100|201555/)
  })
})

/** A `Set-Cookie` line without what is random in it. */
function shapeOf(line: string): string {
  expect(line.length).toBeLessThan(4096)
  return line
    .replace(/(?<=^__Host-otp=)[\w-]{112}(?=;)/, '<91>')
    .replace(/(?<=^__Host-otp-page=)[\w.-]{20,200}(?=;)/, '<page>')
    .replace(/(?<=^__Host-otp-device=)[\w.-]{40,300}(?=;)/, '<device>')
}

describe("the strategy's answers", () => {
  // proves: CSRF-7
  test.each(['express 4', 'express 5'] as const)(
    'are kept by no cache on %s',
    async (framework) => {
      const parts = await setup(framework, {
        express(app, { passport }) {
          const check = passport.authenticate('tyntec-otp', { successRedirect: '/in' })
          app.post('/check', check)
        },
      })
      const { client, code } = await pending(parts)
      const wrong = await client.post('/check', { code: wrongCode })
      const refused = await client.post('/check', { code }, { headers: { origin: evil } })
      const right = await client.post('/check', { code })
      expect([wrong, refused, right].map(({ status }) => status)).toEqual([401, 403, 302])
      for (const { headers } of [wrong, refused, right]) {
        expect(headers).toMatchObject({
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          vary: expect.stringContaining('Origin, Sec-Fetch-Site'),
        })
        // Nothing of the person, and no challenge that a browser would ask a password for.
        expect(headers).not.toHaveProperty('www-authenticate')
      }
    },
  )
})
