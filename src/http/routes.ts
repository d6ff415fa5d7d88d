import { OtpError } from '../errors.js'

const routes = ['send', 'resend', 'check', 'status', 'cancel'] as const

/** What a router answers. */
export type Route = (typeof routes)[number]

/** Which route a path is, or none: then the app's next handler has it. */
export function routeOf(method: string, path: string, prefix = ''): Route | undefined {
  // Whether other origins may ask is for the app to say.
  if (method === 'OPTIONS' || !path.startsWith(`${prefix}/`)) return undefined
  const name = path.slice(prefix.length + 1).replace(/\/$/, '')
  return routes.find((route) => route === name)
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolvePrefix(prefix: string | undefined): string {
  if (prefix === undefined || prefix === '/') return ''
  if (typeof prefix === 'string' && /^(\/[\w.~-]+)*$/.test(prefix)) return prefix
  throw new OtpError('ERR_OTP_OPTIONS', `"prefix" must be a path like '/login'`)
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function requireOpener(options: { passport?: unknown; onVerified?: unknown }): void {
  const { passport, onVerified } = options ?? {}
  const byPassport =
    typeof passport === 'object' &&
    passport !== null &&
    'authenticate' in passport &&
    typeof passport.authenticate === 'function'
  if (byPassport !== (typeof onVerified === 'function')) return
  throw new OtpError(
    'ERR_OTP_OPTIONS',
    'Either "passport" or a function "onVerified" must say how the session is opened',
  )
}
