import type { Context, Middleware, Next } from 'koa'
import { createCheck } from '../src/http/check.js'
import { copyHeaders, isGone, keepHead, toHttpRequest } from '../src/http/node.js'
import type * as http from '../src/http/options.js'
import { type LogInRequest, logIn } from '../src/http/passport.js'
import type { RedirectOptions } from '../src/http/redirects.js'
import type { Reply } from '../src/http/reply.js'
import { resolvePrefix, routeOf } from '../src/http/routes.js'
import { createLoginSession, leaveSession } from '../src/http/session.js'
import { type OtpPage, statusStep } from '../src/http/status.js'
import { createCancel, createResend, createSend, type Step } from '../src/http/steps.js'
import type { OtpFlow } from '../src/index.js'

export type PostOptions = http.PostOptions<[ctx: Context]>
export type CheckOptions = http.CheckOptions<[ctx: Context]>
export type StatusOptions = http.StatusOptions<[ctx: Context]>
export type CancelOptions = http.CancelOptions<[ctx: Context]>
export type { RedirectOptions }

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
  options: CheckOptions & StatusOptions & RouterOptions,
): Middleware {
  const routes = {
    send: sendOtp(flow, options),
    resend: resendOtp(flow, options),
    check: checkOtp(flow, options),
    status: otpStatus(flow, options),
    cancel: cancelOtp(flow, options),
  }
  const prefix = resolvePrefix(options.prefix)
  return function otpRouter(ctx, next) {
    const route = routeOf(ctx.method, ctx.path, prefix)
    if (!route) return next()
    if (options.passport) flow.validation.login('koa', () => ctx.session)
    return routes[route](ctx, next)
  }
}

/** `POST`: sends a code to the number in the body. */
export function sendOtp(flow: OtpFlow, options: PostOptions = {}): Middleware {
  const send = createSend(flow, options)
  const { csrf } = options
  return function sendOtp(ctx, next) {
    return run(send, ctx, next, csrf)
  }
}

/** `POST`: sends the code again. */
export function resendOtp(flow: OtpFlow, options: PostOptions = {}): Middleware {
  const resend = createResend(flow, options)
  const { csrf } = options
  return function resendOtp(ctx, next) {
    return run(resend, ctx, next, csrf)
  }
}

/** `POST`: checks the code in the body, and opens the app's session when it is right. */
export function checkOtp(flow: OtpFlow, options: CheckOptions): Middleware {
  const check = createCheck<[Context]>(flow, options)
  const { csrf } = options
  return function checkOtp(ctx, next) {
    const req = passportRequest(ctx)
    const before: unknown = ctx.body
    let koaPassport = false
    const visit = {
      res: ctx.res,
      context: [ctx] satisfies [Context],
      session: createLoginSession(flow, () => ctx.session, true),
      answered: () => ctx.headerSent || ctx.respond === false || ctx.body !== before,
      keepAnswer() {
        const takeBack = keepHead(ctx.res)
        return () => {
          if (!ctx.headerSent && ctx.body !== before) {
            ctx.remove('Content-Type') // of JSON, Koa would send a null
            ctx.body = before
          }
          takeBack()
        }
      },
      leaveSession: () => leaveSession(ctx),
      run(middleware: (...args: unknown[]) => unknown, done: (error?: unknown) => void) {
        // koa-passport makes middleware of Koa's, Passport itself that of Express.
        koaPassport = middleware.length < 3
        return koaPassport ? middleware(ctx, done) : middleware(req, ctx.res, done)
      },
      logIn: (user: unknown) => (koaPassport && ctx.logIn ? ctx.logIn(user) : logIn(req, user)),
    }
    if (options.passport) flow.validation.login('koa', () => ctx.session)
    return run((request) => check(request, visit), ctx, next, csrf)
  }
}

/** `GET`: what the sign-in page may show. */
export function otpStatus(flow: OtpFlow, { render }: StatusOptions = {}): Middleware {
  return function otpStatus(ctx, next) {
    const show = (page: OtpPage, head: Reply) => {
      copyHeaders(ctx.res, head)
      ctx.status = head.status
      return render?.(page, ctx)
    }
    return run((request) => statusStep(flow, request, render && show), ctx, next)
  }
}

/** `POST`: ends the flow of this browser. */
export function cancelOtp(flow: OtpFlow, options: CancelOptions = {}): Middleware {
  const cancel = createCancel(flow, options)
  const { csrf } = options
  return function cancelOtp(ctx, next) {
    return run(cancel, ctx, next, csrf)
  }
}

async function run(
  step: Step,
  ctx: Context,
  next: Next,
  csrf?: PostOptions['csrf'],
): Promise<void> {
  const { proxy, maxIpsCount, proxyIpHeader } = ctx.app
  const spoofable = !maxIpsCount && proxyIpHeader === 'X-Forwarded-For'
  const proxies = !proxy ? 'none' : spoofable ? 'all' : 'some'
  const host = { framework: 'koa', proxies, gone: isGone(ctx.res) } as const
  const { body } = ctx.request as { body?: unknown } // a parser has put it there, or not
  const asked = csrf && (() => csrf(ctx))
  await write(ctx, await step(toHttpRequest(ctx, body, host, asked)), next)
}

async function write(ctx: Context, reply: Reply, next: Next): Promise<void> {
  copyHeaders(ctx.res, reply)
  if (reply.left === 'next') await next()
  if (reply.left) return
  // In this order: a body that is null would make the status 204.
  ctx.body = reply.body ?? null
  ctx.status = reply.status
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
