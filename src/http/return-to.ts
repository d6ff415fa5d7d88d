/** Where apps, and Passport, keep the page that a person was on the way to. */
const key = 'returnTo'

/** Longer than any page's own address. */
const longest = 2048

/** Which one it is does not matter: what is read and given is only ever a path. */
const origin = 'https://app.invalid'

/**
 * The path of this app that a text leads a browser to. `undefined` when it may lead anywhere else.
 * What is given is not the text but what a browser makes of it.
 */
export function ownPath(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > longest) return undefined
  // Printable ASCII: browsers leave out tabs and line breaks. No backslash: they read it as a slash.
  if (!/^\/(?!\/)[!-[\]-~]*$/.test(text) || !URL.canParse(text, origin)) return undefined
  const url = new URL(text, origin)
  const path = url.pathname + url.search + url.hash
  // `/.//evil.example` is on this origin, and comes down to `//evil.example`, which is not.
  return url.origin === origin && !path.startsWith('//') ? path : undefined
}

/** Where the app has noted that the person was going, if that is a path of the app. */
export function readReturnTo(session: unknown): string | undefined {
  return isRecord(session) && Object.hasOwn(session, key) ? ownPath(session[key]) : undefined
}

/** Leaves nothing there that a redirect must not follow. */
export function cleanReturnTo(session: unknown): void {
  if (!isRecord(session) || !Object.hasOwn(session, key)) return
  const path = ownPath(session[key])
  if (path === undefined) delete session[key]
  else session[key] = path
}

/**
 * Puts a path there for the rest of the request. Stores see nothing of it: neither JSON nor
 * koa-session take a property that isn't enumerable.
 */
export function lendReturnTo(session: unknown, path: string | undefined): void {
  if (!isRecord(session)) return
  delete session[key]
  if (path === undefined) return
  Object.defineProperty(session, key, { value: path, configurable: true, writable: true })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
