import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import passport from 'passport'
import { createOtpFlow, redisStore, Strategy } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'
import { apiKey, secret, serve, setting } from './serve.js'

// As in the README, with every default. Only the budget is what a benchmark needs.

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
passport.use(new Strategy(flow, ({ number }) => ({ number })))
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user as Express.User)) // what was serialized

const store = new RedisStore({ client: redis, prefix: 'package-session:' })
const app = express()
app.set('trust proxy', 1)
app.use(express.json({ limit: '4kb' }))
app.use(session({ secret, resave: false, saveUninitialized: false, store }), passport.session())
app.use('/login', otpRouter(flow, { passport }))
app.get('/me', (req, res) => {
  if (req.user) res.json({ user: req.user })
  else res.status(401).json({ error: 'not signed in' })
})

serve(app, async () => {
  await flow.drain()
  redis.disconnect()
})
