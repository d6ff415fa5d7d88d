import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { createOtpFlow, Strategy } from 'passport-tyntec-otp'
import { otpRouter, sendOtp } from 'passport-tyntec-otp/express'

/** Somebody with one number or more. An app of your own has them in its database. */
interface Account extends Express.User {
  numbers: string[]
}
const accounts: Account[] = []
const ownerOf = (number: string) => accounts.find(({ numbers }) => numbers.includes(number))

const flow = createOtpFlow({
  apiKey: process.env.TYNTEC_API_KEY ?? 'sandbox_example',
  baseUrl: process.env.TYNTEC_BASE_URL ?? 'http://127.0.0.1:8026',
  secret: process.env.OTP_SECRET ?? randomBytes(32),
  countries: ['DE', 'US'],
  validate: { memoryStore: false },
})

const passport = new Passport()
passport.use(
  new Strategy(
    flow,
    { passReqToCallback: true },
    (req: express.Request, { number, purpose }, done) => {
      const owner = ownerOf(number)
      if (purpose === 'link') {
        // Whose number it is, is told to nobody but the one who has just proven to hold it.
        const taken = owner !== undefined && owner !== req.user
        if (taken) done(null, false, { message: 'This number belongs to another account.' })
        else done(null, { number })
        return
      }
      if (owner) return done(null, owner)
      const account = { number, numbers: [number] }
      accounts.push(account)
      done(null, account)
    },
  ),
)
passport.serializeUser<string>((user, done) => done(null, user.number))
passport.deserializeUser<string>((number, done) => done(null, ownerOf(number) ?? false))

const app = express()
app.use(express.json({ limit: '4kb' }), express.urlencoded({ extended: false, limit: '4kb' }))
app.use(
  session({
    secret: process.env.SESSION_SECRET ?? randomBytes(32).toString('hex'),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto' },
  }),
  passport.session(),
)
app.use('/login', otpRouter(flow, { passport, page: { name: 'Acme' } }))

const requireUser: RequestHandler = (req, res, next) => {
  if (req.user) next()
  else res.redirect(303, '/login')
}
const link = { purpose: 'link', failureRedirect: '/account', failureMessage: true } as const

app.post('/account/number/send', requireUser, sendOtp(flow, { purpose: 'link' }))
app.post(
  '/account/number/check',
  requireUser,
  passport.authorize('tyntec-otp', link),
  (req, res) => {
    const { number } = req.account as { number: string } // what the strategy has given
    const { numbers } = req.user as Account // what passport.session() has found
    if (!numbers.includes(number)) numbers.push(number)
    res.redirect(303, '/account')
  },
)
app.get('/account', requireUser, (req, res) => {
  const { numbers } = req.user as Account
  const { messages = [] } = req.session
  delete req.session.messages
  res.set('Cache-Control', 'no-store').json({ account: { numbers }, messages })
})

export const server = createServer(app)

declare global {
  namespace Express {
    interface Request {
      account?: unknown
    }
  }
}
declare module 'express-session' {
  interface SessionData {
    /** Passport's `failureMessage`. */
    messages?: string[]
  }
}
