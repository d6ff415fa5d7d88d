import { describe, expect, test } from 'vitest'
import { setupSandbox } from '../setup.js'
import { startReceiver } from '../webhooks/receiver.js'

const to = '+12015550100'

async function setup() {
  const box = await setupSandbox()
  const post = (fields: object = {}) =>
    box.tyntec(
      'POST',
      '/messaging/v1/sms',
      {},
      {
        body: JSON.stringify({ to, from: 'Acme', message: '424242 is your code.', ...fields }),
        headers: { 'content-type': 'application/json' },
      },
    )
  const get = (query: Record<string, string> = {}) =>
    box.tyntec('GET', '/messaging/v1/sms', { to, from: 'Acme', message: 'Hello', ...query })
  const status = async (requestId: string) =>
    (await box.tyntec('GET', `/messaging/v1/messages/${requestId}`)).json as Response
  const send = async (fields?: object) => (await post(fields)).json as Response
  return { ...box, post, get, status, send }
}

interface Response {
  requestId: string
  status: string
  size: number
  [name: string]: unknown
}

describe('send', () => {
  test('by POST is accepted, and comes to the phone', async () => {
    const { post, sandbox, status } = await setup()
    const reply = await post({ reference: 'order 7' })
    expect(reply.status).toBe(200)
    const accepted = reply.json as Response
    expect(accepted).toMatchObject({
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'ACCEPTED',
      to,
      from: 'Acme',
      reference: 'order 7',
      size: 1,
      submitDate: expect.stringMatching(/Z$/),
      href: `${sandbox.url}/messaging/v1/messages/${accepted.requestId}`,
      parts: [{ partId: expect.any(String), deliveryState: 'ACCEPTED', price: expect.any(String) }],
    })
    expect(accepted).not.toHaveProperty('doneDate')
    expect(await status(accepted.requestId)).toMatchObject({
      status: 'DELIVERED',
      sentDate: expect.stringMatching(/Z$/),
      doneDate: expect.stringMatching(/Z$/),
      parts: [{ deliveryState: 'DELIVERED' }],
    })
    expect(sandbox.messages()).toMatchObject([
      {
        channel: 'sms',
        to,
        from: 'Acme',
        code: '424242',
        otpId: '',
        requestId: accepted.requestId,
      },
    ])
    expect(await sandbox.waitForCode(to)).toBe('424242')
  })

  test('by GET takes the same fields, from the query', async () => {
    const { get, sandbox } = await setup()
    const { status, json } = await get({ partLimit: '2', flash: 'true', validity: '10' })
    expect([status, json]).toMatchObject([200, { status: 'ACCEPTED', size: 1 }])
    expect(sandbox.messages()).toMatchObject([{ text: 'Hello', code: '' }])
  })

  test('takes a form', async () => {
    const { sandbox, tyntec } = await setup()
    const { status } = await tyntec(
      'POST',
      '/messaging/v1/sms',
      {},
      {
        body: new URLSearchParams({ to, from: 'Acme', message: 'Hello', partLimit: '1' }),
      },
    )
    expect(status).toBe(200)
    expect(sandbox.messages()).toHaveLength(1)
  })

  test('a message without a code is no code to wait for', async () => {
    const { control, post, sandbox } = await setup()
    await post({ message: 'Call +12015550199 now' })
    expect(sandbox.messages()).toHaveLength(1)
    expect((await control('GET', 'code?to=%2B12015550100')).status).toBe(404)
  })

  test.each<[string, object]>([
    ['no recipient', { to: undefined }],
    ['a recipient that is no number', { to: 'string' }],
    ['a recipient that is a JSON number', { to: 12015550100 }],
    ['no originator', { from: undefined }],
    ['an originator that is too long', { from: 'TwelveLetter' }],
    ['no message', { message: '' }],
    ['an unknown encoding', { encoding: 'ASCII' }],
    ['a flag that is none', { flash: 'yes' }],
    ['a flag as text in JSON', { flash: 'true' }],
    ['a part limit of none', { partLimit: 0 }],
    ['half a part', { partLimit: 1.5 }],
    ['a share over 1', { trate: 1.1 }],
    ['a validity that is no number', { validity: 'long' }],
    ['a date that is none', { sendDateTime: 'tomorrow' }],
    ['a date that is past', { sendDateTime: '2020-01-31T12:00:00+01:00' }],
    ['a callback that is no URL', { callbackUrl: 'string' }],
    ['a callback that is no web address', { callbackUrl: 'file:///etc/passwd' }],
    ['an unknown method', { callbackMethod: 'PUT' }],
    ['an unknown field', { text: 'Hello' }],
  ])('refuses %s with a problem', async (_, fields) => {
    const { post, sandbox } = await setup()
    const { status, headers, json } = await post(fields)
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(json).toEqual({
      type: expect.stringMatching(/^https:/),
      title: expect.any(String),
      status: 400,
      detail: expect.any(String),
    })
    expect(headers.get('x-sandbox-hint')).toMatch(/./)
    expect(sandbox.messages()).toEqual([])
  })

  test('refuses a body that is not JSON, as tyntec does', async () => {
    const { tyntec } = await setup()
    expect(await tyntec('POST', '/messaging/v1/sms', {}, { body: '{"to"' })).toMatchObject({
      status: 400,
      json: { type: 'https://docs.tyntec.com/problems/DataNotParseable', status: 400 },
    })
  })

  test('refuses a POST without a body, and one with a query', async () => {
    const { tyntec } = await setup()
    expect((await tyntec('POST', '/messaging/v1/sms')).status).toBe(400)
    const query = { to, from: 'Acme', message: 'Hello' }
    expect((await tyntec('POST', '/messaging/v1/sms', query)).status).toBe(400)
  })

  test('refuses a bad key with a problem', async () => {
    const { tyntec } = await setup()
    for (const [apikey, status] of [
      ['real', 401],
      ['sandbox_forbidden', 403],
    ] as const) {
      const reply = await tyntec('POST', '/messaging/v1/sms', {}, { headers: { apikey } })
      expect(reply).toMatchObject({ status, json: { status, title: expect.any(String) } })
    }
  })
})

describe('parts and encoding', () => {
  test.each([
    ['x'.repeat(160), 1],
    ['x'.repeat(161), 2],
    ['я'.repeat(70), 1],
    ['я'.repeat(71), 2],
  ])('%s is sent in %i', async (message, size) => {
    const { send } = await setup()
    const sms = await send({ message })
    expect(sms.size).toBe(size)
    expect(sms.parts).toHaveLength(size)
  })

  test('more parts than allowed are refused, four being allowed unasked', async () => {
    const { post } = await setup()
    expect((await post({ message: 'x'.repeat(4 * 152) })).status).toBe(200)
    expect((await post({ message: 'x'.repeat(4 * 152 + 1) })).status).toBe(400)
    expect((await post({ message: 'x'.repeat(161), partLimit: 1 })).status).toBe(400)
    expect((await post({ message: 'x'.repeat(900), partLimit: 6 })).status).toBe(200)
  })

  test('UNICODE holds 70, GSM7 only what is in it', async () => {
    const { post, send } = await setup()
    expect((await send({ message: 'x'.repeat(71), encoding: 'UNICODE' })).size).toBe(2)
    expect((await send({ message: 'x'.repeat(71), encoding: 'GSM7' })).size).toBe(1)
    expect((await post({ message: 'Привет', encoding: 'GSM7' })).status).toBe(400)
  })

  test('accents go as far as trate allows, other characters as far as mrate does', async () => {
    const { sandbox, send } = await setup()
    const message = `${'x'.repeat(98)}ę☃`
    await send({ message })
    await send({ message, trate: 0.01 })
    await send({ message, trate: 0.01, mrate: 0.01 })
    await send({ message, mrate: 0.01 })
    expect(sandbox.messages().map(({ text }) => text.slice(98))).toEqual(['ę☃', 'ę☃', 'e', 'ę☃'])
  })

  test('upper case is taken where it saves a part, and is allowed', async () => {
    const { send, sandbox } = await setup()
    const message = 'ç'.repeat(100)
    expect((await send({ message })).size).toBe(1)
    expect((await send({ message, upperCased: false })).size).toBe(2)
    await send({ message: 'façade' })
    expect(sandbox.messages().map(({ text }) => text)).toEqual(['Ç'.repeat(100), message, 'façade'])
  })
})

describe('status', () => {
  test('is UNDELIVERABLE for a landline, and on a phone that SMS does not reach', async () => {
    const { sandbox, send, status } = await setup()
    for (const number of ['+498912345678', '+12015550113']) {
      const { requestId } = await send({ to: number })
      expect(await status(requestId)).toMatchObject({
        status: 'UNDELIVERABLE',
        errorCode: expect.any(String),
        errorReason: expect.any(String),
      })
    }
    expect(sandbox.messages()).toEqual([])
  })

  test('is BUFFERED on the way, and EXPIRED when the validity runs out', async () => {
    const { advance, sandbox, send, status } = await setup()
    const { requestId } = await send({ to: '+12015550111', validity: '5' })
    expect(await status(requestId)).toMatchObject({ status: 'BUFFERED' })
    await advance(299)
    expect(await status(requestId)).toMatchObject({ status: 'BUFFERED' })
    await advance(1)
    expect(await status(requestId)).toMatchObject({
      status: 'EXPIRED',
      doneDate: expect.any(String),
    })
    expect(sandbox.messages()).toEqual([])
  })

  test('is ACCEPTED until a later date has come', async () => {
    const { advance, sandbox, send, status } = await setup()
    const sendDateTime = new Date(Date.now() + 3_600_000).toISOString().replace(/\..*Z/, '+00:00')
    const { requestId } = await send({ sendDateTime })
    expect(await status(requestId)).toMatchObject({ status: 'ACCEPTED' })
    expect(sandbox.messages()).toEqual([])
    await advance(3600)
    expect(await status(requestId)).toMatchObject({ status: 'DELIVERED' })
  })

  test('is kept for three months, for the key that sent it', async () => {
    const { advance, send, tyntec } = await setup()
    const path = `/messaging/v1/messages/${(await send()).requestId}`
    const other = await tyntec('GET', path, {}, { headers: { apikey: 'sandbox_other' } })
    expect(other).toMatchObject({ status: 404, json: { status: 404 } })
    await advance(89 * 86_400)
    expect((await tyntec('GET', path)).status).toBe(200)
    await advance(86_400)
    expect((await tyntec('GET', path)).status).toBe(404)
  })

  test('is 404 after a reset', async () => {
    const { sandbox, send, tyntec } = await setup()
    const { requestId } = await send()
    sandbox.reset()
    expect((await tyntec('GET', `/messaging/v1/messages/${requestId}`)).status).toBe(404)
  })
})

describe('faults', () => {
  test.each([
    ['drop-message', 0],
    ['duplicate-message', 2],
    ['fail-message', 0],
  ])('%s brings %i messages', async (kind, count) => {
    const { addFault, post, sandbox } = await setup()
    await addFault({ operation: 'sms.send', kind })
    expect((await post()).status).toBe(200)
    expect(sandbox.messages()).toHaveLength(count)
  })

  test('are found by number, by POST and by GET, and for the status', async () => {
    const { addFault, get, post, send, tyntec } = await setup()
    const { requestId } = await send({ to: '+49 1511 2345678'.replaceAll(' ', '') })
    await addFault({ operation: 'sms.*', number: '+49*', kind: 'status', status: 500 })
    expect((await post({ to: '004915112345678' })).status).toBe(500)
    expect((await get({ to: '+4915112345678' })).status).toBe(500)
    expect(await tyntec('GET', `/messaging/v1/messages/${requestId}`)).toMatchObject({
      status: 500,
      json: { title: 'Internal Server Error', status: 500 },
    })
    expect((await post()).status).toBe(200)
  })

  test('the message comes, and the answer is lost', async () => {
    const { addFault, post, sandbox } = await setup()
    await addFault({ operation: 'sms.send', when: 'after', kind: 'reset' })
    await expect(post()).rejects.toThrow('fetch failed')
    expect(sandbox.messages()).toHaveLength(1)
  })
})

describe('reports', () => {
  test('are posted as the status is read', async () => {
    const { send, status } = await setup()
    const { received, url } = await startReceiver()
    const { requestId } = await send({ callbackUrl: url })
    await expect.poll(() => received).toHaveLength(1)
    expect(received).toMatchObject([{ method: 'POST', path: '/hook' }])
    expect(received[0]?.json).toEqual(await status(requestId))
  })

  test('go by GET as a query', async () => {
    const { send } = await setup()
    const { received, url } = await startReceiver()
    const { requestId } = await send({
      callbackUrl: `${url}?app=1`,
      callbackMethod: 'GET',
      to: '+498912345678',
      reference: 'order 7',
    })
    await expect.poll(() => received).toHaveLength(1)
    expect(received).toMatchObject([
      {
        method: 'GET',
        text: '',
        query: { app: '1', requestId, status: 'UNDELIVERABLE', reference: 'order 7' },
      },
    ])
  })

  test('are repeated every ten seconds until they are taken', async () => {
    const { advance, control, send } = await setup()
    const { received, url } = await startReceiver([500, 302, 200])
    await send({ callbackUrl: url })
    for (const count of [1, 2, 3]) {
      await expect.poll(() => received).toHaveLength(count)
      const calls = async () => (await control('GET', 'webhooks')).json
      await expect.poll(calls).toMatchObject({
        calls: Array.from({ length: count }, () => ({ status: expect.any(Number) })),
      })
      await advance(9)
      expect(received).toHaveLength(count)
      await advance(1)
    }
    await advance(60)
    expect(received).toHaveLength(3)
    expect((await control('GET', 'webhooks')).json).toMatchObject({
      calls: [
        { operation: 'webhook.report', method: 'POST', url, attempt: 1, status: 500 },
        { attempt: 2, status: 302 },
        { attempt: 3, status: 200 },
      ],
    })
  })

  test('are not repeated after a reset', async () => {
    const { advance, control, sandbox, send } = await setup()
    const { received, url } = await startReceiver([500])
    await send({ callbackUrl: url })
    const calls = async () => (await control('GET', 'webhooks')).json
    await expect.poll(calls).toMatchObject({ calls: [{ status: 500 }] })
    sandbox.reset()
    await advance(60)
    expect(received).toHaveLength(1)
    expect(await calls()).toEqual({ calls: [] })
  })

  test('are repeated thirty times at the most', async () => {
    const { advance, control, send } = await setup()
    const { received, url } = await startReceiver([500])
    await send({ callbackUrl: url })
    const last = async () =>
      ((await control('GET', 'webhooks')).json as { calls: object[] }).calls.at(-1)
    for (let attempt = 1; attempt <= 30; attempt += 1) {
      await expect.poll(last).toMatchObject({ attempt, status: 500 })
      await advance(10)
    }
    await advance(60)
    expect(received).toHaveLength(30)
  })

  test('are repeated when nobody answers at all', async () => {
    const { advance, control, send } = await setup()
    await send({ callbackUrl: 'http://127.0.0.1:1/hook' })
    const advanceAndRead = async () => {
      await advance(10)
      return (await control('GET', 'webhooks')).json
    }
    await expect.poll(advanceAndRead).toMatchObject({
      calls: expect.arrayContaining([expect.objectContaining({ attempt: 3, status: null })]),
    })
  })

  test('go nowhere but to this machine', async () => {
    const { control, post } = await setup()
    for (const callbackUrl of ['http://192.0.2.1/hook', 'http://127.0.0.1.nip.example/hook']) {
      const { status, headers } = await post({ callbackUrl })
      expect(status).toBe(200)
      expect(headers.get('x-sandbox-hint')).toContain('not on this machine')
    }
    expect((await control('GET', 'webhooks')).json).toMatchObject({ calls: [] })
  })

  test.each([
    ['drop-message', []],
    ['duplicate-message', ['json', 'json']],
    ['malformed', ['broken']],
    ['empty', ['']],
  ])('with the fault %s', async (kind, bodies) => {
    const { addFault, control, send } = await setup()
    const { received, url } = await startReceiver()
    await addFault({ operation: 'webhook.report', kind })
    await send({ callbackUrl: url })
    const calls = async () => (await control('GET', 'webhooks')).json
    const tries = Array.from({ length: Math.max(1, bodies.length) }, () => ({
      attempt: 1,
      reason: { why: 'fault' },
    }))
    await expect.poll(calls).toMatchObject({ calls: tries })
    await expect.poll(() => received).toHaveLength(bodies.length)
    expect(
      received.map(({ json, text }) => (text === '' ? '' : json === undefined ? 'broken' : 'json')),
    ).toEqual(bodies)
  })
})
