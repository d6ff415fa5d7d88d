import type { Context, Middleware, Next } from 'koa'
import { createCheck } from '../src/http/check.js'
import type { HostHead, RouteHost } from '../src/http/host.js'
import { type LogInRequest, logIn } from '../src/http/login/passport.js'
import type * as http from '../src/http/options.js'
import { resolveHandler } from '../src/http/options.js'
import type { RedirectOptions } from '../src/http/redirects.js'
import type { Reply } from '../src/http/reply.js'
import { createRoutes, findRoute, resolvePrefix } from '../src/http/routes.js'
import { createStatus } from '../src/http/status.js'
import { createCancel, createResend, createSend } from '../src/http/steps.js'
import { createWebhook, type WebhookOptions } from '../src/http/webhooks.js'
import type { OtpFlow } from '../src/index.js'
import { createHead } from '../src/node/head.js'
import { createNodeHost } from '../src/node/host.js'
import { createKoaSession } from '../src/node/session-koa.js'

/** Options of `resendOtp`. */
export type PostOptions = http.PostOptions<[ctx: Context]>
/** Options of `sendOtp`. */
export type SendOptions = http.SendOptions<[ctx: Context]>
/** Options of `checkOtp`. */
export type CheckOptions = http.CheckOptions<[ctx: Context]>
/** Options of `otpStatus`. */
export type StatusOptions = http.StatusOptions<[ctx: Context]>
/** Options of `cancelOtp`. */
export type CancelOptions = http.CancelOptions<[ctx: Context]>
/** Options that only `otpRouter` takes. */
export type PageOptions = http.PageRouterOptions<[ctx: Context]>
export type { RedirectOptions, WebhookOptions }

/** Options that only Koa's `otpRouter` takes. */
export interface RouterOptions {
  /**
   * Where the routes are, like `/login`.
   *
   * @default ''
   */
  prefix?: string | undefined
}

/**
 * All five routes: `app.use(otpRouter(flow, { prefix: '/login', passport }))`. Needs a body parser.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function otpRouter(
  flow: OtpFlow,
  options: CheckOptions & StatusOptions & PageOptions & RouterOptions,
): Middleware {
  const resolved = resolveHandler('otpRouter', flow, options, { own: ['prefix'] })
  const routes = createRoutes<[Context]>(flow, resolved)
  const prefix = resolvePrefix(resolved.prefix)
  return function otpRouter(ctx, next) {
    const route = findRoute(routes, ctx.method, ctx.path, prefix)
    if (!route) return next()
    return run(route, ctx, next)
  }
}

/** `POST`: sends a code to the number in the body. */
export function sendOtp(flow: OtpFlow, options: SendOptions = {}): Middleware {
  return handlerOf('sendOtp', createSend(flow, resolveHandler('sendOtp', flow, options)))
}

/** `POST`: sends the code again. */
export function resendOtp(flow: OtpFlow, options: PostOptions = {}): Middleware {
  return handlerOf('resendOtp', createResend(flow, resolveHandler('resendOtp', flow, options)))
}

/** `POST`: checks the code in the body, and opens the app's session when it is right. */
export function checkOtp(flow: OtpFlow, options: CheckOptions): Middleware {
  return handlerOf('checkOtp', createCheck(flow, resolveHandler('checkOtp', flow, options)))
}

/** `GET`: what the sign-in page may show. */
export function otpStatus(flow: OtpFlow, options: StatusOptions = {}): Middleware {
  return handlerOf('otpStatus', createStatus(flow, resolveHandler('otpStatus', flow, options)))
}

/** `POST`: ends the flow of this browser. */
export function cancelOtp(flow: OtpFlow, options: CancelOptions = {}): Middleware {
  return handlerOf('cancelOtp', createCancel(flow, resolveHandler('cancelOtp', flow, options)))
}

/**
 * `POST`: takes what tyntec tells of messages, at a path of a router of yours. Nothing signs it, so tyntec is asked
 * before anything is believed. Works with a body parser before it and without one.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function webhooks(flow: OtpFlow, options: WebhookOptions = {}): Middleware {
  const take = createWebhook(flow, options)
  return async function webhooks(ctx) {
    const { body } = ctx.request as { body?: unknown } // a parser has put it there, or not
    const { method, url, req } = ctx
    const { status, headers } = await take({ method, url, body, stream: req })
    ctx.set(headers)
    ctx.body = null
    ctx.status = status
  }
}

type Step = (host: RouteHost<[Context]>) => Promise<Reply>

/** By its name it is found in a stack. */
function handlerOf(name: string, step: Step): Middleware {
  const handler: Middleware = (ctx, next) => {
    return run(step, ctx, next)
  }
  return Object.defineProperty(handler, 'name', { value: name })
}

async function run(step: Step, ctx: Context, next: Next): Promise<void> {
  const host = hostOf(ctx)
  const reply = await step(host)
  host.head.add(reply)
  if (reply.left === 'next') await next()
  if (reply.left) return
  // In this order: a body that is null would make the status 204.
  ctx.body = reply.body ?? null
  ctx.status = reply.status
}

function hostOf(ctx: Context): RouteHost<[Context]> {
  const { proxy, maxIpsCount, proxyIpHeader } = ctx.app
  const spoofable = !maxIpsCount && proxyIpHeader === 'X-Forwarded-For'
  const proxies = !proxy ? 'none' : spoofable ? 'all' : 'some'
  const { body } = ctx.request as { body?: unknown } // a parser has put it there, or not
  let req: LogInRequest | undefined
  const forPassport = () => (req ??= passportRequest(ctx))
  const before: unknown = ctx.body
  let koaPassport = false
  const host = createNodeHost({
    request: ctx,
    body,
    res: ctx.res,
    session: createKoaSession(ctx),
    head: headOf(ctx, before),
    app: { framework: 'koa', proxies, trustOne: 'new Koa({ proxy: true, maxIpsCount: 1 })' },
  })
  return Object.assign(host, {
    context: [ctx] satisfies [Context],
    accepts: (types: string[]) => ctx.accepts(types),
    acceptsLanguage: (languages: string[]) => ctx.acceptsLanguages(languages),
    signedIn: () => ctx.state.user !== undefined,
    answered: () => ctx.headerSent || ctx.respond === false || ctx.body !== before,
    setStatus(status: number) {
      ctx.status = status
    },
    run(middleware: (...args: unknown[]) => unknown, done: (error?: unknown) => void) {
      // koa-passport makes middleware of Koa's, Passport itself that of Express.
      koaPassport = middleware.length < 3
      return koaPassport ? middleware(ctx, done) : middleware(forPassport(), ctx.res, done)
    },
    logIn: (user: unknown, options: object) =>
      koaPassport && ctx.logIn ? ctx.logIn(user, options) : logIn(forPassport(), user, options),
  })
}

/** Koa holds the body back, so it can be taken back as well. */
function headOf(ctx: Context, before: unknown): HostHead {
  const head = createHead(ctx.res)
  const keep = () => {
    const takeBack = head.keep()
    return () => {
      if (!ctx.headerSent && ctx.body !== before) {
        ctx.remove('Content-Type') // of JSON, Koa would send a null
        ctx.body = before
      }
      takeBack()
    }
  }
  return Object.defineProperties({ ...head, keep }, { sent: { get: () => ctx.headerSent } })
}

/** What Passport takes for a request of Express. The strategy finds Koa's own things in `ctx`. */
function passportRequest(ctx: Context): LogInRequest {
  return Object.create(ctx.request, {
    ctx: { value: ctx },
    session: { get: () => ctx.session },
    user: {
      get: () => ctx.state.user,
      set: (user: unknown) => {
        ctx.state.user = user
      },
    },
  })
}
