import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { happyNumber, setupSandbox } from '../setup.js'

const codesIn = (text: string) =>
  [...text.matchAll(/data-testid="code">([^<]+)</g)].map(([, code]) => code)

describe('the page without its script', () => {
  test('lists messages newest first', async () => {
    const { call, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    await send({ otpCode: '222222' })
    const { status, headers, text } = await call('/')
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(codesIn(text)).toEqual(['222222', '111111'])
    expect([...text.matchAll(/data-testid="message" data-seq="(\d)"/g)]).toHaveLength(2)
  })

  test('says when there is nothing, and asks for itself', async () => {
    const { call, requests } = await setupSandbox()
    expect(await requests()).toEqual([])
    const { text } = await call('/')
    expect(text).toContain('No messages yet.')
    expect(text).toContain('<noscript><meta http-equiv="refresh"')
  })

  test('says why no message came, and which call was refused', async () => {
    const { call, send } = await setupSandbox()
    await send({ number: '+12015550111' })
    await send({ number: '+12015550141' })
    await send({ txt: '1' })
    const whys = [...(await call('/')).text.matchAll(/data-testid="why">\s*<p>([^<]+)</g)]
    expect(whys.map(([, why]) => why)).toEqual([
      expect.stringMatching(/^\+12015550100: POST \/2fa\/v1\/otp has got the answer 400\. \S/),
      expect.stringMatching(/^\+12015550141: .* answer 500\. Magic number 0141/),
      expect.stringMatching(/^\+12015550111: .* Magic number 0111: .* The code is 4242\.$/),
    ])
  })

  test.each([
    ['/?to=%2B12015550101', ['222222']],
    ['/?to=+1 201 555-0101', ['222222']],
    ['/?to=', ['222222', '111111']],
    ['/?to=%2B999', []],
    ['/m/1', ['111111']],
  ])('%s', async (path, codes) => {
    const { call, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    await send({ number: '+12015550101', otpCode: '222222' })
    const { status, text } = await call(path)
    expect(status).toBe(200)
    expect(codesIn(text)).toEqual(codes)
  })

  test('has an end', async () => {
    const { call, send, control } = await setupSandbox()
    expect((await call('/m/1')).status).toBe(404)
    expect((await call('/m/x')).status).toBe(404)
    await send()
    await send({ number: '+12015550111' })
    await control('DELETE', 'messages')
    const { status, text } = await call('/')
    expect([status, text.includes('No messages yet.')]).toEqual([200, true])
    expect((await call('/m/1')).text).toContain('Message 1 is not here any more.')
  })

  test('shows what an app sent as text', async () => {
    const { call, send } = await setupSandbox()
    const markup = `<script>alert("1")</script>&'`
    await send({ text: `${markup}{{OTP}}`, sender: '<b>"&\'' })
    await send({ number: '"><b>' })
    const { text } = await call('/')
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;4242')
    expect(text).toContain('&lt;b&gt;&quot;&amp;&#39;')
    expect(text).toContain('&quot;&gt;&lt;b&gt;')
    expect(text).not.toMatch(/<script>|<b>/)
  })
})

test('nothing runs and nothing is loaded but its own files', async () => {
  const { call, sandbox } = await setupSandbox()
  const { headers, text } = await call('/')
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]),
  )
  expect(policy).not.toContain('unsafe')
  expect(text).not.toMatch(/ on[a-z]+=| style=|<style|<script>|(?:src|href)="(?:https?:)?\/\//)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')

  const folder = new URL('../../../src/sandbox/inbox/client', import.meta.url)
  const files = (await readdir(folder)).filter((name) => !name.endsWith('.json'))
  const scripts = files.filter((name) => name.endsWith('.js'))
  for (const name of files) {
    const { status, headers } = await call(`/_sandbox/inbox/${name}`)
    const type = name.endsWith('.js') ? 'text/javascript' : 'text/css'
    expect([status, headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`])
  }
  expect(scripts).toContain('main.js')
  const elsewhere = await Promise.all(
    ['tsconfig.json', '..%2findex.ts', '../index.ts', 'none.js', ''].map(
      async (name) => (await fetch(`${sandbox.url}/_sandbox/inbox/${name}`)).status,
    ),
  )
  expect(elsewhere).toEqual([404, 404, 404, 404, 404])
})

test('does not count as a call of the API', async () => {
  const { call, requests } = await setupSandbox()
  for (const path of ['/', '/m/1', '/favicon.ico', '/_sandbox/inbox/main.js']) await call(path)
  expect(await requests()).toEqual([])
})

test.each(['/', '/m/1'])('%s is only read', async (path) => {
  const { call } = await setupSandbox()
  const { status, headers } = await call(path, { method: 'POST' })
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

describe('the check of a text', () => {
  test('is a route of its own', async () => {
    const { control } = await setupSandbox()
    const { status, json } = await control('POST', 'text-check', {
      text: '{{OTP}} is your code.\n\n@a.example #{{OTP}}',
      channel: 'sms',
      host: 'b.example',
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      encoding: 'GSM-7',
      segments: 1,
      originBound: { host: 'a.example', code: '424242' },
      findings: [{ rule: 'webotp-host-mismatch', level: 'error' }],
    })
  })

  test.each([
    [{}, '"text"'],
    [{ text: 1 }, '"text"'],
    [{ text: 'x', channel: 'fax' }, '"channel"'],
    [{ text: 'x', host: 1 }, '"host"'],
    [{ text: 'x', more: 1 }, '"more"'],
  ])('refuses %j', async (body, word) => {
    const { control } = await setupSandbox()
    const { status, text } = await control('POST', 'text-check', body)
    expect(status).toBe(400)
    expect(text).toContain(JSON.stringify(word).slice(1, -1))
  })
})

test('the info says when all messages were deleted', async () => {
  const { control, send } = await setupSandbox()
  const deletedAt = async () => (await control('GET', 'info')).json as { messagesDeletedAt: string }
  expect(await deletedAt()).toMatchObject({ messagesDeletedAt: null })
  await send({ number: happyNumber })
  await control('POST', 'clock', { advance: 3600 })
  await control('DELETE', 'messages')
  const { messagesDeletedAt } = await deletedAt()
  expect(Date.parse(messagesDeletedAt)).toBeGreaterThan(Date.now() + 3_590_000)
})
