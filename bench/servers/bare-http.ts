import type { IncomingMessage, ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import { createByHand, sign, unsign } from './by-hand.js'
import { readCookie, readJson, serve, setting } from './serve.js'

// What Node allows: no framework, no session store.

const redis = new Redis(setting('REDIS_URL'))
const byHand = createByHand(redis)

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  switch (`${req.method} ${req.url}`) {
    case 'POST /login/send': {
      const flow = await byHand.send((await readJson(req)).number)
      if (!flow) return reply(res, 400, { error: 'not sent' })
      return reply(res, 202, { status: 'sent' }, `flow=${flow}; Path=/; HttpOnly`)
    }
    case 'POST /login/check': {
      const number = await byHand.check(readCookie(req, 'flow'), (await readJson(req)).code)
      if (!number) return reply(res, 401, { error: 'wrong code' })
      return reply(res, 200, { status: 'verified' }, `user=${sign(number)}; Path=/; HttpOnly`)
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
    await byHand.close()
    redis.disconnect()
  },
)
