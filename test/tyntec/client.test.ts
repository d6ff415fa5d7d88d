import fc from 'fast-check'
import { createTyntecClient, type SendParameters } from 'passport-tyntec-otp/tyntec'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { serve, serveJson } from './servers.js'
import { apiKey, failureOf, number, otp, otpCode, otpId, setupClient } from './setup.js'

const parsed = {
  otpId,
  otpStatus: 'ACTIVE',
  number,
  attemptCount: 0,
  created: 1_700_000_000_000,
  expire: 1_700_000_300_000,
}

describe('each call', () => {
  // proves: UP-14
  test('send posts its parameters in the query, with the key in the header only', async () => {
    const server = await serveJson(200, { ...otp, referenceId: 'r-1' })
    const client = setupClient(server.url)
    const sent = await client.otp.send({ number, via: 'SMS', pinLength: 6, referenceId: 'r-1' })
    expect(sent).toEqual({ ...parsed, referenceId: 'r-1' })
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/2fa/v1/otp',
      search: '?number=%2B12015550100&via=SMS&referenceId=r-1&pinLength=6',
      headers: { accept: 'application/json', apikey: apiKey, 'content-length': '0' },
    })
  })

  test('list asks for the number and gives every OTP', async () => {
    const server = await serveJson(200, [otp, { ...otp, otpId: 'another-id-1' }])
    const client = setupClient(server.url)
    expect(await client.otp.list(number)).toEqual([parsed, { ...parsed, otpId: 'another-id-1' }])
    expect(server.requests).toMatchObject([
      { method: 'GET', path: '/2fa/v1/otp', search: '?number=%2B12015550100' },
    ])
  })

  test('list is empty on 204', async () => {
    const client = setupClient((await serveJson(204)).url)
    expect(await client.otp.list(number)).toEqual([])
  })

  test('read gives the OTP', async () => {
    const server = await serveJson(200, otp)
    expect(await setupClient(server.url).otp.read(otpId)).toEqual(parsed)
    expect(server.requests).toMatchObject([
      { method: 'GET', path: `/2fa/v1/otp/${otpId}`, search: '' },
    ])
  })

  test('read gives nothing for an OTP that tyntec does not know', async () => {
    const client = setupClient((await serveJson(404)).url)
    expect(await client.otp.read(otpId)).toBeUndefined()
  })

  test('resend posts to the OTP', async () => {
    const server = await serveJson(200, otp)
    const client = setupClient(server.url)
    expect(await client.otp.resend(otpId, { via: 'VOICE' })).toEqual({
      result: 'sent',
      otp: parsed,
    })
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: `/2fa/v1/otp/${otpId}`,
        search: '?via=VOICE',
        headers: { 'content-length': '0' },
      },
    ])
  })

  test('delete tells whether there was an OTP', async () => {
    const server = await serveJson(200, otp)
    expect(await setupClient(server.url).otp.delete(otpId)).toBe(true)
    expect(server.requests).toMatchObject([{ method: 'DELETE', path: `/2fa/v1/otp/${otpId}` }])
    expect(await setupClient((await serveJson(200)).url).otp.delete(otpId)).toBe(true)
    expect(await setupClient((await serveJson(204)).url).otp.delete(otpId)).toBe(true)
    expect(await setupClient((await serveJson(404)).url).otp.delete(otpId)).toBe(false)
    expect(await setupClient((await serveJson(410)).url).otp.delete(otpId)).toBe(false)
  })

  test('events gives each event as it came, without what is null or of another type', async () => {
    const server = await serveJson(200, [
      { type: 'DELIVER_OTP_RES_OK', status: 'success', statusText: null, created: 1, more: true },
      { type: 'LATER_TYPE', status: null, created: 'x' },
    ])
    expect(await setupClient(server.url).otp.events(otpId)).toEqual([
      { type: 'DELIVER_OTP_RES_OK', status: 'success', created: 1, more: true },
      { type: 'LATER_TYPE' },
    ])
    expect(server.requests).toMatchObject([{ method: 'GET', path: `/2fa/v1/otp/${otpId}/events` }])
  })

  test('check posts the code in the query', async () => {
    const server = await serveJson(202, { ...otp, otpStatus: 'VERIFIED', attemptCount: 1 })
    expect(await setupClient(server.url).otp.check(otpId, '012345', { number })).toEqual({
      result: 'valid',
      otp: { ...parsed, otpStatus: 'VERIFIED', attemptCount: 1 },
    })
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: `/2fa/v1/otp/${otpId}/check`,
        search: '?otpCode=012345',
        headers: { 'content-length': '0' },
      },
    ])
  })

  test('a path of the base URL stands before every path', async () => {
    const server = await serveJson(200, otp)
    await setupClient(`${server.url}/gateway/tyntec/`).otp.read(otpId)
    expect(server.requests[0]?.path).toBe(`/gateway/tyntec/2fa/v1/otp/${otpId}`)
  })
})

describe('what is sent', () => {
  const hostile = '+12015550100&otpCode=000000&via=VOICE#?%26otpCode=1;\r\nx: y é\u0000'

  // proves: UP-1
  test('a value never becomes a second parameter', async () => {
    const server = await serveJson(500)
    const client = setupClient(server.url)
    const names = [
      'number',
      'referenceId',
      'applicationId',
      'country',
      'language',
      'text',
      'otpCode',
      'sender',
      'caller',
    ] as const
    const parameters: SendParameters = { number: hostile, pinLength: 6 }
    for (const name of names) parameters[name] = hostile
    await failureOf(client.otp.send(parameters))
    await failureOf(client.otp.list(hostile))
    await failureOf(client.otp.check(otpId, hostile))
    await failureOf(client.otp.resend(otpId, { sender: hostile, caller: hostile }))
    expect(server.requests).toHaveLength(4)
    for (const { query } of server.requests) {
      for (const [name, value] of query) {
        expect(query.getAll(name)).toEqual([name === 'pinLength' ? '6' : hostile])
        expect(value).not.toBe('')
      }
    }
    expect([...(server.requests[0]?.query.keys() ?? [])].sort()).toEqual(
      [...names, 'pinLength'].sort(),
    )
    expect([...(server.requests[2]?.query.keys() ?? [])]).toEqual(['otpCode'])
  })

  // proves: UP-1
  test('any text arrives as it was, as one value', async () => {
    const server = await serveJson(500)
    const client = setupClient(server.url)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (text) => {
        server.requests.length = 0
        await failureOf(client.otp.check(otpId, text))
        expect(server.requests.map(({ query }) => [...query])).toEqual([[['otpCode', text]]])
      }),
      { numRuns: 50 },
    )
  })

  test('unknown, inherited, missing and null parameters are left out', async () => {
    const server = await serveJson(200, otp)
    const parameters = Object.assign(Object.create({ otpCode: '000000' }), {
      number,
      via: undefined,
      sender: null,
      apiKey: 'x',
      callbackUrl: 'http://evil.example',
    })
    await setupClient(server.url).otp.send(parameters)
    expect(server.requests[0]?.search).toBe('?number=%2B12015550100')
  })

  test.each([
    ['an array', ['1', '2']],
    ['an object', { length: 6 }],
    ['true', true],
    ['not a number', Number.NaN],
  ])('a parameter that is %s is a misuse, and nothing is sent', async (_, value) => {
    const server = await serveJson(200, otp)
    const client = setupClient(server.url)
    const parameters: unknown = { number, otpCode: value }
    // Callers in JavaScript have no types that forbid it.
    expect(await failureOf(client.otp.send(parameters as SendParameters))).toMatchObject({
      code: 'ERR_OTP_MISUSE',
      processed: 'no',
    })
    const missing: unknown = undefined
    expect(await failureOf(client.otp.check(otpId, missing as string))).toMatchObject({
      code: 'ERR_OTP_MISUSE',
    })
    expect(server.requests).toEqual([])
  })

  // proves: UP-2
  test.each([
    '',
    '..',
    '.',
    '../application/x',
    '..%2fapplication',
    'a/b/c/d/e/f',
    'short',
    `${otpId}/check`,
    `${otpId}?otpCode=1`,
    `${otpId}#`,
    ` ${otpId}`,
    `${otpId}\n`,
    'ünïcödé-id',
    'x'.repeat(65),
    'x'.repeat(10_000),
  ])('an otpId like %j never gets into a path', async (hostileId) => {
    const server = await serveJson(200, otp)
    const { otp: calls } = setupClient(server.url)
    const attempts = [
      calls.read(hostileId),
      calls.resend(hostileId),
      calls.delete(hostileId),
      calls.events(hostileId),
      calls.check(hostileId, otpCode),
    ]
    for (const attempt of attempts) {
      expect(await failureOf(attempt)).toMatchObject({ code: 'ERR_OTP_MISUSE', processed: 'no' })
    }
    expect(server.requests).toEqual([])
  })
})

describe('answers to send', () => {
  test.each<[string, number, unknown]>([
    ['200 for the number as bare digits', 200, { otpId, number: '12015550100' }],
    ['200 for the number with 00', 200, { otpId, number: '0012015550100' }],
    ['200 without a number', 200, { otpId }],
    ['201 with null everywhere else', 201, { otpId, number: null, otpStatus: null, created: null }],
  ])('%s is a sent code', async (_, status, body) => {
    const client = setupClient((await serveJson(status, body)).url)
    expect(await client.otp.send({ number, referenceId: 'r-1' })).toMatchObject({ otpId })
  })

  // proves: UP-2
  test.each<[string, number, unknown]>([
    ['201 without a body', 201, undefined],
    ['204', 204, undefined],
    ['202', 202, otp],
    ['no otpId', 200, { ...otp, otpId: undefined }],
    ['null as otpId', 200, { ...otp, otpId: null }],
    ['a number as otpId', 200, { ...otp, otpId: 1_234_567_890 }],
    ['an array as otpId', 200, { ...otp, otpId: [otpId] }],
    ['an empty otpId', 200, { ...otp, otpId: '' }],
    ['dots as otpId', 200, { ...otp, otpId: '..' }],
    ['a path as otpId', 200, { ...otp, otpId: '../application/default' }],
    ['an otpId with a slash', 200, { ...otp, otpId: `${otpId}/check` }],
    ['an otpId of 10 kB', 200, { ...otp, otpId: 'x'.repeat(10_000) }],
    ['another number', 200, { ...otp, number: '+12015550101' }],
    ['a number that is none', 200, { ...otp, number: 12_015_550_100 }],
    ['another referenceId', 200, { ...otp, referenceId: 'r-2' }],
    ['a list', 200, [otp]],
    ['null', 200, null],
    ['a string', 200, otpId],
  ])('%s says nothing sure', async (_, status, body) => {
    const server = await serveJson(status, body)
    const client = setupClient(server.url)
    expect(await failureOf(client.otp.send({ number, referenceId: 'r-1' }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'unknown',
    })
    expect(server.requests).toHaveLength(1)
  })

  test('404 says that the application is unknown, and nothing was sent', async () => {
    const server = await serveJson(404, { code: '1', message: 'no' })
    const client = setupClient(server.url)
    expect(await failureOf(client.otp.send({ number }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_AUTH',
      processed: 'no',
    })
  })

  test('400 is a refusal, and tells the operator the error code of tyntec', async () => {
    const body = { code: '1006', message: `Bad PIN length for ${number}` }
    const client = setupClient((await serveJson(400, body)).url)
    const error = await failureOf(client.otp.send({ number }))
    expect(error).toMatchObject({ code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'no' })
    expect(error.message).toContain('1006')
    expect(error.message).not.toContain(number)
  })

  test.each([
    ['1006', '1006'],
    [1006, '1006'],
    ['2006', '2006'],
    ['INSUFFICIENT_BALANCE', 'INSUFFICIENT_BALANCE'],
    [`1006${number}`, undefined],
    ['x1006', undefined],
    [otpCode, undefined],
    ['4821', undefined],
    [otpId, undefined],
    [undefined, undefined],
    [null, undefined],
    [{ 1006: 1 }, undefined],
  ])(
    'of the code %j of a refusal is told %j, since the rest might be what was sent',
    async (code, told) => {
      const client = setupClient((await serveJson(400, { code, message: 'm' })).url)
      const error = await failureOf(client.otp.send({ number, otpCode: '4821' }))
      expect(error).toMatchObject({ processed: 'no', provider: { status: 400, message: 'm' } })
      expect(error.provider?.code).toBe(told)
      expect(error.message).toContain(told === undefined ? '(400: m)' : `(400, error ${told}: m)`)
    },
  )

  test.each([401, 403])('%i is a refused key or account, whatever the body', async (status) => {
    for (const body of [undefined, otp, { code: '1', message: 'm' }, []]) {
      const client = setupClient((await serveJson(status, body)).url)
      expect(await failureOf(client.otp.send({ number }))).toMatchObject({
        code: 'ERR_OTP_PROVIDER_AUTH',
        processed: 'no',
      })
    }
  })

  // proves: tyntec-5xx/send
  test.each([500, 502, 503, 504, 599])('%i may have sent a message', async (status) => {
    const client = setupClient((await serveJson(status)).url)
    expect(await failureOf(client.otp.send({ number }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
      processed: 'unknown',
      retryAfter: undefined,
    })
  })

  // proves: tyntec-429/send
  test.each<[string, number | undefined]>([
    ['7', 7],
    ['0', 1],
    ['3600', 60],
    ['999999999', 60],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 1],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 60],
    ['soon', undefined],
    ['-5', 1],
  ])('429 with Retry-After %j is a refusal to wait for', async (header, retryAfter) => {
    const server = await serveJson(429, undefined, { 'retry-after': header })
    expect(await failureOf(setupClient(server.url).otp.send({ number }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
      processed: 'no',
      retryAfter,
    })
  })

  test('429 with a time to come is a refusal to wait for until then', async () => {
    const later = new Date(Date.now() + 40_000).toUTCString()
    const server = await serveJson(429, undefined, { 'retry-after': later })
    const { retryAfter } = await failureOf(setupClient(server.url).otp.send({ number }))
    expect(retryAfter).toBeGreaterThan(20)
    expect(retryAfter).toBeLessThanOrEqual(40)
  })
})

describe('answers to the other calls', () => {
  // proves: tyntec-401/resend
  test.each<[string, number, unknown]>([
    ['401 with an error', 401, { code: '1010', message: 'OTP is not valid anymore' }],
    ['401 with the ended OTP', 401, { ...otp, otpStatus: 'EXPIRED' }],
    ['404', 404, undefined],
    ['410', 410, undefined],
  ])('resend ends on %s', async (_, status, body) => {
    const client = setupClient((await serveJson(status, body)).url)
    expect(await client.otp.resend(otpId)).toEqual({ result: 'over' })
  })

  // proves: tyntec-401/resend
  test.each<[string, number, unknown]>([
    ['401 without a body', 401, undefined],
    ['401 with a message alone', 401, { message: 'No API key found in request' }],
    ['401 with a code alone', 401, { code: '1010' }],
    ['403', 403, { code: '1', message: 'm' }],
  ])('resend is refused on %s', async (_, status, body) => {
    const client = setupClient((await serveJson(status, body)).url)
    expect(await failureOf(client.otp.resend(otpId))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_AUTH',
      processed: 'no',
    })
  })

  test.each<[string, number, unknown, 'no' | 'unknown']>([
    ['201 without a body', 201, undefined, 'unknown'],
    ['another otpId', 200, { ...otp, otpId: 'another-id-1' }, 'unknown'],
    ['401 with an active OTP', 401, otp, 'unknown'],
    ['400', 400, { code: '1', message: 'm' }, 'no'],
    ['302', 302, undefined, 'unknown'],
  ])('resend is unsure on %s', async (_, status, body, processed) => {
    const client = setupClient((await serveJson(status, body)).url)
    expect(await failureOf(client.otp.resend(otpId))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed,
    })
  })

  test('an OTP about another id or number is never given', async () => {
    const code = 'ERR_OTP_PROVIDER_RESPONSE'
    const { otp: calls } = setupClient((await serveJson(200, { ...otp, otpId: 'another-1' })).url)
    expect(await failureOf(calls.read(otpId))).toMatchObject({ code })
    expect(await failureOf(calls.delete(otpId))).toMatchObject({ code })
    const other = setupClient((await serveJson(200, otp)).url)
    expect(await failureOf(other.otp.read(otpId, { number: '+12015550199' }))).toMatchObject({
      code,
    })
    expect(await other.otp.read(otpId, { number })).toMatchObject({ otpId })
    const listed = setupClient((await serveJson(200, [otp, { ...otp, number: '+4930231250' }])).url)
    expect(await failureOf(listed.otp.list(number))).toMatchObject({ code })
  })

  test.each([401, 403])('%i refuses the key or account on every read', async (status) => {
    const { otp: calls } = setupClient((await serveJson(status, otp)).url)
    const attempts = [
      calls.list(number),
      calls.read(otpId),
      calls.delete(otpId),
      calls.events(otpId),
    ]
    for (const attempt of attempts) {
      expect(await failureOf(attempt)).toMatchObject({ code: 'ERR_OTP_PROVIDER_AUTH' })
    }
  })

  test('events of an unknown OTP are none, and anything but a list is an error', async () => {
    expect(await setupClient((await serveJson(404)).url).otp.events(otpId)).toEqual([])
    expect(await setupClient((await serveJson(204)).url).otp.events(otpId)).toEqual([])
    for (const body of [{ events: [] }, ['DELIVER_OTP_RES_OK'], [null]]) {
      const { otp: calls } = setupClient((await serveJson(200, body)).url)
      expect(await failureOf(calls.events(otpId))).toMatchObject({
        code: 'ERR_OTP_PROVIDER_RESPONSE',
      })
    }
  })

  test('what decides nothing is left out when it is of another type', async () => {
    const wrong = { accountId: 1, timestampCreated: true, attemptCount: 1.5, created: 'x' }
    const body = { otpId, otpStatus: 'ACTIVE', referenceId: 'r-1', ...wrong, expire: 1 }
    const { otp: calls } = setupClient((await serveJson(200, body)).url)
    const expected = { otpId, otpStatus: 'ACTIVE', referenceId: 'r-1', expire: 1 }
    expect(await calls.read(otpId)).toEqual(expected)
    const events = setupClient((await serveJson(200, [{ type: 1, status: {}, created: 1 }])).url)
    expect(await events.otp.events(otpId)).toEqual([{ created: 1 }])
  })

  // proves: UP-12
  test('hostile names in JSON reach no prototype, and inherited values count for nothing', async () => {
    const body = `{"__proto__":{"otpStatus":"VERIFIED","polluted":1},"constructor":{"prototype":
      {"polluted":1}},"hasOwnProperty":1,"otpId":"${otpId}","toString":null}`
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
    expect(await setupClient(server.url).otp.read(otpId)).toEqual({ otpId })
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    const inherited = await serve((_request, response) => {
      const nested = `{"__proto__":{"otpId":"${otpId}","otpStatus":"VERIFIED"}}`
      response.writeHead(202, { 'content-type': 'application/json' }).end(nested)
    })
    expect(await failureOf(setupClient(inherited.url).otp.check(otpId, otpCode))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
    })
  })

  // proves: UP-12
  test('a prototype that something else has polluted lends an answer nothing', async () => {
    const server = await serveJson(202, { otpId })
    const { otp: calls } = setupClient(server.url)
    onTestFinished(() => {
      Reflect.deleteProperty(Object.prototype, 'otpStatus')
    })
    Reflect.set(Object.prototype, 'otpStatus', 'VERIFIED')
    expect(await failureOf(calls.check(otpId, otpCode))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
    })
  })
})

describe('the key', () => {
  test('a function is asked once for many calls at once, and its answer is kept', async () => {
    const server = await serveJson(200, otp)
    const keys = vi.fn(async () => apiKey)
    const { otp: calls } = setupClient(server.url, { apiKey: keys })
    await Promise.all([calls.read(otpId), calls.read(otpId), calls.read(otpId)])
    await calls.read(otpId)
    expect(keys).toHaveBeenCalledTimes(1)
    expect(server.requests.map(({ headers }) => headers.apikey)).toEqual(Array(4).fill(apiKey))
  })

  // proves: KEY-1, no-key/send
  test('a function is asked again after 60 seconds', async () => {
    const server = await serveJson(200, otp)
    const keys = vi.fn(() => apiKey)
    const { otp: calls } = setupClient(server.url, { apiKey: keys })
    await calls.read(otpId)
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 61_000)
    await calls.read(otpId)
    expect(keys).toHaveBeenCalledTimes(2)
  })

  // proves: UP-6, no-key/send
  test('a refused key is asked for again by the next call, and the refused one is not repeated', async () => {
    const server = await serve((request, response) => {
      response.writeHead(request.headers.apikey === 'new' ? 404 : 401).end()
    })
    const keys = ['old', 'new']
    const { otp: calls } = setupClient(server.url, { apiKey: () => keys.shift() ?? '' })
    expect(await failureOf(calls.read(otpId))).toMatchObject({ code: 'ERR_OTP_PROVIDER_AUTH' })
    expect(server.requests).toHaveLength(1)
    expect(await calls.read(otpId)).toBeUndefined()
  })

  // proves: no-key/send
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error(apiKey)
      },
    ],
    ['rejects', () => Promise.reject(new Error(apiKey))],
    ['gives an illegal header value', () => `${apiKey}\r\nx: y`],
    ['gives a space', () => ' '],
    ['gives nothing', () => ''],
    ['gives something else', () => undefined],
    ['never answers', () => new Promise(() => {})],
  ])('a function that %s is a refusal, and nothing is sent', async (_, keys) => {
    const server = await serveJson(200, otp)
    // Apps in JavaScript have no types that forbid the other answers.
    const calling = { apiKey: keys as () => string, timeout: 0.05 }
    const { otp: calls } = setupClient(server.url, calling)
    expect(await failureOf(calls.send({ number }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_AUTH',
      processed: 'no',
    })
    expect(server.requests).toEqual([])
  })

  test('a function that hangs once does not hold up later calls', async () => {
    const server = await serveJson(200, otp)
    const answers = [new Promise<string>(() => {}), apiKey]
    const { otp: calls } = setupClient(server.url, {
      apiKey: () => answers.shift() ?? '',
      timeout: 0.5,
    })
    const hanging = await failureOf(calls.read(otpId))
    expect(hanging).toMatchObject({ code: 'ERR_OTP_PROVIDER_AUTH' })
    expect(await calls.read(otpId)).toMatchObject({ otpId })
  })
})

describe('options', () => {
  // proves: UP-3
  test.each([
    'http://api.tyntec.com',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://[::2]',
    'http://0.0.0.0',
    'https://user:secret@api.tyntec.com',
    'https://api.tyntec.com?x=1',
    'https://api.tyntec.com?',
    'https://api.tyntec.com#x',
    'https://api.tyntec.com\\@evil.example',
    ' https://api.tyntec.com',
    'https://',
    'ftp://localhost',
    'api.tyntec.com',
    '',
    null,
    new URL('https://api.tyntec.com'),
  ])('a base URL like %j is refused', (baseUrl) => {
    expect(() => createTyntecClient({ apiKey, baseUrl: baseUrl as string })).toThrow(
      expect.objectContaining({ code: 'ERR_OTP_OPTIONS' }),
    )
  })

  test.each([
    'https://api.tyntec.com',
    'https://gateway.example/tyntec/',
    'http://localhost:8026',
    'http://127.9.9.9:1',
    'http://[::1]:8026',
    undefined,
  ])('a base URL like %j is taken', (baseUrl) => {
    expect(createTyntecClient({ apiKey, baseUrl })).toHaveProperty('otp')
  })

  // proves: KEY-1
  test.each([
    ['apiKey', ''],
    ['apiKey', undefined],
    ['apiKey', 'with space'],
    ['apiKey', 'line\nfeed'],
    ['apiKey', 'schlüssel'],
    ['apiKey', 'x'.repeat(2000)],
    ['timeout', 0],
    ['timeout', -1],
    ['timeout', Number.NaN],
    ['timeout', Number.POSITIVE_INFINITY],
    ['timeout', '8'],
    ['connectTimeout', 0],
    ['maxBody', 0],
    ['maxBody', 1.5],
    ['connections', 0],
    ['proxy', 'https://proxy.example'],
    ['repeatReads', 1],
    ['baseURL', 'https://api.tyntec.com'],
  ])('%s %j is refused, without the value in the message', (name, value) => {
    const options = { apiKey, [name]: value } as Parameters<typeof createTyntecClient>[0]
    let message = ''
    try {
      createTyntecClient(options)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_OTP_OPTIONS' })
      message = String(error)
    }
    expect(message).toMatch(/"options/)
    if (typeof value === 'string' && value.length > 3) expect(message).not.toContain(value)
  })
})

test('a closed client refuses calls, and closing twice is fine', async () => {
  const server = await serveJson(200, otp)
  const client = setupClient(server.url)
  await client.otp.read(otpId)
  await client.close()
  await client.close()
  expect(await failureOf(client.otp.read(otpId))).toMatchObject({
    code: 'ERR_OTP_MISUSE',
    processed: 'no',
  })
  expect(server.requests).toHaveLength(1)
})
