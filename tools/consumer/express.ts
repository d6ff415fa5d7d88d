// Compiled, not run: an Express project that has no types of Koa.
import express from 'express'
import { Redis } from 'ioredis'
import passport from 'passport'
import {
  createOtpFlow,
  type Limited,
  type OtpErrorCode,
  OtpError,
  redisStore,
  type Refused,
  Strategy,
  type ValidationCode,
} from 'passport-tyntec-otp'
import { checkOtp, otpRouter, sendOtp } from 'passport-tyntec-otp/express'
import { createTyntecClient } from 'passport-tyntec-otp/tyntec'

const flow = createOtpFlow({
  apiKey: () => Promise.resolve('key'),
  secret: ['a'.repeat(32), 'b'.repeat(32)],
  countries: ['DE', 'US'],
  store: redisStore(new Redis({ lazyConnect: true })),
  origin: 'https://login.example.com',
})

interface User {
  number: string
}

passport.use(new Strategy(flow, ({ number }): Promise<User> => Promise.resolve({ number })))
passport.use(
  new Strategy(flow, (identity, done) => {
    done(null, { number: identity.number })
  }),
)

const app = express()
app.use('/login', otpRouter(flow, { passport }))
app.use(
  '/other',
  otpRouter(flow, {
    onVerified(identity, req, res) {
      const number: string = identity.number
      res.setHeader('x-method', `${req.method} ${number.length}`)
    },
  }),
)
app.post('/send', sendOtp(flow))
app.post('/check', checkOtp(flow, { passport }))

// @ts-expect-error countries has to be said
createOtpFlow({ apiKey: 'key', secret: 'a'.repeat(32), store: flow })

export function codeOf(error: unknown): OtpErrorCode | undefined {
  return error instanceof OtpError ? error.code : undefined
}

export type Refusal = Refused<'number_not_allowed'> | Limited<'rate_limited'>

flow.on('misuse', ({ code }) => {
  const shown: ValidationCode = code
  console.error(shown)
})

export const client = createTyntecClient({ apiKey: 'key' })
