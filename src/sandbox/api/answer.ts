import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Call } from '../journal.js'
import type { Problem } from './parameters.js'
import type { Style } from './routes.js'

/** An answer of tyntec's API. */
export interface Answer {
  status: number
  /** JSON, already written, unless `headers` say otherwise. */
  body?: string | Buffer
  headers?: Record<string, string>
  /** For a person who reads along: why the sandbox refused. */
  hint?: string
}

const json = 'application/json'
const problemJson = 'application/problem+json'

export const jsonAnswer = (status: number, value: unknown): Answer => ({
  status,
  body: JSON.stringify(value),
})

/** tyntec's `ErrorResponse`, or the `Problem` of its other APIs. */
export function refusal(style: Style, status: number, problem: Problem, now: number): Answer {
  const { message, hint, code = String(status) } = problem
  if (style === 'error') {
    return { ...jsonAnswer(status, { code, message, timestamp: now }), hint }
  }
  const title = problem.title ?? STATUS_CODES[status] ?? 'Error'
  const kind = problem.type ?? title.replace(/[^A-Za-z]/g, '')
  const type = `https://docs.tyntec.com/problems/${kind}`
  return {
    ...jsonAnswer(status, { type, title, status, detail: message }),
    headers: { 'Content-Type': problemJson },
    hint,
  }
}

/** The statuses that the reference of the 2FA API lists without a body. */
const bodiless = new Set([401, 403, 404])

/** A refusal that is nobody's fault in particular: bare where the reference has no body. */
export const plainRefusal = (style: Style, status: number, hint: string, now: number): Answer =>
  style === 'error' && bodiless.has(status)
    ? { status, hint }
    : refusal(style, status, { message: STATUS_CODES[status] ?? 'Error', hint }, now)

export function sendAnswer(res: ServerResponse, call: Call, answer: Answer): void {
  if (res.destroyed) return call.answered(null)
  const { status, body, hint } = answer
  const headers: Record<string, string> = { ...answer.headers }
  if (hint !== undefined) {
    headers['X-Sandbox-Hint'] = hint.replace(/[^\x20-\x7e]/g, '?')
    call.note({ hint })
  }
  call.answered(status)
  if (status === 204 || status === 304) {
    res.writeHead(status, headers)
    res.end()
    return
  }
  if (body === undefined) {
    res.writeHead(status, { ...headers, 'Content-Length': 0 })
    res.end()
    return
  }
  res.writeHead(status, {
    'Content-Type': json,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  res.end(body)
}
