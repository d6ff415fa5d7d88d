import type { IncomingHttpHeaders } from 'node:http'
import { OtpError } from '../errors.js'
import type { HttpOptions } from '../options/options.js'
import type { Host } from '../validate.js'
import { createProblem, type Problem, ProblemError } from './problem.js'

/** What an adapter takes out of its framework's request. */
export interface HttpRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** As the app's parser left it; `undefined` when none ran. */
  readonly body: unknown
  /** Where the framework says that the request comes from. */
  readonly address: unknown
  /** How the app around it is set up, as far as an adapter knows. */
  readonly host: Host | undefined
  /** It came over https, as the framework sees it. */
  readonly secure: boolean
  /** The app's session. A function, because looking at a session can be enough to create one. */
  session(): unknown
  /** Asks the app whether its own token is right, where it has one. */
  readonly csrf?: (() => unknown) | undefined
}

/** Reads a text field of the body; a `null` is as good as nothing. */
export type ReadField = (name: keyof HttpOptions['fields']) => string | undefined

const json = 'application/json'
const urlencoded = 'application/x-www-form-urlencoded'

/**
 * The problem of a request that must not reach the flow, whatever its fields say. All of it costs no
 * limit, no Redis and no tyntec.
 */
export function refuse(options: HttpOptions, request: HttpRequest): Problem | undefined {
  const { method, headers } = request
  if (method !== 'POST') return createProblem(options, { status: 'bad_request' }, { status: 405 })
  if (isCrossSite(options, headers)) return createProblem(options, { status: 'cross_site' })
  if (isPrefetch(headers)) return createProblem(options, { status: 'bad_request' })
  const type = contentType(headers)
  if (hasBody(headers) && type !== json && type !== urlencoded) {
    return createProblem(options, { status: 'bad_request' })
  }
  return undefined
}

/**
 * Reads the body's own fields by the names the app gave them.
 *
 * @throws {OtpError} `ERR_OTP_MISUSE` when no parser has read the body
 * @throws {ProblemError} `bad_request` when it is no object, or the field no text
 */
export function createFieldReader(options: HttpOptions, request: HttpRequest): ReadField {
  return (field) => {
    const name = options.fields[field]
    const body = bodyOf(options, request)
    // Never what a prototype holds, polluted or not, nor what a getter makes up at each look.
    const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value ?? undefined
    if (value === undefined || typeof value === 'string') return value
    throw new ProblemError(createProblem(options, { status: 'bad_request' }, { field: name }))
  }
}

function bodyOf(options: HttpOptions, { headers, body }: HttpRequest): object {
  if (body === undefined && hasBody(headers) && !isEmpty(headers)) {
    const cause = new OtpError(
      'ERR_OTP_MISUSE',
      `No parser has read a body of the type ${contentType(headers)}: mount one before the routes ` +
        'of this package, like express.json() and express.urlencoded(), or bodyParser() for Koa',
    )
    throw new ProblemError(
      createProblem(options, { status: 'bad_request' }),
      options.validate.has('bodyParser') ? { cause } : undefined,
    )
  }
  const fields = body === undefined ? {} : body
  if (isRecord(fields)) return fields
  throw new ProblemError(createProblem(options, { status: 'bad_request' }))
}

/** A page's form, whose answer the browser shows as a page. */
export function isForm({ headers }: HttpRequest): boolean {
  return contentType(headers) === urlencoded && !/json/i.test(headers.accept ?? '')
}

/** The browser loads ahead of a click that may never come. */
export function isPrefetch(headers: IncomingHttpHeaders): boolean {
  return /prefetch|prerender/i.test(`${one(headers, 'sec-purpose')} ${one(headers, 'purpose')}`)
}

/**
 * Whether another site's page sent it. Browsers tell, and pages can't change what they tell; a
 * request that says nothing comes from no browser.
 */
function isCrossSite(options: HttpOptions, headers: IncomingHttpHeaders): boolean {
  const site = one(headers, 'sec-fetch-site')
  const origin = one(headers, 'origin')
  // The page's own policy may be to send no referrer, as Helmet has it by default: then the origin
  // of its forms is null, while that of a sandboxed page of others would make the site cross-site.
  if (origin === 'null') return site !== 'same-origin'

  const trusted = origin === '' ? undefined : isTrusted(options, headers, origin)
  if (trusted === false) return true
  switch (site) {
    case 'same-origin':
    case 'none':
      return false
    case 'same-site':
      return !(trusted && options.origins.length > 0)
    case 'cross-site':
      // The app has said that its page lives on another site, and which one.
      return !(trusted && options.origins.length > 0 && options.cookie.sameSite === 'none')
    case '': {
      const referer = one(headers, 'referer')
      if (trusted || referer === '') return false
      return !URL.canParse(referer) || !isTrusted(options, headers, new URL(referer).origin)
    }
    default:
      return true
  }
}

function isTrusted(
  { origins }: HttpOptions,
  headers: IncomingHttpHeaders,
  origin: string,
): boolean {
  if (origins.length > 0) return origins.includes(origin)
  return URL.canParse(origin) && new URL(origin).host === headers.host?.toLowerCase()
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length']
  if (length !== undefined) return Number(length) !== 0
  // HTTP/2 needs neither of the two that HTTP/1 has.
  return headers['transfer-encoding'] !== undefined || contentType(headers) !== ''
}

/** A type and nothing of it: in HTTP/1 a body has a length, or comes in chunks. Anybody can send that. */
function isEmpty(headers: IncomingHttpHeaders): boolean {
  return (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers[':path'] === undefined
  )
}

function contentType(headers: IncomingHttpHeaders): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1)
  return type.trim().toLowerCase()
}

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.join(', ') ?? '')
}

function isRecord(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  )
}
