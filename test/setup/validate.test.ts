import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import {
  createOtpFlow,
  type OtpEvent,
  type OtpOptions,
  type ValidateOption,
} from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createEvents } from '../../src/events.js'
import { resolveOptions } from '../../src/options/resolve.js'
import { sms } from '../../src/options/channels.js'
import { findHoles } from '../../src/setup/peers.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'
import { type ValidationName, validationCodes } from '../../src/setup/checks.js'
import { createValidation } from '../../src/setup/validate.js'
import { type App, type AppOptions, frameworks, number, setupApp } from '../support/app.js'

/** As an app in production should have it. */
const good: OtpOptions = {
  apiKey: 'key',
  secret: 'f3a1c05e9b7d4826f3a1c05e9b7d4827',
  countries: ['DE', 'US'],
  store: toOpaque(createMemoryStore(() => 0)),
  origin: 'https://login.example.com',
  budget: { perHour: 100, perDay: 1000 },
}

function misuses(events: readonly OtpEvent[]) {
  return events.filter((event) => event.type === 'misuse')
}

function checksIn(events: readonly OtpEvent[]): ValidationName[] {
  return misuses(events).map(({ check }) => check)
}

describe('at the start', () => {
  async function start(options: Partial<OtpOptions>, production = true) {
    if (production) vi.stubEnv('NODE_ENV', 'production')
    const events: OtpEvent[] = []
    const flow = createOtpFlow({ ...good, ...options })
    onTestFinished(() => flow.drain())
    // A listener that is added a moment later hears it too.
    flow.on('misuse', (event) => events.push(event))
    await new Promise(setImmediate)
    return misuses(events)
  }

  // proves: FAIL-4
  test.each<[ValidationName, Partial<OtpOptions>, string]>([
    ['secret', { secret: 'a'.repeat(32) }, 'crypto.randomBytes(32)'],
    ['secret', { secret: new Uint8Array(32) }, 'crypto.randomBytes(32)'],
    ['secret', { secret: 'aabbbaaababbbbababaaabbabbbaababb' }, 'crypto.randomBytes(32)'],
    ['secret', { secret: Uint8Array.from({ length: 32 }, (_, i) => i) }, 'crypto.randomBytes'],
    ['secret', { secret: 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz' }, 'randomBytes'],
    ['secret', { secret: 'change-me-before-you-go-to-production' }, 'crypto.randomBytes(32)'],
    ['secret', { secret: ['your-otp-secret-of-32-bytes-or-more', String(good.secret)] }, 'randomB'],
    ['origin', { origin: 'http://login.example.com' }, 'https origin'],
    [
      'smsText',
      { channels: [sms({ from: 'ACME', text: '{{OTP}}.\n\n@acme.example #{{OTP}}' })] },
      'Write "@login.example.com #{{OTP}}"',
    ],
    ['smsText', { channels: [sms({ from: 'ACME', text: '{{OTP}} — ваш код' })] }, 'ucs2: '],
    ['smsText', { channels: [sms({ from: 'ACME-SIGN-IN', text: '{{OTP}}' })] }, 'sender-too-long'],
    ['origin', { origin: ['https://example.com', 'http://10.0.0.1:3000'] }, 'https origin'],
    ['budget', { budget: undefined }, 'budget: { perHour, perDay }'],
    ['countriesAny', { countries: 'any' }, `['DE', 'US']`],
    ['apiKey', { apiKey: 'sandbox_example' }, 'the key of your tyntec account'],
    ['apiKey', { baseUrl: 'http://127.0.0.1:8026' }, 'Leave it out'],
    ['apiKey', { baseUrl: 'https://localhost' }, 'Leave it out'],
  ])('%s is told once, with its code and the fix: %j', async (check, options, fix) => {
    expect(await start(options)).toEqual([
      {
        type: 'misuse',
        check,
        code: validationCodes[check],
        message: expect.stringContaining(fix),
        at: expect.any(Number),
      },
    ])
    expect(await start({ ...options, validate: { [check]: false } })).toEqual([])
    expect(await start({ ...options, validate: false })).toEqual([])
  })

  test('nothing is told of an app that is set up well', async () => {
    expect(await start({})).toEqual([])
    expect(await start({ validate: true })).toEqual([])
    expect(await start({ validate: { budget: true, origin: undefined } })).toEqual([])
    expect(await start({ origin: ['http://localhost:3000', 'http://[::1]'] })).toEqual([])
    expect(await start({ budget: { perDay: 5 }, apiKey: () => 'sandbox_x' })).toEqual([])
    for (let made = 0; made < 200; made++) {
      const bytes = randomBytes(32)
      const secret = [bytes, bytes.toString('hex'), bytes.toString('base64')]
      expect(await start({ secret })).toEqual([])
    }
  })

  test('what only production needs is not told elsewhere', async () => {
    const relaxed = { budget: undefined, countries: 'any', apiKey: 'sandbox_x' } as const
    const given = { ...relaxed, origin: 'http://dev.internal', baseUrl: 'http://localhost:8026' }
    expect(await start(given, false)).toEqual([])
  })

  test('the memory store is told of when no other is given', async () => {
    const [told, ...more] = await start({ store: undefined }, false)
    expect(told).toMatchObject({
      check: 'memoryStore',
      code: 'OTP_MEMORY_STORE',
      message: expect.stringContaining('redisStore(client)'),
    })
    expect(more).toEqual([])
    expect(await start({ store: undefined, validate: { memoryStore: false } }, false)).toEqual([])
  })

  test('no switch lets through what would be insecure', () => {
    vi.stubEnv('NODE_ENV', 'production')
    const create = (options: Partial<OtpOptions>) => () =>
      createOtpFlow({ ...good, validate: false, ...options })
    const misuse = expect.objectContaining({ code: 'ERR_OTP_MISUSE' })
    const refused = expect.objectContaining({ code: 'ERR_OTP_OPTIONS' })
    expect(create({ store: undefined })).toThrow(misuse)
    expect(create({ origin: undefined })).toThrow(refused)
    expect(create({ pinLength: 4 })).toThrow(refused)
    expect(create({ secret: 'short' })).toThrow(refused)
    expect(create({ baseUrl: 'http://api.example.com' })).toThrow(refused)
    expect(create({})).not.toThrow()
  })

  test('a check that does not exist can not be switched off', () => {
    for (const validate of [{ trustproxy: false }, { trustProxy: 'no' }, 'off', null, []]) {
      const options = { ...good, validate: validate as ValidateOption } // what a caller without types may give
      expect(() => createOtpFlow(options)).toThrow(
        expect.objectContaining({
          code: 'ERR_OTP_OPTIONS',
          message: expect.stringContaining('"validate'),
        }),
      )
    }
  })
})

describe.each(frameworks)('at the first request on %s', (framework) => {
  const express = framework.startsWith('express')
  const trustOne = express ? `app.set('trust proxy', 1)` : 'maxIpsCount: 1'

  /** The checks that tell of an app after a few requests. */
  async function told(
    options: Omit<AppOptions, 'framework'>,
    headers: Record<string, string> = {},
    visit: (app: App) => Promise<unknown> = async (app) => {
      const client = app.client()
      await client.post('/login/send', { number }, { headers })
      await client.get('/login/status', { headers })
      await client.post('/login/resend', {}, { headers })
    },
  ) {
    const app = await setupApp({ framework, ...options })
    await visit(app)
    return misuses(app.events)
  }
  const off = (name: ValidationName) => ({ flow: { validate: { [name]: false } } })
  const one = (check: ValidationName, fix: string) => [
    expect.objectContaining({
      check,
      code: validationCodes[check],
      message: expect.stringContaining(fix),
    }),
  ]
  const trusting = { trustProxy: express ? true : 0 }

  // proves: NET-1
  test('trustProxy: every proxy is trusted', async () => {
    expect(await told(trusting)).toEqual(one('trustProxy', trustOne))
    // Whatever the client claims to be is nothing more to tell of.
    const claimed = { 'x-forwarded-for': 'nobody' }
    expect(await told(trusting, claimed)).toEqual(one('trustProxy', trustOne))
    expect(await told({ ...trusting, ...off('trustProxy') })).toEqual([])
    expect(await told({ trustProxy: 1 })).toEqual([])
    expect(await told({})).toEqual([])
    if (express) {
      expect(
        await told({ express: (app) => app.set('trust proxy', ['loopback', '10.0.0.0/8']) }),
      ).toEqual([])
    } else {
      const koa: AppOptions['koa'] = (app) => (app.proxyIpHeader = 'X-Real-IP')
      expect(await told({ ...trusting, koa })).toEqual([])
    }
  })

  test('forwardedFor: a proxy is there that is not trusted', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    expect(await told({}, headers)).toEqual(one('forwardedFor', trustOne))
    expect(await told(off('forwardedFor'), headers)).toEqual([])
    expect(await told({ trustProxy: 1 }, headers)).toEqual([])
    const onlySend = (app: App) => app.client().post('/login/send', { number }, { headers })
    expect(await told({}, {}, onlySend)).toHaveLength(1)
  })

  // proves: NET-5
  test('address: there is none that limits could count', async () => {
    const headers = { 'x-forwarded-for': 'a client' }
    expect(await told({ trustProxy: 1 }, headers)).toEqual(one('address', trustOne))
    expect(await told({ trustProxy: 1, ...off('address') }, headers)).toEqual([])
    expect(await told({ trustProxy: 1 }, { 'x-forwarded-for': '2001:db8::1' })).toEqual([])
    // As a gateway of Azure writes it.
    expect(await told({ trustProxy: 1 }, { 'x-forwarded-for': '192.0.2.1:4711' })).toEqual([])
  })

  test('cookieSecure: production without https', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const https = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' }
    const setup = (
      validate: ValidateOption = {},
      trustProxy = 0,
    ): Omit<AppOptions, 'framework'> => ({
      store: 'redis',
      ...(trustProxy && { trustProxy }),
      flow: {
        origin: 'https://login.example.com',
        budget: { perHour: 5 },
        validate: { apiKey: false, ...(validate as object) },
      },
    })
    expect(await told(setup())).toEqual(one('cookieSecure', trustOne))
    expect(await told(setup({ cookieSecure: false }))).toEqual([])
    expect(await told(setup({}, 1), https)).toEqual([])
  })

  test('session: Passport has none to sign in to', async () => {
    const wanted = express ? 'express-session' : 'koa-session'
    const missing = one('session', wanted)
    expect(await told({ sessionless: true })).toEqual(missing)
    const onlyStatus = (app: App) => app.client().get('/login/status')
    expect(await told({ sessionless: true }, {}, onlyStatus)).toEqual(missing)
    expect(await told({ sessionless: true, ...off('session') })).toEqual([])
    expect(await told({ sessionless: true, opener: 'onVerified' })).toEqual([])
    expect(await told({})).toEqual([])
    if (!express) expect(await told({ opener: 'koa-passport' })).toEqual([])
  })

  test('session: it can not be regenerated', async () => {
    const options: Omit<AppOptions, 'framework'> = {
      sessionless: true,
      express: (app) =>
        app.use((req, _res, next) => {
          Object.assign(req, { session: { save() {} } })
          next()
        }),
      koa: (app) =>
        app.use((ctx, next) => {
          Object.defineProperty(ctx, 'session', { value: { save() {} }, configurable: true })
          return next()
        }),
    }
    expect(await told(options)).toEqual(one('session', 'no regenerate()'))
    expect(await told({ ...options, ...off('session') })).toEqual([])
    expect(await told({ ...options, opener: 'onVerified' })).toEqual([])
  })

  test('a session is looked at without one being made', async () => {
    const app = await setupApp({ framework })
    const answer = await app.client().get('/login/status')
    expect(answer.cookies.filter((line) => line.startsWith('sid='))).toEqual([])
    expect(app.sessions.records.size).toBe(0)
  })

  test('only the first request is looked at, since strangers write the later ones too', async () => {
    expect(
      await told({}, {}, async (app) => {
        await app.client().get('/login/status')
        const headers = { 'x-forwarded-for': '192.0.2.1' }
        await app.client().post('/login/send', { number }, { headers })
      }),
    ).toEqual([])
  })

  // proves: NET-1
  test('a hundred made-up addresses are one to the limit', async () => {
    // Elsewhere this machine's own address has room.
    vi.stubEnv('NODE_ENV', 'production')
    const limits = { sendsPerAddress: { points: 5, duration: 3600 } }
    const origin = 'https://login.example.com'
    const validate = { forwardedFor: false }
    const app = await setupApp({ framework, store: 'redis', flow: { limits, origin, validate } })
    const statuses: number[] = []
    for (let sent = 0; sent < 100; sent++) {
      const [a, b, c, d] = randomBytes(4)
      const claimed = sent % 2 === 0 ? `${a}.${b}.${c}.${d}` : `2001:db8:${a}:${b}::${c}`
      const headers = {
        'x-forwarded-for': claimed,
        forwarded: `for="${claimed}"`,
        'x-real-ip': claimed,
        'cf-connecting-ip': claimed,
      }
      const to = `+1201555${String(100 + (sent % 100)).padStart(4, '0')}`
      statuses.push((await app.client().post('/login/send', { number: to }, { headers })).status)
    }
    expect(statuses.filter((status) => status === 202)).toHaveLength(5)
    expect(statuses.slice(5)).toEqual(Array(95).fill(429))
  })
})

describe('piece by piece', () => {
  /** A sign-in by the strategy itself, without a session. */
  async function told(authenticate: object | undefined, validate: ValidateOption = true) {
    const app = await setupApp({
      framework: 'express 5',
      sessionless: true,
      flow: { validate },
      opener: 'onVerified',
      express: (app, { passport }) =>
        app.post(
          '/check',
          authenticate
            ? passport.authenticate('tyntec-otp', authenticate)
            : (req, res, next) =>
                passport.authenticate('tyntec-otp', () => res.send('in'))(req, res, next),
        ),
    })
    const client = app.client()
    await client.post('/check', { code: '123456' })
    await client.post('/check', { code: '123456' })
    return checksIn(app.events)
  }

  test('the strategy misses a session where it goes on by itself', async () => {
    expect(await told({ successRedirect: '/' })).toEqual(['session'])
    expect(await told({ successRedirect: '/' }, { session: false })).toEqual([])
    expect(await told({ successReturnToOrRedirect: '/' })).toEqual(['session'])
    expect(await told({ successRedirect: '/', session: false })).toEqual([])
    expect(await told({ assignProperty: 'account', successRedirect: '/' })).toEqual([])
    // What the app's own callback opens, only the app knows.
    expect(await told(undefined)).toEqual([])
  })

  test('checkOtp misses it as well, and sendOtp does not', async () => {
    const setup = await setupApp({
      framework: 'express 5',
      sessionless: true,
      opener: 'onVerified',
      express: (app, { flow, passport }) => {
        app.post('/send', onExpress.sendOtp(flow))
        app.post('/check', onExpress.checkOtp(flow, { passport }))
      },
    })
    const client = setup.client()
    await client.post('/send', { number })
    expect(checksIn(setup.events)).toEqual([])
    await client.post('/check', { code: '123456' })
    expect(checksIn(setup.events)).toEqual(['session'])
  })
})

test('bodyParser: switched off, the request is still refused and the operator not told', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const events: OtpEvent[] = []
  const onEvent = (event: OtpEvent) => events.push(event)
  const flow = createOtpFlow({ ...good, validate: { bodyParser: false }, onEvent })
  const app = express()
  app.use('/login', onExpress.otpRouter(flow, { onVerified() {} }))
  const base = await listenOn(app, 0)
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${base}/login/send`, {
    method: 'POST',
    headers,
    body: '{"number":1}',
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'bad_request' })
  expect(events.filter(({ type }) => type === 'error' || type === 'misuse')).toEqual([])
  expect(warned).not.toHaveBeenCalled()
})

// proves: NET-5
test('address: a server on a Unix socket has none', async () => {
  const folder = await temporary()
  const events: OtpEvent[] = []
  const flow = createOtpFlow({ ...good, onEvent: (event) => events.push(event) })
  const app = express()
  app.use('/login', onExpress.otpRouter(flow, { onVerified() {} }))
  const socketPath = join(folder, 'socket')
  await listenOn(app, socketPath)
  const request = httpRequest({ socketPath, path: '/login/status' }).end()
  const [response] = await once(request, 'response')
  response.resume()
  expect(checksIn(events)).toEqual(['address'])
})

test('a client that has gone leaves the look to the next one', () => {
  const told: string[] = []
  const events = createEvents(
    (event) => void (event.type === 'misuse' && told.push(event.check)),
    undefined,
  )
  const validation = createValidation(good, resolveOptions(good), events)
  const visit = (gone: boolean, address: unknown) =>
    validation.request({
      headers: {},
      address,
      secure: true,
      app: { framework: 'koa', proxies: 'some', trustOne: 'proxy: true' },
      gone: () => gone,
    })
  visit(true, undefined)
  expect(told).toEqual([])
  visit(false, undefined)
  expect(told).toEqual(['address'])
  visit(false, undefined)
  expect(told).toEqual(['address'])
})

describe('peers', () => {
  /** A folder with packages of these versions, and a file to look from. */
  async function folderWith(versions: Record<string, string>): Promise<string> {
    const folder = await temporary()
    for (const [path, version] of Object.entries(versions)) {
      const name = path.split('/').at(-1)
      const place = join(
        folder,
        'node_modules',
        ...path.split('/').join('/node_modules/').split('/'),
      )
      await mkdir(place, { recursive: true })
      await writeFile(join(place, 'package.json'), JSON.stringify({ name, version }))
    }
    return join(folder, 'app.js')
  }

  // proves: SUP-2
  test.each([
    ['express', '3.21.2', true],
    ['express', '4.19.1', true],
    ['express', '4.9.0', true],
    ['express', '5.0.0-beta.3', true],
    ['express', '4.19.2', false],
    ['express', '4.22.3', false],
    ['express', '5.0.0', false],
    ['express', '10.0.0', false],
    ['koa', '2.16.3', true],
    ['koa', '3.1.1', true],
    ['koa', '1.7.0', true],
    ['koa', '2.16.4', false],
    ['koa', '3.3.0', false],
    ['koa', '4.0.0', false],
    ['passport', '0.5.3', true],
    ['passport', '0.6.0', false],
    ['passport', '1.0.0', false],
    ['passport', 'latest', false],
  ] as const)('%s %s has a known hole: %s', async (peer, version, hole) => {
    const app = await folderWith({ [peer]: version })
    const found = findHoles([peer], [app])
    expect(found).toHaveLength(hole ? 1 : 0)
    if (hole) expect(found[0]).toMatch(new RegExp(`^${peer} ${version} .*CVE-\\d{4}-\\d+.* close`))
  })

  // proves: SUP-2
  test('koa-passport has a Passport of its own', async () => {
    const app = await folderWith({
      passport: '0.7.0',
      'koa-passport': '4.1.4',
      'koa-passport/passport': '0.4.1',
    })
    expect(findHoles(['passport'], [app])).toEqual([expect.stringContaining('passport 0.4.1')])
  })

  test('what is installed here has none, and what is not installed is not spoken of', async () => {
    expect(findHoles(['express', 'koa', 'passport'])).toEqual([])
    const app = await folderWith({ express: '{"a":"number +4915112345678"}' })
    expect(
      findHoles(['express', 'koa', 'passport'], [app, undefined, '/nowhere/at/all.js']),
    ).toEqual([])
  })

  test('are looked at with the first request, and the first login', async () => {
    const folder = await folderWith({ koa: '2.11.0', passport: '0.4.1' })
    const told: string[] = []
    const events = createEvents(
      (event) => void (event.type === 'misuse' && told.push(event.message)),
      undefined,
    )
    const visit = { headers: {}, address: '192.0.2.1', secure: true, gone: () => false }
    const create = (validate: ValidateOption = true) => {
      const given = { ...good, validate }
      return createValidation(given, resolveOptions(given), events, [folder])
    }
    const app = { framework: 'koa', proxies: 'none', trustOne: 'proxy: true' } as const
    create().request({ ...visit, app })
    expect(told.splice(0)).toEqual([expect.stringMatching(/koa 2\.11\.0 .*Update it/)])
    create().login(undefined)
    expect(told.splice(0)).toEqual([expect.stringContaining('passport 0.4.1')])
    const both = create()
    both.request({ ...visit, app })
    both.login(undefined)
    both.login(undefined)
    expect(told.splice(0)).toHaveLength(2)
    create().request({ ...visit, app: { ...app, framework: 'express' } })
    create({ peers: false }).request({ ...visit, app })
    create({ peers: false }).login(undefined)
    expect(told).toEqual([])
  })
})

// proves: SUP-3
test('types know the names of checks and the parts of groups', () => {
  const options: OtpOptions[] = [
    { ...good, validate: { peers: false } },
    // @ts-expect-error no such check
    { ...good, validate: { proxies: false } },
    // @ts-expect-error no such limit
    { ...good, limits: { sendsPerNumbers: [] } },
    // @ts-expect-error no such part of the budget
    { ...good, budget: { perMonth: 5 } },
    // @ts-expect-error no number
    { ...good, pinLength: '6' },
  ]
  expect(
    options.map((each) => {
      try {
        return resolveOptions(each).pinLength
      } catch {
        return 'refused'
      }
    }),
  ).toEqual([6, ...Array<string>(4).fill('refused')])
})

describe('the process', () => {
  test('warns once of each check, however many flows there are', async () => {
    const file = join(await temporary(), 'misuse.mts')
    await writeFile(
      file,
      `import { createOtpFlow } from ${JSON.stringify(join(process.cwd(), 'src/index.ts'))}
      for (const secret of ['a', 'b']) {
        createOtpFlow({ apiKey: 'key', secret: secret.repeat(32), countries: ['DE'] })
      }
      createOtpFlow({ apiKey: 'key', secret: 'c'.repeat(32), countries: ['DE'], validate: false })`,
    )
    const { stderr } = await run([file])
    expect(stderr.match(/\[OTP_\w+\] OtpWarning/g)).toEqual([
      '[OTP_SECRET] OtpWarning',
      '[OTP_MEMORY_STORE] OtpWarning',
    ])
    expect(stderr).toContain('validate: { secret: false }')
    expect(stderr).not.toContain('aaaa')
  })

  test.each(['express', 'koa'])('has no warning to give of the demo on %s', async (framework) => {
    const [port, sandboxPort] = [await freePort(), await freePort()]
    const { stderr, stdout } = await run(['examples/demo.ts'], {
      env: { FRAMEWORK: framework, PORT: String(port), SANDBOX_PORT: String(sandboxPort) },
      until: 'ready http',
      async visit() {
        const base = `http://localhost:${port}`
        expect((await fetch(`${base}/`)).status).toBe(200)
        const headers = { 'content-type': 'application/json' }
        const body = JSON.stringify({ number })
        const sent = await fetch(`${base}/login/send`, { method: 'POST', headers, body })
        expect(sent.status).toBe(202)
      },
    })
    expect(stdout).toContain('ready')
    expect(stderr).toBe('')
  })
})

interface RunOptions {
  env?: Record<string, string>
  /** What it prints when it is ready for `visit`, after which it is ended. */
  until?: string
  visit?: () => Promise<void>
}

/** Runs a script in a process of its own. */
async function run(args: string[], { env = {}, until, visit }: RunOptions = {}) {
  const { NODE_DEBUG: _, NODE_ENV: __, ...inherited } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const printed = { stdout: '', stderr: '' }
  const ended = once(child, 'close')
  child.stderr.on('data', (chunk) => (printed.stderr += String(chunk)))
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      printed.stdout += String(chunk)
      if (until !== undefined && printed.stdout.includes(until)) resolve()
    })
    void ended.then(() => resolve())
  })
  await visit?.()
  if (until !== undefined) child.kill('SIGKILL')
  await ended
  return printed
}

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  server.close()
  await once(server, 'close')
  return port
}

async function listenOn(listener: RequestListener, place: number | string): Promise<string> {
  const server = createServer(listener).listen(place)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  return typeof address === 'object' ? `http://localhost:${address?.port}` : ''
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otp-validate-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
