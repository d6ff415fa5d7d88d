import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Verified } from '../../src/outcomes.js'
import { createSecrets } from '../../src/secrets/secrets.js'
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
} from '../support/flow.js'

const handleShape = expect.stringMatching(/^[\w-]{112}$/)

const pending = {
  to: '•••0100',
  via: 'sms',
  expiresIn: expect.closeTo(300, -0.4),
  codeLength: 6,
  resend: { allowed: false, retryAfter: 30, remaining: 3, channels: ['sms'] },
}

const proven = {
  flowId: expect.any(String),
  number,
  verifiedAt: expect.any(Date),
  channel: 'sms',
  purpose: 'login',
  knownBrowser: false,
  repeated: false,
}

/** The uses that limits hold in Redis, by limit. */
async function uses({ dump }: Awaited<ReturnType<typeof setupFlow>>) {
  const found: Record<string, number> = {}
  for (const { key, value } of await dump()) {
    const [, kind = ''] =
      /^(address|site|\{all\}:app|\{all\}:country|\{[\w-]{22}\}:number)/.exec(key) ?? []
    const of = kind.replace(/^\{[\w-]{22}\}:/, '').replace('{all}:', '')
    const { uses: windows = {} } = Object(value) as { uses?: Record<string, { n: number }> }
    for (const [name, { n }] of Object.entries(windows)) {
      if (!name.startsWith('from:')) found[`${of} ${name}`] = n
    }
  }
  return found
}

describe.each(flowKinds)('a flow on %s', (kind) => {
  describe('send', () => {
    // proves: SEND-5, CODE-1
    test('sends a code and says what the person may know', async () => {
      const setup = await setupFlow(kind)
      expect(await setup.flow.send({ number: '+1 (201) 555-0100' })).toEqual({
        status: 'sent',
        handle: handleShape,
        ...pending,
      })
      expect(await setup.calls()).toEqual([
        {
          operation: 'send',
          query: { number, via: 'SMS', referenceId: expect.any(String), pinLength: '6' },
          status: 200,
        },
      ])
      expect(setup.eventTypes()).toEqual(['otp.sent'])
    })

    // proves: SEND-5
    test.each([
      [{ number: undefined }, 'number_required'],
      [{ number: 12015550100 }, 'bad_request'],
      [{ number: ['+12015550100', '+12015550101'] }, 'bad_request'],
      [{ number: 'call me' }, 'invalid_number'],
      [{ number: '+390612345678' }, 'number_not_allowed'],
      [{ number, via: 'voice' }, 'channel_not_allowed'],
      [{ number, via: 'whatsapp' }, 'channel_not_allowed'],
      [{ number, via: ['sms'] }, 'bad_request'],
      [{ number, language: ['de'] }, 'bad_request'],
      [{ number, language: 'd'.repeat(65) }, 'bad_request'],
      [{ number, country: ['US'] }, 'bad_request'],
      [{ number, country: 'U'.repeat(65) }, 'bad_request'],
    ])('refuses %j as %s, and asks nobody', async (input, status) => {
      const setup = await setupFlow(kind)
      expect(await setup.flow.send(input)).toEqual({ status })
      expect(await setup.calls()).toEqual([])
      expect(await setup.dump()).toEqual([])
    })

    // proves: SEND-11, SEND-12, CODE-1
    test('tells tyntec nothing that the browser added', async () => {
      const setup = await setupFlow(kind, { applicationId: 'default', pinLength: 8 })
      const input = {
        number,
        language: 'DE',
        otpCode: '111111',
        text: 'x {{OTP}}',
        sender: 'BANK',
        caller: '+1900',
        pinLength: 4,
        applicationId: 'evil',
        referenceId: 'mine',
        otpId: 'mine',
      }
      await setup.flow.send(input)
      expect((await setup.calls()).map(({ query }) => query)).toEqual([
        {
          number,
          via: 'SMS',
          referenceId: expect.not.stringMatching('mine'),
          pinLength: '8',
          language: 'de',
          applicationId: 'default',
        },
      ])
    })

    test('names each message anew, by 128 bits', async () => {
      const setup = await setupFlow(kind)
      for (const each of numbers) await setup.flow.send({ number: each, address: each })
      const references = (await setup.calls()).map(({ query }) => query['referenceId'])
      expect(new Set(references).size).toBe(numbers.length)
      for (const reference of references) expect(reference).toMatch(/^[\w-]{22}$/)
    })

    test('gives the handle to the browser before tyntec is asked', async () => {
      const setup = await setupFlow(kind)
      const asked = setup.gate.next('send')
      const handles: string[] = []
      const sending = setup.flow.send({ number, onHandle: (handle) => handles.push(handle) })
      const held = await asked
      expect(handles).toEqual([handleShape])
      await held.answer()
      expect(await sending).toMatchObject({ status: 'sent', handle: handles[0] })
    })

    test('calls by voice when the app allows it', async () => {
      const setup = await setupFlow(kind, { voice: true })
      expect(await setup.flow.send({ number, via: 'voice' })).toMatchObject({
        status: 'sent',
        via: 'voice',
        resend: { channels: ['sms', 'voice'] },
      })
      await setup.advance(31)
      const handle = await sendCode(setup, { number: numbers[1] })
      await setup.advance(31)
      expect(await setup.flow.resend({ handle, via: 'voice' })).toMatchObject({ via: 'voice' })
      expect((await setup.calls()).map(({ query }) => query['via'])).toEqual([
        'VOICE',
        'SMS',
        'VOICE',
      ])
    })

    // proves: SES-12, twice/send
    test('is the flow this browser has, while that is new', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const again = await setup.flow.send({ number: '0012015550100', handle })
      expect(again).toEqual({ status: 'sent', handle, ...pending })
      expect(await setup.count('send')).toBe(1)
    })

    test('makes another browser wait, and tells it nothing', async () => {
      const setup = await setupFlow(kind)
      await sendCode(setup)
      expect(await setup.flow.send({ number })).toEqual({
        status: 'resend_too_soon',
        retryAfter: 30,
      })
      expect(await setup.count('send')).toBe(1)
    })

    // proves: SES-9
    test('after the wait replaces the code, also at tyntec', async () => {
      const setup = await setupFlow(kind)
      const first = await sendCode(setup)
      await setup.advance(31)
      const second = await sendCode(setup, { handle: first })
      expect(second).not.toBe(first)
      expect((await setup.calls()).map(({ operation }) => operation)).toEqual([
        'send',
        'send',
        'delete',
      ])
      expect(await signIn(setup.flow, first)).toBe('no_pending_code')
      expect(await signIn(setup.flow, second)).toBe('opened')
    })

    // proves: SES-10
    test('to another number ends the flow of the first', async () => {
      const setup = await setupFlow(kind)
      const first = await sendCode(setup)
      const second = await sendCode(setup, { handle: first, number: numbers[1] })
      expect(await signIn(setup.flow, first)).toBe('no_pending_code')
      expect(await setup.flow.check({ handle: second, code: rightCode })).toMatchObject({
        identity: { number: numbers[1] },
      })
    })

    // proves: SEND-3, twice/send
    test('of thirty at once sends one message', async () => {
      const setup = await setupFlow(kind)
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          setup.flow.send({ number, address: `10.0.0.${index}` }),
        ),
      )
      expect(outcomes.filter(({ status }) => status === 'sent')).toHaveLength(1)
      expect(outcomes.filter(({ status }) => status === 'resend_too_soon')).toHaveLength(29)
      expect(await setup.count('send')).toBe(1)
    })

    test('of thirty clicks at once sends one message', async () => {
      const setup = await setupFlow(kind)
      const first = await sendCode(setup)
      await setup.advance(31)
      const asked = setup.gate.next('send')
      const clicks = Array.from({ length: 30 }, (_, index) =>
        setup.flow.send({ number, handle: first, address: `10.0.0.${index}` }),
      )
      const held = await asked
      await held.answer()
      const outcomes = await Promise.all(clicks)
      // The others don't have the new handle yet, and may not know of it.
      expect(outcomes.filter(({ status }) => status === 'sent')).toHaveLength(1)
      expect(outcomes.filter(({ status }) => status === 'resend_too_soon')).toHaveLength(29)
      expect(await setup.count('send')).toBe(2)
    })

    // proves: CODE-2, CODE-5, clocks/send
    test.each([
      [86_400, 600],
      [120, 120],
      [-5, 300],
      ['soon', 300],
    ])('takes a lifetime of %s from tyntec as %s seconds', async (given, lifetime) => {
      const setup = await setupFlow(kind)
      const asked = setup.gate.next('send')
      const sending = setup.flow.send({ number })
      const held = await asked
      await held.answerWith(200, {
        otpId: 'an-otp-of-tyntec',
        otpStatus: 'ACTIVE',
        number,
        created: 5_000_000,
        expire: typeof given === 'number' ? 5_000_000 + given * 1000 : given,
      })
      const sent = await sending
      if (sent.status !== 'sent') throw new Error(sent.status)
      expect(sent.expiresIn).toBe(lifetime)
      for (const { key, ttl } of await setup.dump()) {
        if (key.includes(':flow:')) expect(ttl).toBeLessThanOrEqual((lifetime + 600) * 1000)
      }
      await setup.advance(601)
      expect(await signIn(setup.flow, sent.handle)).toBe('code_expired')
      await setup.advance(600)
      expect(await signIn(setup.flow, sent.handle)).toBe('no_pending_code')
    })
  })

  describe('check', () => {
    // proves: DOC-2
    test('proves the code, and ends the flow once the session is open', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const outcome = await setup.flow.check({ handle, code: ' 424-242 ' })
      expect(outcome).toEqual({
        status: 'verified',
        identity: proven,
        proof: {},
        device: expect.stringMatching(/^[\w-]{48}$/),
      })
      const { proof } = outcome as Verified // it was compared just now
      expect(await setup.flow.complete(proof, { session: 'of the app' })).toBe(true)
      expect(await setup.flow.complete(proof, { session: 'of the app' })).toBe(true)
      // Its answer may be lost: the same code opens the session again, and another one does not.
      expect(await signIn(setup.flow, handle, '111111')).toBe('no_pending_code')
      expect(await setup.flow.check({ handle, code: rightCode })).toMatchObject({
        status: 'verified',
        identity: { repeated: true },
        previous: 'of the app',
      })
      await setup.advance(61)
      expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
      expect(await setup.flow.status({ handle })).toEqual({ status: 'none' })
      expect(await setup.flow.resend({ handle })).toEqual({ status: 'no_pending_code' })
      expect(await setup.count('check')).toBe(1)
      expect(setup.eventTypes()).toEqual([
        'otp.sent',
        'otp.verified',
        'session.opened',
        // A check of another code, and the check and the resend that came too late.
        'request.refused',
        'request.refused',
        'request.refused',
      ])
    })

    test('opens one session for two requests, whichever is first', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const slow = await setup.flow.check({ handle, code: rightCode })
      await setup.advance(36)
      const quick = await setup.flow.check({ handle, code: rightCode })
      expect([slow.status, quick.status]).toEqual(['verified', 'verified'])
      // They were compared just now.
      expect(await setup.flow.complete((quick as Verified).proof)).toBe(true)
      expect(await setup.flow.complete((slow as Verified).proof)).toBe(false)
      expect(await setup.flow.complete((quick as Verified).proof)).toBe(true)
    })

    test('can be repeated with the same code after a release', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const first = await setup.flow.check({ handle, code: rightCode })
      await setup.flow.release((first as Verified).proof) // the code is right
      expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
        status: 'no_pending_code',
      })
      expect(await signIn(setup.flow, handle)).toBe('opened')
      expect(await setup.count('check')).toBe(1)
    })

    // proves: tyntec-401/check
    test('counts wrong codes, and the third ends the flow', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
        status: 'invalid_code',
        attemptsRemaining: 2,
      })
      expect(await setup.flow.check({ handle, code: '222222' })).toEqual({
        status: 'invalid_code',
        attemptsRemaining: 1,
      })
      expect(await setup.flow.check({ handle, code: '333333' })).toEqual({
        status: 'too_many_attempts',
      })
      expect(await signIn(setup.flow, handle)).toBe('too_many_attempts')
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
      expect(await setup.count('check')).toBe(3)
      expect(setup.eventTypes()).toEqual([
        'otp.sent',
        'otp.rejected',
        'otp.rejected',
        'otp.rejected',
        'otp.locked',
        // The check and the resend that came after it.
        'request.refused',
        'request.refused',
      ])
    })

    // proves: CODE-5
    test('ends at our own limit, when that is lower than that of tyntec', async () => {
      const setup = await setupFlow(kind, { attempts: 1 })
      const handle = await sendCode(setup)
      expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
        status: 'too_many_attempts',
      })
      expect(await signIn(setup.flow, handle)).toBe('too_many_attempts')
      expect(await setup.count('check')).toBe(1)
    })

    // proves: CODE-2
    test('says that the time has run out', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(301)
      expect(await signIn(setup.flow, handle)).toBe('code_expired')
      expect(await setup.flow.status({ handle })).toMatchObject({
        status: 'ended',
        why: 'expired',
        to: '•••0100',
        resend: { allowed: true, retryAfter: 0 },
      })
      // Nobody types the number twice: a resend begins again.
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      // What has ended stays so.
      expect(await signIn(setup.flow, handle)).toBe('code_expired')
      expect(await setup.flow.status({ handle })).toMatchObject({ status: 'ended' })
      expect(await setup.count('check')).toBe(0)
      expect(await setup.count('send')).toBe(2)
    })

    // proves: twice/resend
    test.each([
      ['at once', true],
      ['after the answer was lost', false],
    ])('begins again once for two clicks %s, in one flow', async (_, atOnce) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(301)
      const handles: string[] = []
      const press = () => {
        return setup.flow.resend({ handle, onHandle: (made) => handles.push(made) })
      }
      const first = press()
      if (!atOnce) await first
      const answers = await Promise.all([first, press()])
      expect(answers).toEqual(
        answers.map(() => expect.objectContaining({ status: 'sent', newCode: true })),
      )
      expect(handles).toHaveLength(2)
      expect(new Set(handles).size).toBe(1)
      expect(await setup.count('send')).toBe(2)
      expect(await signIn(setup.flow, String(handles[1]))).toBe('opened')
      // A click that comes later still takes nothing away from that.
      await setup.advance(40)
      expect(await press()).toMatchObject({ status: 'sent', newCode: true })
      expect(new Set(handles).size).toBe(2)
      expect(await signIn(setup.flow, String(handles[1]))).toBe('repeated')
    })

    test.each([60, 120, 300])('says so as well after a lifetime of %i s', async (lifetime) => {
      const setup = await setupFlow(kind, { lifetime })
      const handle = await sendCode(setup)
      await setup.advance(lifetime + 1)
      expect(await signIn(setup.flow, handle)).toBe('code_expired')
      for (const { ttl } of await setup.dump()) expect(ttl).toBeGreaterThan(0)
      await setup.advance(600)
      expect(await setup.flow.resend({ handle })).toEqual({ status: 'no_pending_code' })
      expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
    })

    // proves: SES-7, twice/check
    test('asks tyntec once for fifty right codes', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const statuses = await Promise.all(
        Array.from({ length: 50 }, () => signIn(setup.flow, handle)),
      )
      expect(statuses.sort()).toEqual(['opened', ...Array<string>(49).fill('signed_in')])
      expect(await setup.count('check')).toBe(1)
    })

    // proves: twice/check
    test('asks tyntec once for fifty equal wrong codes, and counts one', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => setup.flow.check({ handle, code: '111111' })),
      )
      expect(outcomes).toEqual(
        outcomes.map(() => ({ status: 'invalid_code', attemptsRemaining: 2 })),
      )
      expect(await setup.count('check')).toBe(1)
    })

    // proves: ATT-1, twice/check
    test('asks tyntec three times at the most for fifty different codes', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const statuses = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          statusOf(setup.flow.check({ handle, code: String(100_000 + index) })),
        ),
      )
      expect(statuses.every((status) => status !== 'verified')).toBe(true)
      expect(statuses.filter((status) => status === 'check_in_progress')).toHaveLength(49)
      expect(await setup.count('check')).toBeLessThanOrEqual(3)
    })

    // proves: ATT-1
    test('counts a try before tyntec is asked', async () => {
      const setup = await setupFlow(kind, { attempts: 1 })
      const handle = await sendCode(setup)
      const asked = setup.gate.next('check')
      const checking = setup.flow.check({ handle, code: '111111' })
      const held = await asked
      const ref = createSecrets([secret]).parseHandle(handle)
      if (!ref) throw new Error('the handle is ours')
      expect(await setup.steps.read(ref, 1000)).toMatchObject({ attempts: 1 })
      expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
        status: 'check_in_progress',
        retryAfter: 10,
      })
      await held.answer()
      expect(await checking).toEqual({ status: 'too_many_attempts' })
    })

    // proves: SES-1
    test('takes no flow but that of its own handle', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const other = await sendCode(setup, { number: numbers[1] })
      const bytes = Buffer.from(handle, 'base64url')
      const forged = Array.from(bytes.keys(), (index) => {
        const copy = Buffer.from(bytes)
        copy[index] = (copy[index] ?? 0) ^ 1
        return copy.toString('base64url')
      })
      const secrets = createSecrets(['another secret, which is as long as the first one'])
      forged.push(
        secrets.createHandle(createSecrets([secret]).numberTags(number)[0], undefined).handle,
      )
      forged.push(
        createSecrets([secret]).createHandle(
          createSecrets([secret]).numberTags(number)[0],
          undefined,
        ).handle,
      )
      forged.push(handle.slice(0, 48) + other.slice(48), `${handle}=`, ` ${handle}`)
      for (const [index, each] of forged.entries()) {
        expect(await signIn(setup.flow, each)).toBe('no_pending_code')
        expect(await setup.flow.resend({ handle: each, address: `10.0.0.${index}` })).toEqual({
          status: 'no_pending_code',
        })
        expect(await setup.flow.status({ handle: each })).toEqual({ status: 'none' })
        await setup.flow.cancel({ handle: each })
      }
      expect(await setup.count('check')).toBe(0)
      expect(await signIn(setup.flow, handle)).toBe('opened')
    })

    // proves: SES-1
    test('ignores an otpId, a number or a flow that the body brings', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup, { number: '+12015550190' })
      await sendCode(setup)
      const otps = await fetch(`${setup.sandbox.url}/_sandbox/otps`)
      const [first, victim] = (await otps.json()) as { otpId: string; number: string }[] // its own
      const theirs = first?.number === number ? first : victim
      const code = await setup.sandbox.waitForCode(number)
      const input = { handle, code, number, otpId: theirs?.otpId, flowId: theirs?.otpId }
      const own = await setup.sandbox.waitForCode('+12015550190')
      if (own !== code)
        expect(await setup.flow.check(input)).toMatchObject({ status: 'invalid_code' })
      expect(await setup.flow.check({ ...input, code: own })).toMatchObject({
        identity: { number: '+12015550190' },
      })
    })

    // proves: SES-8, answer-lost/check
    test('never takes a code that tyntec did not look at', async () => {
      // tyntec says that the OTP had ended before, with whatever end.
      const setup = await setupFlow(kind)
      for (const [index, end] of ['VERIFIED', 'EXPIRED', 'TOO_MANY_ATTEMPTS', 'NEW'].entries()) {
        const handle = await sendCode(setup, { number: numbers[index] ?? number })
        const asked = setup.gate.next('check')
        const checking = setup.flow.check({ handle, code: rightCode })
        const held = await asked
        await held.answerWith(410, { otpId: held.otpId, otpStatus: end, attemptCount: 1 })
        const over = ['no_pending_code', 'code_expired', 'too_many_attempts', 'code_expired']
        expect(await checking).toEqual({ status: over[index] })
        expect(await signIn(setup.flow, handle)).not.toBe('opened')
      }
      expect(
        await setup.flow.check({
          handle: await sendCode(setup, { number: '+12015550122' }),
          code: rightCode,
        }),
      ).toEqual({ status: 'code_expired' })
    })

    test('is refused when the flow was cancelled while tyntec was asked', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const asked = setup.gate.next('check')
      const checking = setup.flow.check({ handle, code: rightCode })
      const held = await asked
      await setup.flow.cancel({ handle })
      await held.answer()
      expect(await checking).toEqual({ status: 'no_pending_code' })
    })
  })

  describe('resend', () => {
    // proves: SEND-1, SEND-5
    test('sends the same code again, later each time', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      expect(await setup.flow.resend({ handle })).toEqual({
        status: 'resend_too_soon',
        retryAfter: 30,
      })
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toEqual({
        status: 'sent',
        handle,
        ...pending,
        expiresIn: expect.closeTo(269, -0.4),
        resend: { ...pending.resend, retryAfter: 60, remaining: 2 },
      })
      await setup.advance(61)
      expect(await setup.flow.resend({ handle })).toMatchObject({ resend: { remaining: 1 } })
      await setup.advance(121)
      expect(await setup.flow.resend({ handle })).toMatchObject({ resend: { remaining: 0 } })
      const codes = setup.sandbox.messages().map(({ code }) => code)
      expect(new Set(codes)).toEqual(new Set([rightCode]))
      expect((await setup.calls()).map(({ query }) => query['via'])).toEqual(
        Array((await setup.calls()).length).fill('SMS'),
      )
    })

    // proves: SEND-2
    test('is refused once all are used', async () => {
      const setup = await setupFlow(kind, { resendWaits: [1] })
      const handle = await sendCode(setup)
      await setup.advance(2)
      await setup.flow.resend({ handle })
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'rate_limited' })
      expect(await setup.count('resend')).toBe(1)
    })

    // proves: twice/resend
    test('of thirty at once sends one message, and each hears of it', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          setup.flow.resend({ handle, address: `10.0.0.${index}` }),
        ),
      )
      expect(outcomes).toEqual(
        outcomes.map(() => ({
          status: 'sent',
          handle,
          ...pending,
          expiresIn: expect.closeTo(269, -0.4),
          resend: { ...pending.resend, retryAfter: expect.closeTo(60, -0.4), remaining: 2 },
        })),
      )
      expect(await setup.count('resend')).toBe(1)
    })

    test('becomes a new code when little time is left, and the old one is deleted', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(250)
      expect(await setup.flow.resend({ handle })).toEqual({
        status: 'sent',
        handle,
        ...pending,
        resend: { ...pending.resend, retryAfter: 60, remaining: 2 },
        newCode: true,
      })
      expect((await setup.calls()).map(({ operation }) => operation)).toEqual([
        'send',
        'send',
        'delete',
      ])
      expect(await signIn(setup.flow, handle)).toBe('opened')
    })

    test('says how long a new code really lives', async () => {
      const setup = await setupFlow(kind, { lifetime: 300 })
      const handle = await sendCode(setup)
      await setup.advance(250)
      expect(await setup.flow.resend({ handle })).toMatchObject({
        newCode: true,
        expiresIn: expect.closeTo(50, -0.4),
      })
    })

    // proves: tyntec-401/resend
    test('becomes a new code when tyntec calls the old one over', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup, { number: '+12015550124' })
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(await signIn(setup.flow, handle)).toBe('opened')
    })

    test('waits for a running check', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.advance(31)
      const asked = setup.gate.next('check')
      const checking = setup.flow.check({ handle, code: '111111' })
      const held = await asked
      const resending = setup.flow.resend({ handle })
      await held.answer()
      expect(await checking).toMatchObject({ status: 'invalid_code' })
      expect(await resending).toMatchObject({ status: 'sent' })
    })
  })

  describe('status', () => {
    test('shows the flow, and what tyntec says of the message', async () => {
      const setup = await setupFlow(kind)
      expect(await setup.flow.status({ handle: undefined })).toEqual({ status: 'none' })
      const handle = await sendCode(setup)
      const shown = { status: 'pending', ...pending, delivery: 'delivered' }
      expect(await setup.flow.status({ handle })).toEqual(shown)
      expect(await setup.flow.status({ handle })).toEqual(shown)
      expect(await setup.count('events')).toBe(1)
    })

    test('tells that a message failed', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup, { number: '+12015550113' })
      expect(await setup.flow.status({ handle })).toMatchObject({ delivery: 'failed' })
    })

    test('is shown although tyntec is away', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await setup.fault({ operation: '*', kind: 'status', status: 500, when: 'before' })
      expect(await setup.flow.status({ handle })).toMatchObject({
        status: 'pending',
        delivery: 'unknown',
      })
    })
  })

  describe('cancel', () => {
    test('ends the flow, and the code at tyntec, once', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      await Promise.all(Array.from({ length: 10 }, () => setup.flow.cancel({ handle })))
      expect(await setup.flow.status({ handle })).toEqual({ status: 'none' })
      expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
      expect((await setup.calls()).map(({ operation }) => operation)).toEqual(['send', 'delete'])
      expect(setup.eventTypes()).toEqual(['otp.sent', 'otp.cancelled', 'request.refused'])
    })

    test('ends the flow although tyntec does not answer', async () => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const asked = setup.gate.next('delete')
      await setup.flow.cancel({ handle })
      expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
      const held = await asked
      held.cut()
    })
  })

  describe('the limits', () => {
    test('stop an address after ten messages, whatever the number', async () => {
      const setup = await setupFlow(kind)
      const address = '2001:db8::1'
      for (let sends = 0; sends < 10; sends++) {
        const each = `+1201555${2000 + sends}`
        expect(await setup.flow.send({ number: each, address })).toMatchObject({ status: 'sent' })
      }
      const refused = await setup.flow.send({ number, address: '2001:db8::ffff:1' })
      expect(refused).toEqual({ status: 'rate_limited', retryAfter: expect.closeTo(3600, -1) })
      expect(await setup.flow.send({ number, address: '192.0.2.1' })).toMatchObject({
        status: 'sent',
      })
      expect(setup.eventTypes()).toContain('limit.hit sends_per_address')
      expect(await setup.count('send')).toBe(11)
    })

    // proves: SEND-2
    test('stop a number after five messages, whatever the address', async () => {
      const setup = await setupFlow(kind)
      for (let sends = 0; sends < 5; sends++) {
        await sendCode(setup, { address: `192.0.2.${sends}` })
        await setup.advance(31)
      }
      expect(await setup.flow.send({ number: '+1-201-555-0100', address: '192.0.2.9' })).toEqual({
        status: 'rate_limited',
        retryAfter: expect.any(Number),
      })
      expect(setup.eventTypes()).toContain('limit.hit sends_per_number')
      expect(await setup.count('send')).toBe(5)
    })

    // proves: SEND-2
    test('count resends as messages', async () => {
      const setup = await setupFlow(kind, {
        limits: { sendsPerNumber: [{ points: 2, duration: 600 }] },
      })
      const handle = await sendCode(setup)
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
      await setup.advance(61)
      const before = await setup.flow.status({ handle })
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'rate_limited' })
      expect(await setup.flow.status({ handle })).toEqual({
        ...before,
        delivery: expect.any(String),
        expiresIn: expect.any(Number),
      })
      expect(await setup.count('resend')).toBe(1)
    })

    test('stop everybody when the budget is used up, and warn before', async () => {
      const setup = await setupFlow(kind, { budget: { perHour: 5, perDay: 100 } })
      for (const each of numbers) await sendCode(setup, { number: each })
      expect(setup.eventTypes().filter((type) => type !== 'otp.sent')).toEqual(['budget.warning'])
      for (let tries = 0; tries < 3; tries++) {
        expect(await failure(setup.flow.send({ number: '+12015552000' }))).toEqual({
          code: 'ERR_OTP_BUDGET',
          status: 503,
        })
      }
      expect(setup.eventTypes().filter((type) => type === 'budget.exhausted')).toHaveLength(1)
      expect(setup.events.find(({ type }) => type === 'budget.warning')).toMatchObject({
        window: 'hour',
        used: 4,
        of: 5,
      })
      expect(await setup.count('send')).toBe(5)
    })

    test('hold no use of a refused request', async () => {
      const setup = await setupFlow(kind, {
        limits: { sendsPerNumber: [{ points: 2, duration: 600 }] },
        budget: { perHour: 3 },
      })
      const handle = await sendCode(setup)
      const once = await uses(setup)
      // Refused by the cooldown, joined, and thirty of them at once.
      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          setup.flow.send({ number, address: `10.0.0.${index}` }),
        ),
      )
      await setup.flow.send({ number, handle })
      await setup.flow.resend({ handle })
      // What led nowhere because of a wait is counted for its address alone.
      const others = (all: Record<string, number>) =>
        Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('address ')))
      expect(others(await uses(setup))).toEqual(others(once))
      await setup.advance(31)
      expect(await setup.flow.send({ number, address: '10.1.0.1' })).toMatchObject({
        status: 'sent',
      })
      await setup.advance(31)
      const full = await uses(setup)
      for (let tries = 0; tries < 5; tries++) {
        expect(await setup.flow.send({ number, address: '10.1.0.2' })).toMatchObject({
          status: 'rate_limited',
        })
      }
      expect(others(await uses(setup))).toEqual(others(full))
      expect(await setup.flow.send({ number: numbers[1], address: '10.1.0.3' })).toMatchObject({
        status: 'sent',
      })
      expect(await failure(setup.flow.send({ number: numbers[2], address: '10.1.0.4' }))).toEqual({
        code: 'ERR_OTP_BUDGET',
        status: 503,
      })
      expect(await setup.count('send')).toBe(3)
    })

    // proves: tyntec-401/send
    test.each([
      { kind: 'status', status: 401 },
      { kind: 'status', status: 403 },
      { kind: 'status', status: 429 },
      { kind: 'status', status: 400 },
    ])('give a number its message back when tyntec refused it: %j', async (fault) => {
      const setup = await setupFlow(kind)
      await setup.fault({ operation: 'otp.send', when: 'before', ...fault })
      for (let tries = 0; tries < 7; tries++) {
        const status = await statusOf(setup.flow.send({ number, address: `10.0.0.${tries}` }))
        expect(status).not.toBe('rate_limited')
        expect(status).not.toBe('sent')
      }
      await setup.noFaults()
      expect(await setup.flow.send({ number })).toMatchObject({ status: 'sent' })
      if (kind === 'redis') {
        expect(await uses(setup)).toMatchObject({ 'number sends:600': 1, 'number sends:86400': 1 })
      }
    })

    test('stop an address after twenty wrong codes, at no cost for the numbers', async () => {
      const setup = await setupFlow(kind, {
        limits: { failuresPerAddress: { points: 3, duration: 60 } },
      })
      const address = '192.0.2.1'
      const victims = await Promise.all(numbers.map((each) => sendCode(setup, { number: each })))
      const outcomes: string[] = []
      for (const handle of victims) {
        outcomes.push(await statusOf(setup.flow.check({ handle, code: '111111', address })))
      }
      expect(outcomes).toEqual([
        'invalid_code',
        'invalid_code',
        'invalid_code',
        'rate_limited',
        'rate_limited',
      ])
      expect(setup.eventTypes()).toContain('limit.hit failures_per_address')
      const last = victims[4] ?? ''
      for (let tries = 0; tries < 15; tries++) {
        expect(await setup.flow.check({ handle: last, code: rightCode, address })).toMatchObject({
          status: 'rate_limited',
        })
      }
      expect(await setup.count('check')).toBe(3)
      expect(await signIn(setup.flow, last)).toBe('opened')
      expect(setup.events.find(({ type }) => type === 'otp.verified')).toMatchObject({
        failuresBefore: 0,
      })
    })

    test('cost an address nothing for right codes', async () => {
      const setup = await setupFlow(kind, {
        limits: { failuresPerAddress: { points: 1, duration: 60 } },
      })
      for (const each of numbers) {
        expect(await signIn(setup.flow, await sendCode(setup, { number: each }))).toBe('opened')
      }
    })

    // proves: ATT-2, ATT-4
    test('of a number survive new codes, flows and addresses', async () => {
      const setup = await setupFlow(kind, { attempts: 3 })
      let wrongCodes = 0
      for (let sends = 0; sends < 2; sends++) {
        const handle = await sendCode(setup, { address: `10.0.0.${sends}` })
        for (let tries = 0; tries < 3; tries++) {
          const input = { handle, code: '111111', address: `10.0.1.${wrongCodes}` }
          const status = await statusOf(setup.flow.check(input))
          if (status === 'rate_limited') {
            expect([sends, tries]).toEqual([1, 2])
            expect(await setup.flow.check({ ...input, code: rightCode })).toEqual({
              status: 'rate_limited',
              retryAfter: 30,
            })
          } else wrongCodes += 1
        }
        await setup.advance(sends === 0 ? 31 : 0)
      }
      expect(await setup.count('check')).toBe(5)
      expect(setup.eventTypes()).toContain('limit.hit failures_per_number')
      await setup.flow.unlock('+1 201 555 0100')
      await setup.advance(31)
      expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
    })

    test('disable a number at its hundredth failure, until it is unlocked', async () => {
      const setup = await setupFlow(kind, {
        limits: { failuresPerNumber: { disableAt: 3 } },
      })
      const handle = await sendCode(setup)
      for (let tries = 0; tries < 3; tries++) await setup.flow.check({ handle, code: '111111' })
      expect(setup.eventTypes()).toContain('number.disabled')
      await setup.advance(4000)
      const next = await sendCode(setup)
      expect(await setup.flow.check({ handle: next, code: rightCode })).toEqual({
        status: 'rate_limited',
        retryAfter: 3600,
      })
      await setup.flow.unlock(number)
      expect(await signIn(setup.flow, next)).toBe('opened')
    })
  })

  // proves: CODE-3
  test('refuses what is no code, and asks nobody', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const fewDigits = (code: string) => (code.match(/\p{Nd}/gu) ?? []).length < 6
    const nasty = fc.oneof(
      fc.anything().filter((code) => typeof code !== 'string' || fewDigits(code)),
      fc.string({ unit: 'grapheme', maxLength: 100 }).filter(fewDigits),
      fc.constantFrom('４２４２４', '٤٢٤٢٤٢٤', '424242 424243', '+424242', '1e5', '0x1234', ''),
    )
    await fc.assert(
      fc.asyncProperty(nasty, async (code) => {
        const outcome = await setup.flow.check({ handle, code })
        expect(['bad_request', 'code_required', 'malformed_code']).toContain(outcome.status)
        expect(Object.keys(outcome)).toEqual(['status'])
      }),
      { numRuns: 2000 },
    )
    expect(await setup.count('check')).toBe(0)
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  test('takes nothing that is no handle', async () => {
    const setup = await setupFlow(kind)
    const real = await sendCode(setup)
    const nasty = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc
        .uint8Array({ minLength: 52, maxLength: 52 })
        .map((bytes) => Buffer.from(bytes).toString('base64url')),
    )
    await fc.assert(
      fc.asyncProperty(nasty, async (handle) => {
        fc.pre(handle !== real)
        expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
          status: 'no_pending_code',
        })
        expect(await setup.flow.status({ handle })).toEqual({ status: 'none' })
        await setup.flow.cancel({ handle })
      }),
      { numRuns: 2000 },
    )
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual(['send'])
  })

  test('takes only its own proofs', async () => {
    const { flow } = await setupFlow(kind)
    const proof = {} as Verified['proof'] // what a caller without types may give
    expect(await failure(flow.complete(proof))).toEqual({ code: 'ERR_OTP_MISUSE', status: 500 })
    expect(await failure(flow.release(proof))).toEqual({ code: 'ERR_OTP_MISUSE', status: 500 })
  })

  // proves: RED-4, LOG-7
  test('keeps nothing of a flow that was cancelled or replaced', async () => {
    const setup = await setupFlow(kind)
    const flows = async () =>
      (await setup.dump()).map(({ key }) => key).filter((key) => key.includes(':flow:'))
    const first = await sendCode(setup)
    const [kept] = await flows()
    expect(kept === undefined).toBe(kind === 'memory')
    const second = await sendCode(setup, { number: numbers[1], handle: first })
    expect(await flows()).not.toContain(kept)
    expect(await setup.flow.status({ handle: first })).toEqual({ status: 'none' })
    await setup.flow.cancel({ handle: second })
    expect(await flows()).toEqual([])
    expect(await setup.flow.status({ handle: second })).toEqual({ status: 'none' })
  })

  // proves: CODE-4, RED-4
  test('keeps no number, code, handle or key in the clear', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const kept: unknown[] = [await setup.dump()]
    const asked = setup.gate.next('check')
    const checking = setup.flow.check({ handle, code: rightCode, address: '192.0.2.77' })
    const held = await asked
    kept.push(await setup.dump())
    await held.answer()
    await checking
    kept.push(await setup.dump(), setup.events)
    const text = JSON.stringify(kept)
    const otps = await fetch(`${setup.sandbox.url}/_sandbox/otps`)
    const [otp] = (await otps.json()) as { otpId: string }[] // its own
    for (const secretText of [
      '2015550100',
      rightCode,
      handle,
      handle.slice(6, 48),
      otp?.otpId ?? 'no otp',
      setup.sandbox.apiKey,
      '192.0.2.77',
      secret,
    ]) {
      expect(text).not.toContain(secretText)
    }
  })
})
