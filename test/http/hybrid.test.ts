import { describe, expect, test } from 'vitest'
import { type AppOptions, frameworks, number, setupApp } from '../support/app.js'
import { expectProblem } from '../support/client.js'

/** What web views of apps call themselves. */
const origins = [
  'capacitor://localhost',
  'ionic://localhost',
  'https://localhost',
  'acme.app://x:8',
]

/** As a browser sends it from a page of this origin. */
const from = (origin: string, site = 'cross-site') => ({
  headers: { origin, 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' },
})

const native: Partial<AppOptions> = {
  sessionless: true,
  opener: 'onVerified',
  flow: { binding: 'token', origin: ['https://login.example.com', ...origins] },
}

describe.each(frameworks)('a hybrid app signs in on %s', (framework) => {
  test.each(origins)('as %s', async (origin) => {
    const app = await setupApp({ framework, ...native })
    const client = app.client()
    const sent = await client.post('/login/send', { number }, from(origin))
    expect([sent.status, sent.cookies]).toEqual([202, []])
    const code = await app.sandbox.waitForCode(number)
    const body = { code, flow: sent.json?.flow }
    const checked = await client.post('/login/check', body, from(origin))
    expect([checked.status, checked.json]).toEqual([200, { status: 'verified' }])
    expect(app.verified).toMatchObject([{ number }])
  })

  test.each([
    'capacitor://evil',
    'capacitor://localhost:81',
    'capacitor://localhost/',
    'CAPACITOR://LOCALHOST',
    'ionic://localhost.evil.example',
    'http://localhost',
    'acme.app://x',
    'null',
  ])('and %s is none that the app has named', async (origin) => {
    const app = await setupApp({ framework, ...native })
    const answer = await app.client().post('/login/send', { number }, from(origin))
    expectProblem(answer, 403, 'cross_site')
    expect(await app.requests()).toEqual([])
  })

  test('by a token alone: a cookie would come along by itself', async () => {
    const flow = { origin: ['https://login.example.com', ...origins] }
    const app = await setupApp({ framework, flow })
    const answer = await app.client().post('/login/send', { number }, from(origins[0] ?? ''))
    expectProblem(answer, 403, 'cross_site')
    // Where its web view is on the site of the API, as with https://localhost and a proxy, it is its own.
    const own = from('https://login.example.com', 'same-origin')
    expect((await app.client().post('/login/send', { number }, own)).status).toBe(202)
  })
})
