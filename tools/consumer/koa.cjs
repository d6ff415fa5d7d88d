// A CommonJS app on Koa without Passport, from the installed package.
const assert = require('node:assert/strict')
const { randomBytes, randomUUID } = require('node:crypto')
const { createServer } = require('node:http')
const { bodyParser } = require('@koa/bodyparser')
const Koa = require('koa')
const { createSession } = require('koa-session')
const Strategy = require('passport-tyntec-otp')
const { otpRouter } = require('passport-tyntec-otp/koa')
const { startSandbox } = require('passport-tyntec-otp/sandbox')

async function main() {
  const { signIn } = await import('./sign-in.mjs')
  assert.equal(typeof Strategy, 'function')
  assert.equal(Strategy.Strategy, Strategy)
  const { createOtpFlow, memoryStore, OtpError, redisStore } = Strategy
  assert.deepEqual([typeof OtpError, typeof redisStore], ['function', 'function'])

  const sandbox = await startSandbox({ port: 0 })
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    secret: randomBytes(32).toString('hex'),
    countries: ['US'],
    store: memoryStore(),
  })
  assert.equal(new Strategy(flow, async ({ number }) => ({ number })).name, 'tyntec-otp')

  const app = new Koa()
  app.keys = [randomUUID()]
  app.use(createSession(app))
  app.use(bodyParser())
  app.use(
    otpRouter(flow, {
      prefix: '/login',
      onVerified({ number }, ctx) {
        ctx.session.user = { number }
      },
    }),
  )
  app.use((ctx) => {
    if (ctx.path !== '/me') return
    if (ctx.session.user) ctx.body = { user: ctx.session.user }
    else ctx.status = 401
  })

  await signIn(createServer(app.callback()), sandbox)
  await flow.drain()
  await sandbox.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
