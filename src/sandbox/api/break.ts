import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { WireFault } from '../faults/rules.js'
import type { Call } from '../journal.js'
import { type Answer, jsonAnswer, plainRefusal, sendAnswer } from './answer.js'
import type { Style } from './routes.js'

const gatewayPage = '<!doctype html>\n<title>Bad gateway</title>\n<h1>Bad gateway</h1>\n'

export interface Broken {
  fault: WireFault
  /** What would have been answered. */
  answer: Answer
  style: Style
  now: number
}

/** Answers in the way the fault says instead of as it should. */
export function breakAnswer(res: ServerResponse, call: Call, broken: Broken): void {
  if (res.destroyed) return call.answered(null)
  const { fault, answer } = broken
  // A 204 can't carry the body that some faults are about.
  const status = answer.status === 204 ? 200 : answer.status
  const body = answer.body ?? '{}'

  switch (fault.kind) {
    case 'status':
      return sendAnswer(res, call, statusAnswer(fault, broken))
    case 'hang':
      return call.answered(null)
    case 'reset':
      call.answered(null)
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

function startBody(res: ServerResponse, call: Call, status: number, body: string | Buffer): void {
  call.answered(status)
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
}

/** Never writes the last byte, so that only the client's own deadline ends the call. */
function dribble(res: ServerResponse, body: string | Buffer, ms: number): void {
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

function statusAnswer(fault: WireFault & { kind: 'status' }, broken: Broken): Answer {
  const { status, body, headers } = fault
  const answer = statusBody(status, body, broken)
  return headers ? { ...answer, headers: { ...answer.headers, ...headers } } : answer
}

function statusBody(status: number, body: unknown, { style, now }: Broken): Answer {
  if (typeof body === 'string') return { status, body }
  if (body !== undefined) return jsonAnswer(status, body)
  if (status < 400) return { status }
  const { hint: _, ...answer } = plainRefusal(style, status, STATUS_CODES[status] ?? '', now)
  return answer
}
