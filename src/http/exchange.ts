import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import type { HttpOptions } from '../options.js'
import { type Binding, createBinding } from './binding.js'
import { type Cookies, createCookies } from './cookies.js'
import { keepOutcome } from './kept.js'
import { createProblem, type Problem, ProblemError, type Refusal } from './problem.js'
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
  left?: Left | undefined
}

/** What a step has to say that is no answer yet. */
export type Step = (exchange: Exchange) => Promise<Done | Refusal | Problem>

/**
 * Opens an exchange.
 *
 * @throws {ProblemError} when the request must not reach the flow
 */
export function openExchange(
  options: HttpOptions,
  request: HttpRequest,
  cookies: Cookies,
): Exchange {
  const refused = refuse(options, request)
  if (refused) throw new ProblemError(refused)
  const field = createFieldReader(options, request)
  const binding = createBinding(options, request, cookies, field)
  return { field, binding, cookies, address: request.address }
}

/** Runs one step of the flow for one request, and says what to answer. */
export async function answer(
  flow: OtpFlow,
  request: HttpRequest,
  redirects: Redirects,
  step: Step,
): Promise<Reply> {
  const { options } = flow
  const cookies = createCookies(options, request)
  let done: Done | Problem
  try {
    const ended = await step(openExchange(options, request, cookies))
    done = 'leadsTo' in ended || 'code' in ended ? ended : createProblem(options, ended)
  } catch (error) {
    tellMisuse(flow, error)
    done = problemOf(options, error)
  }
  const reply = 'leadsTo' in done ? success(done) : failure(done)
  reply.cookies = cookies.lines()
  return reply

  function success({ status, body, leadsTo, left }: Done): Reply {
    if (cookies.read('outcome') !== undefined) cookies.clear('outcome')
    if (left) return leftReply(left)
    const target = isForm(request) ? redirects[leadsTo] : undefined
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

/** The person gets a refusal; what is wrong with the app is the operator's to hear. */
export function tellMisuse(flow: OtpFlow, error: unknown): void {
  const misuse = error instanceof ProblemError ? error.cause : undefined
  if (!(misuse instanceof OtpError)) return
  const { code, message } = misuse
  flow.emit({ type: 'error', step: 'request', code, message })
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
