import { expect, test } from 'vitest'
import { wrongCode } from '../support/app.js'
import { flowKinds, number, rightCode, sendCode, setupFlow, signIn } from '../support/flow.js'

// proves: LOCK-3, KEY-2
test.each(flowKinds)(
  'what a browser keeps for one thing is good for no other, on %s',
  async (kind) => {
    const setup = await setupFlow(kind, {
      limits: { sendsPerNumber: [{ points: 2, duration: 600 }] },
    })
    const { flow } = setup
    const oldPageToken = flow.createPageToken()
    const old = await sendCode(setup, { pageToken: oldPageToken })
    const outcome = await flow.check({ handle: old, code: rightCode })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    await flow.complete(outcome.proof)
    const { device } = outcome
    await setup.advance(31)
    const pageToken = flow.createPageToken()
    const handle = await sendCode(setup, { pageToken })

    for (const value of [pageToken, oldPageToken, device, old]) {
      // The handle of a sign-in is good for its answer again, and for nothing else.
      expect(await signIn(flow, value)).toBe(value === old ? 'repeated' : 'no_pending_code')
      expect(await signIn(flow, value, wrongCode)).toBe('no_pending_code')
      expect(await flow.resend({ handle: value })).toEqual({ status: 'no_pending_code' })
      expect(await flow.status({ handle: value })).toEqual({ status: 'none' })
      await flow.cancel({ handle: value })
    }
    expect(await setup.count('check')).toBe(1)

    // Another click on the page joins the flow; what is no token of a page does not.
    for (const value of [handle, device, old, oldPageToken]) {
      expect((await flow.send({ number, pageToken: value })).status).toBe('resend_too_soon')
    }
    expect(await flow.send({ number, pageToken })).toMatchObject({ status: 'sent', handle })

    await setup.advance(31)
    for (const value of [handle, old, pageToken]) {
      expect((await flow.send({ number, device: value })).status).toBe('rate_limited')
    }
    expect(await setup.count('send')).toBe(2)
    const again = await flow.check({
      handle: await sendCode(setup, { device }),
      code: rightCode,
    })
    // A new mark at each sign-in.
    expect(again).toMatchObject({
      status: 'verified',
      device: expect.not.stringMatching(`^${device}$`),
    })
  },
)
