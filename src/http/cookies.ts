import type { HttpOptions } from '../options/options.js'
import type { HttpRequest } from './request.js'

/**
 * Which of our cookies: the handle's, the kept outcome's, the mark of a known browser, or the blank
 * that comes with a page.
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
}

export function createCookies(
  { cookie, production }: Pick<HttpOptions, 'cookie' | 'production'>,
  { headers, secure: https }: Pick<HttpRequest, 'headers' | 'secure'>,
): Cookies {
  const secure = production || https
  const names = cookieNames(cookie, secure)
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

  const set = (kind: CookieKind, value: string, seconds: number) => {
    written.set(kind, `${names[kind]}=${value}; Max-Age=${seconds}; ${attributes}`)
  }
  return {
    read: (kind) => readCookie(headers.cookie ?? '', names[kind]),
    set,
    clear: (kind) => set(kind, '', 0),
    lines: () => [...written.values()],
  }
}

function cookieNames(
  { name, domain }: HttpOptions['cookie'],
  secure: boolean,
): Record<CookieKind, string> {
  const bound = secure && domain === undefined
  let handle = name ?? (bound ? '__Host-otp' : 'otp')
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

/** Two different values under one name: someone else has set one of them, so neither counts. */
function readCookie(header: string, name: string): string | undefined {
  const values = new Set<string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) {
      values.add(pair.slice(equals + 1).trim())
    }
  }
  const [value] = values
  return values.size === 1 && value !== '' ? value : undefined
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
