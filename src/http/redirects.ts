import { OtpError } from '../errors.js'

/** Where form posts lead. Without a target they are answered like all others. */
export interface RedirectOptions {
  /** After a sign-in: a path like `/`, or an `https:` URL. */
  successRedirect?: string | undefined
  /** After every refusal. Its reason is kept for the next `GET /status`. */
  failureRedirect?: string | undefined
  /**
   * After send, resend and cancel.
   *
   * @default successRedirect
   */
  pendingRedirect?: string | undefined
}

export interface Redirects {
  success: string | undefined
  failure: string | undefined
  pending: string | undefined
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function resolveRedirects(options: RedirectOptions): Redirects {
  const success = target('successRedirect', options.successRedirect)
  return {
    success,
    failure: target('failureRedirect', options.failureRedirect),
    pending: target('pendingRedirect', options.pendingRedirect) ?? success,
  }
}

function target(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  // Printable ASCII without backslashes, which browsers read as slashes.
  if (typeof value === 'string' && /^[!-[\]-~]+$/.test(value)) {
    if (/^\/(?!\/)/.test(value)) return value
    if (/^https:\/\//i.test(value) && URL.canParse(value)) return value
  }
  throw new OtpError(
    'ERR_OTP_OPTIONS',
    `"${name}" must be a path that begins with one slash, or an https URL`,
  )
}
