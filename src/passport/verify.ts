import type { Identity } from '../outcomes.js'

/** Gives the user, or `false` when there is none, as Passport's own strategies do. */
export type VerifyDone = (error: unknown, user?: unknown, info?: unknown) => void

/**
 * Finds the user of a proven number: as a function that returns the user, or a promise of it, or as
 * one that calls `done`. It has 30 s. What it throws is an error, never a login, and the same code can be tried
 * again; `false` uses the code up, and the `message` of its `info` is what the person is told.
 */
export type Verify = (identity: Identity, done: VerifyDone) => unknown

/** The same with Express' request, or Koa's context, before it: `passReqToCallback`. */
export type VerifyWithRequest = {
  // A method, so that it may say which framework's it takes.
  verify(req: object, identity: Identity, done: VerifyDone): unknown
}['verify']

export interface Verdict {
  user: unknown
  info?: unknown
}

/** Asks the app about a proven number. */
export type AskApp = (key: object, identity: Identity) => Promise<Verdict>

/** Takes either form of the verify function. Its first answer counts. */
export function createAskApp(
  verify: (...args: never[]) => unknown,
  passReqToCallback: boolean,
): AskApp {
  // A function that takes `done` answers by it, also when it is an async one.
  const callsBack = verify.length > (passReqToCallback ? 2 : 1)
  const run = verify as (...args: unknown[]) => unknown // with what its types say
  return (key, identity) =>
    new Promise((resolve, reject) => {
      const done: VerifyDone = (error, user, info) => {
        if (error) reject(error)
        else resolve({ user, info })
      }
      const ask = async () => {
        const user: unknown = await run(...(passReqToCallback ? [key] : []), identity, done)
        if (!callsBack) resolve({ user })
      }
      ask().catch(reject)
    })
}
