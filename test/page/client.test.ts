import { describe, expect, test } from 'vitest'
import { createOtpClient } from '../../src/browser/client.js'
import { codeIn } from '../../src/browser/message.js'
import { listen, number, setupApp, wrongCode } from '../support/app.js'

describe('the client for single-page apps', () => {
  /** Node keeps no cookies, so the client itself holds the flow. */
  const setup = async () => {
    const app = await setupApp({
      framework: 'express 5',
      flow: { binding: 'token', revealAttempts: true },
      opener: 'onVerified',
    })
    return { app, otp: createOtpClient({ baseUrl: `${app.base}/login/` }) }
  }

  test('gives what comes of each step, by one status', async () => {
    const { app, otp } = await setup()
    expect(await otp.status()).toEqual({ status: 'none' })
    expect(await otp.check({ code: wrongCode })).toMatchObject({ status: 'no_pending_code' })
    expect(await otp.send({ number: '12' })).toMatchObject({
      status: 'invalid_number',
      detail: expect.any(String),
      fields: [{ name: 'number' }],
    })
    expect(await otp.send({ number })).toMatchObject({ status: 'sent', to: '•••0100', via: 'sms' })
    expect(await otp.status()).toMatchObject({ status: 'pending', codeLength: 6 })
    expect(await otp.resend()).toMatchObject({
      status: 'resend_too_soon',
      retryAfter: expect.any(Number),
    })
    expect(await otp.check({ code: wrongCode })).toMatchObject({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    const code = await app.sandbox.waitForCode(number)
    expect(await otp.check({ code })).toEqual({ status: 'verified' })
  })

  test('ends a flow', async () => {
    const { otp } = await setup()
    await otp.send({ number })
    expect(await otp.cancel()).toEqual({ status: 'cancelled' })
    expect(await otp.status()).toEqual({ status: 'none' })
  })

  test('throws nothing where no answer comes, or one of something else', async () => {
    const away = createOtpClient({ baseUrl: 'http://127.0.0.1:1/login' })
    expect(await away.send({ number })).toEqual({
      status: 'unreachable',
      cause: expect.any(TypeError),
    })
    const answers: [status: number, body: string][] = [
      [502, '<h1>Bad gateway</h1>'],
      [200, '{}'],
      [500, '{"error":"no"}'],
      [200, ''],
      [200, 'null'],
    ]
    for (const [status, body] of answers) {
      const base = await listen((_req, res) => void res.writeHead(status).end(body))
      const otp = createOtpClient({ baseUrl: base })
      expect([body, await otp.status()]).toMatchObject([body, { status: 'unreachable' }])
    }
  })
})

test.each<[text: string, code: string | undefined]>([
  ['123456', undefined],
  ['123 456', undefined],
  ['123-456\n', undefined],
  ['424242 is your Acme code.', '424242'],
  ['Acme: 424242 works for 5 minutes until 2026', '424242'],
  ['1 is no code.\n\n@acme.example #000042', '000042'],
  ['424242 or 424243?', undefined],
  ['424242 is the code, again: 424242.', '424242'],
  ['no code at all', undefined],
])('the code in a pasted text: %j', (text, code) => {
  expect(codeIn(text, 6)).toBe(code)
})
