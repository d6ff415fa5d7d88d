import type { ServerResponse } from 'node:http'
import type { OtpFlow } from '../flow/index.js'
import { type Exchange, markKnown } from '../http/exchange.js'
import type { LogInOptions } from '../http/host.js'
import { close, complete, openSession, release } from '../http/login/opening.js'
import type { Proven } from '../http/login/proven.js'
import { createLoginSession } from '../http/login/session.js'
import { createProblem, ProblemError } from '../http/problem.js'
import { lendReturnTo, readReturnTo } from '../http/return-to.js'
import type { AuthenticateOptions } from './actions.js'
import type { LogInDone, PassportRequest } from './request.js'

interface Parts {
  flow: OtpFlow
  req: PassportRequest
  res: ServerResponse | undefined
  exchange: Exchange
  options: AuthenticateOptions
}

interface Guard {
  /** Opens the session by a login of Passport's, and ends the flow. */
  openWith(options: LogInOptions, logIn: () => Promise<void>): Promise<void>
  /** Does so with the login that Passport, or the app's callback, makes next. */
  watch(res: ServerResponse): void
}

/** Puts the end of a proven flow into the login that comes. */
export function createGuard({ flow, req, res, exchange, options }: Parts, proven: Proven): Guard {
  const { proof, identity, device } = proven
  const { host } = exchange
  const { ctx } = req
  return { openWith, watch }

  async function openWith(
    { session = true, keepSessionInfo = false }: LogInOptions,
    logIn: () => Promise<void>,
  ): Promise<void> {
    const login = createLoginSession(flow.options, host.session)
    const returnTo = readReturnTo(host.session.read())
    const takeBack = res && host.head.keep()
    const ended = await openSession(flow, host, proven, {
      opensSession: session,
      async open() {
        if (session) login.prepare(keepSessionInfo)
        await logIn()
        await exchange.beforeEnd?.(identity)
      },
      async close() {
        // oxlint-disable-next-line no-underscore-dangle -- Passport's own name for it.
        req[req._userProperty ?? 'user'] = null
        takeBack?.()
        if (!session) return
        exchange.holdsSession = await login.undo()
        // A cookie of a session that nobody is in would go out for nothing.
        if (!exchange.holdsSession) takeBack?.()
      },
    })
    if (ended !== 'opened') {
      throw new ProblemError(createProblem(flow.options, { status: 'no_pending_code' }))
    }
    if (res) markKnown(flow, exchange, device)
    // Passport reads it next, and deletes it.
    if (options.successReturnToOrRedirect) lendReturnTo(host.session.read(), returnTo)
  }

  function watch(res: ServerResponse): void {
    const { logIn, login } = req
    const koa = ctx && { logIn: ctx.logIn, login: ctx.login }
    let waiting = true
    const take = () => {
      if (!waiting) return false
      waiting = false
      Object.assign(req, { logIn, login })
      if (ctx && koa) Object.assign(ctx, koa)
      return true
    }

    if (logIn) {
      req.logIn = req.login = (user, ...rest) => {
        const done = rest.find((argument) => typeof argument === 'function') ?? (() => {})
        const [options = {}] = rest.filter((argument) => typeof argument !== 'function')
        const run = (done: LogInDone) => logIn.call(req, user, options, done)
        if (take()) void tell(done, () => openWith(options, () => asPromise(run)))
        else run(done)
      }
    }
    const koaLogIn = koa?.logIn
    if (ctx && koaLogIn) {
      ctx.logIn = ctx.login = (user, options = {}) => {
        const run = () => koaLogIn.call(ctx, user, options)
        return take() ? openWith(options, run) : run()
      }
    }

    // A callback of the app's own may open something else than a session of Passport's.
    res.once('finish', () => {
      if (!take()) return
      const end = res.statusCode < 400 ? complete : res.statusCode < 500 ? close : release
      Promise.resolve(end(flow, proof)).catch(() => {})
    })
    res.once('close', () => {
      if (take()) release(flow, proof).catch(() => {})
    })
  }
}

function asPromise(run: (done: LogInDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Calls back outside of the promise, which would swallow what the callback throws. */
async function tell(done: LogInDone, run: () => Promise<void>): Promise<void> {
  let failure: unknown
  try {
    await run()
  } catch (error) {
    failure = error
  }
  process.nextTick(done, failure)
}
