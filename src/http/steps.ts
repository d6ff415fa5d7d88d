import type { OtpFlow } from '../flow/index.js'
import type { ResendOutcome, SendOutcome } from '../outcomes.js'
import { requireCsrf } from './csrf.js'
import { answer, type Done } from './exchange.js'
import type { CancelOptions, PostOptions } from './options.js'
import type { Refusal } from './problem.js'
import { type Redirects, resolveRedirects } from './redirects.js'
import type { Reply } from './reply.js'
import type { HttpRequest } from './request.js'

/** What one route does. */
export type Step = (request: HttpRequest) => Promise<Reply>

/** `POST /send` */
export function createSend(flow: OtpFlow, options: PostOptions<never>): Step {
  const redirects = resolvePost(options)
  return (request) =>
    answer(flow, 'send', request, redirects, async (exchange) => {
      const { field, binding, cookies, address } = exchange
      const outcome = await flow.send({
        number: field('number'),
        country: field('country'),
        via: field('via'),
        language: field('language'),
        address,
        handle: binding.handle,
        device: cookies.read('device'),
        // One that other hosts of the domain can set would make a handle that they know.
        pageToken: flow.options.cookie.domain === undefined ? cookies.read('page') : undefined,
        browser: browserOf(request),
        challenge: field('challenge'),
        // At once, because a send that fails from here on may have gone out all the same.
        onHandle: binding.keep,
      })
      return pendingAnswer(flow, outcome)
    })
}

/** `POST /resend` */
export function createResend(flow: OtpFlow, options: PostOptions<never>): Step {
  const redirects = resolvePost(options)
  return (request) =>
    answer(flow, 'resend', request, redirects, async ({ field, binding, address }) => {
      const outcome = await flow.resend({
        handle: binding.handle,
        via: field('via'),
        address,
        challenge: field('challenge'),
      })
      return pendingAnswer(flow, outcome)
    })
}

/** `POST /cancel` */
export function createCancel(flow: OtpFlow, { next, ...options }: CancelOptions<never>): Step {
  const redirects = resolvePost(options)
  return (request) =>
    answer(flow, 'cancel', request, redirects, async ({ binding, cookies }) => {
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
function resolvePost(options: PostOptions<never>): Redirects {
  requireCsrf(options.csrf)
  return resolveRedirects(options)
}

/** What a browser says of itself with every request. */
function browserOf({ headers }: HttpRequest): string {
  const { 'user-agent': agent = '', 'accept-language': languages = '' } = headers
  return `${agent.slice(0, 500)}\n${languages.slice(0, 500)}`
}

function pendingAnswer({ options }: OtpFlow, outcome: SendOutcome | ResendOutcome): Done | Refusal {
  if (outcome.status !== 'sent' && outcome.status !== 'unconfirmed') return outcome
  const { handle, ...pending } = outcome
  const body = options.binding === 'token' ? { ...pending, flow: handle } : pending
  return { status: 202, body, leadsTo: 'pending' }
}
