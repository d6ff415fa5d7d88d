import type { RequestListener } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { frameworks, listen, number, requestsOf, setupApp, setupFlow } from '../support/app.js'
import { createClient } from '../support/client.js'

async function setupSandboxFlow(options: Parameters<typeof setupFlow>[1] = {}) {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  return { sandbox, ...(await setupFlow(sandbox, options)) }
}

const onVerified = () => {}

function listenerOf(koa: Koa): RequestListener {
  const handle = koa.callback()
  return (req, res) => void handle(req, res)
}

describe('options of the routers', () => {
  const routers = { express: onExpress, koa: onKoa }

  test.each(Object.entries(routers))('say how the session is opened: %s', async (_, adapter) => {
    const { flow } = await setupSandboxFlow()
    const passport = { authenticate: () => {} }
    // Both adapters take the same; what each callback gets does not matter here.
    const { otpRouter, checkOtp } = adapter as typeof onExpress
    for (const make of [otpRouter, checkOtp]) {
      for (const options of [
        undefined,
        {},
        { passport: {} },
        { onVerified: true },
        { passport, onVerified },
      ]) {
        expect(() => make(flow, options as never)).toThrow(
          expect.objectContaining({ code: 'ERR_OTP_OPTIONS' }),
        )
      }
      expect(() => make(flow, { passport })).not.toThrow()
      expect(() => make(flow, { onVerified })).not.toThrow()
    }
  })

  test('lead nowhere but to a path of the app or an https URL', async () => {
    const { flow } = await setupSandboxFlow()
    const lead = (successRedirect: unknown) => () =>
      onExpress.otpRouter(flow, { onVerified, successRedirect: successRedirect as string })
    for (const good of ['/', '/login?x=1#y', 'https://app.example/in']) {
      expect(lead(good)).not.toThrow()
    }
    for (const bad of [
      '',
      'login',
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'http://app.example',
      'javascript:alert(1)',
      '/a\r\nSet-Cookie: x=1',
      '/\tevil',
      '/ä',
      ' /',
      'https://',
      7,
      null,
    ]) {
      expect(lead(bad)).toThrow(
        expect.objectContaining({
          code: 'ERR_OTP_OPTIONS',
          message: expect.stringContaining('successRedirect'),
        }),
      )
    }
    expect(() => onExpress.sendOtp(flow, { failureRedirect: 'x' })).toThrow('failureRedirect')
    expect(() => onExpress.cancelOtp(flow, { pendingRedirect: 'x' })).toThrow('pendingRedirect')
  })

  test('take a prefix on Koa', async () => {
    const { flow } = await setupSandboxFlow()
    for (const prefix of ['', '/', '/login', '/a/b-c']) {
      expect(() => onKoa.otpRouter(flow, { onVerified, prefix })).not.toThrow()
    }
    for (const prefix of ['login', '/login/', '//', '/(.*)', 7]) {
      expect(() => onKoa.otpRouter(flow, { onVerified, prefix: prefix as string })).toThrow(
        'prefix',
      )
    }
  })

  test('make middleware with names to read in a stack', async () => {
    const { flow } = await setupSandboxFlow()
    const adapters: unknown[] = [onExpress, onKoa]
    // Both take the same options here, though the types of their handlers differ.
    for (const adapter of adapters as (typeof onExpress)[]) {
      expect(adapter.otpRouter(flow, { onVerified }).name).toBe('otpRouter')
      expect(adapter.sendOtp(flow).name).toBe('sendOtp')
      expect(adapter.resendOtp(flow).name).toBe('resendOtp')
      expect(adapter.checkOtp(flow, { onVerified }).name).toBe('checkOtp')
      expect(adapter.otpStatus(flow).name).toBe('otpStatus')
      expect(adapter.cancelOtp(flow).name).toBe('cancelOtp')
    }
  })
})

describe('the cookie', () => {
  const cookieOf = async (options: Parameters<typeof setupApp>[0], headers = {}) => {
    const app = await setupApp(options)
    const client = app.client()
    const answer = await client.post('/login/send', { number }, { headers })
    expect(answer.cookies).toHaveLength(1)
    const [line = ''] = answer.cookies
    return { app, client, line: line.replace(/=[\w-]+;/, '=…;') }
  }
  const framework = 'express 5'

  // proves: CSRF-6
  test('is the safe one over https', async () => {
    const https = { 'x-forwarded-proto': 'https' }
    const { line } = await cookieOf({ framework, trustProxy: 1 }, https)
    expect(line).toBe('__Host-otp=…; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax')
    const distrusted = await cookieOf({ framework }, https)
    expect(distrusted.line).toBe('otp=…; Max-Age=600; Path=/; HttpOnly; SameSite=Lax')
  })

  test.each([
    [{ sameSite: 'strict' }, 'otp=…; Max-Age=600; Path=/; HttpOnly; SameSite=Strict'],
    // No browser takes SameSite=None without https.
    [{ sameSite: 'none' }, 'otp=…; Max-Age=600; Path=/; HttpOnly; SameSite=Lax'],
    [{ name: 'phone' }, 'phone=…; Max-Age=600; Path=/; HttpOnly; SameSite=Lax'],
    [{ name: '__Host-phone' }, 'phone=…; Max-Age=600; Path=/; HttpOnly; SameSite=Lax'],
  ] as const)('over http is set as browsers take it: %j', async (cookie, expected) => {
    expect((await cookieOf({ framework, flow: { cookie } })).line).toBe(expected)
  })

  // proves: CSRF-6
  test.each([
    [{ sameSite: 'none' }, '__Host-otp=…; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=None'],
    [
      { domain: 'example.com' },
      'otp=…; Max-Age=600; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      { domain: 'example.com', name: '__Secure-otp' },
      '__Secure-otp=…; Max-Age=600; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax',
    ],
    [{ name: 'phone' }, 'phone=…; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax'],
  ] as const)('in production is always secure: %j', async (cookie, expected) => {
    vi.stubEnv('NODE_ENV', 'production')
    const flow = { cookie, origin: 'https://login.example.com' }
    expect((await cookieOf({ framework, store: 'redis', flow })).line).toBe(expected)
  })

  test.each(frameworks)('leaves those of the app alone on %s', async (framework) => {
    const app = await setupApp({
      framework,
      express: (app) =>
        app.use((_req, res, next) => {
          res.cookie('theirs', '1').cookie('otp-of-theirs', '2').vary('Cookie')
          next()
        }),
      koa: (app) =>
        app.use((ctx, next) => {
          ctx.cookies.set('theirs', '1', { signed: false })
          ctx.cookies.set('otp-of-theirs', '2', { signed: false })
          ctx.vary('Cookie')
          return next()
        }),
    })
    const answer = await app.client().post('/login/send', { number })
    expect(answer.cookies.map((line) => line.split('=', 1)[0])).toEqual([
      'theirs',
      'otp-of-theirs',
      'otp',
    ])
    expect(answer.headers.vary).toBe('Cookie, Origin, Sec-Fetch-Site, Accept')
  })
})

describe('without a body parser', () => {
  // proves: IN-6
  test('the operator is told, not the client', async () => {
    const events: unknown[] = []
    const { sandbox, flow } = await setupSandboxFlow({
      flow: { onEvent: (event) => events.push(event) },
    })
    const errors: unknown[] = []
    const app = express()
    app.use('/login', onExpress.otpRouter(flow, { onVerified }))
    app.use(((error, _req, res, _next) => {
      errors.push(error)
      res.sendStatus(500)
    }) as express.ErrorRequestHandler)
    const koa = new Koa({ proxy: false })
    koa.on('error', (error) => errors.push(error))
    koa.use(onKoa.otpRouter(flow, { onVerified, prefix: '/login' }))

    for (const listener of [app, listenerOf(koa)]) {
      const client = createClient(await listen(listener))
      const refused = { status: 400, json: expect.objectContaining({ code: 'bad_request' }) }
      expect(await client.post('/login/send', { number })).toMatchObject(refused)
      expect(await client.submit('/login/check', { code: '123456' })).toMatchObject(refused)
      // These need no parser.
      expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
      expect((await client.post('/login/cancel')).status).toBe(204)
      const text = { headers: { 'content-type': 'text/plain' }, raw: 'x' }
      expect((await client.call('POST', '/login/send', text)).status).toBe(400)
    }
    const misuse = expect.objectContaining({
      code: 'ERR_OTP_MISUSE',
      message: expect.stringContaining('express.json()'),
    })
    expect(errors).toEqual([])
    const refused = expect.objectContaining({ type: 'request.refused', reason: 'bad_request' })
    expect(events).toEqual([misuse, misuse, refused, misuse, misuse, refused])
    expect(await requestsOf(sandbox)).toEqual([])
  })

  // proves: IN-6
  test('bodies that are no parsed ones are refused', async () => {
    const { sandbox, flow } = await setupSandboxFlow()
    const app = express()
    app.use(express.raw({ type: 'application/json' }), express.text({ type: '*/*' }))
    app.use('/login', onExpress.otpRouter(flow, { onVerified }))
    const client = createClient(await listen(app))
    expect((await client.post('/login/send', { number })).json).toMatchObject({
      code: 'bad_request',
    })
    expect((await client.submit('/login/send', { number })).json).toMatchObject({
      code: 'bad_request',
    })
    expect(await requestsOf(sandbox)).toEqual([])
  })
})

test('warns once of an app that trusts every proxy', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  for (const framework of ['express 5', 'koa 3'] as const) {
    const app = await setupApp({
      framework,
      trustProxy: framework === 'koa 3' ? 0 : true,
    })
    const client = app.client()
    await client.post('/login/send', { number })
    await client.post('/login/resend')
  }
  const codes = warned.mock.calls.map(([, options]) => (options as { code?: string }).code)
  expect(codes.filter((code) => code === 'OTP_TRUST_PROXY')).toHaveLength(1)
})

test('piece by piece, each handler does its part and nothing else', async () => {
  const { sandbox, flow } = await setupSandboxFlow()
  const app = express()
  app.use(express.json())
  app.post('/a', onExpress.sendOtp(flow))
  app.all('/b', onExpress.checkOtp(flow, { onVerified: (_identity, _req, res) => res.send('in') }))
  app.get('/c', onExpress.otpStatus(flow))
  app.post('/d', onExpress.cancelOtp(flow))
  app.post('/e', onExpress.resendOtp(flow))
  const koa = new Koa()
  const routes: Record<string, Koa.Middleware> = {
    '/a': onKoa.sendOtp(flow),
    '/b': onKoa.checkOtp(flow, { onVerified: (_identity, ctx) => void (ctx.body = 'in') }),
    '/c': onKoa.otpStatus(flow),
    '/d': onKoa.cancelOtp(flow),
    '/e': onKoa.resendOtp(flow),
  }
  koa.use(bodyParser()).use((ctx, next) => routes[ctx.path]?.(ctx, next))

  const people = ['+12015550101', '+12015550102']
  for (const listener of [app, listenerOf(koa)]) {
    const client = createClient(await listen(listener))
    const person = people.shift() ?? ''
    expect((await client.get('/b?code=1')).status).toBe(405)
    expect((await client.post('/a', { number: person })).status).toBe(202)
    expect((await client.get('/c')).json).toMatchObject({ status: 'pending' })
    expect((await client.post('/e')).status).toBe(429)
    const code = await sandbox.waitForCode(person)
    expect((await client.post('/b', { code })).text).toBe('in')
    expect((await client.post('/d')).status).toBe(204)
  }
})
