import type { HttpOptions } from '../options/options.js'
import type { Host } from './host.js'

/**
 * Which of our cookies: the handle's, the kept outcome's, the mark of a known browser, or what comes with a
 * page.
 */
export type CookieKind = 'handle' | 'outcome' | 'device' | 'page'

/** Seconds that a browser stays known: half a year. */
const deviceKept = 180 * 24 * 60 * 60

/** The cookies of one request and its answer. */
export interface Cookies {
  read(kind: CookieKind): string | undefined
  /** An answer has at most one of each kind: the last one set. */
  set(kind: CookieKind, value: string, seconds: number): void
  clear(kind: CookieKind): void
  /** `Set-Cookie` lines. */
  lines(): string[]
  /** Gives what makes them again what they are now. */
  keep(): () => void
}

export function createCookies(
  { cookie, name, production }: Pick<HttpOptions, 'cookie' | 'name' | 'production'>,
  { headers, secure: https }: Pick<Host, 'headers' | 'secure'>,
): Cookies {
  const secure = production || https
  const names = cookieNames(cookie, name, secure)
  // Without https no browser takes a cookie for cross-site pages, and a page on localhost is same-site.
  const sameSite = secure || cookie.sameSite !== 'none' ? cookie.sameSite : 'lax'
  const attributes = [
    'Path=/',
    ...(cookie.domain === undefined ? [] : [`Domain=${cookie.domain}`]),
    'HttpOnly',
    ...(secure ? ['Secure'] : []),
    `SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`,
  ].join('; ')
  const written = new Map<CookieKind, string>()
  let given: ReadonlyMap<string, string> | undefined

  const set = (kind: CookieKind, value: string, seconds: number) => {
    written.set(kind, `${names[kind]}=${value}; Max-Age=${seconds}; ${attributes}`)
  }
  return {
    read(kind) {
      given ??= readCookies(String(headers.cookie ?? ''))
      return given.get(names[kind]) || undefined
    },
    set,
    clear: (kind) => set(kind, '', 0),
    lines: () => [...written.values()],
    keep() {
      const kept = [...written]
      return () => {
        written.clear()
        for (const [kind, line] of kept) written.set(kind, line)
      }
    },
  }
}

function cookieNames(
  { name, domain }: HttpOptions['cookie'],
  flow: string,
  secure: boolean,
): Record<CookieKind, string> {
  const bound = secure && domain === undefined
  // Flows on one host keep apart. No name of a flow has a dot.
  const own = flow === 'login' ? 'otp' : `otp.${flow}`
  let handle = name ?? (bound ? `__Host-${own}` : own)
  // A browser refuses a cookie whose attributes don't keep what its prefix promises.
  if (!bound) handle = handle.replace(/^__Host-/i, '')
  if (!secure) handle = handle.replace(/^__Secure-/i, '')
  return {
    handle,
    outcome: `${handle}-outcome`,
    device: `${handle}-device`,
    page: `${handle}-page`,
  }
}

/**
 * The cookies of a header. Only spaces and tabs around a name are not part of it (RFC 6265, 5.2): a browser keeps
 * every other character, so a name without it would be one that another host could have set. A name that is there
 * twice was set by two, of which at the most one is the app, and has no value.
 */
function readCookies(header: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const name = trimmed(pair.slice(0, equals))
    values.set(name, values.has(name) ? '' : trimmed(pair.slice(equals + 1)))
  }
  return values
}

function trimmed(text: string): string {
  const isSpace = (index: number) => text[index] === ' ' || text[index] === '\t'
  let start = 0
  let end = text.length
  while (start < end && isSpace(start)) start += 1
  while (end > start && isSpace(end - 1)) end -= 1
  return text.slice(start, end)
}

/** At a sign-in the handle has had its day, and the browser is known from now on. */
export function markBrowser(
  { binding }: Pick<HttpOptions, 'binding'>,
  cookies: Cookies,
  device: string,
): void {
  if (binding === 'cookie') {
    cookies.clear('handle')
    cookies.clear('page')
  }
  // A client that keeps tokens has no cookies to keep.
  if (binding !== 'token') cookies.set('device', device, deviceKept)
}
