import { describe, expect, test } from 'vitest'
import { resolveOptions } from '../src/options/resolve.js'
import { createPumping, type Message } from '../src/pumping.js'
import { redisStore } from '../src/store/redis.js'
import { createRedis } from './support/redis.js'
import { startRedisProxy } from './support/redis-proxy.js'
import { dumpRedis, setupStore, storeKinds } from './support/stores.js'

const message = (given: Partial<Message> = {}): Message => ({
  country: 'US',
  addressKeys: ['address'],
  rangeTags: ['range'],
  ...given,
})

describe.each(storeKinds)('the detector of pumping on %s', (kind) => {
  async function setup(rules: Record<string, unknown> = {}) {
    const { store, advance } = await setupStore(kind)
    const patient = { free: 100, share: 1 }
    const { pumping } = resolveOptions({
      apiKey: 'key',
      secret: 'a secret of the app that is long enough',
      countries: 'any',
      store,
      budget: { perHour: 100, perDay: 100 },
      pumping: { country: patient, address: patient, range: patient, ...rules },
    })
    if (!pumping) throw new Error('it is on')
    const detector = createPumping(pumping, store)
    const count = async (one: Message) => (await detector.count(one)).odd
    return { detector, count, advance }
  }

  test.each(['country', 'address', 'range'] as const)(
    'tells of more than the free messages by %s, and how many',
    async (by) => {
      const { count } = await setup({ [by]: { free: 2, share: 0.5 } })
      expect(await count(message())).toEqual([])
      expect(await count(message())).toEqual([])
      expect(await count(message())).toEqual([
        { by, unverified: expect.closeTo(3, 1), verified: 0, retryAfter: 600 },
      ])
      const elsewhere = { country: 'DE', addressKeys: ['other'], rangeTags: ['other'] }
      expect(await count(message(elsewhere))).toEqual([])
    },
  )

  test('allows a share of the sign-ins more', async () => {
    const { detector, count } = await setup({ range: { free: 1, share: 0.5 } })
    for (let signIns = 0; signIns < 4; signIns++) {
      await count(message())
      await detector.verified(message(), 1)
    }
    for (let more = 0; more < 2; more++) expect(await count(message())).toEqual([])
    await count(message())
    expect(await count(message())).toMatchObject([
      { by: 'range', unverified: expect.closeTo(4, 1), verified: expect.closeTo(4, 1) },
    ])
  })

  test('goes by the name of a range that has more messages without a sign-in', async () => {
    const { detector, count } = await setup({ range: { free: 2, share: 0 } })
    // The older name has many messages, and as many sign-ins.
    const old = message({ rangeTags: ['old'] })
    for (let signIns = 0; signIns < 5; signIns++) {
      await count(old)
      await detector.verified(old, 1)
    }
    const both = message({ rangeTags: ['new', 'old'] })
    for (let free = 0; free < 2; free++) expect(await count(both)).toEqual([])
    await count(message({ rangeTags: ['new'] }))
    expect(await count(both)).toMatchObject([
      { by: 'range', unverified: expect.closeTo(4, 1), verified: expect.closeTo(0, 1) },
    ])
  })

  test('counts all messages of one sign-in as verified', async () => {
    const { detector, count } = await setup({ range: { free: 2, share: 0 } })
    for (let flows = 0; flows < 3; flows++) {
      await count(message())
      expect(await count(message())).toEqual([])
      await detector.verified(message(), 2)
    }
  })

  test('forgets a message that was not sent, and its country', async () => {
    const { detector } = await setup({
      address: { free: 1, share: 0 },
      countriesPerAddress: 1,
    })
    for (const country of ['US', 'DE', 'FR']) {
      const { odd, undo } = await detector.count(message({ country }))
      expect(odd).toEqual([])
      await undo()
    }
  })

  test('tells of an address that sends to too many countries', async () => {
    const { count, advance } = await setup({ countriesPerAddress: 2 })
    for (const country of ['US', 'DE', 'US']) {
      expect(await count(message({ country }))).toEqual([])
    }
    await advance(3600)
    const [odd, ...others] = await count(message({ country: 'FR' }))
    expect(odd).toMatchObject({ by: 'countries', unverified: 3, verified: 0 })
    // What is left of the day.
    expect(odd?.retryAfter).toBeGreaterThan(82_000)
    expect(odd?.retryAfter).toBeLessThanOrEqual(82_800)
    expect(others).toEqual([])
  })

  test('takes the countries that people sign in from for none of them', async () => {
    const { detector, count } = await setup({ countriesPerAddress: 1 })
    for (const country of ['US', 'DE', 'FR']) {
      expect(await count(message({ country }))).toEqual([])
      expect(await count(message({ country }))).toEqual([])
      await detector.verified(message({ country }), 2)
    }
  })

  test.each([
    ['country', 12 * 3600],
    ['address', 12 * 3600],
    ['range', 3600],
  ] as const)('forgets half of what it knows by %s in %i seconds', async (by, seconds) => {
    const { count, advance } = await setup({ [by]: { free: 2, share: 0 } })
    for (let sends = 0; sends < 4; sends++) await count(message())
    await advance(seconds)
    expect(await count(message())).toMatchObject([{ by, unverified: expect.closeTo(3, 1) }])
    await advance(2 * seconds)
    expect(await count(message())).toEqual([])
  })

  test('goes by the name that says most while a secret rotates out', async () => {
    const { count } = await setup({ range: { free: 2, share: 0 } })
    for (let sends = 0; sends < 2; sends++) await count(message({ rangeTags: ['old'] }))
    for (const rangeTags of [
      ['new', 'old'],
      ['old', 'new'],
    ]) {
      expect(await count(message({ rangeTags }))).toMatchObject([{ by: 'range' }])
    }
  })
})

test('what one meter cannot count is taken back from the others', async () => {
  const { redis, prefix, url } = await createRedis()
  const proxy = await startRedisProxy(url)
  const { redis: behindProxy } = await createRedis({ url: proxy.url })
  const { pumping } = resolveOptions({
    apiKey: 'key',
    secret: 'a secret of the app that is long enough',
    countries: 'any',
    store: redisStore(redis, { prefix }),
    budget: { perHour: 100, perDay: 100 },
  })
  const detector = createPumping(pumping, redisStore(behindProxy, { prefix }))
  for (const limit of ['meter:country', 'meter:range', 'limit:countries']) {
    const end = proxy.answer('OOM no memory', (words) =>
      words.some((word) => word.startsWith(`${prefix}${limit}`)),
    )
    await expect(detector.count(message())).rejects.toMatchObject({
      code: 'ERR_OTP_STORE_UNAVAILABLE',
    })
    end()
    const held = await dumpRedis(redis, prefix)
    expect(
      held.filter(({ value }) => /"sent":"(?!0\.0*")|"US"/.test(JSON.stringify(value))),
    ).toEqual([])
  }
})
