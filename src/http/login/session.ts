import { OtpError } from '../../errors.js'
import type { HttpOptions } from '../../options/options.js'
import { sessionKeyOf } from '../binding.js'
import type { HostSession } from '../host.js'
import { cleanReturnTo } from '../return-to.js'

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
  /** An empty session in the place of the one that was opened. True when it has to reach the browser. */
  undo(): Promise<boolean>
}

interface Session extends Record<string, unknown> {
  regenerate(callback: (error?: unknown) => void): unknown
  save(callback: (error?: unknown) => void): unknown
}

export function createLoginSession(options: HttpOptions, host: HostSession): LoginSession {
  const sessionKey = sessionKeyOf(options)
  let handle: unknown

  // Read anew each time: regenerating replaces it.
  const current = (): Session => {
    const session = host.read()
    if (!isRecord(session)) {
      throw new OtpError(
        'ERR_OTP_MISUSE',
        `There is no session to open: mount ${host.library} before the routes of this package, or sign in ` +
          'with { session: false }',
      )
    }
    if (typeof session.regenerate !== 'function' || typeof session.save !== 'function') {
      throw new OtpError(
        'ERR_OTP_MISUSE',
        'The session has no regenerate() and save(), without which it could be fixed by someone ' +
          `else before the login: use ${host.library}`,
      )
    }
    return session as Session // both methods are there
  }
  const regenerate = () => settled((callback) => current().regenerate(callback))
  const save = () => settled((callback) => current().save(callback))

  return {
    get exists() {
      return isRecord(host.read())
    },
    prepare(keep = false) {
      const session = current()
      handle ??= session[sessionKey]
      delete session[sessionKey]
      cleanReturnTo(session)
      if (host.keepsData && !keep) clear(session)
    },
    regenerate,
    save,
    async undo() {
      if (!isRecord(host.read())) return false
      if (host.keepsData) clear(current())
      const keeps = options.binding === 'session' && handle !== undefined
      try {
        await regenerate()
      } finally {
        // The same code may be tried again, which needs the handle.
        if (keeps) {
          current()[sessionKey] = handle
          // koa-session compares with what it read, and would find nothing changed.
          await save()
        }
      }
      return keeps
    },
  }
}

/**
 * Of a session that its cookie holds. Nobody who knew the cookie from before the login knows the one after it: it is
 * enough that nothing is kept.
 */
export function createCookieSession(host: HostSession): LoginSession {
  const empty = () => {
    const session = host.read()
    if (isRecord(session)) for (const key of Object.keys(session)) delete session[key]
  }
  return {
    get exists() {
      return isRecord(host.read())
    },
    prepare: empty,
    async regenerate() {},
    async save() {},
    async undo() {
      empty()
      return false
    },
  }
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
