import type { HttpOptions } from '../options/options.js'
import { one } from './headers.js'
import type { Headers } from './host.js'

/**
 * By what a request is known to come from another site's page, for the operator. Browsers tell, and pages can't
 * change what they tell; a request that says nothing comes from no browser.
 */
export function findForeign(options: HttpOptions, headers: Headers): string | undefined {
  const site = one(headers, 'sec-fetch-site')
  const origin = one(headers, 'origin')
  if (!isForeign(options, headers, site, origin)) return undefined
  const compared = options.origins.length > 0 ? options.origins.join(', ') : one(headers, 'host')
  return (
    `a request with Sec-Fetch-Site ${shown(site)}, Origin ${shown(origin)} and Host ` +
    `${shown(one(headers, 'host'))} was compared with ${shown(compared)}`
  )
}

function isForeign(options: HttpOptions, headers: Headers, site: string, origin: string): boolean {
  // The page's own policy may be to send no referrer, as Helmet has it by default: then the origin
  // of its forms is null, while that of a sandboxed page of others would make the site cross-site.
  if (origin === 'null') return site !== 'same-origin'

  const trusted = origin === '' ? undefined : isTrusted(options, headers, origin)
  if (trusted === false) return true
  const listed = trusted === true && options.origins.length > 0
  switch (site) {
    case 'same-origin':
    case 'none':
      return false
    case 'same-site':
      return !listed
    case 'cross-site':
      // The app has said that its page, or its hybrid app, lives on another site, and which one. A token is
      // sent by the page's own code alone, while a cookie would come along by itself.
      return !(listed && (options.cookie.sameSite === 'none' || options.binding === 'token'))
    case '': {
      const referer = one(headers, 'referer')
      if (trusted || referer === '') return false
      return !URL.canParse(referer) || !isTrusted(options, headers, new URL(referer).origin)
    }
    default:
      return true
  }
}

function isTrusted({ origins }: HttpOptions, headers: Headers, origin: string): boolean {
  if (origins.length > 0) return origins.includes(origin)
  return URL.canParse(origin) && new URL(origin).host === one(headers, 'host').toLowerCase()
}

/** Printable, and not long: strangers choose it. */
function shown(text: string): string {
  const plain = text.slice(0, 200).replaceAll(/[^!-~ ]/g, '?')
  return plain === '' ? '(none)' : plain
}
