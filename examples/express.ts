import { createServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-tyntec-otp'
import { cancelOtp, otpRouter } from 'passport-tyntec-otp/express'
import { flow, headersOf, problemOf, redis, settings } from './flow.js'
import { sorry, welcome } from './page.js'

passport.use(new Strategy(flow, async ({ number }) => ({ number })))
passport.serializeUser<string>((user, done) => done(null, user.number))
passport.deserializeUser<string>((number, done) => done(null, { number }))

const app = express()
app.set('trust proxy', settings.trustProxy)
app.use(express.json({ limit: '4kb' }), express.urlencoded({ extended: false, limit: '4kb' }))
app.use(
  session({
    secret: settings.sessionSecret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto' },
    ...(redis && { store: new RedisStore({ client: redis, prefix: 'example-session:' }) }),
  }),
  passport.session(),
)
app.use('/login', otpRouter(flow, { passport, page: { name: 'Acme' } }))

app.get('/', (req, res) => {
  if (req.user) res.set('Cache-Control', 'no-store').type('html').send(welcome(req.user))
  else res.redirect(303, '/login')
})
app.get('/me', (req, res) => {
  if (req.user) res.json({ user: { number: req.user.number } })
  else res.status(401).json({ error: 'not signed in' })
})
// A code that is still on its way must not open the next session.
app.post('/logout', cancelOtp(flow, { next: true }), (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect(303, '/')))
})

const answerProblem: express.ErrorRequestHandler = (error, req, res, next) => {
  if (res.headersSent) return next(error)
  const problem = problemOf(error)
  if (problem.status === 503) console.error(`Not answered: ${error?.name}`)
  res.status(problem.status).set(headersOf(problem))
  if (req.accepts(['json', 'html']) === 'html') res.type('html').send(sorry(problem))
  else res.send(JSON.stringify(problem))
}
app.use(answerProblem)

export const server = createServer(app)

declare global {
  namespace Express {
    interface User {
      number: string
    }
  }
}
