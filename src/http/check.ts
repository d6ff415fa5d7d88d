import type { ServerResponse } from 'node:http'
import type { OtpFlow } from '../flow/index.js'
import type { Identity } from '../outcomes.js'
import { createCookies, markBrowser } from './cookies.js'
import { requireCsrf } from './csrf.js'
import { answer, type Exchange } from './exchange.js'
import { addCookies, isGone } from './node.js'
import { openSession } from './opening.js'
import type { CheckOptions } from './options.js'
import { authenticate, type PassportLike, type PassportMiddleware } from './passport.js'
import {
  createSignedInProblem,
  isProblem,
  isSignedIn,
  type Problem,
  type Refusal,
} from './problem.js'
import { resolveRedirects } from './redirects.js'
import type { Reply } from './reply.js'
import type { HttpRequest } from './request.js'
import { readReturnTo } from './return-to.js'
import { requireOpener } from './routes.js'
import type { LoginSession } from './session.js'

/** The framework's side of a login. */
export interface Visit<Context extends unknown[]> {
  res: ServerResponse
  session: LoginSession
  /** What handlers of the framework get. */
  context: Context
  /** The app's own code has written the answer. */
  answered(): boolean
  /** Gives what makes the answer again what it is now, as far as it isn't sent. */
  keepAnswer(): () => void
  /** Leaves the session as the request that has signed this browser in made it. */
  leaveSession(): void
  /** Runs Passport's middleware in the way of its framework. */
  run(middleware: PassportMiddleware, next: (error?: unknown) => void): unknown
  logIn(user: unknown): Promise<void>
}

/** `POST /check` */
export function createCheck<Context extends unknown[]>(
  flow: OtpFlow,
  options: CheckOptions<Context>,
): (request: HttpRequest, visit: Visit<Context>) => Promise<Reply> {
  requireOpener(options)
  requireCsrf(options.csrf)
  const redirects = resolveRedirects(options)
  const { passport, onVerified } = options
  return (request, visit) =>
    answer(flow, 'check', request, redirects, async (exchange) => {
      // Before the session goes. Only read: a write would bring the session of a double click back.
      const wanted = redirects.returns ? readReturnTo(request.session()) : undefined
      const ended = passport
        ? await throughPassport(passport, visit)
        : await byItself(flow, request, exchange, visit, onVerified)
      // A double click has one end: the session that the other request has opened is this one's too.
      if (ended !== 'opened' && !isSignedIn(ended)) return ended
      // A new session has no handle, and that of a double click is not to be written.
      if (flow.options.binding !== 'session') exchange.binding.forget()
      const left = onVerified && visit.answered() ? 'answered' : undefined
      const location = wanted ?? redirects.success
      const returnTo = redirects.returns ? { returnTo: location } : undefined
      const body = { status: 'verified', ...returnTo }
      return { status: 200, body, leadsTo: 'success', location, left }
    })
}

/** Our strategy does the rest: `logIn` ends the flow once the session is open. */
async function throughPassport(
  passport: PassportLike,
  visit: Pick<Visit<never[]>, 'run' | 'logIn'>,
): Promise<'opened' | Problem | Refusal> {
  const { user, info } = await authenticate(passport, visit.run)
  if (user) {
    await visit.logIn(user)
    return 'opened'
  }
  // When the app's own verify function has said no, what it adds is not for everybody's eyes.
  return isProblem(info) ? info : { status: 'number_not_allowed' }
}

async function byItself<Context extends unknown[]>(
  flow: OtpFlow,
  request: HttpRequest,
  { field, binding, address }: Exchange,
  visit: Visit<Context>,
  onVerified: (identity: Identity, ...context: Context) => unknown,
): Promise<'opened' | Problem | Refusal> {
  const { res, session, context } = visit
  const outcome = await flow.check({ handle: binding.handle, code: field('code'), address })
  if (outcome.status === 'signed_in') {
    visit.leaveSession()
    return createSignedInProblem(flow.options)
  }
  if (outcome.status !== 'verified') return outcome

  const { identity, proof, device } = outcome
  // Gone at once, since what the app does next may write the answer.
  const cookies = createCookies(flow.options, request)
  markBrowser(flow.options, cookies, device)
  const takeBack = visit.keepAnswer()
  const ended = await openSession(flow, proof, {
    gone: () => isGone(res),
    async open() {
      if (session.exists) {
        session.prepare()
        await session.regenerate()
      }
      addCookies(res, cookies.lines())
      await onVerified(identity, ...context)
      if (session.exists && !res.headersSent) await session.save()
    },
    async close() {
      // Nobody has signed in, so nothing goes out that says so, such as a token in a cookie of the
      // app's. The same code may be tried again, which needs our own cookie.
      takeBack()
      await session.undo()
    },
  })
  return ended === 'opened' ? ended : { status: 'no_pending_code' }
}
