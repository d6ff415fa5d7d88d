import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Host, HostApp, HostHead, HostSession } from '../http/host.js'
import { createHead, isGone } from './head.js'

/** What the requests of Node's frameworks have in common. */
export interface NodeRequest {
  readonly method: string
  readonly originalUrl?: string
  readonly headers: IncomingHttpHeaders
  readonly ip?: string | undefined
  readonly secure?: boolean
}

export interface NodeParts {
  readonly request: NodeRequest
  readonly body: unknown
  readonly res: ServerResponse | undefined
  readonly session: HostSession
  readonly head?: HostHead
  readonly app?: HostApp | undefined
}

/** A head that nobody sends: a strategy may be asked without a response. */
const noHead: HostHead = { sent: true, add() {}, keep: () => () => {} }

export function createNodeHost({ request, body, res, session, head, app }: NodeParts): Host {
  return {
    key: request,
    method: request.method,
    url: request.originalUrl ?? '/',
    headers: request.headers,
    body,
    address: request.ip,
    secure: request.secure === true,
    session,
    head: head ?? (res ? createHead(res) : noHead),
    app,
    gone: () => res !== undefined && isGone(res),
  }
}
