import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ParsedCase } from './parsed-cases.js'
import { type RawAnswer, readAnswer } from './connection.js'

/** Bodies by their requests, for an app without parsers. */
export const bodies = new WeakMap<object, unknown>()

/** Hands a request to an app as a server would, without a connection. */
export function hand(listener: RequestListener, asked: ParsedCase): Promise<RawAnswer> {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })
  const req = new IncomingMessage(socket)
  req.method = asked.method
  req.url = asked.path
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  req.headers = headersOf(asked.headers)
  req.push(null)
  bodies.set(req, asked.body)

  const res = new ServerResponse(req)
  const chunks: Buffer[] = []
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer | string, encoding, done) {
      chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
      done()
    },
  })
  res.assignSocket(wire as Socket) // all that a response uses of it
  return new Promise((resolve, reject) => {
    res.on('finish', () => {
      const read = readAnswer(Buffer.concat(chunks), asked.method === 'HEAD', true)
      if (read) resolve(read.answer)
      else reject(new Error('no answer'))
    })
    listener(req, res)
  })
}

/** As Node joins those that come twice. */
function headersOf(list: ParsedCase['headers']): Record<string, string> {
  const headers: Record<string, string> = { host: '127.0.0.1' }
  for (const [name, value] of list) {
    const before = name === 'host' ? undefined : headers[name]
    // `__proto__` is a header like others to Node.
    Object.defineProperty(headers, name, {
      value: Object.hasOwn(headers, name) && before !== undefined ? `${before}, ${value}` : value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return headers
}
