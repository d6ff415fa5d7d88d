import type { Reply } from './reply.js'

/** By their names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What stands in an answer before its body. */
export type Head = Pick<Reply, 'headers' | 'vary' | 'cookies'>

/** One request, as the framework of the app lends it. Nothing else in here knows a framework. */
export interface Host {
  /** The framework's own object, by which a request is known again. */
  readonly key: object
  readonly method: string
  /** As the client asked for it, before a router has cut the path: with its query. */
  readonly url: string
  readonly headers: Headers
  /** As the app's parser left it; `undefined` when none ran. */
  readonly body: unknown
  /** Where the framework says that the request comes from. */
  readonly address: unknown
  /** It came over https, as the framework sees it. */
  readonly secure: boolean
  readonly session: HostSession
  readonly head: HostHead
  /** How the app around it is set up, as far as it can be seen. */
  readonly app: HostApp | undefined
  /** The client went away before it had its answer. */
  gone(): boolean
}

/** The head of the answer, as far as it isn't sent. */
export interface HostHead {
  readonly sent: boolean
  /** Adds to what the app has there. */
  add(head: Head): void
  /** Gives what makes the answer again what it is now. What is sent by then, is sent. */
  keep(): () => void
}

/** The app's session around one request. */
export interface HostSession {
  /** Which library has it, or should. */
  readonly library: string
  /** Renewing gives it another name and keeps what is in it. */
  readonly keepsData: boolean
  /** As the app sees it, or nothing where there is none. Looking can be enough to create one. */
  read(): unknown
  /** A library whose cookie holds all of it: there is nothing to make anew, and nothing to save. */
  inCookie(): boolean
  /** The name that its store knows it by. There is none where the cookie holds the session itself. */
  id(): string | undefined
  /**
   * Lets the answer neither save the session nor set its cookie, unless the app itself changes it from here
   * on: an old session that comes back would sign out a browser that another request has signed in.
   */
  leave(): void
  /**
   * Makes another session of the store the one of this request, and of the browser that gets its answer. False
   * when it isn't there, or can't be taken over.
   */
  adopt(id: string): Promise<boolean>
  /** Ends another session of the store. */
  end(id: string): Promise<void>
}

export interface HostApp {
  /** The name of its package. */
  readonly framework: 'express' | 'koa'
  /** Which proxies it believes: none, so many or those of a list, or any that says to be one. */
  readonly proxies: 'none' | 'some' | 'all'
  /** How it is told to believe one. */
  readonly trustOne: string
}

/** A host for the handlers of its framework. */
export interface RouteHost<Context extends unknown[]> extends Host {
  /** What handlers of the framework get. */
  readonly context: Context
  /** Which of these types of content the client likes best; the first one when it takes any. */
  accepts(types: string[]): string | false
  /** Which of these languages the client likes best. */
  acceptsLanguage(languages: string[]): string | false
  /** Somebody is signed in already, as Passport has it. */
  signedIn(): boolean
  /** The app's own code has written the answer. */
  answered(): boolean
  /** For an answer whose body the app writes. */
  setStatus(status: number): void
  /** Runs Passport's middleware in the way of the framework. */
  run(middleware: (...args: unknown[]) => unknown, done: (error?: unknown) => void): unknown
  /** Passport's own login. */
  logIn(user: unknown, options: LogInOptions): Promise<void>
}

/** What Passport's `logIn` takes. */
export interface LogInOptions {
  /** @default true */
  session?: boolean | undefined
  /** Keeps what the session before the login held. @default false */
  keepSessionInfo?: boolean | undefined
}
