import { OtpError } from '../errors.js'
import type { HttpOptions } from '../options/options.js'
import { findForeign } from './foreign.js'
import { one } from './headers.js'
import type { Headers, Host } from './host.js'
import { createProblem, ProblemError } from './problem.js'

/** Reads a text field of the body; a `null` is as good as nothing. */
export type ReadField = (name: keyof HttpOptions['fields']) => string | undefined

const json = 'application/json'
const urlencoded = 'application/x-www-form-urlencoded'
const wantsJson = /json/i
const ahead = /prefetch|prerender/i

/**
 * Why a request must not reach the flow, whatever its fields say. All of it costs no limit, no Redis and no
 * tyntec.
 */
export function refuse(options: HttpOptions, host: Host): ProblemError | undefined {
  const { method, headers } = host
  const badRequest = (status?: number) =>
    new ProblemError(createProblem(options, { status: 'bad_request' }, status ? { status } : {}))
  if (method !== 'POST') return badRequest(405)
  const foreign = findForeign(options, headers)
  if (foreign !== undefined) {
    return new ProblemError(createProblem(options, { status: 'cross_site' }), { cause: foreign })
  }
  if (isPrefetch(headers)) return badRequest()
  const type = contentType(headers)
  return hasBody(headers) && type !== json && type !== urlencoded ? badRequest() : undefined
}

/**
 * Reads the body's own fields by the names the app gave them.
 *
 * @throws {OtpError} `ERR_OTP_MISUSE` when no parser has read the body
 * @throws {ProblemError} `bad_request` when it is no object, or the field no text
 */
export function createFieldReader(options: HttpOptions, host: Host): ReadField {
  return (field) => {
    const name = options.fields[field]
    const body = bodyOf(options, host)
    // Never what a prototype holds, polluted or not, nor what a getter makes up at each look.
    const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value ?? undefined
    if (value === undefined || typeof value === 'string') return value
    throw new ProblemError(createProblem(options, { status: 'bad_request' }, { field: name }))
  }
}

function bodyOf(options: HttpOptions, { headers, body }: Host): object {
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
export function isForm({ headers }: Host): boolean {
  return contentType(headers) === urlencoded && !wantsJson.test(one(headers, 'accept'))
}

/** The browser loads ahead of a click that may never come. */
export function isPrefetch(headers: Headers): boolean {
  return ahead.test(`${one(headers, 'sec-purpose')} ${one(headers, 'purpose')}`)
}

function hasBody(headers: Headers): boolean {
  const length = headers['content-length']
  if (length !== undefined) return Number(length) !== 0
  // HTTP/2 needs neither of the two that HTTP/1 has.
  return headers['transfer-encoding'] !== undefined || contentType(headers) !== ''
}

/** A type and nothing of it: in HTTP/1 a body has a length, or comes in chunks. Anybody can send that. */
function isEmpty(headers: Headers): boolean {
  return (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers[':path'] === undefined
  )
}

function contentType(headers: Headers): string {
  const [type = ''] = one(headers, 'content-type').split(';', 1)
  return type.trim().toLowerCase()
}

function isRecord(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  )
}
