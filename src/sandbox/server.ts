import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Api } from './api.js'
import { type Control, send, sendProblem } from './control.js'

export interface ServerParts {
  api: Api
  control: Control
  inbox(res: ServerResponse): void
  /** What delayed calls listen to; another one after each reset. */
  signal(): AbortSignal
}

const bodyLimit = 64 * 1024

/** tyntec's API, the control routes and the inbox on one port. */
export function createSandboxServer({ api, control, inbox, signal }: ServerParts): Server {
  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = req.url ?? '/'
    const queryAt = url.indexOf('?')
    const path = queryAt === -1 ? url : url.slice(0, queryAt)
    const search = queryAt === -1 ? '' : url.slice(queryAt + 1)

    // Browsers ask for it unbidden, which would count as a call of tyntec's API.
    if (path === '/favicon.ico') return sendProblem(res, 404, 'There is no icon.')

    const isControl = path.startsWith('/_sandbox/') || path === '/_sandbox'
    if (path !== '/' && !isControl) {
      const bodyTooLarge = hasBody(req) && readBody(req).then((body) => body === undefined)
      return api(req, res, { path, search, bodyTooLarge, signal: signal() })
    }

    // A web page can make the browser of whoever has it open talk to this port. It must not be able
    // to read the codes, under its own name (Origin) or under one it had point here (Host).
    if (!isLocal(req)) return sendProblem(res, 403, 'Only pages and hosts of this machine may ask.')
    if (isControl) return control(req, res, { path, search, readBody: () => readBody(req) })
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD')
      return sendProblem(res, 405, 'The inbox is read with GET.')
    }
    inbox(res)
  }

  const server = createServer((req, res) => {
    handle(req, res).catch((err: unknown) => {
      // A client that leaves in the middle of its body is no failure of ours.
      if (res.destroyed || res.headersSent) res.destroy()
      else send(res, 500, 'text/plain; charset=utf-8', `The sandbox failed: ${String(err)}`)
    })
  })
  // Longer than any client keeps a connection, so that none is closed under a request.
  server.keepAliveTimeout = 120_000
  return server
}

const localHost = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?$/i
const localOrigin = /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?$/i

function isLocal({ headers }: IncomingMessage): boolean {
  return (
    localHost.test(headers.host ?? '') &&
    (headers.origin === undefined || localOrigin.test(headers.origin))
  )
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** `undefined` when there was more than the limit. */
async function readBody(req: IncomingMessage): Promise<string | undefined> {
  if (!hasBody(req)) return ''
  let size = 0
  const chunks: Buffer[] = []
  // What is over the limit is read and forgotten: an answer in the middle of it would be lost
  // together with the connection.
  for await (const chunk of req) {
    // Without an encoding, a request's chunks are buffers.
    const bytes = chunk as Buffer
    size += bytes.length
    if (size <= bodyLimit) chunks.push(bytes)
  }
  return size <= bodyLimit ? Buffer.concat(chunks).toString() : undefined
}
