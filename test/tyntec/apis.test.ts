import type { Media, TyntecClient } from 'passport-tyntec-otp/tyntec'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { serve, serveBytes, serveJson } from './servers.js'
import { apiKey, failureOf, number, otp, otpCode, otpId, setupClient } from './setup.js'

const id = '77185196-664a-43ec-b14a-fe97036c697f'
const bytesOf = (media: Media | undefined) => buffer(media?.stream ?? Readable.from([]))

const application = {
  alphanumeric: false,
  attempts: 3,
  expire: 300,
  name: 'string',
  pinLength: 4,
  sender: 'VERIFY',
  caller: 'VERIFY',
  applicationId: id,
}
const message = { requestId: id, status: 'ACCEPTED', to: number, size: 1, parts: [] }
const text = { to: number, from: 'ACME', message: 'Grüße & mehr=1' }
const chat = {
  to: number,
  channels: ['whatsapp', 'sms'],
  defaultContent: { from: 'ACME', contentType: 'text', text: 'Hi' },
  whatsapp: {
    from: '545345345',
    contentType: 'template',
    template: {
      templateId: 'welcome_message',
      language: { policy: 'deterministic', code: 'en' },
      parameters: [{ default: 'Mr. Doe' }],
    },
  },
} as const

/** Every operation of the reference: the request it is, and an answer of the reference to it. */
const operations: [
  operation: string,
  call: (client: TyntecClient) => Promise<unknown>,
  request: { search?: string; body?: object },
  answer: [status: number, body?: unknown],
  result: unknown,
][] = [
  [
    'GET /2fa/v1/application/',
    (c) => c.applications.list(),
    {},
    [200, [application]],
    [application],
  ],
  [
    'POST /2fa/v1/application/',
    (c) => c.applications.create({ name: 'x', expire: 60, alphanumeric: true }),
    { body: { name: 'x', alphanumeric: true, expire: 60 } },
    [200, application],
    application,
  ],
  [
    'GET /2fa/v1/application/default',
    (c) => c.applications.read('default'),
    {},
    [200, application],
    application,
  ],
  [
    `POST /2fa/v1/application/${id}`,
    (c) => c.applications.edit(id, { pinLength: 6, alphaNumeric: false, deleteCaller: true }),
    { search: '?pinLength=6&alphaNumeric=false&deleteCaller=true' },
    [200, application],
    application,
  ],
  [
    `DELETE /2fa/v1/application/${id}`,
    (c) => c.applications.delete(id),
    {},
    [200, application],
    true,
  ],
  [
    `POST /2fa/v1/application/${id}/language`,
    (c) =>
      c.applications.setTemplate(id, { language: 'de', text: '{{OTP}} & mehr', channel: 'VOICE' }),
    { search: '?language=de&text=%7B%7BOTP%7D%7D+%26+mehr&channel=VOICE' },
    [200, application],
    application,
  ],
  [
    `DELETE /2fa/v1/application/${id}/language`,
    (c) => c.applications.deleteTemplate(id, { language: 'de' }),
    { search: '?language=de' },
    [204],
    true,
  ],
  [
    'GET /2fa/v1/otp',
    (c) => c.otp.list(number),
    { search: '?number=%2B12015550100' },
    [200, [otp]],
    [{ ...otp, referenceId: undefined }],
  ],
  [
    'POST /2fa/v1/otp',
    (c) => c.otp.send({ number }),
    { search: '?number=%2B12015550100' },
    [200, otp],
    { ...otp, referenceId: undefined },
  ],
  [`GET /2fa/v1/otp/${otpId}`, (c) => c.otp.read(otpId), {}, [200, { otpId }], { otpId }],
  [
    `POST /2fa/v1/otp/${otpId}`,
    (c) => c.otp.resend(otpId),
    {},
    [200, { otpId }],
    { result: 'sent', otp: { otpId } },
  ],
  [`DELETE /2fa/v1/otp/${otpId}`, (c) => c.otp.delete(otpId), {}, [204], true],
  [
    `GET /2fa/v1/otp/${otpId}/events`,
    (c) => c.otp.events(otpId),
    {},
    [200, [{ created: 0, status: 'string', type: 'string' }]],
    [{ created: 0, status: 'string', type: 'string' }],
  ],
  [
    `POST /2fa/v1/otp/${otpId}/check`,
    (c) => c.otp.check(otpId, otpCode),
    { search: `?otpCode=${otpCode}` },
    [202, { otpId, otpStatus: 'VERIFIED' }],
    { result: 'valid', otp: { otpId, otpStatus: 'VERIFIED' } },
  ],
  [
    'POST /messaging/v1/sms',
    (c) => c.sms.send({ ...text, partLimit: 2, trate: 0.5, flash: false }),
    { body: { ...text, partLimit: 2, trate: 0.5, flash: false } },
    [200, message],
    message,
  ],
  [
    'GET /messaging/v1/sms',
    (c) => c.sms.sendByGet(text),
    { search: '?to=%2B12015550100&from=ACME&message=Gr%C3%BC%C3%9Fe+%26+mehr%3D1' },
    [200, message],
    message,
  ],
  [
    `GET /messaging/v1/messages/${id}`,
    (c) => c.sms.status(id),
    {},
    [200, { ...message, status: 'DELIVERED', errorCode: 0, parts: [{ partId: 7, price: 0.05 }] }],
    { ...message, status: 'DELIVERED', errorCode: '0', parts: [{ partId: '7', price: '0.05' }] },
  ],
  [
    'POST /messaging/v1/chat/messages',
    (c) => c.chat.send(chat),
    { body: chat },
    [202, { messageId: id, acceptedAt: '2019-04-09T08:10:05Z' }],
    { messageId: id, acceptedAt: '2019-04-09T08:10:05Z' },
  ],
  [
    `GET /messaging/v1/chat/messages/${id}`,
    (c) => c.chat.read(id),
    {},
    [200, { messageId: id, to: 49123, channels: ['whatsapp'], whatsapp: { from: 545345345 } }],
    { messageId: id, to: '49123', channels: ['whatsapp'], whatsapp: { from: 545345345 } },
  ],
  [
    `GET /messaging/v1/chat/messages/${id}/history`,
    (c) => c.chat.history(id),
    {},
    [200, { messageId: id, history: [{ deliveryChannel: 'whatsapp', state: 'accepted' }] }],
    { messageId: id, history: [{ deliveryChannel: 'whatsapp', state: 'accepted' }] },
  ],
  [
    `GET /messaging/v1/chat/messages/${id}/status`,
    (c) => c.chat.status(id),
    {},
    [200, { messageId: id, deliveryChannel: 'telepathy', status: 'pondered' }],
    { messageId: id, deliveryChannel: 'telepathy', status: 'pondered' },
  ],
  [
    `GET /messaging/v1/chat/media/${id}`,
    async (c) => (await bytesOf(await c.chat.media(id))).toString(),
    {},
    [200, 'a file'],
    '"a file"',
  ],
]

describe.each(operations)('%s', (operation, call, { search = '', body }, answer, result) => {
  const [method, path] = operation.split(' ')

  test('is one request with the key in its header, and its answer is read', async () => {
    const [status, answered] = answer
    const server = await serveJson(status, answered)
    expect(await call(setupClient(server.url))).toEqual(result)
    expect(server.requests).toMatchObject([{ method, path, search, headers: { apikey: apiKey } }])
    const seen = server.requests[0]
    expect(seen?.body === '' ? undefined : JSON.parse(seen?.body ?? '')).toEqual(body)
    expect(seen?.headers['content-type']).toBe(body && 'application/json')
  })

  test.each<[number, object]>([
    [401, { code: 'ERR_OTP_PROVIDER_AUTH', processed: 'no' }],
    [403, { code: 'ERR_OTP_PROVIDER_AUTH', processed: 'no' }],
    [429, { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'no', retryAfter: 7 }],
    [500, { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' }],
    [400, { code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'no' }],
    [302, { code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'unknown' }],
  ])('fails on %i, with what a problem says', async (status, expected) => {
    const problem = { type: 'https://x.example/problems/NotNow', title: 'Not now', status }
    const other = await serveJson(200, {})
    const headers = { 'retry-after': '7', location: other.url }
    const server = await serveJson(status, problem, headers)
    expect(await failureOf(call(setupClient(server.url)))).toMatchObject({
      ...expected,
      provider: { status, code: 'NotNow', message: 'Not now' },
    })
    expect(server.requests).toHaveLength(1)
    expect(other.requests).toEqual([])
  })

  // proves: UP-8
  test('ends at its deadline, or at the end of a body that is too long', async () => {
    const hanging = await serveBytes(() => {})
    if (!path?.includes('/media/')) {
      const client = setupClient(hanging.url, { timeout: 0.2 })
      expect(await failureOf(call(client))).toMatchObject({ code: 'ERR_OTP_PROVIDER_UNAVAILABLE' })
    }
    const long = await serveJson(400, { message: 'x'.repeat(70_000) })
    expect(await failureOf(call(setupClient(long.url)))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      provider: { status: 400 },
    })
  })
})

test('all of the reference is there', () => {
  expect(operations).toHaveLength(22)
})

describe('what tyntec does not know', () => {
  test('is nothing where one is asked for it', async () => {
    const client = setupClient((await serveJson(404, { title: 'Not found' })).url)
    expect(await client.applications.read(id)).toBeUndefined()
    expect(await client.applications.delete(id)).toBe(false)
    expect(await client.applications.deleteTemplate(id, { language: 'de' })).toBe(false)
    expect(await client.sms.status(id)).toBeUndefined()
    expect(await client.chat.read(id)).toBeUndefined()
    expect(await client.chat.status(id)).toBeUndefined()
    expect(await client.chat.history(id)).toBeUndefined()
    expect(await client.chat.media(id)).toBeUndefined()
  })

  test('is the operator to look into where it should be there', async () => {
    const client = setupClient((await serveJson(404)).url)
    for (const call of [
      client.applications.list(),
      client.applications.create(),
      client.applications.edit('default', { expire: 60 }),
      client.applications.setTemplate('default', { language: 'en', text: '{{OTP}}' }),
    ]) {
      expect(await failureOf(call)).toMatchObject({
        code: 'ERR_OTP_PROVIDER_AUTH',
        message: expect.stringContaining('2FA API of version 1'),
      })
    }
  })

  test('no applications are none', async () => {
    expect(await setupClient((await serveJson(204)).url).applications.list()).toEqual([])
  })
})

describe('an answer', () => {
  test.each<[string, unknown, (client: TyntecClient) => Promise<unknown>]>([
    [
      'about another application',
      { ...application, applicationId: 'other-1' },
      (c) => c.applications.read(id),
    ],
    ['about another message', { ...message, requestId: 'other-1' }, (c) => c.sms.status(id)],
    [
      'about another chat message',
      { messageId: 'other-1', status: 'seen' },
      (c) => c.chat.status(id),
    ],
    ['about another history', { messageId: 'other-1', history: [] }, (c) => c.chat.history(id)],
    ['without an application', {}, (c) => c.applications.read(id)],
    ['with an OTP for an application', [application], (c) => c.applications.read(id)],
    ['without a requestId', { status: 'ACCEPTED' }, (c) => c.sms.send(text)],
    ['with a path as requestId', { requestId: '../x' }, (c) => c.sms.send(text)],
    ['without a messageId', { acceptedAt: 'now' }, (c) => c.chat.send(chat)],
    ['without a status', { messageId: id }, (c) => c.chat.status(id)],
    ['that is null', null, (c) => c.chat.read(id)],
  ])('%s says nothing sure', async (_, body, call) => {
    const client = setupClient((await serveJson(200, body)).url)
    expect(await failureOf(call(client))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'unknown',
    })
  })

  // proves: UP-12
  test('holds what tyntec adds, and not what it leaves out or means otherwise', async () => {
    const added = { gender: 'none', nested: { list: [1] } }
    const body = `${JSON.stringify({ ...application, ...added, attempts: '3', sender: null }).slice(0, -1)},
      "template":{"en":"{{OTP}}","en-voice":"{{OTP}}","bad":1},"__proto__":{"x":1},"constructor":1}`
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
    const found = await setupClient(server.url).applications.read(id)
    const { attempts: _attempts, sender: _sender, ...known } = application
    expect(found).toEqual({
      ...known,
      ...added,
      template: { en: '{{OTP}}', 'en-voice': '{{OTP}}' },
    })
    expect(Object.getPrototypeOf({ ...found })).toBe(Object.prototype)
    expect(Object.keys(found ?? {})).not.toContain('constructor')
  })
})

describe('a misuse', () => {
  const ids = ['', '.', '..', '../x', 'a/b', '?x=1', 'a b', 'x'.repeat(129), undefined, 7]
  // proves: UP-2
  test.each(ids)('an id like %j never gets into a path', async (given) => {
    const server = await serveJson(200, {})
    const { applications, sms, chat: chats } = setupClient(server.url)
    // Callers in JavaScript have no types that forbid it.
    const hostile = given as string
    for (const call of [
      applications.read(hostile),
      applications.edit(hostile, { expire: 60 }),
      applications.delete(hostile),
      applications.setTemplate(hostile, { language: 'en', text: 'x' }),
      applications.deleteTemplate(hostile, { language: 'en' }),
      sms.status(hostile),
      chats.read(hostile),
      chats.status(hostile),
      chats.history(hostile),
      chats.media(hostile),
    ]) {
      expect(await failureOf(call)).toMatchObject({ code: 'ERR_OTP_MISUSE', processed: 'no' })
    }
    expect(server.requests).toEqual([])
  })

  test('parameters of another type, or none where some are needed, are not sent', async () => {
    const server = await serveJson(200, {})
    const { applications, sms, chat: chats } = setupClient(server.url)
    const any = (value: unknown) => value as never
    for (const call of [
      applications.create(any({ name: ['x'] })),
      applications.create(any({ alphanumeric: 'yes' })),
      applications.create(any({ expire: Number.NaN })),
      applications.create(any(null)),
      applications.edit('default', {}),
      applications.delete('default'),
      applications.deleteTemplate('default', any(undefined)),
      applications.setTemplate('default', any({ language: 'en' })),
      sms.send(any({ to: number, from: 'ACME' })),
      sms.send(any({ ...text, flash: 1 })),
      chats.send(any(undefined)),
      chats.send(any({ to: number, channels: [] })),
      chats.send(any({ to: [number], channels: ['sms'] })),
      chats.media(id, { maxBytes: 0 }),
      chats.media(id, { timeout: Number.NaN }),
    ]) {
      expect(await failureOf(call)).toMatchObject({ code: 'ERR_OTP_MISUSE', processed: 'no' })
    }
    expect(server.requests).toEqual([])
  })
})

describe('media', () => {
  const serveMegabytes = (count: number) =>
    serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' })
      let left = count * 16
      const more = () => {
        while (left > 0 && !response.destroyed) {
          left -= 1
          if (!response.write(Buffer.alloc(65_536, left))) return response.once('drain', more)
        }
        return response.end()
      }
      more()
    })

  test('are a stream of any length, of the type that was told', async () => {
    const media = await setupClient((await serveMegabytes(5)).url).chat.media(id)
    expect(media?.contentType).toBe('image/png')
    expect((await bytesOf(media)).length).toBe(5 * 1024 * 1024)
  })

  test('are asked for as what they are, which is not JSON', async () => {
    const server = await serve(({ headers: { accept = '' } }, response) => {
      response.writeHead(/audio|\*\/\*/.test(accept) ? 200 : 406, { 'content-type': 'audio/ogg' })
      response.end('sound')
    })
    const media = await setupClient(server.url).chat.media(id)
    expect(media?.contentType).toBe('audio/ogg')
    expect(String(await bytesOf(media))).toBe('sound')
  })

  test('are read no faster than their reader reads', async () => {
    const all = 60_000_000
    let sent = 0
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' })
      const more = () => {
        while (sent < all && !response.destroyed) {
          sent += 65_536
          if (!response.write(Buffer.alloc(65_536))) return response.once('drain', more)
        }
        return response.end()
      }
      more()
    })
    const media = await setupClient(server.url).chat.media(id)
    // Until no more is taken: the buffers of both sides and of the network are full, or all is sent.
    let before = -1
    while (sent > before) {
      before = sent
      await setTimeout(300)
    }
    expect(sent).toBeLessThan(all / 2)
    const { length } = await bytesOf(media)
    expect(length).toBe(sent)
  })

  test('of more bytes than allowed end with an error', async () => {
    const { chat: chats } = setupClient((await serveMegabytes(2)).url)
    const fitting = await chats.media(id, { maxBytes: 2 * 1024 * 1024 })
    expect((await bytesOf(fitting)).length).toBe(2 * 1024 * 1024)
    const media = await chats.media(id, { maxBytes: 2 * 1024 * 1024 - 1 })
    expect(await failureOf(bytesOf(media))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
    })
  })

  test('that break off or take too long end with an error, before or after their head', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx'
    const breaking = await serveBytes((socket) =>
      socket.write(head, () => void setTimeout(50).then(() => socket.destroy())),
    )
    const media = await setupClient(breaking.url).chat.media(id)
    expect(await failureOf(bytesOf(media))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
    })
    const hanging = await serveBytes((socket) => socket.write(head))
    const slow = await setupClient(hanging.url).chat.media(id, { timeout: 0.2 })
    expect(await failureOf(bytesOf(slow))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
    })
    const silent = await serveBytes(() => {})
    expect(await failureOf(setupClient(silent.url).chat.media(id, { timeout: 0.2 }))).toMatchObject(
      { code: 'ERR_OTP_PROVIDER_UNAVAILABLE' },
    )
  })

  test('that nobody reads are let go, and their connection with them', async () => {
    const client = setupClient((await serveMegabytes(5)).url, { connections: 1 })
    for (let i = 0; i < 3; i += 1) {
      const media = await client.chat.media(id)
      expect(media?.contentType).toBe('image/png')
      media?.stream.destroy()
    }
  })
})
