import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { createOtpFlow } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'

/** Where the page is, like `https://app.example.com`; this server is the API that it calls. */
const origin = process.env.PAGE_ORIGIN ?? 'http://localhost:5173'

const flow = createOtpFlow({
  apiKey: process.env.TYNTEC_API_KEY ?? 'sandbox_example',
  baseUrl: process.env.TYNTEC_BASE_URL ?? 'http://127.0.0.1:8026',
  secret: process.env.OTP_SECRET ?? randomBytes(32),
  countries: ['DE', 'US'],
  origin,
  // The page may be on another site. Over http, as on localhost, it is 'lax': browsers want https for it.
  cookie: { sameSite: 'none' },
  validate: { memoryStore: false },
})

/** Lets that one page, and no other, call this server with its cookies. */
const cors: RequestHandler = (req, res, next) => {
  res.vary('Origin')
  if (req.headers.origin === origin) {
    res.set({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'content-type',
      'Access-Control-Max-Age': '600',
    })
  }
  if (req.method === 'OPTIONS') res.sendStatus(204)
  else next()
}

const app = express()
const secure = origin.startsWith('https:')
app.set('trust proxy', Number(process.env.TRUST_PROXY ?? 0))
app.use(cors, express.json({ limit: '4kb' }))
app.use(
  session({
    secret: process.env.SESSION_SECRET ?? randomBytes(32).toString('hex'),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, secure, sameSite: secure ? 'none' : 'lax' },
  }),
)
app.use(
  '/login',
  otpRouter(flow, {
    onVerified: ({ number }, req) => {
      req.session.user = { number }
    },
  }),
)
app.get('/me', (req, res) => {
  const { user } = req.session
  if (user) res.json({ user })
  else res.status(401).json({ error: 'not signed in' })
})

export const server = createServer(app)

declare module 'express-session' {
  interface SessionData {
    user: { number: string }
  }
}
