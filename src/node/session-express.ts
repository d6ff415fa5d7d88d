import type { HostSession } from '../http/host.js'

/** What express-session puts on a request. Without it there is nothing. */
export interface SessionRequest {
  session?: unknown
  sessionID?: unknown
  sessionStore?: unknown
  sessionOptions?: unknown
}

interface Store {
  get(id: string, done: (error: unknown, data?: unknown) => void): void
  createSession(req: object, data: unknown): object
  destroy(id: string, done: (error?: unknown) => void): void
}

/** The session of express-session, and of what is made like it. */
export function createExpressSession(request: object): HostSession {
  const req = request as SessionRequest // of which a request without sessions has nothing
  const store = () => (isStore(req.sessionStore) ? req.sessionStore : undefined)
  return {
    library: 'express-session',
    keepsData: false,
    // What cookie-session puts on a request, and express-session does not.
    inCookie: () => req.sessionOptions !== undefined && req.sessionStore === undefined,
    read: () => req.session,
    id: () => (store() && typeof req.sessionID === 'string' ? req.sessionID : undefined),
    leave: () => leave(req),
    async adopt(id) {
      const from = store()
      const data = from && (await called((done) => from.get(id, done)))
      if (!from || !data) return false
      defineId(req, { value: id, writable: true })
      const session = from.createSession(req, data)
      // Its cookie is set because it is another one than the request's. It is not written once more, which
      // would bring it back if its owner has signed out meanwhile.
      const save = (done?: () => void) => {
        done?.()
        return session
      }
      Object.defineProperty(session, 'save', { value: save, configurable: true, writable: true })
      return true
    },
    async end(id) {
      const from = store()
      if (from) await called((done) => from.destroy(id, done))
    },
  }
}

/** express-session neither saves, nor touches, nor sets the cookie of a session without an id. */
function leave(req: SessionRequest): void {
  const { sessionID } = req
  if (typeof sessionID !== 'string') return
  left.set(req, { id: sessionID, text: textOf(req.session) })
  defineId(req, idOfLeft)
}

/** What sessions were when they were left, by their requests. */
const left = new WeakMap<object, { id: string; text: string | undefined }>()

/** Made once: with functions of its own each request would be of a kind of its own to the engine. */
const idOfLeft: PropertyDescriptor & ThisType<SessionRequest> = {
  get() {
    const { id, text } = left.get(this) ?? {}
    return textOf(this.session) === text ? undefined : id
  },
  set(id: unknown) {
    defineId(this, { value: id, writable: true })
  },
}

function defineId(req: object, id: PropertyDescriptor): void {
  Object.defineProperty(req, 'sessionID', { configurable: true, enumerable: true, ...id })
}

/** What is in it, as express-session compares it: all but its cookie. */
function textOf(session: unknown): string | undefined {
  if (typeof session !== 'object' || session === null) return undefined
  // Most are of people who have not signed in yet, and hold nothing.
  if (Object.keys(session).every((name) => name === 'cookie')) return '{}'
  return JSON.stringify(session, function only(this: unknown, key: string, value: unknown) {
    return this === session && key === 'cookie' ? undefined : value
  })
}

function isStore(store: unknown): store is Store {
  const methods: (keyof Store)[] = ['get', 'createSession', 'destroy']
  const given = store as Partial<Store> | null | undefined // or anything
  return methods.every((name) => typeof given?.[name] === 'function')
}

function called(run: (done: (error?: unknown, value?: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    run((error, value) => {
      // Some stores tell so of a session that is not there.
      if (error && (error as { code?: unknown }).code !== 'ENOENT') reject(asError(error))
      else resolve(value)
    })
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The session failed', { cause: error })
}
