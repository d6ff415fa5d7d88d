import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { createCheck } from '../src/http/check.js'
import { copyHeaders, isGone, keepHead, toHttpRequest } from '../src/http/node.js'
import type * as http from '../src/http/options.js'
import { logIn } from '../src/http/passport.js'
import type { RedirectOptions } from '../src/http/redirects.js'
import type { Reply } from '../src/http/reply.js'
import { routeOf } from '../src/http/routes.js'
import { createLoginSession, leaveSession } from '../src/http/session.js'
import { type OtpPage, statusStep } from '../src/http/status.js'
import { createCancel, createResend, createSend, type Step } from '../src/http/steps.js'
import type { OtpFlow } from '../src/index.js'

type Context = [req: Request, res: Response]
export type PostOptions = http.PostOptions<Context>
export type CheckOptions = http.CheckOptions<Context>
export type StatusOptions = http.StatusOptions<Context>
export type CancelOptions = http.CancelOptions<Context>
export type { RedirectOptions }

/**
 * All five routes: `app.use('/login', otpRouter(flow, { passport }))`. Needs body parsers before it.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function otpRouter(flow: OtpFlow, options: CheckOptions & StatusOptions): RequestHandler {
  const routes = {
    send: sendOtp(flow, options),
    resend: resendOtp(flow, options),
    check: checkOtp(flow, options),
    status: otpStatus(flow, options),
    cancel: cancelOtp(flow, options),
  }
  return function otpRouter(req, res, next) {
    const route = routeOf(req.method, req.path)
    if (!route) return next()
    if (options.passport) flow.validation.login('express', () => sessionOf(req))
    void routes[route](req, res, next)
  }
}

/** `POST`: sends a code to the number in the body. */
export function sendOtp(flow: OtpFlow, options: PostOptions = {}): RequestHandler {
  const send = createSend(flow, options)
  const { csrf } = options
  return function sendOtp(req, res, next) {
    void run(send, req, res, next, csrf)
  }
}

/** `POST`: sends the code again. */
export function resendOtp(flow: OtpFlow, options: PostOptions = {}): RequestHandler {
  const resend = createResend(flow, options)
  const { csrf } = options
  return function resendOtp(req, res, next) {
    void run(resend, req, res, next, csrf)
  }
}

/** `POST`: checks the code in the body, and opens the app's session when it is right. */
export function checkOtp(flow: OtpFlow, options: CheckOptions): RequestHandler {
  const check = createCheck<Context>(flow, options)
  const { csrf } = options
  return function checkOtp(req, res, next) {
    const visit = {
      res,
      context: [req, res] satisfies Context,
      session: createLoginSession(flow, () => sessionOf(req), false),
      answered: () => res.headersSent,
      keepAnswer: () => keepHead(res),
      leaveSession: () => leaveSession(req),
      run: (middleware: (...args: unknown[]) => unknown, next: NextFunction) =>
        middleware(req, res, next),
      logIn: (user: unknown) => logIn(req, user),
    }
    if (options.passport) flow.validation.login('express', () => sessionOf(req))
    void run((request) => check(request, visit), req, res, next, csrf)
  }
}

/** `GET`: what the sign-in page may show. */
export function otpStatus(flow: OtpFlow, { render }: StatusOptions = {}): RequestHandler {
  return function otpStatus(req, res, next) {
    const show = (page: OtpPage, head: Reply) => {
      copyHeaders(res, head)
      res.statusCode = head.status
      return render?.(page, req, res)
    }
    void run((request) => statusStep(flow, request, render && show), req, res, next)
  }
}

/** `POST`: ends the flow of this browser. */
export function cancelOtp(flow: OtpFlow, options: CancelOptions = {}): RequestHandler {
  const cancel = createCancel(flow, options)
  const { csrf } = options
  return function cancelOtp(req, res, next) {
    void run(cancel, req, res, next, csrf)
  }
}

/** Only there when the app has mounted sessions. */
function sessionOf(req: Request): unknown {
  return (req as { session?: unknown }).session
}

/** Express 4 does not look at the promise that a handler returns, so errors go by `next`. */
async function run(
  step: Step,
  req: Request,
  res: Response,
  next: NextFunction,
  csrf?: PostOptions['csrf'],
): Promise<void> {
  try {
    const trusted: unknown = req.app?.get('trust proxy')
    const proxies = trusted === true ? 'all' : trusted ? 'some' : 'none'
    const host = { framework: 'express', proxies, gone: isGone(res) } as const
    const asked = csrf && (() => csrf(req, res))
    write(res, await step(toHttpRequest(req, req.body, host, asked)), next)
  } catch (error) {
    next(error)
  }
}

function write(res: Response, reply: Reply, next: NextFunction): void {
  copyHeaders(res, reply)
  if (reply.left === 'next') next()
  // What comes of a login may be known only when the app has answered it.
  if (reply.left || res.headersSent) return
  res.statusCode = reply.status
  res.end(reply.body)
}
