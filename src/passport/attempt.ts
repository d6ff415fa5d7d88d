import type { OtpFlow } from '../flow/index.js'
import { createCookies } from '../http/cookies.js'
import { checkCsrf } from '../http/csrf.js'
import {
  borrowExchange,
  type Exchange,
  markKnown,
  openExchange,
  tellRefusal,
} from '../http/exchange.js'
import type { Head, Host } from '../http/host.js'
import { close, patience, release, tooLate } from '../http/login/opening.js'
import { checkCode, type Proven } from '../http/login/proven.js'
import { requirePurpose } from '../http/options.js'
import {
  createAppRefusal,
  createProblem,
  type Problem,
  ProblemError,
  textOf,
} from '../http/problem.js'
import { cleanReturnTo, readReturnTo } from '../http/return-to.js'
import type { Actions, AuthenticateOptions, Settings } from './actions.js'
import { createGuard } from './guard.js'
import { hostOf, type PassportRequest, responseOf } from './request.js'
import type { Verdict } from './verify.js'

/** One request through the strategy. */
export function attempt(
  { flow, askApp, csrf, verdicts }: Settings,
  req: PassportRequest,
  options: AuthenticateOptions,
  actions: Actions,
): void {
  const key = req.ctx ?? req
  const borrowed = borrowExchange(flow, key)
  const host = borrowed?.host ?? hostOf(req)
  const res = responseOf(req)

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
    if (settled) return
    // The router's own answer has it already.
    if (!borrowed) host.head.add(answerHead(problem))
    // What Passport or the app writes into the session from here on, like a message, is kept.
    if (!borrowed) host.session.leave()
    settle(() => actions.fail(challengeOf(problem, options), problem.status))
  }
  const timer = setTimeout(() => {
    settle(() => actions.error(tooLate('the verify function')))
  }, patience * 1000)
  timer.unref()

  // Only where Passport goes on by itself is it sure that it opens a session.
  const opens = (options.successReturnToOrRedirect ?? options.successRedirect) !== undefined
  const sessionless = !opens || options.session === false || options.assignProperty !== undefined
  flow.validation.login(sessionless ? undefined : host.session)
  // Then there is nothing to join, but who it is can be said to each of several clicks.
  const says = (borrowed?.login ? !borrowed.login.joins : undefined) ?? asksOnly(options)

  run().catch((error: unknown) => {
    tellRefusal(flow, 'check', error)
    if (error instanceof ProblemError) return fail(error.problem)
    if (!borrowed && !settled) host.session.leave()
    return settle(() => actions.error(error))
  })

  async function run(): Promise<void> {
    const exchange = borrowed ?? (await open(flow, host, csrf && (() => csrf(key))))
    if (borrowed && csrf) await checkCsrf(flow.options, () => csrf(key))
    const target = successTarget(host, options)
    const outcome = await checkCode(flow, exchange, {
      purpose: exchange.login?.purpose ?? requirePurpose(options.purpose),
      // Elsewhere the app's own code goes on with the user that it is given.
      joins: exchange.login?.joins ?? (!sessionless && target !== undefined),
      shared: ({ flowId }) => says && verdicts.of(flowId) !== undefined,
    })
    if (outcome.status === 'verified') return signIn(exchange, outcome)
    if (outcome.status === 'sign_in_refused') {
      return fail(createAppRefusal(flow.options, outcome.message))
    }
    if (outcome.status !== 'joined') return fail(createProblem(flow.options, outcome))

    const { identity, device } = outcome
    const verdict = says ? verdicts.of(identity.flowId) : undefined
    exchange.joined = { identity, verdict }
    markKnown(flow, exchange, device)
    if (verdict) return settle(() => actions.success(verdict.user, verdict.info))
    if (borrowed || target === undefined) {
      const problem = createProblem(flow.options, { status: 'no_pending_code' })
      return settle(() => actions.fail(problem, problem.status))
    }
    return settle(() => actions.redirect(target))
  }

  async function signIn(exchange: Exchange, proven: Proven): Promise<void> {
    const { identity, proof } = proven
    let verdict: Verdict | undefined
    try {
      if (!host.gone() && !settled) verdict = await askApp(key, identity)
    } catch (error) {
      await release(flow, proof)
      throw error
    }
    // The code stays good for when they come back.
    if (!verdict || host.gone() || settled) {
      await release(flow, proof)
      return fail(createProblem(flow.options, { status: 'no_pending_code' }))
    }
    const { user, info } = verdict
    if (!user) {
      const refused = messageOf(info)
      await close(flow, proof, { refused })
      return fail(createAppRefusal(flow.options, refused))
    }
    if (says) verdicts.keep(identity.flowId, verdict)
    if (!borrowed) host.head.add(answerHead())
    // Without a response Passport's login can't be watched over, and may keep what is in the session.
    if (!res) cleanReturnTo(host.session.read())
    const guard = createGuard({ flow, req, res, exchange, options }, proven)
    // Where Passport logs nobody in, there is nothing to wait for.
    if (options.assignProperty || !res) await guard.openWith({ session: false }, async () => {})
    else guard.watch(res)
    return settle(() => actions.success(user, info))
  }
}

async function open(
  flow: OtpFlow,
  host: Host,
  csrf: (() => unknown) | undefined,
): Promise<Exchange> {
  return openExchange(flow, host, createCookies(flow.options, host), csrf)
}

/** Passport opens no session, and the app gets nothing but the user. */
function asksOnly({ session, assignProperty }: AuthenticateOptions): boolean {
  return session === false || assignProperty !== undefined
}

/** Where Passport leads after a login. It would follow `session.returnTo` to any site. */
function successTarget({ session }: Host, options: AuthenticateOptions): string | undefined {
  const { successReturnToOrRedirect: fallback, successRedirect } = options
  const target = fallback ? (readReturnTo(session.read()) ?? fallback) : successRedirect
  return typeof target === 'string' ? target : undefined
}

/** Passport names the kind of a flash by the `type` of what failed, and not by `failureFlash: true`. */
function challengeOf(problem: Problem, { failureFlash }: AuthenticateOptions): object {
  return failureFlash ? { ...problem, message: problem.message, type: 'error' } : problem
}

/** In the app's own words, as its verify function has given them. */
function messageOf(info: unknown): string | undefined {
  const isObject = typeof info === 'object' && info !== null
  return textOf(isObject && 'message' in info ? info.message : info)
}

/**
 * What belongs to an answer, whoever writes it. Not the `Referrer-Policy` of our own answers: it may
 * be a page, and with that policy its forms would name no origin.
 */
function answerHead(problem?: Problem): Head {
  const { retryAfter } = problem ?? {}
  const headers = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
  }
  return { headers, vary: 'Origin, Sec-Fetch-Site', cookies: [] }
}
