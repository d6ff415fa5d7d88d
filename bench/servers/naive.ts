import { RedisStore } from 'connect-redis'
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import passport from 'passport'
import { Strategy } from 'passport-custom'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { apiKey, secret, serve, setting } from './serve.js'

// What a post on a blog would say: a strategy of a few lines, three limiters one after another, the
// built-in fetch, and everything about the code in the session.

declare module 'express-session' {
  interface SessionData {
    otp: { id: string; number: string }
  }
}

const redis = new Redis(setting('REDIS_URL'))
const limiter = (keyPrefix: string, points: number, duration: number) =>
  new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration })
const sends = {
  address: limiter('naive-send-address', 10, 3600),
  number: limiter('naive-send-number', 5, 600),
  all: limiter('naive-send-all', 10_000_000, 3600),
}
const checks = {
  address: limiter('naive-check-address', 20, 3600),
  number: limiter('naive-check-number', 5, 900),
  otp: limiter('naive-check-otp', 3, 300),
}

async function ask(path: string): Promise<{ status: number; otpId: string | undefined }> {
  const response = await fetch(setting('SANDBOX_URL') + path, {
    method: 'POST',
    headers: { accept: 'application/json', apikey: apiKey },
    signal: AbortSignal.timeout(8000),
  })
  const { otpId } = (await response.json()) as { otpId?: string } // the simulated tyntec's own
  return { status: response.status, otpId }
}

passport.use(
  'otp',
  // What a limiter throws when it refuses ends as a wrong code does.
  new Strategy(async (req, done) => {
    done(null, await check(req).catch(() => false))
  }),
)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user as Express.User)) // what was serialized

async function check(req: Request): Promise<Express.User | false> {
  const { otp } = req.session
  const { code } = req.body as { code?: unknown }
  if (!otp || typeof code !== 'string' || !/^\d{6}$/.test(code)) return false
  await checks.address.consume(req.ip ?? '')
  await checks.number.consume(otp.number)
  await checks.otp.consume(otp.id)
  const { status } = await ask(`/2fa/v1/otp/${otp.id}/check?otpCode=${code}`)
  return status === 202 && { number: otp.number }
}

const store = new RedisStore({ client: redis, prefix: 'naive-session:' })
const app = express()
app.set('trust proxy', 1)
app.use(express.json({ limit: '4kb' }))
app.use(session({ secret, resave: false, saveUninitialized: false, store }), passport.session())

app.post(
  '/login/send',
  route(async (req, res) => {
    const { number } = req.body as { number?: unknown }
    if (typeof number !== 'string' || !/^\+[1-9]\d{6,14}$/.test(number)) {
      return void res.status(400).json({ error: 'no number' })
    }
    await sends.address.consume(req.ip ?? '')
    await sends.number.consume(number)
    await sends.all.consume('all')
    const query = `number=${encodeURIComponent(number)}&pinLength=6&via=SMS`
    const { status, otpId } = await ask(`/2fa/v1/otp?${query}`)
    if (status !== 200 || !otpId) return void res.status(503).json({ error: 'not sent' })
    req.session.otp = { id: otpId, number }
    res.status(202).json({ status: 'sent' })
  }),
)
app.post('/login/check', passport.authenticate('otp'), (_req, res) => {
  res.json({ status: 'verified' })
})
app.get('/me', (req, res) => {
  if (req.user) res.json({ user: req.user })
  else res.status(401).json({ error: 'not signed in' })
})
app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
  res.status(429).json({ error: 'too many' })
})

/** Express 5 takes the promise; types and linter know Express 4 too. */
function route(handle: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req, res) => handle(req, res)
}

serve(app, () => redis.disconnect())
