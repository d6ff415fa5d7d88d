// An ESM app on Express whose sessions and sign-ins share one client of node-redis.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { createOtpFlow, redisStore, Strategy } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { createClient } from 'redis'
import { signIn } from './sign-in.mjs'

const sandbox = await startSandbox({ port: 0 })
const client = createClient({ url: process.env.REDIS_URL })
await client.connect()

const prefix = `tyntec-otp-test:${randomUUID()}:`
const flow = createOtpFlow({
  apiKey: sandbox.apiKey,
  baseUrl: sandbox.url,
  secret: randomBytes(32).toString('hex'),
  countries: ['US'],
  store: redisStore(client, { prefix: `${prefix}otp:` }),
})

passport.use(new Strategy(flow, async ({ number }) => ({ number })))
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(express.json())
app.use(
  session({
    store: new RedisStore({ client, prefix: `${prefix}session:`, ttl: 60 }),
    secret: randomUUID(),
    resave: false,
    saveUninitialized: false,
  }),
)
app.use(passport.session())
app.use('/login', otpRouter(flow, { passport }))
app.get('/me', (req, res) => {
  if (req.user) res.json({ user: req.user })
  else res.sendStatus(401)
})

await signIn(createServer(app), sandbox)
for (const of of ['otp', 'session']) {
  const keys = await client.keys(`${prefix}${of}:*`)
  assert.notEqual(keys.length, 0, `keys of ${of} in Redis`)
  await client.del(keys)
}
await flow.drain()
await sandbox.close()
await client.close()
// No process.exit: the package must not keep a finished process alive.
