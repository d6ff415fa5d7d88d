import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { Strategy as LocalStrategy } from 'passport-local'
import { createOtpFlow, Strategy } from 'passport-tyntec-otp'
import { resendOtp, sendOtp } from 'passport-tyntec-otp/express'

/** Somebody with a password and a number. An app of your own has them in its database. */
interface Account extends Express.User {
  name: string
  salt: Buffer
  password: Buffer
  number: string
}
const accounts = new Map<string, Account>()

/** What the app's sign-up does, once it has proven the number. */
export function addAccount(name: string, password: string, number: string): void {
  const salt = randomBytes(16)
  accounts.set(name, { name, salt, password: scryptSync(password, salt, 32), number })
}

const flow = createOtpFlow({
  apiKey: process.env.TYNTEC_API_KEY ?? 'sandbox_example',
  baseUrl: process.env.TYNTEC_BASE_URL ?? 'http://127.0.0.1:8026',
  secret: process.env.OTP_SECRET ?? randomBytes(32),
  countries: ['DE', 'US'],
  validate: { memoryStore: false },
})

const passport = new Passport()
passport.use(
  new LocalStrategy({ usernameField: 'name' }, (name, password, done) => {
    const account = accounts.get(name)
    // As long for a name that is not there.
    const given = scryptSync(String(password), account?.salt ?? 'no salt', 32)
    const right = account !== undefined && timingSafeEqual(given, account.password)
    done(null, right ? account : false)
  }),
)
passport.use(
  new Strategy(
    flow,
    { passReqToCallback: true },
    (req: express.Request, { number, purpose }, done) => {
      const account = req.user as Account | undefined // what passport.session() has found
      const own = purpose === 'step-up' && account?.number === number
      done(null, own ? account : false)
    },
  ),
)
passport.serializeUser<string>((user, done) => done(null, (user as Account).name)) // one of ours
passport.deserializeUser<string>((name, done) => done(null, accounts.get(name) ?? false))

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

/** The password alone: enough for the second step, and for nothing else. */
const requirePassword: RequestHandler = (req, res, next) => {
  if (req.user) next()
  else res.status(401).json({ error: 'sign_in' })
}
const requireBoth: RequestHandler = (req, res, next) => {
  if (req.user && req.session.secondFactor === true) next()
  else res.status(401).json({ error: req.user ? 'second_factor' : 'sign_in' })
}
/** The code goes to the account's own number, whatever the request says. */
const toOwnNumber: RequestHandler = (req, _res, next) => {
  const { number } = req.user as Account // requirePassword has seen it
  req.body = { number }
  next()
}

const stepUp = { purpose: 'step-up', failureRedirect: '/login/code' } as const

app.post('/login', passport.authenticate('local'), (_req, res) => {
  res.json({ next: '/login/code' })
})
app.post('/login/code/send', requirePassword, toOwnNumber, sendOtp(flow, { purpose: 'step-up' }))
app.post('/login/code/resend', requirePassword, resendOtp(flow))
app.post(
  '/login/code/check',
  requirePassword,
  passport.authorize('tyntec-otp', stepUp),
  (req, res, next) => {
    const account = req.user as Account // requirePassword has seen it
    // A session that can do more is a new one: Passport makes it.
    req.logIn(account, (error?: unknown) => {
      if (error) return next(error)
      req.session.secondFactor = true
      res.redirect(303, '/account')
    })
  },
)
app.get('/account', requireBoth, (req, res) => {
  const { name } = req.user as Account // requireBoth has seen it
  res.set('Cache-Control', 'no-store').json({ account: { name } })
})

export const server = createServer(app)

declare module 'express-session' {
  interface SessionData {
    /** The number has been proven as well, in this session. */
    secondFactor?: boolean
  }
}
