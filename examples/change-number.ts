import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { createOtpFlow, Strategy } from 'passport-tyntec-otp'
import { otpRouter, sendOtp } from 'passport-tyntec-otp/express'

/** Somebody with one number. An app of your own has them in its database, where no number is there twice. */
interface Account extends Express.User {
  id: string
  number: string
}
const accounts = new Map<string, Account>()
const ownerOf = (number: string) => [...accounts.values()].find((each) => each.number === number)

/** The app's own events: whoever sends messages writes to the old number, and says how to object. */
export const events = new EventEmitter<{
  numberChanged: [{ account: string; oldNumber: string; newNumber: string }]
}>()

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
      if (purpose === 'change') {
        const taken = owner !== undefined && owner !== req.user
        if (taken) done(null, false, { message: 'This number belongs to another account.' })
        else done(null, { number })
        return
      }
      const account = owner ?? { id: randomBytes(8).toString('hex'), number }
      accounts.set(account.id, account)
      done(null, account)
    },
  ),
)
passport.serializeUser(
  (req: express.Request, user: Express.User, done: (error: unknown, id?: string) => void) => {
    // Runs at each sign-in, for the session that it opens.
    req.session.signedInAt = Date.now()
    done(null, (user as Account).id) // what the strategy has given
  },
)
passport.deserializeUser<string>((id, done) => done(null, accounts.get(id) ?? false))

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

/** Seconds for which a sign-in, which proves the old number, is recent. */
const recent = 300

const requireRecentSignIn: RequestHandler = (req, res, next) => {
  const { signedInAt = 0 } = req.session
  if (!req.user) res.redirect(303, '/login')
  else if (Date.now() - signedInAt <= recent * 1000) next()
  else res.status(403).json({ error: 'sign_in_again' })
}

app.use('/login', otpRouter(flow, { passport, page: { name: 'Acme' } }))

const change = { purpose: 'change', failureRedirect: '/account', failureMessage: true } as const

app.post('/account/number/send', requireRecentSignIn, sendOtp(flow, { purpose: 'change' }))
app.post(
  '/account/number/check',
  requireRecentSignIn,
  passport.authorize('tyntec-otp', change),
  (req, res) => {
    const { number } = req.account as { number: string } // what the strategy has given
    const account = req.user as Account // what passport.session() has found
    const oldNumber = account.number
    if (number !== oldNumber) {
      account.number = number
      events.emit('numberChanged', { account: account.id, oldNumber, newNumber: number })
    }
    // One sign-in is good for one change.
    req.session.signedInAt = undefined
    res.redirect(303, '/account')
  },
)
app.get('/account', (req, res) => {
  if (!req.user) return res.redirect(303, '/login')
  const { number } = req.user as Account
  const { messages = [] } = req.session
  delete req.session.messages
  res.set('Cache-Control', 'no-store').json({ account: { number }, messages })
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
    /** When this session has proven a number, by `Date.now()`. */
    signedInAt?: number | undefined
  }
}
