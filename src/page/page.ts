import { createHash } from 'node:crypto'
import type { ResolvedPage } from './options.js'
import { renderPage } from './render.js'
import { script } from './script.js'
import { type PageFacts, stateOf } from './state.js'
import { stylesheet } from './style.js'
import type { PageView } from './view.js'

/** What the page has to know of the app around it. */
export interface PageApp extends Pick<
  PageView,
  'fields' | 'channels' | 'countries' | 'example' | 'codeLength' | 'codeAlphabet' | 'next'
> {
  /** Where form posts may lead, besides this app: URLs. */
  targets: readonly string[]
}

/** What the page has to know of one request. */
export interface PageRequest {
  /** As the browser asked for it, before any router has cut it: with or without a query. */
  url: string
  /** Whether it is the page's own address, and not that of a route below. */
  atMount: boolean
  /** Which of these languages the browser likes best, or `false`. */
  language: (offered: string[]) => string | false
  /** Fields for each form to take along. */
  hidden?: Record<string, string> | undefined
  facts: PageFacts
  /** HTTP status, where the page is not what was asked for. */
  status?: number | undefined
}

/** An answer, as `http` has it. */
export interface PageReply {
  status: number
  headers: Record<string, string>
  vary: string
  body: string
}

export interface Page {
  show(request: PageRequest): PageReply
  /** The stylesheet or the script, by the last part of its path. */
  file(name: string): PageReply | undefined
}

export function createPage(page: ResolvedPage, { targets, ...app }: PageApp): Page {
  const css = createFile('css', 'text/css', stylesheet(page.colors))
  const js = createFile('js', 'text/javascript', script)
  const headers = pageHeaders(page, targets)
  return {
    file(name) {
      const [, kind] = /^otp-[0-9a-f]{12}\.(css|js)$/.exec(name) ?? []
      if (kind === undefined) return undefined
      const [own, reply] = kind === 'css' ? css : js
      // A process with an older or newer version has given the name, and does not answer this time.
      const headers = { ...reply.headers, 'Cache-Control': 'no-cache' }
      return name === own ? reply : { ...reply, headers }
    },
    show({ url, atMount, language, hidden = {}, facts, status = 200 }) {
      const chosen = language([...page.languages]) || page.languages[0]
      const texts = page.texts.get(chosen) ?? page.texts.get(page.languages[0])
      if (!texts) throw new Error('No texts for the first language') // resolvePage has seen them
      const view = {
        ...app,
        page,
        texts,
        language: chosen,
        base: baseOf(url, atMount),
        files: { style: css[0], script: js[0] },
        hidden,
      }
      const body = renderPage(view, stateOf(facts))
      return {
        status,
        headers: { ...headers, 'Content-Language': chosen },
        vary: 'Cookie, Accept, Accept-Language',
        body,
      }
    },
  }
}

/** A browser keeps it: what changes has another name. */
function createFile(kind: string, type: string, body: string): [name: string, reply: PageReply] {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
  const headers = {
    'Content-Type': `${type}; charset=utf-8`,
    'Cache-Control': 'public, max-age=31536000, immutable',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
  }
  return [`otp-${hash}.${kind}`, { status: 200, headers, vary: '', body }]
}

function pageHeaders({ logo }: ResolvedPage, targets: readonly string[]): Record<string, string> {
  const policy = {
    'default-src': [`'none'`],
    'style-src': [`'self'`],
    'script-src': [`'self'`],
    'connect-src': [`'self'`],
    'img-src': [`'self'`, 'data:', ...originsOf([logo])],
    // Browsers hold the redirect after a form to this as well.
    'form-action': [`'self'`, ...originsOf(targets)],
    'frame-ancestors': [`'none'`],
    'base-uri': [`'none'`],
  }
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': Object.entries(policy)
      .map(([name, values]) => `${name} ${values.join(' ')}`)
      .join('; '),
    // For browsers that do not know frame-ancestors.
    'X-Frame-Options': 'DENY',
    'Permissions-Policy': 'otp-credentials=(self), camera=(), geolocation=(), microphone=()',
    'X-Content-Type-Options': 'nosniff',
    // Not no-referrer: with that, the forms of the page would name no origin.
    'Referrer-Policy': 'same-origin',
  }
}

function originsOf(urls: readonly (string | undefined)[]): string[] {
  const origins = urls.flatMap((url) => (url && URL.canParse(url) ? [new URL(url).origin] : []))
  return [...new Set(origins)]
}

/**
 * The way from a page's address to the routes, relative, so that a proxy may have cut the path. A
 * browser reads `./send` from `/login/` and `/login/check` as `/login/send`, from `/login` it needs
 * `./login/send`.
 */
function baseOf(url: string, atMount: boolean): string {
  const [path = ''] = url.split('?', 1)
  const last = path.slice(path.lastIndexOf('/') + 1)
  if (atMount) return last === '' ? './' : `./${last}/`
  return last === '' ? '../' : './'
}
