import { describe, expect, test } from 'vitest'
import {
  type AppOptions,
  type FrameworkName,
  frameworks,
  number,
  setupApp,
} from '../support/app.js'
import { expectProblem } from '../support/client.js'

/** Everywhere, by message and by call. */
const anywhere: AppOptions['flow'] = { countries: 'any', voice: true }

describe.each(frameworks)('on %s, what people type', (framework) => {
  // proves: NUM-1, NUM-7
  test.each<[object, string]>([
    [{ number: '0011 47 923 45 678', country: 'AU' }, '+4792345678'],
    [{ number: '011 49 151 12345678', country: 'US' }, '+4915112345678'],
    [{ number: '0015 49 151 12345678', country: 'AU' }, '+4915112345678'],
    [{ number: '0049 151 12345678', country: 'DE' }, '+4915112345678'],
    [{ number: '+49\u00a0151\u202f1234\u20135678' }, '+4915112345678'],
    [{ number: '\u202a+49 151\u2011123/45678\u202c\t\n' }, '+4915112345678'],
    [{ number: '\u200e+\u0664\u0669\u200b 151 12345678' }, '+4915112345678'],
    [{ number: '\uff0b\uff14\uff19 151 12345678' }, '+4915112345678'],
    [{ number: 'tel:+49-151-12345678' }, '+4915112345678'],
    [{ number: '+49 151 12345678', country: 'XX' }, '+4915112345678'],
    [{ number: '+49 151 12345678', country: 'T1' }, '+4915112345678'],
    [{ number: '+49 151 12345678', country: 'UK', language: 'en-US' }, '+4915112345678'],
  ])('as %j gets %s its message, and nobody else', async (body, to) => {
    const app = await setupApp({ framework, flow: anywhere })
    expect((await app.client().post('/login/send', body)).status).toBe(202)
    expect(app.sandbox.messages().map((message) => message.to)).toEqual([to])
  })

  // proves: NUM-7
  test.each([
    { number: '001 47 923 45 678', country: 'HK' },
    { number: '001 47 923 45 678', country: 'SG' },
    { number: '49 172 1547608', country: 'DE' },
    { number: '+49 49 172 1547608' },
  ])('as %j is asked for with a plus sign, and reaches nobody', async (body) => {
    const app = await setupApp({ framework, flow: anywhere })
    for (const via of ['sms', 'voice']) {
      const answer = await app.client().post('/login/send', { ...body, via })
      expect([answer.status, answer.json?.code]).toEqual([400, 'invalid_number'])
      expect(answer.json?.detail).toContain('Enter it with + and its country code')
    }
    expect(app.sandbox.messages()).toEqual([])
    expect(await app.requests()).toEqual([])
  })

  // proves: CODE-3
  test.each<[string, (code: string) => string]>([
    ['Arabic digits', (code) => digitsFrom(code, 0x660)],
    ['full-width digits', (code) => digitsFrom(code, 0xff10)],
    ['gaps and what is not seen', (code) => `\u200e${code.slice(0, 3)}\u202f${code.slice(3)}\n`],
    ['a dash', (code) => `${code.slice(0, 3)}\u2013${code.slice(3)}`],
    ['the whole message', (code) => `Acme: ${code} is your code.\n\n@acme.example #${code}`],
  ])('as a code in %s signs in', async (_, typed) => {
    const app = await setupApp({ framework })
    const client = app.client()
    await client.post('/login/send', { number })
    const code = typed(await app.sandbox.waitForCode(number))
    expect((await client.post('/login/check', { code })).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number } })
  })

  // proves: CODE-3
  test.each<[string, (code: string) => string]>([
    ['as it is', (code) => code],
    ['in capitals', (code) => code.toUpperCase()],
    ['with gaps and dashes', (code) => `${code.slice(0, 4)} \u2013 ${code.slice(4)}\n`],
    ['in full-width forms', (code) => wide(code)],
    ['between marks of direction', (code) => `\u200f${code}\u200e\u2069`],
    ['in the whole message', (code) => `Acme: ${code} is your code.\n\n@acme.example #${code}`],
  ])('as a code with letters, %s, signs in', async (_, typed) => {
    const app = await alphanumericApp(framework)
    const client = app.client()
    expect((await client.post('/login/send', { number: ordinary })).status).toBe(202)
    const code = await app.sandbox.waitForCode(ordinary)
    expect(code).toMatch(/^[a-z0-9]{8}$/)
    expect((await client.post('/login/check', { code: typed(code) })).status).toBe(200)
    expect((await client.get('/me')).json).toEqual({ user: { number: ordinary } })
  })

  // proves: CODE-3
  test('as a code with letters that is none costs no try', async () => {
    const app = await alphanumericApp(framework)
    const client = app.client()
    await client.post('/login/send', { number: ordinary })
    for (const code of [
      'abcd-123',
      'abcd1234 or efgh5678',
      '\u00e4bcd1234',
      'abcd12345',
      '\ud835\udc00bcd1234',
      ['abcd1234'],
      { code: 'abcd1234' },
      12_345_678,
      '',
      null,
    ]) {
      expect((await client.post('/login/check', { code })).status).toBe(400)
    }
    expect(await app.requests()).not.toContain('check')
  })

  test('is typed once: a code that is over is sent anew to the same number', async () => {
    const app = await setupApp({ framework, flow: { attempts: 1, resendWaits: [1, 30] } })
    const client = app.client()
    await client.post('/login/send', { number })
    const [message] = app.sandbox.messages()
    const wrong = await client.post('/login/check', { code: '000000' })
    expectProblem(wrong, 410, 'too_many_attempts')
    expect((await client.get('/login/status')).json).toMatchObject({
      status: 'ended',
      why: 'attempts',
      to: '•••0100',
    })
    await expect
      .poll(async () => (await client.post('/login/resend')).json, { interval: 300, timeout: 5000 })
      .toMatchObject({ status: 'sent', newCode: true, to: '•••0100' })
    const code = await app.sandbox.waitForCode(number, { after: message?.seq ?? 0 })
    expect((await client.post('/login/check', { code })).status).toBe(200)
  })

  test('again and again is no stranger on the own machine of a developer', async () => {
    const app = await setupApp({ framework })
    for (let person = 0; person < 15; person += 1) {
      const body = { number: `+1201555${String(3000 + person)}` }
      expect((await app.client().post('/login/send', body)).status).toBe(202)
    }
  })
})

function digitsFrom(code: string, zero: number): string {
  return code.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
}

function wide(code: string): string {
  return code.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0))
}

/** Its code is not one that the sandbox knows by heart. */
const ordinary = '+4915112345678'

/** An app whose application at tyntec makes codes of eight letters and digits. */
async function alphanumericApp(framework: FrameworkName) {
  const app = await setupApp({ framework, flow: { codeAlphabet: 'alphanumeric', pinLength: 8 } })
  const made = await fetch(`${app.sandbox.url}/2fa/v1/application/default?alphaNumeric=true`, {
    method: 'POST',
    headers: { apikey: app.sandbox.apiKey },
  })
  expect(made.status).toBe(200)
  return app
}
