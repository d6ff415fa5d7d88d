import type { Dispatcher } from 'undici'
import type { OtpError } from '../errors.js'
import { badAnswer, errorCode, safeCause, unavailable } from './failures.js'

/** What comes before a body. */
export interface Head {
  status: number
  contentType: string | undefined
  retryAfter: string | undefined
}

/** Takes a body as it comes, in place of a text. */
export interface Taker {
  /** Bytes of the body that are read at most. */
  maxBytes: number
  /**
   * Gives false when it has seen enough, and the rest is not read.
   *
   * @throws {OtpError} which becomes the answer's body
   */
  take(bytes: Uint8Array): boolean
}

export interface Limits {
  /** Seconds for all of it. */
  wait: number
  /** Bytes of a body that nobody takes. */
  maxBody: number
}

/**
 * One request and its answer. Gives the head, and the body's text or why it could not be read.
 *
 * `dispatch` instead of `request`, because only its handler tells whether the request was begun:
 * until `onRequestStart` no byte has left, so nothing can have happened at tyntec.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { wait, maxBody }: Limits,
  takerOf: (head: Head) => Taker | undefined = () => undefined,
): Promise<Head & { body: string | OtpError }> {
  return new Promise((resolve, reject) => {
    let started: Dispatcher.DispatchController | undefined
    let head: Head | undefined
    let taker: Taker | undefined
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
    const abandon = (failure?: OtpError) => {
      end(failure)
      started?.abort(new Error('abandoned'))
    }
    const timer = setTimeout(
      () => abandon(tooLate(started !== undefined)),
      Math.max(0, wait * 1000),
    )

    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        // The call was given up while it waited for a connection: it must not go out now.
        if (ended) controller.abort(new Error('abandoned'))
        else started = controller
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return
        head = headOf(status, headers)
        taker = takerOf(head)
      },
      onResponseData(_controller, chunk) {
        if (ended) return
        size += chunk.length
        if (size > (taker?.maxBytes ?? maxBody)) return abandon(badAnswer('it is too long'))
        if (!taker) return void chunks.push(chunk)
        try {
          if (!taker.take(chunk)) abandon()
        } catch (error) {
          abandon(error as OtpError) // which is all that a taker throws
        }
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

export function headOf(
  status: number,
  headers: Record<string, string | string[] | undefined>,
): Head {
  return {
    status,
    contentType: single(headers['content-type']),
    retryAfter: single(headers['retry-after']),
  }
}

export function tooLate(started: boolean): OtpError {
  return unavailable('it did not answer in time', { processed: started ? 'unknown' : 'no' })
}

export function networkFailure(error: unknown, started: boolean): OtpError {
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
