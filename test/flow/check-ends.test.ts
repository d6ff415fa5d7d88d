import { describe, expect, test, vi } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import type { FlowView } from '../../src/store/steps/flow.js'
import {
  failure,
  flowKinds,
  type Held,
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

/*
 * How checks end that meet something on their way: another request, a limit that can't be asked, a
 * record that has changed, an answer of tyntec that was lost.
 */

const wrongCode = '111111'
const address = '192.0.2.1'
const unavailable = { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', status: 503 }
const auth = { code: 'ERR_OTP_PROVIDER_AUTH', status: 503 }
const sendsOpen = { pumping: 'shadow' as const, resendWaits: [1, 1, 1] }

/** A check that tyntec is asked for, and which is stopped there. */
async function stopped(setup: TestFlow, check: () => Promise<unknown>) {
  const asked = setup.gate.next('check')
  const checking = check()
  checking.catch(() => {})
  return { checking, held: await asked }
}

/** Loses a check on its way to tyntec, where it may still arrive, and tyntec's record with it. */
async function lose(setup: TestFlow, handle: string, code: string): Promise<Held> {
  await setup.fault({ operation: 'otp.get', kind: 'status', status: 500, times: 1, when: 'before' })
  const { checking, held } = await stopped(setup, () =>
    failure(setup.flow.check({ handle, code, address })),
  )
  held.cut()
  expect(await checking).toMatchObject({ status: 503 })
  return held
}

/** What tyntec says of this OTP the next time it is asked. */
async function tell(setup: TestFlow, says: Record<string, unknown>, step: Promise<unknown>) {
  const asked = setup.gate.next('get')
  step.catch(() => {})
  const held = await asked
  await held.answerWith(200, { otpId: held.otpId, number, ...says })
  return step
}

/** Failed checks of the number, as the store counts them. */
async function failuresOf({ steps }: TestFlow): Promise<number> {
  const [tag] = createSecrets([secret]).numberTags(number)
  return (await steps.failures(tag)).total
}

/** The record as somebody without our keys would have written it. */
function spoiled(record: FlowView, field: 'number' | 'otp'): FlowView {
  return { ...record, [field]: 'nothing of ours' }
}

describe.each(flowKinds)('a check on %s', (kind) => {
  test('that is wrong and ends the code at tyntec counts for its address', async () => {
    const limits = { failuresPerAddress: { points: 3, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits, attempts: 10 })
    const handle = await sendCode(setup)
    for (const [code, status] of [
      [wrongCode, 'invalid_code'],
      ['222222', 'invalid_code'],
      ['333333', 'too_many_attempts'],
    ] as const) {
      expect(await statusOf(setup.flow.check({ handle, code, address }))).toBe(status)
    }
    const another = await sendCode(setup, { number: numbers[1] })
    const last = setup.flow.check({ handle: another, code: wrongCode, address })
    expect(await statusOf(last)).toBe('rate_limited')
    expect(setup.eventTypes().at(-1)).toBe('limit.hit failures_per_address')
  })

  test('that tyntec refused costs its address nothing', async () => {
    const limits = { failuresPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { limits })
    const handle = await sendCode(setup)
    for (let tries = 0; tries < 3; tries += 1) {
      await setup.fault({ operation: 'otp.check', kind: 'status', status: 401, times: 1 })
      expect(await failure(setup.flow.check({ handle, code: wrongCode, address }))).toEqual(auth)
    }
    expect(await statusOf(setup.flow.check({ handle, code: wrongCode, address }))).toBe(
      'invalid_code',
    )
  })

  test('that settles an earlier one is charged once', async () => {
    const limits = { failuresPerAddress: { points: 2, duration: 3600 } }
    const setup = await setupFlow(kind, { limits })
    const handle = await sendCode(setup)
    const held = await lose(setup, handle, wrongCode)
    await held.forward()
    expect(await statusOf(setup.flow.check({ handle, code: rightCode, address }))).toBe('verified')
  })

  test('of an address over its limit settles no earlier one', async () => {
    const limits = { failuresPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const handle = await sendCode(setup)
    await lose(setup, handle, rightCode)
    const other = await sendCode(setup, { number: numbers[1] })
    await setup.flow.check({ handle: other, code: wrongCode, address })
    const asked = (await setup.calls()).length
    expect(await statusOf(setup.flow.check({ handle, code: rightCode, address }))).toBe(
      'rate_limited',
    )
    expect((await setup.calls()).length).toBe(asked)
    // From elsewhere it goes on at once.
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  test('of an address over its limit is refused also while the code is being sent', async () => {
    const limits = { failuresPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const other = await sendCode(setup, { number: numbers[1] })
    await setup.flow.check({ handle: other, code: wrongCode, address })
    let handle = ''
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
    const held = await asked
    const checking = statusOf(setup.flow.check({ handle, code: rightCode, address }))
    await held.answer()
    await sending
    expect(await checking).toBe('rate_limited')
    expect(await setup.count('check')).toBe(1)
  })

  describe('while another one is running', () => {
    /** How often a store was asked. */
    function counted(setup: TestFlow, step: 'claim' | 'read') {
      let calls = 0
      const flow = through(setup, {
        [step]: (next: () => Promise<never>) => {
          calls += 1
          return next()
        },
      })
      const until = async (wanted: number) => {
        await expect
          .poll(() => calls, { timeout: 4000, interval: 5 })
          .toBeGreaterThanOrEqual(wanted)
      }
      return { flow, until }
    }

    test('waits for its end, asking less often each time', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const { checking, held } = await stopped(setup, () =>
        statusOf(setup.flow.check({ handle, code: wrongCode })),
      )
      const { flow, until } = counted(setup, 'claim')
      const started = performance.now()
      const joined = flow.check({ handle, code: wrongCode })
      await until(9)
      expect(performance.now() - started).toBeGreaterThan(300)
      await held.answer()
      expect(await checking).toBe('invalid_code')
      expect(await joined).toEqual({ status: 'invalid_code', attemptsRemaining: 2 })
      expect(await setup.count('check')).toBe(1)
    })

    test('has no end either when that one has none', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const { flow, until } = counted(setup, 'claim')
      await setup.fault({ operation: 'otp.get', kind: 'reset', times: 1, when: 'before' })
      const { checking, held } = await stopped(setup, () =>
        failure(setup.flow.check({ handle, code: rightCode })),
      )
      const joined = flow.check({ handle, code: rightCode }).catch((error: unknown) => error)
      await until(2)
      held.cut()
      expect(await checking).toEqual(unavailable)
      expect(await joined).toMatchObject({
        code: unavailable.code,
        processed: 'unknown',
        retryAfter: 2,
      })
      expect(await signIn(setup.flow, handle)).toBe('opened')
    })

    test.each(['join', 'sending'] as const)(
      'gives up when every lease is over and nothing has changed (%s)',
      async (status) => {
        const setup = await setupFlow(kind)
        const handle = await sendCode(setup)
        let jump = 0
        const flow = through(setup, {
          claim: async () => (status === 'join' ? { status, opening: false } : { status }),
          read: async () => {
            jump += 6000
            return { busy: true, deliveryDue: false, lookupDue: false }
          },
        })
        const real = performance.now.bind(performance)
        vi.spyOn(performance, 'now').mockImplementation(() => {
          if (status === 'join') jump += 1500
          return real() + jump
        })
        try {
          expect(await failure(flow.check({ handle, code: rightCode }))).toEqual(unavailable)
        } finally {
          vi.restoreAllMocks()
        }
        expect(await setup.count('check')).toBe(0)
      },
    )

    test('waits for a send as long as it takes', async () => {
      const setup = await setupFlow(kind)
      const { flow, until } = counted(setup, 'read')
      let handle = ''
      const asked = setup.gate.next('send')
      const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
      const held = await asked
      const checking = signIn(flow, handle)
      await until(9)
      await held.answer()
      await sending
      expect(await checking).toBe('opened')
    })

    test('ends with a send that was cancelled', async () => {
      const setup = await setupFlow(kind)
      const { flow, until } = counted(setup, 'read')
      let handle = ''
      const asked = setup.gate.next('send')
      const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
      sending.catch(() => {})
      const held = await asked
      const checking = statusOf(flow.check({ handle, code: rightCode }))
      await until(2)
      await setup.flow.cancel({ handle })
      expect(await checking).toBe('no_pending_code')
      held.cut()
      await sending.catch(() => {})
    })

    test('ends when a send that is gone has left no record', async () => {
      const setup = await setupFlow(kind)
      let handle = ''
      const asked = setup.gate.next('send')
      const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
      sending.catch(() => {})
      const held = await asked
      const flow = through(setup, {
        read: async () => ({ deliveryDue: false, lookupDue: false, busy: false }),
      })
      const checking = statusOf(flow.check({ handle, code: rightCode }))
      await held.answer()
      await sending
      expect(await checking).toBe('verified')
    })

    test('looks a send up whose process has died', async () => {
      const setup = await setupFlow(kind)
      const dying = through(setup, { settleSend: () => new Promise<never>(() => {}) })
      let handle = ''
      void dying.send({ number, onHandle: (given) => (handle = given) })
      await expect.poll(() => setup.count('send')).toBe(1)
      const checking = signIn(setup.flow, handle)
      await setup.advance(11)
      expect(await checking).toBe('opened')
      expect(await setup.count('list')).toBe(1)
    })

    test('of an unconfirmed send looks it up once', async () => {
      const setup = await setupFlow(kind)
      await setup.fault({ operation: 'otp.send', kind: 'reset', times: 1, when: 'before' })
      const outcome = await setup.flow.send({ number })
      const handle = 'handle' in outcome ? outcome.handle : ''
      const before = await setup.count('list')
      expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual(unavailable)
      expect((await setup.count('list')) - before).toBe(2)
      await setup.advance(3.1)
      await setup.fault({ operation: 'otp.list', kind: 'status', status: 401, times: 2 })
      expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual(auth)
    })
  })

  test('of an unconfirmed send looks it up once, however long that takes', async () => {
    const setup = await setupFlow(kind)
    await setup.fault({ operation: 'otp.send', kind: 'reset', times: 1, when: 'before' })
    const outcome = await setup.flow.send({ number })
    const handle = 'handle' in outcome ? outcome.handle : ''
    const before = await setup.count('list')
    const slow = through(setup, {
      async settleSend(next) {
        const settled = await next()
        await setup.advance(4)
        return settled
      },
    })
    expect(await failure(slow.check({ handle, code: rightCode }))).toEqual(unavailable)
    expect((await setup.count('list')) - before).toBe(2)
    // Another request has a look-up of its own.
    expect(await failure(slow.check({ handle, code: rightCode }))).toEqual(unavailable)
    expect((await setup.count('list')) - before).toBe(4)
  })

  describe('of a record that nobody can read', () => {
    /** Whoever claims gets the record, with one value that is not ours. */
    function spoiling(setup: TestFlow, field: 'number' | 'otp') {
      return through(setup, {
        async claim(next) {
          const claim = await next()
          return 'record' in claim ? { ...claim, record: spoiled(claim.record, field) } : claim
        },
      })
    }

    test.each(['number', 'otp'] as const)('(%s) ends the flow', async (field) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const flow = spoiling(setup, field)
      expect(await flow.check({ handle, code: rightCode })).toEqual({ status: 'code_expired' })
      expect(await setup.flow.status({ handle })).toMatchObject({ status: 'ended', why: 'expired' })
      expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
        status: 'code_expired',
      })
      expect(await setup.count('check')).toBe(0)
    })

    test('signs nobody in, though the code was proven', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const first = await setup.flow.check({ handle, code: rightCode })
      if (first.status !== 'verified') throw new Error(first.status)
      await setup.flow.release(first.proof)
      expect(await spoiling(setup, 'number').check({ handle, code: rightCode })).toEqual({
        status: 'no_pending_code',
      })
    })

    test('finds no lost send', async () => {
      const setup = await setupFlow(kind)
      await setup.fault({ operation: 'otp.send', kind: 'reset', times: 1, when: 'before' })
      const outcome = await setup.flow.send({ number })
      const handle = 'handle' in outcome ? outcome.handle : ''
      const before = await setup.count('list')
      const step = spoiling(setup, 'number').check({ handle, code: rightCode })
      expect(await failure(step)).toEqual(unavailable)
      expect(await setup.count('list')).toBe(before)
    })
  })

  describe('whose flow ends while tyntec is asked', () => {
    test.each([rightCode, wrongCode])('says so, whatever tyntec answers (%s)', async (code) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const { checking, held } = await stopped(setup, () => setup.flow.check({ handle, code }))
      await held.forward()
      await setup.flow.cancel({ handle })
      await held.answer()
      expect(await checking).toEqual({ status: 'no_pending_code' })
      expect(setup.eventTypes()).toEqual(['otp.sent', 'otp.cancelled', 'request.refused'])
    })
  })

  describe('whose answer was lost', () => {
    test('gives its address one failure back, however often the store is told', async () => {
      const generous = { points: 1000, duration: 600 }
      const setup = await setupFlow(kind, {
        limits: {
          failuresPerAddress: { points: 2, duration: 600 },
          failedNumbersPerAddress: generous,
          sendsPerAddress: generous,
        },
      })
      const twice = through(setup, {
        async settleCheck(next) {
          await next()
          return next()
        },
      })
      const sendTo = (at: 0 | 1 | 2 | 3) => sendCode(setup, { number: numbers[at] })
      const [first, second, third, last] = [
        await sendTo(0),
        await sendTo(1),
        await sendTo(2),
        await sendTo(3),
      ]
      const wrong = (handle: string) => setup.flow.check({ handle, code: wrongCode, address })
      expect(await wrong(first)).toMatchObject({ status: 'invalid_code' })
      await setup.fault({ operation: 'otp.check', kind: 'reset', when: 'after' })
      await setup.fault({ operation: 'otp.get', kind: 'status', status: 500, when: 'before' })
      const lost = twice.check({ handle: second, code: rightCode, address })
      expect(await failure(lost)).toMatchObject(unavailable)
      await setup.noFaults()
      expect(await wrong(third)).toMatchObject({ status: 'invalid_code' })
      expect(await wrong(last)).toMatchObject({ status: 'rate_limited' })
    })

    test('is told by the record that it was wrong', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const { checking, held } = await stopped(setup, () =>
        setup.flow.check({ handle, code: wrongCode }),
      )
      await held.forward()
      held.cut()
      expect(await checking).toEqual({ status: 'invalid_code', attemptsRemaining: 2 })
      expect(await setup.count('get')).toBe(1)
    })

    test('is not asked again when it was wrong, whoever repeats it', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const held = await lose(setup, handle, wrongCode)
      await held.forward()
      expect(await setup.flow.check({ handle, code: wrongCode })).toEqual({
        status: 'invalid_code',
        attemptsRemaining: 2,
      })
      expect(await setup.count('check')).toBe(1)
    })

    test('and which was the last one ends the flow, for another code too', async () => {
      const setup = await setupFlow(kind, { attempts: 1 })
      const handle = await sendCode(setup)
      const held = await lose(setup, handle, wrongCode)
      await held.forward()
      expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
        status: 'too_many_attempts',
      })
      expect(await setup.count('check')).toBe(1)
    })

    test('by a record without a count stays unknown', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await lose(setup, handle, wrongCode)
      const step = failure(setup.flow.check({ handle, code: rightCode }))
      expect(await tell(setup, { otpStatus: 'ACTIVE' }, step)).toEqual(unavailable)
      expect(await setup.count('check')).toBe(0)
      expect(await signIn(setup.flow, handle)).toBe('opened')
    })

    test('takes no record that is about another number', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const { checking, held } = await stopped(setup, () =>
        failure(setup.flow.check({ handle, code: wrongCode })),
      )
      held.cut()
      const verified = { otpStatus: 'VERIFIED', number: numbers[1] }
      expect(await tell(setup, verified, checking)).toMatchObject({ status: 503 })
    })

    test('is not taken for right when the code was closed by others meanwhile', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await lose(setup, handle, wrongCode)
      const { checking, held } = await stopped(setup, () =>
        setup.flow.check({ handle, code: wrongCode }),
      )
      await held.answerWith(410, {
        otpId: held.otpId,
        number,
        otpStatus: 'TOO_MANY_ATTEMPTS',
        attemptCount: 3,
      })
      expect(await checking).toEqual({ status: 'too_many_attempts' })
    })

    describe('as that of the one before', () => {
      /** Two codes are under way, and of neither anything is known. */
      async function loseTwo(setup: TestFlow, codes: readonly [string, string]) {
        const handle = await sendCode(setup)
        const first = await lose(setup, handle, codes[0])
        const asked = setup.gate.next('check')
        const checking = failure(setup.flow.check({ handle, code: codes[1] }))
        const second = await asked
        await setup.fault({
          operation: 'otp.get',
          kind: 'status',
          status: 500,
          times: 1,
          when: 'before',
        })
        second.cut()
        expect(await checking).toEqual(unavailable)
        const { length } = setup.events
        return { handle, first, second, events: () => setup.events.slice(length) }
      }

      test('is proven by nothing, although tyntec has verified one of them', async () => {
        for (const [landing, again] of [
          [0, '222222'],
          [1, rightCode],
        ] as const) {
          const setup = await setupFlow(kind)
          const codes =
            landing === 0 ? ([rightCode, '222222'] as const) : (['222222', rightCode] as const)
          const { handle, first, second } = await loseTwo(setup, codes)
          await (landing === 0 ? first : second).forward()
          expect(await setup.flow.check({ handle, code: again })).toEqual({
            status: 'no_pending_code',
          })
          expect(await failuresOf(setup)).toBe(0)
        }
      })

      test('has no end yet when one of them was wrong', async () => {
        const setup = await setupFlow(kind)
        const { handle, first, events } = await loseTwo(setup, [wrongCode, '222222'])
        await first.forward()
        expect(await failure(setup.flow.check({ handle, code: '222222' }))).toEqual(unavailable)
        expect(events().map(({ type }) => type)).not.toContain('otp.rejected')
      })

      test('lets a third code be asked for when one of them was wrong', async () => {
        const setup = await setupFlow(kind)
        const { handle, first } = await loseTwo(setup, [wrongCode, '222222'])
        await first.forward()
        expect(await signIn(setup.flow, handle)).toBe('opened')
        expect(await setup.count('check')).toBe(2)
      })

      test('ends the flow when one of them was the last', async () => {
        const setup = await setupFlow(kind, { attempts: 1 })
        const { handle, first } = await loseTwo(setup, [wrongCode, '222222'])
        await first.forward()
        expect(await setup.flow.check({ handle, code: '222222' })).toEqual({
          status: 'too_many_attempts',
        })
      })

      test('has no end while it is asked when the other one was wrong', async () => {
        const setup = await setupFlow(kind)
        const handle = await sendCode(setup)
        const late = await lose(setup, handle, wrongCode)
        const { checking, held } = await stopped(setup, () =>
          failure(setup.flow.check({ handle, code: rightCode })),
        )
        await late.forward()
        held.cut()
        expect(await checking).toEqual(unavailable)
        expect(await signIn(setup.flow, handle)).toBe('opened')
      })
    })
  })

  describe('that tyntec counts', () => {
    test('in its own way, is a failure all the same', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const answers = [{ attemptCount: 2 }, {}]
      for (const [index, more] of answers.entries()) {
        const { checking, held } = await stopped(setup, () =>
          setup.flow.check({ handle, code: `11111${index}` }),
        )
        await held.answerWith(401, { otpId: held.otpId, number, otpStatus: 'ACTIVE', ...more })
        expect(await checking).toMatchObject({ status: 'invalid_code' })
      }
      // The count that was not told is one more than the one before: three, and a fourth is news.
      const { checking, held } = await stopped(setup, () =>
        setup.flow.check({ handle, code: '333333' }),
      )
      held.cut()
      const says = { otpStatus: 'ACTIVE', attemptCount: 3 }
      expect(
        await tell(
          setup,
          says,
          checking.catch((error: unknown) => error),
        ),
      ).toBeInstanceOf(OtpError)
    })

    test('as the last, is a failure of its address', async () => {
      const limits = {
        failuresPerAddress: { points: 3, duration: 3600 },
        failedNumbersPerAddress: { points: 1, duration: 3600 },
      }
      const setup = await setupFlow(kind, { ...sendsOpen, limits })
      const handle = await sendCode(setup)
      const other = await sendCode(setup, { number: numbers[1] })
      const { checking, held } = await stopped(setup, () =>
        setup.flow.check({ handle, code: wrongCode, address }),
      )
      await held.answerWith(401, {
        otpId: held.otpId,
        number,
        otpStatus: 'TOO_MANY_ATTEMPTS',
        attemptCount: 1,
      })
      expect(await checking).toEqual({ status: 'too_many_attempts' })
      expect(await statusOf(setup.flow.check({ handle: other, code: rightCode, address }))).toBe(
        'rate_limited',
      )
      expect(setup.eventTypes()).toContain('limit.hit failed_numbers_per_address')
    })

    test('as too late, is no failure of its address', async () => {
      const limits = {
        failuresPerAddress: { points: 1, duration: 3600 },
        failedNumbersPerAddress: { points: 1, duration: 3600 },
      }
      const setup = await setupFlow(kind, { ...sendsOpen, limits })
      const handle = await sendCode(setup)
      const other = await sendCode(setup, { number: numbers[1] })
      const { checking, held } = await stopped(setup, () =>
        setup.flow.check({ handle, code: wrongCode, address }),
      )
      await held.answerWith(401, { otpId: held.otpId, number, otpStatus: 'EXPIRED' })
      expect(await checking).toEqual({ status: 'code_expired' })
      expect(await statusOf(setup.flow.check({ handle: other, code: rightCode, address }))).toBe(
        'verified',
      )
    })
  })

  test('that outlasts a drain asks tyntec all the same', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    let claim = () => {}
    const claiming = new Promise<void>((resolve) => (claim = resolve))
    const flow = through(setup, {
      claim: async (next) => {
        await claiming
        return next()
      },
    })
    const checking = statusOf(flow.check({ handle, code: rightCode }))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let drained = false
    const draining = flow.drain().then(() => (drained = true))
    await vi.advanceTimersByTimeAsync(9900)
    expect(drained).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    await draining
    vi.useRealTimers()
    claim()
    expect(await checking).toBe('verified')
  })

  test('that signs in takes its messages from what looks like pumping', async () => {
    const setup = await setupFlow(kind, {
      resendWaits: [1],
      pumping: { mode: 'enforce', address: { free: 3, share: 0 } },
      limits: { sendsPerAddress: { points: 10, duration: 3600 } },
    })
    for (const each of numbers) {
      const handle = await sendCode(setup, { number: each, address })
      await setup.advance(2)
      expect(await statusOf(setup.flow.resend({ handle, address }))).toBe('sent')
      expect(await statusOf(setup.flow.check({ handle, code: rightCode, address }))).toBe(
        'verified',
      )
      await setup.advance(3600)
    }
    expect(setup.eventTypes()).not.toContain('pumping.suspected')
  })
})
