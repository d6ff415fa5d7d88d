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
  const host = shown(one(headers, 'host'))
  const own = options.origins.length > 0 ? options.origins.join(', ') : host
  return (
    `a request with Sec-Fetch-Site ${shown(site)}, Origin ${shown(origin)} and Host ${host} ` +
    `was compared with ${own}`
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

const sites: ReadonlySet<string> = new Set(['same-origin', 'same-site', 'cross-site', 'none'])

/** An origin, or a host with its port, and nothing beside it: strangers choose the text, and it goes into logs. */
const place = /^([a-z][a-z\d+.-]{0,30}:\/\/)?([a-z\d.-]{1,100}|\[[a-f\d:.]{2,45}\])(:\d{1,5})?$/i

function shown(text: string): string {
  if (text === '') return '(none)'
  return sites.has(text) || place.test(text) ? text : '(malformed)'
}
