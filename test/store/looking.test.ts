import { describe, expect, test } from 'vitest'
import { addressKey } from '../../src/store/keys.js'
import type { StepArgs } from '../../src/store/steps/index.js'
import { setupStore, storeKinds } from '../support/stores.js'

const waits = { name: 'waits:600', points: 60, duration: 600 }
const rule = { free: 10, share: 0.4, enforced: false }
const address = {
  own: [{ name: 'sends:3600', points: 10, duration: 3600 }],
  site: [],
  waits,
  meter: rule,
  country: 'US',
  countries: { points: 3, duration: 86_400, enforced: false },
} satisfies NonNullable<StepArgs<'look'>['parts']['address']>

describe.each(storeKinds)('a step that only looks, on %s', (kind) => {
  // proves: RED-2
  test('leaves a record as it is, whatever it has reckoned with', async () => {
    const { inner } = await setupStore(kind)
    const own = addressKey('tag', undefined)
    await inner.run('resendDue', { own }, { waits })
    const before = structuredClone(await inner.run('peek', { own }, {}))
    expect(before.own?.uses).toMatchObject({ 'waits:600': { n: 1 } })

    const ends = Number(before.own?.uses['waits:600']?.ends)
    const older = [{ tag: 'other', own: { uses: { 'sends:3600': { n: 10, ends } } } }]
    const looked = await inner.run('look', { own }, { parts: { address, older } })
    expect(looked).toMatchObject({ status: 'limited', by: 'own', limit: 'sends:3600' })
    expect(await inner.run('peek', { own }, {})).toEqual(before)
  })
})
