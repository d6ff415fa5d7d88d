import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { OtpError } from '../../src/errors.js'
import type { OtpOptions } from '../../src/options/options.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { flowKey } from '../../src/store/keys.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  rightCode,
  secret,
  sendCode,
  setupFlow,
  signIn,
  statusOf,
  type TestFlow,
  through,
} from '../support/flow.js'
import { stopwatch } from '../support/elapsed.js'

/*
 * How sends and resends end that meet something on their way: another click, a limit that can't be
 * asked, a flow that has changed, a store that is away once tyntec has taken the message.
 */

const [, other, third] = numbers
const address = '192.0.2.1'
const unavailable = { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', status: 503 }
const storeIsAway = { code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 }
const unclear = { code: 'ERR_OTP_PROVIDER_RESPONSE', status: 503 }
const invalidNumber = { code: '1002', message: 'Invalid number' }
const auth = { code: 'ERR_OTP_PROVIDER_AUTH', status: 503 }
const perNumber = (points: number) => ({
  limits: { sendsPerNumber: [{ points, duration: 600 }] },
})
/** Tells of each message without a sign-in, but for the first, how many its country has. */
const watched = { pumping: { mode: 'shadow', country: { free: 1, share: 0 } } } as const
const rejected = { operation: 'otp.send', kind: 'status', status: 401, times: 1, when: 'before' }
const lost = { operation: 'otp.send', kind: 'reset', times: 1, when: 'before' }

const away = () => Promise.reject(new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'away'))

function flowKeyOf(handle: string): string {
  const ref = createSecrets([secret]).parseHandle(handle)
  if (!ref) throw new Error('no handle of ours')
  return flowKey(ref)
}

/** Time that passes for this process while nobody waits. */
function clock(): { pass(seconds: number): void } {
  let jump = 0
  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + jump)
  onTestFinished(() => void vi.restoreAllMocks())
  return { pass: (seconds) => void (jump += seconds * 1000) }
}

/** Those numbers. */
function unverified({ events }: TestFlow): number[] {
  return events.flatMap((event) => (event.type === 'pumping.suspected' ? [event.unverified] : []))
}

/** What the events say of the messages, one by one. */
function told({ events }: TestFlow): object[] {
  return events
    .filter(({ type }) => /^otp\.(sent|resent|decoyed|unconfirmed)$/.test(type))
    .map(({ type, ...event }) => ('newCode' in event ? { type, newCode: event.newCode } : { type }))
}

/** A code whose next message would be a new one, since it is nearly over. */
async function nearlyOver(setup: TestFlow): Promise<string> {
  const handle = await sendCode(setup)
  await setup.advance(250)
  return handle
}

const untouched = { status: 'pending', resend: { allowed: true, retryAfter: 0, remaining: 3 } }

describe.each(flowKinds)('a message on %s', (kind) => {
  describe('that is not sent gives its address the use back', () => {
    interface Case {
      options?: Partial<OtpOptions>
      /** What comes before, and the click that sends nothing. */
      click(setup: TestFlow, handle: string): Promise<() => Promise<unknown>>
      ends: string
    }
    const endedAs = (end: 'attempts' | 'cancelled'): Case['click'] => {
      return async (setup, handle) => {
        const flow = through(setup, {
          async resend(next) {
            await setup.inner.run('endFlow', { flow: flowKeyOf(handle) }, { end })
            return next()
          },
        })
        // A new one each time, so that it ends between two steps of this request and not before.
        let next: string | undefined = handle
        return async () => {
          const asked = next ?? (await sendCode(setup))
          next = undefined
          // Its wait is over, so that nothing but its end is in the way.
          await setup.advance(31)
          return flow.resend({ handle: asked, address })
        }
      }
    }
    const resend: Case['click'] = async (setup, handle) => () =>
      setup.flow.resend({ handle, address })
    const cases: Record<string, Case> = {
      'a send by another browser': {
        click: async (setup) => () => setup.flow.send({ number, address }),
        ends: 'resend_too_soon',
      },
      'a send of the flow that there is': {
        async click(setup, handle) {
          const onHandle = () => {
            throw new Error('the browser has this handle')
          }
          return () => setup.flow.send({ number, address, handle, onHandle })
        },
        ends: 'sent',
      },
      'a resend too soon': { click: resend, ends: 'resend_too_soon' },
      'a resend where there is none': {
        options: { resendWaits: [] },
        click: resend,
        ends: 'rate_limited',
      },
      'a resend of a code that is long over': {
        async click(setup, handle) {
          await setup.advance(901)
          return resend(setup, handle)
        },
        ends: 'no_pending_code',
      },
      'a resend of a proven code': {
        async click(setup, handle) {
          await setup.flow.check({ handle, code: rightCode })
          return resend(setup, handle)
        },
        ends: 'no_pending_code',
      },
      'a resend of a code that is cancelled meanwhile': {
        click: endedAs('cancelled'),
        ends: 'no_pending_code',
      },
      'a resend of a code whose tries are used up meanwhile': {
        click: endedAs('attempts'),
        ends: 'too_many_attempts',
      },
    }
    test.each(Object.entries(cases))('(%s)', async (_, { options, click, ends }) => {
      const limits = { sendsPerAddress: { points: 2, duration: 3600 } }
      const setup = await setupFlow(kind, { ...options, limits })
      const handle = await sendCode(setup, { address })
      const again = await click(setup, handle)
      expect(await again()).toMatchObject({ status: ends })
      expect(await statusOf(setup.flow.send({ number: other, address }))).toBe('sent')
      expect(await statusOf(setup.flow.send({ number: third, address }))).toBe('rate_limited')
    })
  })

  describe('without a sign-in is counted', () => {
    test('when it went out, and not when tyntec refused it', async () => {
      const setup = await setupFlow(kind, { ...watched, resendWaits: [1, 1] })
      const handle = await sendCode(setup)
      await setup.fault(rejected)
      expect(await failure(setup.flow.send({ number: other }))).toEqual(auth)
      await setup.fault({ ...rejected, status: 400, body: invalidNumber })
      expect(await statusOf(setup.flow.send({ number: other }))).toBe('invalid_number')
      await setup.fault({ ...rejected, status: 400 })
      expect(await failure(setup.flow.send({ number: other }))).toEqual(unclear)
      await setup.advance(2)
      await setup.fault({ ...rejected, operation: 'otp.resend' })
      expect(await failure(setup.flow.resend({ handle }))).toEqual(auth)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
      expect(await statusOf(setup.flow.send({ number: third }))).toBe('sent')
      expect(unverified(setup)).toEqual([2, 2, 2, 2, 2, 3])
    })

    test('also when the store is away by then', async () => {
      const setup = await setupFlow(kind, { ...watched, resendWaits: [1, 1] })
      const handle = await sendCode(setup)
      await setup.advance(2)
      const flow = through(setup, { settleSend: away, settleResend: away })
      expect(await failure(flow.resend({ handle }))).toEqual(storeIsAway)
      expect(await failure(flow.send({ number: other }))).toEqual(storeIsAway)
      await sendCode(setup, { number: third })
      expect(unverified(setup)).toEqual([2, 3, 4])
    })
  })

  test('whose flow can not be reserved is counted nowhere', async () => {
    const setup = await setupFlow(kind, { ...perNumber(2), budget: { perHour: 2 } })
    const flow = through(setup, { send: away, resend: away })
    for (let clicks = 0; clicks < 3; clicks++) {
      await expect(flow.send({ number })).rejects.toThrow('away')
    }
    const handle = await sendCode(setup)
    await setup.advance(31)
    for (let clicks = 0; clicks < 3; clicks++) {
      await expect(flow.resend({ handle })).rejects.toThrow('away')
    }
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
  })

  test.each([31, 250])(
    'that the budget refuses leaves the flow as it was after %i s, and tells when to ask again',
    async (passed) => {
      const setup = await setupFlow(kind, { budget: { perHour: 10, perDay: 1 } })
      const handle = await sendCode(setup)
      await setup.advance(passed)
      const resending: unknown = await setup.flow
        .resend({ handle })
        .catch((error: unknown) => error)
      expect(resending).toMatchObject({
        code: 'ERR_OTP_BUDGET',
        retryAfter: expect.closeTo(86_400 - passed, -1.3),
      })
      expect(await setup.flow.status({ handle })).toMatchObject(untouched)
      const rich = setup.another({ budget: { perHour: 10, perDay: 2 } })
      expect(await statusOf(rich.resend({ handle }))).toBe('sent')
    },
  )

  test.each(['send', 'resend'] as const)(
    'waits for no other request for ever (%s)',
    async (step) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const { pass } = clock()
      const busy = async () => {
        pass(6)
        return { status: 'busy' as const }
      }
      const flow = through(setup, { send: busy, resend: busy })
      expect(await failure(flow[step]({ number, handle }))).toEqual(unavailable)
      expect((await setup.calls()).length).toBe(1)
    },
  )

  test.each(['send', 'resend'] as const)(
    'is not sent when its flow can not be settled (%s)',
    async (step) => {
      const setup = await setupFlow(kind, perNumber(2))
      await setup.fault(lost)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const flow = through(setup, {
        send(next, { request }) {
          if (request) request.lookedUp = false
          return next()
        },
        resend(next, { request }) {
          if (request) request.lookedUp = false
          return next()
        },
      })
      expect(await failure(flow[step]({ number, handle }))).toEqual(storeIsAway)
      expect(await setup.count('send')).toBe(1)
      expect(await statusOf(setup.flow[step]({ number, handle }))).toBe('sent')
    },
  )
})

describe.each(flowKinds)('a send on %s', (kind) => {
  test.each([
    [401, undefined, auth.code, auth.code],
    [400, undefined, unclear.code, unclear.code],
    [400, invalidNumber, 'invalid_number', unclear.code],
  ])(
    'that ends in %i (%o) leaves the browser the handle it had',
    async (status, body, ends, told) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const handles: string[] = []
      const onHandle = (given: string) => void handles.push(given)
      await setup.fault({ ...rejected, status, times: 3, ...(body && { body }) })
      expect(await statusOf(setup.flow.send({ number: other, handle, onHandle }))).toBe(ends)
      expect(handles).toEqual([expect.any(String), handle])
      // Who has no handle keeps the new one, which finds nothing.
      expect(await statusOf(setup.flow.send({ number: other, onHandle }))).toBe(ends)
      expect(handles).toEqual([expect.any(String), handle, expect.any(String)])
      expect(await statusOf(setup.flow.send({ number: other, handle }))).toBe(ends)
      expect(await signIn(setup.flow, handle)).toBe('opened')
      expect(setup.events.filter(({ type }) => type === 'error')).toMatchObject(
        Array.from({ length: 3 }, () => ({
          step: 'send',
          code: told,
        })),
      )
    },
  )

  test('that tyntec took and the store could not keep counts as sent', async () => {
    const setup = await setupFlow(kind, perNumber(1))
    const handles: string[] = []
    const onHandle = (handle: string) => void handles.push(handle)
    const before = await sendCode(setup, { number: other })
    const { length } = setup.events
    const flow = through(setup, { settleSend: away })
    expect(await failure(flow.send({ number, handle: before, onHandle }))).toEqual(storeIsAway)
    expect(setup.events.slice(length)).toMatchObject([{ type: 'error', code: storeIsAway.code }])
    expect(await setup.count('list')).toBe(0)
    expect(handles).toHaveLength(1)
    await setup.advance(31)
    expect(await statusOf(setup.flow.send({ number }))).toBe('rate_limited')
  })

  test('whose answer was lost, and which the store could not keep, counts as sent', async () => {
    const setup = await setupFlow(kind, perNumber(1))
    await setup.fault({ ...lost, when: 'after' })
    const flow = through(setup, {
      settleSend: (next, { result }) => (result.result === 'sent' ? away() : next()),
    })
    expect(await failure(flow.send({ number }))).toEqual(storeIsAway)
    expect(await setup.count('list')).toBe(1)
    await setup.advance(31)
    expect(await statusOf(setup.flow.send({ number }))).toBe('rate_limited')
  })

  test('whose answer took long is looked up no longer than others wait for it', async () => {
    const setup = await setupFlow(kind)
    const { pass } = clock()
    const [asked, looked] = [setup.gate.next('send'), setup.gate.next('list')]
    const sending = setup.flow.send({ number })
    const held = await asked
    pass(9.25)
    held.cut()
    const list = await looked
    const took = stopwatch()
    expect(await sending).toMatchObject({ status: 'unconfirmed' })
    expect(took()).toBeLessThan(1000)
    list.cut()
  })

  test('without a known end lives as long as a code, and its number is kept ten minutes longer', async () => {
    const setup = await setupFlow(kind, { lifetime: 60 })
    await setup.fault(lost)
    const outcome = await setup.flow.send({ number })
    expect(outcome).toMatchObject({ status: 'unconfirmed', expiresIn: 60 })
    const handle = 'handle' in outcome ? outcome.handle : ''
    await setup.advance(650)
    expect(await signIn(setup.flow, handle)).toBe('code_expired')
    await setup.advance(20)
    expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
  })

  describe('of a page that was clicked twice', () => {
    test.each(['a flow of this number', 'a flow of another one', 'no flow'])(
      'is one message and one handle, with %s',
      async (before) => {
        const setup = await setupFlow(kind, perNumber(2))
        const handle =
          before === 'no flow'
            ? undefined
            : await sendCode(setup, { number: before === 'a flow of this number' ? number : other })
        await setup.advance(31)
        const sends = await setup.count('send')
        const pageToken = setup.flow.createPageToken()
        const handles: string[] = []
        const click = () =>
          setup.flow.send({
            number,
            pageToken,
            handle,
            onHandle: (given) => void handles.push(given),
          })
        const asked = setup.gate.next('send')
        const first = click()
        const held = await asked
        const second = click()
        await held.answer()
        const sent = await first
        expect(sent).toMatchObject({ status: 'sent', handle: expect.any(String) })
        expect(await second).toMatchObject({ status: 'sent', handle: handles[0] })
        // Also once the first is over, and by a browser that doesn't want to hear of handles.
        const late = await setup.flow.send({ number, pageToken, handle })
        expect(late).toMatchObject({ status: 'sent', handle: handles[0] })
        expect('handle' in sent && sent.handle).toBe(handles[0])
        expect(handles).toEqual([handles[0], handles[0]])
        expect(await setup.count('send')).toBe(sends + 1)
        expect(await signIn(setup.flow, handles[0] ?? '')).toBe('opened')
      },
    )

    test('is looked up by the second click when the first has heard nothing', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const pageToken = setup.flow.createPageToken()
      await setup.fault({ ...lost, when: 'after' })
      await setup.fault({ ...lost, operation: 'otp.list', times: 2 })
      const first = await setup.flow.send({ number, pageToken, handle })
      expect(first).toMatchObject({ status: 'unconfirmed' })
      const second = await setup.flow.send({ number, pageToken, handle })
      expect(second).toMatchObject({ ...first, status: 'sent' })
      expect(await setup.count('send')).toBe(2)
    })

    test('is one message also when nothing was known of the one before', async () => {
      const setup = await setupFlow(kind)
      await setup.fault(lost)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const pageToken = setup.flow.createPageToken()
      const clicks = [1, 2, 3].map(() => setup.flow.send({ number, pageToken, handle }))
      const outcomes = await Promise.all(clicks)
      expect(outcomes).toMatchObject([1, 2, 3].map(() => ({ ...outcomes[0], status: 'sent' })))
      expect(await setup.count('send')).toBe(2)
    })

    test('looks at no handle that is none', async () => {
      const setup = await setupFlow(kind)
      const pageToken = setup.flow.createPageToken()
      const handle = await sendCode(setup, { pageToken })
      expect(await setup.flow.send({ number, pageToken, handle: 'none' })).toMatchObject({
        status: 'sent',
        handle,
      })
      expect(await setup.count('send')).toBe(1)
    })

    test('asks for the number once when another browser has it', async () => {
      const setup = await setupFlow(kind)
      let asked = 0
      const flow = through(setup, {
        send(next) {
          asked += 1
          return next()
        },
      })
      const handle = await sendCode(setup)
      await setup.advance(31)
      await sendCode(setup)
      for (const given of [{ pageToken: flow.createPageToken() }, { handle }]) {
        asked = 0
        expect(await statusOf(flow.send({ number, ...given }))).toBe('resend_too_soon')
        expect(asked).toBe(1)
      }
    })
  })
})

describe.each(flowKinds)('a resend on %s', (kind) => {
  test('takes no channel that is none, or that the number can not have', async () => {
    const setup = await setupFlow(kind, { voice: true })
    const handle = await sendCode(setup, { number: '+4930123456', via: 'voice' })
    await setup.advance(31)
    expect(await setup.flow.resend({ handle, via: 5 })).toEqual({ status: 'bad_request' })
    expect(await setup.flow.resend({ handle })).toEqual({ status: 'channel_not_allowed' })
    const elsewhere = setup.another({ countries: ['US'] })
    expect(await elsewhere.resend({ handle, via: 'voice' })).toEqual({
      status: 'channel_not_allowed',
    })
    expect(await setup.count('resend')).toBe(0)
  })

  test.each(['number', 'otp'] as const)(
    'of a record that nobody can read is of no flow (%s)',
    async (field) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const flow = through(setup, {
        async resendDue(next) {
          const due = await next()
          return due.status === 'due' && due.record
            ? { ...due, record: { ...due.record, [field]: 'nothing of ours' } }
            : due
        },
      })
      expect(await flow.resend({ handle })).toEqual({ status: 'no_pending_code' })
      expect((await setup.calls()).length).toBe(1)
    },
  )

  test('makes others wait as long as the first message did', async () => {
    const setup = await setupFlow(kind, { resendWaits: [7, 100] })
    const handle = await sendCode(setup)
    const wait = { status: 'resend_too_soon', retryAfter: 7 }
    expect(await setup.flow.send({ number })).toEqual(wait)
    await setup.advance(8)
    expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
    expect(await setup.flow.send({ number })).toEqual(wait)
  })

  test('whose answer was lost is told of as such', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.advance(31)
    await setup.fault({ ...lost, operation: 'otp.resend' })
    await setup.flow.resend({ handle })
    expect(setup.events.at(-1)).toMatchObject({
      type: 'otp.unconfirmed',
      flowId: expect.any(String),
      via: 'sms',
      country: 'US',
    })
  })

  describe('of which nothing was known', () => {
    test('is one message for all clicks', async () => {
      const setup = await setupFlow(kind)
      await setup.fault(lost)
      const handle = await sendCode(setup)
      await setup.advance(31)
      let lookedUp = 0
      const flow = through(setup, {
        resend(next, { request }) {
          if (request?.lookedUp) lookedUp += 1
          return next()
        },
      })
      const asked = setup.gate.next('send')
      const clicks = [1, 2, 3].map(() => statusOf(flow.resend({ handle })))
      const held = await asked
      await expect.poll(() => lookedUp).toBeGreaterThanOrEqual(3)
      await held.answer()
      expect(await Promise.all(clicks)).toEqual(['sent', 'sent', 'sent'])
      expect(await setup.count('send')).toBe(2)
    })

    test('waits for a status that looks it up too', async () => {
      const setup = await setupFlow(kind)
      await setup.fault(lost)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const first = setup.gate.next('list')
      const resending = statusOf(setup.flow.resend({ handle }))
      const list = await first
      const second = setup.gate.next('list')
      const showing = setup.flow.status({ handle })
      const later = await second
      await list.answer()
      await expect.poll(() => setup.count('list')).toBeGreaterThanOrEqual(4)
      await later.answer()
      expect(await resending).toBe('sent')
      expect((await showing).status).not.toBe('none')
    })
  })

  describe('as a new code', () => {
    test.each([
      [400, { code: 'ERR_OTP_PROVIDER_RESPONSE', status: 503 }],
      [401, auth],
    ])(
      'that ends in %i leaves the first one, and the number its message',
      async (status, error) => {
        const setup = await setupFlow(kind, { ...perNumber(2), ...watched })
        const handle = await nearlyOver(setup)
        await setup.fault({ ...rejected, status })
        expect(await failure(setup.flow.resend({ handle }))).toEqual(error)
        expect(await setup.flow.status({ handle })).toMatchObject(untouched)
        expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
        expect(unverified(setup)).toEqual([2, 2])
        expect(await signIn(setup.flow, handle)).toBe('opened')
      },
    )

    test('that tyntec took and the store could not keep counts as sent', async () => {
      const setup = await setupFlow(kind, perNumber(2))
      const handle = await nearlyOver(setup)
      const flow = through(setup, { settleSend: away })
      expect(await failure(flow.resend({ handle }))).toEqual(storeIsAway)
      await setup.advance(31)
      expect(await statusOf(setup.flow.send({ number }))).toBe('rate_limited')
      expect(await setup.count('send')).toBe(2)
    })

    test('deletes the one before once it is out, if there was one', async () => {
      const setup = await setupFlow(kind)
      const handle = await nearlyOver(setup)
      await setup.fault(lost)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('unconfirmed')
      expect(await setup.count('delete')).toBe(0)
      await setup.advance(61)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(await setup.count('delete')).toBe(1)
      expect(told(setup)).toEqual([
        { type: 'otp.sent' },
        { type: 'otp.unconfirmed' },
        { type: 'otp.resent', newCode: true },
      ])

      await setup.fault(lost)
      const unknown = await sendCode(setup, { number: other })
      await setup.advance(31)
      expect(await setup.flow.resend({ handle: unknown })).toMatchObject({ newCode: true })
      expect(await setup.count('delete')).toBe(1)
      const errors = setup.events.flatMap((event) => (event.type === 'error' ? [event.step] : []))
      expect(errors).toEqual(['send', 'send'])
    })
  })

  describe('in an app that sends to known numbers only', () => {
    const only = { knows: (asked: string) => asked === number } as const

    test('reaches whom it knows', async () => {
      const setup = await setupFlow(kind, only)
      const handle = await sendCode(setup)
      await setup.advance(31)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
      await setup.advance(220)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(told(setup)).toEqual([
        { type: 'otp.sent' },
        { type: 'otp.resent', newCode: false },
        { type: 'otp.resent', newCode: true },
      ])
      expect(setup.sandbox.messages()).toHaveLength(3)
    })

    test('reaches nobody else', async () => {
      const setup = await setupFlow(kind, only)
      const handle = await sendCode(setup, { number: other })
      await setup.advance(31)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
      await setup.advance(220)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(told(setup)).toEqual(Array.from({ length: 3 }, () => ({ type: 'otp.decoyed' })))
      expect(setup.sandbox.messages()).toEqual([])
    })

    test('reaches nobody else though tyntec did not answer', async () => {
      const setup = await setupFlow(kind, only)
      await setup.fault(lost)
      const known = await sendCode(setup)
      const handle = await sendCode(setup, { number: other })
      await setup.advance(31)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('unconfirmed')
      expect(await setup.flow.resend({ handle: known })).toMatchObject({ newCode: true })
      await setup.advance(61)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(told(setup)).toEqual([
        { type: 'otp.unconfirmed' },
        { type: 'otp.decoyed' },
        { type: 'otp.decoyed' },
        { type: 'otp.resent', newCode: true },
        { type: 'otp.decoyed' },
      ])
      expect(await setup.count('send')).toBe(2)
    })

    test('tells of a lost one as of any', async () => {
      const setup = await setupFlow(kind, only)
      const known = await sendCode(setup)
      const handle = await sendCode(setup, { number: other })
      await setup.advance(31)
      await setup.fault({ ...lost, operation: 'otp.resend' })
      expect(await statusOf(setup.flow.resend({ handle: known }))).toBe('unconfirmed')
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('unconfirmed')
      expect(told(setup).slice(2)).toEqual([{ type: 'otp.unconfirmed' }, { type: 'otp.decoyed' }])
      expect(await setup.count('resend')).toBe(1)
    })

    test('reaches everybody once the app does', async () => {
      const setup = await setupFlow(kind, only)
      const handle = await sendCode(setup, { number: other })
      await setup.advance(31)
      const open = setup.another({ knows: undefined })
      expect(await open.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(told(setup).at(-1)).toEqual({ type: 'otp.resent', newCode: true })
      expect(await signIn(open, handle)).toBe('opened')
    })
  })
})

describe.each(flowKinds)('a flow on %s', (kind) => {
  test('that drains takes no new steps, and ends those that have begun', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const outcome = await setup.flow.check({ handle, code: rightCode })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    await setup.flow.drain()
    const draining = { ...unavailable, processed: 'no', retryAfter: 1 }
    const { flow } = setup
    for (const step of ['send', 'resend', 'check', 'status', 'cancel'] as const) {
      await expect(flow[step]({ number, handle, code: rightCode })).rejects.toMatchObject(draining)
    }
    await expect(flow.unlock(number)).rejects.toMatchObject(draining)
    await flow.release(outcome.proof)
    const again = await setup.another().check({ handle, code: rightCode })
    if (again.status !== 'verified') throw new Error(again.status)
    expect(await flow.complete(again.proof)).toBe(true)
  })

  test('unlocks a number in E.164, also one that is not allowed any more', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.flow.check({ handle, code: '111111' })
    const [tag] = createSecrets([secret]).numberTags(number)
    const elsewhere = setup.another({ countries: ['DE'] })
    for (const given of ['', '2015550100', `x${number}`, `${number}x`]) {
      expect(await failure(elsewhere.unlock(given))).toEqual({
        code: 'ERR_OTP_MISUSE',
        status: 500,
      })
    }
    expect(await setup.steps.failures(tag)).toMatchObject({ total: 1 })
    await elsewhere.unlock(number)
    expect(await setup.steps.failures(tag)).toMatchObject({ total: 0 })
  })

  test('tells listeners of one event until they leave', async () => {
    const setup = await setupFlow(kind)
    const heard: string[] = []
    const leave = setup.flow.on('otp.sent', ({ type }) => void heard.push(type))
    const handle = await sendCode(setup)
    await setup.flow.cancel({ handle })
    leave()
    await sendCode(setup, { number: other })
    expect(heard).toEqual(['otp.sent'])
  })
})
