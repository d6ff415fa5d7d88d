import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryStore } from 'passport-tyntec-otp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type AppOptions, number, setupApp } from '../support/app.js'
import { open } from './browser.js'

/*
 * A sibling host, which may set cookies for the whole site, plants the names of ours with a sign before them that
 * browsers keep and `String.trim` takes away: their prefix does not protect these.
 */

const own = 'login.localhost'
const attackers = '+12015550101'
const rightCode = '424242'
/** By their bytes. Each by itself, as a name that is there twice counts as none anyway. */
const signs: [string, string][] = [
  ['U+00A0 as one byte', '\u00a0'],
  ['U+00A0 in UTF-8', '\u00c2\u00a0'],
]

async function setup(framework: 'express 5' | 'koa 3') {
  vi.stubEnv('NODE_ENV', 'production')
  const cookies: string[] = []
  const note = (cookie: string | undefined) => cookies.push(cookie ?? '')
  const options: Pick<AppOptions, 'express' | 'koa'> = {
    express: (app) =>
      app.use((req, res, next) => {
        note(req.headers.cookie)
        if (req.path === '/own') res.type('html').send('<title>own</title>')
        else next()
      }),
    koa: (app) =>
      app.use((ctx, next) => {
        note(ctx.headers.cookie)
        if (ctx.path !== '/own') return next()
        ctx.type = 'html'
        ctx.body = '<title>own</title>'
        return undefined
      }),
  }
  // The app's own host is known before the app is.
  let base = ''
  const front = createServer((req, res) => {
    const { method, url, headers } = req
    const onward = request(`${base}${url}`, { method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    req.pipe(onward)
  })
  const appPort = await listen(front)
  const store = memoryStore({ production: true })
  const flow = { origin: `http://${own}:${appPort}`, validate: false as const, store }
  const app = await setupApp({ framework, flow, ...options })
  base = app.base

  let planted: string[] = []
  const evil = createServer((_req, res) => {
    res.setHeader('Set-Cookie', planted)
    res.setHeader('Content-Type', 'text/html')
    // With a text Node would write the head in UTF-8 as well.
    res.end(Buffer.from('<title>evil</title>'))
  })
  const port = await listen(evil)
  return {
    app,
    cookies,
    plant(sign: string, handle: string) {
      planted = [
        `${sign}__Host-otp=${handle}; Domain=${own}; Path=/`,
        `${sign}__Host-otp-page=planted; Domain=${own}; Path=/`,
      ]
    },
    evilUrl: `http://evil.${own}:${port}/`,
    ownUrl: `http://${own}:${appPort}/own`,
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port // it listens on a port
}

describe.each(['express 5', 'koa 3'] as const)('on %s', (framework) => {
  // proves: CSRF-8
  test.each(signs)('what a sibling host names with %s is nobody’s handle', async (_, sign) => {
    const { app, cookies, plant, evilUrl, ownUrl } = await setup(framework)
    const attacker = app.client()
    const sent = await attacker.post('/login/send', { number: attackers })
    expect(sent.status).toBe(202)
    plant(sign, attacker.jar.get('__Host-otp') ?? '')

    const { page } = await open()
    await page.goto(evilUrl)
    await page.goto(ownUrl)
    const post = (path: string, body: object) =>
      page.evaluate(
        async ([to, text]) => {
          const headers = { 'content-type': 'application/json', accept: 'application/json' }
          const answer = await fetch(to ?? '', { method: 'POST', headers, body: text ?? '' })
          return answer.status
        },
        [path, JSON.stringify(body)],
      )
    // The attacker's code is not one of this browser's.
    expect(await post('/login/check', { code: rightCode })).toBe(409)
    // Chromium has sent what was planted.
    const line = cookies.at(-1) ?? ''
    expect(line).toContain(`${sign}__Host-otp=${attacker.jar.get('__Host-otp')}`)

    expect(await post('/login/send', { number })).toBe(202)
    expect(await post('/login/check', { code: rightCode })).toBe(200)
    expect(app.verified.map((identity) => identity.number)).toEqual([number])
  })
})
