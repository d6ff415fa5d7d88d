import type { IncomingMessage, ServerResponse } from 'node:http'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { phoneNumber } from 'better-auth/plugins'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { apiKey, secret, serve, setting } from './serve.js'

// better-auth's phone-number plugin: sessions, codes and limits in the same Redis, users in memory,
// the code made and judged by tyntec as in the other servers.

const redis = new Redis(setting('REDIS_URL'))
const pool = new Pool(setting('SANDBOX_URL'), { connections: 50 })
const headers = { accept: 'application/json', apikey: apiKey }
const keyOf = (number: string) => `better-auth-otp:${number}`
const tables: Record<string, { [column: string]: unknown }[]> = {
  user: [],
  session: [],
  account: [],
  verification: [],
}

async function ask(path: string): Promise<{ status: number; otpId: string | undefined }> {
  const { statusCode, body } = await pool.request({ path, method: 'POST', headers })
  const { otpId } = (await body.json()) as { otpId?: string } // the simulated tyntec's own
  return { status: statusCode, otpId }
}

const auth = betterAuth({
  baseURL: 'http://localhost',
  secret,
  database: memoryAdapter(tables),
  secondaryStorage: {
    get: (key) => redis.get(key),
    getAndDelete: (key) => redis.getdel(key),
    async increment(key, ttl) {
      const results = await redis.multi().incr(key).expire(key, Math.ceil(ttl), 'NX').exec()
      return Number(results?.[0]?.[1])
    },
    set: async (key, value, ttl) => {
      await (ttl ? redis.set(key, value, 'EX', Math.ceil(ttl)) : redis.set(key, value))
    },
    delete: async (key) => {
      await redis.del(key)
    },
  },
  rateLimit: { enabled: true, storage: 'secondary-storage' },
  logger: { level: 'error' },
  telemetry: { enabled: false },
  plugins: [
    phoneNumber({
      phoneNumberValidator: (number) => /^\+[1-9]\d{6,14}$/.test(number),
      signUpOnVerification: { getTempEmail: (number) => `${number.slice(1)}@phone.invalid` },
      async sendOTP({ phoneNumber: number }) {
        const query = `number=${encodeURIComponent(number)}&pinLength=6&via=SMS`
        const { status, otpId } = await ask(`/2fa/v1/otp?${query}`)
        if (status !== 200 || !otpId) throw new Error('not sent')
        await redis.set(keyOf(number), otpId, 'EX', 300)
      },
      async verifyOTP({ phoneNumber: number, code }) {
        const otpId = await redis.get(keyOf(number))
        if (!otpId || !/^\d{6}$/.test(code)) return false
        const { status } = await ask(`/2fa/v1/otp/${otpId}/check?otpCode=${code}`)
        return status === 202
      },
    }),
  ],
})
const handle = toNodeHandler(auth)

// A table in memory is read from its start: without an end to it, each login would cost more than
// the one before, which a database would not.
function forget(): void {
  for (const rows of Object.values(tables)) if (rows.length > 400) rows.splice(0, 200)
}

serve(
  (req, res) => {
    if (req.url === '/me') return void tellUser(req, res)
    forget()
    void handle(req, res)
  },
  async () => {
    await pool.close()
    redis.disconnect()
  },
)

async function tellUser(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
  res.writeHead(session ? 200 : 401, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ user: session?.user }))
}
