import { describe, expect, test } from 'vitest'
import { sms, whatsapp } from '../../src/options/channels.js'
import { failure, flowKinds, number, sendCode, setupFlow, signIn } from '../support/flow.js'
import type { TestFlow } from '../support/flow.js'

/*
 * What tests of the 2FA service prove of each failure, for the carriers with a code of our own: no failure
 * sends a message twice, takes a code that works away, or charges for what provably did not happen.
 */

const carriers = {
  whatsapp: {
    channel: whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } }),
    fault: 'chat.send',
    operation: 'chat',
  },
  sms: { channel: sms({ from: 'Example', text: '{{OTP}}' }), fault: 'sms.send', operation: 'sms' },
} as const

/** tyntec has provably done nothing. */
const refusals = {
  'a rejected key': { kind: 'status', status: 401 },
  'a refused account': { kind: 'status', status: 403 },
  'a bad request': { kind: 'status', status: 400 },
  'too many requests': { kind: 'status', status: 429 },
} as const

/** The message may be out. */
const doubts = {
  'a server error': { kind: 'status', status: 500 },
  'a gateway without an upstream': { kind: 'status', status: 503 },
  'a page of HTML': { kind: 'html', status: 502 },
  'a page of HTML that is fine': { kind: 'html', status: 200 },
  'malformed JSON': { kind: 'malformed' },
  'an empty body': { kind: 'empty' },
  'half a body': { kind: 'truncate' },
  'a reset connection': { kind: 'reset' },
  'a redirect': { kind: 'redirect', location: 'http://127.0.0.1:9/', status: 307 },
} as const

const refusalNames = Object.keys(refusals) as (keyof typeof refusals)[] // their names
const doubtNames = Object.keys(doubts) as (keyof typeof doubts)[] // their names

async function newestCode({ sandbox }: TestFlow): Promise<string> {
  return sandbox.messages().at(-1)?.code ?? 'none'
}

describe.each(flowKinds)('on %s', (kind) => {
  describe.each(['whatsapp', 'sms'] as const)('by %s', (via) => {
    const { channel, fault, operation } = carriers[via]
    const begin = () => setupFlow(kind, { channels: [channel] })

    test.each(refusalNames)('a send that gets %s costs nothing', async (name) => {
      const setup = await begin()
      await setup.fault({ operation: fault, when: 'before', times: 1, ...refusals[name] })
      expect(await failure(setup.flow.send({ number }))).toMatchObject({ status: 503 })
      // Neither a wait nor a message of the number.
      const handle = await sendCode(setup)
      expect(await setup.count(operation)).toBe(2)
      expect(await signIn(setup.flow, handle, await newestCode(setup))).toBe('opened')
    })

    test.each(refusalNames)('a resend that gets %s leaves the code before', async (name) => {
      const setup = await begin()
      const handle = await sendCode(setup)
      const code = await newestCode(setup)
      await setup.advance(31)
      await setup.fault({ operation: fault, when: 'before', times: 1, ...refusals[name] })
      expect(await failure(setup.flow.resend({ handle }))).toMatchObject({ status: 503 })
      expect(await setup.flow.status({ handle })).toMatchObject({
        status: 'pending',
        via,
        resend: { allowed: true, remaining: 3 },
      })
      expect(await signIn(setup.flow, handle, code)).toBe('opened')
    })

    describe.each(doubtNames)('%s', (name) => {
      test('in answer to a send is one message, whose code works if it comes', async () => {
        for (const when of ['before', 'after'] as const) {
          const setup = await begin()
          await setup.fault({ operation: fault, when, times: 1, ...doubts[name] })
          const outcome = await setup.flow.send({ number })
          expect(outcome.status).toBe('unconfirmed')
          const handle = 'handle' in outcome ? outcome.handle : ''
          // A second click, and a second look, ask for no second message.
          expect(await setup.flow.send({ number, handle })).toMatchObject({ handle })
          expect(await setup.flow.status({ handle })).toMatchObject({ status: 'unconfirmed' })
          expect(await setup.count(operation)).toBe(1)
          if (when === 'after') {
            expect(await signIn(setup.flow, handle, await newestCode(setup))).toBe('opened')
          } else {
            expect(setup.sandbox.messages()).toEqual([])
            await setup.advance(31)
            expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'sent' })
            expect(await signIn(setup.flow, handle, await newestCode(setup))).toBe('opened')
          }
        }
      })

      test('in answer to a resend leaves a code that works, whichever has come', async () => {
        for (const when of ['before', 'after'] as const) {
          const setup = await begin()
          const handle = await sendCode(setup)
          await setup.advance(31)
          await setup.fault({ operation: fault, when, times: 1, ...doubts[name] })
          expect(await setup.flow.resend({ handle })).toMatchObject({ status: 'unconfirmed' })
          expect(await setup.count(operation)).toBe(2)
          expect(setup.sandbox.messages()).toHaveLength(when === 'after' ? 2 : 1)
          expect(await signIn(setup.flow, handle, await newestCode(setup))).toBe('opened')
        }
      })
    })

    test('a slow answer ends in time, and the code works', async () => {
      const setup = await begin()
      const held = setup.gate.next(operation)
      const sending = setup.flow.send({ number })
      await (await held).forward()
      const outcome = await sending
      expect(outcome.status).toBe('unconfirmed')
      const handle = 'handle' in outcome ? outcome.handle : ''
      expect(await signIn(setup.flow, handle, await newestCode(setup))).toBe('opened')
    }, 15_000)
  })
})
