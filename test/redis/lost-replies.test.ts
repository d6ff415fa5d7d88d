import { randomUUID } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import type { OtpEvent, OtpFlow } from 'passport-tyntec-otp'
import { afterAll, describe, expect, type TestContext, test, vi } from 'vitest'
import { type CommandWords, startRedisProxy } from '../support/redis-proxy.js'
import { startRedisServer } from '../support/redis-server.js'
import {
  address,
  type FlowOptions,
  isScript,
  newNumber,
  scriptOf,
  sendTo,
  sent,
  setupFlow,
  setupTyntec,
  signIn,
  wrong,
} from './setup.js'

const server = await startRedisServer()
afterAll(() => server.stop())

/** A flow whose Redis is behind a proxy. */
async function setup({ onTestFinished: finished }: TestContext, options: FlowOptions = {}) {
  const prefix = `${randomUUID()}:`
  const proxy = await startRedisProxy(server.url, finished)
  const tyntec = await setupTyntec(finished)
  const events: OtpEvent[] = []

  async function connect(url: string, options: Omit<RedisOptions, 'replyMapping'> = {}) {
    const redis = new Redis(url, options)
    redis.on('error', () => {})
    finished(() => redis.disconnect())
    await redis.ping()
    return redis
  }
  const direct = await connect(server.url)
  const redis = await connect(proxy.url)
  const makeFlow = (client: Redis) =>
    setupFlow(tyntec, client, {
      prefix,
      finished,
      onEvent: (event) => events.push(event),
      ...options,
    })

  return {
    proxy,
    tyntec,
    events,
    flow: makeFlow(redis),

    /** How often each limit has been used. */
    async limits(): Promise<Record<string, number>> {
      const keys = await direct.keys(`${prefix}limit:*`)
      const uses = keys.map(async (key) => {
        // Without the prefix and who is limited.
        const name = key.slice(prefix.length, key.lastIndexOf(':'))
        // Those that count members are hashes.
        const counted = (await direct.type(key)) === 'hash' ? direct.hlen(key) : direct.get(key)
        return [name, Number(await counted)] as const
      })
      return Object.fromEntries(await Promise.all(uses))
    },

    /** The first process is gone with all that its client would send again; another goes on. */
    async restart() {
      redis.disconnect()
      proxy.restore()
      return makeFlow(await connect(proxy.url))
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

const isLimit =
  (name: string) =>
  (words: CommandWords): boolean =>
    scriptOf(words) === 'limit' && words[3]?.includes(`limit:${name}`) === true

/** Ours, which has a key for its mark beside the count. */
const isRefund = (name: string) => (words: CommandWords) => isLimit(name)(words) && words[2] === '2'

/** So long a deadline that a client can send again, and a resend soon. */
const patient = { timeout: 5, resendWaits: [1] }

describe('a command whose answer was lost, and which the client sends again', () => {
  type Step = 'send' | 'resend' | 'wrong' | 'right'
  const commands: [string, Step, (words: CommandWords) => boolean][] = [
    ['reserveSend', 'send', isScript('reserveSend')],
    ['settleSend', 'send', isScript('settleSend')],
    ['reserveResend', 'resend', isScript('reserveResend')],
    ['settleResend', 'resend', isScript('settleResend')],
    ['claimCheck', 'wrong', isScript('claimCheck')],
    ['settleCheck', 'wrong', isScript('settleCheck')],
    ['claimCheck', 'right', isScript('claimCheck')],
    ['settleCheck', 'right', isScript('settleCheck')],
    ['complete', 'right', isScript('complete')],
    ['sendsPerAddress', 'send', isLimit('sends:address')],
    ['budget', 'send', isLimit('sends:all:hour')],
    ['sendsPerNumber', 'resend', isLimit('sends:number:0')],
    ['failuresPerAddress', 'wrong', isLimit('failures:address')],
    ['failuresPerAddress', 'right', isLimit('failures:address')],
    ['failedNumbersPerAddress', 'wrong', isLimit('failed-numbers:address')],
    ['failedNumbersPerAddress', 'right', isLimit('failed-numbers:address')],
    ['countriesPerAddress', 'send', isLimit('countries:address')],
    ['meter', 'send', isScript('meter')],
    ['meter', 'right', isScript('meter')],
  ]

  // proves: RED-7
  test.for(commands)('changes nothing for %s of %s', async ([, step, matches], context) => {
    const { flow, proxy, tyntec, limits } = await setup(context, patient)
    const dropped: Promise<unknown>[] = []
    const at = (now: Step) => {
      if (now === step) dropped.push(proxy.dropReply(matches))
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
    at('wrong')
    expect(await flow.check({ handle, code: wrong(code), address })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    at('right')
    expect(await signIn(flow, handle, code)).toBe('verified')
    expect(await signIn(flow, handle, code)).toBe('no_pending_code')

    await Promise.all(dropped)
    const messages = step === 'resend' ? 2 : 1
    expect(tyntec.messages(number)).toBe(messages)
    const posts = (await tyntec.requests()).filter(({ method }) => method === 'POST')
    expect(posts.map(({ status }) => status)).toEqual([...Array(messages).fill(200), 401, 202])
    // A limit may count twice what was sent again, never less than once.
    const counted = await limits()
    expect(counted['limit:sends:all:hour']).toBeGreaterThanOrEqual(messages)
    expect(counted['limit:sends:number:0']).toBeGreaterThanOrEqual(messages)
    expect(counted['limit:sends:address']).toBeGreaterThanOrEqual(messages)
  })

  test('leaves a wrong code counted against its address', async (context) => {
    const { flow, proxy, tyntec, limits } = await setup(context, patient)
    const { handle, code } = await sent(flow, tyntec)
    await signIn(flow, handle, wrong(code))
    const dropped = proxy.dropReply(isRefund('failures:address'))
    expect(await signIn(flow, handle, code)).toBe('verified')
    await dropped
    const counted = await limits()
    expect(counted['limit:failures:address']).toBe(1)
  })

  test('keeps an operator informed of the failures before a login', async (context) => {
    const { flow, proxy, tyntec, events } = await setup(context, patient)
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
    const { flow, proxy, tyntec } = await setup(context, patient)
    const { code, handle } = await sent(flow, tyntec)
    const outcome = await flow.check({ handle, code, address })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    const dropped = proxy.dropReply(isScript('release'))
    await flow.release(outcome.proof)
    await dropped
    expect(await signIn(flow, handle, code)).toBe('verified')
  })

  test('ends a flow that is cancelled', async (context) => {
    const { flow, proxy, tyntec } = await setup(context, patient)
    const { code, handle } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript('end'))
    await flow.cancel({ handle })
    await dropped
    expect(await flow.check({ handle, code, address })).toEqual({ status: 'no_pending_code' })
  })

  test('deletes the code of a cancelled flow at tyntec', async (context) => {
    const { flow, proxy, tyntec } = await setup(context, patient)
    const { handle } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript('end'))
    await flow.cancel({ handle })
    await dropped
    expect(await tyntec.otps()).toEqual([])
  })

  test.for(['read', 'setDelivery'])('shows the state after %s', async (script, context) => {
    const { flow, proxy, tyntec } = await setup(context, patient)
    const { handle } = await sent(flow, tyntec)
    const dropped = proxy.dropReply(isScript(script))
    expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })
    await dropped
  })

  test('forgets the failures of a number that is unlocked', async (context) => {
    const { flow, proxy, tyntec, events } = await setup(context, patient)
    const { number, code, handle } = await sent(flow, tyntec)
    await flow.check({ handle, code: wrong(code), address })
    const dropped = proxy.dropReply(
      ([name, script]) => name === 'EVAL' && !!script?.includes('DEL'),
    )
    await flow.unlock(number)
    await dropped
    expect(await signIn(flow, handle, code)).toBe('verified')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'otp.verified', failuresBefore: 0 }),
    )
  })
})

describe.concurrent('Redis lost between the answer of tyntec and ours', () => {
  // A step that nobody ends keeps its lease of ten seconds.
  const afterLease = 20_000

  // proves: RED-7, redis-lost/send
  test('sends no second message', { timeout: afterLease }, async (context) => {
    const { proxy, tyntec, flow, restart } = await setup(context)
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
      const { proxy, tyntec, flow, restart } = await setup(context)
      const number = newNumber()
      const lost = proxy.cutBefore(isScript('settleSend'))
      const { handle } = await sendTo(flow, number)
      await lost

      const after = await restart()
      expect(await signIn(after, handle, await tyntec.sandbox.waitForCode(number))).toBe('verified')
      expect(tyntec.messages(number)).toBe(1)
    },
  )

  // proves: redis-lost/resend
  test('sends no second message for a resend', async (context) => {
    const { proxy, tyntec, flow, restart } = await setup(context, { resendWaits: [1] })
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
    const setting = await setup(context)
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
    expect(await signIn(after, handle, code)).toBe('no_pending_code')
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

  test('goes on in the same process, whose client sends again', async (context) => {
    const { proxy, tyntec, flow } = await setup(context)
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
