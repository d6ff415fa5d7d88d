import type { OtpFlow } from '../flow/index.js'
import type { ResolvedOptions } from '../options.js'
import type { ResendOutcome, SendOutcome, Sent, StatusOutcome, Unconfirmed } from '../outcomes.js'
import { createBinding } from './binding.js'
import { type Cookies, createCookies } from './cookies.js'
import { answer, type Done, openExchange, problemOf } from './exchange.js'
import { keptOutcome } from './kept.js'
import { createProblem, type Problem, ProblemError, type Refusal } from './problem.js'
import type { Redirects } from './redirects.js'
import { jsonReply, problemReply, type Reply } from './reply.js'
import { type HttpRequest, isPrefetch } from './request.js'

/** What the sign-in page may show. */
export type StatusView = StatusOutcome & {
  /** Why the form post before this was refused; shown once. */
  outcome?: Problem
}

export function sendStep(
  flow: OtpFlow,
  request: HttpRequest,
  redirects: Redirects,
): Promise<Reply> {
  warnOfProxies(request)
  return answer(flow, request, redirects, async ({ field, binding, address }) => {
    const outcome = await flow.send({
      number: field('number'),
      country: field('country'),
      via: field('via'),
      language: field('language'),
      address,
      handle: binding.handle,
      // At once, because a send that fails from here on may have gone out all the same.
      onHandle: binding.keep,
    })
    return pendingAnswer(flow, outcome)
  })
}

export function resendStep(
  flow: OtpFlow,
  request: HttpRequest,
  redirects: Redirects,
): Promise<Reply> {
  warnOfProxies(request)
  return answer(flow, request, redirects, async ({ field, binding, address }) => {
    const outcome = await flow.resend({ handle: binding.handle, via: field('via'), address })
    return pendingAnswer(flow, outcome)
  })
}

export function cancelStep(
  flow: OtpFlow,
  request: HttpRequest,
  redirects: Redirects,
): Promise<Reply> {
  return answer(flow, request, redirects, async ({ binding }) => {
    await flow.cancel({ handle: binding.handle })
    binding.forget()
    return { status: 204, leadsTo: 'pending' }
  })
}

/** The answer to `GET /status`, and what it shows for an app that makes a page of it. */
export async function statusStep(
  flow: OtpFlow,
  request: HttpRequest,
): Promise<{ view: StatusView; reply: Reply }> {
  const { options } = flow
  const cookies = createCookies(options, request)
  try {
    const handle = statusHandle(options, request, cookies)
    const view: StatusView = { ...(await flow.status({ handle })) }
    const outcome = keptOutcome(options, cookies)
    if (outcome) view.outcome = outcome
    // Only a page that is really shown uses the outcome up.
    const shown = request.method === 'GET' && !isPrefetch(request.headers)
    if (shown && cookies.read('outcome') !== undefined) cookies.clear('outcome')
    return { view, reply: { ...jsonReply(200, view, 'Cookie'), cookies: cookies.lines() } }
  } catch (error) {
    const problem = problemOf(options, error)
    const reply = problemReply(problem, 'Cookie')
    if (problem.status === 405) reply.headers.Allow = 'GET, HEAD'
    return { view: { status: 'none', outcome: problem }, reply }
  }
}

/** The same answer without what is the page's own to say. */
export function pageReply(reply: Reply): Reply {
  const { 'Content-Type': _, 'Referrer-Policy': __, ...headers } = reply.headers
  // With that policy the page's forms would name no origin.
  return { ...reply, headers, body: undefined }
}

function statusHandle(options: ResolvedOptions, request: HttpRequest, cookies: Cookies): unknown {
  const { method } = request
  if (method === 'GET' || method === 'HEAD') {
    return createBinding(options, request, cookies, () => undefined).handle
  }
  // A client that keeps the handle itself may send it in a body, as to the other routes.
  if (options.binding === 'token') return openExchange(options, request, cookies).binding.handle
  throw new ProblemError(createProblem(options, { status: 'bad_request' }, { status: 405 }))
}

function pendingAnswer({ options }: OtpFlow, outcome: SendOutcome | ResendOutcome): Done | Refusal {
  if (outcome.status !== 'sent' && outcome.status !== 'unconfirmed') return outcome
  const { handle, ...pending }: Sent | Unconfirmed = outcome
  const body = options.binding === 'token' ? { ...pending, flow: handle } : pending
  return { status: 202, body, leadsTo: 'pending' }
}

let warned = false

/** Limits by address are worth nothing when the client chooses its address. */
function warnOfProxies({ spoofable }: HttpRequest): void {
  if (!spoofable || warned) return
  warned = true
  process.emitWarning(
    'Every proxy is trusted, so clients choose the address they are limited by. Say how many ' +
      `proxies there are: app.set('trust proxy', 1) for Express, new Koa({ proxy: true, maxIpsCount: 1 })`,
    { type: 'OtpWarning', code: 'OTP_TRUST_PROXY' },
  )
}
