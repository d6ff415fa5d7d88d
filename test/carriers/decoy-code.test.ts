import { describe, expect, test, vi } from 'vitest'
import { sms, whatsapp } from '../../src/options/channels.js'
import { flowKinds, sendCode, setupFlow, signIn } from '../support/flow.js'

/** The code that is made for every message, so that a guess can be the right one. */
const made = vi.hoisted(() => 424_242)

vi.mock(import('node:crypto'), async (original) => ({
  ...(await original()),
  // Of six digits only: the sandbox and the pace of decoys have their own chance.
  randomInt: ((...range: [number]) => (range[0] === 1_000_000 ? made : 0)) as never,
}))

const channels = {
  whatsapp: whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } }),
  sms: sms({ from: 'Example', text: '{{OTP}}' }),
}

describe.each(flowKinds)('on %s', (kind) => {
  // proves: ENUM-6
  test.each(['whatsapp', 'sms'] as const)(
    'a guess that hits the code made for a number not known proves nothing, by %s',
    async (via) => {
      const known = await setupFlow(kind, { channels: [channels[via]], knows: () => true })
      expect(await signIn(known.flow, await sendCode(known), String(made))).toBe('opened')

      const setup = await setupFlow(kind, { channels: [channels[via]], knows: () => false })
      const handle = await sendCode(setup)
      expect(await signIn(setup.flow, handle, String(made))).toBe('invalid_code')
      await setup.advance(31)
      expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent', newCode: true })
      expect(await signIn(setup.flow, handle, String(made))).toBe('invalid_code')
      expect(await signIn(setup.flow, handle, String(made))).toBe('too_many_attempts')
      // The flow that follows one that has ended is none of a known number either.
      await setup.advance(61)
      let next = ''
      const again = { handle, onHandle: (given: string) => (next = given) }
      expect(await setup.flow.resend(again)).toMatchObject({ status: 'sent' })
      expect(await signIn(setup.flow, next, String(made))).toBe('invalid_code')
      expect(setup.sandbox.messages()).toEqual([])
      expect(setup.eventTypes()).not.toContain('otp.verified')
    },
  )
})
