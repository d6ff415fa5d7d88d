import { randomUUID } from 'node:crypto'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type Fields, InputError, readFields } from '../control/input.js'
import type { Fault } from './faults.js'
import {
  type DelayFault,
  families,
  fitsPattern,
  type Match,
  messageKinds,
  type MessageFault,
  type OperationPattern,
  operations,
  wireKinds,
  type WireFault,
} from './rules.js'

/** A fault to set. `operation` and `kind` are needed; the rest narrows it down. */
export type FaultInput = {
  /** One of tyntec's operations (`otp.send`), a family (`sms.*`), or `*`. */
  operation: OperationPattern
  /** E.164, or the beginning of a number with a `*`: `+49*`. */
  number?: string
  /** How often it happens; without it, each time. */
  times?: number
  /** From 0 to 1. @default 1 */
  probability?: number
  /** `after`: the work is done, and the answer is what goes wrong. @default 'before' */
  when?: 'before' | 'after'
} & (
  | { kind: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'delay'; ms: number }
  | { kind: 'hang' | 'reset' | 'empty' | 'malformed' | 'truncate' }
  | { kind: 'html'; status?: number }
  | { kind: 'redirect'; location: string; status?: number }
  | { kind: 'slow-body'; ms?: number }
  | MessageFault
)

const channels = ['sms', 'voice', 'whatsapp', 'tyntecEcho'] as const

/** @throws {InputError} */
export function parseFault(input: unknown): Fault {
  const fields = readFields(input)
  const match = readMatch(fields)
  const effect = readEffect(fields)
  fields.finish()
  if (!fitsPattern(effect.kind, match.operation)) {
    const wanted = match.operation.startsWith('webhook.')
      ? 'a call that the app makes: the answer to a webhook is its own'
      : 'an operation that sends: otp.send, otp.resend, sms.send or chat.send'
    throw new InputError(`"${effect.kind}" needs ${wanted}.`)
  }
  return { id: randomUUID(), ...match, ...effect }
}

function readMatch(fields: Fields): Match {
  const match: Match = {
    operation: fields.oneOf('operation', [...operations, ...families]),
    when: fields.oneOf('when', ['before', 'after'], 'before'),
  }
  const number = fields.take('number')
  if (number !== undefined) {
    if (typeof number !== 'string' || !/^(?:\+[0-9]{4,15}|\+[0-9]{0,14}\*)$/.test(number)) {
      throw new InputError('"number" must be like "+12015550100", or a prefix like "+1201555*".')
    }
    match.number = number
  }
  if (fields.take('times') !== undefined) match.times = fields.integer('times', 1, 1_000_000)
  if (fields.take('probability') !== undefined) {
    match.probability = fields.number('probability', 0, 1)
  }
  return match
}

function readEffect(fields: Fields): WireFault | DelayFault | MessageFault {
  const kind = fields.oneOf('kind', [...wireKinds, 'delay', ...messageKinds])
  switch (kind) {
    case 'status': {
      const body = fields.take('body')
      const headers = readHeaders(fields.take('headers'))
      return {
        kind,
        status: fields.integer('status', 200, 599),
        ...(body !== undefined && { body }),
        ...(headers && { headers }),
      }
    }
    case 'delay':
      return { kind, ms: fields.integer('ms', 0, 600_000) }
    case 'html':
      return { kind, status: fields.integer('status', 200, 599, 502) }
    case 'redirect':
      return { kind, location: readLocation(fields), status: readRedirectStatus(fields) }
    case 'slow-body':
      return { kind, ms: fields.integer('ms', 1, 600_000, 100) }
    case 'fail-message': {
      if (fields.take('channel') === undefined) return { kind }
      return { kind, channel: fields.oneOf('channel', channels) }
    }
    default:
      return { kind }
  }
}

function readLocation(fields: Fields): string {
  const location = fields.take('location')
  if (typeof location !== 'string' || location === '' || !isHeader('location', location)) {
    throw new InputError('"location" must be a URL or a path.')
  }
  return location
}

function readRedirectStatus(fields: Fields): number {
  const status = fields.take('status') ?? 302
  const known = [301, 302, 303, 307, 308].find((redirect) => redirect === status)
  if (known === undefined) throw new InputError('"status" must be 301, 302, 303, 307 or 308.')
  return known
}

function readHeaders(input: unknown): Record<string, string> | undefined {
  if (input === undefined) return undefined
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InputError('"headers" must be an object of strings, like { "Retry-After": "7" }.')
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(input)) {
    if (typeof value !== 'string' || !isHeader(name, value)) {
      throw new InputError(`"headers" has an entry that is not a header: ${JSON.stringify(name)}.`)
    }
    if (framing.has(name.toLowerCase())) {
      throw new InputError(`"headers" can't hold ${name}: it belongs to the body.`)
    }
    headers[name] = value
  }
  return headers
}

// With these the answer would not end where it ends, and the next one would be misread.
const framing = new Set(['content-length', 'transfer-encoding', 'connection'])

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
