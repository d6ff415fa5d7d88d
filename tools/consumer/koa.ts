// Compiled, not run: a Koa project that has no types of its own for Express.
import Koa from 'koa'
import { createOtpFlow, memoryStore } from 'passport-tyntec-otp'
import { checkOtp, otpRouter, sendOtp } from 'passport-tyntec-otp/koa'
import { startSandbox } from 'passport-tyntec-otp/sandbox'

const sandbox = await startSandbox({ port: 0 })
const flow = createOtpFlow({
  apiKey: sandbox.apiKey,
  baseUrl: sandbox.url,
  secret: 'a'.repeat(32),
  countries: 'any',
  store: memoryStore(),
})

const app = new Koa()
app.use(
  otpRouter(flow, {
    prefix: '/login',
    onVerified(identity, ctx) {
      const number: string = identity.number
      ctx.set('x-method', `${ctx.method} ${number.length}`)
    },
  }),
)
app.use(sendOtp(flow))
app.use(
  checkOtp(flow, {
    onVerified: async (identity, ctx) => {
      ctx.state.number = identity.number
    },
  }),
)

export const code: string = await sandbox.waitForCode('+12015550100', { timeout: 5 })
