import { describe, expect, test } from 'vitest'
import { createSecrets } from '../../src/secrets/secrets.js'
import { atMost } from '../../src/flow/waiting.js'
import type { FlowView } from '../../src/store/steps/flow.js'
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
  type TestFlow,
  through,
} from '../support/flow.js'

/*
 * What a page is told of its flow, how a flow is ended by its browser, and what is read from a request.
 */

/** A send of which nothing is known. */
async function sendUnconfirmed(setup: TestFlow): Promise<string> {
  await setup.fault({ operation: 'otp.send', kind: 'reset', times: 1, when: 'before' })
  const outcome = await setup.flow.send({ number })
  if (outcome.status !== 'unconfirmed') throw new Error(outcome.status)
  return outcome.handle
}

describe.each(flowKinds)('the status on %s', (kind) => {
  test('is none from the moment the code is proven', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const outcome = await setup.flow.check({ handle, code: rightCode })
    expect(outcome.status).toBe('verified')
    expect(await setup.flow.status({ handle })).toEqual({ status: 'none' })
  })

  test('is unconfirmed while the code is being sent', async () => {
    const setup = await setupFlow(kind)
    let handle = ''
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number, onHandle: (given) => (handle = given) })
    const held = await asked
    expect(await setup.flow.status({ handle })).toMatchObject({
      status: 'unconfirmed',
      expiresIn: expect.closeTo(300, -1),
      delivery: 'unknown',
    })
    expect(await setup.count('list')).toBe(0)
    await held.answer()
    await sending
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending' })
  })

  test('of a send of which nothing is known asks for no delivery', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendUnconfirmed(setup)
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'unconfirmed' })
    expect(await setup.count('events')).toBe(0)
  })

  test('of a send that is over looks nothing up', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendUnconfirmed(setup)
    const before = await setup.count('list')
    await setup.advance(301)
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'ended', why: 'expired' })
    expect(await setup.count('list')).toBe(before)
  })

  test('tells when all resends are used up', async () => {
    const setup = await setupFlow(kind, { resendWaits: [1] })
    const handle = await sendCode(setup)
    await setup.advance(2)
    expect(await setup.flow.status({ handle })).toMatchObject({
      resend: { allowed: true, retryAfter: 0, remaining: 1 },
    })
    const used = { allowed: false, retryAfter: 0, remaining: 0, channels: ['sms'] }
    expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', resend: used })
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending', resend: used })
  })

  test('is shown, without a channel, when the countries of the app have changed', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const other = setup.another({ countries: ['DE'] })
    expect(await other.status({ handle })).toMatchObject({
      status: 'pending',
      resend: { channels: [] },
    })
  })

  test.each(['number', 'otp'] as const)(
    'of a record that nobody can read (%s) is none, and it can be ended',
    async (field) => {
      const setup = await setupFlow(kind)
      const handle = await sendCode(setup)
      const spoil = (record: FlowView | undefined) =>
        record && { ...record, [field]: 'nothing of ours' }
      const flow = through(setup, {
        async read(next) {
          const { record, ...due } = await next()
          return { ...due, record: spoil(record) }
        },
        endFlow: async (next) => ({ record: spoil((await next()).record) }),
      })
      expect(await flow.status({ handle })).toEqual({ status: 'none' })
      await flow.cancel({ handle })
      expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
      expect(await setup.count('delete')).toBe(0)
    },
  )

  const event = (type: string, status?: string, created?: number) => ({
    ...(type && { type }),
    ...(status && { status }),
    ...(created !== undefined && { created }),
  })
  test.each([
    ['sent', 'of one that is out', [event('OTP_SEND', undefined, 1)]],
    ['sent', 'of one that was accepted', [event('DELIVERY_REQUEST', 'success', 1)]],
    ['sent', 'of one whose answer says nothing', [event('SMS_SENT')]],
    ['sent', 'of one that is answered without a status', [event('DELIVERY_RES', undefined, 1)]],
    ['delivered', 'of one that came', [event('DELIVERY_RES', 'success', 1)]],
    ['delivered', 'by its name', [event('DELIVERED', 'success', 1)]],
    ['failed', 'by its status', [event('DELIVERY_RES', 'failed', 1)]],
    ['failed', 'by its name', [event('DELIVERY_FAILED', undefined, 1)]],
    ['failed', 'by its status, whatever its name', [event('', 'failed', 1)]],
    ['unknown', 'without an event', []],
    ['unknown', 'of events that say nothing', [event('CHECKED', 'success', 1), event('', '', 2)]],
    [
      'delivered',
      'by the newest',
      [event('DELIVERY_RES', 'failed', 1), event('DELIVERY_RES', 'success', 2), event('SENT')],
    ],
    [
      'failed',
      'by the newest, in any order',
      [
        event('DELIVERY_RES', 'failed', 3),
        event('SENT', undefined, 1),
        event('SENT', undefined, 2),
      ],
    ],
    [
      'delivered',
      'by what became of a message, of one millisecond',
      [event('SEND', undefined, 5), event('DELIVERY_RES', 'success', 5)],
    ],
    [
      'delivered',
      'by what became of a message, in any order',
      [event('DELIVERY_RES', 'success', 5), event('SEND', undefined, 5)],
    ],
    [
      'sent',
      'by the newest that says anything',
      [event('SENT', undefined, 1), event('CHECKED', 'success', 2)],
    ],
  ])('tells %s %s', async (delivery, _, events) => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const asked = setup.gate.next('events')
    const telling = setup.flow.status({ handle })
    const held = await asked
    await held.answerWith(200, events)
    expect(await telling).toMatchObject({ status: 'pending', delivery })
    // It is kept, for three seconds at least.
    expect(await setup.flow.status({ handle })).toMatchObject({ delivery })
    expect(await setup.count('events')).toBe(0)
  })
})

describe.each(flowKinds)('a flow that its browser ends on %s', (kind) => {
  test('asks tyntec nothing when nothing is known there', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendUnconfirmed(setup)
    await setup.flow.cancel({ handle })
    expect(await setup.count('delete')).toBe(0)
    expect(await setup.flow.check({ handle, code: rightCode })).toEqual({
      status: 'no_pending_code',
    })
  })

  test('is over for everything that comes after', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.flow.cancel({ handle })
    const none = { status: 'no_pending_code' }
    expect(await setup.flow.check({ handle, code: rightCode })).toEqual(none)
    await setup.advance(31)
    expect(await setup.flow.resend({ handle })).toEqual(none)
    const ref = createSecrets([secret]).parseHandle(handle)
    if (!ref) throw new Error('the handle is ours')
    expect(await setup.steps.read(ref)).toBeUndefined()
  })
})

describe.each(flowKinds)('a lost send on %s', (kind) => {
  test('is found at the second look', async () => {
    const setup = await setupFlow(kind)
    await setup.fault({ operation: 'otp.send', kind: 'reset', times: 1, when: 'after' })
    const asked = setup.gate.next('list')
    const sending = setup.flow.send({ number })
    const held = await asked
    await held.answerWith(200, [])
    expect(await sending).toMatchObject({ status: 'sent' })
  })

  test.each([
    ['that can not be', { created: 5000, expire: 5000 }],
    ['that runs backwards', { created: 5000, expire: 4000 }],
    ['that is missing', {}],
  ])('has the usual lifetime instead of one %s', async (_, times) => {
    const setup = await setupFlow(kind, { lifetime: 120 })
    const asked = setup.gate.next('send')
    const sending = setup.flow.send({ number })
    const held = await asked
    await held.answerWith(200, { otpId: 'an-otp-of-ours', number, otpStatus: 'ACTIVE', ...times })
    expect(await sending).toMatchObject({ status: 'sent', expiresIn: 120 })
  })

  test('whose record is gone is an outage, and no message that could be used', async () => {
    const setup = await setupFlow(kind)
    const flow = through(setup, { settleSend: async () => ({ kept: false }) })
    expect(await failure(flow.send({ number }))).toEqual({
      code: 'ERR_OTP_STORE_UNAVAILABLE',
      status: 503,
    })
    expect(await setup.count('list')).toBe(0)
  })
})

describe('what is asked for', () => {
  test.each([undefined, null, '', 'sms'])('is a message by %j', async (via) => {
    const setup = await setupFlow('memory')
    expect(await setup.flow.send({ number, via })).toMatchObject({ status: 'sent', via: 'sms' })
  })

  test.each([
    ['voice', false],
    ['fax', true],
    ['SMS', true],
    ['VOICE', true],
  ])('is no channel by %j (voice: %s)', async (via, voice) => {
    const setup = await setupFlow('memory', { voice })
    expect(await setup.flow.send({ number, via })).toEqual({ status: 'channel_not_allowed' })
    const handle = await sendCode(setup)
    expect(await setup.flow.resend({ handle, via })).toEqual({ status: 'channel_not_allowed' })
  })

  test.each([{}, ['sms'], 5, true])('is nothing by %j', async (via) => {
    const setup = await setupFlow('memory')
    expect(await setup.flow.send({ number, via })).toEqual({ status: 'bad_request' })
    const handle = await sendCode(setup)
    expect(await setup.flow.resend({ handle, via })).toEqual({ status: 'bad_request' })
  })

  test.each([undefined, null, ''])('is in the language of the number by %j', async (language) => {
    const setup = await setupFlow('memory')
    expect(await setup.flow.send({ number, language })).toMatchObject({ status: 'sent' })
    expect((await setup.calls())[0]?.query).not.toHaveProperty('language')
  })

  test.each([5, 'd', 'd1', ' de', 'xx', 'x-klingon', 'i-default', 'nah', 'german', 'de\r\nx: y'])(
    'is in the language of the number by %j, which is not known',
    async (language) => {
      const setup = await setupFlow('memory')
      expect(await setup.flow.send({ number, language })).toMatchObject({ status: 'sent' })
      expect((await setup.calls())[0]?.query).not.toHaveProperty('language')
    },
  )

  test.each([
    ['de', 'de'],
    ['DE', 'de'],
    ['de-DE', 'de'],
    ['de_AT', 'de'],
    ['deu', 'de'],
    ['zh-Hant-TW', 'zh'],
    ['iw', 'he'],
    ['fil-PH', 'tl'],
  ])('is by %s in %s', async (language, told) => {
    const setup = await setupFlow('memory')
    expect(await setup.flow.send({ number, language })).toMatchObject({ status: 'sent' })
    expect((await setup.calls())[0]?.query).toMatchObject({ language: told })
  })

  test.each([['de'], { 0: 'd' }, 'd'.repeat(65)].map((language) => ({ language })))(
    'is in no language by a list, an object or a long text',
    async ({ language }) => {
      const setup = await setupFlow('memory')
      const wanted = { number: numbers[1], language }
      expect(await setup.flow.send(wanted)).toEqual({ status: 'bad_request' })
    },
  )
})

test('what was not waited for any longer leaves no timer', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  expect(await atMost(1000, Promise.resolve('soon'))).toBe('soon')
  await expect(atMost(1000, Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(timers()).toBe(before)
  expect(await atMost(0.01, new Promise(() => {}))).toBeUndefined()
  expect(await atMost(-1, new Promise(() => {}))).toBeUndefined()
})
