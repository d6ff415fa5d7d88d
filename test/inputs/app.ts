import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import session from 'express-session'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import Koa3 from 'koa'
import { createSession } from 'koa-session'
import * as onExpress from '../../adapters/express.js'
import * as onKoa from '../../adapters/koa.js'
import type { OtpEvent } from '../../src/events.js'
import { createOtpFlow, type OtpFlow } from '../../src/flow/index.js'
import type { OtpOptions } from '../../src/options/options.js'
import { redisStore } from '../../src/store/redis.js'
import { createParsedCases } from './parsed-cases.js'
import { bodies, hand } from './direct.js'
import { createJudge } from './judge.js'
import {
  batch,
  country,
  type DirectResult,
  type DirectTask,
  origin,
  renamed,
  type Report,
  type Settings,
  type Task,
  variants,
} from './variants.js'

/*
 * The process whose memory, log and answers `inputs.test.ts` looks at: one app per variant, each on a
 * port of its own, all on one Redis and one tyntec.
 */

const require = createRequire(import.meta.url)
// The older majors come without types of their own; what is used here has not changed.
const express4 = require('express-4') as typeof express5
const Koa2 = require('koa-2') as typeof Koa3

const settings = JSON.parse(process.argv[2] ?? '') as Settings // from inputs.test.ts
const redis = new Redis(settings.redisUrl)

const report: Report = {
  heap: 0,
  events: 0,
  lines: 0,
  faults: 0,
  strange: [],
  errors: [],
  sessions: 0,
  signedIn: 0,
}
/** What an event may hold. A number, a code, a header or a control character is none of it. */
const eventShape = /^[\w {}:,."'()/;-]*$/

function listen(event: OtpEvent): void {
  report.events += 1
  if (event.type === 'error' || event.type === 'misuse') report.faults += 1
  const text = JSON.stringify(event).replaceAll(/\[[a-f\d:.]+\]/g, 'an IPv6 host')
  if (!eventShape.test(text) && report.strange.length < 10) report.strange.push(text)
}

const log = () => void (report.lines += 1)

const records = new Map<string, unknown>()
const koaSessions = {
  get: async (id: string) => records.get(id),
  set: async (id: string, data: unknown) => void records.set(id, data),
  destroy: async (id: string) => void records.delete(id),
}
const expressSessions = new session.MemoryStore()

function createFlow(options: Partial<OtpOptions>): OtpFlow {
  return createOtpFlow({
    apiKey: settings.apiKey,
    baseUrl: settings.baseUrl,
    secret: settings.secret,
    countries: [country],
    // Whoever reaches these apps without a proxy claims to be anything.
    validate: { address: false },
    // The machine is busy: the deadline is not what this is about.
    store: redisStore(redis, { timeout: 5 }),
    onEvent: listen,
    logger: { info: log, warn: log, error: log },
    ...options,
  })
}

const onVerified = () => void (report.signedIn += 1)

/** What is no answer of ours says so, and whether it came before our code. */
function fail(error: unknown, ours: boolean): { status: number; from: string } {
  const { status = 500 } = error as { status?: number } // as Express and Koa read it
  if ((ours || status >= 500) && report.errors.length < 10) report.errors.push(String(error))
  return { status, from: ours ? 'handler' : 'parser' }
}

function buildExpress(
  express: typeof express5,
  flow: OtpFlow,
  { limit, extended, redirects, parsed, sessions }: Build,
): RequestListener {
  const app = express()
  app.set('trust proxy', 1)
  if (parsed)
    app.use((req, _res, next) => {
      req.body = bodies.get(req)
      next()
    })
  else app.use(express.json({ limit }), express.urlencoded({ extended, limit }))
  if (sessions)
    app.use(
      session({
        name: 'sid',
        secret: 'session secret',
        resave: false,
        saveUninitialized: false,
        store: expressSessions,
      }),
    )
  app.use((_req, res, next) => {
    res.locals.parsed = true
    next()
  })
  app.use('/login', onExpress.otpRouter(flow, { onVerified, ...redirects }))
  app.use((_req, res) => void res.status(404).set('x-from', 'app').end())
  app.use(((error, _req, res, _next) => {
    const { status, from } = fail(error, res.locals.parsed === true)
    res.status(status).set('x-from', from).end()
  }) as express5.ErrorRequestHandler)
  return app
}

function buildKoa(
  Koa: typeof Koa3,
  flow: OtpFlow,
  { limit, redirects, parsed, sessions }: Build,
): RequestListener {
  const app = new Koa()
  app.silent = true
  app.keys = ['session secret']
  app.proxy = true
  app.maxIpsCount = 1
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const { status, from } = fail(error, ctx.state.parsed === true)
      ctx.status = status
      ctx.set('x-from', from)
      ctx.body = ''
    }
  })
  if (parsed)
    app.use((ctx, next) => {
      ctx.request.body = bodies.get(ctx.req)
      return next()
    })
  else
    app.use(
      bodyParser({
        jsonLimit: limit,
        formLimit: limit,
        // It gives no status to what it can't unpack, which would be a 500.
        onError(error, ctx) {
          const { status = 400 } = error as { status?: number }
          // It leaves the rest of a long body unread, and the connection waits for it.
          ctx.req.resume()
          ctx.throw(status)
        },
      }),
    )
  if (sessions) app.use(createSession({ key: 'sid', store: koaSessions }, app))
  app.use((ctx, next) => {
    ctx.state.parsed = true
    return next()
  })
  app.use(onKoa.otpRouter(flow, { prefix: '/login', onVerified, ...redirects }))
  app.use((ctx) => {
    ctx.set('x-from', 'app')
    ctx.status = 404
    ctx.body = ''
  })
  const handle = app.callback()
  return (req, res) => void handle(req, res)
}

interface Build {
  limit: string
  extended: boolean
  redirects: onExpress.RedirectOptions
  /** Takes the body that a request was handed over with. */
  parsed: boolean
  sessions: boolean
}

const frameworks = {
  'express 5': (flow: OtpFlow, build: Build) => buildExpress(express5, flow, build),
  'express 4': (flow: OtpFlow, build: Build) => buildExpress(express4, flow, build),
  'koa 3': (flow: OtpFlow, build: Build) => buildKoa(Koa3, flow, build),
  'koa 2': (flow: OtpFlow, build: Build) => buildKoa(Koa2, flow, build),
}

const apps = variants.map((variant) => {
  const flow = createFlow({
    binding: variant.binding,
    voice: variant.voice,
    ...(variant.origin && { origin }),
    ...(variant.renamed && { fields: renamed }),
  })
  const build = {
    limit: variant.large ? '100kb' : '4kb',
    extended: variant.large,
    sessions: variant.binding === 'session',
    redirects: variant.redirects ? { successRedirect: '/', failureRedirect: '/in' } : {},
  }
  const create = frameworks[variant.framework]
  return {
    listener: create(flow, { ...build, parsed: false }),
    direct: create(flow, { ...build, parsed: true }),
  }
})

const ports = await Promise.all(
  apps.map(async ({ listener }) => {
    const server = createServer(listener)
    // Connections stay open for the whole run.
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port // it listens on a port
  }),
)

/** Hands requests to the apps, many at once, and looks at each answer. */
async function runDirect({ seed, count, possessions }: DirectTask): Promise<DirectResult> {
  const cases = createParsedCases(possessions)
  const judge = createJudge()
  for (let done = 0; done < count; done += batch) {
    const sample = fc.sample(cases, { seed: seed + done, numRuns: Math.min(batch, count - done) })
    await Promise.all(
      sample.map(async (asked) => {
        const app = apps[asked.app]
        if (app) judge.judge(asked, await hand(app.direct, asked))
      }),
    )
  }
  return { counts: [...judge.counts] }
}

process.on('message', (task: Task) => {
  if (task.do === 'direct') {
    runDirect(task).then(
      (result) => process.send?.(result),
      (error: unknown) => process.send?.({ failure: inspect(error) }),
    )
    return
  }
  // Given by --expose-gc. Twice, for what the first run only marks as finished.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  expressSessions.all((_error, all) => {
    const kept = Object.keys(all ?? {}).length + records.size
    process.send?.({ ...report, heap: heapUsed + external, sessions: kept } satisfies Report)
  })
})
process.once('disconnect', () => process.exit())
await redis.ping()
process.send?.(ports)
