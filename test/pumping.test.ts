import { describe, expect, test } from 'vitest'
import type { PumpingOptions } from '../src/options/spending.js'
import { doorKinds, setupDoor, type Who } from './support/door.js'
import { phone } from './support/phones.js'

const one = (given: Partial<Who> = {}): Who => ({
  number: '+12015550100',
  country: 'US',
  address: '192.0.2.1',
  ...given,
})

/** In another country and range, from another address. */
const elsewhere = one({ number: phone('DE', 1), country: 'DE', address: '192.0.2.2' })

const many = [{ points: 10_000, duration: 600 }]
const secret = 'the secret of the tests, longer than 32 bytes'
const newer = 'another secret of the tests, longer than 32 bytes'

describe.each(doorKinds)('the detector of pumping on %s', (kind) => {
  async function setup(rules: PumpingOptions = {}) {
    const patient = { free: 100, share: 1 }
    const pumping = { mode: 'shadow', country: patient, address: patient, range: patient } as const
    const door = await setupDoor(kind, {
      pumping: { ...pumping, countriesPerAddress: 100, ...rules },
      budget: { perHour: 1000, perDay: 1000 },
      limits: {
        sendsPerNumber: many,
        messagesPerAddressAndNumber: many,
        sendsPerAddress: { points: 10_000, duration: 600 },
      },
    })
    const odd = async (who: Who, by: Pick<typeof door, 'send'> = door) => {
      const before = door.events.length
      expect((await by.send(who)).status).toBe('sent')
      return door.events
        .slice(before)
        .flatMap((event) => (event.type === 'pumping.suspected' ? [event] : []))
    }
    return { door, odd }
  }

  test.each(['country', 'address', 'range'] as const)(
    'tells of more than the free messages by %s, and how many',
    async (by) => {
      const { odd } = await setup({ [by]: { free: 2, share: 0.5 } })
      expect(await odd(one())).toEqual([])
      expect(await odd(one())).toEqual([])
      expect(await odd(one())).toMatchObject([
        { by, unverified: expect.closeTo(3, 1), verified: 0, enforced: false },
      ])
      expect(await odd(elsewhere)).toEqual([])
    },
  )

  test('allows a share of the sign-ins more', async () => {
    const { door, odd } = await setup({ range: { free: 1, share: 0.5 } })
    for (let signIns = 0; signIns < 4; signIns++) {
      await odd(one())
      await door.signIn(one())
    }
    for (let more = 0; more < 2; more++) expect(await odd(one())).toEqual([])
    await odd(one())
    expect(await odd(one())).toMatchObject([
      { by: 'range', unverified: expect.closeTo(4, 1), verified: expect.closeTo(4, 1) },
    ])
  })

  test('counts all messages of one sign-in as verified', async () => {
    const { door, odd } = await setup({ range: { free: 2, share: 0 } })
    for (let flows = 0; flows < 3; flows++) {
      await odd(one())
      expect(await odd(one())).toEqual([])
      await door.signIn(one(), 2)
    }
  })

  test('tells of an address that sends to too many countries, until its day ends', async () => {
    const { door, odd } = await setup({ mode: 'enforce', countriesPerAddress: 2 })
    const to = (country: 'US' | 'DE' | 'AT') => one({ country, number: phone(country, 5) })
    for (const country of ['US', 'DE', 'US'] as const) expect(await odd(to(country))).toEqual([])
    await door.advance(3600)
    const refused = await door.send(to('AT'))
    expect(door.events.filter(({ type }) => type === 'pumping.suspected')).toMatchObject([
      { by: 'countries', unverified: 3, verified: 0, enforced: true },
    ])
    // What is left of the day.
    const wait = 'wait' in refused ? (refused.wait ?? 0) : 0
    expect(wait).toBeGreaterThan(82_000)
    expect(wait).toBeLessThanOrEqual(82_801)
    await door.advance(wait + 1)
    expect(await odd(to('AT'))).toEqual([])
  })

  test('takes the countries that people sign in from for none of them', async () => {
    const { door, odd } = await setup({ countriesPerAddress: 1 })
    for (const country of ['US', 'DE', 'AT'] as const) {
      const who = one({ country, number: phone(country, 5) })
      expect(await odd(who)).toEqual([])
      expect(await odd(who)).toEqual([])
      await door.signIn(who, 2)
    }
  })

  test.each([
    ['country', 12 * 3600],
    ['address', 12 * 3600],
    ['range', 3600],
  ] as const)('forgets half of what it knows by %s in %i seconds', async (by, seconds) => {
    const { door, odd } = await setup({ [by]: { free: 2, share: 0 } })
    for (let sends = 0; sends < 4; sends++) await odd(one())
    await door.advance(seconds)
    expect(await odd(one())).toMatchObject([{ by, unverified: expect.closeTo(3, 1) }])
    await door.advance(2 * seconds)
    expect(await odd(one())).toEqual([])
  })

  // proves: LOCK-6
  test.each(['address', 'range'] as const)(
    'says when a message by %s no longer looks odd, and then it does not',
    async (by) => {
      const { door } = await setup({ mode: 'enforce', [by]: { free: 4, share: 0 } })
      for (let sends = 0; sends < 4; sends++) expect((await door.send(one())).status).toBe('sent')
      const refused = await door.send(one())
      expect(refused.status).toBe('rate_limited')
      const wait = 'wait' in refused ? (refused.wait ?? 0) : 0
      expect(wait).toBeGreaterThan(600)
      await door.advance(wait - 30)
      expect((await door.send(one())).status).toBe('rate_limited')
      await door.advance(31)
      expect((await door.send(one())).status).toBe('sent')
    },
  )

  test('goes by what says most while a secret rotates out, in whichever process', async () => {
    const { door, odd } = await setup({ range: { free: 2, share: 0 } })
    const rotated = door.another({ secret: [newer, secret] })
    // Of the older name there are many messages, and as many sign-ins.
    for (let signIns = 0; signIns < 5; signIns++) {
      await odd(one())
      await door.signIn(one())
    }
    for (let free = 0; free < 2; free++) expect(await odd(one(), rotated)).toEqual([])
    expect(await odd(one(), rotated)).toMatchObject([{ unverified: expect.closeTo(3, 1) }])
    // A process that has only the older secret goes on under its name.
    for (let sends = 0; sends < 6; sends++) await odd(one())
    expect(await odd(one(), rotated)).toMatchObject([{ unverified: expect.closeTo(7, 1) }])
  })

  test('forgets no country of an address while a secret rotates out', async () => {
    const { door, odd } = await setup({ countriesPerAddress: 2 })
    const rotated = door.another({ secret: [newer, secret] })
    const to = (country: 'US' | 'DE' | 'AT' | 'CH') => one({ country, number: phone(country, 5) })
    expect(await odd(to('US'), rotated)).toEqual([])
    expect(await odd(to('DE'))).toEqual([])
    expect(await odd(to('AT'), rotated)).toMatchObject([{ by: 'countries', unverified: 3 }])
  })
})
