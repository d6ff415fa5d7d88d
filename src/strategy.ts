import type { ServerResponse } from 'node:http'
import CustomStrategy from 'passport-custom'
import { OtpError } from './errors.js'
import type { OtpFlow } from './flow/index.js'
import { createCookies, markBrowser } from './http/cookies.js'
import { openExchange, tellMisuse } from './http/exchange.js'
import { addCookies, copyHeaders, isGone, type NodeRequest, toHttpRequest } from './http/node.js'
import { complete, openSession, release } from './http/opening.js'
import { createProblem, createSignedInProblem, type Problem, ProblemError } from './http/problem.js'
import { createLoginSession } from './http/session.js'
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

interface AuthenticateOptions {
  assignProperty?: unknown
  successRedirect?: unknown
}

interface LogInOptions {
  session?: boolean
  keepSessionInfo?: boolean
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

// Its types name the strategy 'custom', and need those of Express wherever ours are used.
const Base = CustomStrategy as unknown as new (
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

  /** @throws {TypeError} without a flow or a verify function */
  constructor(flow: OtpFlow, verify: Verify) {
    if (typeof flow?.check !== 'function') {
      throw new TypeError('Strategy needs the flow that createOtpFlow() makes')
    }
    if (typeof verify !== 'function') throw new TypeError('Strategy needs a verify function')
    super({ passOptionsToCallback: true }, function (req, options) {
      // Read before anything is awaited: on an instance that is shared, as with
      // passport.authenticate(strategy), the next request overwrites them.
      const { success, fail, redirect, error } = this as Actions // Passport has put them there
      const actions: Actions = { success, fail, redirect, error }
      authenticate(flow, verify, req as PassportRequest, options ?? {}, actions) // what it is made of
    })
  }
}

/** One request through the strategy. */
function authenticate(
  flow: OtpFlow,
  verify: Verify,
  req: PassportRequest,
  options: AuthenticateOptions,
  actions: Actions,
): void {
  const { ctx } = req
  const res = ctx ? ctx.res : req.res
  const request = toHttpRequest(ctx ?? req, ctx ? ctx.request.body : req.body, false)
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
    if (res && !settled)
      copyHeaders(res, { headers: failureHeaders(problem), vary: '', cookies: [] })
    settle(() => actions.fail(problem, problem.status))
  }
  const refuse = (code: 'no_pending_code' | 'number_not_allowed') =>
    createProblem(flow.options, { status: code })

  const timer = setTimeout(() => {
    const late = `Signing in did not end in ${deadline} s: does the verify function always answer?`
    settle(() => actions.error(new OtpError('ERR_OTP_MISUSE', late)))
  }, deadline * 1000)
  timer.unref()

  attempt().catch((error: unknown) => {
    tellMisuse(flow, error)
    if (error instanceof ProblemError) fail(error.problem)
    else settle(() => actions.error(error))
  })

  async function attempt(): Promise<void> {
    const cookies = createCookies(flow.options, request)
    const { field, binding, address } = openExchange(flow.options, request, cookies)
    const outcome = await flow.check({ handle: binding.handle, code: field('code'), address })
    if (outcome.status === 'verified') {
      await signIn(outcome)
    } else if (outcome.status !== 'signed_in') {
      fail(createProblem(flow.options, outcome))
    } else if (typeof options.successRedirect === 'string') {
      const { successRedirect } = options
      settle(() => actions.redirect(successRedirect))
    } else {
      fail(createSignedInProblem(flow.options))
    }
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
      await complete(flow, proof)
      const problem = refuse('number_not_allowed')
      settle(() => actions.fail(info ?? problem, problem.status))
      return
    }
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
      if (take()) (res.statusCode < 500 ? complete : release)(flow, proof).catch(() => {})
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
    const login = createLoginSession(flow, () => (ctx ?? req).session, ctx !== undefined)
    const ended = await openSession(flow, proof, {
      gone,
      async open() {
        if (session) login.prepare(keepSessionInfo)
        await logIn()
      },
      async close() {
        // oxlint-disable-next-line no-underscore-dangle -- Passport's own name for it.
        req[req._userProperty ?? 'user'] = null
        if (session) await login.undo()
      },
    })
    if (ended !== 'opened') throw new ProblemError(refuse('no_pending_code'))
    mark(device)
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

function failureHeaders({ retryAfter }: Problem): Record<string, string> {
  const noStore = { 'Cache-Control': 'no-store' }
  return retryAfter === undefined ? noStore : { ...noStore, 'Retry-After': String(retryAfter) }
}
