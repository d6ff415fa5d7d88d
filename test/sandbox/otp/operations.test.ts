import { describe, expect, test } from 'vitest'
import { happyNumber, setupSandbox } from '../setup.js'

const unknownId = '00000000-0000-4000-8000-000000000000'

describe('send', () => {
  test("answers 200 with tyntec's entity", async () => {
    const { send } = await setupSandbox()
    const { status, headers, json } = await send({ referenceId: 'order 7' })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json')
    expect(json).toEqual({
      accountId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      applicationId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      attemptCount: 0,
      created: expect.any(Number),
      expire: expect.any(Number),
      number: happyNumber,
      otpId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      otpStatus: 'ACTIVE',
      referenceId: 'order 7',
      timestampCreated: expect.stringMatching(/Z$/),
      timestampExpire: expect.stringMatching(/Z$/),
    })
  })

  test('gives an OTP 300 seconds, in milliseconds and as timestamps', async () => {
    const { sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    expect(otp.expire - otp.created).toBe(300_000)
    expect(Date.parse(otp.timestampCreated)).toBe(otp.created)
    expect(Date.parse(otp.timestampExpire)).toBe(otp.expire)
  })

  test('has null for a referenceId that was not given', async () => {
    const { sendOtp } = await setupSandbox()
    expect((await sendOtp()).referenceId).toBeNull()
  })

  test('delivers the default template with four digits from VERIFY', async () => {
    const { sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ number: '+12015551234' })
    const [message] = sandbox.messages()
    expect(message).toEqual({
      seq: 1,
      channel: 'sms',
      to: '+12015551234',
      from: 'VERIFY',
      text: `OTP code: ${message?.code}. Valid for 300 seconds.`,
      code: expect.stringMatching(/^[0-9]{4}$/),
      otpId,
      sentAt: expect.stringMatching(/Z$/),
    })
  })

  test('fills every placeholder of a text', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({
      text: '{{OTP}} is it ({{SEC}} s).\n\n@a.example #{{OTP}} {{SEC}}',
      pinLength: '6',
    })
    expect(sandbox.messages()[0]?.text).toBe('424242 is it (300 s).\n\n@a.example #424242 300')
  })

  test('takes the given otpCode, with or without a placeholder in the text', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ otpCode: 'x7y8z9', text: 'No placeholder' })
    await send({ otpCode: '123456', text: 'It is {{OTP}}' })
    expect(sandbox.messages().map(({ code, text }) => [code, text])).toEqual([
      ['x7y8z9', 'No placeholder'],
      ['123456', 'It is 123456'],
    ])
  })

  test.each(['4', '5', '6', '7', '8', '9', '10'])(
    'makes a code of %s digits',
    async (pinLength) => {
      const { sandbox, send } = await setupSandbox()
      await send({ number: '+4915112345678', pinLength })
      expect(sandbox.messages()[0]?.code).toMatch(new RegExp(`^[0-9]{${pinLength}}$`))
    },
  )

  test.each(['3', '11', '0', '-6', '6.0', 'six'])('refuses pinLength %s', async (pinLength) => {
    const { send } = await setupSandbox()
    const { status, json } = await send({ pinLength })
    expect(status).toBe(400)
    expect(json).toMatchObject({ code: '1006' })
  })

  test('takes sender for an SMS, caller for a call', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ sender: 'Acme', caller: '+12015550000', via: 'SMS' })
    await send({ sender: 'Acme', caller: '+12015550000', via: 'VOICE' })
    expect(sandbox.messages().map(({ channel, from }) => [channel, from])).toEqual([
      ['sms', 'Acme'],
      ['voice', '+12015550000'],
    ])
  })

  test.each([
    ['+4915112345678', undefined, 'sms'],
    ['+4915112345678', 'AUTO', 'sms'],
    ['+4915112345678', 'VOICE', 'voice'],
    ['+498912345678', undefined, 'voice'],
    ['+498912345678', 'AUTO', 'voice'],
  ])('reaches %s via %s by %s', async (number, via, channel) => {
    const { sandbox, send } = await setupSandbox()
    await send({ number, ...(via && { via }) })
    expect(sandbox.messages()[0]?.channel).toBe(channel)
  })

  test('a landline gets no SMS, and that is known', async () => {
    const { events, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ number: '+498912345678', via: 'SMS' })
    expect(sandbox.messages()).toEqual([])
    expect((await events(otpId)).at(-1)).toMatchObject({
      type: 'DELIVER_OTP_RES_FAIL',
      status: 'failed',
    })
    expect(sandbox.otps()).toMatchObject([{ otpId, reason: { why: 'landline' } }])
  })

  test('a call gets the voice text', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ via: 'VOICE' })
    expect(sandbox.messages()[0]?.text).toBe('Your code is: 4242. Once more, your code is: 4242.')
  })

  test.each(['1', '12', '123', '12345678901'])(
    'refuses the otpCode %s as a PIN of a wrong length',
    async (otpCode) => {
      const { sandbox, send } = await setupSandbox()
      expect(await send({ otpCode })).toMatchObject({ status: 400, json: { code: '1006' } })
      expect(sandbox.messages()).toEqual([])
    },
  )

  test.each([
    ['text without a placeholder', { text: 'Hello' }],
    ['an unknown channel', { via: 'FAX' }],
    ['a channel in lower case', { via: 'sms' }],
    ['a language that is no code', { language: 'english' }],
    ['a code with a space', { otpCode: '12 34' }],
    ['a sender that is too long', { sender: 'TwelveLetter' }],
    ['a caller that is too long', { caller: '+1234567890123456' }],
    ['an unknown parameter', { pinlength: '6' }],
    ['an empty parameter', { referenceId: '' }],
    ['the key in the query', { apikey: 'sandbox_key' }],
  ])('refuses %s', async (_, query) => {
    const { sandbox, send } = await setupSandbox()
    const { status, headers, json } = await send(query)
    expect(status).toBe(400)
    expect(json).toEqual({
      message: expect.any(String),
      code: '400',
      timestamp: expect.any(Number),
    })
    expect(headers.get('x-sandbox-hint')).toMatch(/./)
    expect(sandbox.messages()).toEqual([])
  })

  test('hints at the parameter that was probably meant', async () => {
    const { send } = await setupSandbox()
    const { headers } = await send({ pinlength: '6' })
    expect(headers.get('x-sandbox-hint')).toBe('Did you mean pinLength?')
  })

  test('refuses a repeated parameter', async () => {
    const { call, sandbox } = await setupSandbox()
    const { status } = await call('/2fa/v1/otp?number=%2B12015550100&number=%2B12015550101', {
      method: 'POST',
      headers: { apikey: sandbox.apiKey },
    })
    expect(status).toBe(400)
  })

  test.each([{ number: happyNumber }, `number=${happyNumber}`])(
    'does not read a body: %o',
    async (body) => {
      const { api, sandbox } = await setupSandbox()
      const { status, headers } = await api(
        'POST',
        '',
        {},
        {
          headers: { apikey: sandbox.apiKey },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        },
      )
      expect(status).toBe(400)
      expect(headers.get('x-sandbox-hint')).toContain('query')
    },
  )

  test('falls back to English in a language without a template', async () => {
    const { sandbox, send } = await setupSandbox()
    expect((await send({ language: 'fi' })).status).toBe(200)
    expect(sandbox.messages()[0]?.text).toBe('OTP code: 4242. Valid for 300 seconds.')
  })

  test('knows the application default, and no other', async () => {
    const { send } = await setupSandbox()
    expect((await send({ applicationId: 'default' })).status).toBe(200)
    expect((await send({ applicationId: unknownId })).status).toBe(404)
  })
})

describe('list', () => {
  test('answers 204 without a body when there is none', async () => {
    const { api } = await setupSandbox()
    const { status, text, headers } = await api('GET', '', { number: happyNumber })
    expect([status, text, headers.get('content-type')]).toEqual([204, '', null])
  })

  test('finds the OTPs of a number, however it is written, oldest first', async () => {
    const { api, sendOtp } = await setupSandbox()
    const first = await sendOtp({ referenceId: 'a' })
    await sendOtp({ number: '+12015550101' })
    const second = await sendOtp({ referenceId: 'b' })
    const { status, json } = await api('GET', '', { number: '0012015550100' })
    expect(status).toBe(200)
    expect(json).toEqual([first, second])
  })

  test.each([{}, { number: 'x' }, { number: '+12015550100', country: 'US' }])(
    'refuses %o',
    async (query) => {
      const { api } = await setupSandbox()
      expect((await api('GET', '', query as Record<string, string>)).status).toBe(400)
    },
  )
})

describe('get', () => {
  test('answers 200 with the entity', async () => {
    const { get, sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    expect(await get(otp.otpId)).toMatchObject({ status: 200, json: otp })
  })

  test('shows EXPIRED once the time has run out', async () => {
    const { advance, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await advance(299)
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'ACTIVE' })
    await advance(1)
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'EXPIRED' })
  })

  test('answers 404 with an ErrorResponse for an unknown id', async () => {
    const { get } = await setupSandbox()
    expect(await get(unknownId)).toMatchObject({
      status: 404,
      json: {
        message: expect.any(String),
        code: expect.any(String),
        timestamp: expect.any(Number),
      },
    })
  })
})

describe('check', () => {
  test('answers 202 VERIFIED to the right code', async () => {
    const { check, sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    expect(await check(otp.otpId, '4242')).toMatchObject({
      status: 202,
      json: { ...otp, otpStatus: 'VERIFIED', attemptCount: 1 },
    })
  })

  test('answers 401 with the entity to a wrong code, and counts it', async () => {
    const { check, sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    expect(await check(otp.otpId, '0000')).toMatchObject({
      status: 401,
      json: { ...otp, otpStatus: 'ACTIVE', attemptCount: 1 },
    })
  })

  test('answers 403 TOO_MANY_ATTEMPTS to the third wrong code', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await check(otpId, '0000')
    await check(otpId, '0001')
    expect(await check(otpId, '0002')).toMatchObject({
      status: 403,
      json: { otpStatus: 'TOO_MANY_ATTEMPTS', attemptCount: 3 },
    })
  })

  test('takes the right code as the last attempt', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await check(otpId, '0000')
    await check(otpId, '0001')
    expect((await check(otpId, '4242')).status).toBe(202)
  })

  test('answers 403 EXPIRED to the first check after the time ran out', async () => {
    const { advance, check, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await advance(300)
    await get(otpId)
    expect(await check(otpId, '4242')).toMatchObject({
      status: 403,
      json: { otpStatus: 'EXPIRED', attemptCount: 0 },
    })
  })

  test.each(['VERIFIED', 'TOO_MANY_ATTEMPTS', 'EXPIRED'])(
    'answers 410 %s from then on, whatever the code',
    async (otpStatus) => {
      const { advance, check, sendOtp } = await setupSandbox()
      const { otpId } = await sendOtp()
      if (otpStatus === 'EXPIRED') await advance(300)
      const code = otpStatus === 'TOO_MANY_ATTEMPTS' ? '0000' : '4242'
      for (let attempt = 0; attempt < 3; attempt += 1) await check(otpId, code)

      expect(await check(otpId, '4242')).toMatchObject({ status: 410, json: { otpStatus } })
      expect(await check(otpId, '0000')).toMatchObject({ status: 410, json: { otpStatus } })
    },
  )

  test('compares letters as they are', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ otpCode: 'a1b2c3' })
    expect((await check(otpId, 'A1B2C3')).status).toBe(401)
    expect((await check(otpId, 'a1b2c3')).status).toBe(202)
  })

  test('is right exactly once, however many ask at the same time', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    const replies = await Promise.all(Array.from({ length: 8 }, () => check(otpId, '4242')))
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      202,
      ...Array(7).fill(410),
    ])
  })

  test('answers 404 without a body for an unknown id', async () => {
    const { check } = await setupSandbox()
    expect(await check(unknownId, '4242')).toMatchObject({ status: 404, text: '' })
  })

  test('does not count a check without otpCode', async () => {
    const { api, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    expect((await api('POST', `/${otpId}/check`)).status).toBe(400)
    expect((await get(otpId)).json).toMatchObject({ attemptCount: 0 })
  })
})

describe('resend', () => {
  test('delivers the same code again without more time', async () => {
    const { advance, resend, sandbox, sendOtp } = await setupSandbox()
    const otp = await sendOtp({ number: '+4915112345678' })
    await advance(100)
    expect(await resend(otp.otpId)).toMatchObject({ status: 200, json: otp })
    const [first, second] = sandbox.messages()
    expect(second).toEqual({ ...first, seq: 2, sentAt: expect.any(String) })
  })

  test('without a channel takes AUTO, also after a call', async () => {
    const { resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ via: 'VOICE' })
    await resend(otpId)
    const landline = await sendOtp({ number: '+498912345678', via: 'SMS' })
    await resend(landline.otpId)
    expect(sandbox.messages().map(({ channel }) => channel)).toEqual(['voice', 'sms', 'voice'])
  })

  test('may take another channel, sender and caller', async () => {
    const { resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ via: 'SMS' })
    await resend(otpId, { via: 'VOICE', caller: '+12015550000' })
    await resend(otpId, { via: 'SMS', sender: 'Acme' })
    expect(sandbox.messages().map(({ channel, from }) => [channel, from])).toEqual([
      ['sms', 'VERIFY'],
      ['voice', '+12015550000'],
      ['sms', 'Acme'],
    ])
  })

  test('does not give attempts back', async () => {
    const { check, resend, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await check(otpId, '0000')
    expect((await resend(otpId)).json).toMatchObject({ attemptCount: 1 })
  })

  test.each(['VERIFIED', 'TOO_MANY_ATTEMPTS', 'EXPIRED'])(
    'answers 401 with an ErrorResponse when the OTP is %s',
    async (otpStatus) => {
      const { advance, check, resend, sandbox, sendOtp } = await setupSandbox()
      const { otpId } = await sendOtp()
      if (otpStatus === 'EXPIRED') await advance(300)
      if (otpStatus === 'VERIFIED') await check(otpId, '4242')
      for (let attempt = 0; attempt < 3; attempt += 1) await check(otpId, '0000')

      expect(await resend(otpId)).toMatchObject({
        status: 401,
        json: { code: '401', message: 'OTP is not valid anymore', timestamp: expect.any(Number) },
      })
      expect(sandbox.messages()).toHaveLength(1)
    },
  )

  test('answers 404 with an ErrorResponse for an unknown id', async () => {
    const { resend } = await setupSandbox()
    expect(await resend(unknownId)).toMatchObject({ status: 404, json: { code: '404' } })
  })

  test('refuses what only a first send takes', async () => {
    const { resend, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    expect((await resend(otpId, { text: '{{OTP}}' })).status).toBe(400)
    expect((await resend(otpId, { via: 'FAX' })).status).toBe(400)
  })
})

describe('delete', () => {
  test('answers 200 with the entity', async () => {
    const { api, sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    expect(await api('DELETE', `/${otp.otpId}`)).toMatchObject({ status: 200, json: otp })
  })

  test('leaves nothing of the OTP', async () => {
    const { api, check, control, get, resend, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await api('DELETE', `/${otpId}`)
    expect((await get(otpId)).status).toBe(404)
    expect((await resend(otpId)).status).toBe(404)
    expect((await check(otpId, '4242')).status).toBe(404)
    expect((await api('GET', `/${otpId}/events`)).status).toBe(404)
    expect(await api('DELETE', `/${otpId}`)).toMatchObject({ status: 404, text: '' })
    expect((await api('GET', '', { number: happyNumber })).status).toBe(204)
    expect((await control('GET', 'otps')).json).toEqual([])
  })
})

describe('events', () => {
  test('tell of each delivery', async () => {
    const { events, resend, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await resend(otpId)
    const requested = {
      type: 'DELIVER_OTP_REQ',
      status: null,
      statusText: null,
      created: expect.any(Number),
      timestampCreated: expect.stringMatching(/Z$/),
    }
    const delivered = {
      ...requested,
      type: 'DELIVER_OTP_RES_OK',
      status: 'success',
      statusText: 'SMS delivered',
    }
    expect(await events(otpId)).toEqual([requested, delivered, requested, delivered])
  })

  test('answer 404 with an ErrorResponse for an unknown id', async () => {
    const { api } = await setupSandbox()
    expect(await api('GET', `/${unknownId}/events`)).toMatchObject({
      status: 404,
      json: { code: '404' },
    })
  })
})

describe('key', () => {
  test.each([
    ['missing', {}],
    ['of the real service', { apikey: 'abcdef0123456789' }],
    ['with another beginning', { apikey: 'my_sandbox_key' }],
    ['with a space', { apikey: 'sandbox_a key' }],
    ['with a letter beyond ASCII', { apikey: 'sandbox_\u00e9' }],
    ['two keys', { apikey: 'sandbox_a, sandbox_b' }],
    ['in another header', { authorization: 'sandbox_a' }],
  ])('is refused with 401 without a body: %s', async (_, headers: Record<string, string>) => {
    const { api } = await setupSandbox()
    const reply = await api('GET', '', { number: happyNumber }, { headers })
    expect(reply).toMatchObject({ status: 401, text: '' })
    expect(reply.headers.get('x-sandbox-hint')).toMatch(/./)
  })

  test('is not taken from the query', async () => {
    const { api } = await setupSandbox()
    const query = { number: happyNumber, apikey: 'sandbox_key' }
    const reply = await api('GET', '', query, { headers: {} })
    expect(reply).toMatchObject({ status: 401, text: '' })
    expect(reply.headers.get('x-sandbox-hint')).toContain('header')
  })

  test.each(['apikey', 'apiKey', 'APIKEY'])('is taken from the header %s', async (name) => {
    const { api } = await setupSandbox()
    const headers = { [name]: 'sandbox_any' }
    expect((await api('GET', '', { number: happyNumber }, { headers })).status).toBe(204)
  })

  test.each(['sandbox_', 'sandbox_Zm9v+/=:~!', `sandbox_${'k'.repeat(200)}`])(
    'begins with sandbox_, and may go on in any way: %s',
    async (apikey) => {
      const { api } = await setupSandbox()
      const reply = await api('GET', '', { number: happyNumber }, { headers: { apikey } })
      expect(reply.status).toBe(204)
    },
  )

  test('sandbox_forbidden is refused with 403 without a body', async () => {
    const { api } = await setupSandbox()
    const headers = { apikey: 'sandbox_forbidden' }
    const reply = await api('GET', '', { number: happyNumber }, { headers })
    expect(reply).toMatchObject({ status: 403, text: '' })
  })

  test('sees only the OTPs it made', async () => {
    const { api, sandbox, sendOtp } = await setupSandbox()
    const { otpId, accountId } = await sendOtp()
    const other = { headers: { apikey: 'sandbox_other' } }
    expect((await api('GET', `/${otpId}`, {}, other)).status).toBe(404)
    expect((await api('POST', `/${otpId}/check`, { otpCode: '4242' }, other)).status).toBe(404)
    expect((await api('DELETE', `/${otpId}`, {}, other)).status).toBe(404)
    expect((await api('GET', '', { number: happyNumber }, other)).status).toBe(204)
    const own = await api('POST', '', { number: happyNumber }, other)
    expect(own.json).not.toMatchObject({ accountId })
    expect(accountId).not.toContain(sandbox.apiKey)
  })
})

describe('paths', () => {
  test.each([
    ['GET', '/2fa/v2/otp', 404],
    ['GET', '/2fa/v1/otp/', 404],
    ['GET', '/2fa/v1/otp/a/b', 404],
    ['GET', '/', 200],
    ['PUT', '/2fa/v1/otp', 405],
    ['DELETE', '/2fa/v1/otp', 405],
    ['GET', `/2fa/v1/otp/${unknownId}/check`, 405],
    ['POST', `/2fa/v1/otp/${unknownId}/events`, 405],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const { call, sandbox } = await setupSandbox()
    expect((await call(path, { method, headers: { apikey: sandbox.apiKey } })).status).toBe(status)
  })

  test('say which methods they take', async () => {
    const { api } = await setupSandbox()
    expect((await api('PUT', '')).headers.get('allow')).toBe('GET, POST')
  })
})

test('refuses a body over 64 kB', async () => {
  const { api, sandbox } = await setupSandbox()
  const headers = { apikey: sandbox.apiKey }
  const query = { number: happyNumber }
  const body = 'x'.repeat(64 * 1024)
  expect((await api('POST', '', query, { headers, body })).status).toBe(200)
  expect((await api('POST', '', query, { headers, body: `${body}x` })).status).toBe(413)
})
