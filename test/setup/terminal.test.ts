import { channel } from 'node:diagnostics_channel'
import express from 'express'
import type { OtpOptions } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { listen, number } from '../support/app.js'
import { createClient } from '../support/client.js'

const key = 'sandbox_a-key-that-must-not-be-shown'

/** As in a process of its own: nothing was told before, and no tool listens, as that of these tests does. */
beforeEach(() => {
  vi.resetModules()
  const published = channel('passport-tyntec-otp')
  Object.defineProperty(published, 'hasSubscribers', { value: false, configurable: true })
  onTestFinished(() => void Reflect.deleteProperty(published, 'hasSubscribers'))
})

async function setup(given: Partial<OtpOptions> = {}) {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const { createOtpFlow } = await import('../../src/flow/index.js')
  const { memoryStore } = await import('../../src/store/memory.js')
  const flow = createOtpFlow({
    apiKey: key,
    baseUrl: sandbox.url,
    secret: 'a secret of the app, 7f2c9b1d4e8a',
    countries: ['US'],
    store: memoryStore(),
    ...given,
  })
  onTestFinished(() => flow.drain())
  const app = express().use(express.json())
  app.use('/login', onExpress.otpRouter(flow, { onVerified() {} }))
  const client = createClient(await listen(app))
  const told = () =>
    warned.mock.calls
      .map(([message, options]) => [String(message), (options as { code?: string }).code] as const)
      .filter(([, code]) => code !== 'OTP_MEMORY_STORE')
  return { sandbox, flow, client, told }
}

describe('without a listener', () => {
  test('the first error of each kind reaches the terminal, once and without a secret', async () => {
    const { sandbox, client, told } = await setup()
    const fault = { operation: 'otp.send', kind: 'status', status: 401 }
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(fault) })
    for (const _ of [1, 2]) {
      const answer = await client.post('/login/send', { number })
      expect(answer.status).toBe(503)
    }
    const found = told().filter(([, code]) => code === 'ERR_OTP_PROVIDER_AUTH')
    expect(found).toEqual([
      [expect.stringMatching(/^send: .*[^.]\. Told once, /), expect.any(String)],
    ])
    expect(JSON.stringify(told())).not.toContain(key)
    expect(JSON.stringify(told())).not.toContain(number.slice(1))
  })

  test('so does what cross_site compared', async () => {
    const { client, told } = await setup({ origin: 'https://login.example.com' })
    for (const origin of ['http://localhost:3000', 'http://localhost:3001\u0007']) {
      const headers = { origin: origin.replaceAll('\u0007', ''), 'sec-fetch-site': 'same-site' }
      expect((await client.post('/login/send', { number }, { headers })).status).toBe(403)
    }
    const found = told().filter(([, code]) => code === 'OTP_CROSS_SITE')
    expect(found).toHaveLength(1)
    expect(found[0]?.[0]).toContain(
      'Sec-Fetch-Site same-site, Origin http://localhost:3000 and Host 127.0.0.1',
    )
    expect(found[0]?.[0]).toContain('compared with https://login.example.com')
  })

  test('and which limit has refused', async () => {
    const { client, told } = await setup({
      limits: { sendsPerNumber: [{ points: 1, duration: 60 }] },
      resendWaits: [1],
    })
    expect((await client.post('/login/send', { number })).status).toBe(202)
    await client.post('/login/cancel')
    await vi.waitFor(async () => {
      const answer = await client.post('/login/send', { number })
      expect(answer.json).toMatchObject({ code: 'rate_limited' })
    }, 5000)
    expect(told().filter(([, code]) => code === 'OTP_LIMIT')).toEqual([
      [expect.stringContaining('sends_per_number'), 'OTP_LIMIT'],
    ])
  })
})

test.each<[string, Partial<OtpOptions>]>([
  ['onEvent', { onEvent() {} }],
  ['logger', { logger: { info() {}, warn() {}, error() {} } }],
])('with %s the terminal is left alone', async (_, given) => {
  const { client, told } = await setup({ origin: 'https://login.example.com', ...given })
  const headers = { origin: 'https://evil.example' }
  expect((await client.post('/login/send', { number }, { headers })).status).toBe(403)
  expect(told().filter(([, code]) => code === 'OTP_CROSS_SITE')).toEqual([])
})

describe('what is set up wrong', () => {
  const wrong = { store: undefined } // no store is given: OTP_MEMORY_STORE
  const findings = ['OTP_MEMORY_STORE', 'ERR_OTP_MISUSE']

  /** How often each finding was told: on the terminal, and by the logger. */
  async function tellings(given: Partial<OtpOptions>) {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const { createOtpFlow } = await import('../../src/flow/index.js')
    const logged: { code?: string; help?: string }[] = []
    const log = (line: object) => void logged.push(line)
    const logger = { info: log, warn: log, error: log }
    const flow = createOtpFlow({
      apiKey: key,
      secret: 'a secret of the app, 7f2c9b1d4e8a',
      countries: ['US'],
      ...wrong,
      ...given,
      ...(given.logger && { logger }),
    })
    onTestFinished(() => flow.drain())
    const app = express() // without a body parser
    app.use('/login', onExpress.otpRouter(flow, { onVerified() {} }))
    const client = createClient(await listen(app))
    for (const _ of [1, 2]) expect((await client.post('/login/send', { number })).status).toBe(400)
    const terminal = warned.mock.calls.map(([, options]) => (options as { code?: string }).code)
    return {
      terminal: terminal.filter((code) => findings.includes(code ?? '')),
      logged,
    }
  }

  test.each<[string, Partial<OtpOptions>]>([
    ['nothing', {}],
    ['only onEvent, which may count', { onEvent() {} }],
  ])('with %s is on the terminal, each once', async (_, given) => {
    expect(await tellings(given)).toEqual({ terminal: findings, logged: [] })
  })

  test('with a logger is in the log, with the place that helps, and nowhere else', async () => {
    const { terminal, logged } = await tellings({ logger: console })
    expect(terminal).toEqual([])
    expect(logged).toMatchObject([
      { code: 'OTP_MEMORY_STORE', help: 'passport-tyntec-otp/docs/errors.md#otp_memory_store' },
      { code: 'ERR_OTP_MISUSE', help: 'passport-tyntec-otp/docs/errors.md#err_otp_misuse' },
      { code: 'ERR_OTP_MISUSE' },
    ])
  })
})

test('a listener of another type does not hear it', async () => {
  const { flow, client, told } = await setup({ origin: 'https://login.example.com' })
  flow.on('otp.sent', () => {})
  const headers = { origin: 'https://evil.example' }
  await client.post('/login/send', { number }, { headers })
  expect(told().filter(([, code]) => code === 'OTP_CROSS_SITE')).toHaveLength(1)
})
