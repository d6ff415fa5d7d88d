import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { OtpError } from '../errors.js'
import { headOf, type Head, type Limits, networkFailure, tooLate } from './exchange.js'
import { badAnswer } from './failures.js'

export interface Download {
  contentType: string | undefined
  /** Ends with an `OtpError` when the body is too long, too late or broken off. */
  stream: Readable
}

/**
 * One request whose answer may be of any length, read as fast as its reader reads. Whatever is not 200 is
 * given as an answer with a short text.
 */
export function download(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { wait, maxBody }: Limits,
  maxBytes: number,
): Promise<Download | (Head & { body: string | OtpError })> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let head: Head | undefined
    let stream: Readable | undefined
    let ended = false
    let size = 0
    const chunks: Buffer[] = []

    const end = (failure?: OtpError) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      if (stream && failure) stream.destroy(failure)
      else if (stream) stream.push(null)
      else if (head) resolve({ ...head, body: failure ?? Buffer.concat(chunks).toString() })
      else reject(failure ?? badAnswer('it has no status'))
    }
    const abandon = (failure?: OtpError) => {
      end(failure)
      controller?.abort(new Error('abandoned'))
    }
    const timer = setTimeout(
      () => abandon(tooLate(controller !== undefined)),
      Math.max(0, wait * 1000),
    )

    dispatcher.dispatch(request, {
      onRequestStart(own) {
        if (ended) own.abort(new Error('abandoned'))
        else controller = own
      },
      onResponseStart(own, status, headers) {
        if (status < 200) return
        head = headOf(status, headers)
        if (status !== 200) return
        stream = new Readable({
          read: () => own.resume(),
          destroy(error, done) {
            // Also when its reader has had enough.
            ended = true
            clearTimeout(timer)
            own.abort(new Error('abandoned'))
            done(error)
          },
        })
        resolve({ contentType: head.contentType, stream })
      },
      onResponseData(own, chunk) {
        if (ended) return
        size += chunk.length
        if (size > (stream ? maxBytes : maxBody)) return abandon(badAnswer('it is too long'))
        if (!stream) return void chunks.push(chunk)
        if (!stream.push(chunk)) own.pause()
      },
      onResponseEnd() {
        end()
      },
      onResponseError(_controller, error) {
        end(networkFailure(error, controller !== undefined))
      },
    })
  })
}
