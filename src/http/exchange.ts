import { OtpError } from '../errors.js'
import { errorEvent, type RequestStep } from '../events.js'
import type { OtpFlow } from '../flow/index.js'
import type { HttpOptions } from '../options/options.js'
import { type Binding, createBinding } from './binding.js'
import { type Cookies, createCookies } from './cookies.js'
import { checkCsrf } from './csrf.js'
import { keepOutcome } from './kept.js'
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
import { createFieldReader, type HttpRequest, isForm, type ReadField, refuse } from './request.js'

/** One POST that may reach the flow. */
export interface Exchange {
  field: ReadField
  binding: Binding
  cookies: Cookies
  address: unknown
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
  options: HttpOptions,
  request: HttpRequest,
  cookies: Cookies,
): Promise<Exchange> {
  const refused = refuse(options, request)
  if (refused) throw new ProblemError(refused)
  await checkCsrf(options, request)
  const field = createFieldReader(options, request)
  const binding = createBinding(options, request, cookies, field)
  return { field, binding, cookies, address: request.address }
}

/** Runs one step of the flow for one request, and says what to answer. */
export async function answer(
  flow: OtpFlow,
  name: RequestStep,
  request: HttpRequest,
  redirects: Redirects,
  step: Step,
): Promise<Reply> {
  const { options } = flow
  flow.validation.request(request)
  const cookies = createCookies(options, request)
  let done: Done | Problem
  try {
    const ended = await step(await openExchange(options, request, cookies))
    done = 'leadsTo' in ended || isProblem(ended) ? ended : createProblem(options, ended)
  } catch (error) {
    tellRefusal(flow, name, error)
    done = problemOf(options, error)
  }
  const reply = 'leadsTo' in done ? success(done) : failure(done)
  reply.cookies = cookies.lines()
  return reply

  function success({ status, body, leadsTo, location, left }: Done): Reply {
    if (cookies.read('outcome') !== undefined) cookies.clear('outcome')
    if (left) return leftReply(left)
    const target = isForm(request) ? (location ?? redirects[leadsTo]) : undefined
    return target === undefined ? jsonReply(status, body) : redirectReply(target)
  }

  function failure(problem: Problem): Reply {
    // Another site does not get to lead a browser here, nor to leave a message in it.
    const leads = isForm(request) && problem.code !== 'cross_site' && problem.status !== 405
    if (!leads || redirects.failure === undefined) return problemReply(problem)
    keepOutcome(cookies, problem)
    return redirectReply(redirects.failure)
  }
}

let warned = false

/**
 * Tells of a request that did not reach the flow, which tells of all others itself. The person gets
 * a refusal; what is wrong with the app is the operator's to hear.
 */
export function tellRefusal(flow: OtpFlow, step: RequestStep, error: unknown): void {
  if (!(error instanceof ProblemError)) return
  const { cause: misuse, problem } = error
  if (!(misuse instanceof OtpError)) {
    const { code } = problem
    const unheard = code === 'cross_site' || code === 'bad_request'
    if (unheard) flow.emit({ type: 'request.refused', step, reason: code })
    return
  }
  const { code, message } = misuse
  flow.emit(errorEvent('request', misuse))
  if (warned) return
  warned = true
  process.emitWarning(message, { type: 'OtpWarning', code })
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
