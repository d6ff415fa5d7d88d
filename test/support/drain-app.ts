import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'

// An app as it runs in production, in a process of its own: it ends by itself once SIGTERM came, or
// not at all.

const { REDIS_URL = '', REDIS_PREFIX = '', SANDBOX_URL = '' } = process.env
const redis = new Redis(REDIS_URL)
const flow = createOtpFlow({
  apiKey: 'sandbox_key',
  baseUrl: SANDBOX_URL,
  secret: 'a secret of the tests, longer than 32 bytes',
  countries: ['DE'],
  store: redisStore(redis, { prefix: REDIS_PREFIX, timeout: 5 }),
  limits: {
    sendsPerAddress: { points: 10_000, duration: 3600 },
    failuresPerAddress: { points: 10_000, duration: 3600 },
    failedNumbersPerAddress: { points: 10_000, duration: 3600 },
  },
  budget: { perHour: 10_000, perDay: 10_000 },
})
let draining = false

const server = createServer((req, res) => {
  const late = draining
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://app')
  const input = Object.fromEntries(searchParams)
  answer(pathname, input).then(
    (body) => reply(res, 200, { late, ...body }),
    (error: { status?: number; code?: string }) =>
      reply(res, error.status ?? 500, { late, status: error.code }),
  )
})

async function answer(path: string, input: Record<string, string>): Promise<object> {
  if (path === '/send') return flow.send({ number: input.number, address: '192.0.2.1' })
  const outcome = await flow.check({ handle: input.handle, code: input.code })
  if (outcome.status !== 'verified') return outcome
  return { status: 'verified', completed: await flow.complete(outcome.proof) }
}

function reply(res: ServerResponse, status: number, body: object): void {
  // Node closes connections that are idle at the time of `close()`, and leaves busy ones open.
  if (draining) res.setHeader('connection', 'close')
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

process.once('SIGTERM', () => void stop())

async function stop(): Promise<void> {
  draining = true
  const closed = once(server, 'close')
  server.close()
  await Promise.all([closed, flow.drain()])
  await redis.quit()
  process.disconnect()
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
})
