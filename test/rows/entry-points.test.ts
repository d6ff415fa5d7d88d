import type { NextFunction, Request, Response } from 'express'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'
import { type AppOptions, createKoaPassport, frameworks, number, setupApp } from '../support/app.js'

/*
 * There are several ways to a check, and one count of tries behind all of them.
 */

/** Mounts the pieces beside the router: the handler, and the strategy as the app's own middleware. */
const pieces: Pick<AppOptions, 'express' | 'koa'> = {
  express(app, { flow, passport }) {
    app.post(
      '/piece',
      onExpress.checkOtp(flow, { onVerified: (_identity, _req, res) => res.end() }),
    )
    app.post('/strategy', (req: Request, res: Response, next: NextFunction) =>
      passport.authenticate('tyntec-otp', { session: false })(req, res, next),
    )
  },
  koa(app, { flow }) {
    const verify = () => ({})
    const passport = createKoaPassport({ flow, verify, verified: [] })
    const piece = onKoa.checkOtp(flow, { onVerified: (_identity, ctx) => void (ctx.body = '') })
    app.use(passport.initialize())
    app.use((ctx, next) => {
      if (ctx.path === '/piece') return piece(ctx, next)
      if (ctx.path !== '/strategy') return next()
      return passport.authenticate('tyntec-otp', { session: false })(ctx, next)
    })
  },
}

const ways = ['/login/check', '/piece', '/strategy', 'flow.check'] as const
const plenty = { points: 1000, duration: 3600 }

describe.each(frameworks)('on %s', (framework) => {
  // proves: ATT-7
  test('every way to a check counts the tries of a code', async () => {
    const app = await setupApp({
      framework,
      ...pieces,
      flow: {
        resendWaits: [1],
        // Fewer than tyntec takes, so that it is ours that counts.
        attempts: 2,
        limits: {
          sendsPerAddress: plenty,
          failuresPerAddress: plenty,
          failedNumbersPerAddress: plenty,
        },
      },
    })
    const rounds = ways.flatMap((first) => ways.map((last) => [first, last] as const))
    for (const [round, order] of rounds.entries()) {
      const client = app.client()
      const to = `+1201558${String(round).padStart(4, '0')}`
      expect((await client.post('/login/send', { number: to })).status).toBe(202)
      const code = await app.sandbox.waitForCode(to)
      const handle = client.jar.get('otp')
      const check = async (way: (typeof ways)[number], code: string) => {
        if (way !== 'flow.check') return (await client.post(way, { code })).status
        const { status } = await app.flow.check({ handle, code })
        return { invalid_code: 401, too_many_attempts: 410 }[status as string] ?? status
      }
      const wrong = (tries: number) => String((Number(code) + 1 + tries) % 1e6).padStart(6, '0')
      const before = (await app.requests()).filter((call) => call === 'check').length
      const said: unknown[] = []
      for (const [tries, way] of order.entries()) said.push(await check(way, wrong(tries)))
      for (const way of ways) said.push(await check(way, code))
      expect([order, said]).toEqual([order, said.map((_, index) => (index === 0 ? 401 : 410))])
      expect((await app.requests()).filter((call) => call === 'check').length - before).toBe(2)
    }
  })

  // proves: SEND-5, SEND-11
  test('of what a browser sends only number, channel and language reach tyntec', async () => {
    const app = await setupApp({ framework })
    const more = {
      otpCode: '000000',
      text: 'x {{OTP}}',
      sender: 'BANK',
      caller: '+1900',
      pinLength: '4',
      via: 'sms',
      applicationId: 'evil',
      referenceId: 'evil',
      otpId: 'evil',
      callbackUrl: 'https://evil.example',
    }
    const query = `?${new URLSearchParams({ ...more, via: 'voice' }).toString()}`
    const client = app.client()
    const sent = await client.post(`/login/send${query}`, { ...more, number, language: 'de' })
    expect(sent.status).toBe(202)
    const form = { ...more, number: '+12015550101' }
    expect((await app.client().submit(`/login/send${query}`, form)).status).toBe(202)
    const checked = { ...more, code: '000000', number: '+12015550102' }
    expect((await client.post(`/login/check${query}`, checked)).status).toBe(401)
    expect((await client.post(`/login/resend${query}`, more)).status).toBe(429)

    const journal = await fetch(`${app.sandbox.url}/_sandbox/requests`)
    const asked = (await journal.json()) as { path: string; query: object }[] // the sandbox's own
    const referenceId = expect.stringMatching(/^[\w-]{22}$/)
    expect(asked.map(({ query }) => query)).toEqual([
      { number, via: 'SMS', referenceId, pinLength: '6', language: 'de' },
      { number: '+12015550101', via: 'SMS', referenceId, pinLength: '6' },
      { otpCode: '000000' },
    ])
    expect(asked[2]?.path).not.toContain('evil')
  })
})
