import { describe, expect, test } from 'vitest'
import { sms, twoFactor, whatsapp } from '../../src/options/channels.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  sendCode,
  setupFlow,
  signIn,
  through,
} from '../support/flow.js'
import type { TestFlow } from '../support/flow.js'

const [, other, third] = numbers
const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
const text = sms({ from: 'Example', text: 'Your code is {{OTP}}, for {{SEC}} seconds.' })

const carriers = {
  whatsapp: { channels: [chat, twoFactor()], operation: 'chat', fault: 'chat.send' },
  sms: { channels: [text], operation: 'sms', fault: 'sms.send' },
} as const

/** The code of the newest message. A number gets it by the message's own text. */
async function codeOf({ sandbox }: TestFlow, to: string = number): Promise<string> {
  const newest = sandbox.messages().findLast((message) => message.to === to)
  return newest?.code ?? 'no message'
}

async function messages({ sandbox }: TestFlow): Promise<number> {
  return sandbox.messages().length
}

function another(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
}

describe.each(flowKinds)('on %s', (kind) => {
  describe('after a code of tyntec, as long as nobody knows whether ours has gone out', () => {
    async function begin(when: 'before' | 'after') {
      const setup = await setupFlow(kind, { channels: [twoFactor(), chat] })
      const handle = await sendCode(setup, { number: other })
      const first = await codeOf(setup, other)
      await setup.advance(31)
      await setup.fault({ operation: 'chat.send', when, kind: 'reset', times: 1 })
      const resent = await setup.flow.resend({ handle, via: 'whatsapp' })
      expect(resent).toMatchObject({ status: 'unconfirmed', via: 'whatsapp' })
      return { setup, handle, first }
    }

    test('tyntec judges its own, which is all that the person may have', async () => {
      const { setup, handle, first } = await begin('before')
      expect(await setup.flow.check({ handle, code: another(first) })).toMatchObject({
        status: 'invalid_code',
        attemptsRemaining: 2,
      })
      expect(await signIn(setup.flow, handle, first)).toBe('opened')
      expect(await setup.count('check')).toBe(2)
    })

    test('an answer of tyntec that is lost is looked up', async () => {
      const { setup, handle, first } = await begin('before')
      await setup.fault({ operation: 'otp.check', when: 'after', kind: 'reset', times: 1 })
      expect(await signIn(setup.flow, handle, first)).toBe('opened')
      expect(await setup.count('check')).toBe(1)
    })

    test('ours is right as well, and tyntec is not asked', async () => {
      const { setup, handle } = await begin('after')
      expect(await signIn(setup.flow, handle, await codeOf(setup, other))).toBe('opened')
      expect(await setup.count('check')).toBe(0)
    })

    test('tries are counted over both', async () => {
      const { setup, handle, first } = await begin('after')
      const wrong = another(first)
      expect(await setup.flow.check({ handle, code: wrong })).toMatchObject({
        status: 'invalid_code',
      })
      expect(await setup.flow.check({ handle, code: another(wrong) })).toMatchObject({
        status: 'invalid_code',
      })
      expect(await setup.flow.check({ handle, code: another(another(wrong)) })).toMatchObject({
        status: 'too_many_attempts',
      })
      for (const code of [first, await codeOf(setup, other)]) {
        expect(await setup.flow.check({ handle, code })).toEqual({ status: 'too_many_attempts' })
      }
    })
  })

  test('a code of tyntec is of no use once ours has gone out after it', async () => {
    const setup = await setupFlow(kind, { channels: [twoFactor(), chat] })
    const handle = await sendCode(setup, { number: other })
    const first = await codeOf(setup, other)
    await setup.advance(31)
    await setup.flow.resend({ handle, via: 'whatsapp' })
    expect(await codeOf(setup, other)).not.toBe(first)
    expect(await setup.flow.check({ handle, code: first })).toMatchObject({
      status: 'invalid_code',
    })
    expect(await setup.count('check')).toBe(0)
  })

  describe.each(['whatsapp', 'sms'] as const)('a code of our own by %s', (via) => {
    const { channels, operation, fault } = carriers[via]
    const begin = (options: Parameters<typeof setupFlow>[1] = {}) =>
      setupFlow(kind, { channels, ...options })

    test('signs in, and tyntec is asked for nothing but the message', async () => {
      const setup = await begin()
      const outcome = await setup.flow.send({ number })
      expect(outcome).toMatchObject({ status: 'sent', via, codeLength: 6 })
      const handle = 'handle' in outcome ? outcome.handle : ''
      const code = await codeOf(setup)
      expect(code).toMatch(/^[0-9]{6}$/)
      expect(await setup.flow.check({ handle, code })).toMatchObject({
        status: 'verified',
        identity: { number, channel: via, purpose: 'login' },
      })
      expect((await setup.calls()).map((call) => call.operation)).toEqual([operation])
    })

    test('is kept as an HMAC alone', async () => {
      const setup = await begin()
      await sendCode(setup)
      const code = await codeOf(setup)
      const kept = JSON.stringify(await setup.dump())
      expect(code).toMatch(/^[0-9]{6}$/)
      expect(kept).not.toContain(code)
      expect(kept).not.toContain(number.slice(1))
    })

    // proves: KEY-3
    test('is told to no step of the store, which compares HMACs of it', async () => {
      const setup = await begin()
      const told: string[] = []
      const hashes: (string | undefined)[] = []
      const flow = through(setup, {
        send(next, args) {
          told.push(JSON.stringify(args))
          hashes.push(args.request?.code)
          return next()
        },
        claim(next, args) {
          told.push(JSON.stringify(args))
          hashes.push(args.request?.hash)
          return next()
        },
      })
      const handle = await sendCode({ flow })
      const code = await codeOf(setup)
      await flow.check({ handle, code: another(code) })
      expect(await signIn(flow, handle, code)).toBe('opened')
      expect(told.join()).not.toContain(code)
      const [made, wrong, right] = hashes
      expect(made).toMatch(/^[\w-]{22}$/)
      expect(right).toBe(made)
      expect(wrong).toMatch(/^[\w-]{22}$/)
      expect(wrong).not.toBe(made)
    })

    test('has as many tries as any other, and is one failure of its number each', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      const wrong = { handle, code: another(code) }
      expect(await setup.flow.check(wrong)).toEqual({
        status: 'invalid_code',
        attemptsRemaining: 2,
      })
      expect(await setup.flow.check(wrong)).toEqual({
        status: 'invalid_code',
        attemptsRemaining: 1,
      })
      expect(await setup.flow.check(wrong)).toEqual({ status: 'too_many_attempts' })
      expect(await setup.flow.check({ handle, code })).toEqual({ status: 'too_many_attempts' })
      expect(setup.eventTypes()).toEqual([
        'otp.sent',
        'otp.rejected',
        'otp.rejected',
        'otp.rejected',
        'otp.locked',
        'request.refused',
      ])
    })

    test('ends after its time', async () => {
      const setup = await begin({ lifetime: 60 })
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      await setup.advance(61)
      expect(await setup.flow.check({ handle, code })).toEqual({ status: 'code_expired' })
    })

    test('signs in once, and is answered again for a minute', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      expect(await signIn(setup.flow, handle, code)).toBe('opened')
      expect(await signIn(setup.flow, handle, code)).toBe('repeated')
      expect(await signIn(setup.flow, handle, another(code))).toBe('no_pending_code')
      await setup.advance(61)
      expect(await signIn(setup.flow, handle, code)).toBe('no_pending_code')
    })

    test('belongs to one flow', async () => {
      const setup = await begin()
      const mine = await sendCode(setup)
      const yours = await sendCode(setup, { number: other })
      const code = await codeOf(setup)
      expect(await signIn(setup.flow, yours, code)).toBe('invalid_code')
      expect(await signIn(setup.flow, mine, code)).toBe('opened')
    })

    test('is nothing for another purpose', async () => {
      const setup = await begin()
      const handle = await sendCode(setup, { purpose: 'link' })
      const code = await codeOf(setup)
      expect(await signIn(setup.flow, handle, code)).toBe('no_pending_code')
      expect(await setup.flow.check({ handle, code, purpose: 'link' })).toMatchObject({
        identity: { purpose: 'link' },
      })
    })

    test('is a new one at a resend, and the old one is over', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const old = await codeOf(setup)
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({
        status: 'sent',
        newCode: true,
        via,
      })
      const code = await codeOf(setup)
      expect(await messages(setup)).toBe(2)
      expect(code).not.toBe(old)
      expect(await signIn(setup.flow, handle, old)).toBe('invalid_code')
      expect(await signIn(setup.flow, handle, code)).toBe('opened')
    })

    test('gives a resend no new tries', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const wrong = another(await codeOf(setup))
      await setup.flow.check({ handle, code: wrong })
      await setup.flow.check({ handle, code: wrong })
      await setup.advance(31)
      await setup.flow.resend({ handle })
      const next = another(await codeOf(setup))
      expect(await signIn(setup.flow, handle, next)).toBe('too_many_attempts')
    })

    test('is one message for a double click, and one sign-in', async () => {
      const setup = await begin()
      const pageToken = setup.flow.createPageToken()
      const [one, two] = await Promise.all([
        setup.flow.send({ number, pageToken }),
        setup.flow.send({ number, pageToken }),
      ])
      expect([one.status, two.status]).toEqual(['sent', 'sent'])
      expect(await messages(setup)).toBe(1)
      const handle = 'handle' in one ? one.handle : ''
      const code = await codeOf(setup)
      const ends = await Promise.all([
        signIn(setup.flow, handle, code),
        setup.flow.check({ handle, code }).then(({ status }) => status),
      ])
      expect(ends).toEqual(['opened', 'signed_in'])
    })

    test('lets one of many guesses in at once have a look', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      const guesses = Array.from({ length: 20 }, (_, index) => index.toString().padStart(6, '9'))
      const ends = await Promise.all(
        guesses.map((guess) => setup.flow.check({ handle, code: guess })),
      )
      const looked = ends.filter(({ status }) => status !== 'check_in_progress')
      expect(looked.length).toBeLessThanOrEqual(3)
      expect(guesses).not.toContain(code)
    })

    test('does not come to numbers that are not known, and nothing tells', async () => {
      const setup = await begin({ knows: (asked) => asked === number })
      const known = await setup.flow.send({ number })
      const unknown = await setup.flow.send({ number: other })
      const own = { handle: '', to: '' }
      expect({ ...unknown, ...own }).toEqual({ ...known, ...own })
      expect(setup.sandbox.messages().map(({ to }) => to)).toEqual([number])
      const handle = 'handle' in unknown ? unknown.handle : ''
      expect(await signIn(setup.flow, handle, '000000')).toBe('invalid_code')
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(await messages(setup)).toBe(1)
    })

    describe('when the answer to a send is lost', () => {
      test('is taken if the message has come', async () => {
        const setup = await begin()
        await setup.fault({ operation: fault, kind: 'reset', when: 'after', times: 1 })
        const outcome = await setup.flow.send({ number })
        expect(outcome.status).toBe('unconfirmed')
        const handle = 'handle' in outcome ? outcome.handle : ''
        expect(await setup.flow.status({ handle })).toMatchObject({ status: 'unconfirmed' })
        expect(await signIn(setup.flow, handle, another(await codeOf(setup)))).toBe('invalid_code')
        expect(await signIn(setup.flow, handle, await codeOf(setup))).toBe('opened')
        expect(await setup.count(operation)).toBe(1)
      })

      test('is not sent again by itself, and is after the wait', async () => {
        const setup = await begin()
        await setup.fault({ operation: fault, kind: 'reset', when: 'before', times: 1 })
        const handle = await sendCode(setup)
        expect(await setup.flow.send({ number, handle })).toMatchObject({
          status: 'unconfirmed',
          handle,
        })
        expect(await setup.count(operation)).toBe(1)
        await setup.advance(31)
        expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
        expect(await signIn(setup.flow, handle, await codeOf(setup))).toBe('opened')
      })

      test('is not shown to have come by a code that is wrong', async () => {
        const setup = await begin()
        await setup.fault({ operation: fault, kind: 'reset', when: 'after', times: 1 })
        const handle = await sendCode(setup)
        const code = await codeOf(setup)
        for (const [wrong, left] of [
          [another(code), 2],
          [another(another(code)), 1],
        ] as const) {
          expect(await setup.flow.check({ handle, code: wrong })).toEqual({
            status: 'invalid_code',
            attemptsRemaining: left,
          })
          expect((await setup.flow.status({ handle })).status).toBe('unconfirmed')
        }
        // The tries are counted all the same.
        expect(await signIn(setup.flow, handle, another(code))).toBe('too_many_attempts')
        expect(await signIn(setup.flow, handle, code)).toBe('too_many_attempts')
      })

      // proves: SES-9
      test('of a resend, leaves the code before until the new one is known to have come', async () => {
        const setup = await begin()
        const handle = await sendCode(setup)
        const old = await codeOf(setup)
        await setup.advance(31)
        let settle = () => {}
        const held = new Promise<void>((resolve) => (settle = resolve))
        const slow = through(setup, {
          async settleSend(next) {
            await held
            return next()
          },
        })
        const resending = slow.resend({ handle })
        await expect.poll(() => messages(setup)).toBe(2)
        const code = await codeOf(setup)
        // The lease of the resend ends, and somebody types a code that is neither.
        await setup.advance(11)
        expect(await signIn(setup.flow, handle, another(code))).toBe('invalid_code')
        expect((await setup.flow.status({ handle })).status).toBe('unconfirmed')
        settle()
        expect(await resending).toMatchObject({ status: 'sent', newCode: true })
        expect(await signIn(setup.flow, handle, old)).toBe('invalid_code')
        expect(await signIn(setup.flow, handle, code)).toBe('opened')
      })

      test('of a resend, is no new one beside the one before after a wrong code', async () => {
        const setup = await begin()
        const handle = await sendCode(setup)
        const old = await codeOf(setup)
        await setup.advance(31)
        await setup.fault({ operation: fault, kind: 'reset', when: 'after', times: 1 })
        expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'unconfirmed' })
        expect(await signIn(setup.flow, handle, another(await codeOf(setup)))).toBe('invalid_code')
        await setup.advance(61)
        expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
        expect(await signIn(setup.flow, handle, old)).toBe('invalid_code')
        expect(await signIn(setup.flow, handle, await codeOf(setup))).toBe('opened')
      })

      test('of a resend, is the new one or the one before, whichever the person has', async () => {
        for (const to of [number, other]) {
          const setup = await begin()
          const handle = await sendCode(setup, { number: to })
          const old = await codeOf(setup, to)
          await setup.advance(31)
          const when = 'after'
          await setup.fault({ operation: fault, kind: 'reset', when, times: 1 })
          expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'unconfirmed' })
          const code = to === number ? old : await codeOf(setup, to)
          expect(await signIn(setup.flow, handle, code)).toBe('opened')
        }
      })
    })

    test('of a resend that failed, is the one before', async () => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      await setup.advance(31)
      await setup.fault({ operation: fault, kind: 'status', status: 429, times: 1 })
      expect(await failure(setup.flow.resend({ handle }))).toMatchObject({ status: 503 })
      expect(await setup.flow.status({ handle })).toMatchObject({
        status: 'pending',
        resend: { allowed: true, remaining: 3 },
      })
      expect(await signIn(setup.flow, handle, code)).toBe('opened')
    })

    test('signs in when the process has ended between message and store', async () => {
      const setup = await begin()
      const dying = through(setup, { settleSend: () => Promise.reject(new Error('ended')) })
      let handle = ''
      const onHandle = (made: string) => (handle = made)
      await expect(dying.send({ number, onHandle })).rejects.toThrow('ended')
      const code = await codeOf(setup)
      await setup.advance(11)
      expect(await signIn(setup.flow, handle, code)).toBe('opened')
    })

    test('is judged the same again when the store could not write down how', async () => {
      const setup = await begin()
      const dying = through(setup, { settleCheck: () => Promise.reject(new Error('ended')) })
      const handle = await sendCode(setup)
      const code = await codeOf(setup)
      await expect(dying.check({ handle, code: another(code) })).rejects.toThrow('ended')
      await setup.advance(11)
      await expect(dying.check({ handle, code })).rejects.toThrow('ended')
      await setup.advance(11)
      // Of three tries two are used, and this is the second of them once more.
      expect(await signIn(setup.flow, handle, another(another(code)))).toBe('too_many_attempts')
      const again = await sendCode(setup, { number: third })
      const next = await codeOf(setup, third)
      await expect(dying.check({ handle: again, code: next })).rejects.toThrow('ended')
      await setup.advance(11)
      expect(await signIn(setup.flow, again, next)).toBe('opened')
    })
  })

  test('a flow goes from one channel to the next, and only the newest code is one', async () => {
    const setup = await setupFlow(kind, { channels: [chat, twoFactor({ voice: true })] })
    const handle = await sendCode(setup)
    const own = await codeOf(setup)
    await setup.advance(31)
    expect(await setup.flow.resend({ handle, via: 'sms' })).toMatchObject({
      status: 'sent',
      via: 'sms',
      newCode: true,
      resend: { channels: ['whatsapp', 'sms', 'voice'] },
    })
    expect(await signIn(setup.flow, handle, own)).toBe('invalid_code')
    await setup.advance(61)
    // tyntec's code goes by a call as well; ours takes its place.
    expect(await setup.flow.resend({ handle, via: 'voice' })).toMatchObject({ via: 'voice' })
    await setup.advance(121)
    expect(await setup.flow.resend({ handle, via: 'whatsapp' })).toMatchObject({ via: 'whatsapp' })
    expect(await setup.count('delete')).toBe(1)
    expect(await signIn(setup.flow, handle, await codeOf(setup))).toBe('opened')
  })

  test('a template is sent in the language of the person, also at a resend', async () => {
    const setup = await setupFlow(kind, { channels: [chat] })
    const handle = await sendCode(setup, { language: 'de-DE' })
    await setup.advance(31)
    expect(await setup.flow.resend({ handle, language: 'fr' })).toMatchObject({ status: 'sent' })
    await setup.advance(61)
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    // It ends, and begins again.
    await setup.advance(601)
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
    const texts = setup.sandbox.messages().map((message) => message.text)
    expect(texts[0]).toMatch(/LanguagePolicy\[fallback\] LanguageCode\[de\]|\bde\b/)
    expect(texts[1]).toMatch(/LanguagePolicy\[fallback\] LanguageCode\[fr\]|\bfr\b/)
    expect(texts).toHaveLength(4)
    expect(texts[2]).toMatch(/LanguageCode\[fr\]|\bfr\b/)
    expect(texts[3]).toMatch(/LanguageCode\[fr\]|\bfr\b/)
  })

  // proves: SEND-12
  test('a text ends with the line that binds its code to the page, and browsers read it', async () => {
    const byText = (text: string) => sms({ from: 'Example', text })
    const own = '{{OTP}} is your code.\n\n@example.com #{{OTP}} @login.example.com'
    const cases = [
      ['https://login.example.com', '{{OTP}} is yours.', '\n\n@login.example.com #{{OTP}}'],
      ['https://login.example.com:8443', '{{OTP}} is yours.\n', '\n\n@login.example.com #{{OTP}}'],
      [['https://a.example', 'http://b.example'], '{{OTP}}.', '\n\n@a.example #{{OTP}}'],
      // Of two pages it can name one only, and without https browsers read none.
      [['https://a.example', 'https://b.example'], '{{OTP}} is yours.', ''],
      ['http://localhost:3000', '{{OTP}} is yours.', ''],
      [undefined, '{{OTP}} is yours.', ''],
      ['https://login.example.com', own, ''],
    ] as const
    for (const [origin, given, line] of cases) {
      const setup = await setupFlow(kind, { channels: [byText(given)], origin })
      const handle = await sendCode(setup)
      const [message] = setup.sandbox.messages()
      const code = /[0-9]{6}/.exec(message?.text ?? '')?.[0] ?? 'none'
      expect(message?.text).toBe(`${given.trimEnd()}${line}`.replaceAll('{{OTP}}', code))
      // The whole message may be pasted.
      expect(await signIn(setup.flow, handle, message?.text)).toBe('opened')
    }
  })

  test('what failed on one channel may go by the next at once, and by its own after the wait', async () => {
    const to = '+12015550114'
    const setup = await setupFlow(kind, { channels: [chat, twoFactor()] })
    const handle = await sendCode(setup, { number: to })
    expect(await setup.flow.status({ handle })).toMatchObject({
      delivery: 'failed',
      resend: { allowed: true, retryAfter: 0, channels: ['sms'] },
    })
    expect(await setup.flow.resend({ handle, via: 'whatsapp' })).toMatchObject({
      status: 'resend_too_soon',
    })
    expect(await setup.flow.resend({ handle, via: 'sms' })).toMatchObject({ status: 'sent' })
    expect(await signIn(setup.flow, handle, '424242')).toBe('opened')
  })
})
