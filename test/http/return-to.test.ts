import fc from 'fast-check'
import type { Identity } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import { ownPath } from '../../src/http/return-to.js'
import {
  type App,
  type AppOptions,
  createKoaPassport,
  type FrameworkName,
  frameworks,
  setupApp,
  wrongCode,
} from '../support/app.js'
import type { Answer, Client } from '../support/client.js'

/** What may not be followed: it leads to another site, may do so, or is no path at all. */
const elsewhere: unknown[] = [
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'HTTPS://evil.example',
  'http://evil.example',
  'ftp://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,evil',
  'vbscript:x',
  'mailto:x@evil.example',
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '//evil.example/%2f..',
  '/\\evil.example',
  '/\\/evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '\\evil.example',
  '/x\\..\\..\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '\t//evil.example',
  ' //evil.example',
  ' /home',
  '/ /evil.example',
  '/home ',
  '/\0/evil.example',
  '\0//evil.example',
  '/\u000b/evil.example',
  '/\u007f/evil.example',
  '/\u0085/evil.example',
  '/\u00a0/evil.example',
  '/\u2028/evil.example',
  '/\u200b/evil.example',
  '/\ufeff/evil.example',
  '\ufeff//evil.example',
  '/\u2024/evil.example',
  '/\u3002/evil.example',
  '//evil\u3002example',
  '//\u24d4vil.example',
  '/\uff0fevil.example',
  '\uff0f\uff0fevil.example',
  '/\u2215/evil.example',
  '/\u29f8/evil.example',
  '/\ud800',
  '/.//evil.example',
  '/..//evil.example',
  '/../..//evil.example',
  '/././/evil.example',
  '/a/..//evil.example',
  '/a/b/../..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/%2E%2E//evil.example',
  '/.%2e//evil.example',
  '/a/%2e%2e//evil.example',
  '/./%2e/..///evil.example',
  '@evil.example',
  ':80@evil.example/',
  '.evil.example',
  'evil.example',
  'home',
  './home',
  '../home',
  '?x=//evil.example',
  '#//evil.example',
  '',
  '/home\r\nSet-Cookie: sid=evil',
  '/home\r\n\r\n<script>alert(1)</script>',
  '/home\nLocation: https://evil.example',
  '/hom\u010d',
  '/%0d\nx',
  `/${'a'.repeat(10_240)}`,
  `/${'a'.repeat(2048)}`,
  ['/home'],
  ['//evil.example'],
  [],
  {},
  { pathname: '//evil.example' },
  { 0: '/', length: 1 },
  { toString: '//evil.example' },
  true,
  7,
]

/** Looks like it, and is a path of the app all the same. What is emitted is what a browser makes of it. */
const own: [text: string, emitted: string][] = [
  ['/', '/'],
  ['/account?tab=1&x=%20#top', '/account?tab=1&x=%20#top'],
  ['/a//evil.example', '/a//evil.example'],
  ['/@evil.example', '/@evil.example'],
  ['/:80@evil.example', '/:80@evil.example'],
  ['/https://evil.example', '/https://evil.example'],
  ['/javascript:alert(1)', '/javascript:alert(1)'],
  ['/%09/evil.example', '/%09/evil.example'],
  ['/%5cevil.example', '/%5cevil.example'],
  ['/%2f%2fevil.example', '/%2f%2fevil.example'],
  ['/%0d%0aSet-Cookie:x=1', '/%0d%0aSet-Cookie:x=1'],
  ['/..', '/'],
  ['/../evil.example', '/evil.example'],
  ['/a/../home', '/home'],
  ['/%2e%2e/home', '/home'],
  ['/.evil.example', '/.evil.example'],
  ['/?//evil.example', '/?//evil.example'],
  ['/?next=https://evil.example', '/?next=https://evil.example'],
  ['/#//evil.example', '/#//evil.example'],
  ['/"><script>', '/%22%3E%3Cscript%3E'],
  ["/';alert(1)", "/';alert(1)"],
  ['/{{7*7}}', '/%7B%7B7*7%7D%7D'],
  [`/${'a'.repeat(2047)}`, `/${'a'.repeat(2047)}`],
]

const home = '/home'
const origins = ['https://login.example.com', 'http://localhost:3000']
const limits = { sendsPerAddress: { points: 1000, duration: 60 } }
const numberOf = (index: number) => `+1201555${String(4000 + index)}`

/** Where a browser that got the answer goes, which is on the app. */
function landing(app: App, { headers: { location = 'none' } }: Answer): string {
  const url = new URL(location, `${app.base}/login/check`)
  expect([location, url.origin]).toEqual([location, app.base])
  // Not even when something reads it again that knows no origin.
  expect([location, url.pathname.startsWith('//')]).toEqual([location, false])
  return location
}

/** Sends a code to a number of its own each time. */
function createSender(app: App) {
  let people = 0
  return async (client: Client): Promise<string> => {
    const person = numberOf(people++)
    expect(await client.post('/login/send', { number: person })).toMatchObject({ status: 202 })
    return app.sandbox.waitForCode(person)
  }
}

const records = (app: App) => JSON.stringify([...app.sessions.records.values()])

describe('a path of the app', () => {
  // proves: NAV-1, NAV-3
  test('is what a browser makes of it, and nothing else', () => {
    for (const text of elsewhere) expect([text, ownPath(text)]).toEqual([text, undefined])
    for (const [text, emitted] of own) {
      expect([text, ownPath(text)]).toEqual([text, emitted])
      expect([text, ownPath(emitted)]).toEqual([text, emitted])
    }
  })

  test('stays on its origin however it is put together', () => {
    const pieces = [
      '/',
      '//',
      '\\',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '%09',
      '\t',
      '\n',
      '\r',
      ' ',
      '@',
    ]
    const more = [
      ':',
      '?',
      '#',
      '&',
      'a',
      'evil.example',
      'https:',
      'javascript:',
      '\0',
      'ä',
      '。',
      '／',
    ]
    const text = fc.array(
      fc.oneof(fc.constantFrom(...pieces, ...more), fc.string({ maxLength: 3 })),
    )
    fc.assert(
      fc.property(text, (parts) => {
        const path = ownPath(`/${parts.join('')}`)
        if (path === undefined) return
        for (const origin of origins) {
          const url = new URL(path, origin)
          expect(url.origin).toBe(origin)
          expect(url.pathname.startsWith('//')).toBe(false)
          expect(url.href).toBe(origin + path)
        }
      }),
      { numRuns: 20_000 },
    )
  })
})

test.each(['successRedirect', 'failureRedirect', 'pendingRedirect', 'successReturnToOrRedirect'])(
  '%s leads to a path of the app, or to the https URL that it names',
  async (name) => {
    const { flow } = await setupApp({ framework: 'express 5' })
    const onVerified = () => {}
    for (const [text] of own) {
      expect(() => onExpress.otpRouter(flow, { onVerified, [name]: text })).not.toThrow()
    }
    for (const text of elsewhere) {
      if (text === 'https://evil.example' || text === 'HTTPS://evil.example') continue // is one
      expect(() => onKoa.otpRouter(flow, { onVerified, [name]: text as string })).toThrow(
        expect.objectContaining({
          code: 'ERR_OTP_OPTIONS',
          message: expect.stringContaining(name),
        }),
      )
    }
  },
)

/** A route that puts a text of the corpora where the app would. */
const notes: Pick<AppOptions, 'express' | 'koa'> = {
  express: (app) => {
    app.post('/note', (req, res) => {
      Object.assign(req.session, { returnTo: corpus[Number(req.query.at)], pending: 1, evil: 1 })
      res.end()
    })
  },
  koa: (app) => {
    app.use((ctx, next) => {
      if (ctx.path !== '/note') return next()
      const returnTo = corpus[Number(ctx.query.at)]
      Object.assign(ctx.session ?? {}, { returnTo, pending: 1, evil: 1 })
      ctx.status = 200
      return undefined
    })
  },
}
const corpus = [...elsewhere, ...own.map(([text]) => text)]
const expectedOf = (index: number) => own[index - elsewhere.length]?.[1] ?? home
const everywhere: unknown[] = ['//evil.example', '/\\evil.example', '/a/../home']
/** All of them go through `ownPath`. Each makes its whole way on one framework, and those that differ most on all. */
const corpusOf = (framework: FrameworkName) =>
  [...corpus.keys()].filter(
    (index) =>
      index % frameworks.length === frameworks.indexOf(framework) ||
      everywhere.includes(corpus[index]),
  )

describe.each(frameworks)('returnTo on %s', (framework) => {
  const router = {
    successReturnToOrRedirect: home,
    successRedirect: '/in',
    failureRedirect: '/login',
  }

  // proves: SES-4, NAV-1, NAV-2
  test('leads to a path of the app and nowhere else', { timeout: 60_000 }, async () => {
    const app = await setupApp({ framework, router, flow: { limits }, ...notes })
    const send = createSender(app)
    for (const index of corpusOf(framework)) {
      const client = app.client()
      await client.post(`/note?at=${index}`)
      const code = await send(client)
      const answer = await client.submit('/login/check', { code })
      expect(answer.status).toBe(303)
      expect([corpus[index], landing(app, answer)]).toEqual([corpus[index], expectedOf(index)])
      expect(answer.cookies.join()).not.toContain('evil')
    }
    expect(app.sessions.signedIn()).toHaveLength(corpusOf(framework).length)
    // Neither it nor anything else of the old sessions is left.
    expect(records(app)).not.toMatch(/returnTo|pending|evil/)
    expect(app.errors).toEqual([])
  })

  // proves: NAV-2
  test.each(['passport', 'onVerified'] as const)('is used once, with %s', async (opener) => {
    const app = await setupApp({ framework, router, opener, flow: { limits } })
    const send = createSender(app)
    const client = app.client()
    await client.post('/plant', { returnTo: '/account?tab=1' })
    const code = await send(client)
    // A refusal leads elsewhere, and uses it up as little as a message does.
    expect(landing(app, await client.submit('/login/check', { code: wrongCode }))).toBe('/login')
    expect(landing(app, await client.submit('/login/check', { code }))).toBe('/account?tab=1')
    const again = await send(client)
    expect(landing(app, await client.submit('/login/check', { code: again }))).toBe(home)
  })

  test.each(['cookie', 'session', 'token'] as const)(
    "is told to a program, with binding: '%s'",
    async (binding) => {
      const app = await setupApp({ framework, router, flow: { limits, binding } })
      for (const [given, returnTo] of [
        ['/account', '/account'],
        ['//evil.example', home],
        [undefined, home],
      ]) {
        const client = app.client()
        if (given) await client.post('/plant', { returnTo: given })
        const person = numberOf(app.verified.length)
        const { flow } = (await client.post('/login/send', { number: person })).json ?? {}
        const code = await app.sandbox.waitForCode(person)
        const { status, json } = await client.post('/login/check', { code, flow })
        expect([status, json]).toEqual([200, { status: 'verified', returnTo }])
      }
      expect(records(app)).not.toMatch(/returnTo|evil/)
    },
  )

  test('leads nowhere without the option, and is gone all the same', async () => {
    const app = await setupApp({ framework, router: { successRedirect: '/in' }, flow: { limits } })
    const send = createSender(app)
    const form = app.client()
    await form.post('/plant', { returnTo: '/account' })
    const answer = await form.submit('/login/check', { code: await send(form) })
    expect(landing(app, answer)).toBe('/in')
    const program = app.client()
    await program.post('/plant', { returnTo: '/account' })
    const { json } = await program.post('/login/check', { code: await send(program) })
    expect(json).toEqual({ status: 'verified' })
    expect(records(app)).not.toContain('returnTo')
  })

  test('needs no session', async () => {
    const app = await setupApp({ framework, router, opener: 'onVerified', sessionless: true })
    const client = app.client()
    const code = await createSender(app)(client)
    expect(landing(app, await client.submit('/login/check', { code }))).toBe(home)
  })

  test('leads a double click to one place, and brings no old session back', async () => {
    const app = await setupApp({ framework, router })
    const client = app.client()
    await client.post('/plant', { returnTo: '/account' })
    const code = await createSender(app)(client)
    await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 400 })
    const answers = await Promise.all([1, 2].map(() => client.submit('/login/check', { code })))
    expect(answers.map((answer) => landing(app, answer))).toEqual(['/account', '/account'])
    expect(app.sessions.records.size).toBe(1)
    expect(app.sessions.signedIn()).toHaveLength(1)
  })

  // proves: IN-2
  test('is not what a prototype says', async () => {
    const app = await setupApp({ framework, router })
    const client = app.client()
    const code = await createSender(app)(client)
    const prototype = Object.prototype as { returnTo?: string } // polluted, for a moment
    Object.defineProperty(prototype, 'returnTo', { value: '/planted', configurable: true })
    try {
      expect(landing(app, await client.submit('/login/check', { code }))).toBe(home)
    } finally {
      delete prototype.returnTo
    }
  })
})

/** A route with Passport's own middleware, and after it the redirect that many apps write themselves. */
function passportRoute(options: object): Pick<AppOptions, 'express' | 'koa'> {
  return {
    express(app, parts) {
      notes.express?.(app, parts)
      const check = parts.passport.authenticate('tyntec-otp', options)
      app.post(['/check', '/unwatched'], (req, res, next) => {
        // As with connect, whose requests don't know their response.
        if (req.path === '/unwatched') Object.assign(req, { res: undefined })
        check(req, res, (error?: unknown) => {
          const { returnTo = '/none' } = req.session as { returnTo?: string }
          if (error) next(error)
          else res.redirect(returnTo)
        })
      })
    },
    koa(app, parts) {
      notes.koa?.(app, parts)
      const verify = ({ number }: Identity) => ({ number })
      const passport = createKoaPassport({ flow: parts.flow, verify, verified: [] })
      app.use(passport.initialize()).use(passport.session())
      const check = passport.authenticate('tyntec-otp', options)
      app.use((ctx, next) => {
        const follow = async () => ctx.redirect(ctx.session?.returnTo ?? '/none')
        return ctx.path === '/check' ? check(ctx, follow) : next()
      })
    },
  }
}

async function setupRoute(framework: FrameworkName, options: object) {
  const app = await setupApp({ framework, flow: { limits }, ...passportRoute(options) })
  const send = createSender(app)
  return {
    app,
    send,
    /** Signs in with a text of the corpora in the session. */
    async lead(index: number, path = '/check') {
      const client = app.client()
      await client.post(`/note?at=${index}`)
      const code = await send(client)
      return landing(app, await client.submit(path, { code }))
    },
  }
}

describe.each(frameworks)("Passport's own redirect on %s", (framework) => {
  // proves: NAV-1
  test.each([
    ['alone', {}, /returnTo|pending|evil/],
    ['with keepSessionInfo', { keepSessionInfo: true }, /returnTo|evil\.example/],
    ['without a session', { session: false }, /returnTo|evil\.example/],
  ])('follows returnTo to the app only: %s', { timeout: 60_000 }, async (_, more, gone) => {
    const { app, lead } = await setupRoute(framework, { successReturnToOrRedirect: home, ...more })
    for (const index of corpusOf(framework)) {
      expect([corpus[index], await lead(index)]).toEqual([corpus[index], expectedOf(index)])
    }
    expect(records(app)).not.toMatch(gone)
    expect(app.errors).toEqual([])
  })

  test('finds returnTo only as a path of the app where the app keeps its session', async () => {
    const { app, lead } = await setupRoute(framework, { keepSessionInfo: true })
    const [evil, good] = [corpus.indexOf('//evil.example'), corpus.indexOf('/a/../home')]
    expect(await lead(evil)).toBe('/none')
    expect(await lead(good)).toBe(home)
    expect([...app.sessions.records.values()]).toEqual([
      expect.not.objectContaining({ returnTo: expect.anything() }),
      expect.objectContaining({ returnTo: home, pending: 1 }),
    ])
  })

  test('leads nowhere when the app keeps nothing', async () => {
    const { app, lead } = await setupRoute(framework, {})
    expect(await lead(corpus.indexOf('/a/../home'))).toBe('/none')
    expect(records(app)).not.toMatch(/returnTo|pending|evil/)
  })

  test('leads a double click to one place', async () => {
    const { app, send } = await setupRoute(framework, { successReturnToOrRedirect: home })
    for (const [given, path] of [
      ['/account', '/account'],
      ['//evil.example', home],
    ]) {
      const client = app.client()
      await client.post('/plant', { returnTo: given })
      const code = await send(client)
      await app.fault({ operation: 'otp.check', when: 'before', kind: 'delay', ms: 400 })
      const answers = await Promise.all([1, 2].map(() => client.submit('/check', { code })))
      expect(answers.map((answer) => landing(app, answer))).toEqual([path, path])
    }
    expect(app.sessions.records.size).toBe(2)
  })
})

describe.each(['express 4', 'express 5'] as const)("Passport's own redirect on %s", (framework) => {
  test('leads nowhere else when the response is unknown', async () => {
    for (const more of [{}, { keepSessionInfo: true }, { session: false }]) {
      const options = { successReturnToOrRedirect: home, ...more }
      const { app, lead } = await setupRoute(framework, options)
      expect(await lead(corpus.indexOf('//evil.example'), '/unwatched')).toBe(home)
      expect(await lead(corpus.indexOf('/.//evil.example'), '/unwatched')).toBe(home)
      expect(app.errors).toEqual([])
    }
    const { lead } = await setupRoute(framework, { keepSessionInfo: true })
    expect(await lead(corpus.indexOf('//evil.example'), '/unwatched')).toBe('/none')
    expect(await lead(corpus.indexOf('/a/../home'), '/unwatched')).toBe(home)
  })

  test('leaves nothing in the session when it never comes', async () => {
    const { app, send } = await setupRoute(framework, { successReturnToOrRedirect: home })
    app.passport.transformAuthInfo((_info: unknown, done: (error: Error, info: unknown) => void) =>
      done(new Error('broken'), undefined),
    )
    const client = app.client()
    await client.post('/plant', { returnTo: '/account' })
    const code = await send(client)
    expect((await client.submit('/check', { code })).status).toBe(500)
    expect(app.sessions.signedIn()).toHaveLength(1)
    expect(records(app)).not.toContain('returnTo')
  })
})
