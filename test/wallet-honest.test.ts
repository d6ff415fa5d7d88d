import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OtpOptions } from '../src/options/options.js'
import { setupDoor } from './support/door.js'
import { flowKinds, setupFlow, statusOf, type TestFlow } from './support/flow.js'
import { addressOf, phone, type PhoneCountry, phoneCountries, seeded } from './support/phones.js'

/** People do not fit into the default budget of 2,000 messages a day. */
const budget = { perHour: 5000, perDay: 50_000 }

/** What a person does: a message, perhaps another one, and a sign-in or not. */
interface Login {
  number: string
  country: PhoneCountry
  address: string
  /** Seconds of the day. */
  at: number
  /** Seconds after the first message. */
  resendAt: number | undefined
  signInAt: number | undefined
  known: boolean
}

/** Logins in an hour of 1,000 a day: nobody at night, most in the morning and in the evening. */
const busy = [
  4, 2, 1, 1, 2, 8, 25, 60, 95, 80, 60, 50, 55, 55, 50, 50, 55, 65, 75, 75, 60, 40, 22, 10,
]

/** How many of a thousand people are where. */
const spread: Record<PhoneCountry, number> = { US: 480, DE: 300, GB: 120, IT: 60, AT: 30, CH: 10 }

/** A day of people, of whom four in five sign in, behind addresses that up to eight of them share. */
function dayOf(logins: number, seed: number): Login[] {
  const random = seeded(seed)
  const pick = <T>(weights: readonly [T, number][]): T => {
    let left = random() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    const found = weights.find(([, weight]) => (left -= weight) < 0) ?? weights[0]
    if (!found) throw new Error('nothing to choose from')
    return found[0]
  }
  const countries = phoneCountries.map(
    (country) => [country, spread[country]] as [typeof country, number],
  )
  const hours = busy.map((weight, hour) => [hour, weight] as [number, number])

  const day: Login[] = []
  for (let household = 0; day.length < logins; household++) {
    const home = pick(countries)
    const people = 1 + Math.floor(random() ** 2 * 8)
    for (let person = 0; person < people; person++) {
      // Some have brought their number from another country.
      const country = random() < 0.05 ? pick(countries) : home
      const number = phone(country, Math.floor(random() * 700_000))
      // Every second one comes back, in the same browser most times.
      const times = random() < 0.5 ? 2 : 1
      let signedIn = false
      for (let time = 0; time < times; time++) {
        const signsIn = random() < 0.8
        const slow = random() < 0.1
        const resends = random() < (signsIn ? 0.07 : 0.22)
        day.push({
          number,
          country,
          address: addressOf(household),
          at: (pick(hours) + random()) * 3600,
          resendAt: resends ? 32 + random() * 60 : undefined,
          signInAt: signsIn ? (resends ? 100 : 8) + random() * (slow ? 180 : 40) : undefined,
          known: signedIn && random() < 0.6,
        })
        signedIn ||= signsIn
      }
    }
  }
  return day.slice(0, logins)
}

/** The steps of all, in the order of time. */
function stepsOf(day: readonly Login[]) {
  return day
    .flatMap((login) => {
      const { at, resendAt, signInAt } = login
      return [
        { login, at, step: 'send' as const },
        ...(resendAt === undefined ? [] : [{ login, at: at + resendAt, step: 'send' as const }]),
        ...(signInAt === undefined ? [] : [{ login, at: at + signInAt, step: 'sign in' as const }]),
      ]
    })
    .sort((one, other) => one.at - other.at)
}

/** The door with a clock that is set. Ten thousand sign-ins at tyntec's sandbox would take minutes. */
async function setupHonest(given: Partial<OtpOptions> = {}) {
  const door = await setupDoor(
    'memory',
    { countries: phoneCountries, budget, pumping: 'enforce', ...given },
    () => Date.now(),
  )
  return {
    events: door.events,
    /** Whether a message goes out, or what stops it. */
    async send({ known = false, ...who }: Person): Promise<string> {
      return (await door.send({ ...who, ...(known && { browserTag: 'a browser' }) })).status
    },
    signIn: (who: Person, messages = 1) => door.signIn(who, messages),
  }
}

type Person = Pick<Login, 'number' | 'country' | 'address'> & { known?: boolean }

const midnight = Date.UTC(2030, 0, 1)
type Door = Awaited<ReturnType<typeof setupHonest>>

/** Lets a day pass, and says who was refused when. */
async function live(door: Door, day: readonly Login[], others: readonly Other[] = []) {
  const refused: number[] = []
  const counts = { signIns: 0, messages: 0 }
  const sent = new Map<Login, number>()
  const steps = [...stepsOf(day), ...others].sort((one, other) => one.at - other.at)
  for (const step of steps) {
    vi.setSystemTime(midnight + step.at * 1000)
    if ('run' in step) {
      await step.run()
      continue
    }
    const { login } = step
    const before = sent.get(login) ?? 0
    if (step.step === 'send') {
      if ((await door.send(login)) === 'sent') {
        sent.set(login, before + 1)
        counts.messages += 1
      } else refused.push(step.at)
    } else if (before > 0) {
      await door.signIn(login, before)
      counts.signIns += 1
    }
  }
  return { refused, ...counts }
}

interface Other {
  at: number
  run(): Promise<void>
}

const stranger = (index: number, random: () => number) => ({
  number: phone('US', Math.floor(random() * 700_000)),
  country: 'US' as const,
  address: addressOf(100_000 + index),
})

describe('honest people', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(midnight)
  })
  afterEach(() => vi.useRealTimers())

  // proves: SEND-7
  test('are all let in: 10,000 sign-ins of a day, of which four in five succeed', async () => {
    const door = await setupHonest()
    const day = dayOf(10_000, 1)
    const { refused, signIns, messages } = await live(door, day)
    expect(refused).toEqual([])
    expect({ signIns, messages }).toEqual({ signIns: 7960, messages: 11_002 })
    expect(door.events).toEqual([])
    expect(day.filter(({ known }) => known).length).toBeGreaterThan(1000)
    const shared = new Map<string, Set<string>>()
    for (const { address, number } of day) {
      shared.set(address, (shared.get(address) ?? new Set()).add(number))
    }
    expect(Math.max(...[...shared.values()].map(({ size }) => size))).toBe(8)
  }, 60_000)

  test('are all let in when only three in four succeed, and nobody is known', async () => {
    const random = seeded(2)
    const day = dayOf(3000, 1).map((login) => {
      const succeeds = random() < 0.75
      const signInAt = (login.resendAt ?? 0) + 20 + random() * 40
      return { ...login, known: false, signInAt: succeeds ? signInAt : undefined }
    })
    expect((await live(await setupHonest(), day)).refused).toEqual([])
  }, 60_000)

  test.each([
    { day: 1000, pumped: 25, lost: 35 },
    { day: 10_000, pumped: 219, lost: 283 },
  ])('share a run of 1,800 messages in an hour: $day a day', { timeout: 60_000 }, async (given) => {
    const door = await setupHonest()
    const random = seeded(9)
    let pumped = 0
    const run = Array.from({ length: 1800 }, (_, index) => ({
      at: 12 * 3600 + index * 2,
      async run() {
        if ((await door.send(stranger(index, random))) === 'sent') pumped += 1
      },
    }))
    const { refused } = await live(door, dayOf(given.day, 5), run)
    // A run takes what people have earned, and what is over then is over for new browsers as well.
    expect({ day: given.day, pumped, lost: refused.length }).toEqual(given)
    expect(Math.min(...refused)).toBeGreaterThan(12 * 3600)
  })

  test('are let in twenty at once when the first has still to type a code', async () => {
    const door = await setupHonest()
    const random = seeded(6)
    const all = Array.from({ length: 200 }, (_, index) => stranger(index, random))
    const atOnce = async (people: typeof all) => {
      const outcomes = await Promise.all(people.map((each) => door.send(each)))
      return people.filter((_, index) => outcomes[index] === 'sent')
    }
    const first = await atOnce(all.slice(0, 30))
    expect(first).toHaveLength(20)
    // Each sign-in makes room for itself, and for two in five more.
    for (const each of first) await door.signIn(each)
    const second = await atOnce(all.slice(30, 100))
    expect(second).toHaveLength(28)
    for (const each of second) await door.signIn(each)
    expect(await atOnce(all.slice(100))).toHaveLength(39)
  })
})

describe.each(flowKinds)('500 people on %s', (kind) => {
  test('get their messages, and four in five sign in', { timeout: 60_000 }, async () => {
    const setup = await setupFlow(kind, { countries: phoneCountries, pumping: 'enforce', budget })
    const outcomes: Record<string, number> = {}
    const count = (outcome: string) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1)
    const day = dayOf(500, 3)
    const random = seeded(4)
    const person = async ({ number, address, signInAt }: Login) => {
      const sent = await setup.flow.send({ number, address })
      count(sent.status)
      if (sent.status !== 'sent' || signInAt === undefined) return
      const { handle } = sent
      if (random() < 0.1) count(await statusOf(setup.flow.check({ handle, code: '1', address })))
      const code = codeOf(setup, number)
      if (random() < 0.1) {
        const typo = code === '111111' ? '222222' : '111111'
        count(await statusOf(setup.flow.check({ handle, code: typo, address })))
      }
      count(await statusOf(setup.flow.check({ handle, code, address })))
    }
    // Ten at a time, who are behind different addresses most times.
    const queue = [...new Map(day.map((login) => [login.number, login])).values()]
    const people = queue.length
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) await person(next)
      }),
    )
    const { sent, verified = 0, malformed_code: _, invalid_code: __, ...rest } = outcomes
    expect(rest).toEqual({})
    expect(sent).toBe(people)
    expect(verified / people).toBeCloseTo(0.8, 1)
  })
})

function codeOf({ sandbox }: TestFlow, number: string): string {
  return sandbox.messages().findLast(({ to }) => to === number)?.code ?? ''
}
