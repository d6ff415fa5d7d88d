import { randomUUID } from 'node:crypto'
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { createOtpFlow, type OtpOptions, redisStore } from 'passport-tyntec-otp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { requestsOf } from '../support/app.js'
import { hush, lookAtErrors, shownOf } from '../support/canary.js'
import { watch } from '../support/canary-process.js'
import { lookAtKeys } from '../support/canary-redis.js'
import { type Client, createClient } from '../support/client.js'
import { createRedis, startRedis } from '../support/redis.js'
import { type Framework, startApp } from './app.js'

/** Nothing else in the world is made of these. */
const apiKey = 'sandbox_cAnArY-kEy-7f3a'
const secret = `sEcReT-cAnArY-${randomUUID()}`
/** Of the sandbox's numbers, whose code is fixed. */
const code = '424242'
const wrongCodes = ['918273', '564738', '192837']
const numberOf = (index: number) => `+1201555${String(6000 + index)}`
const magicNumber = '+12015550135'

const origin = 'https://login.example.com'

async function setup(framework: Framework, environment: string) {
  vi.stubEnv('NODE_ENV', environment)
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const server = await startRedis()
  const { redis, prefix } = await createRedis({ url: server.url })
  // Also what Redis is told and has not kept: its slow log has it, and whoever watches it.
  const monitor = await redis.monitor()
  monitor.on('monitor', (_time: string, words: string[]) => {
    watch.look('Redis command', words.join('\n'))
  })
  onTestFinished(() => monitor.disconnect())

  watchTraces()
  const logged: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  const options: OtpOptions = {
    apiKey,
    baseUrl: sandbox.url,
    secret,
    origin,
    countries: ['US'],
    resendWaits: [1, 1, 1],
    // The deadline is not what this is about, and the machine may be busy.
    store: redisStore(redis, { prefix, timeout: 5 }),
    limits: {
      sendsPerAddress: { points: 500, duration: 3600 },
      failuresPerAddress: { points: 500, duration: 3600 },
    },
    // What is enforced in production would end this run early: it is tried on its own.
    pumping: 'shadow',
    logger,
    onEvent: (event) => watch.look('onEvent', shownOf(event)),
  }
  const seen = new Set<string>()
  /** One process of the app. */
  async function start(more: Partial<OtpOptions> = {}) {
    const flow = createOtpFlow({ ...options, ...more })
    onTestFinished(() => flow.drain())
    const app = await startApp(framework, flow)
    return { ...app, flow, client: () => createCountedClient(app.base, seen) }
  }

  return {
    ...(await start()),
    another: start,
    sandbox,
    server,
    redis,
    prefix,
    logged,
    /** What people were told, to see that every path was taken. */
    seen,
    async fault(fault: object) {
      const body = JSON.stringify({ operation: '*', ...fault })
      await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body })
    },
  }
}

/** What a tracer is told of each step. */
function watchTraces() {
  const look = (trace: object) => watch.look('trace', shownOf(trace))
  const listeners = { start: look, end: look, asyncStart: look, asyncEnd: look, error: look }
  for (const step of ['send', 'resend', 'check', 'complete', 'release', 'status', 'cancel']) {
    const traced = tracingChannel(`passport-tyntec-otp.${step}`)
    traced.subscribe(listeners)
    onTestFinished(() => traced.unsubscribe(listeners))
  }
}

function createCountedClient(base: string, seen: Set<string>): Client {
  const client = createClient(base)
  return {
    ...client,
    async post(path, body, options) {
      const answer = await client.post(path, body, options)
      const { code, status = '' } = (answer.json ?? {}) as { code?: string; status?: string }
      seen.add(`${answer.status} ${code ?? status}`.trim())
      return answer
    },
  }
}

type Setup = Awaited<ReturnType<typeof setup>>

/** A sign-in with everything that can be asked for on the way. */
async function signIn({ client: newClient }: Setup) {
  const client = newClient()
  const number = magicNumber
  await client.post('/login/send', { number })
  await client.post('/login/send', { number })
  await client.post('/login/resend', {})
  await vi.waitUntil(async () => {
    const { json } = await client.get('/login/status')
    return (json as { resend?: { allowed: boolean } }).resend?.allowed
  }, 5_000)
  await client.post('/login/resend', {})
  await client.post('/login/check', { code: wrongCodes[0] })
  await client.post('/login/check', { code: 'malformed' })
  await client.post('/login/check', {})
  await client.post('/login/check', { code })
  await client.post('/login/check', { code })
  await client.post('/logout')
}

/** What is refused, with the secrets where they do not belong. */
async function refusals({ client: newClient, another }: Setup) {
  const number = numberOf(1)
  const client = newClient()
  for (const body of [
    {},
    { number: [number] },
    { number: `call me ${number} ok` },
    { number: `${number}${number}` },
    { number: code },
    { number: '+4915735980713' },
    { number, via: 'voice' },
    { number, via: number },
    { number: `${number} x`, language: code },
    { number: `${number} x`, country: number },
    { number: apiKey },
  ]) {
    await client.post('/login/send', body)
  }
  await client.post('/login/send', { number }, { headers: { origin: 'https://evil.example' } })
  await client.post('/unparsed', { number })
  await client.submit('/unparsed', { number })
  await client.get(`/login/status?number=${encodeURIComponent(number)}`)

  const guesser = newClient()
  await guesser.post('/login/send', { number })
  for (const wrong of [...wrongCodes, ...wrongCodes])
    await guesser.post('/login/check', { code: wrong })
  await guesser.post('/strategy', { code })
  for (let index = 2; index < 5; index += 1) {
    await guesser.post('/login/send', { number: numberOf(index) })
    for (const wrong of wrongCodes) await guesser.post('/login/check', { code: wrong })
  }
  const cancelling = newClient()
  await cancelling.post('/login/send', { number: numberOf(6) })
  await cancelling.post('/login/cancel')
  await cancelling.post('/login/check', { code })
  const strict = await another({ limits: { sendsPerAddress: { points: 1, duration: 3600 } } })
  await strict.client().post('/login/send', { number: numberOf(7) })
  // In development this machine's own address has room.
  const wary = await another({ limits: { failuresPerNumber: { free: 1, wait: 3600 } } })
  const waiting = wary.client()
  await waiting.post('/login/send', { number: numberOf(8) })
  for (const wrong of wrongCodes) await waiting.post('/login/check', { code: wrong })
}

const faults = [
  { kind: 'status', status: 500, body: `${apiKey} ${numberOf(20)} ${code}` },
  { kind: 'status', status: 400, body: { code: '1006', message: `${apiKey} ${code}` } },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 403 },
  { kind: 'status', status: 404 },
  { kind: 'status', status: 410 },
  { kind: 'status', status: 429 },
  { kind: 'reset' },
  { kind: 'empty' },
  { kind: 'malformed' },
  { kind: 'truncate' },
  { kind: 'html' },
  { kind: 'redirect', location: `https://evil.example/${apiKey}/${code}` },
  { kind: 'drop-message', operation: 'otp.send' },
]

/** Each fault, on each step, in the way of the request and of the answer. */
async function failures({ another, fault, sandbox }: Setup) {
  const go = async (kind: object, index: number) => {
    // Of its own, because the breaker of one that fails this often asks tyntec nothing.
    const { client: newClient } = await another()
    const [first, second, third, fourth] = [0, 1, 2, 3].map((last) =>
      numberOf(100 + 10 * index + last),
    )
    const faulty = { when: index % 2 === 0 ? 'before' : 'after', ...kind }
    await fault({ ...faulty, number: first })
    await newClient().post('/login/send', { number: first })
    await fault({ ...faulty, number: second })
    await newClient().post('/by-hand', { number: second })

    for (const [path, number] of Object.entries({ '/login/check': third, '/strategy': fourth })) {
      const client = newClient()
      await client.post('/login/send', { number })
      await fault({ ...faulty, number })
      await client.post('/login/check', { code: wrongCodes[0] })
      await client.post(path, { code })
      await client.get('/login/status')
      // What the other one leaves in Redis is looked at.
      if (path === '/login/check') await client.post('/login/cancel')
    }
  }
  await Promise.all(faults.map(go))
  expect(sandbox.messages().length).toBeGreaterThan(faults.length)
}

/** The app's own functions may say anything when they throw. */
function fail(): never {
  throw new Error(`${apiKey} ${secret} ${numberOf(90)} ${code}`)
}

const settings: Partial<OtpOptions>[] = [
  { challenge: () => false },
  { challenge: fail },
  { sendingEnabled: () => false },
  { sendingEnabled: fail },
  { knows: () => false },
  { knows: fail },
  { apiKey: fail },
  { onEvent: fail },
  { pumping: 'enforce' },
  { budget: { perHour: 1, perDay: 1 } },
  { voice: true, revealAttempts: true, pinLength: 8 },
  // Without a log the terminal is told what is set up wrong.
  { logger: undefined, secret: [secret, 'x'.repeat(40)] },
]

async function otherSettings({ another }: Setup) {
  const go = async (options: Partial<OtpOptions>, index: number) => {
    const { client: newClient } = await another(options)
    const client = newClient()
    await client.post('/login/send', { number: numberOf(900 + index), via: 'sms' })
    await client.post('/login/resend', { via: 'voice' })
    await client.post('/login/check', { code: wrongCodes[0] })
    await client.post('/strategy', { code: `${wrongCodes[1]}00` })
    await client.get('/login/status')
    await client.post('/by-hand', { number: numberOf(950 + index) })
    await client.post('/login/cancel')
  }
  await Promise.all(settings.map(go))
}

async function withoutRedis({ another, server, redis, prefix }: Setup) {
  const impatient = await another({ store: redisStore(redis, { prefix, timeout: 0.5 }) })
  const client = impatient.client()
  await client.post('/login/send', { number: numberOf(80) })
  await server.kill()
  await Promise.all([
    client.post('/login/send', { number: numberOf(81) }),
    client.post('/login/resend'),
    client.post('/login/check', { code }),
    client.post('/strategy', { code }),
    client.get('/login/status'),
    client.post('/login/cancel'),
    client.post('/by-hand', { number: numberOf(82) }),
  ])
}

const answers = [
  '200 verified',
  '202 sent',
  '202 unconfirmed',
  '204',
  '400 bad_request',
  '400 channel_not_allowed',
  '400 code_required',
  '400 invalid_number',
  '400 malformed_code',
  '400 number_required',
  '401 invalid_code',
  '403 cross_site',
  '403 number_not_allowed',
  '409 no_pending_code',
  '410 too_many_attempts',
  '429 rate_limited',
  '429 resend_too_soon',
  '503 service_unavailable',
  // The framework's own.
  '503',
]

const sinks = [
  'stderr',
  'console',
  'NODE_DEBUG',
  'process warning',
  'event',
  'trace',
  'onEvent',
  'logger',
  'OtpError',
  'Redis key',
  'Redis value',
  'Redis command',
]

describe.each(['development', 'production'])('with NODE_ENV=%s', (environment) => {
  // proves: CODE-4, UP-14, RED-4, NAV-5, LOG-1
  test.each(['express', 'koa'] as const)(
    'on %s no way through the package tells a secret',
    async (framework) => {
      hush()
      const all = await setup(framework, environment)
      watch.learn('api key', apiKey)
      const before = watch.known('otpId')

      await signIn(all)
      await Promise.all([refusals(all), failures(all), otherSettings(all)])
      await lookAtKeys(all.redis, all.prefix)
      await withoutRedis(all)

      for (const [name, value] of Object.entries({ flow: all.flow, strategy: all.strategy })) {
        watch.look(`inspect ${name}`, inspect(value, { depth: 10, showHidden: true }))
        watch.look(`JSON ${name}`, JSON.stringify(value))
      }
      lookAtErrors()
      for (const line of all.logged) watch.look('logger', line)
      expect(watch.leaks()).toEqual([])

      // It has seen every path, and everything it looks at and for.
      expect([...all.seen].sort()).toEqual(expect.arrayContaining(answers))
      expect(watch.sinks()).toEqual(expect.arrayContaining(sinks))
      expect(all.logged.length).toBeGreaterThan(30)
      expect(watch.known('otpId') - before).toBeGreaterThan(faults.length)
      expect(await requestsOf(all.sandbox)).toEqual(
        expect.arrayContaining(['send', 'resend', 'check', 'events', 'delete', 'read']),
      )
    },
    60_000,
  )
})
