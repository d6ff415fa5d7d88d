import { helpOf } from './errors.js'
import type { OtpEvent, OtpEventListener } from './event.js'

/** A logger of pino's or Fastify's shape. */
export interface OtpLogger {
  info(event: object, message: string): unknown
  warn(event: object, message: string): unknown
  error(event: object, message: string): unknown
}

type Level = keyof OtpLogger

/** Every event there is. docs/events.md says when each of them happens. */
export const levels: Record<OtpEvent['type'], Level> = {
  'otp.sent': 'info',
  'otp.resent': 'info',
  'otp.unconfirmed': 'warn',
  'otp.delivery': 'info',
  'route.failing': 'error',
  'otp.verified': 'info',
  'session.opened': 'info',
  'otp.rejected': 'info',
  'otp.locked': 'warn',
  'otp.expired': 'info',
  'otp.cancelled': 'info',
  'number.disabled': 'error',
  admin: 'warn',
  'limit.hit': 'warn',
  'request.refused': 'warn',
  'otp.decoyed': 'info',
  'pumping.suspected': 'warn',
  'challenge.refused': 'warn',
  'guessing.suspected': 'error',
  'budget.warning': 'warn',
  'budget.exhausted': 'error',
  misuse: 'warn',
  error: 'error',
}

/** Lines of one kind per minute. Above it they are counted, so that an attack can't fill the disk. */
const linesPerMinute = 60

/** The same for requests that anybody can have refused, at will and for each reason in turn. */
const refusalsPerMinute = 3

/** Writes events as structured lines. The events carry nothing that needs redaction. */
export function createLogSink(logger: OtpLogger, now = () => performance.now()): OtpEventListener {
  const kinds = new Map<string, { since: number; lines: number; suppressed: number }>()
  return (event) => {
    const kind = kindOf(event)
    let state = kinds.get(kind)
    if (!state || now() - state.since >= 60_000) {
      state = { since: now(), lines: 0, suppressed: state?.suppressed ?? 0 }
      kinds.set(kind, state)
    }
    if (state.lines >= (refusals.has(event.type) ? refusalsPerMinute : linesPerMinute)) {
      state.suppressed += 1
      return undefined
    }
    state.lines += 1
    const { suppressed } = state
    state.suppressed = 0
    return logger[levels[event.type]](lineOf(event, suppressed), event.type)
  }
}

/** What the log gets: the event, and where its cause and fix are if it has a code. */
function lineOf(event: OtpEvent, suppressed: number): object {
  const help = 'code' in event ? { help: helpOf(event.code) } : undefined
  return { ...event, ...help, ...(suppressed > 0 && { suppressed }) }
}

const refusals: ReadonlySet<OtpEvent['type']> = new Set([
  'limit.hit',
  'request.refused',
  'challenge.refused',
])

/** Of a small set, whatever people send. */
function kindOf(event: OtpEvent): string {
  if (event.type === 'limit.hit') return `${event.type} ${event.limit}`
  if (event.type === 'otp.rejected') return `${event.type} ${event.reason}`
  if (event.type === 'request.refused') return `${event.type} ${event.reason}`
  return event.type === 'error' ? `${event.type} ${event.step} ${event.code}` : event.type
}
