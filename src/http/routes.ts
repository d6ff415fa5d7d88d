import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import { createCheck, lookOnce } from './check.js'
import type { CheckOptions, PageRouterOptions, StatusOptions } from './options.js'
import { createPageRoutes } from './page.js'
import { createStatus } from './status.js'
import { createCancel, createResend, createSend, type Step } from './steps.js'

const names = ['send', 'resend', 'check', 'status', 'cancel'] as const

/** What a router does, by what stands behind its own address. */
export interface Routes<Context extends unknown[]> {
  readonly steps: Readonly<Record<(typeof names)[number], Step<Context>>>
  /** The address itself, where the router shows a page. */
  readonly page: Step<Context> | undefined
  /** A file of the page. */
  file(name: string): Step<Context> | undefined
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function createRoutes<Context extends unknown[]>(
  flow: OtpFlow,
  options: CheckOptions<Context> & StatusOptions<Context> & PageRouterOptions<Context>,
): Routes<Context> {
  const look = lookOnce(flow, options)
  const looking =
    (step: Step<Context>): Step<Context> =>
    (host) => {
      look(host)
      return step(host)
    }
  const steps = {
    send: looking(createSend(flow, options, options)),
    resend: looking(createResend(flow, options, options)),
    check: looking(createCheck(flow, options)),
    status: looking(createStatus(flow, options)),
    cancel: looking(createCancel(flow, options)),
  }
  const pages = createPageRoutes(flow, options)
  if (!pages) return { steps, page: undefined, file: () => undefined }
  const { show, file, orProblem, orStatus } = pages
  return {
    steps: {
      send: orProblem(steps.send),
      resend: orProblem(steps.resend),
      check: orProblem(steps.check),
      status: orStatus(steps.status),
      cancel: orProblem(steps.cancel),
    },
    page: looking(show),
    file,
  }
}

/** What answers a path, or nothing: then the app's next handler has it. */
export function findRoute<Context extends unknown[]>(
  { steps, page, file }: Routes<Context>,
  method: string,
  path: string,
  prefix = '',
): Step<Context> | undefined {
  // Whether other origins may ask is for the app to say.
  if (method === 'OPTIONS' || !`${path}/`.startsWith(`${prefix}/`)) return undefined
  const name = path.slice(prefix.length + 1).replace(/\/$/, '')
  const route = names.find((each) => each === name)
  if (route) return steps[route]
  if (method !== 'GET' && method !== 'HEAD') return undefined
  return name === '' ? page : file(name)
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolvePrefix(prefix: string | undefined): string {
  if (prefix === undefined || prefix === '/') return ''
  if (typeof prefix === 'string' && /^(\/[\w.~-]+)*$/.test(prefix)) return prefix
  throw new OtpError('ERR_OTP_OPTIONS', `"prefix" must be a path like '/login'`)
}
