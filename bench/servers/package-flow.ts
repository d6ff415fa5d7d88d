import type { IncomingMessage, ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { sign, unsign } from './by-hand.js'
import { apiKey, readCookie, readJson, secret, serve, setting } from './serve.js'

// The flow alone, on the same server as bare-http.

const redis = new Redis(setting('REDIS_URL'))
const flow = createOtpFlow({
  apiKey,
  baseUrl: setting('SANDBOX_URL'),
  secret,
  countries: ['DE', 'US'],
  // The deadline costs the same, whatever it is; on a busy machine 0.3 s would end the benchmark.
  store: redisStore(redis, { timeout: 5 }),
  budget: { perHour: 10_000_000, perDay: 10_000_000 },
  onEvent: (event) => {
    if (event.type === 'error') console.error(`${event.step}: ${event.message}`)
  },
})

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const address = req.headers['x-forwarded-for']
  switch (`${req.method} ${req.url}`) {
    case 'POST /login/send': {
      const { number } = await readJson(req)
      const outcome = await flow.send({ number, address })
      if (outcome.status !== 'sent') return reply(res, 400, outcome)
      const { handle, ...body } = outcome
      return reply(res, 202, body, `flow=${handle}; Path=/; HttpOnly`)
    }
    case 'POST /login/check': {
      const { code } = await readJson(req)
      const outcome = await flow.check({ handle: readCookie(req, 'flow'), code, address })
      if (outcome.status !== 'verified') return reply(res, 401, outcome)
      if (!(await flow.complete(outcome.proof))) return reply(res, 409, {})
      const cookie = `user=${sign(outcome.identity.number)}; Path=/; HttpOnly`
      return reply(res, 200, { status: 'verified' }, cookie)
    }
    default: {
      const number = unsign(readCookie(req, 'user'))
      return reply(res, number ? 200 : 401, { user: { number } })
    }
  }
}

function reply(res: ServerResponse, status: number, body: object, cookie?: string): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    ...(cookie && { 'set-cookie': cookie }),
  })
  res.end(JSON.stringify(body))
}

serve(
  (req, res) => void handle(req, res).catch(() => reply(res, 500, {})),
  async () => {
    await flow.drain()
    redis.disconnect()
  },
)
