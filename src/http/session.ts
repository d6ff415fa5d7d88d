import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import { sessionKeyOf } from './binding.js'
import { cleanReturnTo } from './return-to.js'

/** The app's session around a login. */
export interface LoginSession {
  /** There is one. */
  readonly exists: boolean
  /**
   * Takes out what must not cross the login. With `keep` the app keeps its own data, and `returnTo`
   * only as a path of the app.
   *
   * @throws {OtpError} `ERR_OTP_MISUSE` when the session can't be regenerated
   */
  prepare(keep?: boolean): void
  regenerate(): Promise<void>
  save(): Promise<void>
  /** An empty session in the place of the one that was opened. */
  undo(): Promise<void>
}

interface Session extends Record<string, unknown> {
  regenerate(callback: (error?: unknown) => void): unknown
  save(callback: (error?: unknown) => void): unknown
}

export function createLoginSession(
  { options }: OtpFlow,
  /** Read anew each time: regenerating replaces it. */
  read: () => unknown,
  /** koa-session's `regenerate` changes the id and keeps the data. */
  keepsData: boolean,
): LoginSession {
  const sessionKey = sessionKeyOf(options)
  let handle: unknown

  const current = (): Session => {
    const session = read()
    if (!isRecord(session)) {
      throw new OtpError(
        'ERR_OTP_MISUSE',
        'There is no session to open: mount express-session, or koa-session for Koa, before the ' +
          'routes of this package, or sign in with { session: false }',
      )
    }
    if (typeof session.regenerate !== 'function' || typeof session.save !== 'function') {
      throw new OtpError(
        'ERR_OTP_MISUSE',
        'The session has no regenerate() and save(), without which it could be fixed by someone ' +
          'else before the login: use express-session, or koa-session 6 or newer for Koa',
      )
    }
    return session as Session // both methods are there
  }
  const regenerate = () => settled((callback) => current().regenerate(callback))
  const save = () => settled((callback) => current().save(callback))

  return {
    get exists() {
      return isRecord(read())
    },
    prepare(keep = false) {
      const session = current()
      handle ??= session[sessionKey]
      delete session[sessionKey]
      cleanReturnTo(session)
      if (keepsData && !keep) clear(session)
    },
    regenerate,
    save,
    async undo() {
      if (!isRecord(read())) return
      if (keepsData) clear(current())
      try {
        await regenerate()
      } finally {
        // The same code may be tried again, which needs the handle.
        if (options.binding === 'session' && handle !== undefined) {
          current()[sessionKey] = handle
          // koa-session compares with what it read, and would find nothing changed.
          await save()
        }
      }
    },
  }
}

/** Whatever of a request decides how its session is written back. */
interface SessionHost {
  /** express-session's, on the request. */
  sessionID?: unknown
  /** koa-session's, on the context: a copy for this request. */
  sessionOptions?: { rolling?: unknown; renew?: unknown }
}

/**
 * Leaves the session of a request whose browser another one has signed in: an old session that is
 * saved or whose cookie is set once more would sign the person out.
 */
export function leaveSession(request: object): void {
  const host = request as SessionHost // of which a request without sessions has nothing
  // express-session neither saves a session without an id nor sets its cookie.
  if (host.sessionID !== undefined) host.sessionID = undefined
  // koa-session has no such way: it saves what the app itself has changed.
  if (host.sessionOptions) Object.assign(host.sessionOptions, { rolling: false, renew: false })
}

/** koa-session keeps its own state under names with an underscore, and in `isNew`. */
function clear(session: Record<string, unknown>): void {
  for (const key of Object.keys(session)) {
    if (!key.startsWith('_') && key !== 'isNew') delete session[key]
  }
}

function settled(run: (callback: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error) reject(asError(error))
      else resolve()
    })
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The session failed', { cause: error })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
