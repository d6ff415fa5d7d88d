import { describe, expect, test } from 'vitest'
import { happyNumber, setupSandbox, statusOf } from '../setup.js'

describe('messages', () => {
  test('are listed oldest first', async () => {
    const { control, sandbox, send } = await setupSandbox()
    await send()
    await send({ number: '+12015550101' })
    const { status, json } = await control('GET', 'messages')
    expect(status).toBe(200)
    expect(json).toEqual(sandbox.messages())
    expect(json).toMatchObject([
      { seq: 1, to: happyNumber },
      { seq: 2, to: '+12015550101' },
    ])
  })

  test('are filtered by number and cursor', async () => {
    const { control, send } = await setupSandbox()
    for (const last of ['0', '1', '0', '1']) await send({ number: `+1201555010${last}` })
    const seqs = async (query: string) =>
      ((await control('GET', `messages?${query}`)).json as { seq: number }[]).map(({ seq }) => seq)
    expect(await seqs('to=%2B12015550101')).toEqual([2, 4])
    expect(await seqs('after=2')).toEqual([3, 4])
    expect(await seqs('to=%2B12015550101&after=2')).toEqual([4])
    expect(await seqs('to=&after=')).toEqual([1, 2, 3, 4])
  })

  test('are found by a number as people type it', async () => {
    const { control, send } = await setupSandbox()
    await send()
    expect((await control('GET', 'messages?to=+1 201-555 0100')).json).toHaveLength(1)
  })

  test('are deleted, with the cursor going on', async () => {
    const { control, sandbox, send } = await setupSandbox()
    await send()
    expect((await control('DELETE', 'messages')).status).toBe(204)
    expect(sandbox.messages()).toEqual([])
    await send()
    expect(sandbox.messages()).toMatchObject([{ seq: 2 }])
  })

  test.each(['to=x', 'after=-1', 'after=x', 'before=1', 'after=1&after=2'])(
    'can not be asked for with %s',
    async (query) => {
      const { control } = await setupSandbox()
      const { status, headers } = await control('GET', `messages?${query}`)
      expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    },
  )
})

describe('code', () => {
  test('is the newest one, as text', async () => {
    const { control, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    await send({ otpCode: '222222' })
    const { status, headers, text } = await control('GET', 'code?to=%2B12015550100')
    expect([status, text]).toEqual([200, '222222'])
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
  })

  test('is 404 when none came', async () => {
    const { control, send } = await setupSandbox()
    await send()
    expect((await control('GET', 'code?to=%2B12015550101')).status).toBe(404)
    expect((await control('GET', 'code?to=%2B12015550100&after=1')).status).toBe(404)
    expect((await control('GET', 'code?to=%2B12015550100&after=1&wait=0.01')).status).toBe(404)
  })

  test('is there as soon as the message is', async () => {
    const { control, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    const code = control('GET', 'code?to=%2B12015550100&after=1&wait=9')
    await send({ number: '+12015550101', otpCode: '333333' })
    await send({ otpCode: '222222' })
    expect((await code).text).toBe('222222')
  })

  test.each(['wait=x', 'wait=301', 'wait=-1'])('is not waited for with %s', async (query) => {
    const { control } = await setupSandbox()
    expect((await control('GET', `code?${query}`)).status).toBe(400)
  })
})

describe('waitForCode', () => {
  test('resolves with the newest code', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    expect(await sandbox.waitForCode(happyNumber)).toBe('111111')
  })

  test('waits for a code after the cursor', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ otpCode: '111111' })
    const code = sandbox.waitForCode(happyNumber, { after: 1 })
    await send({ otpCode: '222222' })
    expect(await code).toBe('222222')
  })

  test('rejects with the last five messages and calls', async () => {
    const { sandbox, send } = await setupSandbox()
    for (const otpCode of ['aaaa1', 'aaaa2', 'aaaa3', 'aaaa4', 'aaaa5', 'aaaa6']) {
      await send({ otpCode })
    }
    const failure = sandbox.waitForCode('+12015550101', { timeout: 0.01 })
    await expect(failure).rejects.toThrow(/No code came to \+12015550101 within 0.01 s/)
    await expect(failure).rejects.toThrow(/"code":"aaaa2".*"code":"aaaa6".*"path":"\/2fa/s)
    await expect(failure).rejects.not.toThrow(/aaaa1/)
  })

  test('rejects when the sandbox closes', async () => {
    const { sandbox } = await setupSandbox()
    const code = sandbox.waitForCode(happyNumber)
    await Promise.all([expect(code).rejects.toThrow('closed'), sandbox.close()])
  })
})

describe('requests', () => {
  test('are the calls of the API, with query and status', async () => {
    const { api, control, requests, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ pinLength: '6' })
    await api('GET', `/${otpId}`)
    await control('GET', 'messages')
    const at = expect.stringMatching(/Z$/)
    expect(await requests()).toEqual([
      {
        seq: 1,
        method: 'POST',
        path: '/2fa/v1/otp',
        query: { number: happyNumber, pinLength: '6' },
        status: 200,
        at,
        operation: 'otp.send',
        number: happyNumber,
      },
      {
        seq: 2,
        method: 'GET',
        path: `/2fa/v1/otp/${otpId}`,
        query: {},
        status: 200,
        at,
        operation: 'otp.get',
        number: happyNumber,
      },
    ])
  })

  test('include those that were refused', async () => {
    const { api, call, requests } = await setupSandbox()
    await api('GET', '', { number: happyNumber }, { headers: {} })
    await call('/elsewhere')
    expect(await requests()).toMatchObject([
      { path: '/2fa/v1/otp', status: 401 },
      { path: '/elsewhere', status: 401 },
    ])
  })

  test('never hold a key', async () => {
    const { call, control } = await setupSandbox()
    await call('/2fa/v1/otp?apikey=sandbox_secret&apiKey=sandbox_secret&number=1&number=2', {
      headers: { apikey: 'sandbox_secret' },
    })
    const { text, json } = await control('GET', 'requests')
    expect(text).not.toContain('secret')
    expect(json).toMatchObject([{ query: { apikey: '[redacted]', number: ['1', '2'] } }])
  })

  test('are forgotten by DELETE, with seq going on', async () => {
    const { control, requests, send } = await setupSandbox()
    await send()
    expect((await control('DELETE', 'requests')).status).toBe(204)
    expect(await requests()).toEqual([])
    await send()
    expect(await requests()).toMatchObject([{ seq: 2 }])
  })
})

describe('otps', () => {
  test('are listed as entities, of every key', async () => {
    const { api, control, sendOtp } = await setupSandbox()
    const otp = await sendOtp()
    const headers = { apikey: 'sandbox_other' }
    const other = await api('POST', '', { number: happyNumber }, { headers })
    expect(await control('GET', 'otps')).toMatchObject({ status: 200, json: [otp, other.json] })
  })
})

describe('clock', () => {
  test('moves everything forward', async () => {
    const { advance, sandbox, sendOtp } = await setupSandbox()
    const before = await sendOtp()
    const { status, json } = await advance(3600)
    expect(status).toBe(200)
    expect(json).toEqual({ now: expect.any(String) })
    const after = await sendOtp()
    expect(after.created - before.created).toBeGreaterThanOrEqual(3_600_000)
    const [first, second] = sandbox.messages().map(({ sentAt }) => Date.parse(sentAt))
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(3_600_000)
  })

  test.each([{}, { advance: -1 }, { advance: '5' }, { advance: 1e12 }, { advance: 1, to: 2 }])(
    'refuses %o',
    async (body) => {
      const { control } = await setupSandbox()
      expect((await control('POST', 'clock', body)).status).toBe(400)
    },
  )
})

describe('reset', () => {
  test('leaves nothing but the cursors', async () => {
    const { addFault, advance, control, requests, sandbox, send, sendOtp } = await setupSandbox()
    await sendOtp()
    await addFault({ operation: '*', kind: 'hang' })
    await advance(3600)
    expect((await control('POST', 'reset')).status).toBe(204)

    expect(sandbox.messages()).toEqual([])
    expect(await requests()).toEqual([])
    expect((await control('GET', 'otps')).json).toEqual([])
    expect((await control('GET', 'faults')).json).toEqual([])

    const otp = await sendOtp()
    expect(otp.created).toBeLessThanOrEqual(Date.now())
    await send()
    expect(sandbox.messages().map(({ seq }) => seq)).toEqual([2, 3])
    expect((await requests()).map(({ seq }) => seq)).toEqual([2, 3])
  })
})

test('info says what is there, and what is not as at tyntec', async () => {
  const { control, sandbox } = await setupSandbox()
  sandbox.advance(90)
  const { status, json } = await control('GET', 'info')
  expect(status).toBe(200)
  expect(json).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    now: expect.stringMatching(/Z$/),
    advanced: 90,
    seq: 1,
    operations: expect.arrayContaining(['otp.send', 'application.delete-template', 'chat.media']),
    magicNumbers: expect.arrayContaining([
      { number: '+12015550111', text: 'The message never comes.' },
    ]),
    limitations: expect.arrayContaining([expect.stringContaining('DELIVER_OTP_RES_FAIL')]),
  })
})

test('ready answers 200', async () => {
  const { control } = await setupSandbox()
  expect((await control('GET', 'ready')).status).toBe(200)
})

test.each([
  ['GET', 'nothing', 404],
  ['GET', '', 404],
  ['GET', 'otps/a/b', 404],
  ['POST', 'messages', 405],
  ['GET', 'reset', 405],
])('%s /_sandbox/%s is answered with %i', async (method, path, status) => {
  const { control } = await setupSandbox()
  const reply = await control(method, path)
  expect(reply).toMatchObject({ status, json: { status } })
})

test('a body over 64 kB is refused', async () => {
  const { addFault } = await setupSandbox()
  const fault = { operation: '*', kind: 'status', status: 500, body: 'x'.repeat(64 * 1024) }
  expect((await addFault(fault)).status).toBe(413)
})

describe.each(['/', '/_sandbox/messages', '/_sandbox/events?', '/_sandbox/nothing'])(
  'a web page elsewhere can not ask for %s',
  (path) => {
    test.each([
      ['by another host', { host: 'evil.example' }],
      ['by another host with our port', { host: 'evil.example:8026' }],
      ['by a host that begins like ours', { host: '127.0.0.1.evil.example' }],
      ['from another origin', { origin: 'https://evil.example' }],
      ['from an origin that begins like ours', { origin: 'http://localhost.evil.example' }],
      ['from an opaque origin', { origin: 'null' }],
    ])('%s', async (_, headers: Record<string, string>) => {
      const { sandbox } = await setupSandbox()
      expect(await statusOf(sandbox.url + path, { headers })).toBe(403)
    })
  },
)

test('another host is none of the API either', async () => {
  const { sandbox } = await setupSandbox()
  const headers = { host: 'evil.example', apikey: sandbox.apiKey }
  const url = `${sandbox.url}/2fa/v1/otp?number=%2B12015550100`
  expect(await statusOf(url, { method: 'POST', headers })).toBe(403)
  expect(sandbox.messages()).toEqual([])
})

test('a web page elsewhere can not reset', async () => {
  const { sandbox, send } = await setupSandbox()
  await send()
  const headers = { origin: 'https://evil.example' }
  const url = `${sandbox.url}/_sandbox/reset`
  expect(await statusOf(url, { method: 'POST', headers })).toBe(403)
  expect(sandbox.messages()).toHaveLength(1)
})

test.each([
  { host: '127.0.0.1' },
  { host: 'localhost:8026' },
  { host: '[::1]:8026' },
  { origin: 'http://localhost:3000' },
  { origin: 'http://127.0.0.1:3000' },
  { origin: 'http://[::1]:3000' },
])('this machine may ask: %o', async (headers) => {
  const { sandbox } = await setupSandbox()
  const url = `${sandbox.url}/_sandbox/messages`
  expect(await statusOf(url, { headers })).toBe(200)
})
