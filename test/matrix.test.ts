import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OtpFlow } from '../src/flow/index.js'
import { createSecrets } from '../src/secrets/secrets.js'
import { frameworks, setupApp } from './support/app.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  type Operation,
  rightCode,
  secret,
  sendCode,
  setupFlow,
  signIn,
  statusOf,
  type TestFlow,
} from './support/flow.js'
import { startRedisProxy } from './support/redis-proxy.js'
import { startRedis } from './support/redis.js'
import { advanceRedis } from './support/stores.js'
import { closedPort } from './tyntec/servers.js'
import { stopwatch } from './support/elapsed.js'

/*
 * docs/reliability.md says for each failure and step what happens. What no other file proves is here.
 */

const auth = { code: 'ERR_OTP_PROVIDER_AUTH', status: 503 }
const unavailable = { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', status: 503 }
const storeIsAway = { code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 }

const steps = ['send', 'resend', 'check'] as const
const [newcomer] = numbers.slice(1)

/** A flow with a code that could be sent again now. */
async function begin(setup: TestFlow): Promise<string> {
  const handle = await sendCode(setup)
  await setup.advance(31)
  return handle
}

/** Each step, as of a browser that is at the point where it takes it. */
function stepsOf(flow: OtpFlow, handle: string, address?: string) {
  return {
    send: () => flow.send({ number: newcomer, address }),
    resend: () => flow.resend({ handle, address }),
    check: () => flow.check({ handle, code: rightCode, address }),
  }
}

/** What a step that was refused must leave: the code, its tries, its resends, and the number's own limits. */
async function expectUntouched(setup: TestFlow, handle: string): Promise<void> {
  expect(await setup.flow.status({ handle })).toMatchObject({
    status: 'pending',
    resend: { allowed: true, retryAfter: 0, remaining: 3 },
  })
  expect(await attemptsOf(setup, handle)).toBe(0)
  expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
  const outcome = await setup.flow.check({ handle, code: rightCode })
  expect(outcome).toMatchObject({ status: 'verified' })
  expect(setup.events.find(({ type }) => type === 'otp.verified')).toMatchObject({
    failuresBefore: 0,
  })
  // The number that was refused has its one message still.
  expect(await setup.flow.send({ number: newcomer })).toMatchObject({ status: 'sent' })
}

async function attemptsOf({ steps: store }: TestFlow, handle: string): Promise<number | undefined> {
  const ref = createSecrets([secret]).parseHandle(handle)
  if (!ref) throw new Error('the handle is ours')
  return (await store.read(ref))?.attempts
}

/** Two messages for each number: one that is sent, and the one that is resent. */
const twoMessages = { limits: { sendsPerNumber: [{ points: 2, duration: 600 }] } }

describe.each(flowKinds)('on %s', (kind) => {
  // proves: tyntec-unreachable/send, tyntec-unreachable/resend, tyntec-unreachable/check
  test('a tyntec that nobody can reach costs the address its use, and nobody else anything', async () => {
    const setup = await setupFlow(kind, {
      limits: { ...twoMessages.limits, sendsPerAddress: { points: 4, duration: 600 } },
    })
    const handle = await begin(setup)
    const flow = setup.another({ baseUrl: `http://127.0.0.1:${await closedPort()}` })
    const asked = await setup.calls()
    const address = '192.0.2.1'
    // As often as the number has messages, and the address uses.
    for (const step of [...steps, ...steps]) {
      expect(await failure(stepsOf(flow, handle, address)[step]())).toEqual(unavailable)
    }
    expect(await setup.calls()).toEqual(asked)
    expect(await flow.send({ number: newcomer, address })).toEqual({
      status: 'rate_limited',
      retryAfter: expect.closeTo(600, -1),
    })
    await expectUntouched(setup, handle)
  })

  // proves: no-key/send, no-key/resend, no-key/check
  test.each([
    ['throws', () => Promise.reject(new Error('the vault is away'))],
    ['gives no key', () => Promise.resolve('')],
  ])('an apiKey function that %s costs nobody anything but the wait', async (_, apiKey) => {
    const setup = await setupFlow(kind, twoMessages)
    const handle = await begin(setup)
    const flow = setup.another({ apiKey })
    const asked = await setup.calls()
    for (const step of [...steps, ...steps]) {
      expect(await failure(stepsOf(flow, handle)[step]())).toEqual(auth)
    }
    expect(await setup.calls()).toEqual(asked)
    expect(setup.events).toContainEqual(
      expect.objectContaining({ type: 'error', step: 'check', code: auth.code }),
    )
    await expectUntouched(setup, handle)
  })

  // proves: UP-9, tyntec-401/send, tyntec-401/resend, tyntec-403/send, tyntec-429/send
  // proves: tyntec-429/resend, tyntec-429/check
  test.each([401, 403, 429])(
    'a %i is one call for one click, and costs nothing',
    async (status) => {
      const setup = await setupFlow(kind, twoMessages)
      const handle = await begin(setup)
      const before = await setup.calls()
      for (const step of steps) {
        const headers = { 'Retry-After': '7' }
        const fault = { kind: 'status', status, headers, times: 1, when: 'before' }
        await setup.fault({ operation: `otp.${step}`, ...fault })
        const clicked = stepsOf(setup.flow, handle)[step]()
        const error: unknown = await clicked.catch((reason: unknown) => reason)
        expect(error).toMatchObject(status === 429 ? { ...unavailable, retryAfter: 7 } : auth)
      }
      const asked = (await setup.calls()).slice(before.length)
      expect(asked.map((call) => [call.operation, call.status])).toEqual(
        steps.map((step) => [step, status]),
      )
      await expectUntouched(setup, handle)
    },
  )

  // proves: answer-lost/send, answer-lost/resend
  test('a message that may have gone out is charged to its number', async () => {
    const setup = await setupFlow(kind, twoMessages)
    const fault = { kind: 'reset', when: 'before', times: 1 }
    await setup.fault({ operation: 'otp.send', ...fault })
    expect(await setup.flow.send({ number })).toMatchObject({ status: 'unconfirmed' })
    await setup.advance(31)
    const handle = await sendCode(setup)
    await setup.advance(31)
    const limited = { status: 'rate_limited', retryAfter: expect.any(Number) }
    expect(await setup.flow.resend({ handle })).toEqual(limited)
    expect(await setup.count('send')).toBe(2)

    const other = await sendCode(setup, { number: newcomer })
    await setup.advance(31)
    await setup.fault({ operation: 'otp.resend', ...fault })
    expect(await setup.flow.resend({ handle: other })).toMatchObject({ status: 'unconfirmed' })
    await setup.advance(61)
    expect(await setup.flow.resend({ handle: other })).toEqual(limited)
    expect(await setup.count('resend')).toBe(1)
  })

  // proves: UP-7, tyntec-403/resend, tyntec-403/check
  test('what tyntec does not know ends a check, and a resend becomes a new code', async () => {
    const setup = await setupFlow(kind)
    // The sandbox forgets the OTP of this number as soon as it is checked or resent.
    const forgotten = '+12015550123'
    const handle = await sendCode(setup, { number: forgotten })
    expect(await setup.flow.check({ handle, code: rightCode })).toEqual({ status: 'code_expired' })
    expect(await setup.flow.check({ handle, code: rightCode })).toEqual({ status: 'code_expired' })
    expect(await setup.count('check')).toBe(1)

    await setup.advance(31)
    const next = await sendCode(setup, { number: forgotten })
    await setup.advance(31)
    expect(await setup.flow.resend({ handle: next })).toMatchObject({
      status: 'sent',
      newCode: true,
      resend: { remaining: 2 },
    })
    const calls = (await setup.calls()).map(({ operation, status }) => [operation, status])
    expect(calls.filter(([operation]) => operation !== 'delete').slice(-2)).toEqual([
      ['resend', 404],
      ['send', 200],
    ])
  })

  // proves: tyntec-403/send
  test('a 404 to a send is a wrong application: nothing is sent, charged or left behind', async () => {
    const setup = await setupFlow(kind, {
      limits: { sendsPerNumber: [{ points: 1, duration: 600 }] },
    })
    await setup.fault({ operation: 'otp.send', kind: 'status', status: 404, when: 'before' })
    for (let clicks = 0; clicks < 3; clicks++) {
      expect(await failure(setup.flow.send({ number }))).toEqual(auth)
    }
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual([
      'send',
      'send',
      'send',
    ])
    expect(setup.eventTypes()).toEqual(['error', 'error', 'error'])
    await setup.noFaults()
    expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
  })

  // proves: tyntec-429/check
  test.each([401, 403, 429])(
    'a code that tyntec took and answered with %i signs in when it is repeated',
    async (status) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const fault = { kind: 'status', status, times: 1, when: 'after' }
      await setup.fault({ operation: 'otp.check', ...fault })
      expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual(
        status === 429 ? unavailable : auth,
      )
      const other = Buffer.from(handle, 'base64url')
      other[20] = (other[20] ?? 0) ^ 1
      expect(await signIn(setup.flow, other.toString('base64url'))).toBe('no_pending_code')
      expect(await signIn(setup.flow, handle)).toBe('opened')
      expect(await signIn(setup.flow, handle)).toBe('repeated')
    },
  )

  // proves: UP-7, tyntec-403/check
  test('a 403 with the OTP in it ends the flow, and only tries are charged', async () => {
    const setup = await setupFlow(kind)
    const ends = [
      ['+12015550120', 'EXPIRED', 'code_expired', 0],
      ['+12015550102', 'TOO_MANY_ATTEMPTS', 'too_many_attempts', 1],
    ] as const
    for (const [to, otpStatus, status, failures] of ends) {
      const handle = await sendCode(setup, { number: to })
      const asked = setup.gate.next('check')
      const checking = setup.flow.check({ handle, code: rightCode })
      const held = await asked
      await held.answerWith(403, { otpId: held.otpId, otpStatus, number: to, attemptCount: 3 })
      expect(await checking).toEqual({ status })
      expect(await signIn(setup.flow, handle)).toBe(status)
      expect(await setup.count('check')).toBe(0)
      const [tag] = createSecrets([secret]).numberTags(to)
      expect(await setup.steps.failures(tag)).toMatchObject({ total: failures })
    }
  })

  // proves: answer-lost/send, portal/send, portal/resend, portal/check
  test('a portal that answers everything with a page lets nobody in, and sends once', async () => {
    const setup = await setupFlow(kind)
    const handle = await begin(setup)
    // tyntec gets every call; the page is in place of its answers.
    await setup.fault({ operation: '*', kind: 'html', status: 200, when: 'after' })
    let fresh = ''
    const sending = setup.flow.send({ number: newcomer, onHandle: (given) => (fresh = given) })
    expect(await sending).toMatchObject({ status: 'unconfirmed' })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'unconfirmed' })
    const response = { code: 'ERR_OTP_PROVIDER_RESPONSE', status: 503 }
    expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual(response)
    expect(await failure(setup.flow.check({ handle: fresh, code: rightCode }))).toEqual(response)

    await setup.noFaults()
    expect(await signIn(setup.flow, handle)).toBe('opened')
    await setup.advance(3.1)
    expect(await signIn(setup.flow, fresh)).toBe('opened')
    const counts = { send: 2, resend: 1, check: 2 }
    for (const step of steps) expect(await setup.count(step)).toBe(counts[step])
  })

  // proves: slow-body/send, slow-body/resend, slow-body/check
  test('a body of 100 kB is no answer, and is looked up', async () => {
    const setup = await setupFlow(kind)
    const long = { otpStatus: 'VERIFIED', padding: 'x'.repeat(100_000) }
    const inPlaceOf = async <T>(operation: Operation, step: () => Promise<T>): Promise<T> => {
      const asked = setup.gate.next(operation)
      const running = step()
      const held = await asked
      await held.forward()
      await held.answerWith(operation === 'check' ? 202 : 200, { otpId: held.otpId, ...long })
      return running
    }
    const handle = await inPlaceOf('send', () => sendCode(setup))
    expect(await setup.count('list')).toBe(1)
    await setup.advance(31)
    expect(await inPlaceOf('resend', () => setup.flow.resend({ handle }))).toMatchObject({
      status: 'unconfirmed',
      resend: { allowed: false, remaining: 2 },
    })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    expect(await inPlaceOf('check', () => signIn(setup.flow, handle))).toBe('opened')
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual([
      'send',
      'list',
      'resend',
      'check',
      'get',
    ])
  })

  // proves: overload/resend
  test('a resend while all places of sends are taken is refused, and can be made later', async () => {
    const setup = await setupFlow(kind, { concurrency: { sends: 1, checks: 1 } })
    const handle = await begin(setup)
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number: newcomer })
    const held = await asked
    const before = await setup.dump()
    const refused = await setup.flow.resend({ handle }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ ...unavailable, retryAfter: 2, processed: 'no' })
    expect((await setup.dump()).map(({ key, value }) => [key, value])).toEqual(
      before.map(({ key, value }) => [key, value]),
    )
    expect(await setup.count('resend')).toBe(0)
    await held.answer()
    expect(await sending).toMatchObject({ status: 'sent' })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    expect(await setup.count('resend')).toBe(1)
  })

  // proves: deploy/resend
  test('a resend that is under way when the process drains is finished and kept', async () => {
    const setup = await setupFlow(kind)
    const handle = await begin(setup)
    const asked = setup.gate.next('resend')
    const resending = setup.flow.resend({ handle })
    const held = await asked
    const drained = setup.flow.drain()
    expect(await failure(setup.flow.resend({ handle }))).toEqual(unavailable)
    await held.answer()
    expect(await resending).toMatchObject({ status: 'sent' })
    await drained
    expect(await setup.another().status({ handle })).toMatchObject({
      status: 'pending',
      resend: { allowed: false, remaining: 2 },
    })
    expect(await setup.count('resend')).toBe(1)
  })

  // proves: ATT-8, FAIL-2, app-throws/send, app-throws/resend, app-throws/check
  test.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('a listener that %s changes no step, nor does a logger that throws', async (_, onEvent) => {
    const broken = () => {
      throw new Error('mine')
    }
    const logger = { info: broken, warn: broken, error: broken }
    const setup = await setupFlow(kind, { onEvent, logger })
    const handle = await begin(setup)
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('resend')).toBe(1)
  })

  // proves: clocks/send, clocks/resend, clocks/check
  test.each([-600, 600])("an app's clock that jumps by %i s changes no time", async (jump) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + jump * 1000 })
    onTestFinished(() => void vi.useRealTimers())
    expect(await setup.flow.status({ handle })).toMatchObject({
      expiresIn: expect.closeTo(300, -0.4),
      resend: { allowed: false, retryAfter: 30 },
    })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    expect(await setup.flow.send({ number })).toMatchObject({ status: 'resend_too_soon' })
    await setup.advance(31)

    // The sandbox lives by the clock of this process, which tyntec does not.
    const answered = async <T>(operation: Operation, status: number, step: () => Promise<T>) => {
      const asked = setup.gate.next(operation)
      const running = step()
      const held = await asked
      const otpStatus = operation === 'check' ? 'VERIFIED' : 'ACTIVE'
      await held.answerWith(status, { otpId: held.otpId, otpStatus, number })
      return running
    }
    expect(await answered('resend', 200, () => setup.flow.resend({ handle }))).toMatchObject({
      status: 'sent',
      expiresIn: expect.closeTo(269, -0.4),
    })
    expect(await setup.flow.send({ number: newcomer })).toMatchObject({
      status: 'sent',
      expiresIn: 300,
    })
    await setup.advance(265)
    expect(await answered('check', 202, () => signIn(setup.flow, handle))).toBe('opened')
  })

  // proves: clocks/send, clocks/check
  test.each([-600, 600])(
    'a tyntec whose clock is %i s off gives the same lifetime',
    async (off) => {
      const setup = await setupFlow(kind)
      const asked = setup.gate.next('send')
      const sending = setup.flow.send({ number })
      const held = await asked
      const created = Date.now() + off * 1000
      await held.answerWith(200, {
        otpId: 'an-otp-of-tyntec',
        otpStatus: 'ACTIVE',
        number,
        created,
        expire: created + 120_000,
      })
      const sent = await sending
      expect(sent).toMatchObject({ status: 'sent', expiresIn: 120 })
      const handle = 'handle' in sent ? sent.handle : ''
      await setup.advance(115)
      expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' })
      await setup.advance(6)
      expect(await signIn(setup.flow, handle)).toBe('code_expired')
      expect(await setup.count('check')).toBe(0)
    },
  )
})

describe('a Redis', () => {
  // proves: redis-down/resend, redis-down/check
  test('that cannot be reached leaves the flow, its waits and its tries as they were', async () => {
    const server = await startRedis()
    const proxy = await startRedisProxy(server.url)
    const setup = await setupFlow('redis', twoMessages, { redisUrl: proxy.url })
    const handle = await begin(setup)
    const asked = await setup.calls()
    proxy.cut()
    for (const step of steps) {
      const took = stopwatch()
      expect(await failure(stepsOf(setup.flow, handle)[step]())).toEqual(storeIsAway)
      expect(took()).toBeLessThan(1000)
    }
    expect(await setup.calls()).toEqual(asked)
    proxy.restore()
    await vi.waitFor(() => setup.redis?.ping(), { timeout: 5000 })
    await expectUntouched(setup, handle)
  })

  // proves: redis-restarts/send, redis-restarts/resend, redis-restarts/check
  test('that was flushed ends the flow in every step, without a call to tyntec', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const handle = await begin(setup)
    await setup.redis?.flushall()
    const asked = await setup.calls()
    expect(await setup.flow.resend({ handle })).toEqual({ status: 'no_pending_code' })
    expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
      status: 'no_pending_code',
    })
    expect(await setup.calls()).toEqual(asked)
    expect(await signIn(setup.flow, await sendCode(setup, { handle }))).toBe('opened')
  })

  // proves: redis-restarts/resend, redis-restarts/check
  test('that has forgotten the scripts is told them again, in every step', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const forget = () => setup.redis?.script('FLUSH')
    await forget()
    const handle = await begin(setup)
    await forget()
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    await forget()
    const outcome = await setup.flow.check({ handle, code: rightCode })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    await forget()
    expect(await setup.flow.complete(outcome.proof)).toBe(true)
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual([
      'send',
      'resend',
      'check',
    ])
  })

  // proves: RED-9, redis-restarts/check
  test('that has lost the end of a sign-in lets in nobody but the same browser and code', async () => {
    const server = await startRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: server.url })
    const { redis } = setup
    if (!redis) throw new Error('it is on Redis')
    const handle = await sendCode(setup)
    const asked = setup.gate.next('check')
    const signingIn = signIn(setup.flow, handle)
    const held = await asked
    const keys = await redis.keys(`${setup.prefix}*`)
    const copyOf = async (key: string) => {
      const [ttl, value] = await Promise.all([redis.pttl(key), redis.dumpBuffer(key)])
      return { key, ttl, value }
    }
    const kept = await Promise.all(keys.map(copyOf))
    await held.answer()
    expect(await signingIn).toBe('opened')
    const loseIt = () =>
      Promise.all(kept.map(({ key, ttl, value }) => redis.restore(key, ttl, value, 'REPLACE')))

    // As a replica has it that the last writes have not reached.
    await loseIt()
    await setup.advance(11)
    const other = Buffer.from(handle, 'base64url')
    other[20] = (other[20] ?? 0) ^ 1
    expect(await signIn(setup.flow, other.toString('base64url'))).toBe('no_pending_code')
    expect(await signIn(setup.flow, handle, '111111')).toBe('no_pending_code')

    await loseIt()
    await setup.advance(11)
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await signIn(setup.flow, handle)).toBe('repeated')

    await loseIt()
    await setup.advance(61)
    expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
    expect(await setup.count('check')).toBe(2)
  })

  // proves: clocks/check
  test.each([301, 601, 901])(
    'whose clock jumps ahead by %i s ends flows early, never late',
    async (jump) => {
      const setup = await setupFlow('redis')
      if (!setup.redis) throw new Error('it is on Redis')
      const handle = await sendCode(setup)
      await advanceRedis(setup.redis, setup.prefix, jump)
      const gone = jump > 900
      const over = gone ? 'no_pending_code' : 'code_expired'
      expect(await statusOf(setup.flow.check({ handle, code: rightCode }))).toBe(over)
      expect(await setup.count('check')).toBe(0)
      // The number is kept for ten minutes, and a resend begins again with it.
      expect(await statusOf(setup.flow.resend({ handle }))).toBe(gone ? over : 'sent')
      expect(await setup.count('resend')).toBe(0)
      expect(await setup.count('send')).toBe(gone ? 1 : 2)
      await setup.advance(31)
      expect(await signIn(setup.flow, await sendCode(setup, { handle }))).toBe('opened')
    },
  )
})

// proves: slow-body/resend
test('a resend whose answer stalls counts as sent after eight seconds', async () => {
  await Promise.all(
    flowKinds.flatMap((kind) =>
      (['hang', 'slow-body'] as const).map(async (fault) => {
        const setup = await setupFlow(kind)
        const handle = await begin(setup)
        await setup.fault({ operation: 'otp.resend', kind: fault, when: 'after', times: 1 })
        const started = performance.now()
        expect(await setup.flow.resend({ handle })).toMatchObject({
          status: 'unconfirmed',
          resend: { allowed: false, remaining: 2 },
        })
        expect(performance.now() - started).toBeLessThan(10_000)
        expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
        expect(await setup.count('resend')).toBe(1)
        expect(await signIn(setup.flow, handle)).toBe('opened')
      }),
    ),
  )
}, 20_000)

// proves: UP-10, client-leaves/resend
test.each(frameworks)('a resend whose client has left is finished, on %s', async (framework) => {
  const app = await setupApp({ framework, flow: { resendWaits: [1] } })
  const client = app.client()
  await client.post('/login/send', { number })
  await vi.waitFor(
    async () => {
      expect((await client.get('/login/status')).json).toMatchObject({ resend: { allowed: true } })
    },
    { timeout: 3000 },
  )
  await app.fault({ operation: 'otp.resend', when: 'before', kind: 'delay', ms: 100 })
  const request = client.begin('/login/resend', {})
  await vi.waitFor(async () => expect(await app.requests()).toContain('resend'))
  request.leave()
  await vi.waitFor(() => expect(app.events.map(({ type }) => type)).toContain('otp.resent'))
  expect(app.sandbox.messages()).toHaveLength(2)
  expect((await client.get('/login/status')).json).toMatchObject({
    status: 'pending',
    resend: { allowed: false, remaining: 0 },
  })
})
