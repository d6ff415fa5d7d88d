import { RedisStore } from 'connect-redis'
import express, { type Request, type RequestHandler, type Response } from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import { createByHand } from './by-hand.js'
import { secret, serve, setting } from './serve.js'

declare module 'express-session' {
  interface SessionData {
    flow: string
    user: { number: string }
  }
}

const redis = new Redis(setting('REDIS_URL'))
const byHand = createByHand(redis)
const store = new RedisStore({ client: redis, prefix: 'bare-session:' })

const app = express()
app.set('trust proxy', 1)
app.use(express.json({ limit: '4kb' }))
app.use(session({ secret, resave: false, saveUninitialized: false, store }))

app.post(
  '/login/send',
  route(async (req, res) => {
    const flow = await byHand.send(req.body?.number)
    if (!flow) return void res.status(400).json({ error: 'not sent' })
    req.session.flow = flow
    res.status(202).json({ status: 'sent' })
  }),
)
app.post(
  '/login/check',
  route(async (req, res) => {
    const number = await byHand.check(req.session.flow, req.body?.code)
    if (!number) return void res.status(401).json({ error: 'wrong code' })
    await new Promise<void>((resolve, reject) => {
      req.session.regenerate((error) => (error ? reject(error) : resolve()))
    })
    req.session.user = { number }
    res.json({ status: 'verified' })
  }),
)
app.get('/me', (req, res) => {
  if (req.session.user) res.json({ user: req.session.user })
  else res.status(401).json({ error: 'not signed in' })
})

/** Express 5 takes the promise; types and linter know Express 4 too. */
function route(handle: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req, res) => handle(req, res)
}

serve(app, async () => {
  await byHand.close()
  redis.disconnect()
})
