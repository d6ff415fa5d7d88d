import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Reply } from './reply.js'
import type { Host } from '../validate.js'
import type { HttpRequest } from './request.js'

/** What Express' request and Koa's context have in common. */
export interface NodeRequest {
  method: string
  headers: IncomingHttpHeaders
  ip?: string | undefined
  secure?: boolean
  session?: unknown
}

export function toHttpRequest(
  req: NodeRequest,
  body: unknown,
  host?: Host,
  csrf?: () => unknown,
): HttpRequest {
  return {
    method: req.method,
    headers: req.headers,
    body,
    address: req.ip,
    host,
    secure: req.secure === true,
    session: () => req.session,
    csrf,
  }
}

/** Whether the client went away before it had its answer. */
export function isGone(res: ServerResponse): boolean {
  return !res.writableEnded && (res.destroyed || res.socket?.destroyed === true)
}

/** Copies what stands before a body. */
export function copyHeaders(
  res: ServerResponse,
  { headers, vary, cookies }: Pick<Reply, 'headers' | 'vary' | 'cookies'>,
): void {
  if (res.headersSent) return
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  addVary(res, vary)
  addCookies(res, cookies)
}

/** Each name once: the strategy and the route around it name the same. */
function addVary(res: ServerResponse, names: string): void {
  const present = String(res.getHeader('Vary') ?? '').toLowerCase()
  const there = new Set(present.split(',').map((name) => name.trim()))
  const missing = names.split(', ').filter((name) => name && !there.has(name.toLowerCase()))
  if (missing.length > 0) res.appendHeader('Vary', missing.join(', '))
}

/** Adds cookies of ours to those that the app sets. Of one name only the last goes out. */
export function addCookies(res: ServerResponse, lines: string[]): void {
  if (lines.length === 0 || res.headersSent) return
  res.setHeader('Set-Cookie', [...otherCookies(res, lines), ...lines])
}

/** Gives what makes status and headers again what they are now. What is sent by then, is sent. */
export function keepHead(res: ServerResponse): () => void {
  const { statusCode } = res
  // Copied, because cookies are added to the same array.
  const kept = Object.entries(res.getHeaders()).map(
    ([name, value]) => [name, Array.isArray(value) ? [...value] : value] as const,
  )
  return () => {
    if (res.headersSent) return
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    for (const [name, value] of kept) if (value !== undefined) res.setHeader(name, value)
    res.statusCode = statusCode
  }
}

function otherCookies(res: ServerResponse, lines: string[]): string[] {
  const names = lines.map((line) => line.slice(0, line.indexOf('=') + 1))
  const present = [res.getHeader('Set-Cookie') ?? []].flat().map(String)
  return present.filter((other) => !names.some((name) => other.startsWith(name)))
}
