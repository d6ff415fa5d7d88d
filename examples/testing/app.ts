import { randomBytes } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import { createOtpFlow, memoryStore } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'

/** An app as a function of what a test has to change: where tyntec is. */
export function createApp({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }) {
  const flow = createOtpFlow({
    apiKey,
    baseUrl,
    secret: randomBytes(32),
    countries: ['DE', 'US'],
    store: memoryStore(),
  })
  const people: string[] = []
  const app = express()
  app.use(express.json())
  app.use(
    session({
      secret: randomBytes(32).toString('hex'),
      resave: false,
      saveUninitialized: false,
    }),
  )
  app.use(
    '/login',
    otpRouter(flow, {
      onVerified: ({ number }, req) => {
        if (!people.includes(number)) people.push(number)
        req.session.person = { id: people.indexOf(number) }
      },
    }),
  )
  app.get('/me', (req, res) => {
    if (req.session.person) res.json(req.session.person)
    else res.sendStatus(401)
  })
  return app
}

declare module 'express-session' {
  interface SessionData {
    person: { id: number }
  }
}
