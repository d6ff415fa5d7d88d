import { performance } from 'node:perf_hooks'
import type { Dispatcher } from 'undici'
import { OtpError } from '../errors.js'
import { createApiKeySource } from './api-key.js'
import { openDispatcher } from './dispatcher.js'
import { download, type Download } from './download.js'
import { exchange, type Head, type Limits, type Taker } from './exchange.js'
import { misuse } from './failures.js'
import type { ResolvedTyntecOptions } from './options.js'
import { version } from './version.js'

export interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the base URL, encoded. */
  path: string
  query?: URLSearchParams
  /** Sent as JSON. */
  body?: object
  /** What an answer may be, in place of JSON. */
  accept?: string
  /** A read: it is sent once more when the connection breaks before an answer. */
  repeatable?: boolean
  /** Seconds, in place of the client's. */
  timeout?: number | undefined
}

/** What came back, whatever it was. */
export interface Answer extends Head {
  /** The text, or why it could not be read. Some statuses say enough without it. */
  body: string | OtpError
  /** Values of the request that no error may show, should the answer repeat them. */
  sent(): readonly string[]
}

export interface Transport {
  /** Sends one request. No redirect is followed; only a read may be sent again, once. */
  ask(call: Call, takerOf?: (head: Head) => Taker | undefined): Promise<Answer>
  /** A body of any kind as a stream, or the answer that came in its place. */
  download(call: Call, maxBytes: number): Promise<Answer | Download>
  /** tyntec has refused the key. */
  dropApiKey(): void
  close(): Promise<void>
}

/** What a call needs when it is sent. */
interface Ready {
  dispatcher: Dispatcher
  request: Dispatcher.DispatchOptions
  /** With the seconds that are left. */
  limits(): Limits
  sent(): string[]
}

export function createTransport(options: ResolvedTyntecOptions): Transport {
  const apiKey = createApiKeySource(options)
  let opening: Promise<Dispatcher> | undefined
  let closing: Promise<void> | undefined

  const run = async <T>(call: Call, go: (ready: Ready) => Promise<T>): Promise<T> => {
    const timeout = call.timeout ?? options.timeout
    const deadline = performance.now() + timeout * 1000
    const asked = apiKey.get(timeout)
    const key = typeof asked === 'string' ? asked : await asked
    if (closing) throw misuse('The tyntec client is closed.')
    opening ??= openDispatcher(options)
    const dispatcher = await opening
    // In the same turn, so that a client which closes waits for this call.
    return go({
      dispatcher,
      request: requestOf(call, key),
      limits: () => ({ wait: (deadline - performance.now()) / 1000, maxBody: options.maxBody }),
      sent: () => [key, ...valuesOf(call)],
    })
  }

  const requestOf = (call: Call, key: string): Dispatcher.DispatchOptions => {
    const query = call.query?.toString()
    return {
      origin: options.origin,
      method: call.method,
      path: `${options.basePath}${call.path}${query ? `?${query}` : ''}`,
      headers: {
        accept: call.accept ?? 'application/json',
        apikey: key,
        'user-agent': `passport-tyntec-otp/${version}`,
        ...(call.body && { 'content-type': 'application/json' }),
      },
      ...(call.body && { body: JSON.stringify(call.body) }),
    }
  }

  return {
    ask: (call, takerOf) =>
      run(call, async ({ dispatcher, request, limits, sent }) => {
        const once = () => exchange(dispatcher, request, limits(), takerOf)
        const answer = await once().catch((error: unknown) => {
          const again = options.repeatReads && call.repeatable && limits().wait > 0
          if (!again || !isBroken(error)) throw error
          return once()
        })
        return { ...answer, sent }
      }),
    download: (call, maxBytes) =>
      run(call, async ({ dispatcher, request, limits, sent }) => {
        const answer = await download(dispatcher, request, limits(), maxBytes)
        return 'stream' in answer ? answer : { ...answer, sent }
      }),
    dropApiKey: apiKey.drop,
    close() {
      closing ??= Promise.resolve(opening).then((dispatcher) => dispatcher?.close())
      return closing
    },
  }
}

/** The connection ended without an answer, as one that was idle for too long does. */
function isBroken(error: unknown): boolean {
  return error instanceof OtpError && error.code === 'ERR_OTP_PROVIDER_UNAVAILABLE'
}

/** Parameters whose values are tyntec's own words. */
const openNames = [
  'via',
  'country',
  'language',
  'channel',
  'pinLength',
  'attempts',
  'expire',
  'encoding',
  'gateway',
]

function valuesOf({ path, query, body }: Call): string[] {
  const named = [...(query ?? [])].filter(([name]) => !openNames.includes(name))
  const segments = path.split('/').filter((part) => /\d.*\d/.test(part) && part.length >= 8)
  return [...segments, ...named.map(([, value]) => value), ...textsIn(body)]
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) =>
    openNames.includes(name) || name === 'contentType' ? [] : textsIn(item),
  )
}
