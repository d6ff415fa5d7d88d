import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import {
  createOtpFlow,
  type OtpEvent,
  type Problem,
  redisStore,
  twoFactor,
  whatsapp,
} from 'passport-tyntec-otp'
import { settings } from './settings.js'

export { settings }

const { env } = process

// The flow has a deadline of its own for each command. The sessions of the app need one too, or
// whoever is signed in waits for half a minute when Redis is away.
export const redis = env.REDIS_URL ? new Redis(env.REDIS_URL, { commandTimeout: 500 }) : undefined
let told = ''
redis?.on('error', ({ message }) => {
  if (message !== told) console.error(`Redis: ${message}`)
  told = message
})
redis?.on('ready', () => (told = ''))

export const flow = createOtpFlow({
  apiKey: env.TYNTEC_API_KEY ?? 'sandbox_example',
  baseUrl: env.TYNTEC_BASE_URL ?? 'http://127.0.0.1:8026',
  secret: env.OTP_SECRET ?? randomBytes(32),
  countries: ['DE', 'US'],
  budget: settings.budget,
  ...(redis && { store: redisStore(redis) }),
  origin: [`http://localhost:${settings.port}`, `http://127.0.0.1:${settings.port}`],
  ...(settings.channels === 'whatsapp,sms' && {
    channels: [
      whatsapp({ from: '4915112345678', template: { templateId: 'login_code' } }),
      twoFactor(),
    ],
    fallback: 'auto',
  }),
  onEvent(event) {
    const line = toLine(event)
    if (line !== undefined) console.error(line)
  },
  // An example may forget its sign-ins at a restart.
  validate: { memoryStore: false },
})

/** What was refused, and why: the person is told no more than they may know. */
function toLine(event: OtpEvent): string | undefined {
  switch (event.type) {
    case 'error':
      return `${event.code} at ${event.step}: ${event.message}`
    case 'request.refused':
      return `refused ${event.step}: ${event.reason}`
    case 'otp.rejected':
      return `refused check: ${event.reason}`
    case 'limit.hit':
      return `refused by the limit ${event.limit}`
    case 'budget.exhausted':
      return `refused by the budget per ${event.window}: ${event.used} of ${event.of} messages`
    case 'otp.delivery':
      return event.delivery === 'failed' ? `a message by ${event.via} failed` : undefined
    case 'otp.expired':
      return `refused ${event.step}: the code has expired`
    default:
      return undefined
  }
}

/**
 * What a request gets that nothing has answered: a body that could not be parsed, or a session store that
 * can't be asked. The message may hold what was sent, so it is neither shown nor logged.
 */
export function problemOf(error: unknown): Problem {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 503
  const unreadable = status >= 400 && status < 500
  const code = unreadable ? 'bad_request' : 'service_unavailable'
  const type = `urn:problem-type:tyntec-otp:${code}`
  if (unreadable) {
    return { type, title: 'Bad request', status, detail: 'The request could not be read.', code }
  }
  const detail = 'This does not work at the moment. Try again soon.'
  return { type, title: 'Service unavailable', status: 503, detail, code, retryAfter: 5 }
}

/** What belongs to such an answer. */
export function headersOf({ retryAfter }: Problem): Record<string, string> {
  return {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Cache-Control': 'no-store',
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
  }
}
