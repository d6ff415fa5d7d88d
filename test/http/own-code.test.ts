import { describe, expect, test, vi } from 'vitest'
import { sms, twoFactor, whatsapp } from '../../src/options/channels.js'
import { frameworks, number, setupApp } from '../support/app.js'
import { expectProblem } from '../support/client.js'

const channels = {
  whatsapp: [
    whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } }),
    twoFactor(),
  ],
  sms: [sms({ from: 'Example', text: '{{OTP}} is your code.' })],
} as const

describe.each(frameworks)('on %s', (framework) => {
  test.each(['whatsapp', 'sms'] as const)('a code of our own by %s signs in', async (via) => {
    const { sandbox, requests, sessions, verified, client } = await setupApp({
      framework,
      flow: { channels: channels[via], resendWaits: [1, 1] },
    })
    const browser = client()
    const newest = () => sandbox.messages().at(-1)?.code ?? 'none'
    const sent = await browser.post('/login/send', { number })
    expect(sent).toMatchObject({ status: 202, json: { status: 'sent', via, codeLength: 6 } })
    const old = newest()
    const status = await browser.get('/login/status')
    expect(status.json).toMatchObject({ status: 'pending', via, delivery: 'delivered' })

    await vi.waitFor(
      async () => {
        const resent = await browser.post('/login/resend', { via })
        expect(resent).toMatchObject({ status: 202, json: { status: 'sent', via } })
      },
      { timeout: 4000, interval: 250 },
    )
    const code = newest()
    expect(sandbox.messages()).toHaveLength(2)
    expect(code).not.toBe(old)
    const wrong = await browser.post('/login/check', { code: old })
    expect(wrong).toMatchObject({ status: 401, json: { code: 'invalid_code' } })
    // Another browser has no part in it.
    expectProblem(await client().post('/login/check', { code }), 409, 'no_pending_code')
    expect((await browser.get('/me')).status).toBe(401)

    const done = await browser.post('/login/check', { code })
    expect(done).toMatchObject({ status: 200, json: { status: 'verified' } })
    expect((await browser.get('/me')).status).toBe(200)
    expect(verified).toMatchObject([{ number, channel: via, purpose: 'login', repeated: false }])
    expect(sessions.signedIn()).toHaveLength(1)
    // tyntec never saw what was typed.
    expect(await requests()).not.toContain('check')
  })
})
