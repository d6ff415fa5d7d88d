import { describe, expect, test } from 'vitest'
import { twoFactor, whatsapp } from '../../src/options/channels.js'
import type { Purpose } from '../../src/outcomes.js'
import { flowKinds, number, sendCode, setupFlow, signIn } from '../support/flow.js'

const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
const purposes: readonly Purpose[] = ['login', 'link', 'change', 'step-up']

describe.each(flowKinds)('on %s', (kind) => {
  describe.each([
    ['tyntec', twoFactor()],
    ['this package', chat],
  ])('a code made by %s', (_, channel) => {
    // Each purpose, and one that is not that of the flow.
    const pairs = purposes.map((purpose, index) => ({
      purpose,
      other: purposes[(index + 1) % purposes.length],
    }))

    test.each(pairs)('for $purpose is none for $other, also after a resend', async (of) => {
      const { purpose, other } = of
      const setup = await setupFlow(kind, { channels: [channel] })
      const handle = await sendCode(setup, { purpose })
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', handle })
      const code = await setup.sandbox.waitForCode(number)
      const before = (await setup.calls()).length
      expect(await setup.flow.check({ handle, code, purpose: other })).toEqual({
        status: 'no_pending_code',
      })
      // It has cost no try, and nobody was asked.
      expect(await setup.calls()).toHaveLength(before)
      expect(await setup.flow.check({ handle, code, purpose })).toMatchObject({
        status: 'verified',
        identity: { number, purpose },
      })
    })

    test.each(pairs)('for $purpose is none for $other when the flow begins again', async (of) => {
      const { purpose, other } = of
      const setup = await setupFlow(kind, { channels: [channel] })
      const handle = await sendCode(setup, { purpose })
      await setup.advance(301)
      let next = ''
      const resent = await setup.flow.resend({ handle, onHandle: (made) => (next = made) })
      expect(resent).toMatchObject({ status: 'sent', newCode: true })
      expect(next).not.toBe(handle)
      const code = await setup.sandbox.waitForCode(number)
      expect(await setup.flow.check({ handle: next, code, purpose: other })).toEqual({
        status: 'no_pending_code',
      })
      expect(await setup.flow.check({ handle: next, code, purpose })).toMatchObject({
        status: 'verified',
        identity: { number, purpose },
      })
    })
  })

  test('a message that falls back keeps the purpose of its flow', async () => {
    const setup = await setupFlow(kind, { channels: [chat, twoFactor()], fallback: 'auto' })
    const to = '+12015550114'
    const handle = await sendCode(setup, { number: to, purpose: 'change' })
    expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending', via: 'sms' })
    const code = await setup.sandbox.waitForCode(to)
    expect(await signIn(setup.flow, handle, code)).toBe('no_pending_code')
    expect(await setup.flow.check({ handle, code, purpose: 'change' })).toMatchObject({
      identity: { number: to, purpose: 'change' },
    })
  })
})
