import { describe, expect, test } from 'vitest'
import { flip } from '../inputs/fields.js'
import { flowKinds, number, rightCode, sendCode, setupFlow, signIn } from '../support/flow.js'

/** The same with one bit of it changed, for each of its bits. */
function allFlips(value: string): string[] {
  const bits = Buffer.from(value, 'base64url').length * 8
  return Array.from({ length: bits }, (_, bit) => flip(value, bit))
}

describe.each(flowKinds)('on %s, what a browser holds', (kind) => {
  // proves: SES-1
  test('gets no flow when any bit of its handle is another', { timeout: 30_000 }, async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    // The tag of a known browser is in it as well.
    const flips = [...allFlips(handle), ...allFlips(handle.slice(0, -4))]
    expect(flips.length).toBeGreaterThan(1000)
    for (const changed of flips) {
      const { flow } = setup
      expect(await flow.check({ handle: changed, code: rightCode })).toEqual({
        status: 'no_pending_code',
      })
      expect(await flow.status({ handle: changed })).toEqual({ status: 'none' })
      expect(await flow.resend({ handle: changed })).toEqual({ status: 'no_pending_code' })
      await flow.cancel({ handle: changed })
    }
    expect((await setup.calls()).map(({ operation }) => operation)).toEqual(['send'])
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  // proves: LOCK-3
  test('is of no known browser when a bit of that mark is another', async () => {
    const setup = await setupFlow(kind, {
      limits: { sendsPerNumber: [{ points: 1, duration: 600 }] },
    })
    const first = await setup.flow.check({ handle: await sendCode(setup), code: rightCode })
    if (first.status !== 'verified') throw new Error(first.status)
    await setup.flow.complete(first.proof)
    const { device } = first
    // One bit of each byte: every refusal waits a little.
    for (const changed of allFlips(device).filter((_, bit) => bit % 8 === (bit >> 3) % 8)) {
      const asked = { number, device: changed, address: '192.0.2.1' }
      expect((await setup.flow.send(asked)).status).toBe('rate_limited')
    }
    expect(await setup.count('send')).toBe(1)
    expect((await setup.flow.send({ number, device })).status).toBe('sent')
  })
})
