import { OtpError } from '../errors.js'
import type { HttpOptions } from '../options/options.js'
import type { Cookies } from './cookies.js'
import type { HttpRequest, ReadField } from './request.js'

/** Where the handle is, in the app's session. */
export function sessionKeyOf({ name }: Pick<HttpOptions, 'name'>): string {
  return name === 'login' ? 'tyntecOtp' : `tyntecOtp.${name}`
}

/** How long the browser keeps the handle: no flow lives longer. */
const lifetime = 600

/** What ties a flow to its browser, for one request. */
export interface Binding {
  /** As the browser gave it; the flow looks whether it is one of ours. */
  readonly handle: unknown
  keep(handle: string): void
  forget(): void
}

/** @throws {OtpError} `ERR_OTP_MISUSE` when the session that should hold the handle is missing */
export function createBinding(
  options: Pick<HttpOptions, 'binding' | 'name'>,
  request: HttpRequest,
  cookies: Cookies,
  field: ReadField,
): Binding {
  switch (options.binding) {
    case 'cookie':
      return {
        handle: cookies.read('handle'),
        keep: (handle) => cookies.set('handle', handle, lifetime),
        forget: () => cookies.clear('handle'),
      }
    case 'session': {
      const session = request.session()
      if (!isSession(session)) {
        throw new OtpError(
          'ERR_OTP_MISUSE',
          `binding: 'session' needs a session: mount express-session, or koa-session for Koa, before ` +
            'the routes of this package',
        )
      }
      const sessionKey = sessionKeyOf(options)
      return {
        handle: Object.hasOwn(session, sessionKey) ? session[sessionKey] : undefined,
        keep(handle) {
          session[sessionKey] = handle
        },
        forget() {
          delete session[sessionKey]
        },
      }
    }
    case 'token': {
      const [, bearer] = /^Otp ([\w-]{1,200})$/i.exec(request.headers.authorization ?? '') ?? []
      return { handle: field('flow') ?? bearer, keep() {}, forget() {} }
    }
  }
}

function isSession(session: unknown): session is Record<string, unknown> {
  return typeof session === 'object' && session !== null
}
