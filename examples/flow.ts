import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createOtpFlow, type Problem, redisStore } from 'passport-tyntec-otp'

const { env } = process

/** What is the same for both examples. Everything has a default, so that they start as they are. */
export const settings = {
  port: Number(env.PORT ?? 3000),
  /** How many proxies are in front. Never `true`: then anybody can choose the address they come from. */
  trustProxy: Number(env.TRUST_PROXY ?? 0),
  sessionSecret: env.SESSION_SECRET ?? randomBytes(32).toString('hex'),
}

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
  ...(redis && { store: redisStore(redis) }),
  origin: [`http://localhost:${settings.port}`, `http://127.0.0.1:${settings.port}`],
  onEvent(event) {
    if (event.type === 'error') console.error(`${event.code} at ${event.step}: ${event.message}`)
  },
  // An example may forget its sign-ins at a restart.
  validate: { memoryStore: false },
})

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
