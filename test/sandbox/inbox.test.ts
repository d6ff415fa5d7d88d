import { expect, test } from 'vitest'
import { setupSandbox } from './setup.js'

test('lists messages newest first', async () => {
  const { call, send } = await setupSandbox()
  await send({ otpCode: '111111' })
  await send({ otpCode: '222222' })
  const { status, headers, text } = await call('/')
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect([...text.matchAll(/data-testid="code">([^<]+)</g)].map(([, code]) => code)).toEqual([
    '222222',
    '111111',
  ])
  expect([...text.matchAll(/data-testid="message" data-seq="(\d)"/g)]).toHaveLength(2)
})

test('says when there is nothing', async () => {
  const { call } = await setupSandbox()
  expect((await call('/')).text).toContain('data-testid="empty"')
})

test('shows what an app sent as text', async () => {
  const { call, send } = await setupSandbox()
  const markup = `<script>alert("1")</script>&'`
  await send({ text: `${markup}{{OTP}}`, sender: '<b>"&\'' })
  const { text } = await call('/')
  expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;4242')
  expect(text).toContain('&lt;b&gt;&quot;&amp;&#39;')
  expect(text).not.toContain('<script>')
})

test('runs no script but its own', async () => {
  const { call } = await setupSandbox()
  const { headers, text } = await call('/')
  const policy = headers.get('content-security-policy') ?? ''
  const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
  expect(policy).toContain("default-src 'none'")
  expect(text).toContain(`<script nonce="${nonce}">`)
  expect(text).not.toMatch(/ on[a-z]+=/)
  expect((await call('/')).headers.get('content-security-policy')).not.toBe(policy)
})

test('reloads itself without JavaScript', async () => {
  const { call } = await setupSandbox()
  expect((await call('/')).text).toContain('<noscript><meta http-equiv="refresh"')
})

test('does not count as a call of the API', async () => {
  const { call, requests } = await setupSandbox()
  await call('/')
  await call('/favicon.ico')
  expect(await requests()).toEqual([])
})

test('is only read', async () => {
  const { call } = await setupSandbox()
  const { status, headers } = await call('/', { method: 'POST' })
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})
