import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { createCheck } from '../src/http/check.js'
import type { HostApp, RouteHost } from '../src/http/host.js'
import { logIn } from '../src/http/login/passport.js'
import type * as http from '../src/http/options.js'
import { resolveHandler } from '../src/http/options.js'
import type { RedirectOptions } from '../src/http/redirects.js'
import type { Reply } from '../src/http/reply.js'
import { createRoutes, findRoute } from '../src/http/routes.js'
import { createStatus } from '../src/http/status.js'
import { createCancel, createResend, createSend } from '../src/http/steps.js'
import { createWebhook, type WebhookOptions } from '../src/http/webhooks.js'
import type { OtpFlow } from '../src/index.js'
import { createExpressSession } from '../src/node/session-express.js'
import { createNodeHost } from '../src/node/host.js'

type Context = [req: Request, res: Response]
/** Options of `resendOtp`. */
export type PostOptions = http.PostOptions<Context>
/** Options of `sendOtp`. */
export type SendOptions = http.SendOptions<Context>
/** Options of `checkOtp`. */
export type CheckOptions = http.CheckOptions<Context>
/** Options of `otpStatus`. */
export type StatusOptions = http.StatusOptions<Context>
/** Options of `cancelOtp`. */
export type CancelOptions = http.CancelOptions<Context>
/** Options that only `otpRouter` takes. */
export type PageOptions = http.PageRouterOptions<Context>
export type { RedirectOptions, WebhookOptions }

/** What only Koa's router takes. */
const others = { prefix: `Express has the path in app.use('/login', otpRouter(flow, options))` }

/**
 * All five routes: `app.use('/login', otpRouter(flow, { passport }))`. Needs body parsers before it.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function otpRouter(
  flow: OtpFlow,
  options: CheckOptions & StatusOptions & PageOptions,
): RequestHandler {
  const resolved = resolveHandler('otpRouter', flow, options, { others })
  const routes = createRoutes<Context>(flow, resolved)
  return function otpRouter(req, res, next) {
    const route = findRoute(routes, req.method, req.path)
    if (!route) return next()
    void run(route, req, res, next)
  }
}

/** `POST`: sends a code to the number in the body. */
export function sendOtp(flow: OtpFlow, options: SendOptions = {}): RequestHandler {
  return handlerOf(
    'sendOtp',
    createSend(flow, resolveHandler('sendOtp', flow, options, { others })),
  )
}

/** `POST`: sends the code again. */
export function resendOtp(flow: OtpFlow, options: PostOptions = {}): RequestHandler {
  return handlerOf(
    'resendOtp',
    createResend(flow, resolveHandler('resendOtp', flow, options, { others })),
  )
}

/** `POST`: checks the code in the body, and opens the app's session when it is right. */
export function checkOtp(flow: OtpFlow, options: CheckOptions): RequestHandler {
  return handlerOf(
    'checkOtp',
    createCheck(flow, resolveHandler('checkOtp', flow, options, { others })),
  )
}

/** `GET`: what the sign-in page may show. */
export function otpStatus(flow: OtpFlow, options: StatusOptions = {}): RequestHandler {
  return handlerOf(
    'otpStatus',
    createStatus(flow, resolveHandler('otpStatus', flow, options, { others })),
  )
}

/** `POST`: ends the flow of this browser. */
export function cancelOtp(flow: OtpFlow, options: CancelOptions = {}): RequestHandler {
  return handlerOf(
    'cancelOtp',
    createCancel(flow, resolveHandler('cancelOtp', flow, options, { others })),
  )
}

/**
 * `POST`: takes what tyntec tells of messages, `app.post('/tyntec', webhooks(flow))`. Nothing signs it, so tyntec is
 * asked before anything is believed. Works with a body parser before it and without one.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function webhooks(flow: OtpFlow, options: WebhookOptions = {}): RequestHandler {
  const take = createWebhook(flow, options)
  return function webhooks(req, res, next) {
    const { method, url } = req
    const body: unknown = req.body
    take({ method, url, body, stream: req })
      .then(({ status, headers }) => void res.set(headers).status(status).end())
      .catch((error: unknown) => process.nextTick(next, error))
  }
}

type Step = (host: RouteHost<Context>) => Promise<Reply>

/** By its name it is found in a stack. */
function handlerOf(name: string, step: Step): RequestHandler {
  const handler: RequestHandler = (req, res, next) => {
    void run(step, req, res, next)
  }
  return Object.defineProperty(handler, 'name', { value: name })
}

/** Express 4 does not look at the promise that a handler returns, so errors go by `next`. */
async function run(step: Step, req: Request, res: Response, next: NextFunction): Promise<void> {
  try {
    const host = hostOf(req, res)
    const reply = await step(host)
    host.head.add(reply)
    if (reply.left === 'next') next()
    // What comes of a login may be known only when the app has answered it.
    if (reply.left || res.headersSent) return
    res.status(reply.status).end(reply.body)
  } catch (error) {
    next(error)
  }
}

function hostOf(req: Request, res: Response): RouteHost<Context> {
  const session = createExpressSession(req)
  return {
    ...createNodeHost({ request: req, body: req.body, res, session }),
    get app() {
      return appOf(req)
    },
    context: [req, res],
    accepts: (types) => req.accepts(types),
    acceptsLanguage: (languages) => req.acceptsLanguages(languages),
    signedIn: () => 'user' in req && req.user !== undefined,
    answered: () => res.headersSent,
    setStatus: (status) => res.status(status),
    run: (middleware, done) => middleware(req, res, done),
    logIn: (user, options) => logIn(req, user, options),
  }
}

function appOf({ app }: Request): HostApp {
  const trusted: unknown = app?.get('trust proxy')
  const proxies = trusted === true ? 'all' : trusted ? 'some' : 'none'
  return { framework: 'express', proxies, trustOne: `app.set('trust proxy', 1)` }
}
