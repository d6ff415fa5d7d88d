import { OtpError } from '../errors.js'
import { errorEvent, type RequestStep } from '../events.js'
import type { OtpFlow } from '../flow/index.js'
import type { HttpOptions } from '../options/options.js'
import type { Identity, Purpose } from '../outcomes.js'
import { type Binding, createBinding } from './binding.js'
import { type Cookies, createCookies, markBrowser } from './cookies.js'
import { type AskCsrf, checkCsrf } from './csrf.js'
import type { Host } from './host.js'
import type { PassportVerdict } from './login/passport.js'
import { keepNotice, keepOutcome } from './kept.js'
import { createProblem, isProblem, type Problem, ProblemError, type Refusal } from './problem.js'
import type { Redirects } from './redirects.js'
import {
  jsonReply,
  type Left,
  leftReply,
  problemReply,
  redirectReply,
  type Reply,
} from './reply.js'
import { createFieldReader, isForm, type ReadField, refuse } from './request.js'

/** One request that may reach the flow. */
export interface Exchange {
  readonly host: Host
  readonly field: ReadField
  readonly binding: Binding
  readonly cookies: Cookies
  /** This answer has something to say about the app's session. */
  holdsSession: boolean
  /** How the router that runs Passport signs in. */
  login?: { purpose: Purpose | undefined; joins: boolean } | undefined
  /** Runs once the session is open and before the flow ends, so that what it throws is no login. */
  beforeEnd?: ((identity: Identity) => Promise<void>) | undefined
  /** The session that another request has opened with this code is this one's as well. */
  joined?: { identity: Identity; verdict?: PassportVerdict | undefined } | undefined
}

/** How a step ended well. */
export interface Done {
  status: number
  body?: object | undefined
  /** Which redirect a form follows. */
  leadsTo: 'success' | 'pending'
  /** Goes before that redirect. */
  location?: string | undefined
  left?: Left | undefined
}

/** What a step has to say that is no answer yet. */
export type Step = (exchange: Exchange) => Promise<Done | Refusal | Problem>

/**
 * Opens an exchange.
 *
 * @throws {ProblemError} when the request must not reach the flow
 */
export async function openExchange(
  { options }: OtpFlow,
  host: Host,
  cookies: Cookies,
  csrf: AskCsrf | undefined,
): Promise<Exchange> {
  const refused = refuse(options, host)
  if (refused) throw refused
  await checkCsrf(options, csrf)
  const field = createFieldReader(options, host)
  const binding = createBinding(options, host, cookies, field)
  return { host, field, binding, cookies, holdsSession: false }
}

/** The browser of a sign-in is known from now on. At once, where the app may write the answer. */
export function markKnown(
  { options }: OtpFlow,
  { host, cookies, login }: Exchange,
  device: string,
): void {
  markBrowser(options, cookies, device)
  if (!login) host.head.add({ headers: {}, vary: '', cookies: cookies.lines() })
}

const lent = new WeakMap<object, { flow: OtpFlow; exchange: Exchange }>()

/** For the strategy, which then needs not open the same request once more. */
export function lendExchange(flow: OtpFlow, exchange: Exchange): void {
  lent.set(exchange.host.key, { flow, exchange })
}

export function borrowExchange(flow: OtpFlow, key: object): Exchange | undefined {
  const found = lent.get(key)
  return found?.flow === flow ? found.exchange : undefined
}

/** What is the same for all requests of a route. */
export interface Route {
  readonly flow: OtpFlow
  readonly name: RequestStep
  readonly redirects: Redirects
}

/** Runs one step of the flow for one request, and says what to answer. */
export async function answer(
  { flow, name, redirects }: Route,
  host: Host,
  csrf: AskCsrf | undefined,
  step: Step,
): Promise<Reply> {
  const { options } = flow
  flow.validation.request(host)
  const cookies = createCookies(options, host)
  let exchange: Exchange | undefined
  let reply: Reply | undefined
  try {
    exchange = await openExchange(flow, host, cookies, csrf)
    const ended = await step(exchange)
    const done = 'leadsTo' in ended || isProblem(ended) ? ended : createProblem(options, ended)
    reply = 'leadsTo' in done ? success(done) : failure(done)
  } catch (error) {
    tellRefusal(flow, name, error)
    reply = failure(problemOf(options, error))
  } finally {
    const holds = exchange?.holdsSession || exchange?.binding.written()
    if (!holds && reply?.left !== 'next') host.session.leave()
  }
  reply.cookies = cookies.lines()
  return reply

  function success({ status, body, leadsTo, location, left }: Done): Reply {
    if (cookies.read('outcome') !== undefined) cookies.clear('outcome')
    if (left) return leftReply(left)
    const target = isForm(host) ? (location ?? redirects[leadsTo]) : undefined
    if (target === undefined) return jsonReply(status, body)
    if (name === 'resend') keepNotice(cookies, 'resent')
    return redirectReply(target)
  }

  function failure(problem: Problem): Reply {
    // Another site does not get to lead a browser here, nor to leave a message in it.
    const leads = isForm(host) && problem.code !== 'cross_site' && problem.status !== 405
    if (!leads || redirects.failure === undefined) return problemReply(problem)
    const number = name === 'send' ? typedNumber(exchange) : undefined
    keepOutcome(flow, cookies, problem, number)
    return redirectReply(redirects.failure)
  }
}

/** As the person wrote it, for the field that is shown again. */
function typedNumber(exchange: Exchange | undefined): string | undefined {
  try {
    return exchange?.field('number')
  } catch {
    return undefined // it is no text
  }
}

/**
 * Tells of a request that did not reach the flow, which tells of all others itself. The person gets
 * a refusal; what is wrong with the app is the operator's to hear.
 */
export function tellRefusal(flow: OtpFlow, step: RequestStep, error: unknown): void {
  if (!(error instanceof ProblemError)) return
  const { cause, problem } = error
  if (cause instanceof OtpError) {
    flow.emit(errorEvent('request', cause))
    return
  }
  const { code } = problem
  if (code !== 'cross_site' && code !== 'bad_request') return
  const compared = typeof cause === 'string' ? { compared: cause } : undefined
  flow.emit({ type: 'request.refused', step, reason: code, ...compared })
}

/**
 * The problem that an error means for the person. Why the service is unavailable is in the
 * operator's event; everything that is no outage is the app's to handle.
 */
export function problemOf(options: HttpOptions, error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof OtpError && error.status === 503) {
    return createProblem(options, { status: 'service_unavailable', retryAfter: error.retryAfter })
  }
  throw error
}
