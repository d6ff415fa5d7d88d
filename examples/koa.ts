import { createServer } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import Koa from 'koa'
import session from 'koa-session'
import { cancelOtp, otpRouter } from 'passport-tyntec-otp/koa'
import { flow, headersOf, problemOf, settings } from './flow.js'
import { sorry, welcome } from './page.js'
import { sessions } from './sessions.js'

const app = new Koa({
  keys: [settings.sessionSecret],
  proxy: settings.trustProxy > 0,
  maxIpsCount: settings.trustProxy,
})
app.use(async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const problem = problemOf(error)
    if (problem.status === 503) console.error(`Not answered: ${String(error).split(':', 1)[0]}`)
    ctx.status = problem.status
    ctx.set(headersOf(problem))
    if (ctx.accepts('json', 'html') === 'html') {
      ctx.type = 'html'
      ctx.body = sorry(problem)
    } else ctx.body = JSON.stringify(problem)
  }
})
app.use(session({ store: sessions, sameSite: 'lax' }, app))
app.use(
  bodyParser({
    enableTypes: ['json', 'form'],
    jsonLimit: '4kb',
    formLimit: '4kb',
    onError(error, ctx) {
      // What was not read of the body would hold up the next request of the connection.
      ctx.req.resume()
      ctx.throw('status' in error && typeof error.status === 'number' ? error.status : 400)
    },
  }),
)
app.use(
  otpRouter(flow, {
    prefix: '/login',
    page: { name: 'Acme', signedIn: (ctx) => ctx.session?.user !== undefined },
    onVerified: ({ number }, ctx) => {
      if (ctx.session) ctx.session.user = { number }
    },
  }),
)

const cancel = cancelOtp(flow, { next: true })

app.use(async (ctx) => {
  const user = ctx.session?.user
  switch (`${ctx.method} ${ctx.path}`) {
    case 'GET /':
      if (!user) {
        ctx.redirect('/login')
        ctx.status = 303
        return
      }
      ctx.set('Cache-Control', 'no-store')
      ctx.type = 'html'
      ctx.body = welcome(user)
      return
    case 'GET /me':
      ctx.status = user ? 200 : 401
      ctx.body = user ? { user } : { error: 'not signed in' }
      return
    case 'POST /logout':
      // A code that is still on its way must not open the next session.
      return cancel(ctx, async () => {
        ctx.session = null
        ctx.redirect('/')
        ctx.status = 303
      })
  }
})

export const server = createServer(app.callback())
