import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import type { ResendOutcome, SendOutcome } from '../outcomes.js'
import { languages } from '../input/language.js'
import { lookAtSession } from '../setup/look.js'
import { answer, type Done, type Route } from './exchange.js'
import { one } from './headers.js'
import type { Host, RouteHost } from './host.js'
import { findUnregistered } from './login/passport.js'
import type { CancelOptions, CheckOptions, PostOptions, SendOptions } from './options.js'
import { createProblem, ProblemError, type Refusal } from './problem.js'
import { resolveRedirects } from './redirects.js'
import type { Reply } from './reply.js'

/** What one route does. */
export type Step<Context extends unknown[]> = (host: RouteHost<Context>) => Promise<Reply>

/** How a code will sign in, where the router that sends it knows. */
export type SignIn = Pick<CheckOptions<never>, 'passport' | 'session'>

/** `POST /send` */
export function createSend<Context extends unknown[]>(
  flow: OtpFlow,
  options: SendOptions<Context>,
  signIn?: SignIn,
): Step<Context> {
  const route = routeOf(flow, 'send', options)
  const { csrf, purpose } = options
  return (host) =>
    answer(route, host, csrf && (() => csrf(...host.context)), async (exchange) => {
      const { field, binding, cookies } = exchange
      requireSignIn(flow, host, signIn)
      const outcome = await flow.send({
        number: field('number'),
        country: field('country'),
        via: field('via'),
        language: field('language') ?? languageOfBrowser(host),
        address: host.address,
        handle: binding.handle,
        device: cookies.read('device'),
        // One that other hosts of the domain can set would make a handle that they know.
        pageToken: flow.options.cookie.domain === undefined ? cookies.read('page') : undefined,
        browser: browserOf(host),
        purpose,
        challenge: field('challenge'),
        // At once, because a send that fails from here on may have gone out all the same.
        onHandle: binding.keep,
      })
      return pendingAnswer(flow, outcome)
    })
}

/** `POST /resend` */
export function createResend<Context extends unknown[]>(
  flow: OtpFlow,
  options: PostOptions<Context>,
  signIn?: SignIn,
): Step<Context> {
  const route = routeOf(flow, 'resend', options)
  const { csrf } = options
  return (host) =>
    answer(route, host, csrf && (() => csrf(...host.context)), async ({ field, binding }) => {
      requireSignIn(flow, host, signIn)
      const outcome = await flow.resend({
        handle: binding.handle,
        via: field('via'),
        // Without one it is that of the send, which the person may have chosen over the browser's.
        language: field('language'),
        address: host.address,
        challenge: field('challenge'),
        // After the end it is a new flow.
        onHandle: binding.keep,
      })
      return pendingAnswer(flow, outcome)
    })
}

/** `POST /cancel` */
export function createCancel<Context extends unknown[]>(
  flow: OtpFlow,
  options: CancelOptions<Context>,
): Step<Context> {
  const route = routeOf(flow, 'cancel', options)
  const { csrf, next } = options
  return (host) =>
    answer(route, host, csrf && (() => csrf(...host.context)), async ({ binding, cookies }) => {
      const { handle } = binding
      // The next page begins anew.
      if (cookies.read('page') !== undefined) cookies.clear('page')
      if (!next) {
        await flow.cancel({ handle })
        binding.forget()
        return { status: 204, leadsTo: 'pending' }
      }
      // Who logs out gets out, also when the flow can't be ended: its handle leaves the browser.
      binding.forget()
      await flow.cancel({ handle }).catch(() => {})
      return { status: 204, leadsTo: 'pending', left: 'next' }
    })
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
function routeOf(flow: OtpFlow, name: Route['name'], options: PostOptions<never>): Route {
  return { flow, name, redirects: resolveRedirects(options) }
}

/**
 * A message costs money, and a code with which nobody can sign in costs the person's time as well.
 *
 * @throws {ProblemError} `service_unavailable`; the operator is told what is missing
 */
function requireSignIn({ options }: OtpFlow, host: Host, signIn: SignIn | undefined): void {
  if (!signIn || !options.validate.has('session')) return
  const { passport, session } = signIn
  const opener = passport ? 'passport' : 'onVerified'
  const missing =
    (passport && findUnregistered(passport)) ??
    (session === false ? undefined : lookAtSession(host.session, opener))
  if (missing === undefined) return
  const problem = createProblem(options, { status: 'service_unavailable' })
  throw new ProblemError(problem, { cause: new OtpError('ERR_OTP_MISUSE', missing) })
}

/** What the framework makes of `Accept-Language`. A browser that takes any language names none. */
function languageOfBrowser<Context extends unknown[]>(
  host: RouteHost<Context>,
): string | undefined {
  const header = one(host.headers, 'accept-language').slice(0, 500)
  if (header === '') return undefined
  const best = host.acceptsLanguage([...languages])
  return best && new RegExp(`(?:^|[\\s,])${best}(?![a-z])`, 'i').test(header) ? best : undefined
}

/** What a browser says of itself with every request. */
function browserOf({ headers }: Host): string {
  const [agent, languages] = [one(headers, 'user-agent'), one(headers, 'accept-language')]
  return `${agent.slice(0, 500)}\n${languages.slice(0, 500)}`
}

function pendingAnswer({ options }: OtpFlow, outcome: SendOutcome | ResendOutcome): Done | Refusal {
  if (outcome.status !== 'sent' && outcome.status !== 'unconfirmed') return outcome
  const { handle, ...pending } = outcome
  const body = options.binding === 'token' ? { ...pending, flow: handle } : pending
  return { status: 202, body, leadsTo: 'pending' }
}
