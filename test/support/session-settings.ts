import type { AppOptions } from './app.js'

export type SessionSettings = NonNullable<AppOptions['session']>

/** All that the session libraries can be told about when they write a session and set its cookie. */
export const sessionSettings: Record<'express' | 'koa', SessionSettings[]> = {
  express: combinations(['resave', 'saveUninitialized', 'rolling']),
  koa: combinations(['rolling', 'renew', 'autoCommit']),
}

function combinations(names: (keyof SessionSettings)[]): SessionSettings[] {
  return names.reduce<SessionSettings[]>(
    (all, name) =>
      all.flatMap((each) => [true, false].map((value) => ({ ...each, [name]: value }))),
    [{ maxAge: 3_600_000 }],
  )
}
