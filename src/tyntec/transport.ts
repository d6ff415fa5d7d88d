import { performance } from 'node:perf_hooks'
import type { Dispatcher, Pool } from 'undici'
import { OtpError } from '../errors.js'
import { createApiKeySource } from './api-key.js'
import { badAnswer, errorCode, misuse, safeCause, unavailable } from './failures.js'
import type { ResolvedTyntecOptions } from './options.js'
import { untraced } from './untraced.js'

/** tyntec and common gateways keep an idle connection longer than this, so none is reused stale. */
const keepAlive = 4

export interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the base URL, encoded. */
  path: string
  query?: URLSearchParams
}

/** What came back, whatever it was. */
export interface Answer {
  status: number
  contentType: string | undefined
  retryAfter: string | undefined
  /** The text, or why it could not be read. Some statuses say enough without it. */
  body: string | OtpError
}

export interface Transport {
  /** Sends one request, once: no redirect is followed and nothing is retried. */
  ask(call: Call): Promise<Answer>
  /** tyntec has refused the key. */
  dropApiKey(): void
  close(): Promise<void>
}

export function createTransport(options: ResolvedTyntecOptions): Transport {
  const apiKey = createApiKeySource(options)
  let opening: Promise<Pool> | undefined
  let closing: Promise<void> | undefined

  const open = async () => {
    // undici takes about 100 ms to import, which an app that never calls tyntec need not pay.
    const { Client, Pool } = await import('undici')
    return new Pool(options.origin, {
      factory(origin, settings) {
        const client = new Client(origin, settings)
        const dispatch = client.dispatch.bind(client)
        // Here and not around the pool's: a call that waits for a connection is begun by whatever
        // frees one, in that one's context.
        client.dispatch = (request, handler) => untraced(() => dispatch(request, handler))
        return client
      },
      connections: options.connections,
      // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not reach this client.
      connect: { timeout: options.connectTimeout * 1000, rejectUnauthorized: true },
      keepAliveTimeout: keepAlive * 1000,
      keepAliveMaxTimeout: keepAlive * 1000,
      // The deadline of the whole call covers both, to the millisecond.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  return {
    async ask(call) {
      const deadline = performance.now() + options.timeout * 1000
      const key = apiKey.get(options.timeout)
      const headers = {
        accept: 'application/json',
        apikey: typeof key === 'string' ? key : await key,
      }
      if (closing) throw misuse('The tyntec client is closed.')
      opening ??= open()
      const pool = await opening
      const query = call.query?.toString()
      const path = `${options.basePath}${call.path}${query ? `?${query}` : ''}`
      const request = { method: call.method, path, headers }
      return exchange(pool, request, (deadline - performance.now()) / 1000, options.maxBody)
    },
    dropApiKey: apiKey.drop,
    close() {
      closing ??= Promise.resolve(opening).then((pool) => pool?.close())
      return closing
    },
  }
}

/**
 * `dispatch` instead of `request`, because only its handler tells whether the request was begun:
 * until `onRequestStart` no byte has left, so nothing can have happened at tyntec.
 */
function exchange(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  wait: number,
  maxBody: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let started: Dispatcher.DispatchController | undefined
    let head: Omit<Answer, 'body'> | undefined
    let ended = false
    let size = 0
    const chunks: Buffer[] = []

    const end = (failure?: OtpError) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      if (head) resolve({ ...head, body: failure ?? Buffer.concat(chunks).toString() })
      else reject(failure ?? badAnswer('it has no status'))
    }
    const abandon = (failure: OtpError) => {
      end(failure)
      started?.abort(new Error('abandoned'))
    }
    const timer = setTimeout(
      () =>
        abandon(
          unavailable('it did not answer in time', { processed: started ? 'unknown' : 'no' }),
        ),
      Math.max(0, wait * 1000),
    )

    pool.dispatch(request, {
      onRequestStart(controller) {
        // The call was given up while it waited for a connection: it must not go out now.
        if (ended) controller.abort(new Error('abandoned'))
        else started = controller
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return
        head = {
          status,
          contentType: single(headers['content-type']),
          retryAfter: single(headers['retry-after']),
        }
      },
      onResponseData(_controller, chunk) {
        size += chunk.length
        if (size <= maxBody) chunks.push(chunk)
        else abandon(badAnswer('it is too long'))
      },
      onResponseEnd() {
        end()
      },
      onResponseError(_controller, error) {
        end(networkFailure(error, started !== undefined))
      },
    })
  })
}

function networkFailure(error: unknown, started: boolean): OtpError {
  const code = errorCode(error)
  const cause = safeCause(error)
  // What answered does not speak HTTP.
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return badAnswer(`it is not HTTP (${code})`, { cause })
  }
  return unavailable(`the connection failed (${code})`, {
    cause,
    processed: started ? 'unknown' : 'no',
  })
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
