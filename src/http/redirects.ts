import { OtpError } from '../errors.js'
import { ownPath } from './return-to.js'

/**
 * Where form posts lead. Without a target they are answered like all others, and so are `cross_site`
 * and 405. What is neither a path nor an `https:` URL is refused at the start: `ERR_OTP_OPTIONS`.
 */
export interface RedirectOptions {
  /**
   * After a sign-in: a path like `/`, or an `https:` URL.
   *
   * @default `/` for a router with a `page`
   */
  successRedirect?: string | undefined
  /**
   * After a sign-in: the path that the app has left in `session.returnTo`, and this one when there is
   * none or it may lead to another site. Other clients than forms get it as `returnTo`. Goes before
   * `successRedirect`. As in Passport, nothing of it is left in the session.
   */
  successReturnToOrRedirect?: string | undefined
  /**
   * After a refusal. The next `GET /status` has it as `outcome`, once.
   *
   * @default the router's `page`, if it has one
   */
  failureRedirect?: string | undefined
  /**
   * After send, resend and cancel.
   *
   * @default the router's `page`, else where a sign-in leads without a `returnTo`
   */
  pendingRedirect?: string | undefined
}

export interface Redirects {
  success: string | undefined
  failure: string | undefined
  pending: string | undefined
  /** Where the app says that the person was going comes before `success`. */
  returns: boolean
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolveRedirects(options: RedirectOptions & { page?: unknown }): Redirects {
  const fallback = target('successReturnToOrRedirect', options.successReturnToOrRedirect)
  const success = target('successRedirect', options.successRedirect)
  // From a route, the page that the router shows is one step up, wherever it is mounted.
  const page = options.page === undefined ? undefined : './'
  return {
    success: fallback ?? success ?? (page && '/'),
    failure: target('failureRedirect', options.failureRedirect) ?? page,
    pending: target('pendingRedirect', options.pendingRedirect) ?? page ?? fallback ?? success,
    returns: fallback !== undefined,
  }
}

function target(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  const path = ownPath(value)
  if (path !== undefined) return path
  // Printable ASCII without backslashes, which browsers read as slashes.
  const isUrl = typeof value === 'string' && /^https:\/\/[!-[\]-~]+$/i.test(value)
  if (isUrl && URL.canParse(value)) return value
  throw new OtpError(
    'ERR_OTP_OPTIONS',
    `"${name}" must be a path that begins with one slash, or an https URL`,
  )
}
