import { describe, expect, test } from 'vitest'
import { createCookies } from '../../src/http/cookies.js'
import { frameworks, number, setupApp, wrongCode } from '../support/app.js'
import { expectProblem } from '../support/client.js'

const cookie = { sameSite: 'lax', domain: undefined, name: undefined } as const
const options = { cookie, name: 'login', production: true }

function read(header: string, given: Partial<typeof options> = {}): (string | undefined)[] {
  const request = { headers: { cookie: header }, secure: true }
  const { read } = createCookies({ ...options, ...given }, request)
  return [read('handle'), read('page'), read('device')]
}

describe('the names of our cookies', () => {
  // proves: CSRF-8
  test('are compared byte by byte, but for spaces and tabs around them', () => {
    expect(read('__Host-otp=a; \t__Host-otp-page \t= b\t ;__Host-otp-device=c')).toEqual([
      'a',
      'b',
      'c',
    ])
    // What `String.trim` takes away, and browsers keep: names that any host of the site can set.
    const others = [
      ...'\u00a0\ufeff\u2028\u2029\u3000\u1680\u2000\u200a\u202f\u205f\v\f\r\n\0\u0085',
      '\u00c2\u00a0', // U+00A0 in UTF-8, as Node reads a header
    ]
    for (const space of others) {
      for (const name of [`${space}__Host-otp`, `__Host-otp${space}`, `__Host-otp ${space} `]) {
        expect(read(`${name}=evil`)).toEqual([undefined, undefined, undefined])
        expect(read(`${name}=evil; __Host-otp=a`)[0]).toBe('a')
      }
      expect(read(`${space}__Host-otp-page=evil`)[1]).toBeUndefined()
      expect(read(`__Host-otp=a${space}`)[0]).toBe(`a${space}`)
    }
    expect(read('__host-otp=evil; __HOST-OTP=evil; Host-otp=evil; otp=evil')[0]).toBeUndefined()
    expect(read('=__Host-otp=evil; __Host-otp; ;=;')[0]).toBeUndefined()
  })

  // proves: CSRF-8
  test('count for nothing when they are there twice, also with one value', () => {
    expect(read('__Host-otp=a; __Host-otp=b')[0]).toBeUndefined()
    expect(read('__Host-otp=a; x=1; __Host-otp=a')[0]).toBeUndefined()
    expect(read('__Host-otp=; __Host-otp=a')[0]).toBeUndefined()
    expect(read('__Host-otp=a; __Host-otp=b; __Host-otp=c')[0]).toBeUndefined()
    expect(read('__Host-otp=a; __Host-otp=b; __Host-otp-page=c')[1]).toBe('c')
  })

  test('keep two flows of one host apart', () => {
    const header = '__Host-otp=login; __Host-otp.change=change; __Host-otp.page-device=x'
    expect(read(header)).toEqual(['login', undefined, undefined])
    expect(read(header, { name: 'change' })).toEqual(['change', undefined, undefined])
    expect(read(header, { name: 'page' })).toEqual([undefined, undefined, 'x'])
  })
})

describe.each(frameworks)('what a page brings, on %s,', (framework) => {
  // proves: CSRF-8
  test('makes no handle that two browsers know', async () => {
    const app = await setupApp({ framework, trustProxy: 1 })
    const attacker = app.client()
    await attacker.get('/login/status')
    const page = attacker.jar.get('otp-page') ?? ''
    expect(page).not.toBe('')
    const from = (address: string, agent: string) => ({
      headers: { 'x-forwarded-for': address, 'user-agent': agent },
    })

    const victim = app.client()
    victim.jar.set('otp-page', page)
    const honest = from('203.0.113.7', 'Firefox')
    expect((await victim.post('/login/send', { number }, honest)).status).toBe(202)
    for (const other of [from('203.0.113.8', 'Firefox'), from('203.0.113.7', 'Chromium')]) {
      const browser = app.client()
      browser.jar.set('otp-page', page)
      await browser.post('/login/send', { number }, other)
      expect(browser.jar.get('otp')).not.toBe(victim.jar.get('otp'))
      await browser.post('/login/cancel', {}, other)
      expectProblem(
        await browser.post('/login/check', { code: wrongCode }, other),
        409,
        'no_pending_code',
      )
    }
    const code = await app.sandbox.waitForCode(number)
    expect((await victim.post('/login/check', { code }, honest)).status).toBe(200)
  })
})
