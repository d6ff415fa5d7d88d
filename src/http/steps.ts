import type { OtpFlow } from '../flow/index.js'
import type { ResendOutcome, SendOutcome } from '../outcomes.js'
import { answer, type Done } from './exchange.js'
import type { CancelOptions } from './options.js'
import type { Refusal } from './problem.js'
import { type RedirectOptions, resolveRedirects } from './redirects.js'
import type { Reply } from './reply.js'
import type { HttpRequest } from './request.js'

/** What one route does. */
export type Step = (request: HttpRequest) => Promise<Reply>

/** `POST /send` */
export function createSend(flow: OtpFlow, options: RedirectOptions): Step {
  const redirects = resolveRedirects(options)
  return (request) => {
    warnOfProxies(request)
    return answer(flow, request, redirects, async ({ field, binding, cookies, address }) => {
      const outcome = await flow.send({
        number: field('number'),
        country: field('country'),
        via: field('via'),
        language: field('language'),
        address,
        handle: binding.handle,
        device: cookies.read('device'),
        // At once, because a send that fails from here on may have gone out all the same.
        onHandle: binding.keep,
      })
      return pendingAnswer(flow, outcome)
    })
  }
}

/** `POST /resend` */
export function createResend(flow: OtpFlow, options: RedirectOptions): Step {
  const redirects = resolveRedirects(options)
  return (request) => {
    warnOfProxies(request)
    return answer(flow, request, redirects, async ({ field, binding, address }) => {
      const outcome = await flow.resend({ handle: binding.handle, via: field('via'), address })
      return pendingAnswer(flow, outcome)
    })
  }
}

/** `POST /cancel` */
export function createCancel(flow: OtpFlow, { next, ...options }: CancelOptions): Step {
  const redirects = resolveRedirects(options)
  return (request) =>
    answer(flow, request, redirects, async ({ binding }) => {
      const { handle } = binding
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

function pendingAnswer({ options }: OtpFlow, outcome: SendOutcome | ResendOutcome): Done | Refusal {
  if (outcome.status !== 'sent' && outcome.status !== 'unconfirmed') return outcome
  const { handle, ...pending } = outcome
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
      `proxies there are: app.set('trust proxy', 1), new Koa({ proxy: true, maxIpsCount: 1 })`,
    { type: 'OtpWarning', code: 'OTP_TRUST_PROXY' },
  )
}
