import { randomInt, randomUUID } from 'node:crypto'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type Fields, InputError, readFields } from './input.js'

export const operations = [
  'otp.send',
  'otp.resend',
  'otp.check',
  'otp.get',
  'otp.list',
  'otp.delete',
  'otp.events',
] as const

export type Operation = (typeof operations)[number]

const wireKinds = [
  'status',
  'hang',
  'reset',
  'empty',
  'malformed',
  'truncate',
  'html',
  'redirect',
  'slow-body',
] as const

const messageKinds = ['drop-message', 'duplicate-message'] as const

/** What goes wrong with the answer. */
export type WireFault =
  | { kind: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'hang' | 'reset' | 'empty' | 'malformed' | 'truncate' }
  | { kind: 'html'; status: number }
  | { kind: 'redirect'; location: string; status: number }
  /** One byte each `ms`, and never the last one. */
  | { kind: 'slow-body'; ms: number }

/** What goes wrong with the message. The last two are for magic numbers. */
type MessageFault =
  | { kind: (typeof messageKinds)[number] }
  | { kind: 'late-message'; seconds: number }
  | { kind: 'fail-message'; channel: 'SMS' | 'VOICE' }

/** What becomes of an OTP before it is asked for, for magic numbers. */
type OtpFault = { kind: 'expire' | 'end' | 'vanish' | 'wrong-code' }

type DelayFault = { kind: 'delay'; ms: number }

export type Effect = WireFault | MessageFault | OtpFault

interface Match {
  operation: Operation | 'application.*' | '*'
  /** E.164, or the beginning of it with a `*`. */
  number?: string
  /** Uses left; without it, no limit. */
  times?: number
  probability?: number
  /** `after`: tyntec has done the work and the answer is what goes wrong. */
  when: 'before' | 'after'
}

export type Rule = Match & (Effect | DelayFault)

export type Fault = Rule & { id: string }

/** What is to happen to one call. */
export interface Plan {
  delay: { before: number; after: number }
  effect?: Effect
  when: 'before' | 'after'
}

const unharmed: Plan = { delay: { before: 0, after: 0 }, when: 'before' }

/**
 * The first rule that matches and has uses left applies, and is used up by one. Delays are
 * different: they add up, and the search goes on.
 */
export function planCall(
  rules: readonly Rule[],
  operation: Operation,
  number: string | undefined,
): Plan {
  if (rules.length === 0) return unharmed
  const plan: Plan = { delay: { before: 0, after: 0 }, when: 'before' }
  for (const rule of rules) {
    if (!applies(rule, operation, number)) continue
    if (rule.times !== undefined) rule.times -= 1
    if (rule.kind === 'delay') {
      plan.delay[rule.when] += rule.ms
      continue
    }
    plan.effect = rule
    plan.when = rule.when
    break
  }
  return plan
}

function applies(rule: Rule, operation: Operation, number: string | undefined): boolean {
  if (rule.operation !== '*' && rule.operation !== operation) return false
  if (!sendsMessages(operation) && isMessageKind(rule.kind)) return false
  if (rule.number !== undefined && !matchesNumber(rule.number, number)) return false
  if (rule.times === 0) return false
  return rule.probability === undefined || randomInt(1_000_000) < rule.probability * 1_000_000
}

function matchesNumber(pattern: string, number: string | undefined): boolean {
  if (number === undefined) return false
  return pattern.endsWith('*') ? number.startsWith(pattern.slice(0, -1)) : number === pattern
}

const isWireKind = (kind: Rule['kind']) => wireKinds.some((wireKind) => wireKind === kind)

/** Whether the answer is what goes wrong, rather than the message or the OTP. */
export const isWireFault = (effect: Effect): effect is WireFault => isWireKind(effect.kind)

const sendsMessages = (operation: Rule['operation']) =>
  operation === '*' || operation === 'otp.send' || operation === 'otp.resend'

const isMessageKind = (kind: Rule['kind']) =>
  messageKinds.some((messageKind) => messageKind === kind)

/** @throws {InputError} */
export function parseFault(input: unknown): Fault {
  const fields = readFields(input)
  const match = readMatch(fields)
  const effect = readEffect(fields)
  fields.finish()
  if (isMessageKind(effect.kind) && !sendsMessages(match.operation)) {
    throw new InputError(`"${effect.kind}" needs an operation that sends: otp.send or otp.resend.`)
  }
  return { id: randomUUID(), ...match, ...effect }
}

function readMatch(fields: Fields): Match {
  const match: Match = {
    operation: fields.oneOf('operation', [...operations, 'application.*', '*']),
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

function readEffect(
  fields: Fields,
): WireFault | DelayFault | { kind: (typeof messageKinds)[number] } {
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

export interface Faults {
  add(fault: Fault): void
  list(): readonly Fault[]
  clear(): void
}

const capacity = 1000

export function createFaults(): Faults {
  let faults: Fault[] = []
  return {
    add(fault) {
      if (faults.length >= capacity) {
        throw new InputError(`There are ${capacity} faults already. DELETE /_sandbox/faults first.`)
      }
      faults.push(fault)
    },
    list: () => faults,
    clear() {
      faults = []
    },
  }
}
