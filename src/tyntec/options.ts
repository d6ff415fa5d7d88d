import { OtpError } from '../errors.js'
import { isLoopback } from './loopback.js'
import { proxyOf } from './proxy.js'

export { isLoopback }

/** What `createTyntecClient` takes. Every duration is in seconds. */
export interface TyntecClientOptions {
  /**
   * Key of your tyntec account, sent as the `apikey` header and nowhere else. A function is asked
   * again after 60 s and after tyntec has refused the key, so that a key can be rotated.
   */
  apiKey: string | (() => string | Promise<string>)

  /**
   * Where the API is. Has to be https, but for a host of loopback; certificates are always checked.
   *
   * @default 'https://api.tyntec.com'
   */
  baseUrl?: string | undefined

  /**
   * Seconds a connection may take to open, TLS included.
   *
   * @default 2
   */
  connectTimeout?: number | undefined

  /**
   * Seconds a whole call may take: a key function, the connection and the answer with its body.
   *
   * @default 8
   */
  timeout?: number | undefined

  /**
   * Bytes of an answer's body that are read at most. A longer answer is an error.
   *
   * @default 65536
   */
  maxBody?: number | undefined

  /**
   * Connections open at once. A call beyond them waits for one, within its `timeout`.
   *
   * @default 50
   */
  connections?: number | undefined

  /**
   * Goes through the proxy that `https_proxy` or `HTTPS_PROXY` names, but not to hosts that `no_proxy` or
   * `NO_PROXY` names and never to loopback. The proxy sees a host name and nothing of what is said:
   * certificates are tyntec's at the far end. `false` looks at no such variable.
   *
   * @default true
   */
  proxy?: boolean | undefined

  /**
   * Sends a read once more when its connection breaks before an answer, within its `timeout`. What sends,
   * changes or deletes something is sent once, whatever this says.
   *
   * @default true
   */
  repeatReads?: boolean | undefined
}

export interface ResolvedTyntecOptions {
  apiKey: string | (() => string | Promise<string>)
  origin: string
  /** What stands before `/2fa`: empty, or a path without a slash at its end. */
  basePath: string
  connectTimeout: number
  timeout: number
  maxBody: number
  connections: number
  /** The proxy's URL, which may hold a password. */
  proxy: string | undefined
  repeatReads: boolean
}

const names = [
  'apiKey',
  'baseUrl',
  'connectTimeout',
  'timeout',
  'maxBody',
  'connections',
  'proxy',
  'repeatReads',
]

/** The one place where the client's defaults live and its options are checked. */
export function resolveTyntecOptions(options: TyntecClientOptions): ResolvedTyntecOptions {
  if (typeof options !== 'object' || options === null) {
    throw new OtpError('ERR_OTP_OPTIONS', '"options" must be an object.')
  }
  const unknown = Object.keys(options).some((name) => !names.includes(name))
  if (unknown) throw new OtpError('ERR_OTP_OPTIONS', `"options" may hold ${names.join(', ')}.`)

  const { apiKey, baseUrl = 'https://api.tyntec.com', proxy = true, repeatReads = true } = options
  if (typeof apiKey !== 'function' && !isApiKey(apiKey)) {
    throw invalid('apiKey', 'a string of visible ASCII characters, or a function that gives one')
  }
  if (typeof proxy !== 'boolean') throw invalid('proxy', 'true or false')
  if (typeof repeatReads !== 'boolean') throw invalid('repeatReads', 'true or false')
  const { origin, basePath } = parseBaseUrl(baseUrl)
  return {
    apiKey,
    origin,
    basePath,
    proxy: proxy ? proxyOf(origin) : undefined,
    repeatReads,
    connectTimeout: positive('connectTimeout', options.connectTimeout ?? 2, 600),
    timeout: positive('timeout', options.timeout ?? 8, 600),
    maxBody: whole('maxBody', options.maxBody ?? 65_536),
    connections: whole('connections', options.connections ?? 50),
  }
}

/** HTTP clients put an illegal header value into their error message, so none may get that far. */
export function isApiKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 1024 && /^[\x21-\x7e]+$/.test(value)
}

function parseBaseUrl(baseUrl: unknown): { origin: string; basePath: string } {
  const expected = 'an https URL (http for loopback only) without credentials, query or fragment'
  // Checked as text as well, because URL parsing forgives spaces, backslashes and an empty `?`.
  if (typeof baseUrl !== 'string' || !/^https?:\/\/[^\s\\?#@]+$/i.test(baseUrl)) {
    throw invalid('baseUrl', expected)
  }
  if (!URL.canParse(baseUrl)) throw invalid('baseUrl', expected)
  const url = new URL(baseUrl)
  if (url.protocol !== 'https:' && !isLoopback(url.hostname)) throw invalid('baseUrl', expected)
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') }
}

function positive(name: string, value: unknown, most: number): number {
  if (typeof value === 'number' && value > 0 && value <= most) return value
  throw invalid(name, `a number of seconds above 0, up to ${most}`)
}

function whole(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw invalid(name, 'a whole number above 0')
}

function invalid(name: string, expected: string): OtpError {
  return new OtpError('ERR_OTP_OPTIONS', `"options.${name}" must be ${expected}.`)
}
