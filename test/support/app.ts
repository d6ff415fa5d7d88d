import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import session from 'express-session'
import Koa3 from 'koa'
import { createSession } from 'koa-session'
import { Passport } from 'passport'
import {
  createOtpFlow,
  type Identity,
  memoryStore,
  type OtpEvent,
  type OtpFlow,
  type OtpOptions,
  type OtpStore,
  redisStore,
  Strategy,
  type Verify,
} from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { onTestFinished } from 'vitest'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { createClient } from './client.js'
import { createRedis } from './redis.js'

const require = createRequire(import.meta.url)
// The older majors come without types of their own; what is used here has not changed.
const express4 = require('express-4') as typeof express5
const Koa2 = require('koa-2') as typeof Koa3

export const frameworks = ['express 4', 'express 5', 'koa 2', 'koa 3'] as const
export type FrameworkName = (typeof frameworks)[number]

/** Sessions of the app, on either framework, that a test can look into and break. */
export interface Sessions {
  records: Map<string, Record<string, unknown>>
  /** What the next operations of each kind do; nothing special when there is none. */
  fail: { set?: boolean; destroy?: boolean }
  /** Session ids whose record says that somebody is signed in. */
  signedIn(): string[]
}

export interface AppOptions {
  framework: FrameworkName
  store?: 'memory' | 'redis'
  flow?: Partial<OtpOptions>
  /** Who opens the session. Default: Passport. */
  opener?: 'passport' | 'onVerified' | 'koa-passport'
  /** The app's verify function, or the first thing `onVerified` runs. */
  verify?: Verify
  router?: onExpress.RedirectOptions & { render?: boolean }
  /** The page of the router. */
  page?: PageSettings
  /** More routes, before the router. */
  express?: (app: express5.Express, parts: AppParts) => void
  koa?: (app: Koa3, parts: AppParts) => void
  /** No sessions at all. */
  sessionless?: boolean
  /** How the session library writes them: `maxAge` in ms, the rest as the library names it. */
  session?: {
    maxAge?: number
    rolling?: boolean
    renew?: boolean
    autoCommit?: boolean
    resave?: boolean
    saveUninitialized?: boolean
  }
  trustProxy?: number | boolean
}

/** The page on either framework, without what depends on which one it is. */
export type PageSettings = Omit<NonNullable<onExpress.PageOptions['page']>, 'signedIn' | 'hidden'>

export interface AppParts {
  flow: OtpFlow
  passport: InstanceType<typeof Passport>
}

export type App = Awaited<ReturnType<typeof setupApp>>

export const number = '+12015550100'
export const wrongCode = '000000'

/** An app on a framework, on the sandbox: all of it real, all of it gone with the test. */
export async function setupApp(options: AppOptions) {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())

  const { flow, events } = await setupFlow(sandbox, options)
  const sessions = createSessions()
  const passport = new Passport()
  const verified: Identity[] = []
  const errors: unknown[] = []
  const verify = options.verify ?? (({ number }: Identity) => ({ number }))
  passport.use(
    new Strategy(flow, (identity) => {
      verified.push(identity)
      return askApp(verify, identity)
    }),
  )
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user as Express.User)) // what was serialized

  const context: BuildContext = { options, flow, passport, sessions, verify, verified, errors }
  const listener = options.framework.startsWith('express')
    ? buildExpress(context)
    : buildKoa(context)
  const base = await listen(listener)

  return {
    base,
    sandbox,
    flow,
    events,
    passport,
    sessions,
    /** Identities that the app was asked about. */
    verified,
    /** What reached the app's error handler. */
    errors,
    client: () => createClient(base),
    requests: () => requestsOf(sandbox),
    fault: (fault: object) => control(sandbox, 'POST', 'faults', fault),
    clearFaults: () => control(sandbox, 'DELETE', 'faults'),
  }
}

interface BuildContext extends AppParts {
  options: AppOptions
  sessions: Sessions & Stores
  verify: Verify
  verified: Identity[]
  errors: unknown[]
}

/** A flow on the sandbox, with the limits out of the way that tests run into by their number. */
export async function setupFlow(
  sandbox: Sandbox,
  { store: kind = 'memory', flow: given = {} }: Pick<AppOptions, 'store' | 'flow'> = {},
) {
  const connected = kind === 'redis' ? await createRedis() : undefined
  const store: OtpStore = connected
    ? redisStore(connected.redis, { prefix: connected.prefix })
    : memoryStore({ production: true })
  const events: OtpEvent[] = []
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    secret: randomUUID(),
    countries: ['US', 'DE'],
    store,
    onEvent: (event) => events.push(event),
    ...given,
    // These have tests of their own, and would stop many of the others.
    limits: { messagesPerAddressAndNumber: [{ points: 1000, duration: 600 }], ...given.limits },
    budget: { reserve: 0, ...given.budget },
  })
  onTestFinished(() => flow.drain())
  return { flow, events }
}

export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo // it listens on a port
  return `http://127.0.0.1:${port}`
}

function buildExpress(context: BuildContext): RequestListener {
  const { options, flow, passport, sessions, errors } = context
  const express = options.framework === 'express 4' ? express4 : express5
  const { render = false, ...rest } = options.router ?? {}
  const redirects = { ...rest, ...(options.page && { page: options.page }) }
  const {
    maxAge,
    rolling = false,
    resave = false,
    saveUninitialized = false,
  } = options.session ?? {}
  const app = express()
  if (options.trustProxy !== undefined) app.set('trust proxy', options.trustProxy)
  app.use(express.json({ limit: '4kb' }), express.urlencoded({ extended: false, limit: '4kb' }))
  if (!options.sessionless) {
    app.use(
      session({
        name: 'sid',
        secret: 'session secret',
        resave,
        rolling,
        saveUninitialized,
        store: sessions.express,
        ...(maxAge && { cookie: { maxAge } }),
      }),
    )
    app.use(passport.session())
  }
  options.express?.(app, context)
  app.post('/plant', (req, res) => {
    Object.assign(req.session, req.body)
    res.end()
  })
  app.post('/logout', onExpress.cancelOtp(flow, { next: true }), (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)))
  })
  const page: onExpress.StatusOptions = render
    ? { render: (status, _req, res) => res.type('html').send(`<p>${JSON.stringify(status)}</p>`) }
    : {}
  app.use(
    '/login',
    options.opener === 'onVerified'
      ? onExpress.otpRouter(flow, {
          ...redirects,
          ...page,
          onVerified: async (identity, req, res) => {
            context.verified.push(identity)
            const user = await askApp(context.verify, identity)
            if (req.session) Object.assign(req.session, { user })
            if (user === 'answers itself') res.status(201).send('hello')
          },
        })
      : onExpress.otpRouter(flow, { ...redirects, ...page, passport }),
  )
  app.get('/me', (req, res) => {
    const { user = req.user } = (req.session ?? {}) as { user?: Express.User } // ours, above
    if (user) res.json({ user })
    else res.sendStatus(401)
  })
  app.use(((error, _req, res, next) => {
    errors.push(error)
    if (res.headersSent) next(error)
    else res.status(error.status ?? 500).send('failed')
  }) as express5.ErrorRequestHandler)
  return app
}

function buildKoa(context: BuildContext): RequestListener {
  const { options, flow, passport, sessions, errors } = context
  const Koa = options.framework === 'koa 2' ? Koa2 : Koa3
  const { render = false, ...rest } = options.router ?? {}
  const redirects = { ...rest, ...(options.page && { page: options.page }) }
  const app = new Koa()
  app.silent = true
  app.keys = ['session secret']
  if (options.trustProxy !== undefined) {
    app.proxy = true
    app.maxIpsCount = Number(options.trustProxy)
  }
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      errors.push(error)
      ctx.status = (error as { status?: number }).status ?? 500 // as Koa itself reads it
      ctx.body = 'failed'
    }
  })
  app.use(bodyParser({ jsonLimit: '4kb', formLimit: '4kb' }))
  if (!options.sessionless) {
    const { resave: _, saveUninitialized: __, ...given } = options.session ?? {}
    app.use(createSession({ key: 'sid', store: sessions.koa, ...given }, app))
    if (given.autoCommit === false) {
      app.use(async (ctx, next) => {
        await next()
        await ctx.session?.manuallyCommit()
      })
    }
  }
  options.koa?.(app, context)
  const koaPassport = options.opener === 'koa-passport' ? createKoaPassport(context) : undefined
  if (koaPassport) app.use(koaPassport.initialize()).use(koaPassport.session())
  app.use(async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== '/plant') return next()
    Object.assign(ctx.session, ctx.request.body)
    ctx.status = 200
  })
  app.use(async (ctx, next) => {
    if (ctx.path !== '/logout') return next()
    await onKoa.cancelOtp(flow, { next: true })(ctx, async () => {
      ctx.session = null
      ctx.status = 204
    })
  })
  const page: onKoa.StatusOptions = render
    ? {
        render: (status, ctx) => {
          ctx.type = 'html'
          ctx.body = `<p>${JSON.stringify(status)}</p>`
        },
      }
    : {}
  app.use(
    options.opener === 'onVerified'
      ? onKoa.otpRouter(flow, {
          ...redirects,
          ...page,
          prefix: '/login',
          onVerified: async (identity, ctx) => {
            context.verified.push(identity)
            const user = await askApp(context.verify, identity)
            if (ctx.session) ctx.session.user = user
            if (user === 'answers itself') {
              ctx.status = 201
              ctx.body = 'hello'
            }
          },
        })
      : onKoa.otpRouter(flow, {
          ...redirects,
          ...page,
          prefix: '/login',
          passport: koaPassport ?? passport,
        }),
  )
  app.use((ctx) => {
    if (ctx.path !== '/me') return
    const user = ctx.session?.user ?? ctx.session?.passport?.user
    if (user) ctx.body = { user }
    else ctx.status = 401
  })
  const handle = app.callback()
  return (req, res) => void handle(req, res)
}

export interface KoaPassport {
  use(strategy: Strategy): this
  serializeUser(run: (user: unknown, done: (error: unknown, id?: unknown) => void) => void): void
  deserializeUser(run: (id: unknown, done: (error: unknown, user?: unknown) => void) => void): void
  initialize(): Koa3.Middleware
  session(): Koa3.Middleware
  authenticate(
    strategy: string,
    options?: object | ((...args: never[]) => unknown),
    callback?: (...args: never[]) => unknown,
  ): Koa3.Middleware
  authorize(strategy: string, options?: object): Koa3.Middleware
}

/** It has no types. */
export function createKoaPassport({
  flow,
  verify,
  verified,
}: Pick<BuildContext, 'flow' | 'verify' | 'verified'>): KoaPassport {
  const { KoaPassport } = require('koa-passport') as { KoaPassport: new () => KoaPassport }
  const passport = new KoaPassport()
  passport.use(
    new Strategy(flow, (identity) => {
      verified.push(identity)
      return askApp(verify, identity)
    }),
  )
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user))
  return passport
}

/** What throws at once and what rejects are the same to the app around it. */
async function askApp(verify: Verify, identity: Identity): Promise<unknown> {
  return verify(identity, () => {})
}

interface Stores {
  express: session.Store
  koa: {
    get(id: string): Promise<unknown>
    set(id: string, data: unknown): Promise<void>
    destroy(id: string): Promise<void>
  }
}

function createSessions(): Sessions & Stores {
  const records: Sessions['records'] = new Map()
  const fail: Sessions['fail'] = {}
  const broken = (kind: keyof Sessions['fail']) => {
    if (fail[kind]) throw new Error('the session store is down')
  }
  const get = (id: string) => structuredClone(records.get(id))
  const set = (id: string, data: unknown) => {
    broken('set')
    records.set(id, JSON.parse(JSON.stringify(data)))
  }
  const destroy = (id: string) => {
    broken('destroy')
    records.delete(id)
  }

  class ExpressStore extends session.Store {
    override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void) {
      done(null, (get(id) as session.SessionData | undefined) ?? null) // it put it there
    }
    override set(id: string, data: session.SessionData, done?: (error?: unknown) => void) {
      setImmediate(() => attempt(() => set(id, data), done))
    }
    override destroy(id: string, done?: (error?: unknown) => void) {
      setImmediate(() => attempt(() => destroy(id), done))
    }
  }

  return {
    records,
    fail,
    signedIn: () =>
      [...records]
        .filter(([, data]) => data.user || isPassportUser(data.passport))
        .map(([id]) => id),
    express: new ExpressStore(),
    koa: {
      get: async (id) => get(id),
      set: async (id, data) => set(id, data),
      destroy: async (id) => destroy(id),
    },
  }
}

function isPassportUser(passport: unknown): boolean {
  return typeof passport === 'object' && passport !== null && 'user' in passport
}

function attempt(run: () => void, done: ((error?: unknown) => void) | undefined): void {
  try {
    run()
  } catch (error) {
    done?.(error)
    return
  }
  done?.()
}

export async function requestsOf(sandbox: Sandbox): Promise<string[]> {
  const response = await fetch(`${sandbox.url}/_sandbox/requests`)
  const entries = (await response.json()) as JournalEntry[]
  return entries.map(({ method, path }) => nameOf(method, path))
}

/** What tests count: `otp.send`, `otp.check` and so on. */
function nameOf(method: string, path: string): string {
  if (method === 'DELETE') return 'delete'
  if (path.endsWith('/check')) return 'check'
  if (path.endsWith('/events')) return 'events'
  if (method === 'POST') return path.endsWith('/otp') ? 'send' : 'resend'
  return 'read'
}

async function control(sandbox: Sandbox, method: string, path: string, body?: object) {
  const init = body ? { method, body: JSON.stringify(body) } : { method }
  const response = await fetch(`${sandbox.url}/_sandbox/${path}`, init)
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
}
