import { describe, expect, test } from 'vitest'
import { createJoins } from '../../src/flow/joins.js'
import { flowKinds, rightCode, sendCode, setupFlow, signIn, through } from '../support/flow.js'

describe.each(flowKinds)('many checks of one code at once, on %s', (kind) => {
  // proves: SES-7
  test('cost the store three commands each at the most, and have one end', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.fault({ operation: 'otp.check', kind: 'delay', ms: 3000 })
    let claims = 0
    const flow = through(setup, {
      claim(next) {
        claims += 1
        return next()
      },
    })
    const clicks = 30
    const ends = await Promise.all(Array.from({ length: clicks }, () => signIn(flow, handle)))
    expect(ends.toSorted()).toEqual([
      'opened',
      ...Array.from({ length: clicks - 1 }, () => 'signed_in'),
    ])
    expect(await setup.count('check')).toBe(1)
    // One of them asks again and again.
    expect(claims).toBeLessThanOrEqual(3 * clicks + 20)
  }, 20_000)

  test('are one wrong code', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.fault({ operation: 'otp.check', kind: 'delay', ms: 500 })
    const ends = await Promise.all(
      Array.from({ length: 10 }, () => setup.flow.check({ handle, code: '000000' })),
    )
    const wrong = { status: 'invalid_code', attemptsRemaining: 2 }
    expect(ends).toEqual(Array.from({ length: 10 }, () => wrong))
    expect(await signIn(setup.flow, handle, rightCode)).toBe('opened')
  })
})

describe('those who wait for the same', () => {
  test('go on without the one that asked for them when the store fails it', async () => {
    const join = createJoins()
    let asked = 0
    const ask = async () => {
      asked += 1
      if (asked === 1) throw new Error('away')
      return asked
    }
    const ends = await Promise.all([
      failing(join('a', 1, ask)),
      join('a', 1, ask),
      join('a', 1, ask),
    ])
    expect(ends).toEqual(['away', 2, 3])
    expect(await join('a', 1, ask)).toBe(4)
  })

  test('are not held up by those who wait for something else', async () => {
    const join = createJoins()
    const never = join('a', 0.5, async () => undefined)
    expect(await join('b', 1, async () => 'answer')).toBe('answer')
    expect(await never).toBeUndefined()
  })

  test('end in their own time', async () => {
    const join = createJoins()
    const none = async () => undefined
    expect(await Promise.all([join('a', 0.2, none), join('a', 0.1, none)])).toEqual([
      undefined,
      undefined,
    ])
  })

  test('wait no longer than their own time for one that hears nothing', async () => {
    const join = createJoins()
    let asked = 0
    // The first of them never gets an answer to what it has asked.
    const ask = () => {
      asked += 1
      return asked === 1 ? new Promise<never>(() => {}) : Promise.resolve(undefined)
    }
    void join('a', 60, ask)
    const began = performance.now()
    expect(await join('a', 0.2, ask)).toBeUndefined()
    expect(performance.now() - began).toBeLessThan(5000)
    // Once when its time is over, and once more where the timer was early.
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThan(4)
  })

  test('ask again and again themselves when the time of one that hears nothing is over', async () => {
    const join = createJoins()
    let asked = 0
    const ask = () => {
      asked += 1
      if (asked === 1) return new Promise<never>(() => {})
      return Promise.resolve(asked < 4 ? undefined : asked)
    }
    void join('a', 0.1, ask)
    expect(await join('a', 10, ask)).toBe(4)
  })
})

const failing = (call: Promise<unknown>) => call.catch((error: Error) => error.message)
