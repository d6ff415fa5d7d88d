import { describe, expect, test } from 'vitest'
import { flowKinds, number, rightCode, setupFlow, through } from '../support/flow.js'

describe.each(flowKinds)('a flow that its page has begun anew, on %s', (kind) => {
  // proves: SES-9
  test('is not proven by a check of the code before', async () => {
    const setup = await setupFlow(kind)
    const pageToken = setup.flow.createPageToken()
    const sent = await setup.flow.send({ number, pageToken, purpose: 'login' })
    const handle = 'handle' in sent ? sent.handle : ''
    let settle = () => {}
    const held = new Promise<void>((resolve) => (settle = resolve))
    const slow = through(setup, {
      async settleCheck(next) {
        await held
        return next()
      },
    })
    const checking = slow.check({ handle, code: rightCode, purpose: 'login' })
    await expect.poll(() => setup.count('check')).toBe(1)
    await setup.advance(31)
    // Its cookie was lost, so the page says again what it has said first.
    const again = await setup.flow.send({ number, pageToken, purpose: 'link' })
    expect(again).toMatchObject({ status: 'sent', handle })
    settle()
    expect(await checking).toEqual({ status: 'no_pending_code' })
    expect((await setup.flow.status({ handle })).status).toBe('pending')
    // Its own code proves it, and for what it was sent.
    expect(await setup.flow.check({ handle, code: rightCode, purpose: 'link' })).toMatchObject({
      status: 'verified',
      identity: { purpose: 'link' },
    })
    expect(await setup.count('check')).toBe(2)
  })
})
