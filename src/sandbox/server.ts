import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Api } from './api/api.js'
import type { Control } from './control/control.js'
import { send, sendProblem } from './control/http.js'

export interface ServerParts {
  api: Api
  control: Control
  /** The page at `/` and what is below `/m/`, read with GET by a browser of this machine. */
  inbox(res: ServerResponse, request: { path: string; search: string }): void
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

    // A web page can make the browser of whoever has it open talk to this port. It must not be able
    // to read the codes, under its own name (Origin) or under one it had point here (Host).
    const isControl = path.startsWith('/_sandbox/') || path === '/_sandbox'
    const isInbox = path === '/' || path.startsWith('/m/')
    const isApi = !isControl && !isInbox
    if (!isLocalHost(req) || (!isApi && !isLocalOrigin(req))) {
      return sendProblem(res, 403, 'Only pages and hosts of this machine may ask.')
    }
    if (isApi) {
      return api(req, res, { path, search, readBody: () => readBody(req), signal: signal() })
    }
    if (isControl) return control(req, res, { path, search, readBody: () => readBody(req) })
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD')
      return sendProblem(res, 405, 'The inbox is read with GET.')
    }
    inbox(res, { path, search })
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

const isLocalHost = ({ headers }: IncomingMessage) => localHost.test(headers.host ?? '')

const isLocalOrigin = ({ headers }: IncomingMessage) =>
  headers.origin === undefined || localOrigin.test(headers.origin)

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
