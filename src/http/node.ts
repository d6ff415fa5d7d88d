import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from './reply.js'

/** Whether the client went away before it had its answer. */
export function isGone(res: ServerResponse): boolean {
  return !res.writableEnded && (res.destroyed || res.socket?.destroyed === true)
}

/** Copies what stands before a body. */
export function copyHeaders(res: ServerResponse, reply: Omit<Reply, 'status' | 'body'>): void {
  if (res.headersSent) return
  for (const [name, value] of Object.entries(reply.headers)) res.setHeader(name, value)
  if (reply.vary) res.appendHeader('Vary', reply.vary)
  for (const line of reply.cookies) addCookie(res, line)
}

/** Adds a cookie to those that the app sets; one of the same name, which was ours, goes. */
export function addCookie(res: ServerResponse, line: string): void {
  if (res.headersSent) return
  res.setHeader('Set-Cookie', [...otherCookies(res, line), line])
}

/** Takes a cookie of ours back. */
export function dropCookie(res: ServerResponse, line: string): void {
  if (res.headersSent) return
  const others = otherCookies(res, line)
  if (others.length > 0) res.setHeader('Set-Cookie', others)
  else res.removeHeader('Set-Cookie')
}

function otherCookies(res: ServerResponse, line: string): string[] {
  const name = line.slice(0, line.indexOf('=') + 1)
  const present = res.getHeader('Set-Cookie') ?? []
  return [present]
    .flat()
    .map(String)
    .filter((other) => !other.startsWith(name))
}

export type { IncomingMessage, ServerResponse }
