// An ESM app on Express and Redis, from the installed package.
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import express from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import passport from 'passport'
import { createOtpFlow, redisStore, Strategy } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { signIn } from './sign-in.mjs'

const sandbox = await startSandbox({ port: 0 })
const redis = new Redis(process.env.REDIS_URL)
const flow = createOtpFlow({
  apiKey: sandbox.apiKey,
  baseUrl: sandbox.url,
  secret: randomBytes(32).toString('hex'),
  countries: ['US'],
  store: redisStore(redis, { prefix: `tyntec-otp-test:${randomUUID()}:` }),
})

passport.use(new Strategy(flow, async ({ number }) => ({ number })))
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(express.json())
app.use(session({ secret: randomUUID(), resave: false, saveUninitialized: false }))
app.use(passport.session())
app.use('/login', otpRouter(flow, { passport }))
app.get('/me', (req, res) => {
  if (req.user) res.json({ user: req.user })
  else res.sendStatus(401)
})

await signIn(createServer(app), sandbox)
await flow.drain()
await sandbox.close()
redis.disconnect()
// No process.exit: the package must not keep a finished process alive.
