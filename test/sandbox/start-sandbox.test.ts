import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { setupSandbox } from './setup.js'

test('takes a free port, with a key that works', async () => {
  const { sandbox, send } = await setupSandbox()
  expect(sandbox.url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/)
  expect(sandbox.apiKey).toMatch(/^sandbox_/)
  expect((await send()).status).toBe(200)
})

test('rejects when the port is taken', async () => {
  const { sandbox } = await setupSandbox()
  const port = Number(new URL(sandbox.url).port)
  await expect(startSandbox({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('is not there for other machines', async () => {
  const { sandbox } = await setupSandbox()
  const others = Object.values(networkInterfaces())
    .flat()
    .flatMap((address) =>
      address?.family === 'IPv4' && !address.internal ? [address.address] : [],
    )
  // Loopback has many addresses, and the sandbox is on one: this holds without a network too.
  for (const host of [...others, '127.0.0.2']) {
    const socket = connect(Number(new URL(sandbox.url).port), host)
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  }
})

test('keeps two sandboxes apart', async () => {
  const one = await setupSandbox()
  const other = await setupSandbox()
  const { otpId } = await one.sendOtp()
  expect((await other.get(otpId)).status).toBe(404)
  expect(other.sandbox.messages()).toEqual([])
})

test('prints a line for each message and each call of the API', async () => {
  const lines: string[] = []
  const { addFault, api, send } = await setupSandbox({ print: (line) => lines.push(line) })
  await send()
  await send({ via: 'VOICE' })
  await api('GET', '', {}, { headers: {} })
  await addFault({ operation: 'otp.send', kind: 'reset', times: 1 })
  await expect(send()).rejects.toThrow('fetch failed')
  expect(lines).toEqual([
    'SMS    +12015550100  4242  (expires 5:00)',
    'API    POST /2fa/v1/otp  200',
    'VOICE  +12015550100  4242  (expires 5:00)',
    'API    POST /2fa/v1/otp  200',
    'API    GET /2fa/v1/otp  401  The header apikey is missing.',
    'API    POST /2fa/v1/otp  no answer  Fault "reset" on otp.send, before the work.',
  ])
})

describe('by its object', () => {
  test('faults come and go', async () => {
    const { sandbox, send } = await setupSandbox()
    const fault = sandbox.fault({ operation: 'otp.send', kind: 'status', status: 503, times: 2 })
    expect(fault).toMatchObject({ id: expect.any(String), when: 'before', times: 2 })
    expect((await send()).status).toBe(503)
    sandbox.noFaults()
    expect((await send()).status).toBe(200)
  })

  test('a wrong fault is refused by the name of its field', async () => {
    const { sandbox } = await setupSandbox()
    const fault = { operation: 'otp.send', kind: 'status', status: 99 } as const
    expect(() => sandbox.fault(fault)).toThrow('"status"')
  })

  test('the clock moves', async () => {
    const { get, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    sandbox.advance(301)
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'EXPIRED' })
    for (const seconds of [-1, Number.NaN, 1e12]) {
      expect(() => sandbox.advance(seconds)).toThrow('seconds')
    }
  })

  test('requests and OTPs are those of the control routes', async () => {
    const { control, sandbox, send } = await setupSandbox()
    await send()
    expect(sandbox.requests()).toEqual((await control('GET', 'requests')).json)
    expect(sandbox.otps()).toEqual((await control('GET', 'otps')).json)
    expect(sandbox.otps()).toHaveLength(1)
  })
})

test('takes webhooks of this machine only', async () => {
  const notifications = 'http://127.0.0.1:3000/hook'
  const { control, sandbox } = await setupSandbox({ webhooks: { notifications } })
  await control('POST', 'webhooks', { messages: 'http://localhost:3000/hook' })
  sandbox.reset()
  expect((await control('GET', 'webhooks')).json).toEqual({ notifications, calls: [] })
  const elsewhere = startSandbox({ webhooks: { messages: 'https://app.example/hook' } })
  await expect(elsewhere).rejects.toThrow('"messages" must be a URL of this machine')
})

test('can be closed twice', async () => {
  const { sandbox } = await setupSandbox()
  await sandbox.close()
  await expect(sandbox.close()).resolves.toBeUndefined()
  await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed')
})

test('is closed by `await using`', async () => {
  const sandbox = await startSandbox()
  await sandbox[Symbol.asyncDispose]()
  await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed')
})

test('leaves its port free again at once', async () => {
  const { sandbox } = await setupSandbox()
  const port = Number(new URL(sandbox.url).port)
  await sandbox.close()
  const server = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  await expect(once(server, 'listening')).resolves.toEqual([])
})
