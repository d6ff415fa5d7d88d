import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import session from 'express-session'
import Koa from 'koa'
import { createSession } from 'koa-session'
import { Passport } from 'passport'
import { type OtpFlow, Strategy } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { listen } from '../support/app.js'

export type Framework = 'express' | 'koa'

/** An app that leaves errors to its framework, as apps do whose authors did not think of them. */
export async function startApp(framework: Framework, flow: OtpFlow) {
  const passport = new Passport()
  const strategy = new Strategy(flow, ({ number }) => ({ number }))
  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user as Express.User)) // what was serialized
  const base = await listen(framework === 'koa' ? onKoaApp() : onExpressApp())
  return { base, strategy }

  function onExpressApp() {
    const app = express()
    // Before the parsers: nobody has read this body.
    app.post('/unparsed', onExpress.sendOtp(flow))
    app.use(express.json(), express.urlencoded({ extended: false }))
    app.use(session({ secret: 'of the app', resave: false, saveUninitialized: false, name: 'sid' }))
    app.use(passport.session())
    app.post('/by-hand', (req, res, next) => {
      const { number } = req.body as { number?: unknown }
      flow.send({ number }).then(({ status }) => void res.json({ status }), next)
    })
    app.post('/strategy', passport.authenticate('tyntec-otp'), (_req, res) => void res.json({}))
    app.post('/logout', onExpress.cancelOtp(flow, { next: true }), (req, res, next) => {
      req.logout((error) => (error ? next(error) : res.sendStatus(204)))
    })
    app.use('/login', onExpress.otpRouter(flow, { passport }))
    return app
  }

  function onKoaApp() {
    const app = new Koa()
    app.keys = ['of the app']
    app.use((ctx, next) => (ctx.path === '/unparsed' ? onKoa.sendOtp(flow)(ctx, next) : next()))
    app.use(bodyParser())
    app.use(async (ctx, next) => {
      if (ctx.path !== '/by-hand') return next()
      const { status } = await flow.send({
        number: (ctx.request.body as { number?: unknown }).number,
      })
      ctx.body = { status }
    })
    app.use(createSession({ key: 'sid' }, app))
    app.use((ctx, next) => {
      if (ctx.path !== '/logout') return next()
      return onKoa.cancelOtp(flow, { next: true })(ctx, async () => {
        ctx.session = null
        ctx.status = 204
      })
    })
    app.use((ctx, next) =>
      ctx.path === '/strategy' ? onKoa.checkOtp(flow, { passport })(ctx, next) : next(),
    )
    app.use(onKoa.otpRouter(flow, { prefix: '/login', passport }))
    return app.callback()
  }
}
