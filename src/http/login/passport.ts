import { OtpError } from '../../errors.js'
import type { HostSession, LogInOptions, RouteHost } from '../host.js'

/** Passport, or what looks like it: the app brings its own, of any version. */
export interface PassportLike {
  authenticate(
    strategy: string,
    callback: (error: unknown, user?: unknown, info?: unknown) => void,
  ): unknown
}

/** Middleware as Passport makes it for the framework it was made for. */
export type PassportMiddleware = (...args: unknown[]) => unknown

/** How Passport ended: without a user, nobody signs in. */
export interface PassportVerdict {
  user?: unknown
  info?: unknown
}

/** The name of our strategy. */
const strategyName = 'tyntec-otp'

/** Runs our strategy for one request. */
export async function authenticate(
  passport: PassportLike,
  run: RouteHost<never[]>['run'],
): Promise<PassportVerdict> {
  const { promise, resolve, reject } = withResolvers<PassportVerdict>()
  // Made here and not once, because koa-passport keeps the request's promise on the callback.
  const middleware = passport.authenticate(strategyName, (error, user, info) => {
    if (error) reject(error)
    else resolve({ user, info })
  }) as PassportMiddleware // what every framework's Passport makes
  // Only an error comes here: with a callback, Passport leaves the rest to it.
  await run(middleware, (error) => reject(error ?? notRun()))
  return promise
}

/** A request as Passport has left it. */
export interface LogInRequest {
  logIn?(user: unknown, options: LogInOptions, done: (error?: unknown) => void): void
}

/** Passport's own login, which regenerates the session. */
export function logIn(req: LogInRequest, user: unknown, options: LogInOptions): Promise<void> {
  const { promise, resolve, reject } = withResolvers<void>()
  if (!req.logIn) throw notRun()
  req.logIn(user, options, (error) => (error ? reject(error) : resolve()))
  return promise
}

/** Why nobody can sign in by this Passport, as far as it can be seen. */
export function findUnregistered(passport: PassportLike): string | undefined {
  const { _strategy: find } = passport as { _strategy?: unknown } // by which authenticate() finds one
  if (typeof find !== 'function' || find.call(passport, strategyName)) return undefined
  return `The Passport of this router knows no strategy '${strategyName}': ${register}`
}

/** Gives the user of a session that another request has opened, as `passport.session()` does. */
export async function userOf(passport: PassportLike, session: HostSession): Promise<unknown> {
  const { deserializeUser } = passport as { deserializeUser?: unknown } // Passport has it
  const held = session.read() as { passport?: { user?: unknown } } | null | undefined // or anything
  const serialized = held?.passport?.user
  if (typeof deserializeUser !== 'function' || serialized === undefined) return undefined
  const { promise, resolve, reject } = withResolvers<unknown>()
  const done = (error: unknown, user: unknown) => (error ? reject(error) : resolve(user))
  deserializeUser.call(passport, serialized, done)
  return promise
}

const register = 'passport.use(new Strategy(flow, verify)) before the first request'

function notRun(): OtpError {
  return new OtpError(
    'ERR_OTP_MISUSE',
    `Passport has not run the strategy: ${register}, and with koa-passport app.use(passport.initialize())`,
  )
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>() {
  let resolve!: (value: T) => void // the promise's executor runs at once
  let reject!: (reason: unknown) => void // the same
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle
    reject = fail
  })
  return { promise, resolve, reject }
}
