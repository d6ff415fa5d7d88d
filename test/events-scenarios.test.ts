import { otpRouter } from 'passport-tyntec-otp/express'
import { describe, expect, test } from 'vitest'
import type { OtpEvent } from '../src/events.js'
import type { OtpOptions } from '../src/options/options.js'
import { frameworks, setupApp } from './support/app.js'
import { expectDocumented } from './support/events.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  rightCode,
  sendCode,
  setupFlow,
  signIn,
  type TestFlow,
  changed,
} from './support/flow.js'
import { redisStore } from '../src/store/redis.js'
import { toOpaque } from '../src/store/store.js'

const wrongCode = '111111'
const quiet = { validate: false } as const

/** The events since the last look, whole but for time and flow. */
function look({ events }: { events: OtpEvent[] }): object[] {
  return events.splice(0).map((event) => {
    expectDocumented(event)
    const {
      at: _at,
      flowId: _flowId,
      message: _message,
      ...rest
    } = event as OtpEvent & {
      flowId?: string
      message?: string
    }
    return rest
  })
}

async function setup(
  kind: (typeof flowKinds)[number],
  options: Partial<OtpOptions> = {},
): Promise<TestFlow> {
  return setupFlow(kind, { ...quiet, ...options })
}

const sent = { type: 'otp.sent', via: 'sms', country: 'US' }
const place = { via: 'sms', country: 'US' }
const refused = (step: string, reason: string) => ({ type: 'request.refused', step, reason })

describe.each(flowKinds)('exactly these events are told on %s', (kind) => {
  // proves: LOG-3
  test('of a sign-in', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    expect(look(flow)).toEqual([sent])
    await flow.flow.status({ handle })
    expect(look(flow)).toEqual([{ type: 'otp.delivery', ...place, delivery: 'delivered' }])
    expect(await signIn(flow.flow, handle)).toBe('opened')
    expect(look(flow)).toEqual([
      { type: 'otp.verified', ...place, failuresBefore: 0, knownBrowser: false },
      { type: 'session.opened' },
    ])
  })

  // proves: ATT-12, LOG-3
  test('of a sign-in after failures', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    await flow.flow.check({ handle, code: wrongCode })
    await flow.flow.check({ handle, code: '222222' })
    await signIn(flow.flow, handle)
    expect(look(flow).slice(1)).toEqual([
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'otp.verified', ...place, failuresBefore: 2, knownBrowser: false },
      { type: 'session.opened' },
    ])
  })

  // proves: ATT-12
  test('of a browser that is known, and of one that is not', async () => {
    const flow = await setup(kind)
    const first = await flow.flow.check({ handle: await sendCode(flow), code: rightCode })
    if (first.status !== 'verified') throw new Error(first.status)
    await flow.flow.complete(first.proof)
    const { device } = first
    const known: unknown[] = []
    look(flow)
    for (const shown of [device, undefined, `${device.slice(0, -2)}AA`, '\r\n']) {
      await flow.advance(31)
      await signIn(flow.flow, await sendCode(flow, { device: shown }))
      const verified = flow.events.splice(0).filter(({ type }) => type === 'otp.verified')
      known.push(...verified.map((event) => 'knownBrowser' in event && event.knownBrowser))
    }
    expect(known).toEqual([true, false, false, false])
  })

  // proves: ATT-12, LOG-3
  test('of a code whose tries are used up', async () => {
    const flow = await setup(kind, { attempts: 2 })
    const handle = await sendCode(flow)
    for (const code of [wrongCode, '222222', '333333']) await flow.flow.check({ handle, code })
    await flow.flow.resend({ handle })
    expect(look(flow).slice(1)).toEqual([
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'otp.rejected', reason: 'too_many_attempts' },
      { type: 'otp.locked' },
      refused('check', 'too_many_attempts'),
      refused('resend', 'resend_too_soon'),
    ])
    await flow.advance(31)
    expect((await flow.flow.resend({ handle })).status).toBe('sent')
    expect(look(flow)).toEqual([sent])
  })

  test('of a code that tyntec has closed', async () => {
    const flow = await setup(kind, { attempts: 10 })
    const handle = await sendCode(flow)
    for (const code of [wrongCode, '222222', '333333', '444444']) {
      await flow.flow.check({ handle, code })
    }
    expect(look(flow).slice(1)).toEqual([
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'otp.rejected', reason: 'too_many_attempts' },
      { type: 'otp.locked' },
      refused('check', 'too_many_attempts'),
    ])
  })

  test('of a code whose time is over', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    await flow.advance(301)
    expect(await signIn(flow.flow, handle)).toBe('code_expired')
    expect(look(flow).slice(1)).toEqual([{ type: 'otp.expired', step: 'check' }])
    const [first] = flow.events
    expect((await flow.flow.resend({ handle })).status).toBe('sent')
    // It begins again: as a flow of its own.
    const [again] = flow.events
    expect(again).toMatchObject({ flowId: expect.any(String) })
    expect(again).not.toMatchObject({ flowId: (first as { flowId?: string } | undefined)?.flowId })
    expect(look(flow)).toEqual([sent])
    // The ten minutes in which it can are over.
    await flow.advance(601)
    await flow.flow.resend({ handle })
    expect(look(flow)).toEqual([refused('resend', 'no_pending_code')])
  })

  test('of a code that tyntec calls too old', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    const asked = flow.gate.next('check')
    const checking = flow.flow.check({ handle, code: rightCode })
    await (await asked).answerWith(404, {})
    expect(await checking).toEqual({ status: 'code_expired' })
    expect(look(flow).slice(1)).toEqual([{ type: 'otp.expired', step: 'check' }])
  })

  test('of a resend', async () => {
    const flow = await setup(kind, { voice: true })
    const handle = await sendCode(flow)
    expect((await flow.flow.resend({ handle })).status).toBe('resend_too_soon')
    await flow.advance(31)
    expect((await flow.flow.resend({ handle, via: 'voice' })).status).toBe('sent')
    expect(look(flow).slice(1)).toEqual([
      refused('resend', 'resend_too_soon'),
      { type: 'otp.resent', via: 'voice', country: 'US', newCode: false },
    ])
  })

  test('of a flow that the person ends', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    await flow.flow.cancel({ handle })
    await flow.flow.cancel({ handle })
    expect(await signIn(flow.flow, handle)).toBe('no_pending_code')
    expect(look(flow).slice(1)).toEqual([
      { type: 'otp.cancelled' },
      refused('check', 'no_pending_code'),
    ])
  })

  // proves: SES-2, LOG-3
  test('of steps out of order', async () => {
    const flow = await setup(kind)
    for (const handle of [undefined, null, '']) {
      await flow.flow.check({ handle, code: rightCode })
      await flow.flow.resend({ handle })
      // A page may ask for these at any time.
      await flow.flow.status({ handle })
      await flow.flow.cancel({ handle })
      expect(look(flow)).toEqual([refused('check', 'no_handle'), refused('resend', 'no_handle')])
    }
    const handle = await sendCode(flow)
    await signIn(flow.flow, handle)
    look(flow)
    // Its answer may have been lost: the session is opened again, and nothing is proven anew.
    expect(await signIn(flow.flow, handle)).toBe('repeated')
    expect(look(flow)).toEqual([{ type: 'session.opened' }])
    await flow.advance(61)
    expect(await signIn(flow.flow, handle)).toBe('no_pending_code')
    expect((await flow.flow.resend({ handle })).status).toBe('no_pending_code')
    await flow.flow.status({ handle })
    await flow.flow.cancel({ handle })
    expect(look(flow)).toEqual([
      refused('check', 'no_pending_code'),
      refused('resend', 'no_pending_code'),
    ])
  })

  test('of a send that is refused, whatever flow came before it', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    look(flow)
    for (const given of [handle, 'x', undefined]) {
      await flow.flow.send({ number: '+1', handle: given })
      expect(flow.events).toEqual([
        { ...refused('send', 'invalid_number'), at: expect.any(Number) },
      ])
      look(flow)
    }
  })

  test('of handles that are none of ours', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    look(flow)
    const malformed: unknown[] = [
      'x',
      handle.slice(1),
      `${handle}A`,
      `${handle.slice(0, -1)}\n`,
      'A'.repeat(100_000),
      { handle },
      [handle],
      42,
    ]
    for (const given of malformed) {
      await flow.flow.check({ handle: given, code: rightCode })
      await flow.flow.resend({ handle: given })
      await flow.flow.status({ handle: given })
      await flow.flow.cancel({ handle: given })
      expect(look(flow)).toEqual(
        ['check', 'resend', 'status', 'cancel'].map((step) => refused(step, 'malformed_handle')),
      )
    }
    // One bit of the random part: its MAC says that it is nobody's.
    const at = 20
    const changed = handle[at] === 'A' ? 'B' : 'A'
    const tampered = handle.slice(0, at) + changed + handle.slice(at + 1)
    expect((await flow.flow.check({ handle: tampered, code: rightCode })).status).toBe(
      'no_pending_code',
    )
    expect(look(flow)).toEqual([refused('check', 'malformed_handle')])
    expect(await signIn(flow.flow, handle)).toBe('opened')
  })

  // proves: LOG-3
  test('of input that is none', async () => {
    const flow = await setup(kind)
    const sends: [object, string][] = [
      [{ number: '' }, 'number_required'],
      [{ number: '12\r\n34' }, 'invalid_number'],
      [{ number: 42 }, 'bad_request'],
      [{ number: '+447400123456' }, 'number_not_allowed'],
      [{ number, country: ['XX'] }, 'bad_request'],
      [{ number, language: '\u001B[2J'.repeat(20) }, 'bad_request'],
      [{ number, via: 'voice' }, 'channel_not_allowed'],
      [{ number, via: {} }, 'bad_request'],
    ]
    for (const [input, reason] of sends) {
      await flow.flow.send(input as { number: string }) // what a body can hold
      expect(look(flow)).toEqual([refused('send', reason)])
    }
    const handle = await sendCode(flow)
    look(flow)
    const checks: [unknown, string][] = [
      [undefined, 'code_required'],
      ['', 'code_required'],
      ['12345', 'malformed_code'],
      ['1234567\r\nevil', 'malformed_code'],
    ]
    for (const [code, reason] of checks) {
      await flow.flow.check({ handle, code })
      expect(look(flow)).toEqual([refused('check', reason)])
    }
    expect(await flow.count('check')).toBe(0)
  })

  // proves: LOG-3
  test('of limits', async () => {
    const flow = await setup(kind, {
      resendWaits: [1],
      limits: {
        sendsPerNumber: [{ points: 2, duration: 600 }],
        sendsPerAddress: { points: 3, duration: 3600 },
        failuresPerNumber: { free: 1, wait: 3600 },
      },
    })
    const address = '192.0.2.1'
    await sendCode(flow, { address })
    await flow.advance(2)
    const handle = await sendCode(flow, { address })
    await flow.advance(2)
    look(flow)
    await flow.flow.send({ number, address })
    expect(look(flow)).toEqual([{ type: 'limit.hit', limit: 'sends_per_number' }])
    // What is refused is not counted: its address has one more.
    await flow.flow.send({ number: numbers[1], address })
    expect(look(flow)).toEqual([sent])
    await flow.flow.send({ number: numbers[2], address })
    expect(look(flow)).toEqual([{ type: 'limit.hit', limit: 'sends_per_address' }])
    await flow.flow.check({ handle, code: wrongCode })
    await flow.flow.check({ handle, code: '222222' })
    expect(look(flow)).toEqual([
      { type: 'otp.rejected', reason: 'invalid_code' },
      { type: 'limit.hit', limit: 'failures_per_number' },
    ])
  })

  // proves: ATT-3, LOG-3
  test('of the failure that disables a number', async () => {
    const flow = await setup(kind, { limits: { failuresPerNumber: { free: 5, disableAt: 3 } } })
    const handle = await sendCode(flow)
    look(flow)
    for (const code of [wrongCode, '222222']) await flow.flow.check({ handle, code })
    expect(look(flow)).toHaveLength(2)
    await flow.flow.check({ handle, code: '333333' })
    expect(look(flow)).toEqual([
      { type: 'number.disabled' },
      { type: 'otp.rejected', reason: 'too_many_attempts' },
      { type: 'otp.locked' },
    ])
    await flow.flow.unlock(number)
    await flow.advance(31)
    expect(await signIn(flow.flow, await sendCode(flow))).toBe('opened')
    expect(look(flow).slice(1)).toEqual([
      { type: 'otp.verified', ...place, failuresBefore: 0, knownBrowser: false },
      { type: 'session.opened' },
    ])
  })

  test('of a budget that is used up', async () => {
    const flow = await setup(kind, { budget: { perHour: 1, perDay: 100 } })
    await sendCode(flow)
    await failure(flow.flow.send({ number: numbers[1] }))
    expect(look(flow)).toEqual([
      { type: 'budget.warning', window: 'hour', used: 1, of: 1 },
      sent,
      { type: 'budget.exhausted', window: 'hour', used: 1, of: 1 },
      { type: 'error', step: 'send', code: 'ERR_OTP_BUDGET', processed: 'no' },
    ])
  })

  test('of a challenge', async () => {
    const answers = [false, true]
    const flow = await setup(kind, { challenge: () => answers.shift() ?? fail() })
    await flow.flow.send({ number, challenge: 'token\r\n' })
    expect(look(flow)).toEqual([{ type: 'challenge.refused', ...place, failed: false }])
    await flow.flow.send({ number, challenge: 'token' })
    expect(look(flow)).toEqual([sent])
    await flow.advance(31)
    await flow.flow.send({ number, challenge: 'token' })
    expect(look(flow)).toEqual([
      { type: 'error', step: 'challenge', code: 'ERR_OTP_MISUSE' },
      { type: 'challenge.refused', ...place, failed: true },
    ])
    function fail(): never {
      throw new Error(`not for ${number}`)
    }
  })

  test('of messages without a sign-in', async () => {
    const rule = { free: 1, share: 0 }
    const flow = await setup(kind, {
      pumping: { mode: 'enforce', country: rule, address: { free: 100 }, range: { free: 100 } },
    })
    await sendCode(flow)
    expect(look(flow)).toEqual([sent])
    await flow.flow.send({ number: numbers[1] })
    expect(look(flow)).toEqual([
      {
        type: 'pumping.suspected',
        by: 'country',
        country: 'US',
        unverified: 2,
        verified: 0,
        enforced: true,
      },
      { type: 'limit.hit', limit: 'pumping' },
    ])
  })

  test('of a message that only looks odd and is refused for something else', async () => {
    const rule = { free: 1, share: 0 }
    const flow = await setup(kind, { pumping: { mode: 'shadow', country: rule } })
    await sendCode(flow)
    look(flow)
    expect((await flow.flow.send({ number })).status).toBe('resend_too_soon')
    // Nothing of it was counted, so there is nothing odd to tell.
    expect(look(flow)).toEqual([refused('send', 'resend_too_soon')])
  })

  test('of a number that is not known', async () => {
    const flow = await setup(kind, { knows: () => false })
    const handle = await sendCode(flow)
    expect(look(flow)).toEqual([{ type: 'otp.decoyed', ...place }])
    await flow.flow.check({ handle, code: rightCode })
    expect(look(flow)).toEqual([{ type: 'otp.rejected', reason: 'invalid_code' }])
    expect(await flow.count('send')).toBe(0)
  })

  // proves: LOG-3
  test('of a key that tyntec refuses', async () => {
    const flow = await setup(kind)
    await flow.fault({ operation: 'otp.send', kind: 'status', status: 401, when: 'before' })
    await failure(flow.flow.send({ number }))
    expect(look(flow)).toEqual([
      { type: 'error', step: 'send', code: 'ERR_OTP_PROVIDER_AUTH', processed: 'no' },
    ])
  })

  // proves: LOG-3
  test('of a refusal that is not about the number: with the code and the words of tyntec', async () => {
    const flow = await setup(kind)
    const body = { code: '1234', message: `Insufficient balance to send to ${number}` }
    await flow.fault({ operation: 'otp.send', kind: 'status', status: 400, body, times: 1 })
    expect((await failure(flow.flow.send({ number }))).status).toBe(503)
    expect(flow.events).toMatchObject([
      { message: expect.stringMatching(/\(400, error 1234: Insufficient balance to send to …\)/) },
    ])
    const refusal = { type: 'error', step: 'send', code: 'ERR_OTP_PROVIDER_RESPONSE' }
    expect(look(flow)).toEqual([{ ...refusal, processed: 'no' }])
    // The person is told of one that is, and the operator too.
    const about = { code: '1000', message: 'Invalid number' }
    await flow.fault({ operation: 'otp.send', kind: 'status', status: 400, body: about, times: 1 })
    expect((await flow.flow.send({ number })).status).toBe('invalid_number')
    expect(look(flow)).toEqual([{ ...refusal, processed: 'no' }])
  })

  // proves: LOG-3
  test('of an answer that was lost, and could not be found', async () => {
    const flow = await setup(kind)
    await flow.fault({ operation: 'otp.send', kind: 'reset', when: 'after' })
    await flow.fault({ operation: 'otp.list', kind: 'status', status: 500, when: 'before' })
    expect((await flow.flow.send({ number })).status).toBe('unconfirmed')
    expect(look(flow)).toEqual([
      { type: 'error', step: 'send', code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' },
      { type: 'otp.unconfirmed', ...place },
    ])
  })

  test('of a check that nobody knows the end of', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    look(flow)
    await flow.fault({ operation: 'otp.check', kind: 'reset', when: 'after' })
    await flow.fault({ operation: 'otp.get', kind: 'status', status: 500, when: 'before' })
    await failure(flow.flow.check({ handle, code: rightCode }))
    expect(look(flow)).toEqual([
      { type: 'error', step: 'check', code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' },
    ])
  })

  test('of a code that could not be deleted', async () => {
    const flow = await setup(kind)
    const handle = await sendCode(flow)
    look(flow)
    await flow.fault({ operation: 'otp.delete', kind: 'status', status: 403, when: 'before' })
    await flow.flow.cancel({ handle })
    expect(look(flow)).toEqual([
      { type: 'error', step: 'delete', code: 'ERR_OTP_PROVIDER_AUTH', processed: 'no' },
      { type: 'otp.cancelled' },
    ])
  })
})

// proves: LOG-3
test('of a Redis that is away', async () => {
  const flow = await setup('redis')
  const handle = await sendCode(flow)
  look(flow)
  if (!flow.redis) throw new Error('this flow has a Redis')
  flow.redis.disconnect()
  // With the deadline that apps have.
  const away = flow.another({ store: redisStore(flow.redis, { prefix: flow.prefix }) })
  const steps = {
    send: () => away.send({ number }),
    resend: () => away.resend({ handle }),
    check: () => away.check({ handle, code: rightCode }),
    status: () => away.status({ handle }),
    cancel: () => away.cancel({ handle }),
  }
  for (const [step, run] of Object.entries(steps)) {
    await failure(run())
    expect(look(flow)).toEqual([{ type: 'error', step, code: 'ERR_OTP_STORE_UNAVAILABLE' }])
  }
})

test('of an error that is not ours', async () => {
  const flow = await setup('memory')
  const broken = flow.another({
    store: toOpaque(
      changed(flow.inner, { read: () => Promise.reject(new Error(`no ${number} here`)) }),
    ),
  })
  const handle = await sendCode(flow)
  flow.events.length = 0
  await expect(broken.status({ handle })).rejects.toThrow(number)
  expect(flow.events).toEqual([
    {
      type: 'error',
      step: 'status',
      code: 'ERR_OTP_MISUSE',
      message: 'Unexpected error',
      at: expect.any(Number),
    },
  ])
})

test("of a token that is not the app's", async () => {
  const answers: (() => boolean)[] = [
    () => false,
    () => {
      throw new Error('no token')
    },
  ]
  const app = await setupApp({
    framework: 'express 5',
    flow: quiet,
    express: (app, { flow, passport }) => {
      const csrf = () => answers.shift()?.() ?? true
      app.use('/guarded', otpRouter(flow, { passport, csrf }))
    },
  })
  const client = app.client()
  await client.post('/guarded/send', { number })
  const compared = 'The option "csrf" gave something else than true'
  expect(look(app)).toEqual([{ ...refused('send', 'cross_site'), compared }])
  await client.post('/guarded/send', { number })
  expect(look(app)).toEqual([{ type: 'error', step: 'request', code: 'ERR_OTP_MISUSE' }])
  await client.post('/guarded/send', { number })
  expect(look(app)).toEqual([sent])
})

describe.each(frameworks)('of requests that do not reach the flow, on %s', (framework) => {
  // proves: LOG-3
  test.each(['passport', 'onVerified'] as const)('with %s', async (opener) => {
    const app = await setupApp({ framework, opener, flow: quiet })
    const client = app.client()
    const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    for (const step of ['send', 'resend', 'check', 'cancel'] as const) {
      const path = `/login/${step}`
      await client.post(path, { number, code: rightCode }, { headers: evil })
      const compared = expect.stringMatching(
        /^a request with Sec-Fetch-Site cross-site, Origin https:\/\/evil\.example and Host (127\.0\.0\.1:\d+) was compared with \1$/,
      )
      expect(look(app)).toEqual([{ ...refused(step, 'cross_site'), compared }])
      const bad = refused(step, 'bad_request')
      await client.get(path)
      expect(look(app)).toEqual([bad])
      await client.post(path, {}, { headers: { 'sec-purpose': 'prefetch' } })
      expect(look(app)).toEqual([bad])
      await client.call('POST', path, { headers: { 'content-type': 'text/xml' }, raw: '<a/>' })
      expect(look(app)).toEqual([bad])
      if (step === 'cancel') continue
      await client.post(path, { number: [number], code: { $gt: '' }, via: {} })
      expect(look(app)).toEqual([bad])
    }
    await client.post('/login/status')
    expect(look(app)).toEqual([refused('status', 'bad_request')])
    await client.get('/login/status')
    expect(look(app)).toEqual([])
    await client.post('/login/check', { code: '123456' })
    expect(look(app)).toEqual([refused('check', 'no_handle')])
    expect(await app.requests()).toEqual([])
  })
})
