import type { OtpFlow } from '../flow/index.js'
import { atMost } from '../flow/waiting.js'
import { answer, type Exchange, lendExchange, markKnown, type Route } from './exchange.js'
import type { Host, RouteHost } from './host.js'
import { type AppRefusal, openSession, patience, tooLate } from './login/opening.js'
import { authenticate, userOf } from './login/passport.js'
import { checkCode } from './login/proven.js'
import { createCookieSession, createLoginSession } from './login/session.js'
import { type CheckOptions, requireOpener } from './options.js'
import { createAppRefusal, isProblem, textOf, type Problem, type Refusal } from './problem.js'
import { resolveRedirects } from './redirects.js'
import type { Reply } from './reply.js'
import { readReturnTo } from './return-to.js'

/** What a sign-in ends in, and what its answer holds. */
type Ended = 'signed in' | Problem | Refusal

/** `POST /check` */
export function createCheck<Context extends unknown[]>(
  flow: OtpFlow,
  options: CheckOptions<Context>,
): (host: RouteHost<Context>) => Promise<Reply> {
  requireOpener(options)
  const redirects = resolveRedirects(options)
  const route: Route = { flow, name: 'check', redirects }
  const { csrf } = options
  const look = lookOnce(flow, options)
  const signIn = options.passport ? throughPassport(flow, options) : byItself(flow, options)
  return (host) => {
    look(host)
    return answer(route, host, csrf && (() => csrf(...host.context)), async (exchange) => {
      // Before the session goes.
      const wanted = redirects.returns ? readReturnTo(host.session.read()) : undefined
      const added: object = {}
      const ended = await signIn(host, exchange, added)
      if (ended !== 'signed in') return ended
      exchange.holdsSession = true
      // A new session has no handle, and one that is joined is not to be written.
      if (flow.options.binding !== 'session') exchange.binding.forget()
      const left = options.onVerified && host.answered() ? 'answered' : undefined
      const location = wanted ?? redirects.success
      const returnTo = redirects.returns ? { returnTo: location } : undefined
      const body = { ...added, status: 'verified', ...returnTo }
      return { status: 200, body, leadsTo: 'success', location, left }
    })
  }
}

/** Looks whether Passport can sign anybody in, where it is to do so. */
export function lookOnce(
  { validation }: OtpFlow,
  { passport, session }: Pick<CheckOptions<never>, 'passport' | 'session'>,
): (host: Host) => void {
  return (host) => {
    if (passport) validation.login(session === false ? undefined : host.session)
  }
}

type SignIn<Context extends unknown[]> = (
  host: RouteHost<Context>,
  exchange: Exchange,
  /** Gets what the option `body` adds. */
  added: object,
) => Promise<Ended>

/** Our strategy does the rest: `logIn` ends the flow once the session is open. */
function throughPassport<Context extends unknown[]>(
  flow: OtpFlow,
  { passport, body, session, keepSessionInfo, purpose }: CheckOptions<Context>,
): SignIn<Context> {
  const logIn = { session: session ?? true, keepSessionInfo }
  return async (host, exchange, added) => {
    if (!passport) return { status: 'no_pending_code' }
    exchange.login = { purpose, joins: logIn.session }
    lendExchange(flow, exchange)
    const { user, info } = await authenticate(passport, host.run)
    const { joined } = exchange
    if (joined) {
      const { identity, verdict } = joined
      if (body) {
        const user = verdict?.user ?? (await userOf(passport, host.session))
        Object.assign(added, await body(user, verdict?.info, identity))
      }
      return 'signed in'
    }
    if (!user) return isProblem(info) ? info : createAppRefusal(flow.options, undefined)
    exchange.beforeEnd = async (identity) => {
      if (body) Object.assign(added, await body(user, info, identity))
    }
    await host.logIn(user, logIn)
    return 'signed in'
  }
}

/** The app opens its session itself. */
function byItself<Context extends unknown[]>(
  flow: OtpFlow,
  { onVerified, body, purpose }: CheckOptions<Context>,
): SignIn<Context> {
  const { options } = flow
  return async (host, exchange, added) => {
    const session = host.session.inCookie()
      ? createCookieSession(host.session)
      : createLoginSession(options, host.session)
    const outcome = await checkCode(flow, exchange, { purpose, joins: session.exists })
    if (outcome.status === 'joined') {
      const { identity, device } = outcome
      markKnown(flow, exchange, device)
      if (body) Object.assign(added, await body(undefined, undefined, identity))
      return 'signed in'
    }
    if (outcome.status === 'sign_in_refused') return createAppRefusal(options, outcome.message)
    if (outcome.status !== 'verified') return outcome

    const { identity, device } = outcome
    const takeBackHead = host.head.keep()
    const takeBackCookies = exchange.cookies.keep()
    const takeBack = () => {
      takeBackCookies()
      takeBackHead()
    }
    let refusal: AppRefusal | undefined
    const ended = await openSession(flow, host, outcome, {
      async open() {
        if (session.exists) {
          session.prepare()
          await session.regenerate()
        }
        markKnown(flow, exchange, device)
        const given = await inTime(onVerified?.(identity, ...host.context))
        refusal = refusalIn(given)
        if (refusal) return refusal
        if (body) Object.assign(added, await body(given, undefined, identity))
        if (session.exists && !host.head.sent) await session.save()
        return undefined
      },
      async close() {
        // Nobody has signed in, so nothing goes out that says so, such as a token in a cookie of the
        // app's. The same code may be tried again, which needs our own cookie.
        takeBack()
        exchange.holdsSession = await session.undo()
        // A cookie of a session that nobody is in would go out for nothing.
        if (!exchange.holdsSession) takeBack()
      },
    })
    if (ended === 'refused') return createAppRefusal(options, refusal?.refused)
    return ended === 'opened' ? 'signed in' : { status: 'no_pending_code' }
  }
}

function refusalIn(given: unknown): AppRefusal | undefined {
  const own = typeof given === 'object' && given !== null && Object.hasOwn(given, 'refused')
  if (!own) return undefined
  const { refused } = given as { refused: unknown } // it is there
  return { refused: textOf(refused) }
}

/** The flow waits no longer for its end, so neither does the request. */
async function inTime(running: unknown): Promise<unknown> {
  const given = await atMost(
    patience,
    Promise.resolve(running).then((value: unknown) => ({ value })),
  )
  if (!given) throw tooLate('onVerified')
  return given.value
}
