import { describe, expect, test } from 'vitest'
import type { PageFacts } from '../../src/page/state.js'
import { stateOf } from '../../src/page/state.js'
import { en } from '../../src/page/texts/en.js'
import { setupPage } from '../support/page.js'

const none: PageFacts = { status: { status: 'none' }, hasHandle: false, signedIn: false }

describe('what the page is sent with', () => {
  const { headers, page, files } = setupPage()

  test('lets no other site frame it, and no script or style run that is not its own', () => {
    expect(headers['Content-Security-Policy']).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    expect(headers).toMatchObject({
      'Cache-Control': 'no-store',
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'same-origin',
      'Permissions-Policy': expect.stringContaining('otp-credentials=(self)'),
    })
  })

  test('allows the origins that the app has named, and no more of them', () => {
    const { headers } = setupPage(
      { logo: 'https://cdn.example/acme/logo.svg?x=1' },
      { targets: ['https://app.example/start', '/own', 'https://app.example/other'] },
    )
    const policy = headers['Content-Security-Policy']
    expect(policy).toContain("img-src 'self' data: https://cdn.example;")
    expect(policy).toContain("form-action 'self' https://app.example;")
  })

  test('is the same with each name, so that a browser may keep the files', () => {
    const style = page.file(files.style)
    expect(style?.headers).toMatchObject({
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    })
    expect(page.file(files.script)?.headers['Content-Type']).toBe('text/javascript; charset=utf-8')
    expect(page.file('otp-000000000000.css')?.headers['Cache-Control']).toBe('no-cache')
    expect(page.file('otp-1.css')).toBeUndefined()
    const other = setupPage({ colors: { dark: { accent: '#f80' } } })
    expect(other.files.style).not.toBe(files.style)
    expect(other.files.script).toBe(files.script)
  })
})

describe('the way from a page to its routes', () => {
  test.each([
    ['/login', true, '/login/send'],
    ['/login?continue', true, '/login/send'],
    ['/login/', true, '/login/send'],
    ['/', true, '/send'],
    ['/a/b:c', true, '/a/b:c/send'],
    ['/login/check', false, '/login/send'],
    ['/login/check/', false, '/login/send'],
  ])('from %s', (url, atMount, path) => {
    const { page } = setupPage()
    const { body } = page.show({ url, atMount, language: () => 'en', facts: none })
    const action = /action="([^"]+)"/.exec(body)?.[1] ?? ''
    const target = new URL(action, new URL(url, 'https://app.example'))
    expect(action.startsWith('.')).toBe(true)
    expect(target.pathname).toBe(path)
  })
})

test('a language that is not offered gets the first one, and forms take hidden fields along', () => {
  const { page } = setupPage({ languages: ['de', 'en'] })
  const offers: string[][] = []
  const reply = page.show({
    url: '/login',
    atMount: true,
    language: (offered) => (offers.push(offered), false),
    hidden: { _csrf: '"token"' },
    facts: none,
  })
  expect(offers).toEqual([['de', 'en']])
  expect(reply.body).toContain('<html lang="de"')
  expect(reply.headers['Content-Language']).toBe('de')
  expect(reply.vary).toContain('Accept-Language')
  expect(reply.body).toContain('<input type="hidden" name="_csrf" value="&quot;token&quot;"')
})

test('a language that is written from right to left says so', () => {
  const { render } = setupPage({ texts: { ar: en } })
  expect(render({ step: 'signed-in' }, 'ar')).toContain('<html lang="ar" dir="rtl">')
})

describe('the step', () => {
  const resend = { allowed: true, retryAfter: 0, remaining: 2, channels: ['sms'] as const }
  const ended = { status: 'ended', why: 'expired', to: '•••0100', resend } as const
  const pending = {
    status: 'pending',
    to: '•••0100',
    via: 'sms',
    expiresIn: 10,
    codeLength: 6,
    delivery: 'sent',
    resend,
  } as const

  test.each<[name: string, facts: Partial<PageFacts>, step: string]>([
    ['nothing asked for', {}, 'number'],
    ['a code on its way', { status: pending, hasHandle: true }, 'code'],
    ['a code on its way, of somebody signed in', { status: pending, signedIn: true }, 'code'],
    ['an end', { status: ended }, 'ended'],
    ['an end, of somebody signed in', { status: ended, signedIn: true }, 'signed-in'],
    ['signed in', { signedIn: true }, 'signed-in'],
    ['an outage before anything', { status: undefined }, 'number'],
    ['an outage with a code in hand', { status: undefined, hasHandle: true }, 'code'],
    ['an outage, signed in', { status: undefined, hasHandle: true, signedIn: true }, 'signed-in'],
  ])('after %s is right', (_name, facts, step) => {
    expect(stateOf({ ...none, ...facts }).step).toBe(step)
  })

  test('says nothing in red that the end says itself', () => {
    for (const code of ['code_expired', 'too_many_attempts', 'no_pending_code'] as const) {
      expect(stateOf({ ...none, status: ended, problem: { code } })).toMatchObject({
        step: 'ended',
        problem: undefined,
      })
    }
    const problem = { code: 'rate_limited' } as const
    expect(stateOf({ ...none, status: ended, problem })).toMatchObject({ problem })
  })
})
