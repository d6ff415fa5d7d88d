import type { ServerResponse } from 'node:http'
import CustomStrategy from 'passport-custom'
import { OtpError } from './errors.js'
import type { OtpFlow } from './flow/index.js'
import { createCookies, markBrowser } from './http/cookies.js'
import { requireCsrf } from './http/csrf.js'
import { openExchange, tellRefusal } from './http/exchange.js'
import {
  addCookies,
  copyHeaders,
  isGone,
  keepHead,
  type NodeRequest,
  toHttpRequest,
} from './http/node.js'
import { close, complete, openSession, release } from './http/opening.js'
import { createProblem, createSignedInProblem, type Problem, ProblemError } from './http/problem.js'
import type { Reply } from './http/reply.js'
import { cleanReturnTo, lendReturnTo, readReturnTo } from './http/return-to.js'
import { createLoginSession, leaveSession } from './http/session.js'
import type { Identity, Verified } from './outcomes.js'

/** Seconds in which a request is settled, whatever hangs. */
const deadline = 30

/** Gives the user, or `false` when there is none, as Passport's own strategies do. */
export type VerifyDone = (error: unknown, user?: unknown, info?: unknown) => void

/**
 * Finds the user of a proven number: as a function that returns the user, or a promise of it, or as
 * one that calls `done`. What it throws is an error, never a login, and the same code can be tried
 * again; `false` uses the code up.
 */
export type Verify = (identity: Identity, done: VerifyDone) => unknown

/** What Passport puts on a strategy for one request. */
interface Actions {
  success(user: unknown, info?: unknown): void
  fail(challenge: unknown, status?: number): void
  redirect(url: string): void
  error(error: unknown): void
}

interface AuthenticateOptions extends LogInOptions {
  assignProperty?: unknown
  successRedirect?: unknown
  successReturnToOrRedirect?: unknown
}

interface LogInOptions {
  session?: boolean
  keepSessionInfo?: boolean
}

export interface StrategyOptions {
  /**
   * Asks the app whether the token of its own is right, before a code is checked. Gets Express'
   * request, or Koa's context. Without `true` the request is refused as `cross_site`; what it throws
   * is told to the operator too.
   *
   * @default none: `Sec-Fetch-Site`, `Origin` and `Referer` decide
   */
  // A method, so that it may say which framework's it takes.
  csrf?(context: object): boolean | Promise<boolean>
}

type LogInDone = (error?: unknown) => void
type LogIn = (user: unknown, ...rest: (LogInOptions | LogInDone | undefined)[]) => void

/** Express' request, or what koa-passport and our Koa adapter make of Koa's context. */
interface PassportRequest extends NodeRequest {
  body?: unknown
  res?: ServerResponse
  ctx?: KoaContext
  logIn?: LogIn
  login?: LogIn
  _userProperty?: string
  [property: string]: unknown
}

/** What is read of Koa's context: koa-passport's request falls back to parts of the response. */
interface KoaContext extends NodeRequest {
  request: { body?: unknown }
  res: ServerResponse
  logIn?: (user: unknown, options?: LogInOptions) => Promise<void>
  login?: (user: unknown, options?: LogInOptions) => Promise<void>
}

const custom: unknown = CustomStrategy
// Its types name the strategy 'custom', and need those of Express wherever ours are used.
const Base = custom as new (
  options: { passOptionsToCallback: true },
  verify: (this: object, req: object, options?: object) => void,
) => { authenticate(req: object, options?: object): void }

/**
 * Signs people in with the code that was sent to their phone. Its name is `tyntec-otp`; it reads the
 * body of a `POST`, and never the query.
 *
 * @example
 * passport.use(new Strategy(flow, async ({ number }) => users.findOrCreate(number)))
 * app.post('/login/check', passport.authenticate('tyntec-otp', { successRedirect: '/' }))
 */
export class Strategy extends Base {
  readonly name = 'tyntec-otp'

  /**
   * @throws {OtpError} `ERR_OTP_OPTIONS`, also without a flow or a verify function
   */
  constructor(flow: OtpFlow, verify: Verify, given: StrategyOptions = {}) {
    if (typeof flow?.check !== 'function') {
      throw new OtpError('ERR_OTP_OPTIONS', 'Strategy needs the flow that createOtpFlow() makes')
    }
    if (typeof verify !== 'function') {
      throw new OtpError('ERR_OTP_OPTIONS', 'Strategy needs a verify function')
    }
    const { csrf } = given
    requireCsrf(csrf)
    super({ passOptionsToCallback: true }, function (req, options) {
      // Read before anything is awaited: on an instance that is shared, as with
      // passport.authenticate(strategy), the next request overwrites them.
      const { success, fail, redirect, error } = this as Actions // Passport has put them there
      const actions: Actions = { success, fail, redirect, error }
      const request = req as PassportRequest // what it is made of
      authenticate({ flow, verify, csrf }, request, options ?? {}, actions)
    })
  }
}

interface Settings {
  flow: OtpFlow
  verify: Verify
  csrf: StrategyOptions['csrf']
}

/** One request through the strategy. */
function authenticate(
  { flow, verify, csrf }: Settings,
  req: PassportRequest,
  options: AuthenticateOptions,
  actions: Actions,
): void {
  const { ctx } = req
  const res = ctx ? ctx.res : req.res
  const asked = csrf && (() => csrf(ctx ?? req))
  const request = toHttpRequest(ctx ?? req, ctx ? ctx.request.body : req.body, undefined, asked)
  const gone = () => res !== undefined && isGone(res)

  let settled = false
  const settle = (act: () => void) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    // Outside of every promise, which would swallow what the app's own callback throws.
    process.nextTick(() => {
      try {
        act()
      } catch (error) {
        actions.error(error)
      }
    })
  }
  const fail = (problem: Problem) => {
    if (res && !settled) copyHeaders(res, answerHead(problem))
    settle(() => actions.fail(problem, problem.status))
  }
  const refuse = (code: 'no_pending_code' | 'number_not_allowed') =>
    createProblem(flow.options, { status: code })

  const timer = setTimeout(() => {
    const late = `Signing in did not end in ${deadline} s: does the verify function always answer?`
    settle(() => actions.error(new OtpError('ERR_OTP_MISUSE', late)))
  }, deadline * 1000)
  timer.unref()

  // Only where Passport goes on by itself is it sure that it opens a session.
  const opens = (options.successReturnToOrRedirect ?? options.successRedirect) !== undefined
  const sessionless = !opens || options.session === false || options.assignProperty !== undefined
  flow.validation.login(ctx ? 'koa' : 'express', sessionless ? undefined : request.session)

  attempt().catch((error: unknown) => {
    tellRefusal(flow, 'check', error)
    if (error instanceof ProblemError) fail(error.problem)
    else settle(() => actions.error(error))
  })

  async function attempt(): Promise<void> {
    const cookies = createCookies(flow.options, request)
    const { field, binding, address } = await openExchange(flow.options, request, cookies)
    const outcome = await flow.check({ handle: binding.handle, code: field('code'), address })
    if (outcome.status === 'verified') {
      await signIn(outcome)
    } else if (outcome.status !== 'signed_in') {
      fail(createProblem(flow.options, outcome))
    } else {
      leaveSession(ctx ?? req)
      const target = successTarget()
      if (target === undefined) fail(createSignedInProblem(flow.options))
      else settle(() => actions.redirect(target))
    }
  }

  /** Where Passport leads after a login. It would follow `session.returnTo` to any site. */
  function successTarget(): string | undefined {
    const { successReturnToOrRedirect: fallback, successRedirect } = options
    const target = fallback ? (readReturnTo(request.session()) ?? fallback) : successRedirect
    return typeof target === 'string' ? target : undefined
  }

  async function signIn(verified: Verified): Promise<void> {
    const { identity, proof } = verified
    let verdict: Verdict | undefined
    try {
      if (!gone() && !settled) verdict = await askApp(verify, identity)
    } catch (error) {
      await release(flow, proof)
      throw error
    }
    // The code stays good for when they come back.
    if (!verdict || gone() || settled) {
      await release(flow, proof)
      fail(refuse('no_pending_code'))
      return
    }
    const { user, info } = verdict
    if (!user) {
      await close(flow, proof)
      const problem = refuse('number_not_allowed')
      settle(() => actions.fail(info ?? problem, problem.status))
      return
    }
    if (res) copyHeaders(res, answerHead())
    // Without a response Passport's login can't be watched over, and may keep what is in the session.
    if (!res) cleanReturnTo(request.session())
    // Where Passport logs nobody in, there is nothing to wait for.
    if (options.assignProperty || !res) await openWith(verified, { session: false }, async () => {})
    else guardLogIn(verified, res)
    settle(() => actions.success(user, info))
  }

  /** Puts the end of the flow into the login that Passport, or the app's callback, makes next. */
  function guardLogIn(verified: Verified, res: ServerResponse): void {
    const { proof } = verified
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
        if (take()) void tell(done, () => openWith(verified, options, () => asPromise(run)))
        else run(done)
      }
    }
    const koaLogIn = koa?.logIn
    if (ctx && koaLogIn) {
      ctx.logIn = ctx.login = (user, options = {}) => {
        const run = () => koaLogIn.call(ctx, user, options)
        return take() ? openWith(verified, options, run) : run()
      }
    }

    // A callback of the app's own may open something else than a session of Passport's.
    res.once('finish', () => {
      const answered = res.statusCode >= 400 ? close : complete
      const end = res.statusCode >= 500 ? release : answered
      if (take()) end(flow, proof).catch(() => {})
    })
    res.once('close', () => {
      if (take()) release(flow, proof).catch(() => {})
    })
  }

  async function openWith(
    { proof, device }: Verified,
    { session = true, keepSessionInfo = false }: LogInOptions,
    logIn: () => Promise<void>,
  ): Promise<void> {
    const login = createLoginSession(flow, request.session, ctx !== undefined)
    const returnTo = readReturnTo(request.session())
    const takeBack = res && keepHead(res)
    const ended = await openSession(flow, proof, {
      gone,
      async open() {
        if (session) login.prepare(keepSessionInfo)
        await logIn()
      },
      async close() {
        // oxlint-disable-next-line no-underscore-dangle -- Passport's own name for it.
        req[req._userProperty ?? 'user'] = null
        takeBack?.()
        if (session) await login.undo()
      },
    })
    if (ended !== 'opened') throw new ProblemError(refuse('no_pending_code'))
    mark(device)
    // Passport reads it next, and deletes it.
    if (options.successReturnToOrRedirect) lendReturnTo(request.session(), returnTo)
  }

  function mark(device: string): void {
    if (!res) return
    const cookies = createCookies(flow.options, request)
    markBrowser(flow.options, cookies, device)
    addCookies(res, cookies.lines())
  }
}

interface Verdict {
  user: unknown
  info?: unknown
}

/** Asks the app for the user, in either form of its verify function. The first answer counts. */
function askApp(verify: Verify, identity: Identity): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const done: VerifyDone = (error, user, info) => {
      if (error) reject(error)
      else resolve({ user, info })
    }
    const ask = async () => {
      const user: unknown = await verify(identity, done)
      // A function that takes `done` answers by it, also when it is an async one.
      if (verify.length < 2) resolve({ user })
    }
    ask().catch(reject)
  })
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

/**
 * What belongs to an answer, whoever writes it. Not the `Referrer-Policy` of our own answers: it may
 * be a page, and with that policy its forms would name no origin.
 */
function answerHead(problem?: Problem): Pick<Reply, 'headers' | 'vary' | 'cookies'> {
  const { retryAfter } = problem ?? {}
  const headers = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
  }
  return { headers, vary: 'Origin, Sec-Fetch-Site', cookies: [] }
}
