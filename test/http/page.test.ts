import { redisStore } from 'passport-tyntec-otp'
import { otpRouter } from 'passport-tyntec-otp/express'
import { describe, expect, test } from 'vitest'
import { type AppOptions, frameworks, number, setupApp, wrongCode } from '../support/app.js'
import type { Answer, Client } from '../support/client.js'
import { createRedis, startRedis } from '../support/redis.js'

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

async function setup(options: AppOptions) {
  const app = await setupApp({ page: { name: 'Acme' }, ...options })
  const client = app.client()
  return { app, client, open: (path = '/login') => open(client, path) }
}

function open(client: Client, path = '/login', headers: Record<string, string> = {}) {
  return client.get(path, { headers: { ...browser, ...headers } })
}

function expectPage(answer: Answer, status: number, text: string): void {
  expect([answer.status, answer.headers['content-type']]).toEqual([
    status,
    'text/html; charset=utf-8',
  ])
  expect(answer.text).toContain(text)
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  })
}

/** Follows a redirect as a browser does. */
function follow(client: Client, from: string, { headers, status }: Answer): Promise<Answer> {
  expect(status).toBe(303)
  const { pathname, search } = new URL(headers.location ?? '', `http://app.invalid${from}`)
  return open(client, pathname + search)
}

describe.each(frameworks)('the page on %s', (framework) => {
  test('signs in by form posts alone', async () => {
    const { app, client, open } = await setup({ framework })
    expectPage(await open(), 200, 'Sign in with your phone')
    const sent = await client.submit('/login/send', { number: '+1 201 555 0100' })
    expectPage(await follow(client, '/login/send', sent), 200, '•••0100')
    const code = await app.sandbox.waitForCode(number)
    const checked = await client.submit('/login/check', { code })
    expect([checked.status, checked.headers.location]).toEqual([303, '/'])
    expect((await client.get('/me')).json).toEqual({ user: { number } })

    // Back, or another tab: nothing red, and one way on.
    const after = await open()
    expectPage(after, 200, 'You are signed in')
    expect(after.text).toContain('href="/"')
    expect((await open('/login?continue')).headers.location).toBe('/')
  })

  test('asks for letters where codes have them', async () => {
    const { client } = await setup({ framework, flow: { codeAlphabet: 'alphanumeric' } })
    const sent = await client.submit('/login/send', { number: '+1 201 555 0160' })
    const page = await follow(client, '/login/send', sent)
    expectPage(page, 200, 'a code of 6 letters and digits')
    expect(page.text).toContain('inputmode="text"')
    const checked = await client.submit('/login/check', { code: 'A1B2 C3' })
    expect([checked.status, checked.headers.location]).toEqual([303, '/'])
  })

  test('is asked at the address itself, and JSON stays JSON', async () => {
    const { client, open } = await setup({ framework })
    expectPage(await open('/login/'), 200, 'action="./send"')
    expectPage(await open('/login/status'), 200, 'action="./send"')
    expect((await client.get('/login/status')).json).toEqual({ status: 'none' })
    const refused = await client.post('/login/send', { number: '12' })
    expect(refused.json).toMatchObject({ code: 'invalid_number' })
    expect((await open('/login/nothing')).status).toBe(404)
    expect((await client.call('POST', '/login', { headers: browser })).status).toBe(404)
  })

  test('keeps the number that was refused, and says what is wrong with it once', async () => {
    const { client, open } = await setup({ framework })
    const refused = await client.submit('/login/send', { number: '0151 <b>' })
    expect(refused.cookies.join()).not.toMatch(/0151|%3Cb/)
    const page = await follow(client, '/login/send', refused)
    expectPage(page, 200, 'value="0151 &lt;b&gt;"')
    expect(page.text).toContain('<title>Error: Sign in – Acme</title>')
    expect((await open()).text).not.toMatch(/Error|0151/)
  })

  test('says what became of a code, and that it was sent again', async () => {
    const { app, client } = await setup({ framework, flow: { resendWaits: [1, 30] } })
    await client.submit('/login/send', { number })
    const wrong = await client.submit('/login/check', { code: wrongCode })
    expectPage(await follow(client, '/login/check', wrong), 200, 'That code is not right.')
    await expect.poll(() => mayResend(client), { timeout: 5000 }).toBe(true)
    const again = await client.submit('/login/resend')
    const page = await follow(client, '/login/resend', again)
    expectPage(page, 200, 'Code sent again.')
    expect(page.text).not.toContain('role="alert"')
    const soon = await client.submit('/login/resend')
    const waits = await follow(client, '/login/resend', soon)
    expectPage(waits, 200, 'You can ask for the code again in')
    expect(waits.text).not.toContain('role="alert"')
    expect(await app.requests()).toEqual(expect.arrayContaining(['send', 'check', 'resend']))
  })

  test('sends a new code after the end, to the same number', async () => {
    const { app, client, open } = await setup({ framework, flow: { resendWaits: [1, 1, 30] } })
    await client.submit('/login/send', { number })
    for (const code of ['000000', '111111', '222222']) await client.submit('/login/check', { code })
    const ended = await open()
    expectPage(ended, 200, '<h1>Too many wrong codes</h1>')
    expect(ended.text).not.toContain('role="alert"')
    await expect.poll(() => mayResend(client), { timeout: 5000 }).toBe(true)
    const again = await client.submit('/login/resend')
    const page = await follow(client, '/login/resend', again)
    expectPage(page, 200, 'We texted a 6-digit code')
    const code = await app.sandbox.waitForCode(number)
    expect((await client.submit('/login/check', { code })).headers.location).toBe('/')
  })

  test('is what a browser sees of a route that takes no GET', async () => {
    const { client } = await setup({ framework })
    const answer = await open(client, '/login/send')
    expectPage(answer, 405, 'action="./send"')
    expect(answer.headers.allow).toBe('POST')
    expect(answer.text).not.toContain('role="alert"')
  })

  test('is what a browser sees of a request from another site, which costs no look', async () => {
    const { client } = await setup({ framework })
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const answer = await client.submit('/login/send', { number }, { headers })
    expectPage(answer, 403, 'That came from another site')
    expect(answer.cookies).toEqual([])
  })

  test('keeps the step of somebody with a code in hand when the store is away', async () => {
    const server = await startRedis()
    const { redis, prefix } = await createRedis({ url: server.url })
    const { client, open } = await setup({
      framework,
      flow: { store: redisStore(redis, { prefix }) },
    })
    await client.submit('/login/send', { number })
    server.pause()
    const page = await open()
    expectPage(page, 503, 'name="code"')
    expect(page.headers['retry-after']).toBeDefined()
    expect(page.text).not.toContain('role="alert"')
    const checked = await client.submit('/login/check', { code: wrongCode })
    expectPage(await follow(client, '/login/check', checked), 503, 'This does not work right now.')
    server.resume()
    expectPage(await open(), 200, '•••0100')
  })

  test('speaks the language that the browser asks for', async () => {
    const { client } = await setup({ framework })
    const german = await open(client, '/login', { 'accept-language': 'fr, de-AT;q=0.8, en;q=0.5' })
    expect(german.text).toContain('<html lang="de" dir="ltr">')
    expect(german.headers.vary).toMatch(/accept-language/i)
    const other = await open(client, '/login', { 'accept-language': 'fr' })
    expect(other.text).toContain('<html lang="en" dir="ltr">')
  })

  test('has its files beside it, also under a name that is older', async () => {
    const { client } = await setup({ framework })
    const { text } = await open(client)
    for (const [, path = '', type] of text.matchAll(/"\.\/(login\/otp-\w+\.(css|js))"/g)) {
      const file = await client.get(`/${path}`)
      expect(file.status).toBe(200)
      expect(file.headers['content-type']).toMatch(type === 'css' ? 'text/css' : 'text/javascript')
      expect(file.headers['cache-control']).toContain('immutable')
      expect(file.headers['set-cookie']).toBeUndefined()
      const older = await client.get(`/login/otp-000000000000.${type}`)
      expect([older.text, older.headers['cache-control']]).toEqual([file.text, 'no-cache'])
    }
    expect([...text.matchAll(/otp-\w+\.(?:css|js)/g)]).toHaveLength(2)
  })

  test('is not there unless it is asked for', async () => {
    const app = await setupApp({ framework })
    expect((await open(app.client())).status).toBe(404)
    expect((await open(app.client(), '/login/status')).json).toEqual({ status: 'none' })
  })
})

async function mayResend(client: Client): Promise<boolean> {
  const { json } = await client.get('/login/status')
  return (json as { resend: { allowed: boolean } }).resend.allowed // a code is pending
}

describe('what a form post leaves', () => {
  test("has the app's own words for a person that it refuses", async () => {
    const { app, client } = await setup({
      framework: 'express 5',
      express: (app, { flow }) => {
        const onVerified = () => ({ refused: 'Only staff <can> sign in.' })
        app.use('/staff', otpRouter(flow, { page: { name: 'Acme' }, onVerified }))
      },
    })
    await client.submit('/staff/send', { number })
    const code = await app.sandbox.waitForCode(number)
    const refused = await client.submit('/staff/check', { code })
    const page = await follow(client, '/staff/check', refused)
    expectPage(page, 200, '<li>Only staff &lt;can&gt; sign in.</li>')
  })

  test('has the words of the page where the app has none of its own', async () => {
    const { app, client } = await setup({ framework: 'express 5', verify: () => false })
    await client.submit('/login/send', { number })
    const code = await app.sandbox.waitForCode(number)
    const refused = await client.submit('/login/check', { code })
    const page = await follow(client, '/login/check', refused)
    expectPage(page, 200, 'You can’t sign in with this number.')
  })

  test('is believed only where it was sealed here', async () => {
    const { client, open } = await setup({ framework: 'express 5' })
    const refused = await client.submit('/login/send', { number: '0151 23' })
    const kept = client.jar.get('otp-outcome') ?? ''
    expect(kept).toMatch(/^invalid_number\.\.\.[\w-]+$/)
    expect(refused.status).toBe(303)
    client.jar.set('otp-outcome', `${kept.slice(0, -4)}AAAA`)
    const { text } = await open()
    expect(text).toContain('role="alert"')
    expect(text).not.toContain('0151')
  })
})

test('a number with two readings is told so, in the words of the page', async () => {
  const { client } = await setup({ framework: 'express 5' })
  const fields = { number: '0049 49 172 1547608', country: 'DE' }
  const refused = await client.submit('/login/send', fields)
  const page = await follow(client, '/login/send', refused)
  expectPage(page, 200, 'That can be read as two numbers.')
  expect(page.text).toContain(`value="${fields.number}"`)
})

describe('options of the page', () => {
  test('are looked at when the app starts', async () => {
    const start = (page: object, flow: AppOptions['flow'] = {}) =>
      setupApp({ framework: 'express 5', flow, page: page as { name: string } })
    await expect(start({})).rejects.toThrow('"page.name" must be')
    await expect(start({ name: 'Acme', nmae: '' })).rejects.toThrow('"page.nmae"')
    await expect(start({ name: 'Acme', signedIn: true })).rejects.toThrow('"page.signedIn"')
    await expect(start({ name: 'Acme', hidden: {} })).rejects.toThrow('"page.hidden"')
    await expect(start({ name: 'Acme' }, { binding: 'token' })).rejects.toThrow('"page" must be')
  })

  test('say who is signed in, and what each form takes along', async () => {
    const page = {
      name: 'Acme',
      signedIn: (req: { headers: object }) => 'x-user' in req.headers,
      hidden: () => ({ _csrf: 'token' }),
    }
    const { client } = await setup({ framework: 'express 5', page })
    expect((await open(client)).text).toContain('<input type="hidden" name="_csrf" value="token"')
    expectPage(await open(client, '/login', { 'x-user': '1' }), 200, 'You are signed in')
  })
})
