import { describe, expect, test } from 'vitest'
import type { OtpEvent } from '../src/events.js'
import { createEvents } from '../src/events.js'
import { createLimits } from '../src/limits.js'
import { resolveOptions } from '../src/options.js'
import { type StoreKind, setupStore, storeKinds } from './support/stores.js'

const to = (tag: string) => ({ tags: [tag], lane: undefined, country: 'US', via: 'sms' as const })

async function setupLimits(kind: StoreKind, budget = { perHour: 10, perDay: 20 }) {
  const { store, dump } = await setupStore(kind)
  const events: OtpEvent[] = []
  const options = resolveOptions({
    apiKey: 'key',
    secret: 'a secret of the app that is long enough',
    countries: 'any',
    store,
    budget,
    limits: {
      sendsPerNumber: [
        { points: 2, duration: 60 },
        { points: 3, duration: 3600 },
      ],
    },
  })
  const limits = createLimits(
    options,
    store,
    createEvents((event) => events.push(event), undefined),
  )
  const used = async () =>
    (await dump())
      // Not the marks of refunds, which keep one from being made twice.
      .filter(({ key }) => key.endsWith('}'))
      .map(({ key, value }) => [key, Number(value)])
  return { limits, events, used }
}

describe.each(storeKinds)('a message on %s', (kind) => {
  test('is taken from all limits, and given back to all or to its number', async () => {
    const { limits, used } = await setupLimits(kind)
    const taken = await limits.takeSend(to('tag'))
    expect(taken).toMatchObject({ refused: undefined, retryAfter: 0 })
    const all = (budget: number, number: number) =>
      kind === 'memory'
        ? []
        : [
            ['limit:sends:all:day:{all}', budget],
            ['limit:sends:all:hour:{all}', budget],
            ['limit:sends:number:0:{tag}', number],
            ['limit:sends:number:1:{tag}', number],
          ]
    expect(await used()).toEqual(all(1, 1))
    await taken.refundNumber()
    expect(await used()).toEqual(all(1, 0))
    const again = await limits.takeSend(to('tag'))
    expect(await used()).toEqual(all(2, 1))
    await again.refund()
    expect(await used()).toEqual(all(1, 0))
  })

  test('is refused by its number, and may be had again after the refund of others', async () => {
    const { limits } = await setupLimits(kind)
    const first = await limits.takeSend(to('tag'))
    await limits.takeSend(to('tag'))
    for (let tries = 0; tries < 5; tries++) {
      const refused = await limits.takeSend(to('tag'))
      expect(refused).toMatchObject({ refused: 'number', retryAfter: 60, used: 3 })
      await refused.refund()
    }
    expect(await limits.takeSend(to('other'))).toMatchObject({ refused: undefined })
    await first.refundNumber()
    expect(await limits.takeSend(to('tag'))).toMatchObject({ refused: undefined })
  })

  test('is refused by the budget first, however many are refused at once', async () => {
    const { limits, events } = await setupLimits(kind, { perHour: 5, perDay: 100 })
    for (let sends = 0; sends < 4; sends++) await limits.takeSend(to(`tag ${sends}`))
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, index) => limits.takeSend(to(`one of many ${index}`))),
    )
    expect(many.filter(({ refused }) => refused === undefined)).toHaveLength(1)
    expect(many.filter(({ refused }) => refused === 'budget')).toHaveLength(19)
    await Promise.all(many.map((taken) => taken.refund()))
    expect(await limits.takeSend(to('last'))).toMatchObject({ refused: undefined })
    expect(await limits.takeSend(to('too late'))).toMatchObject({
      refused: 'budget',
      retryAfter: 3600,
    })
    const at = expect.any(Number)
    expect(events).toEqual([
      { type: 'budget.warning', window: 'hour', used: 4, of: 5, at },
      { type: 'budget.exhausted', window: 'hour', used: 5, of: 5, at },
    ])
  })
})
