import { describe, expect, test } from 'vitest'
import type { OtpOptions } from '../../src/options/options.js'
import { doorKinds, setupDoor, type Who } from '../support/door.js'
import { addressOf, phone } from '../support/phones.js'

/*
 * Each limit on messages, as a property: the last that is let out, the first that is refused, when it says that it
 * ends and when it does, whom it is about and whom it is not, and how many get through at once.
 */

interface Case {
  options?: Partial<OtpOptions>
  points: number
  /** Seconds. */
  duration: number
  /** The use with this index. All of them count for one. */
  use: (index: number) => Who
  /** Somebody who is not counted with them. */
  other: Who
  /** Seconds between two uses, so that limits of shorter windows don't come first. */
  pace?: number
  refusedAs?: 'rate_limited' | 'budget'
}

const german = (index: number) => phone('DE', 2000 * index)
const american = (index: number) => phone('US', 3000 * index)
const one = american(0)
const other: Who = { number: american(99), address: '198.51.100.99' }
/** An address in each of 256 /64 networks of one /56, and in each of 65,536 of one /48. */
const of56 = (index: number) => `2001:db8:5:${(0x4200 + (index % 256)).toString(16)}::1`
const of48 = (index: number) => `2001:db8:7:${((index * 97) % 65_536).toString(16)}::1`
const of40 = (index: number) => `2001:db8:${(0x1100 + (index % 256)).toString(16)}:9::1`
const noReserve = { reserve: 0 }
const open = { perHour: 100_000, perDay: 100_000, reserve: 0 }

const cases: Record<string, Case> = {
  'five messages to a number in ten minutes': {
    points: 5,
    duration: 600,
    use: (index) => ({ number: one, address: addressOf(index) }),
    other: { ...other, address: addressOf(0) },
  },
  'ten messages to a number in a day': {
    points: 10,
    duration: 86_400,
    use: (index) => ({ number: one, address: addressOf(index) }),
    other: { ...other, address: addressOf(0) },
    pace: 601,
  },
  'one call to a number in ten minutes': {
    options: { voice: true },
    points: 1,
    duration: 600,
    use: (index) => ({ number: one, address: addressOf(index), via: 'voice' }),
    other: { number: one, address: addressOf(0) },
  },
  'two calls to a number in a day': {
    options: { voice: true },
    points: 2,
    duration: 86_400,
    use: (index) => ({ number: one, address: addressOf(index), via: 'voice' }),
    other: { number: one, address: addressOf(0) },
    pace: 601,
  },
  'four messages from an address to a number in ten minutes': {
    points: 4,
    duration: 600,
    use: () => ({ number: one, address: '192.0.2.1' }),
    other: { number: one, address: '192.0.2.2' },
  },
  'six messages from an address to a number in a day': {
    points: 6,
    duration: 86_400,
    use: () => ({ number: one, address: '192.0.2.1' }),
    other: { number: one, address: '192.0.2.2' },
    pace: 601,
  },
  'four messages from a /48 to a number in ten minutes': {
    points: 4,
    duration: 600,
    use: (index) => ({ number: one, address: of48(index) }),
    other: { number: one, address: of40(0) },
  },
  'ten messages from an address in an hour': {
    points: 10,
    duration: 3600,
    use: (index) => ({ number: american(index), address: '192.0.2.1' }),
    other: { number: american(0), address: '192.0.2.2' },
  },
  'ten messages from a /64 in an hour': {
    points: 10,
    duration: 3600,
    use: (index) => ({ number: american(index), address: `2001:db8:1:2:${index}::5` }),
    other: { number: american(0), address: '2001:db8:1:3::5' },
  },
  'fifty messages from a /56 in an hour': {
    points: 50,
    duration: 3600,
    use: (index) => ({ number: american(index), address: of56(index) }),
    other: { number: american(99), address: '2001:db8:6:4200::1' },
  },
  'fifty messages from a /48 in an hour': {
    points: 50,
    duration: 3600,
    use: (index) => ({ number: american(index), address: of48(index) }),
    other: { number: american(99), address: '2001:db8:8::1' },
  },
  'a sixth of a larger budget from a /48': {
    options: { budget: { perHour: 420, perDay: 2000 } },
    points: 70,
    duration: 3600,
    use: (index) => ({ number: american(index), address: of48(index) }),
    other: { number: american(99), address: '2001:db8:8::1' },
  },
  'as many in an hour as the budget has': {
    options: { budget: { perHour: 30, perDay: 100, ...noReserve } },
    points: 30,
    duration: 3600,
    use: (index) => ({ number: american(index), address: of40(index) }),
    other: { number: american(0), address: 'another store', country: 'nobody' },
    refusedAs: 'budget',
  },
  'as many in a day as the budget has': {
    options: { budget: { perHour: 100, perDay: 20, ...noReserve } },
    points: 20,
    duration: 86_400,
    use: (index) => ({ number: american(index), address: of40(index) }),
    other: { number: american(0), address: 'another store', country: 'nobody' },
    refusedAs: 'budget',
  },
  'as many to a country as its budget has': {
    options: { budget: { ...open, perCountryPerDay: 12 } },
    points: 12,
    duration: 86_400,
    use: (index) => ({ number: german(index), country: 'DE', address: of40(index) }),
    other,
    refusedAs: 'budget',
  },
  'as many as the money pays for': {
    options: { budget: { ...open, money: { perDay: 1, prices: { DE: 0.07, default: 0.01 } } } },
    points: 14,
    duration: 86_400,
    use: (index) => ({ number: german(index), country: 'DE', address: of40(index) }),
    // What is left pays for a cheaper one.
    other,
    refusedAs: 'budget',
  },
  'ten to a thousand numbers next to each other': {
    options: { pumping: 'enforce', budget: open },
    points: 10,
    // Until one of eleven has faded, at half an hour's life of each.
    duration: 3600 * Math.log2(10 / 9),
    use: (index) => ({ number: phone('DE', index), country: 'DE', address: addressOf(index) }),
    other,
  },
}

const isAlone = ({ other }: Case) => other.country === 'nobody'

describe.each(doorKinds)('on %s', (kind) => {
  describe.each(Object.entries(cases))('%s', (_name, limit) => {
    const { points, duration, use, pace = 0, refusedAs = 'rate_limited', options = {} } = limit

    test('go out and no more, until the time is over that is told', async () => {
      const door = await setupDoor(kind, options)
      let passed = 0
      for (let index = 0; index < points; index++) {
        expect([index, (await door.send(use(index))).status]).toEqual([index, 'sent'])
        if (pace > 0) await door.advance(pace)
        passed += pace
      }
      const refused = await door.send(use(points))
      expect(refused.status).toBe(refusedAs)
      const wait = 'wait' in refused ? (refused.wait ?? 0) : 0
      // A window begins with the first use in it, and the machine is slow at times.
      expect(wait).toBeLessThanOrEqual(Math.ceil(duration) - passed + 1)
      expect(wait).toBeGreaterThan(duration - passed - 30)

      if (!isAlone(limit)) expect((await door.send(limit.other)).status).toBe('sent')
      await door.advance(wait - 20)
      expect((await door.send(use(points + 1))).status).toBe(refusedAs)
      await door.advance(21)
      expect((await door.send(use(points + 2))).status).toBe('sent')
    }, 30_000)

    // What takes time can't come at once.
    if (pace > 0) return
    test('are as many when all come at once, in two processes', async () => {
      const door = await setupDoor(kind, options)
      const other = door.another()
      const answers = await Promise.all(
        Array.from({ length: points + 20 }, async (_, index) =>
          (index % 2 === 0 ? door : other).send(use(index)),
        ),
      )
      expect(answers.filter(({ status }) => status === 'sent')).toHaveLength(points)
    })
  })

  // proves: LOCK-6
  test('the told time is that of the limit which lasts longest', async () => {
    const door = await setupDoor(kind)
    const use = (index: number): Who => ({ number: one, address: addressOf(index) })
    for (let index = 0; index < 5; index++) await door.send(use(index))
    await door.advance(300)
    expect(await door.send(use(6))).toMatchObject({ wait: expect.closeTo(300, -1.3) })
    await door.advance(301)
    for (let index = 10; index < 15; index++) await door.send(use(index))
    // The window of ten minutes would say 600.
    const refused = await door.send(use(20))
    const wait = 'wait' in refused ? (refused.wait ?? 0) : 0
    expect(wait).toBeGreaterThan(85_000)
    await door.advance(wait - 20)
    expect((await door.send(use(21))).status).toBe('rate_limited')
    await door.advance(21)
    expect((await door.send(use(22))).status).toBe('sent')
  })

  test('a window begins with its first use, whenever the others come', async () => {
    const door = await setupDoor(kind)
    const use = (index: number): Who => ({ number: american(index), address: '192.0.2.1' })
    for (let index = 0; index < 10; index++) {
      expect((await door.send(use(index))).status).toBe('sent')
      await door.advance(350)
    }
    expect((await door.send(use(10))).status).toBe('rate_limited')
    await door.advance(101)
    for (let index = 11; index < 21; index++) {
      expect((await door.send(use(index))).status).toBe('sent')
    }
    expect((await door.send(use(21))).status).toBe('rate_limited')
  })
})

describe.each(doorKinds)('a known browser on %s', (kind) => {
  const browserTag = 'a known browser, by its tag'
  const own = { number: one, address: '192.0.2.1', browserTag }
  const strangers = { sendsPerNumber: [{ points: 2, duration: 86_400 }] }

  // proves: LOCK-2
  test('has three messages of its own when those of its number are used up, two browsers six', async () => {
    const door = await setupDoor(kind, { limits: strangers })
    for (let index = 0; index < 2; index++) {
      expect((await door.send({ number: one, address: addressOf(index) })).status).toBe('sent')
    }
    const browsers = ['first browser', 'other browser', 'third browser']
    const sent = []
    for (const each of browsers) {
      for (let index = 0; index < 4; index++) {
        const answer = await door.send({
          number: one,
          address: addressOf(50 + index),
          browserTag: each,
        })
        sent.push(answer.status)
      }
    }
    const three = ['sent', 'sent', 'sent', 'rate_limited']
    expect(sent).toEqual([...three, ...three, ...Array<string>(4).fill('rate_limited')])
  })

  const fill: Record<
    string,
    { options?: Partial<OtpOptions>; use: (index: number) => Who; times: number }
  > = {
    'those of its address': {
      use: (index) => ({ number: american(index + 1), address: '192.0.2.1' }),
      times: 11,
    },
    'those from its address to its number': {
      use: () => ({ number: one, address: '192.0.2.1' }),
      times: 5,
    },
    'what its address may ask for in vain': {
      options: { limits: { ...strangers, sendsPerAddress: { points: 1000, duration: 3600 } } },
      use: () => ({ number: american(1), address: '192.0.2.1' }),
      times: 70,
    },
    'those of an hour': {
      options: { budget: { perHour: 20, perDay: 100 } },
      use: (index) => ({ number: american(index + 1), address: of40(index) }),
      times: 20,
    },
    'those of a day': {
      options: { budget: { perHour: 100, perDay: 20 } },
      use: (index) => ({ number: american(index + 1), address: of40(index) }),
      times: 20,
    },
    'those of its country': {
      options: { budget: { perHour: 100, perDay: 100, perCountryPerDay: 20 } },
      use: (index) => ({ number: american(index + 1), address: of40(index) }),
      times: 20,
    },
    'the money': {
      options: { budget: { money: { perDay: 1, prices: { default: 0.1 } } } },
      use: (index) => ({ number: american(index + 1), address: of40(index) }),
      times: 10,
    },
    'those of its range': {
      options: { pumping: 'enforce' },
      use: (index) => ({ number: phone('US', index + 1), address: of40(index) }),
      times: 11,
    },
  }
  // proves: LOCK-2
  test.each(Object.entries(fill))(
    'gets a message though strangers have used up %s',
    async (_, given) => {
      const door = await setupDoor(kind, given.options)
      const answers = []
      for (let index = 0; index < given.times; index++)
        answers.push(await door.send(given.use(index)))
      expect(answers.at(-1)?.status).not.toBe('sent')
      const stranger = {
        ...given.use(given.times),
        ...(given.use(0).number === one ? {} : { number: one }),
      }
      expect((await door.send(stranger)).status).not.toBe('sent')
      expect((await door.send(own)).status).toBe('sent')
    },
  )

  test('has as many at its address as a stranger, counted by itself', async () => {
    const limits = {
      sendsPerNumber: [{ points: 1000, duration: 600 }],
      messagesPerAddressAndNumber: [{ points: 1000, duration: 600 }],
    }
    const door = await setupDoor(kind, { limits })
    const statuses = []
    for (let index = 0; index < 11; index++) statuses.push((await door.send(own)).status)
    expect(statuses).toEqual([...Array<string>(10).fill('sent'), 'rate_limited'])
    expect((await door.send({ ...own, browserTag: 'another browser' })).status).toBe('sent')
    expect((await door.send({ number: american(1), address: own.address })).status).toBe('sent')
  })
})

describe.each(doorKinds)('the reserve on %s', (kind) => {
  // proves: LOCK-2
  test.each([
    ['hour', { perHour: 20, perDay: 100 }, 18, 2],
    ['day', { perHour: 100, perDay: 20 }, 18, 2],
    ['country', { perHour: 100, perDay: 100, perCountryPerDay: 20 }, 18, 2],
    ['money', { money: { perDay: 2, prices: { default: 0.1 } } }, 18, 2],
    ['half of an hour', { perHour: 20, perDay: 100, reserve: 0.5 }, 10, 10],
    ['a small hour, of which one message is left to the others', { perHour: 1, perDay: 5 }, 1, 0],
  ])('of the %s is there for known browsers alone, and no more', async (_, budget, free, kept) => {
    const door = await setupDoor(kind, { budget })
    const send = async (times: number, browserTag?: string) => {
      let sent = 0
      for (let index = 0; index < times; index++) {
        const who = {
          number: american(index),
          address: of40(index),
          ...(browserTag && { browserTag }),
        }
        if ((await door.send(who)).status === 'sent') sent++
      }
      return sent
    }
    expect(await send(25)).toBe(free)
    expect(await send(25, 'known')).toBe(kept)
    expect(await send(1)).toBe(0)
  })
})

describe.each(doorKinds)('what costs no money on %s', (kind) => {
  const budget = { perHour: 5, perDay: 5, perCountryPerDay: 5, reserve: 0 }
  const honest = { number: american(500), address: '198.51.100.1' }

  // proves: LOCK-8
  test('leaves the budgets as they were: two thousand messages that tyntec refused', async () => {
    const door = await setupDoor(kind, { budget })
    for (let index = 0; index < 2000; index++) {
      const each = { number: american(index % 200), address: addressOf(index) }
      await door.fail(await door.send(each))
    }
    expect((await door.send(honest)).status).toBe('sent')
  }, 60_000)

  // proves: LOCK-8
  test('leaves the budgets as they were: two thousand decoys', async () => {
    const door = await setupDoor(kind, { budget })
    for (let index = 0; index < 2000; index++) {
      const decoy = {
        number: phone('US', index * 300),
        address: `10.1.${index >> 8}.${index & 255}`,
      }
      expect((await door.send({ ...decoy, decoy: true })).status).toBe('sent')
    }
    expect((await door.send(honest)).status).toBe('sent')
  }, 60_000)

  // proves: LOCK-8
  test('counts for its address and its range all the same', async () => {
    const door = await setupDoor(kind, { pumping: 'enforce' })
    const statuses = []
    for (let index = 0; index < 11; index++) {
      const answer = await door.send({ number: american(index), address: '192.0.2.1' })
      statuses.push(answer.status)
      if (answer.status === 'sent') await door.fail(answer)
    }
    for (let index = 0; index < 11; index++) {
      const decoy = { number: phone('DE', index), country: 'DE', address: addressOf(index) }
      statuses.push((await door.send({ ...decoy, decoy: true })).status)
    }
    const ten = [...Array<string>(10).fill('sent'), 'rate_limited']
    expect(statuses).toEqual([...ten, ...ten])
  })

  test('is refused, decoys too, when a budget is used up', async () => {
    const door = await setupDoor(kind, { budget })
    for (let index = 0; index < 5; index++) {
      expect((await door.send({ number: american(index), address: of40(index) })).status).toBe(
        'sent',
      )
    }
    expect((await door.send({ ...honest, decoy: true })).status).toBe('budget')
  })
})

describe.each(doorKinds)('unlock on %s', (kind) => {
  // proves: LOCK-6
  test.each([
    ['those of ten minutes', 5, (index: number) => ({ number: one, address: addressOf(index) })],
    ['those of one address', 4, () => ({ number: one, address: '192.0.2.1' })],
    ['calls', 1, (index: number) => ({ number: one, address: addressOf(index), via: 'voice' })],
  ] as const)('ends the limits on messages: %s', async (_, points, use) => {
    const door = await setupDoor(kind, { voice: true })
    for (let index = 0; index < points; index++) {
      expect((await door.send(use(index))).status).toBe('sent')
    }
    expect((await door.send(use(points))).status).toBe('rate_limited')
    await door.unlock(one)
    expect((await door.send(use(points))).status).toBe('sent')
  })
})
