import { OtpError } from '../errors.js'
import type { HttpOptions } from '../options/options.js'
import type { Cookies } from './cookies.js'
import type { Host } from './host.js'
import type { ReadField } from './request.js'

/** Where the handle is, in the app's session. */
export function sessionKeyOf({ name }: Pick<HttpOptions, 'name'>): string {
  return name === 'login' ? 'tyntecOtp' : `tyntecOtp.${name}`
}

const bearerPattern = /^Otp ([\w-]{1,200})$/i

/** How long the browser keeps the handle: no flow lives longer. */
const lifetime = 600

/** What ties a flow to its browser, for one request. */
export interface Binding {
  /** As the browser gave it; the flow looks whether it is one of ours. */
  readonly handle: unknown
  keep(handle: string): void
  forget(): void
  /** It is the app's session that holds the handle, and it has changed. */
  written(): boolean
}

/** @throws {OtpError} `ERR_OTP_MISUSE` when the session that should hold the handle is missing */
export function createBinding(
  options: Pick<HttpOptions, 'binding' | 'name'>,
  host: Host,
  cookies: Cookies,
  field: ReadField,
): Binding {
  switch (options.binding) {
    case 'cookie':
      return {
        handle: cookies.read('handle'),
        keep: (handle) => cookies.set('handle', handle, lifetime),
        forget: () => cookies.clear('handle'),
        written: () => false,
      }
    case 'session': {
      const session = host.session.read()
      if (!isSession(session)) {
        throw new OtpError(
          'ERR_OTP_MISUSE',
          `binding: 'session' needs a session: mount express-session, or koa-session for Koa, before ` +
            'the routes of this package',
        )
      }
      const sessionKey = sessionKeyOf(options)
      let written = false
      return {
        handle: Object.hasOwn(session, sessionKey) ? session[sessionKey] : undefined,
        keep(handle) {
          session[sessionKey] = handle
          written = true
        },
        forget() {
          if (!Object.hasOwn(session, sessionKey)) return
          delete session[sessionKey]
          written = true
        },
        written: () => written,
      }
    }
    case 'token': {
      const { authorization } = host.headers
      const [, bearer] = bearerPattern.exec(String(authorization ?? '')) ?? []
      return { handle: field('flow') ?? bearer, keep() {}, forget() {}, written: () => false }
    }
  }
}

function isSession(session: unknown): session is Record<string, unknown> {
  return typeof session === 'object' && session !== null
}
