import { describe, expect, test } from 'vitest'
import { createSecrets } from '../../src/secrets/secrets.js'
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
} from '../support/flow.js'

const auth = 'ERR_OTP_PROVIDER_AUTH'
const unavailable = 'ERR_OTP_PROVIDER_UNAVAILABLE'
const response = 'ERR_OTP_PROVIDER_RESPONSE'

/** What goes wrong with tyntec's answer, and the error when nothing more can be known. */
const faults = {
  'a rejected key': { fault: { kind: 'status', status: 401 }, error: auth },
  'a refused account': { fault: { kind: 'status', status: 403 }, error: auth },
  'a server error': { fault: { kind: 'status', status: 500 }, error: unavailable },
  'too many requests': { fault: { kind: 'status', status: 429 }, error: unavailable },
  'a page of HTML': { fault: { kind: 'html', status: 502 }, error: unavailable },
  'a page of HTML that is fine': { fault: { kind: 'html', status: 202 }, error: response },
  'malformed JSON': { fault: { kind: 'malformed' }, error: response },
  'an empty body': { fault: { kind: 'empty' }, error: response },
  'half a body': { fault: { kind: 'truncate' }, error: unavailable },
  'a reset connection': { fault: { kind: 'reset' }, error: unavailable },
  'a redirect': {
    fault: { kind: 'redirect', location: 'http://127.0.0.1:9/', status: 307 },
    error: response,
  },
} satisfies Record<string, { fault: Record<string, unknown>; error: string }>

type FaultName = keyof typeof faults
// Object.keys forgets the names.
const names = Object.keys(faults) as FaultName[]

/** These say that tyntec did not look at the request, so nothing more is asked. */
const refusals: FaultName[] = ['a rejected key', 'a refused account', 'too many requests']
const doubtful = names.filter((name) => !refusals.includes(name))

async function once(
  { fault }: TestFlow,
  operation: string,
  name: FaultName,
  when: 'before' | 'after',
): Promise<void> {
  await fault({ operation, when, times: 1, ...faults[name].fault })
}

/** tyntec's own count of OTPs in a state. */
async function otpsThatAre({ sandbox }: TestFlow, state: string): Promise<number> {
  const answer = await fetch(`${sandbox.url}/_sandbox/otps`)
  const otps = (await answer.json()) as { otpStatus: string }[] // the sandbox's own
  return otps.filter(({ otpStatus }) => otpStatus === state).length
}

/** As somebody else with the app's key would. */
async function control(
  { sandbox }: TestFlow,
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  await fetch(`${sandbox.url}/${path}`, {
    method,
    headers: { apikey: sandbox.apiKey },
    ...(body && { body: JSON.stringify(body) }),
  })
}

describe.each(flowKinds)('a check on %s', (kind) => {
  // proves: UP-6, tyntec-5xx/check, tyntec-401/check, tyntec-403/check, tyntec-429/check
  test.each(names)('that ends in %s before tyntec looked can be repeated', async (name) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await once(setup, 'otp.check', name, 'before')
    expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual({
      code: faults[name].error,
      status: 503,
    })
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' })
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await signIn(setup.flow, handle)).toBe('repeated')
    expect(await setup.count('check')).toBe(2)
    expect(setup.events.find(({ type }) => type === 'otp.verified')).toMatchObject({
      failuresBefore: 0,
    })
  })

  // proves: answer-lost/check, tyntec-5xx/check, bad-json/check, portal/check, reset/check
  test.each(doubtful)('whose answer is %s is proven by what tyntec has kept', async (name) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await once(setup, 'otp.check', name, 'after')
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await signIn(setup.flow, handle)).toBe('repeated')
    expect(await setup.count('check')).toBe(1)
    expect(await setup.count('get')).toBe(1)
  })

  test.each(['a rejected key', 'a refused account'] as const)(
    'whose answer is %s although tyntec took the code signs in when it is repeated',
    async (name) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await once(setup, 'otp.check', name, 'after')
      expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual({
        code: auth,
        status: 503,
      })
      expect(await signIn(setup.flow, handle)).toBe('opened')
      expect(await signIn(setup.flow, handle)).toBe('repeated')
    },
  )

  test.each([
    [rightCode, 'opened', 'repeated'],
    ['333333', 'no_pending_code', 'no_pending_code'],
  ])('that lands after another was called wrong: then %s is %s', async (next, status, again) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const asked = setup.gate.next('check')
    const lost = failure(setup.flow.check({ handle, code: rightCode }))
    const held = await asked
    held.cut()
    expect(await lost).toMatchObject({ status: 503 })
    expect(await signIn(setup.flow, handle, '111111')).toBe('invalid_code')
    await held.forward()
    expect(await signIn(setup.flow, handle, next)).toBe(status)
    expect(await signIn(setup.flow, handle)).toBe(again)
    expect(await signIn(setup.flow, handle, '333333')).toBe('no_pending_code')
  })

  test('that was refused as one too many, but let through, signs in the next time', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await once(setup, 'otp.check', 'too many requests', 'after')
    await failure(setup.flow.check({ handle, code: rightCode }))
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await signIn(setup.flow, handle)).toBe('repeated')
  })

  // proves: answer-lost/check, tyntec-5xx/check, bad-json/check
  test.each(names)('of a wrong code stays wrong after %s', async (name) => {
    const setup = await setupFlow(kind)
    const wrong = { code: '111111' }
    for (const [index, when] of (['before', 'after'] as const).entries()) {
      const handle = await sendCode(setup, { number: numbers[index] ?? number })
      await once(setup, 'otp.check', name, when)
      const statuses = [await statusOf(setup.flow.check({ handle, ...wrong }))]
      if (statuses[0] !== 'invalid_code') {
        expect(statuses).toEqual([
          name === 'an empty body' && when === 'after' ? auth : faults[name].error,
        ])
        expect(await setup.flow.check({ handle, ...wrong })).toEqual({
          status: 'invalid_code',
          attemptsRemaining: 2,
        })
      }
      expect(await signIn(setup.flow, handle)).toBe('opened')
    }
    expect(await otpsThatAre(setup, 'VERIFIED')).toBe(2)
  })

  // proves: answer-lost/check, reset/check
  test.each(doubtful)('is settled later when nothing can be read after %s', async (name) => {
    const setup = await setupFlow(kind)
    for (const [index, when] of (['before', 'after'] as const).entries()) {
      const handle = await sendCode(setup, { number: numbers[index] ?? number })
      const check = () => setup.flow.check({ handle, code: rightCode })
      await once(setup, 'otp.check', name, when)
      await setup.fault({
        operation: 'otp.get',
        kind: 'status',
        status: 500,
        times: 2,
        when: 'before',
      })
      expect(await failure(check())).toEqual({ code: faults[name].error, status: 503 })
      expect(await failure(check())).toEqual({ code: unavailable, status: 503 })
      const asked = await setup.count('check')
      expect(await signIn(setup.flow, handle)).toBe('opened')
      expect((await setup.count('check')) - asked).toBe(when === 'before' ? 1 : 0)
    }
  })

  test('of a right code follows one whose wrong code was lost', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await once(setup, 'otp.check', 'a server error', 'after')
    await setup.fault({ operation: 'otp.get', kind: 'reset', times: 1, when: 'before' })
    await failure(setup.flow.check({ handle, code: '111111' }))
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(setup.events.find(({ type }) => type === 'otp.verified')).toMatchObject({
      failuresBefore: 1,
    })
  })

  test('of another code never signs in by the one that was lost', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await once(setup, 'otp.check', 'a server error', 'after')
    await setup.fault({ operation: 'otp.get', kind: 'reset', times: 1, when: 'before' })
    await failure(setup.flow.check({ handle, code: rightCode }))
    expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
      status: 'no_pending_code',
    })
    expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
  })

  /** Loses a right code on its way to tyntec, where it may still arrive. */
  async function lost(setup: TestFlow, handle: string): Promise<Held> {
    const asked = setup.gate.next('check')
    const checking = failure(setup.flow.check({ handle, code: rightCode }))
    const held = await asked
    held.cut()
    expect(await checking).toEqual({ code: unavailable, status: 503 })
    return held
  }

  test('that lands late signs in when it is repeated', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    expect(await late.forward()).toBe(202)
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('check')).toBe(1)
  })

  test('that lands while it is repeated signs in', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    const asked = setup.gate.next('check')
    const again = signIn(setup.flow, handle)
    const held = await asked
    expect(await late.forward()).toBe(202)
    expect(await held.forward()).toBe(410)
    await held.answer()
    expect(await again).toBe('opened')
  })

  test('of another code never signs in by one that lands late', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    const asked = setup.gate.next('check')
    const other = setup.flow.check({ handle, code: '111111' })
    const held = await asked
    expect(await late.forward()).toBe(202)
    await held.answer()
    expect(await other).toEqual({ status: 'no_pending_code' })
  })

  test('of a lost other code never signs in by one that lands late', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    const asked = setup.gate.next('check')
    const other = statusOf(setup.flow.check({ handle, code: '111111' }))
    const held = await asked
    expect(await late.forward()).toBe(202)
    held.cut()
    expect(await other).toBe('no_pending_code')
  })

  test('of a third, lost code never signs in by one that lands after a wrong one', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    expect(await setup.flow.check({ handle, code: '111111' })).toMatchObject({
      status: 'invalid_code',
    })
    const asked = setup.gate.next('check')
    const third = statusOf(setup.flow.check({ handle, code: '222222' }))
    const held = await asked
    expect(await late.forward()).toBe(202)
    held.cut()
    expect(await third).toBe('no_pending_code')
  })

  test('of a lost code never signs in by one that is forgotten', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const late = await lost(setup, handle)
    expect(await late.forward()).toBe(202)
    await setup.advance(61)
    await once(setup, 'otp.check', 'a reset connection', 'before')
    expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
      status: 'no_pending_code',
    })
  })

  /** What becomes of the code at tyntec while the answer to a check is on its way. */
  const ends = {
    'has run out': {
      async end(setup: TestFlow) {
        await control(setup, 'POST', '_sandbox/clock', { advance: 301 })
      },
      status: 'code_expired',
      failed: false,
    },
    'has had too many tries': {
      async end(setup: TestFlow, otpId: string) {
        for (const code of ['111111', '222222', '333333']) {
          await control(setup, 'POST', `2fa/v1/otp/${otpId}/check?otpCode=${code}`)
        }
      },
      status: 'too_many_attempts',
      failed: true,
    },
    'is gone': {
      async end(setup: TestFlow, otpId: string) {
        await control(setup, 'DELETE', `2fa/v1/otp/${otpId}`)
      },
      status: 'code_expired',
      failed: false,
    },
  }

  describe.each(Object.entries(ends))('whose answer is lost when the code %s', (_, ending) => {
    const { end, status, failed } = ending
    const ended = async (setup: TestFlow, handle: string) => {
      expect(await statusOf(setup.flow.check({ handle, code: rightCode }))).toBe(
        failed ? 'too_many_attempts' : 'code_expired',
      )
      const tag = createSecrets([secret]).numberTags(number)[0]
      expect((await setup.steps.failures(tag)).total).toBe(failed ? 1 : 0)
    }

    test('is told so by the record', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const asked = setup.gate.next('check')
      const checking = statusOf(setup.flow.check({ handle, code: rightCode }))
      const held = await asked
      await end(setup, held.otpId)
      held.cut()
      expect(await checking).toBe(status)
      await ended(setup, handle)
    })

    test('is told so when it is repeated', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await once(setup, 'otp.get', 'malformed JSON', 'before')
      const asked = setup.gate.next('check')
      const checking = failure(setup.flow.check({ handle, code: rightCode }))
      const held = await asked
      held.cut()
      expect((await checking).status).toBe(503)
      await end(setup, held.otpId)
      expect(await statusOf(setup.flow.check({ handle, code: '444444' }))).toBe(status)
      await ended(setup, handle)
    })
  })

  test('of fifty right codes after a lost one signs in once', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await (await lost(setup, handle)).forward()
    const statuses = await Promise.all(Array.from({ length: 50 }, () => signIn(setup.flow, handle)))
    expect(statuses.sort()).toEqual(['opened', ...Array<string>(49).fill('signed_in')])
    expect(await setup.count('check')).toBe(1)
  })

  // proves: SES-11
  test('takes no answer that is about another OTP or number', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const answers = [
      { otpId: 'another-otp', otpStatus: 'VERIFIED', number },
      { otpStatus: 'VERIFIED', number: numbers[1] },
      { otpStatus: 'VERIFIED', number: [number] },
      { otpStatus: ['VERIFIED'], number },
      { otpStatus: 'ACTIVE', number },
      { otpStatus: 'verified', number },
    ]
    for (const body of answers) {
      const asked = setup.gate.next('check')
      const checking = failure(setup.flow.check({ handle, code: '111111' }))
      const held = await asked
      await held.answerWith(202, { otpId: held.otpId, ...body })
      expect(await checking).toEqual({ code: response, status: 503 })
    }
  })
})

describe.each(flowKinds)('a send on %s', (kind) => {
  // proves: answer-lost/send, tyntec-5xx/send, bad-json/send, reset/send
  test.each(doubtful)('that ends in %s before tyntec took it is unconfirmed', async (name) => {
    const setup = await setupFlow(kind)
    await once(setup, 'otp.send', name, 'before')
    const outcome = await setup.flow.send({ number })
    expect(outcome).toMatchObject({ status: 'unconfirmed', handle: expect.any(String) })
    expect(setup.eventTypes()).toEqual(['error', 'otp.unconfirmed'])
    const handle = 'handle' in outcome ? outcome.handle : ''
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'unconfirmed' })
    expect(await setup.flow.send({ number, handle })).toMatchObject({ status: 'unconfirmed' })
    expect(await failure(setup.flow.check({ handle, code: rightCode }))).toEqual({
      code: unavailable,
      status: 503,
    })
    expect(await setup.count('send')).toBe(1)
    await setup.advance(31)
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
    expect(await setup.count('send')).toBe(2)
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  // proves: UP-9, answer-lost/send, tyntec-5xx/send, bad-json/send, portal/send, reset/send
  test.each(doubtful)('whose answer is %s is found in the list of tyntec', async (name) => {
    const setup = await setupFlow(kind)
    await once(setup, 'otp.send', name, 'after')
    const handle = await sendCode(setup)
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' })
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('send')).toBe(1)
    expect(await setup.count('list')).toBe(1)
  })

  // proves: tyntec-401/send, tyntec-403/send, tyntec-429/send
  test.each(refusals)('that ends in %s leaves nothing behind', async (name) => {
    const setup = await setupFlow(kind)
    await once(setup, 'otp.send', name, 'before')
    expect(await failure(setup.flow.send({ number }))).toEqual({
      code: faults[name].error,
      status: 503,
    })
    expect(await setup.count('list')).toBe(0)
    expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
  })

  test.each(refusals)('that ends in %s leaves the browser the flow it had', async (name) => {
    const setup = await setupFlow(kind)
    let handle = await sendCode(setup)
    await setup.advance(31)
    await once(setup, 'otp.send', name, 'before')
    await failure(setup.flow.send({ number, handle, onHandle: (given) => (handle = given) }))
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  // proves: answer-lost/send
  test.each(['check', 'status', 'send', 'resend'] as const)(
    'of which nothing could be known is looked up by the next %s',
    async (step) => {
      const setup = await setupFlow(kind)
      const { flow } = setup
      await once(setup, 'otp.send', 'a reset connection', 'after')
      await setup.fault({ operation: 'otp.list', kind: 'status', status: 503, when: 'before' })
      const outcome = await flow.send({ number })
      expect(outcome).toMatchObject({ status: 'unconfirmed' })
      const handle = 'handle' in outcome ? outcome.handle : ''
      expect(await failure(flow.check({ handle, code: rightCode }))).toMatchObject({ status: 503 })
      expect(await flow.status({ handle })).toMatchObject({ status: 'unconfirmed' })
      await setup.noFaults()
      if (step !== 'resend') await setup.advance(3.1)
      if (step === 'status') {
        expect(await flow.status({ handle })).toMatchObject({ status: 'pending' })
      }
      if (step === 'send') {
        expect(await flow.send({ number, handle })).toMatchObject({ status: 'sent', handle })
      }
      if (step === 'resend') {
        await setup.advance(31)
        expect(await flow.resend({ handle })).toMatchObject({ status: 'sent' })
        expect(await setup.count('resend')).toBe(1)
      }
      expect(await signIn(flow, handle)).toBe('opened')
      expect(await setup.count('send')).toBe(1)
    },
  )

  describe('of which nothing is known', () => {
    /** tyntec has taken it, or not, and its list doesn't show it until `noFaults`. */
    async function unconfirmed(when: 'before' | 'after' = 'after') {
      const setup = await setupFlow(kind)
      await once(setup, 'otp.send', 'a reset connection', when)
      await setup.fault({ operation: 'otp.list', kind: 'status', status: 204, when: 'before' })
      const outcome = await setup.flow.send({ number })
      expect(outcome).toMatchObject({ status: 'unconfirmed' })
      const handle = 'handle' in outcome ? outcome.handle : ''
      const before = await setup.count('list')
      const lists = async () => (await setup.count('list')) - before
      return { ...setup, handle, lists, other: setup.another() }
    }

    // proves: answer-lost/send
    test('is looked up once in three seconds, however often and by whomever it is asked for', async () => {
      const { flow, other, handle, lists, advance, count } = await unconfirmed('before')
      for (let round = 1; round <= 2; round++) {
        await Promise.all(
          [flow, other].flatMap((each) =>
            Array.from({ length: 10 }, async () => {
              expect(await each.status({ handle })).toMatchObject({ status: 'unconfirmed' })
              expect(await failure(each.check({ handle, code: rightCode }))).toEqual({
                code: unavailable,
                status: 503,
              })
            }),
          ),
        )
        for (let tries = 0; tries < 10; tries++) {
          await flow.status({ handle })
          await failure(other.check({ handle, code: rightCode }))
          const again = await other.send({ number, handle })
          expect(again).toMatchObject({ status: 'unconfirmed', handle })
        }
        // One look-up asks twice.
        expect(await lists()).toBe(2 * round)
        await advance(3.1)
      }
      expect(await count('send')).toBe(1)
    })

    test('is looked up for a check after it was in vain for the page, as soon as that may help', async () => {
      const { flow, handle, lists, advance, noFaults, count } = await unconfirmed()
      await flow.status({ handle })
      await noFaults()
      const asked = failure(flow.check({ handle, code: rightCode }))
      expect(await asked).toEqual({ code: unavailable, status: 503 })
      expect(await lists()).toBe(2)
      await advance(3.1)
      expect(await signIn(flow, handle)).toBe('opened')
      expect(await lists()).toBe(3)
      expect(await count('send')).toBe(1)
    })

    test('is found for a check by the look-up of its page', async () => {
      const { flow, other, handle, lists, noFaults, gate } = await unconfirmed()
      await noFaults()
      const asked = gate.next('list')
      const shown = flow.status({ handle })
      const held = await asked
      const checking = signIn(other, handle)
      const third = other.status({ handle })
      expect(await third).toMatchObject({ status: 'unconfirmed' })
      await held.answer()
      expect(await shown).toMatchObject({ status: 'pending' })
      expect(await checking).toBe('opened')
      expect(await lists()).toBe(1)
    })

    test.each(['check', 'status', 'send'] as const)(
      'is looked up again after a %s whose look-up has failed',
      async (step) => {
        const { flow, handle, advance, noFaults, fault } = await unconfirmed()
        await noFaults()
        await fault({ operation: 'otp.list', kind: 'status', status: 401, times: 2 })
        if (step === 'status') await flow.status({ handle })
        else {
          const input = { number, handle, code: rightCode }
          expect(await failure(flow[step](input))).toMatchObject({ code: auth })
        }
        // Nobody waits for it any more.
        const started = performance.now()
        await failure(flow.check({ handle, code: rightCode }))
        expect(performance.now() - started).toBeLessThan(2000)
        await advance(3.1)
        expect(await signIn(flow, handle)).toBe('opened')
      },
    )

    // proves: answer-lost/send
    test.each(['send', 'resend'] as const)(
      'is looked up before the message of a %s, however short the last look-up is ago',
      async (step) => {
        const { flow, handle, lists, noFaults, advance, count } = await unconfirmed()
        await advance(31)
        await flow.status({ handle })
        await noFaults()
        await flow[step]({ number, handle })
        expect(await lists()).toBe(3)
        // It was found, so a resend is one, and no new code.
        expect(await count('resend')).toBe(step === 'resend' ? 1 : 0)
        expect(await count('send')).toBe(step === 'resend' ? 1 : 2)
      },
    )

    test('is not looked up for a resend that comes too soon', async () => {
      const { flow, handle, lists, advance, count } = await unconfirmed()
      for (let tries = 0; tries < 5; tries++) {
        expect(await flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
      }
      expect(await lists()).toBe(0)
      await advance(31)
      expect(await flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(await lists()).toBe(2)
      expect(await count('send')).toBe(2)
    })
  })

  test('of which nothing could be known signs in one of twenty', async () => {
    const setup = await setupFlow(kind)
    await once(setup, 'otp.send', 'a reset connection', 'after')
    await setup.fault({ operation: 'otp.list', kind: 'reset', times: 2, when: 'before' })
    const outcome = await setup.flow.send({ number })
    expect(outcome).toMatchObject({ status: 'unconfirmed' })
    const handle = 'handle' in outcome ? outcome.handle : ''
    const statuses = await Promise.all(Array.from({ length: 20 }, () => signIn(setup.flow, handle)))
    expect(statuses.filter((status) => status === 'opened')).toHaveLength(1)
    // Who comes after the session was opened is answered again, three times, and then finds nothing left.
    const others = ['opened', 'signed_in', 'repeated', 'no_pending_code']
    expect(statuses.filter((status) => !others.includes(status))).toEqual([])
    expect(statuses.filter((status) => status === 'repeated').length).toBeLessThanOrEqual(3)
    expect(await setup.count('check')).toBe(1)
  })

  test('that tyntec took twice is known by its own reference', async () => {
    const setup = await setupFlow(kind)
    await sendCode(setup)
    await setup.advance(31)
    await once(setup, 'otp.send', 'malformed JSON', 'after')
    const handle = await sendCode(setup)
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  test('is repeated by nobody while its answer is on the way', async () => {
    const setup = await setupFlow(kind)
    let handle = ''
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
    const held = await asked
    await held.forward()
    const again = setup.flow.send({ number, handle })
    const resending = setup.flow.resend({ handle })
    await held.answer()
    expect(await sending).toMatchObject({ status: 'sent', handle })
    expect(await again).toMatchObject({ status: 'sent', handle })
    // It may have come in after the answer.
    expect(['sent', 'resend_too_soon']).toContain(await statusOf(resending))
    expect(await setup.count('send')).toBe(1)
    expect(await setup.count('resend')).toBe(0)
  })

  test('lets a check wait while its answer is on the way', async () => {
    const setup = await setupFlow(kind)
    let handle = ''
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
    const held = await asked
    await held.forward()
    const checking = signIn(setup.flow, handle)
    await held.answer()
    expect(await sending).toMatchObject({ status: 'sent', handle })
    expect(await checking).toBe('opened')
  })
})

describe.each(flowKinds)('a resend on %s', (kind) => {
  // proves: answer-lost/resend, tyntec-5xx/resend, bad-json/resend, portal/resend, reset/resend
  test.each(
    doubtful.flatMap(
      (name) =>
        [
          [name, 'before'],
          [name, 'after'],
        ] as const,
    ),
  )('that ends in %s (%s) counts as sent, and the code stays', async (name, when) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.advance(31)
    await once(setup, 'otp.resend', name, when)
    expect(await setup.flow.resend({ handle })).toMatchObject({
      status: 'unconfirmed',
      resend: { allowed: false, retryAfter: 60, remaining: 2 },
    })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    expect(await setup.count('resend')).toBe(1)
    expect(await setup.count('send')).toBe(1)
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  // proves: tyntec-401/resend, tyntec-403/resend, tyntec-429/resend
  test.each(refusals)('that ends in %s leaves everything as it was', async (name) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.advance(31)
    await once(setup, 'otp.resend', name, 'before')
    expect(await failure(setup.flow.resend({ handle }))).toEqual({
      code: faults[name].error,
      status: 503,
    })
    expect(await setup.flow.status({ handle })).toMatchObject({
      resend: { allowed: true, retryAfter: 0, remaining: 3 },
    })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  test('that became a new send has its own time although its answer was lost', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.advance(280)
    await once(setup, 'otp.send', 'a reset connection', 'after')
    await setup.fault({ operation: 'otp.list', kind: 'reset', times: 2, when: 'before' })
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'unconfirmed' })
    // The first code would be over by now.
    await setup.advance(25)
    expect(await signIn(setup.flow, handle)).toBe('opened')
    expect(await setup.count('send')).toBe(2)
  })

  // proves: tyntec-401/resend
  test('that became a new send which tyntec refused leaves the first code', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.advance(250)
    await once(setup, 'otp.send', 'a rejected key', 'before')
    expect(await failure(setup.flow.resend({ handle }))).toEqual({ code: auth, status: 503 })
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })
})

// proves: UP-8, slow-body/send, slow-body/check
test('a tyntec that hangs costs nobody more than ten seconds', { timeout: 25_000 }, async () => {
  const cases = (['hang', 'slow-body'] as const).flatMap((fault) =>
    (['before', 'after'] as const).map((when) => ({ fault, when })),
  )
  await Promise.all(
    flowKinds.map(async (kind) => {
      const setup = await setupFlow(kind)
      const { flow } = setup
      const hang = (operation: string, { fault, when }: (typeof cases)[number], to: string) =>
        setup.fault({ operation, kind: fault, when, times: 1, number: to })

      const checks = cases.map(async (each, index) => {
        const to = `+1201555010${index}`
        const handle = await sendCode(setup, { number: to })
        await hang('otp.check', each, to)
        const outcome = await statusOf(flow.check({ handle, code: rightCode }))
        expect(outcome).toBe(each.when === 'after' ? 'verified' : unavailable)
        if (each.when === 'before') expect(await signIn(flow, handle)).toBe('opened')
      })
      const sends = cases.map(async (each, index) => {
        const to = `+1201555010${index + 4}`
        await hang('otp.send', each, to)
        const outcome = await flow.send({ number: to })
        expect(outcome).toMatchObject({ status: each.when === 'after' ? 'sent' : 'unconfirmed' })
        const handle = 'handle' in outcome ? outcome.handle : ''
        if (each.when === 'after') expect(await signIn(flow, handle)).toBe('opened')
      })
      // Whoever looks for what was lost meets the same: all of it ends within one lease.
      const lostCheck = async () => {
        const to = '+12015550108'
        const handle = await sendCode(setup, { number: to })
        for (const operation of ['otp.check', 'otp.get']) {
          await hang(operation, { fault: 'hang', when: 'before' }, to)
        }
        const began = performance.now()
        expect(await statusOf(flow.check({ handle, code: rightCode }))).toBe(unavailable)
        expect(performance.now() - began).toBeLessThan(10_000)
      }
      const lostSend = async () => {
        const to = '+12015550109'
        for (const operation of ['otp.send', 'otp.list']) {
          await hang(operation, { fault: 'hang', when: 'before' }, to)
        }
        const began = performance.now()
        expect(await flow.send({ number: to })).toMatchObject({ status: 'unconfirmed' })
        expect(performance.now() - began).toBeLessThan(10_000)
      }
      const started = performance.now()
      await Promise.all([...checks, ...sends, lostCheck(), lostSend()])
      expect(performance.now() - started).toBeLessThan(12_000)
      expect(await setup.count('send')).toBe(10)
    }),
  )
})
