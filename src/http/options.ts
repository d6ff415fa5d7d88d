import type { Identity } from '../outcomes.js'
import type { CsrfOptions } from './csrf.js'
import type { PassportLike } from './passport.js'
import type { RedirectOptions } from './redirects.js'
import type { OtpPage } from './status.js'

/** What every route takes that is posted to. `Context` is what a handler gets. */
export type PostOptions<Context extends unknown[]> = RedirectOptions & CsrfOptions<Context>

/** Who opens the app's session: Passport, or the app itself. */
export type CheckOptions<Context extends unknown[]> = PostOptions<Context> &
  (
    | { passport: PassportLike; onVerified?: undefined }
    | {
        /**
         * Opens the app's session, which is a new one by then. It may answer itself. What it throws
         * is an error, never a login, and the same code can be tried again: the headers and
         * cookies that it has set are taken back, as when the flow has ended meanwhile. An answer
         * that it has sent itself can't be.
         */
        onVerified: (identity: Identity, ...context: Context) => unknown
        passport?: undefined
      }
  )

export interface StatusOptions<Context extends unknown[]> {
  /** Makes a page of the status. By default it is answered as JSON. */
  render?: ((status: OtpPage, ...context: Context) => unknown) | undefined
}

export type CancelOptions<Context extends unknown[]> = PostOptions<Context> & {
  /** Goes on to the next handler instead of answering, as a route that logs out needs it. */
  next?: boolean | undefined
}
