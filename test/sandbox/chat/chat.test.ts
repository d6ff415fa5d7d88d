import { describe, expect, test } from 'vitest'
import { setupSandbox } from '../setup.js'
import { startReceiver } from '../webhooks/receiver.js'

const to = '+12015550100'
const unknownId = '00000000-0000-4000-8000-000000000000'
const text = { from: '4915112345678', contentType: 'text', text: '424242 is your code.' }
const template = {
  templateId: 'login_code',
  language: { policy: 'deterministic', code: 'en' },
  parameters: [{ default: '424242' }, { default: 'Mr. Doe' }],
}

async function setup() {
  const box = await setupSandbox()
  const post = (body: unknown) =>
    box.tyntec(
      'POST',
      '/messaging/v1/chat/messages',
      {},
      {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      },
    )
  const send = async (body: object = {}) => {
    const reply = await post({ to, channels: ['whatsapp'], whatsapp: text, ...body })
    expect(reply.status).toBe(202)
    return (reply.json as { messageId: string }).messageId
  }
  const read = async (messageId: string, rest = '') =>
    (await box.tyntec('GET', `/messaging/v1/chat/messages/${messageId}${rest}`)).json
  return {
    ...box,
    post,
    send,
    read,
    status: (messageId: string) => read(messageId, '/status'),
    history: async (messageId: string) =>
      ((await read(messageId, '/history')) as { history: HistoryItem[] }).history.map(
        ({ deliveryChannel, state }) => `${deliveryChannel} ${state}`,
      ),
  }
}

interface HistoryItem {
  deliveryChannel: string
  state: string
}

describe('send', () => {
  test('is accepted, and comes to the phone', async () => {
    const { post, sandbox } = await setup()
    const reply = await post({ to, channels: ['whatsapp'], whatsapp: text })
    expect(reply).toMatchObject({
      status: 202,
      json: {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        acceptedAt: expect.stringMatching(/Z$/),
      },
    })
    expect(sandbox.messages()).toMatchObject([
      { channel: 'whatsapp', to, from: text.from, text: text.text, code: '424242', otpId: '' },
    ])
    expect(await sandbox.waitForCode(to)).toBe('424242')
  })

  test('takes a template, whose first code is the code', async () => {
    const { sandbox, send } = await setup()
    const messageId = await send({ whatsapp: { from: '49', contentType: 'template', template } })
    expect(sandbox.messages()).toMatchObject([
      {
        channel: 'whatsapp',
        code: '424242',
        text: 'Template login_code (en): 424242, Mr. Doe',
        messageId,
      },
    ])
  })

  test('takes URLs and media', async () => {
    const { sandbox, send } = await setup()
    const media = { type: 'image', url: 'https://a.example/logo.svg', caption: 'Code 123456' }
    await send({ whatsapp: { from: '49', contentType: 'media', media } })
    await send({ whatsapp: { from: '49', contentType: 'url', url: 'https://a.example/12345' } })
    expect(sandbox.messages()).toMatchObject([
      { text: 'Code 123456', code: '123456', media },
      { text: 'https://a.example/12345', code: '' },
    ])
  })

  test('lays what a channel says over the default content', async () => {
    const { read, sandbox, send } = await setup()
    const messageId = await send({
      to: '0012015550100',
      channels: ['sms', 'whatsapp'],
      defaultContent: { from: 'Acme', contentType: 'text', text: 'Hello' },
      sms: { text: 'Hello by SMS' },
      whatsapp: { from: 4915112345678 },
    })
    expect(sandbox.messages()).toMatchObject([
      { channel: 'sms', from: 'Acme', text: 'Hello by SMS' },
    ])
    expect(await read(messageId)).toEqual({
      messageId,
      to,
      channels: ['sms', 'whatsapp'],
      sms: { from: 'Acme', contentType: 'text', text: 'Hello by SMS' },
      whatsapp: { from: '4915112345678', contentType: 'text', text: 'Hello' },
    })
  })

  test.each<[string, object]>([
    ['no recipient', { to: undefined }],
    ['a recipient that is no number', { to: 'x' }],
    ['a recipient without a country code', { to: '015112345678' }],
    ['a recipient that is too short', { to: '+12345' }],
    ['no channel', { channels: [] }],
    ['channels that are no list', { channels: 'whatsapp' }],
    ['a channel twice', { channels: ['whatsapp', 'whatsapp'] }],
    ['an unknown channel', { channels: ['viber'] }],
    ['a channel without content', { channels: ['whatsapp', 'sms'] }],
    ['no sender', { whatsapp: { contentType: 'text', text: 'x' } }],
    ['a text without one', { whatsapp: { from: '49', contentType: 'text' } }],
    ['a content type that is none', { whatsapp: { ...text, contentType: 'fax' } }],
    ['a URL that is none', { whatsapp: { from: '49', contentType: 'url', url: 'ftp://a' } }],
    ['media without a URL', { whatsapp: { from: '49', contentType: 'media', media: {} } }],
    [
      'media of another type',
      {
        whatsapp: {
          from: '49',
          contentType: 'media',
          media: { type: 'video', url: 'https://a.example' },
        },
      },
    ],
    [
      'a template without a language',
      { whatsapp: { from: '49', contentType: 'template', template: { templateId: 'x' } } },
    ],
    [
      'parameters that are none',
      {
        whatsapp: {
          from: '49',
          contentType: 'template',
          template: { ...template, parameters: ['x'] },
        },
      },
    ],
    [
      'a template by SMS',
      { channels: ['sms'], sms: { from: '49', contentType: 'template', template } },
    ],
    ['replyBack elsewhere', { whatsapp: { ...text, replyBack: true } }],
    ['an unknown field', { viber: text }],
    ['an unknown field of a channel', { whatsapp: { ...text, txt: 'x' } }],
  ])('refuses %s with a problem', async (_, change) => {
    const { post, sandbox } = await setup()
    const reply = await post({ to, channels: ['whatsapp'], whatsapp: text, ...change })
    expect(reply).toMatchObject({
      status: 400,
      json: {
        type: expect.any(String),
        title: 'Bad Request',
        status: 400,
        detail: expect.any(String),
      },
    })
    expect(sandbox.messages()).toEqual([])
  })
})

describe('the chain of channels', () => {
  test('stops at the first that succeeds', async () => {
    const { history, sandbox, send, status } = await setup()
    const messageId = await send({ channels: ['whatsapp', 'sms'], sms: text })
    expect(sandbox.messages()).toHaveLength(1)
    expect(await status(messageId)).toEqual({
      messageId,
      deliveryChannel: 'whatsapp',
      status: 'delivered',
    })
    expect(await history(messageId)).toEqual([
      'whatsapp accepted',
      'whatsapp dispatched',
      'whatsapp success',
    ])
  })

  test('falls to the next when one fails', async () => {
    const { history, sandbox, send, status } = await setup()
    const messageId = await send({
      to: '+12015550114',
      channels: ['whatsapp', 'sms'],
      sms: { ...text, text: '123456 by SMS' },
    })
    expect(sandbox.messages()).toMatchObject([{ channel: 'sms', code: '123456' }])
    expect(await status(messageId)).toMatchObject({ deliveryChannel: 'sms', status: 'delivered' })
    expect(await history(messageId)).toEqual([
      'whatsapp accepted',
      'whatsapp dispatched',
      'whatsapp failed',
      'sms dispatched',
      'sms success',
    ])
  })

  test('fails when the last one does', async () => {
    const { addFault, sandbox, send, status } = await setup()
    await addFault({ operation: 'chat.send', kind: 'fail-message' })
    const messageId = await send({ channels: ['sms', 'whatsapp'], sms: text })
    expect(await status(messageId)).toMatchObject({ deliveryChannel: 'whatsapp', status: 'failed' })
    expect(sandbox.messages()).toEqual([])
  })

  test('goes on when a failure is reported later', async () => {
    const { addFault, control, sandbox, send, status } = await setup()
    await addFault({ operation: 'chat.send', kind: 'drop-message', times: 1 })
    const messageId = await send({ channels: ['whatsapp', 'sms'], sms: text })
    expect(await status(messageId)).toMatchObject({ status: 'accepted' })
    await addFault({ operation: '*', kind: 'hang', probability: 0 })
    expect((await control('POST', `chat/${messageId}`, { status: 'failed' })).status).toBe(200)
    expect(await status(messageId)).toMatchObject({ deliveryChannel: 'sms' })
    expect(sandbox.messages()).toEqual([])
    expect((await control('POST', `chat/${messageId}`, { status: 'delivered' })).status).toBe(200)
    expect(sandbox.messages()).toMatchObject([{ channel: 'sms', messageId }])
    expect((await control('POST', `chat/${messageId}`, { status: 'failed' })).status).toBe(409)
  })

  test('a landline gets neither', async () => {
    const { send, status } = await setup()
    const messageId = await send({ to: '+498912345678', channels: ['sms', 'whatsapp'], sms: text })
    expect(await status(messageId)).toMatchObject({ status: 'failed' })
  })
})

describe('status', () => {
  test('is seen once the person has read it', async () => {
    const { control, send, status } = await setup()
    const messageId = await send()
    await control('POST', `chat/${messageId}`, { status: 'seen' })
    expect(await status(messageId)).toMatchObject({ status: 'seen' })
    const magic = await send({ to: '+12015550199' })
    expect(await status(magic)).toMatchObject({ status: 'seen' })
  })

  test('a message is gone 48 hours after its end, not before', async () => {
    const { advance, send, tyntec } = await setup()
    const messageId = await send()
    const path = `/messaging/v1/chat/messages/${messageId}`
    await advance(48 * 3600 - 5)
    expect((await tyntec('GET', path)).status).toBe(200)
    await advance(5)
    for (const rest of ['', '/status', '/history']) {
      expect(await tyntec('GET', path + rest)).toMatchObject({ status: 404, json: { status: 404 } })
    }
  })

  test.each(['', '/status', '/history'])('of an unknown message is 404: %s', async (rest) => {
    const { send, tyntec } = await setup()
    const own = await send()
    expect((await tyntec('GET', `/messaging/v1/chat/messages/${unknownId}${rest}`)).status).toBe(
      404,
    )
    const headers = { apikey: 'sandbox_other' }
    const path = `/messaging/v1/chat/messages/${own}${rest}`
    expect((await tyntec('GET', path, {}, { headers })).status).toBe(404)
  })
})

describe('notifications', () => {
  test('are posted for each final state, as the status is read', async () => {
    const { control, send, status } = await setup()
    const { received, url } = await startReceiver()
    await control('POST', 'webhooks', { notifications: url })
    const messageId = await send()
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]).toMatchObject({ method: 'POST', json: await status(messageId) })
    await control('POST', `chat/${messageId}`, { status: 'seen' })
    await expect.poll(() => received).toHaveLength(2)
    expect(received[1]?.json).toEqual({ messageId, deliveryChannel: 'whatsapp', status: 'seen' })
  })

  test('tell of a failure at the end of the chain only', async () => {
    const { addFault, control, send } = await setup()
    const { received, url } = await startReceiver()
    await control('POST', 'webhooks', { notifications: url })
    await addFault({ operation: 'chat.send', kind: 'fail-message' })
    await send({ channels: ['sms', 'whatsapp'], sms: text })
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]?.json).toMatchObject({ status: 'failed', deliveryChannel: 'whatsapp' })
  })

  test('are refused an address that is not on this machine', async () => {
    const { control } = await setup()
    const reply = await control('POST', 'webhooks', { notifications: 'http://a.example/' })
    expect(reply).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining('machine') },
    })
    expect((await control('POST', 'webhooks', { notification: 'http://127.0.0.1/' })).status).toBe(
      400,
    )
  })

  test('end with DELETE', async () => {
    const { control, send } = await setup()
    await control('POST', 'webhooks', {
      notifications: 'http://127.0.0.1:1/',
      messages: 'http://[::1]/',
    })
    expect((await control('DELETE', 'webhooks')).status).toBe(204)
    await send()
    expect((await control('GET', 'webhooks')).json).toEqual({ calls: [] })
  })
})

describe('tyntecEcho', () => {
  async function setupEcho() {
    const box = await setup()
    const { received, url } = await startReceiver()
    await box.control('POST', 'webhooks', { notifications: `${url}/status`, messages: `${url}/mo` })
    const echo = (content: object) =>
      box.send({ channels: ['tyntecEcho'], tyntecEcho: { from: 1233423454, ...content } })
    const posted = (path: string) =>
      received.filter((call) => call.path === `/hook/${path}`).map(({ json }) => json)
    return { ...box, echo, posted }
  }

  test('sends the delivery report only, and no message to a phone', async () => {
    const { echo, posted, sandbox } = await setupEcho()
    const messageId = await echo({ contentType: 'text', text: 'Hello' })
    await expect.poll(() => posted('status')).toHaveLength(1)
    expect(posted('status')).toEqual([
      { messageId, deliveryChannel: 'tyntecEcho', status: 'delivered' },
    ])
    expect(posted('mo')).toEqual([])
    expect(sandbox.messages()).toEqual([])
  })

  const media = { type: 'image', url: 'https://a.example/logo.svg', caption: 'Logo' }
  test.each([
    ['text', { contentType: 'text', text: 'Hello' }, { contentType: 'text', text: 'Hello' }],
    [
      'url',
      { contentType: 'url', url: 'https://www.tyntec.com' },
      { contentType: 'url', url: 'https://www.tyntec.com' },
    ],
    ['media', { contentType: 'media', media }, { contentType: 'media', media }],
    [
      'template',
      { contentType: 'template', template },
      {
        contentType: 'text',
        text: 'TemplateId[login_code] LanguagePolicy[deterministic] LanguageCode[en] Parameter<0>[424242] Parameter<1>[Mr. Doe]',
      },
    ],
  ])('with replyBack sends the %s back too', async (_, content, expected) => {
    const { echo, posted } = await setupEcho()
    const messageId = await echo({ ...content, replyBack: true })
    await expect.poll(() => posted('mo')).toHaveLength(1)
    expect(posted('mo')).toEqual([
      { messageId, from: to, to: '1233423454', channel: 'tyntecEcho', content: expected },
    ])
    await expect.poll(() => posted('status')).toHaveLength(1)
  })
})

describe('received messages', () => {
  test('are posted, media with a link that can be downloaded', async () => {
    const { call, control, sandbox, tyntec } = await setup()
    const { received, url } = await startReceiver()
    await control('POST', 'webhooks', { messages: url })
    const data = Buffer.from('sound').toString('base64')
    const reply = await control('POST', 'received', {
      channel: 'whatsapp',
      from: '+1 201 555 0100',
      senderName: 'Peter',
      media: { type: 'voice', contentType: 'audio/ogg', data },
    })
    expect(reply.status).toBe(202)
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]?.json).toEqual(reply.json)
    const { content } = reply.json as { content: { media: { url: string; mediaId: string } } }
    expect(reply.json).toMatchObject({
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      from: to,
      channel: 'whatsapp',
      content: { contentType: 'media', media: { type: 'voice' } },
      whatsapp: { senderName: 'Peter' },
    })
    const path = content.media.url.slice(sandbox.url.length)
    const download = await tyntec('GET', path)
    expect([download.status, download.text]).toEqual([200, 'sound'])
    expect(download.headers.get('content-type')).toBe('audio/ogg')
    expect((await call(path)).status).toBe(401)
  })

  test('by SMS come with their parts', async () => {
    const { control } = await setup()
    const reply = await control('POST', 'received', {
      channel: 'sms',
      from: to,
      text: 'x'.repeat(161),
    })
    expect(reply.json).toMatchObject({
      content: { contentType: 'text' },
      sms: { size: 2, missingParts: false, parts: [{ sequenceNumber: 1 }, { sequenceNumber: 2 }] },
    })
  })

  test.each([
    {},
    { channel: 'sms', from: to },
    { channel: 'sms', from: to, text: 'a', url: 'https://a.example' },
    { channel: 'viber', from: to, text: 'a' },
    { channel: 'sms', from: 'x', text: 'a' },
    { channel: 'sms', from: to, txt: 'a' },
    { channel: 'whatsapp', from: to, media: { type: 'image', data: '***' } },
  ])('are refused as %j', async (body) => {
    const { control } = await setup()
    expect((await control('POST', 'received', body)).status).toBe(400)
  })

  test('media that are not there are a problem', async () => {
    const { tyntec } = await setup()
    expect(await tyntec('GET', `/messaging/v1/chat/media/${unknownId}`)).toMatchObject({
      status: 404,
      json: { status: 404 },
    })
  })
})
