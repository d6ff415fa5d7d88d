import { describe, expect, test } from 'vitest'
import { happyNumber, setupSandbox } from '../setup.js'

type Sandbox = Awaited<ReturnType<typeof setupSandbox>>

/** Starts a send and leaves it when `left` is aborted; resolves with what the client saw. */
function startSend({ api, sandbox }: Sandbox) {
  const leave = new AbortController()
  const outcome = api(
    'POST',
    '',
    { number: happyNumber, pinLength: '6' },
    { headers: { apikey: sandbox.apiKey }, signal: leave.signal },
  ).then(
    (reply) => reply,
    (error: unknown) => error,
  )
  return { leave, outcome }
}

const phases = [
  { when: 'before', messages: 0 },
  { when: 'after', messages: 1 },
] as const

describe.each(phases)('$when the work', ({ when, messages }) => {
  async function setup(fault: object) {
    const box = await setupSandbox()
    expect((await box.addFault({ operation: 'otp.send', when, ...fault })).status).toBe(201)
    return box
  }

  const expectWork = ({ sandbox }: Sandbox) => expect(sandbox.messages()).toHaveLength(messages)

  test("status answers with tyntec's ErrorResponse", async () => {
    const box = await setup({ kind: 'status', status: 500 })
    expect(await box.send()).toMatchObject({
      status: 500,
      json: { code: '500', message: expect.any(String), timestamp: expect.any(Number) },
    })
    expectWork(box)
  })

  test.each([401, 403, 404])('status %i has no body, as in the reference', async (status) => {
    const box = await setup({ kind: 'status', status })
    expect(await box.send()).toMatchObject({ status, text: '' })
    expectWork(box)
  })

  test('status takes a body of its own, as JSON or as text', async () => {
    const box = await setup({ kind: 'status', status: 400, body: { code: '1006' }, times: 1 })
    await box.addFault({ operation: 'otp.send', when, kind: 'status', status: 503, body: 'busy' })
    expect(await box.send()).toMatchObject({ status: 400, json: { code: '1006' } })
    expect(await box.send()).toMatchObject({ status: 503, text: 'busy' })
  })

  test('status takes headers', async () => {
    const box = await setup({ kind: 'status', status: 429, headers: { 'Retry-After': '7' } })
    const { status, headers } = await box.send()
    expect([status, headers.get('retry-after')]).toEqual([429, '7'])
    expectWork(box)
  })

  test('status 204 has no body', async () => {
    const box = await setup({ kind: 'status', status: 204, body: {} })
    expect(await box.send()).toMatchObject({ status: 204, text: '' })
  })

  test('empty answers without a body', async () => {
    const box = await setup({ kind: 'empty' })
    expect(await box.send()).toMatchObject({ status: 200, text: '' })
    expectWork(box)
  })

  test('malformed answers with a whole body that is not JSON', async () => {
    const box = await setup({ kind: 'malformed' })
    const { status, headers, text, json } = await box.send()
    expect([status, headers.get('content-type'), json]).toEqual([
      200,
      'application/json',
      undefined,
    ])
    expect(text).toMatch(/^\{/)
    expectWork(box)
  })

  test('html answers as a gateway does', async () => {
    const box = await setup({ kind: 'html' })
    const { status, headers, text } = await box.send()
    expect([status, headers.get('content-type')]).toEqual([502, 'text/html'])
    expect(text).toContain('<h1>')
    expectWork(box)
  })

  test('html takes a status', async () => {
    const box = await setup({ kind: 'html', status: 200 })
    expect((await box.send()).status).toBe(200)
  })

  test('redirect points elsewhere', async () => {
    const box = await setup({ kind: 'redirect', location: 'http://127.0.0.1:1/login' })
    const { status, headers } = await box.send()
    expect([status, headers.get('location')]).toEqual([302, 'http://127.0.0.1:1/login'])
    expectWork(box)
  })

  test('redirect takes a status', async () => {
    const box = await setup({ kind: 'redirect', location: '/elsewhere', status: 307 })
    expect((await box.send()).status).toBe(307)
  })

  test('reset cuts the connection without an answer', async () => {
    const box = await setup({ kind: 'reset' })
    await expect(box.send()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expectWork(box)
    expect(await box.requests()).toMatchObject([{ status: null }])
  })

  test('truncate ends the connection in the middle of the body', async () => {
    const box = await setup({ kind: 'truncate' })
    const response = await fetch(`${box.sandbox.url}/2fa/v1/otp?number=%2B12015550100`, {
      method: 'POST',
      headers: { apikey: box.sandbox.apiKey },
    })
    expect(response.status).toBe(200)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10)
    await expect(response.text()).rejects.toThrow('terminated')
    expectWork(box)
  })

  test('slow-body sends all but the last byte', async () => {
    const box = await setup({ kind: 'slow-body', ms: 1 })
    const leave = new AbortController()
    const response = await fetch(`${box.sandbox.url}/2fa/v1/otp?number=%2B12015550100`, {
      method: 'POST',
      headers: { apikey: box.sandbox.apiKey },
      signal: leave.signal,
    })
    expect(response.status).toBe(200)
    const length = Number(response.headers.get('content-length'))
    let received = 0
    const reader = response.body?.getReader()
    while (received < length - 1) received += (await reader?.read())?.value?.length ?? 0
    expect(received).toBe(length - 1)
    const next = reader?.read()
    for (let count = 0; count < 10; count += 1) await box.control('GET', 'ready')
    leave.abort()
    await expect(next).rejects.toMatchObject({ name: 'AbortError' })
    expectWork(box)
  })

  test('hang never answers', async () => {
    const box = await setup({ kind: 'hang' })
    const { leave, outcome } = startSend(box)
    await expect.poll(box.requests).toMatchObject([{ method: 'POST', status: null }])
    expectWork(box)
    leave.abort()
    expect(await outcome).toMatchObject({ name: 'AbortError' })
    expect(await box.requests()).toMatchObject([{ status: null }])
  })

  test('delay goes on with the answer', async () => {
    const box = await setup({ kind: 'delay', ms: 800 })
    const { outcome } = startSend(box)
    await expect.poll(box.requests).toMatchObject([{ status: null }])
    expectWork(box)
    expect(await outcome).toMatchObject({ status: 200 })
    expect(box.sandbox.messages()).toHaveLength(1)
    expect(await box.requests()).toMatchObject([{ status: 200 }])
  })

  test('delay combines with the fault after it', async () => {
    const box = await setup({ kind: 'delay', ms: 1 })
    await box.addFault({ operation: 'otp.send', when, kind: 'status', status: 500 })
    expect((await box.send()).status).toBe(500)
    expectWork(box)
  })
})

describe('after a check', () => {
  test.each([
    ['status', { kind: 'status', status: 500 }, 500],
    ['empty', { kind: 'empty' }, 202],
    ['html', { kind: 'html' }, 502],
  ])('%s hides that the code was right', async (_, fault, status) => {
    const { addFault, check, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await addFault({ operation: 'otp.check', when: 'after', times: 1, ...fault })
    expect((await check(otpId, '4242')).status).toBe(status)
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'VERIFIED' })
    expect(await check(otpId, '4242')).toMatchObject({
      status: 410,
      json: { otpStatus: 'VERIFIED' },
    })
  })

  test('empty keeps the status of a wrong code', async () => {
    const { addFault, check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await addFault({ operation: 'otp.check', when: 'after', kind: 'empty' })
    expect(await check(otpId, '0000')).toMatchObject({ status: 401, text: '' })
  })
})

describe('before a check', () => {
  test.each([
    ['status', { kind: 'status', status: 500 }],
    ['malformed', { kind: 'malformed' }],
    ['empty', { kind: 'empty' }],
  ])('%s leaves the OTP as it was', async (_, fault) => {
    const { addFault, check, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await addFault({ operation: 'otp.check', when: 'before', ...fault })
    await check(otpId, '4242')
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'ACTIVE', attemptCount: 0 })
  })
})

describe('messages', () => {
  test.each([
    ['drop-message', 0, ['DELIVER_OTP_REQ']],
    ['duplicate-message', 2, ['DELIVER_OTP_REQ', 'DELIVER_OTP_RES_OK']],
  ])('%s delivers %i', async (kind, count, types) => {
    const { addFault, events, sandbox, sendOtp } = await setupSandbox()
    await addFault({ operation: 'otp.send', kind, times: 1 })
    const { otpId } = await sendOtp()
    expect(sandbox.messages()).toHaveLength(count)
    expect((await events(otpId)).map(({ type }) => type)).toEqual(types)
  })

  test('are not dropped by calls that send none', async () => {
    const { addFault, get, resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await addFault({ operation: '*', kind: 'drop-message', times: 1 })
    await get(otpId)
    await resend(otpId)
    expect(sandbox.messages()).toHaveLength(1)
  })
})

describe('matching', () => {
  test('is by operation', async () => {
    const { addFault, api, check, get, resend, send, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    const calls = {
      'otp.send': () => send(),
      'otp.list': () => api('GET', '', { number: happyNumber }),
      'otp.get': () => get(otpId),
      'otp.resend': () => resend(otpId),
      'otp.events': () => api('GET', `/${otpId}/events`),
      'otp.check': () => check(otpId, '0000'),
      'otp.delete': () => api('DELETE', `/${otpId}`),
    }
    for (const operation of Object.keys(calls)) {
      await addFault({ operation, kind: 'status', status: 418, times: 1, body: operation })
    }
    for (const [operation, call] of Object.entries(calls)) {
      expect(await call()).toMatchObject({ status: 418, text: operation })
    }
  })

  test('is by family', async () => {
    const { addFault, application, send } = await setupSandbox()
    await addFault({ operation: 'application.*', kind: 'status', status: 418 })
    expect((await application('GET')).status).toBe(418)
    expect((await application('GET', '/default')).status).toBe(418)
    expect((await send()).status).toBe(200)
  })

  test('is by number, also for calls by id', async () => {
    const { addFault, api, get, send, sendOtp } = await setupSandbox()
    const matched = await sendOtp({ number: '+4915112345678' })
    const other = await sendOtp()
    await addFault({ operation: '*', number: '+4915112345678', kind: 'status', status: 500 })
    expect((await get(matched.otpId)).status).toBe(500)
    expect((await send({ number: '015112345678', country: 'DE' })).status).toBe(500)
    expect((await api('GET', '', { number: '+4915112345678' })).status).toBe(500)
    expect((await get(other.otpId)).status).toBe(200)
    expect((await send()).status).toBe(200)
  })

  test('is by the beginning of a number', async () => {
    const { addFault, send } = await setupSandbox()
    await addFault({ operation: 'otp.send', number: '+49*', kind: 'status', status: 500 })
    expect((await send({ number: '+4915112345678' })).status).toBe(500)
    expect((await send()).status).toBe(200)
  })

  test('takes the first fault with uses left', async () => {
    const { addFault, control, send } = await setupSandbox()
    await addFault({ operation: 'otp.send', kind: 'status', status: 500, times: 2 })
    await addFault({ operation: '*', kind: 'status', status: 503, times: 1 })
    const statuses = []
    for (let count = 0; count < 4; count += 1) statuses.push((await send()).status)
    expect(statuses).toEqual([500, 500, 503, 200])
    expect((await control('GET', 'faults')).json).toMatchObject([{ times: 0 }, { times: 0 }])
  })

  test('is never with probability 0, always with 1', async () => {
    const { addFault, send } = await setupSandbox()
    await addFault({ operation: 'otp.send', kind: 'status', status: 500, probability: 0, times: 1 })
    await addFault({ operation: 'otp.send', kind: 'status', status: 503, probability: 1 })
    for (let count = 0; count < 5; count += 1) expect((await send()).status).toBe(503)
  })

  test('leaves calls without a valid key alone', async () => {
    const { addFault, api, control } = await setupSandbox()
    await addFault({ operation: '*', kind: 'status', status: 500, times: 1 })
    expect((await api('POST', '', { number: happyNumber }, { headers: {} })).status).toBe(401)
    expect((await control('GET', 'faults')).json).toMatchObject([{ times: 1 }])
  })
})

describe('the list', () => {
  const fault = { operation: 'otp.send', when: 'after', kind: 'status', status: 500, times: 3 }

  test('shows what was added, with an id', async () => {
    const { addFault, control } = await setupSandbox()
    expect(await addFault(fault)).toMatchObject({ status: 201, json: fault })
    expect((await control('GET', 'faults')).json).toEqual([{ id: expect.any(String), ...fault }])
  })

  test('is emptied by DELETE', async () => {
    const { addFault, control, send } = await setupSandbox()
    await addFault(fault)
    expect((await control('DELETE', 'faults')).status).toBe(204)
    expect((await control('GET', 'faults')).json).toEqual([])
    expect((await send()).status).toBe(200)
  })

  test('loses one by its id', async () => {
    const { addFault, control, send } = await setupSandbox()
    await addFault(fault)
    const { id } = (await addFault({ ...fault, status: 503 })).json as { id: string }
    expect((await control('DELETE', `faults/${id}`)).status).toBe(204)
    expect((await control('DELETE', `faults/${id}`)).status).toBe(404)
    expect((await control('GET', 'faults')).json).toMatchObject([{ status: 500 }])
    expect((await send()).status).toBe(500)
  })

  test.each([
    ['an unknown operation', { operation: 'otp.sned', kind: 'hang' }, 'otp.send'],
    ['no operation', { kind: 'hang' }, 'operation'],
    ['an unknown kind', { operation: '*', kind: 'explode' }, 'hang'],
    ['an unknown field', { operation: '*', kind: 'hang', ms: 5 }, '"ms"'],
    ['an unknown phase', { operation: '*', kind: 'hang', when: 'during' }, 'before'],
    ['a status that is none', { operation: '*', kind: 'status', status: 99 }, '"status"'],
    ['status without one', { operation: '*', kind: 'status' }, '"status"'],
    ['a redirect to nowhere', { operation: '*', kind: 'redirect' }, '"location"'],
    [
      'a redirect without a redirect',
      { operation: '*', kind: 'redirect', location: '/', status: 304 },
      '"status"',
    ],
    ['a delay without a time', { operation: '*', kind: 'delay' }, '"ms"'],
    ['no uses', { operation: '*', kind: 'hang', times: 0 }, '"times"'],
    ['half a use', { operation: '*', kind: 'hang', times: 0.5 }, '"times"'],
    ['too much probability', { operation: '*', kind: 'hang', probability: 2 }, '"probability"'],
    ['a number with spaces', { operation: '*', kind: 'hang', number: '+1 201' }, '"number"'],
    ['a pattern in the middle', { operation: '*', kind: 'hang', number: '+1*5' }, '"number"'],
    [
      'a header with a line break',
      { operation: '*', kind: 'status', status: 500, headers: { a: 'b\nc' } },
      '"headers"',
    ],
    [
      'a header about framing',
      { operation: '*', kind: 'status', status: 500, headers: { 'Content-Length': '1' } },
      'Content-Length',
    ],
    [
      'headers that are a list',
      { operation: '*', kind: 'status', status: 500, headers: [] },
      '"headers"',
    ],
    ['messages of a call without any', { operation: 'otp.get', kind: 'drop-message' }, 'otp.send'],
    ['an answer of the app', { operation: 'webhook.report', kind: 'hang' }, 'webhook'],
    ['a channel that is none', { operation: '*', kind: 'fail-message', channel: 'fax' }, 'sms'],
    ['a list', [], 'object'],
  ])('refuses %s', async (_, body, reason) => {
    const { addFault, control } = await setupSandbox()
    const { status, headers, json } = await addFault(body)
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(json).toMatchObject({ status: 400, detail: expect.stringContaining(reason) })
    expect((await control('GET', 'faults')).json).toEqual([])
  })

  test('refuses what is not JSON', async () => {
    const { call } = await setupSandbox()
    const reply = await call('/_sandbox/faults', { method: 'POST', body: '{' })
    expect(reply).toMatchObject({ status: 400, json: { detail: 'The body must be JSON.' } })
  })

  test('holds a thousand', async () => {
    const { addFault, sandbox } = await setupSandbox()
    const hang = { operation: 'otp.get', kind: 'hang' } as const
    for (let count = 0; count < 999; count += 1) sandbox.fault(hang)
    expect((await addFault(hang)).status).toBe(201)
    expect(await addFault(hang)).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining('1000') },
    })
  })
})

describe('calls under way', () => {
  test('do not keep a sandbox from closing', async () => {
    const box = await setupSandbox()
    await box.addFault({ operation: 'otp.send', kind: 'delay', ms: 60_000, times: 1 })
    const delayed = startSend(box)
    await expect.poll(box.requests).toHaveLength(1)
    await box.addFault({ operation: 'otp.send', kind: 'hang' })
    const hanging = startSend(box)
    await expect.poll(box.requests).toHaveLength(2)
    await box.sandbox.close()
    expect(await delayed.outcome).toBeInstanceOf(TypeError)
    expect(await hanging.outcome).toBeInstanceOf(TypeError)
    expect(box.sandbox.messages()).toEqual([])
  })

  test('do not outlive a reset', async () => {
    const box = await setupSandbox()
    await box.addFault({ operation: 'otp.send', kind: 'delay', ms: 60_000 })
    const { outcome } = startSend(box)
    await expect.poll(box.requests).toHaveLength(1)
    box.sandbox.reset()
    expect(await outcome).toBeInstanceOf(TypeError)
    expect((await box.control('GET', 'otps')).json).toEqual([])
  })
})
