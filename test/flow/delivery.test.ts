import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { sms, twoFactor, whatsapp } from '../../src/options/channels.js'
import { moveDate } from '../support/date.js'
import { flowKinds, sendCode, setupFlow, signIn } from '../support/flow.js'
import type { TestFlow } from '../support/flow.js'

const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
const text = sms({ from: 'Example', text: '{{OTP}}' })
/** A WhatsApp message to it fails, and an SMS works. */
const noWhatsapp = '+12015550114'

const deliveries = ({ events }: TestFlow) =>
  events.flatMap((event) =>
    event.type === 'otp.delivery' ? [`${event.via} ${event.delivery}`] : [],
  )

describe.each(flowKinds)('on %s', (kind) => {
  test.each([
    ['whatsapp', chat, 'chat status'],
    ['sms', text, 'sms status'],
    ['sms', twoFactor(), 'events'],
  ] as const)(
    'what becomes of a message by %s is asked once in a few seconds',
    async (_, channel, operation) => {
      const setup = await setupFlow(kind, { channels: [channel] })
      const handle = await sendCode(setup)
      expect(await setup.count(operation)).toBe(0)
      await Promise.all(Array.from({ length: 20 }, () => setup.flow.status({ handle })))
      expect(await setup.count(operation)).toBe(1)
      expect(await setup.flow.status({ handle })).toMatchObject({ delivery: 'delivered' })
      await setup.advance(5)
      // It is final.
      expect(await setup.flow.status({ handle })).toMatchObject({ delivery: 'delivered' })
      expect(await setup.count(operation)).toBe(1)
      expect(deliveries(setup)).toHaveLength(1)
    },
  )

  test('a message that failed offers the next channel, and nothing goes out by itself', async () => {
    const setup = await setupFlow(kind, { channels: [chat, twoFactor()] })
    const handle = await sendCode(setup, { number: noWhatsapp })
    expect(await setup.flow.status({ handle })).toMatchObject({
      via: 'whatsapp',
      delivery: 'failed',
      resend: { allowed: true, retryAfter: 0, remaining: 3, channels: ['sms'] },
    })
    expect(setup.sandbox.messages()).toEqual([])
    expect(deliveries(setup)).toEqual(['whatsapp failed'])
  })

  describe('with fallback: auto', () => {
    const options = { channels: [chat, twoFactor({ voice: true })], fallback: 'auto' } as const

    test('a message that failed is followed by one on the next channel, whoever looks', async () => {
      const setup = await setupFlow(kind, options)
      const handle = await sendCode(setup, { number: noWhatsapp })
      const looks = Array.from({ length: 10 }, () =>
        setup.flow.status({ handle, address: '192.0.2.1' }),
      )
      await Promise.all(looks)
      expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending', via: 'sms' })
      expect(setup.sandbox.messages().map(({ channel }) => channel)).toEqual(['sms'])
      expect(await setup.count('send')).toBe(1)
      expect(await signIn(setup.flow, handle, '424242')).toBe('opened')
      expect(setup.eventTypes()).toEqual([
        'otp.sent',
        'otp.delivery',
        'otp.resent',
        // Of the text message, since the page was looked at again.
        'otp.delivery',
        'otp.verified',
        'session.opened',
      ])
    })

    test('it is in the language of the person', async () => {
      const setup = await setupFlow(kind, options)
      const handle = await sendCode(setup, { number: noWhatsapp, language: 'de-DE' })
      expect(await setup.flow.status({ handle })).toMatchObject({ via: 'sms' })
      const calls = await setup.calls()
      expect(calls.find(({ operation }) => operation === 'send')?.query.language).toBe('de')
    })

    test('it is in the language that a resend has told', async () => {
      const setup = await setupFlow(kind, options)
      const handle = await sendCode(setup, { language: 'de' })
      await setup.advance(31)
      await setup.fault({ operation: 'chat.send', kind: 'fail-message' })
      await setup.flow.resend({ handle, language: 'fr' })
      expect(await setup.flow.status({ handle })).toMatchObject({ via: 'sms' })
      const calls = await setup.calls()
      expect(calls.find(({ operation }) => operation === 'send')?.query.language).toBe('fr')
    })

    test('that happens once in a flow', async () => {
      const setup = await setupFlow(kind, options)
      await setup.fault({ operation: '*', kind: 'fail-message' }).catch(async () => {
        for (const operation of ['otp.send', 'otp.resend', 'chat.send']) {
          await setup.fault({ operation, kind: 'fail-message' })
        }
      })
      const handle = await sendCode(setup)
      await setup.flow.status({ handle })
      for (let looks = 0; looks < 3; looks++) {
        await setup.advance(5)
        await setup.flow.status({ handle })
      }
      expect(await setup.flow.status({ handle })).toMatchObject({
        via: 'sms',
        delivery: 'failed',
        resend: { allowed: true, retryAfter: 0, remaining: 2, channels: ['whatsapp', 'voice'] },
      })
      expect([await setup.count('chat'), await setup.count('send')]).toEqual([1, 1])
    })

    test('limits hold for it, and leave the person to choose', async () => {
      const setup = await setupFlow(kind, {
        ...options,
        limits: { sendsPerNumber: [{ points: 1, duration: 600 }] },
      })
      const handle = await sendCode(setup, { number: noWhatsapp })
      expect(await setup.flow.status({ handle })).toMatchObject({
        via: 'whatsapp',
        delivery: 'failed',
        // Which they may as soon as the number has a message left.
        resend: { allowed: false, remaining: 3, channels: ['sms', 'voice'] },
      })
      const { resend } = (await setup.flow.status({ handle })) as { resend: { retryAfter: number } }
      expect(resend.retryAfter).toBeGreaterThan(590)
      expect(resend.retryAfter).toBeLessThanOrEqual(600)
      expect(await setup.flow.resend({ handle, via: 'sms' })).toMatchObject({
        status: 'rate_limited',
        retryAfter: expect.closeTo(resend.retryAfter, -1),
      })
      expect(await setup.count('send')).toBe(0)
      expect(setup.eventTypes()).toContain('limit.hit sends_per_number')
    })

    test('a carrier that is down leaves the page as it is', async () => {
      const setup = await setupFlow(kind, options)
      const handle = await sendCode(setup, { number: noWhatsapp })
      await setup.fault({ operation: 'otp.send', kind: 'status', status: 429 })
      expect(await setup.flow.status({ handle })).toMatchObject({
        via: 'whatsapp',
        delivery: 'failed',
        resend: { allowed: true, remaining: 3 },
      })
      await setup.noFaults()
      expect(await setup.flow.resend({ handle, via: 'sms' })).toMatchObject({ status: 'sent' })
    })

    test('is refused beside "knows"', async () => {
      await expect(setupFlow(kind, { ...options, knows: () => true })).rejects.toMatchObject({
        code: 'ERR_OTP_OPTIONS',
        message: expect.stringContaining('"fallback"'),
      })
    })
  })
})

describe('a route that stops delivering', () => {
  const open = {
    budget: { perHour: 1000, reserve: 0 },
    limits: { sendsPerAddress: { points: 1000, duration: 3600 } },
  }
  const routes = ({ events }: TestFlow) => events.filter(({ type }) => type === 'route.failing')
  const to = (index: number) => `+1201555${1000 + index}`

  test('is told of within 20 messages that could not be delivered', async () => {
    const setup = await setupFlow('memory', { channels: [chat, twoFactor()], ...open })
    await setup.fault({ operation: 'chat.send', kind: 'fail-message' })
    let sent = 0
    while (sent < 20 && routes(setup).length === 0) {
      const handle = await sendCode(setup, { number: to(sent) })
      await setup.flow.status({ handle })
      sent++
    }
    expect(routes(setup)).toMatchObject([
      { via: 'whatsapp', country: 'US', undelivered: 10, unused: 0, of: 10 },
    ])
    for (let more = 0; more < 10; more++) {
      const handle = await sendCode(setup, { number: to(sent + more) })
      await setup.flow.status({ handle })
    }
    expect(routes(setup)).toHaveLength(1)
  })

  test('is told of within 20 messages whose codes nobody types', async () => {
    const setup = await setupFlow('memory', { ...open })
    for (let sent = 0; sent < 20; sent++) {
      await sendCode(setup, { number: to(sent) })
      await setup.advance(20)
    }
    expect(routes(setup)).toMatchObject([{ via: 'sms', country: 'US', undelivered: 0, unused: 10 }])
  })

  test('is told of within 20 messages of four processes together, and once', async () => {
    const setup = await setupFlow('redis', { channels: [chat, twoFactor()], ...open })
    await setup.fault({ operation: 'chat.send', kind: 'fail-message' })
    const flows = [setup.flow, setup.another(), setup.another(), setup.another()]
    for (let sent = 0; sent < 20; sent++) {
      // One sends, and another one is asked what has become of it.
      const [sends, looks] = [flows[sent % 4] ?? setup.flow, flows[(sent + 1) % 4] ?? setup.flow]
      const handle = await sendCode({ flow: sends }, { number: to(sent) })
      await looks.status({ handle })
    }
    await expect.poll(() => routes(setup), { timeout: 15_000 }).toHaveLength(1)
    expect(routes(setup)).toMatchObject([{ via: 'whatsapp', country: 'US', unused: 0 }])
    const names = (await setup.dump()).map(({ key }) => key)
    expect(names.filter((key) => key.includes('route'))).toEqual([
      expect.stringMatching(/note:route:login:whatsapp:US$/),
    ])
    // Those that go on hear of it from each other.
    for (let more = 0; more < 4; more++) {
      await sendCode({ flow: flows[more] ?? setup.flow }, { number: to(20 + more) })
    }
    await sleep(7000)
    expect(routes(setup)).toHaveLength(1)
  }, 40_000)

  test('is not seen where codes are checked by other processes than have sent them', async () => {
    const setup = await setupFlow('redis', { ...open })
    const checks = setup.another()
    for (let sent = 0; sent < 12; sent++) {
      const handle = await sendCode(setup, { number: to(sent) })
      const code = await setup.sandbox.waitForCode(to(sent))
      expect(await signIn(checks, handle, code)).toBe('opened')
    }
    // Both have told each other.
    await sleep(7000)
    moveDate(130)
    await sendCode(setup, { number: to(12) })
    await sleep(7000)
    expect(routes(setup)).toEqual([])
  }, 40_000)

  test('is not seen in one that works, however many people come at once', async () => {
    const setup = await setupFlow('memory', { ...open })
    const codes = new Map<string, string>()
    for (let sent = 0; sent < 30; sent++) {
      codes.set(await sendCode(setup, { number: to(sent) }), to(sent))
    }
    let signedIn = 0
    for (const [handle, phone] of codes) {
      // A third gives up, as people do.
      if (signedIn++ % 3 === 0) continue
      expect(await signIn(setup.flow, handle, await setup.sandbox.waitForCode(phone))).toBe(
        'opened',
      )
    }
    await setup.advance(200)
    await sendCode(setup)
    expect(routes(setup)).toEqual([])
  })
})
