import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createOtpFlow, memoryStore, redisStore } from 'passport-tyntec-otp'

const { env } = process

/** What is the same for both examples. Everything has a default, so that they start as they are. */
export const settings = {
  port: Number(env.PORT ?? 3000),
  /** How many proxies are in front. Never `true`: then anybody can choose the address they come from. */
  trustProxy: Number(env.TRUST_PROXY ?? 0),
  sessionSecret: env.SESSION_SECRET ?? randomBytes(32).toString('hex'),
}

export const redis = env.REDIS_URL ? new Redis(env.REDIS_URL) : undefined
redis?.on('error', (error) => console.error(`Redis: ${error.message}`))

export const flow = createOtpFlow({
  apiKey: env.TYNTEC_API_KEY ?? 'sandbox_example',
  baseUrl: env.TYNTEC_BASE_URL ?? 'http://127.0.0.1:8026',
  secret: env.OTP_SECRET ?? randomBytes(32),
  countries: ['DE', 'US'],
  store: redis ? redisStore(redis) : memoryStore(),
  origin: [`http://localhost:${settings.port}`, `http://127.0.0.1:${settings.port}`],
  onEvent: (event) => {
    if (event.type === 'error') console.error(`${event.code} at ${event.step}: ${event.message}`)
  },
})
