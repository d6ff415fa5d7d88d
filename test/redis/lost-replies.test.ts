import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { AnyRedisClient, OtpEvent, OtpFlow } from 'passport-tyntec-otp'
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest'
import { scripts } from '../../src/store/scripts.js'
import type { AddressRecord } from '../../src/store/records.js'
import type { StepName } from '../../src/store/steps/index.js'
import { type ClientLibrary, clientLibraries } from '../support/redis-clients.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import { startRedisServer } from '../support/redis-server.js'
import { advanceRedis } from '../support/stores.js'
import {
  address,
  type FlowOptions,
  isScript,
  newNumber,
  onlyOtpError,
  recordAt,
  sendTo,
  sent,
  setupFlow,
  setupTyntec,
  signIn,
  wrong,
} from './setup.js'

/** One of each kind: the others share their code. */
const libraries = clientLibraries.filter(({ name }) => name === 'ioredis 6' || name === 'redis 6')

const server = await startRedisServer()
afterAll(() => server.stop())
// So that what is lost is the answer of a step, and not that its script is unknown.
beforeAll(async () => {
  const redis = new Redis(server.url)
  for (const text of Object.values(scripts)) await redis.script('LOAD', text)
  redis.disconnect()
})

/** A flow whose Redis is behind a proxy. */
async function setup(
  { onTestFinished: finished }: TestContext,
  library: ClientLibrary,
  options: FlowOptions = {},
) {
  const prefix = `${randomUUID()}:`
  const proxy = await startRedisProxy(server.url, finished)
  const tyntec = await setupTyntec(finished)
  const events: OtpEvent[] = []

  async function connect(url: string) {
    const { client, close } = await library.connect(url)
    finished(close)
    return { client, close }
  }
  const direct = new Redis(server.url)
  finished(() => direct.disconnect())
  const first = await connect(proxy.url)
  const makeFlow = (client: AnyRedisClient, more: FlowOptions = {}) =>
    setupFlow(tyntec, client, {
      prefix,
      finished,
      onEvent: (event) => events.push(event),
      ...options,
      ...more,
    })

  /** Uses of a limit in the only record of this kind, however long its window is. */
  async function uses(kind: string, limit: string): Promise<number | undefined> {
    const [key = ''] = await direct.keys(`${prefix}${kind}`)
    const record = await recordAt<AddressRecord>(direct, key)
    const name = Object.keys(record?.uses ?? {}).find((each) => each.startsWith(limit))
    return name === undefined ? undefined : record?.uses[name]?.n
  }

  return {
    proxy,
    tyntec,
    events,
    flow: makeFlow(first.client),

    /** How many messages are counted for each that had one. */
    messages: async () => ({
      address: await uses('address:*', 'sends'),
      app: await uses('{all}:app', 'hour'),
      number: await uses('*:number', 'sends'),
    }),
    failures: () => uses('address:*', 'failures'),
    /** Makes all that Redis has this much older. */
    age: (seconds: number) => advanceRedis(direct, prefix, seconds),

    /** The first process is gone with all that its client would send again; another goes on. */
    async restart() {
      first.close()
      proxy.restore()
      // On a busy machine Redis is slow, and not away any more.
      return makeFlow((await connect(proxy.url)).client, { timeout: 5 })
    },
  }
}

async function canResend(flow: OtpFlow, handle: string) {
  await vi.waitFor(
    async () => {
      expect(await flow.status({ handle })).toMatchObject({ resend: { allowed: true } })
    },
    { timeout: 3000 },
  )
}

/** So long a deadline that a client can send again, and a resend soon. */
const patient = { timeout: 5, resendWaits: [1] }

type Step = 'send' | 'resend' | 'wrong' | 'right' | 'again'
const commands: [StepName, Step][] = [
  ['send', 'send'],
  ['settleSend', 'send'],
  ['resend', 'resend'],
  ['settleResend', 'resend'],
  ['claim', 'wrong'],
  ['settleCheck', 'wrong'],
  ['claim', 'right'],
  ['settleCheck', 'right'],
  ['complete', 'right'],
  ['claim', 'again'],
  ['complete', 'again'],
]

const [ioredis, nodeRedis] = libraries
if (!ioredis || !nodeRedis) throw new Error('a library has another name')

describe('a command whose answer was lost, and which ioredis sends again', () => {
  const library = ioredis

  // proves: RED-7
  test.for(commands)('changes nothing for %s of %s', async ([name, step], context) => {
    const { flow, proxy, tyntec, messages } = await setup(context, library, patient)
    const dropped: Promise<unknown>[] = []
    const at = (now: Step) => {
      if (now === step) dropped.push(proxy.dropReply(isScript(name)))
    }

    at('send')
    const { number, code, handle } = await sent(flow, tyntec)
    if (step === 'resend') {
      await canResend(flow, handle)
      at('resend')
      expect(await flow.resend({ handle, address })).toMatchObject({
        status: 'sent',
        resend: { remaining: 0 },
      })
    }
    const out = step === 'resend' ? 2 : 1
    // Each message is counted once, however often its command was sent.
    expect(await messages()).toEqual({ address: out, app: out, number: out })
    at('wrong')
    expect(await flow.check({ handle, code: wrong(code), address })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    at('right')
    expect(await signIn(flow, handle, code)).toBe('verified')
    at('again')
    expect(await signIn(flow, handle, code)).toBe('repeated')
    expect(await signIn(flow, handle, code)).toBe('repeated')
    expect(await signIn(flow, handle, code)).toBe('repeated')
    expect(await signIn(flow, handle, code)).toBe('no_pending_code')

    await Promise.all(dropped)
    expect(tyntec.messages(number)).toBe(out)
    const posts = (await tyntec.requests()).filter(({ method }) => method === 'POST')
    expect(posts.map(({ status }) => status)).toEqual([...Array(out).fill(200), 401, 202])
  })

  test('leaves a wrong code counted once against its address', async (context) => {
    const { flow, proxy, tyntec, failures } = await setup(context, library, patient)
    const { handle, code } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript('settleCheck'))
    expect(await signIn(flow, handle, wrong(code))).toBe('invalid_code')
    await dropped
    expect(await failures()).toBe(1)
    expect(await signIn(flow, handle, code)).toBe('verified')
    expect(await failures()).toBe(1)
  })

  test('keeps an operator informed of the failures before a login', async (context) => {
    const { flow, proxy, tyntec, events } = await setup(context, library, patient)
    const { code, handle } = await sent(flow, tyntec)
    await flow.check({ handle, code: wrong(code), address })
    const dropped = proxy.dropReply(isScript('settleCheck'))
    expect(await signIn(flow, handle, code)).toBe('verified')
    await dropped
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'otp.verified', failuresBefore: 1 }),
    )
  })

  test('gives a flow back that could not be completed', async (context) => {
    const { flow, proxy, tyntec } = await setup(context, library, patient)
    const { code, handle } = await sent(flow, tyntec)
    const outcome = await flow.check({ handle, code, address })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    const dropped = proxy.dropReply(isScript('release'))
    await flow.release(outcome.proof)
    await dropped
    expect(await signIn(flow, handle, code)).toBe('verified')
  })

  test('ends a flow that is cancelled', async (context) => {
    const { flow, proxy, tyntec } = await setup(context, library, patient)
    const { code, handle } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript('endFlow'))
    await flow.cancel({ handle })
    await dropped
    expect(await flow.check({ handle, code, address })).toEqual({ status: 'no_pending_code' })
  })

  test('asks tyntec for no check of a cancelled flow, whose code may be left there', async (context) => {
    const { flow, proxy, tyntec } = await setup(context, library, patient)
    const { handle, code } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript('endFlow'))
    await flow.cancel({ handle })
    await dropped
    await flow.check({ handle, code, address })
    expect((await tyntec.requests()).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /2fa/v1/otp',
    ])
  })

  test.for(['read', 'deliver'])('shows the state after %s', async (script, context) => {
    const { flow, proxy, tyntec } = await setup(context, library, patient)
    const { handle } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript(script))
    expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })
    await dropped
  })

  test('forgets the failures of a number that is unlocked', async (context) => {
    const { flow, proxy, tyntec, events } = await setup(context, library, patient)
    const { number, code, handle } = await sent(flow, tyntec)
    await flow.check({ handle, code: wrong(code), address })
    const dropped = proxy.dropReply(isScript('unlock'))
    await flow.unlock(number)
    await dropped
    expect(await signIn(flow, handle, code)).toBe('verified')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'otp.verified', failuresBefore: 0 }),
    )
  })

  test('goes on in the same process, whose client sends again', async (context) => {
    const { proxy, tyntec, flow } = await setup(context, library)
    const number = newNumber()
    const lost = proxy.cutBefore(isScript('settleSend'))
    const { outcome, handle } = await sendTo(flow, number)
    await lost
    expect(outcome).toMatchObject({ code: 'ERR_OTP_STORE_UNAVAILABLE' })
    proxy.restore()
    await vi.waitFor(
      async () => {
        expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })
      },
      { timeout: 5000 },
    )
    expect(await signIn(flow, handle, await tyntec.sandbox.waitForCode(number))).toBe('verified')
    expect(tyntec.messages(number)).toBe(1)
  })
})

describe('a command whose answer was lost, and which node-redis gives up', () => {
  // proves: RED-7, redis-lost/send, redis-lost/check
  test.for(commands)('keeps nobody out for %s of %s', async ([name, step], context) => {
    const { flow, proxy, tyntec, age } = await setup(context, nodeRedis, patient)
    const dropped: Promise<unknown>[] = []
    let refused = 0
    /** As a person does who is told that it does not work right now, or has to wait. */
    const insist = async (now: Step, press: () => Promise<string>, ends: readonly string[]) => {
      if (now === step) dropped.push(proxy.dropReply(isScript(name)))
      for (let presses = 0; presses < 8; presses++) {
        const said = await press().catch((error: unknown) => onlyOtpError(error).code)
        if (ends.includes(said)) return
        refused += 1
        // A message that is out is found at once, and a wait or a lease has to be over.
        if (name !== 'settleSend') await age(11)
      }
      throw new Error(`${now} has no end`)
    }

    const number = newNumber()
    let handle: string | undefined
    const send = async () => {
      const { outcome, handle: given } = await sendTo(flow, number, handle)
      handle = given
      return 'status' in outcome && typeof outcome.status === 'string' ? outcome.status : 'error'
    }
    await insist('send', send, ['sent'])
    if (step === 'resend') {
      await age(2)
      const resend = async () => (await flow.resend({ handle, address })).status
      await insist('resend', resend, ['sent', 'rate_limited'])
    }
    const code = await tyntec.sandbox.waitForCode(number)
    const press = (typed: string) => () => signIn(flow, handle, typed)
    await insist('wrong', press(wrong(code)), ['invalid_code'])
    await insist('right', press(code), ['verified', 'repeated'])
    await insist('again', press(code), ['repeated'])

    await Promise.all(dropped)
    expect(refused).toBeGreaterThan(0)
    expect(tyntec.messages(number)).toBe(step === 'resend' && name !== 'resend' ? 2 : 1)
    const checks = (await tyntec.requests()).filter(({ path }) => path.endsWith('/check'))
    expect(checks.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(checks.length).toBeLessThanOrEqual(3)
  })
})

describe.concurrent.each(libraries)(
  'Redis lost between the answer of tyntec and $name',
  (library) => {
    // A step that nobody ends keeps its lease of ten seconds.
    const afterLease = 20_000

    // proves: RED-7, redis-lost/send
    test('sends no second message', { timeout: afterLease }, async (context) => {
      const { proxy, tyntec, flow, restart } = await setup(context, library)
      const number = newNumber()
      const lost = proxy.cutBefore(isScript('settleSend'))
      const { outcome, handle } = await sendTo(flow, number)
      await lost
      expect(outcome).toMatchObject({ code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 })
      expect(await sendTo(flow, number, handle)).toMatchObject({
        outcome: { code: 'ERR_OTP_STORE_UNAVAILABLE' },
      })

      const after = await restart()
      const again = await sendTo(after, number, handle)
      expect(again).toMatchObject({ outcome: { status: 'sent' }, handle })
      expect(await signIn(after, handle, await tyntec.sandbox.waitForCode(number))).toBe('verified')
      expect(tyntec.messages(number)).toBe(1)
    })

    // proves: redis-lost/send
    test(
      'accepts the code of the message that went out',
      { timeout: afterLease },
      async (context) => {
        const { proxy, tyntec, flow, restart } = await setup(context, library)
        const number = newNumber()
        const lost = proxy.cutBefore(isScript('settleSend'))
        const { handle } = await sendTo(flow, number)
        await lost

        const after = await restart()
        expect(await signIn(after, handle, await tyntec.sandbox.waitForCode(number))).toBe(
          'verified',
        )
        expect(tyntec.messages(number)).toBe(1)
      },
    )

    // proves: redis-lost/resend
    test('sends no second message for a resend', async (context) => {
      const { proxy, tyntec, flow, restart } = await setup(context, library, { resendWaits: [1] })
      const { number, code, handle } = await sent(flow, tyntec)
      await canResend(flow, handle)
      const lost = proxy.cutBefore(isScript('settleResend'))
      await expect(flow.resend({ handle, address })).rejects.toMatchObject({
        code: 'ERR_OTP_STORE_UNAVAILABLE',
      })
      await lost

      const after = await restart()
      expect(await after.status({ handle })).toMatchObject({ resend: { remaining: 0 } })
      expect(await signIn(after, handle, code)).toBe('verified')
      expect(tyntec.messages(number)).toBe(2)
    })

    async function proven(context: TestContext) {
      const setting = await setup(context, library)
      const { proxy, tyntec, flow, restart } = setting
      const { code, handle } = await sent(flow, tyntec)
      const lost = proxy.cutBefore(isScript('settleCheck'))
      await expect(flow.check({ handle, code, address })).rejects.toMatchObject({
        code: 'ERR_OTP_STORE_UNAVAILABLE',
      })
      await lost
      return { ...setting, code, handle, after: await restart() }
    }

    // proves: redis-lost/check
    test(
      'signs in with the code that tyntec has proven',
      { timeout: afterLease },
      async (context) => {
        const { after, handle, code } = await proven(context)
        expect(await signIn(after, handle, code)).toBe('verified')
      },
    )

    // proves: redis-lost/check
    test('signs in once', { timeout: 2 * afterLease }, async (context) => {
      const { after, handle, code, tyntec } = await proven(context)
      await vi.waitFor(
        async () => {
          const [one, two] = await Promise.all([
            signIn(after, handle, code),
            signIn(after, handle, code),
          ])
          expect([one, two].sort()).toEqual(['signed_in', 'verified'])
        },
        { timeout: 25_000 },
      )
      expect(await signIn(after, handle, code)).toBe('repeated')
      const checks = (await tyntec.requests()).filter(({ path }) => path.endsWith('/check'))
      expect(checks.map(({ status }) => status)).toEqual([202])
    })

    // proves: redis-lost/check
    test('signs nobody in with another code', { timeout: afterLease }, async (context) => {
      const { after, handle, code } = await proven(context)
      await vi.waitFor(
        async () => {
          expect(await signIn(after, handle, wrong(code))).toBe('no_pending_code')
        },
        { timeout: 15_000, interval: 500 },
      )
      expect(await signIn(after, handle, code)).toBe('no_pending_code')
    })
  },
)
