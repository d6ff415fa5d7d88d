import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { frameworks, number, setupApp, wrongCode } from '../support/app.js'
import { type Client, expectProblem } from '../support/client.js'

/*
 * The answer of each step is lost on its way to the browser, and the same browser comes again: docs/state-machine.md
 * says what it finds. tyntec's own count says what that has cost.
 */

/** Sends what this browser would send, and breaks the connection at the first byte of the answer. */
function lose(client: Client, base: string, path: string, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(base + path, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        cookie: [...client.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    sent.on('error', reject).on('response', (answer) => {
      answer.destroy()
      resolve(answer.statusCode ?? 0)
    })
    sent.end(JSON.stringify(body))
  })
}

describe.each(frameworks)('an answer of ours that is lost on %s', (framework) => {
  async function setup(options: Partial<Parameters<typeof setupApp>[0]> = {}) {
    const app = await setupApp({ framework, ...options })
    const client = app.client()
    const count = async (call: string) =>
      (await app.requests()).filter((each) => each === call).length
    return {
      app,
      client,
      count,
      lose: (path: string, body: object = {}) => lose(client, app.base, path, body),
    }
  }

  // proves: our-answer-lost/send
  test('to a send from a page is given again, without a second message', async () => {
    const { app, client, count, lose } = await setup()
    await client.get('/login/status')
    expect(await lose('/login/send', { number })).toBe(202)
    const again = await client.post('/login/send', { number })
    expect([again.status, again.json?.status]).toEqual([202, 'sent'])
    expect(await count('send')).toBe(1)
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(200)
  })

  // proves: our-answer-lost/resend
  test('to a resend leaves its wait, and both codes are one', async () => {
    const { app, client, count, lose } = await setup({ flow: { resendWaits: [1, 60] } })
    await client.post('/login/send', { number })
    await new Promise((resolve) => setTimeout(resolve, 1100)) // the wait is the store's own
    expect(await lose('/login/resend')).toBe(202)
    expect((await client.post('/login/resend')).status).toBe(429)
    expect(await count('resend')).toBe(1)
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(200)
  })

  // proves: SES-16, our-answer-lost/check
  test('to a right code is given again, three times, with one session', async () => {
    const { app, client, count, lose } = await setup()
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    expect(await lose('/login/check', { code })).toBe(200)
    for (let losses = 0; losses < 2; losses++) {
      expect(await lose('/login/check', { code })).toBe(200)
      expect(app.sessions.signedIn()).toHaveLength(1)
    }
    const heard = await client.post('/login/check', { code })
    expect(heard.status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
    expect(app.sessions.signedIn()).toHaveLength(1)
    expect(await count('check')).toBe(1)
    expect(app.verified.map(({ repeated }) => repeated)).toEqual([false, true, true, true])
  })

  test('to a right code is given four times in all', async () => {
    const { app, client, lose } = await setup()
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    for (let losses = 0; losses < 4; losses++) {
      expect(await lose('/login/check', { code })).toBe(200)
    }
    expect(await lose('/login/check', { code })).toBe(409)
  })

  // proves: our-answer-lost/check
  test('to a wrong code costs the one try that it was', async () => {
    const { app, client, count, lose } = await setup()
    await client.post('/login/send', { number })
    expect(await lose('/login/check', { code: wrongCode })).toBe(401)
    const code = await app.sandbox.waitForCode(number)
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect(await count('check')).toBe(2)
  })

  test('to an error of the app opens nothing, and the same code asks the app once more', async () => {
    let asked = 0
    const { app, client, lose } = await setup({
      verify: () => {
        asked += 1
        throw new Error('no database')
      },
    })
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    expect(await lose('/login/check', { code })).toBeGreaterThanOrEqual(500)
    expect(await lose('/login/check', { code })).toBeGreaterThanOrEqual(500)
    expect(asked).toBe(2)
    expect(app.sessions.signedIn()).toEqual([])
  })

  test('to a refusal of the app is given again, and the app is asked once', async () => {
    let asked = 0
    const { app, client, lose } = await setup({
      verify: (_identity, done) => {
        asked += 1
        done(null, false)
      },
    })
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    expect(await lose('/login/check', { code })).toBe(403)
    const again = await client.post('/login/check', { code })
    expect([again.status, again.json?.code]).toEqual([403, 'sign_in_refused'])
    expect(asked).toBe(1)
    expect(app.sessions.signedIn()).toEqual([])
  })

  test('to a cancel finds nothing to cancel', async () => {
    const { app, client, lose } = await setup()
    await client.post('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    expect(await lose('/login/cancel')).toBe(204)
    expect((await client.post('/login/cancel')).status).toBe(204)
    expectProblem(await client.post('/login/check', { code }), 409, 'no_pending_code')
    expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
  })
})
