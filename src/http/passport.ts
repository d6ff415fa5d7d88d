import { OtpError } from '../errors.js'

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

/** Runs our strategy for one request. */
export async function authenticate(
  passport: PassportLike,
  run: (middleware: PassportMiddleware, next: (error?: unknown) => void) => unknown,
): Promise<PassportVerdict> {
  const { promise, resolve, reject } = withResolvers<PassportVerdict>()
  // Made here and not once, because koa-passport keeps the request's promise on the callback.
  const middleware = passport.authenticate('tyntec-otp', (error, user, info) => {
    if (error) reject(error)
    else resolve({ user, info })
  }) as PassportMiddleware // what every framework's Passport makes
  // Only an error comes here: with a callback, Passport leaves the rest to it.
  await run(middleware, (error) => reject(error ?? notRun()))
  return promise
}

/** A request as Passport has left it. */
export interface LogInRequest {
  logIn?(user: unknown, options: { session: boolean }, done: (error?: unknown) => void): void
}

/** Passport's own login, which regenerates the session. */
export function logIn(req: LogInRequest, user: unknown): Promise<void> {
  const { promise, resolve, reject } = withResolvers<void>()
  if (!req.logIn) throw notRun()
  req.logIn(user, { session: true }, (error) => (error ? reject(error) : resolve()))
  return promise
}

function notRun(): OtpError {
  return new OtpError(
    'ERR_OTP_MISUSE',
    'Passport has not run the strategy: passport.use(new Strategy(flow, verify)), and with ' +
      'koa-passport app.use(passport.initialize())',
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
