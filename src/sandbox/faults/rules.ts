import { randomInt } from 'node:crypto'
import type { Channel } from '../messages.js'
import type { Reason } from '../reason.js'

/** tyntec's 22 operations, and what the sandbox itself posts to an app. */
export const operations = [
  'application.list',
  'application.create',
  'application.get',
  'application.edit',
  'application.delete',
  'application.set-template',
  'application.delete-template',
  'otp.list',
  'otp.send',
  'otp.get',
  'otp.resend',
  'otp.delete',
  'otp.events',
  'otp.check',
  'sms.send',
  'sms.get',
  'chat.send',
  'chat.get',
  'chat.history',
  'chat.status',
  'chat.media',
  'webhook.notification',
  'webhook.message',
  'webhook.report',
] as const

export type Operation = (typeof operations)[number]

export const families = ['application.*', 'otp.*', 'sms.*', 'chat.*', 'webhook.*', '*'] as const

export type OperationPattern = Operation | (typeof families)[number]

export const wireKinds = [
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

/** What goes wrong with the answer. */
export type WireFault =
  | { kind: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'hang' | 'reset' | 'empty' | 'malformed' | 'truncate' }
  | { kind: 'html'; status: number }
  | { kind: 'redirect'; location: string; status: number }
  /** One byte each `ms`, and never the last one. */
  | { kind: 'slow-body'; ms: number }

export const messageKinds = ['drop-message', 'duplicate-message', 'fail-message'] as const

/** What goes wrong with the message. */
export type MessageFault =
  | { kind: 'drop-message' | 'duplicate-message' }
  /** Without `channel`, on each. */
  | { kind: 'fail-message'; channel?: DeliveryChannel }

export type DeliveryChannel = Channel | 'tyntecEcho'

/** What only magic numbers do: to a message, or to an OTP before it is asked for. */
export type MagicEffect =
  | { kind: 'late-message'; seconds: number }
  | { kind: 'seen-message' }
  | { kind: 'expire' | 'end' | 'vanish' | 'wrong-code' }

export type DelayFault = { kind: 'delay'; ms: number }

export type Effect = WireFault | MessageFault | MagicEffect

export interface Match {
  operation: OperationPattern
  /** E.164, or the beginning of it with a `*`. */
  number?: string
  /** Uses left; without it, no limit. */
  times?: number
  probability?: number
  /** `after`: tyntec has done the work and the answer is what goes wrong. */
  when: 'before' | 'after'
}

export type Rule = Match & (Effect | DelayFault) & { id?: string; magic?: string }

/** What is to happen to one call. */
export interface Plan {
  delay: { before: number; after: number }
  effect?: Effect
  when: 'before' | 'after'
  reason?: Reason
}

const unharmed: Plan = { delay: { before: 0, after: 0 }, when: 'before' }

/**
 * The first rule that matches and has uses left applies, and is used up by one. Delays are
 * different: they add up, and the search goes on. `used` is called when a rule was used.
 */
export function planCall(
  rules: readonly Rule[],
  operation: Operation,
  number: string | undefined,
  used?: (rule: Rule) => void,
): Plan {
  if (rules.length === 0) return unharmed
  const plan: Plan = { delay: { before: 0, after: 0 }, when: 'before' }
  for (const rule of rules) {
    if (!applies(rule, operation, number)) continue
    if (rule.times !== undefined) rule.times -= 1
    used?.(rule)
    plan.reason ??= reasonOf(rule)
    if (rule.kind === 'delay') {
      plan.delay[rule.when] += rule.ms
      continue
    }
    plan.effect = rule
    plan.when = rule.when
    plan.reason = reasonOf(rule)
    break
  }
  return plan
}

function reasonOf(rule: Rule): Reason {
  if (rule.magic !== undefined) return { why: 'magic', text: rule.magic }
  return { why: 'fault', text: `Fault "${rule.kind}" on ${rule.operation}, ${rule.when} the work.` }
}

function applies(rule: Rule, operation: Operation, number: string | undefined): boolean {
  if (!matchesOperation(rule.operation, operation)) return false
  if (!fits(rule.kind, operation)) return false
  if (rule.number !== undefined && !matchesNumber(rule.number, number)) return false
  if (rule.times === 0) return false
  return rule.probability === undefined || randomInt(1_000_000) < rule.probability * 1_000_000
}

const matchesOperation = (pattern: OperationPattern, operation: Operation) =>
  pattern === operation ||
  pattern === '*' ||
  (pattern.endsWith('.*') && operation.startsWith(pattern.slice(0, -1)))

function matchesNumber(pattern: string, number: string | undefined): boolean {
  if (number === undefined) return false
  return pattern.endsWith('*') ? number.startsWith(pattern.slice(0, -1)) : number === pattern
}

const sending: readonly Operation[] = ['otp.send', 'otp.resend', 'sms.send', 'chat.send']

/** What can go wrong with a request of the sandbox's own, where an app gives the answer. */
const webhookKinds: readonly Rule['kind'][] = [
  'drop-message',
  'duplicate-message',
  'delay',
  'malformed',
  'empty',
]

/** Whether such a thing can happen to such a call. */
function fits(kind: Rule['kind'], operation: Operation): boolean {
  if (operation.startsWith('webhook.')) return webhookKinds.includes(kind)
  return !isMessageKind(kind) || sending.includes(operation)
}

/** Whether a rule with this pattern could ever be used. */
export const fitsPattern = (kind: Rule['kind'], pattern: OperationPattern) =>
  operations.some((operation) => matchesOperation(pattern, operation) && fits(kind, operation))

const isMessageKind = (kind: Rule['kind']) => messageKinds.some((known) => known === kind)

const isWireKind = (kind: Rule['kind']) => wireKinds.some((known) => known === kind)

/** Whether the answer is what goes wrong, rather than the message or the OTP. */
export const isWireFault = (effect: Effect): effect is WireFault => isWireKind(effect.kind)
