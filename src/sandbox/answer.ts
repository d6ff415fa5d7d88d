import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { WireFault } from './faults.js'
import type { Call } from './journal.js'

/** An answer of tyntec's API. */
export interface Answer {
  status: number
  /** JSON, already written. */
  body?: string
  headers?: Record<string, string>
}

const json = 'application/json'

export const jsonAnswer = (status: number, value: unknown): Answer => ({
  status,
  body: JSON.stringify(value),
})

/** tyntec's `ErrorResponse`, and for whoever reads along why the sandbox refused. */
export function errorAnswer(
  status: number,
  error: { message: string; code?: string; now: number; hint?: string },
): Answer {
  const { message, code = String(status), now, hint } = error
  const answer = jsonAnswer(status, { code, message, timestamp: now })
  return hint === undefined ? answer : withHint(answer, hint)
}

export const withHint = (answer: Answer, hint: string): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'X-Sandbox-Hint': hint.replace(/[^\x20-\x7e]/g, '?') },
})

/** The statuses that tyntec's reference lists without a body. */
const bodiless = new Set([401, 403, 404])

const gatewayPage = '<!doctype html>\n<title>Bad gateway</title>\n<h1>Bad gateway</h1>\n'

export function sendAnswer(res: ServerResponse, call: Call, answer: Answer): void {
  if (res.destroyed) return
  const { status, body, headers } = answer
  call.status = status
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

/** Answers in the way the fault says instead of with `answer`. */
export function breakAnswer(
  res: ServerResponse,
  call: Call,
  fault: WireFault,
  answer: Answer,
  now: number,
): void {
  if (res.destroyed) return
  // A 204 can't carry the body that some faults are about.
  const status = answer.status === 204 ? 200 : answer.status
  const body = answer.body ?? '{}'

  switch (fault.kind) {
    case 'status':
      return sendAnswer(res, call, statusAnswer(fault, now))
    case 'hang':
      return
    case 'reset':
      res.socket?.resetAndDestroy()
      return
    case 'empty':
      return sendAnswer(res, call, { status })
    case 'malformed':
      return sendAnswer(res, call, { status, body: body.slice(0, -1) })
    case 'html':
      return sendAnswer(res, call, {
        status: fault.status,
        body: gatewayPage,
        headers: { 'Content-Type': 'text/html' },
      })
    case 'redirect':
      return sendAnswer(res, call, {
        status: fault.status,
        headers: { Location: fault.location },
      })
    case 'truncate': {
      startBody(res, call, status, body)
      res.write(body.slice(0, Math.floor(body.length / 2)), () => res.socket?.destroy())
      return
    }
    case 'slow-body': {
      startBody(res, call, status, body)
      dribble(res, body, fault.ms)
      return
    }
  }
}

function startBody(res: ServerResponse, call: Call, status: number, body: string): void {
  call.status = status
  res.writeHead(status, { 'Content-Type': json, 'Content-Length': Buffer.byteLength(body) })
}

/** Never writes the last byte, so that only the client's own deadline ends the call. */
function dribble(res: ServerResponse, body: string, ms: number): void {
  const bytes = Buffer.from(body)
  let written = 0
  function writeByte() {
    if (written >= bytes.length - 1) return clearInterval(timer)
    res.write(bytes.subarray(written, written + 1))
    written += 1
  }
  const timer = setInterval(writeByte, ms)
  res.once('close', () => clearInterval(timer))
  writeByte()
}

function statusAnswer(fault: WireFault & { kind: 'status' }, now: number): Answer {
  const { status, body, headers } = fault
  return { ...statusBody(status, body, now), ...(headers && { headers }) }
}

function statusBody(status: number, body: unknown, now: number): Answer {
  if (typeof body === 'string') return { status, body }
  if (body !== undefined) return jsonAnswer(status, body)
  if (status < 400 || bodiless.has(status)) return { status }
  return errorAnswer(status, { message: STATUS_CODES[status] ?? 'Error', now })
}
