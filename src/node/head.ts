import type { ServerResponse } from 'node:http'
import type { Head, HostHead } from '../http/host.js'

/** Whether the client went away before it had its answer. */
export function isGone(res: ServerResponse): boolean {
  return !res.writableEnded && (res.destroyed || res.socket?.destroyed === true)
}

export function createHead(res: ServerResponse): HostHead {
  return {
    get sent() {
      return res.headersSent
    },
    add: (head) => addHead(res, head),
    keep: () => keepHead(res),
  }
}

function addHead(res: ServerResponse, { headers, vary, cookies }: Head): void {
  if (res.headersSent) return
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (vary !== '') addVary(res, vary)
  if (cookies.length > 0) res.setHeader('Set-Cookie', [...otherCookies(res, cookies), ...cookies])
}

/** Each name once: the strategy and the route around it name the same. */
function addVary(res: ServerResponse, names: string): void {
  const present = res.getHeader('Vary')
  if (present === undefined) {
    res.setHeader('Vary', names)
    return
  }
  const there = new Set(
    String(present)
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  const missing = names.split(', ').filter((name) => !there.has(name.toLowerCase()))
  if (missing.length > 0) res.appendHeader('Vary', missing.join(', '))
}

/** Cookies of the app. Of one name only the last goes out. */
function otherCookies(res: ServerResponse, lines: readonly string[]): string[] {
  const present = res.getHeader('Set-Cookie')
  if (present === undefined) return []
  const names = lines.map((line) => line.slice(0, line.indexOf('=') + 1))
  return [present]
    .flat()
    .map(String)
    .filter((other) => !names.some((name) => other.startsWith(name)))
}

function keepHead(res: ServerResponse): () => void {
  const { statusCode } = res
  const kept = res.getHeaders()
  for (const [name, value] of Object.entries(kept)) {
    // Copied, because cookies are added to the same array.
    if (Array.isArray(value)) kept[name] = [...value]
  }
  return () => {
    if (res.headersSent) return
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    for (const [name, value] of Object.entries(kept)) {
      if (value !== undefined) res.setHeader(name, value)
    }
    res.statusCode = statusCode
  }
}
