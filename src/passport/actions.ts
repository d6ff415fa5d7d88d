import type { OtpFlow } from '../flow/index.js'
import type { LogInOptions } from '../http/host.js'
import type { Verdicts } from './verdicts.js'
import type { AskApp } from './verify.js'

/** What Passport puts on a strategy for one request. */
export interface Actions {
  success(user: unknown, info?: unknown): void
  fail(challenge: unknown, status?: number): void
  redirect(url: string): void
  error(error: unknown): void
}

/** What `passport.authenticate` was given. */
export interface AuthenticateOptions extends LogInOptions {
  assignProperty?: unknown
  successRedirect?: unknown
  successReturnToOrRedirect?: unknown
  failureFlash?: unknown
  purpose?: unknown
}

export interface Settings {
  flow: OtpFlow
  askApp: AskApp
  csrf: ((context: object) => unknown) | undefined
  verdicts: Verdicts
}
