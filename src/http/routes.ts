import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import { createCheck, lookOnce } from './check.js'
import type { RouteHost } from './host.js'
import type { CheckOptions, StatusOptions } from './options.js'
import type { Reply } from './reply.js'
import { createStatus } from './status.js'
import { createCancel, createResend, createSend } from './steps.js'

const names = ['send', 'resend', 'check', 'status', 'cancel'] as const

/** What a router answers. */
export type RouteName = (typeof names)[number]

/** What a router does, by its routes. */
export type Routes<Context extends unknown[]> = Readonly<
  Record<RouteName, (host: RouteHost<Context>) => Promise<Reply>>
>

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function createRoutes<Context extends unknown[]>(
  flow: OtpFlow,
  options: CheckOptions<Context> & StatusOptions<Context>,
): Routes<Context> {
  const look = lookOnce(flow, options)
  const routes: Routes<Context> = {
    send: createSend(flow, options, options),
    resend: createResend(flow, options, options),
    check: createCheck(flow, options),
    status: createStatus(flow, options),
    cancel: createCancel(flow, options),
  }
  const looking = names.map((name) => {
    const run = (host: RouteHost<Context>) => {
      look(host)
      return routes[name](host)
    }
    return [name, run] as const
  })
  return Object.fromEntries(looking) as Routes<Context> // each of the names
}

/** Which route a path is, or none: then the app's next handler has it. */
export function findRoute(method: string, path: string, prefix = ''): RouteName | undefined {
  // Whether other origins may ask is for the app to say.
  if (method === 'OPTIONS' || !path.startsWith(`${prefix}/`)) return undefined
  const name = path.slice(prefix.length + 1).replace(/\/$/, '')
  return names.find((route) => route === name)
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolvePrefix(prefix: string | undefined): string {
  if (prefix === undefined || prefix === '/') return ''
  if (typeof prefix === 'string' && /^(\/[\w.~-]+)*$/.test(prefix)) return prefix
  throw new OtpError('ERR_OTP_OPTIONS', `"prefix" must be a path like '/login'`)
}
