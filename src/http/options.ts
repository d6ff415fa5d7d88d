import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import { shown } from '../options/values.js'
import type { Identity, Purpose, StatusOutcome } from '../outcomes.js'
import type { PageOptions } from '../page/options.js'
import { type CsrfOptions, requireCsrf } from './csrf.js'
import type { LogInOptions } from './host.js'
import type { PassportLike } from './login/passport.js'
import type { Problem } from './problem.js'
import type { RedirectOptions } from './redirects.js'

/** What every route takes that is posted to. `Context` is what a handler gets. */
export type PostOptions<Context extends unknown[]> = RedirectOptions & CsrfOptions<Context>

export interface PurposeOptions {
  /**
   * What the proof is for. A code that was sent for one purpose is none for another.
   *
   * @default 'login'
   */
  purpose?: Purpose | undefined
}

export type SendOptions<Context extends unknown[]> = PostOptions<Context> & PurposeOptions

/** Who opens the app's session: Passport, or the app itself. */
export type CheckOptions<Context extends unknown[]> = SendOptions<Context> & {
  /**
   * Adds to the JSON of a sign-in: the user, whether it is new, a token. `user` and `info` are what the verify
   * function gave, or what `onVerified` returned. It runs before the flow ends, so what it throws is an error and
   * never a login. For a double click that joins the session of the other click, `user` is what Passport makes of
   * that session.
   *
   * @default nothing
   */
  body?:
    | ((user: unknown, info: unknown, identity: Identity) => object | Promise<object>)
    | undefined
} & (
    | ({ passport: PassportLike; onVerified?: undefined } & LogInOptions)
    | {
        /**
         * Opens the app's session, which is a new one by then. It has 30 s, and may answer itself. What it throws
         * is an error, never a login, and the same code can be tried again: the headers and
         * cookies that it has set are taken back, as when the flow has ended meanwhile. An answer
         * that it has sent itself can't be. `{ refused: message }` refuses the person, with that message.
         */
        onVerified: (identity: Identity, ...context: Context) => unknown
        passport?: undefined
        session?: undefined
        keepSessionInfo?: undefined
      }
  )

/** What a page of the app's own may show. */
export type OtpPage = StatusOutcome & {
  /** Why the form post before this one was refused, or why there is no status. Shown once. */
  outcome?: Problem
  /** The number of that post, as the person typed it. */
  number?: string
  /** The form post before this one has sent the code again. Shown once. */
  notice?: 'resent'
}

export interface StatusOptions<Context extends unknown[]> {
  /** Makes a page of the status. By default it is answered as JSON. */
  render?: ((status: OtpPage, ...context: Context) => unknown) | undefined
}

/** The page, and what the app adds to it for each request. */
export interface HostedPageOptions<Context extends unknown[]> extends PageOptions {
  /**
   * Whether somebody is signed in already, and so has nothing to do here.
   *
   * @default what Passport says, and never for another `purpose` than `login`
   */
  signedIn?: ((...context: Context) => boolean | Promise<boolean>) | undefined
  /** Hidden fields for each form, such as the token that `csrf` looks for. */
  hidden?:
    | ((...context: Context) => Record<string, string> | Promise<Record<string, string>>)
    | undefined
}

/** What only the router takes. */
export interface PageRouterOptions<Context extends unknown[]> {
  /**
   * Shows a sign-in page at the router's own address, and a page in place of JSON to every browser that
   * goes to one of its routes.
   *
   * @default none
   */
  page?: HostedPageOptions<Context> | undefined
}

export type CancelOptions<Context extends unknown[]> = PostOptions<Context> & {
  /** Goes on to the next handler instead of answering, as a route that logs out needs it. */
  next?: boolean | undefined
}

const redirects = [
  'successRedirect',
  'successReturnToOrRedirect',
  'failureRedirect',
  'pendingRedirect',
] as const
const post = [...redirects, 'csrf'] as const
const check = [
  ...post,
  'purpose',
  'passport',
  'onVerified',
  'session',
  'keepSessionInfo',
  'body',
] as const

/** What each handler takes. A name that is left out does not compile. */
const names = {
  sendOtp: [...post, 'purpose'],
  resendOtp: post,
  checkOtp: check,
  otpStatus: ['render'],
  cancelOtp: [...post, 'next'],
  otpRouter: [...check, 'render', 'page'],
} satisfies Record<string, readonly string[]>

const purposes: readonly Purpose[] = ['login', 'link', 'change', 'step-up']

/**
 * Gives the options that the app itself has written, once they are all known. One that is slightly off, or
 * another framework's, would leave a default in place of what was meant.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`, also without a flow
 */
export function resolveHandler<Options extends object>(
  handler: keyof typeof names,
  flow: OtpFlow,
  given: Options,
  /** What only this framework's takes, and what only others' take. */
  more: { own?: readonly string[]; others?: Readonly<Record<string, string>> } = {},
): Options {
  requireFlow(handler, flow)
  if (typeof given !== 'object' || given === null) {
    throw new OtpError('ERR_OTP_OPTIONS', `The options of ${handler} must be an object`)
  }
  const known: ReadonlySet<string> = new Set([...names[handler], ...(more.own ?? [])])
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue
    const advice = more.others?.[name] ?? `${[...known].join(', ')} are known`
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      `"${shown(name)}" must be an option of ${handler}: ${advice}`,
    )
  }
  const options = Object.assign(Object.create(null) as Options, given)
  const { csrf, purpose, body, session, keepSessionInfo, render, next } = options as Record<
    string,
    unknown
  > // as its names say
  requireCsrf(csrf)
  requirePurpose(purpose)
  for (const [name, value] of Object.entries({ body, render })) {
    if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function')
  }
  for (const [name, value] of Object.entries({ session, keepSessionInfo, next })) {
    if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'true or false')
  }
  return options
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function requireFlow(who: string, flow: unknown): void {
  const given = flow as Partial<OtpFlow> | null | undefined // or anything
  if (typeof given?.check === 'function' && typeof given.emit === 'function') return
  const advice = flow instanceof Promise ? ', and this is a promise of something: await it' : ''
  throw new OtpError('ERR_OTP_OPTIONS', `${who} needs the flow that createOtpFlow() makes${advice}`)
}

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function requireOpener(options: { passport?: unknown; onVerified?: unknown }): void {
  const { passport, onVerified } = options
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

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function requirePurpose(purpose: unknown): Purpose | undefined {
  if (purpose === undefined) return undefined
  const found = purposes.find((each) => each === purpose)
  if (!found) throw invalid('purpose', purposes.map((each) => `'${each}'`).join(' or '))
  return found
}

function invalid(name: string, expected: string): OtpError {
  return new OtpError('ERR_OTP_OPTIONS', `"${name}" must be ${expected}`)
}
