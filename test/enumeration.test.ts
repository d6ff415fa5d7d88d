import type { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../src/store/memory.js'
import { toOpaque } from '../src/store/store.js'
import { redisStore } from '../src/store/redis.js'
import type { AppOptions } from './support/app.js'
import {
  alsoKnown,
  createPerson,
  expectSameAnswers,
  known,
  type LoginOnlyApp,
  outlineOf,
  type Person,
  setupLoginOnly,
  unknown,
} from './support/person.js'
import { createRedis, startRedis } from './support/redis.js'
import { dumpRedis, type Entry } from './support/stores.js'

/** What somebody does, and what has to come of it. */
interface Scenario {
  does: (person: Person) => Promise<unknown>
  outline: string[]
  flow?: AppOptions['flow']
}

const wrong = '401 invalid_code'
const tooMany = '410 too_many_attempts'
const expired = '410 code_expired'
const nothing = '409 no_pending_code'
const tooSoon = '429 resend_too_soon'
const limited = '429 rate_limited'
const down = '503 service_unavailable'

async function sendAndFail(person: Person, times: number) {
  await person.send()
  for (let time = 0; time < times; time += 1) await person.check(`00000${time}`)
}

const scenarios: Record<string, Scenario> = {
  'sends, asks for the status and sends again': {
    async does(person) {
      await person.send()
      await person.status()
      await person.send()
      await person.status()
    },
    outline: ['202', '200', '202', '200'],
  },
  'sends from two browsers': {
    async does(person) {
      await person.send()
      person.browser()
      await person.send()
      await person.status()
      await person.advance(31)
      await person.send()
    },
    outline: ['202', tooSoon, '200', '202'],
  },
  'resends too soon, and then until there are no more': {
    async does(person) {
      await person.send()
      await person.resend()
      for (const wait of [31, 61, 121]) {
        await person.advance(wait)
        await person.resend()
        await person.resend()
      }
      await person.status()
    },
    outline: ['202', tooSoon, '202', tooSoon, '202', tooSoon, '202', limited, '200'],
  },
  'gets a new code when the first has little time left': {
    async does(person) {
      await person.send()
      await person.check()
      await person.advance(250)
      await person.resend()
      await person.status()
      await person.check()
    },
    outline: ['202', wrong, '202', '200', wrong],
  },
  'types wrong codes until there are too many, and starts again': {
    async does(person) {
      await sendAndFail(person, 4)
      await person.status()
      await person.resend()
      await person.send()
      await person.advance(31)
      await person.send()
      await person.check()
      await person.status()
    },
    outline: ['202', wrong, wrong, tooMany, tooMany, '200', tooSoon, tooSoon, '202', wrong, '200'],
  },
  'has a new code sent when there were too many wrong ones': {
    async does(person) {
      await sendAndFail(person, 3)
      await person.advance(31)
      await person.resend()
      await person.status()
      await person.check()
      await person.resend()
    },
    outline: ['202', wrong, wrong, tooMany, '202', '200', wrong, tooSoon],
  },
  'types what is no code': {
    async does(person) {
      await person.send()
      for (const code of ['', '12345', '1234567', 'abcdef', '①②③④⑤⑥', 424242, {}, null]) {
        await person.check(code)
      }
      await person.check(' 000-000 ')
    },
    outline: [
      '202',
      '400 code_required',
      ...Array<string>(4).fill('400 malformed_code'),
      '400 bad_request',
      '400 bad_request',
      '400 code_required',
      wrong,
    ],
  },
  'comes too late': {
    async does(person) {
      await person.send()
      await person.check()
      await person.advance(301)
      await person.check()
      await person.resend()
      await person.status()
      await person.advance(600)
      await person.check()
      await person.resend()
      await person.advance(901)
      await person.check()
      await person.resend()
    },
    outline: ['202', wrong, expired, '202', '200', expired, '202', nothing, nothing],
  },
  'cancels, and goes on': {
    async does(person) {
      await person.send()
      await person.cancel()
      await person.check()
      await person.status()
      await person.resend()
      await person.cancel()
      await person.send()
    },
    outline: ['202', '204', nothing, '200', nothing, '204', tooSoon],
  },
  'logs out': {
    async does(person) {
      await sendAndFail(person, 1)
      await person.logout()
      await person.check()
      await person.status()
    },
    outline: ['202', wrong, '204', nothing, '200'],
  },
  'uses forms': {
    async does(person) {
      person.forms = true
      await person.send()
      await person.status()
      await person.check()
      await person.status()
      await person.check('1')
      await person.resend()
      await person.status()
      await person.check()
      await person.check()
      await person.status()
      await person.cancel()
      await person.status()
    },
    outline: [
      '303',
      '200',
      '303',
      '200 invalid_code',
      '303',
      '303',
      '200 resend_too_soon',
      '303',
      '303',
      '200 too_many_attempts',
      '303',
      '200',
    ],
  },
  'changes the number': {
    async does(person) {
      await person.send()
      await person.send({ number: person.numbers[1] ?? '' })
      await person.status()
      await person.check()
      await person.send()
    },
    outline: ['202', '202', '200', wrong, tooSoon],
  },
  'asks for a call': {
    async does(person) {
      await person.send({ via: 'voice' })
      await person.advance(31)
      await person.resend({ via: 'voice' })
      await person.advance(61)
      await person.resend({ via: 'sms' })
      await person.resend({ via: 'pigeon' })
      await person.status()
    },
    outline: ['202', limited, '202', '400 channel_not_allowed', '200'],
    flow: { voice: true },
  },
  'is asked to show that it is no program': {
    async does(person) {
      await person.send()
      await person.send({ challenge: 'no' })
      await person.send({ challenge: 'yes' })
      await person.advance(31)
      await person.resend()
      await person.resend({ challenge: 'yes' })
      await person.check()
    },
    outline: [
      '403 challenge_required',
      '403 challenge_required',
      '202',
      '403 challenge_required',
      '202',
      wrong,
    ],
    flow: { challenge: ({ token }) => token === 'yes' },
  },
  'is told of its tries': {
    does: (person) => sendAndFail(person, 3),
    outline: ['202', wrong, wrong, tooMany],
    flow: { revealAttempts: true },
  },
}

/** Apps that differ in what an answer could depend on. */
const apps: Record<string, AppOptions & { stored: 'memory' | 'redis' }> = {
  'Express and memory': { framework: 'express 5', stored: 'memory' },
  'Koa and Redis': { framework: 'koa 3', stored: 'redis' },
  'Express, Redis and sessions': {
    framework: 'express 4',
    stored: 'redis',
    flow: { binding: 'session' },
  },
  'Koa, memory and tokens': { framework: 'koa 2', stored: 'memory', flow: { binding: 'token' } },
}

async function open(
  { stored, ...options }: AppOptions & { stored: 'memory' | 'redis' },
  flow: AppOptions['flow'] = {},
): Promise<LoginOnlyApp> {
  const token = options.flow?.binding === 'token'
  const router = { successRedirect: '/', failureRedirect: '/login', pendingRedirect: '/code' }
  return setupLoginOnly(
    { ...options, ...(!token && { router }), flow: { ...options.flow, ...flow } },
    stored === 'redis' ? await createRedis() : undefined,
  )
}

describe.each(Object.entries(apps))('ENUM-1: %s give the same answers', (_, options) => {
  const { binding } = options.flow ?? {}
  // A redirect has no room for a token.
  const possible = Object.entries(scenarios).filter(
    ([name]) => binding !== 'token' || name !== 'uses forms',
  )

  // proves: ATT-11, ENUM-1
  test.each(possible)('to somebody who %s', async (_name, { does, outline, flow }) => {
    const app = await open(options, flow)
    const people = [known, unknown, alsoKnown].map((numbers, index) =>
      Object.assign(createPerson(app, numbers), { address: `203.0.113.${index}` }),
    )
    for (const person of people) await does(person)
    const [first, second, third] = people as [Person, Person, Person]
    expect(outlineOf(first)).toEqual(outline)
    expectSameAnswers(first, second)
    expectSameAnswers(third, second)

    expect(app.verified).toEqual([])
    const asked = JSON.stringify(await app.journal())
    expect(asked).toContain('1201456')
    expect(asked).not.toContain('1202456')
    expect(app.sandbox.messages().filter(({ to }) => unknown.includes(to))).toEqual([])
  })
})

describe('ENUM-1: Redis gets the same commands and holds the same', () => {
  // proves: ENUM-1
  test.each(Object.entries(scenarios))('of somebody who %s', async (_name, { does, flow }) => {
    const server = await startRedis()
    const probe = await createRedis({ url: server.url })
    const visit = async (numbers: readonly string[]) => {
      const connected = await createRedis({ url: server.url })
      const options: AppOptions = { framework: 'express 5', flow: flow ?? {} }
      const app = await setupLoginOnly(options, connected)
      const steps: { commands: Record<string, number>; holds: string[] }[] = []
      // A decoy leaves the budgets alone, and an app has some messages to count beside it.
      const other = Object.assign(createPerson(app, alsoKnown.slice(12)), {
        address: '198.51.100.1',
      })
      await other.send({ challenge: 'yes' })
      const person = createPerson(app, numbers, async () => {
        const commands = await commandsOf(probe.redis)
        const holds = (await dumpRedis(probe.redis, connected.prefix)).map(shapeOf)
        steps.push({ commands, holds: holds.toSorted() })
        await probe.redis.config('RESETSTAT')
      })
      await probe.redis.config('RESETSTAT')
      await does(person)
      return { person, steps }
    }
    // Of the first one the server has to learn its scripts.
    await visit(alsoKnown)
    // Nobody has shown the second what tyntec is like.
    const one = await visit(known)
    const other = await visit(unknown)
    expectSameAnswers(one.person, other.person)
    expect(other.steps).toEqual(one.steps)
  })
})

/** How often Redis ran each command since the count was reset, those within scripts too. */
async function commandsOf(redis: Redis): Promise<Record<string, number>> {
  const stats = await redis.info('commandstats')
  const counts = [...stats.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)]
    .map(([, name = '', calls]) => [name, Number(calls)] as const)
    .filter(([name]) => name !== 'info' && name !== 'config|resetstat')
  return Object.fromEntries(counts.toSorted())
}

/** A key and what it holds, without what is random, and without what runs. */
function shapeOf({ key, ttl, value }: Entry): string {
  const plain = (text: string) =>
    text
      .replace(/^\d{12,}(\.\d+)?$/, 'time')
      .replace(/[\w-]{16,}/g, ({ length }) => `<${length}>`)
      // What decays with time.
      .replace(/^(\d+)\.\d{6}$/, (decayed) => Number(decayed).toFixed(1))
  /** What counts and what runs is a number inside of a record, and who a member is a mark of 11 characters. */
  const shown = (of: unknown): string => {
    if (typeof of === 'number') return '#'
    if (typeof of !== 'object' || of === null) return plain(String(of))
    const inner = Object.entries(of).map(([name, each]) => {
      return `${plain(name).replace(/^(from:)?[\w-]{11}(?=:|$)/, '$1<11>')}:${shown(each)}`
    })
    return `{${inner.toSorted().join()}}`
  }
  const held: [string, unknown][] =
    typeof value === 'object' && value !== null ? Object.entries(value) : [['', value]]
  const fields = held.map(
    ([name, of]) => `${name}=${typeof of === 'number' ? plain(`${of}`) : shown(of)}`,
  )
  const name = plain(key)
  // Only messages that went out count for the app, so its records live on with them alone.
  const lives = name.startsWith('{all}:') ? '' : Math.round(ttl / 900_000)
  return `${name} ${lives} ${fields.toSorted().join(' ')}`
}

const limits: Record<string, Scenario & { stored?: 'redis' }> = {
  'messages to a number in ten minutes': {
    async does(person) {
      for (let sends = 0; sends < 6; sends += 1) {
        person.browser()
        await person.send()
        await person.advance(31)
      }
      await person.status()
      await person.resend()
    },
    outline: [...Array<string>(5).fill('202'), limited, '200', nothing],
  },
  'messages to a number in a day': {
    stored: 'redis',
    async does(person) {
      for (let sends = 0; sends < 11; sends += 1) {
        person.address = `203.0.113.${sends}`
        await person.send()
        await person.advance(601)
      }
    },
    outline: [...Array<string>(10).fill('202'), limited],
  },
  'messages to a number, resends among them': {
    async does(person) {
      await person.send()
      await person.advance(31)
      await person.resend()
      await person.advance(61)
      await person.resend()
      await person.check()
    },
    outline: ['202', '202', limited, wrong],
    flow: { limits: { sendsPerNumber: [{ points: 2, duration: 600 }] } },
  },
  'messages from an address': {
    async does(person) {
      for (const number of person.numbers.slice(0, 11)) {
        person.browser()
        await person.send({ number })
      }
    },
    outline: [...Array<string>(10).fill('202'), limited],
  },
  'messages in an hour, used up by others': {
    does: sendAfterOthers,
    outline: ['202', '202', down, down],
    flow: { budget: { perHour: 2 } },
  },
  'messages to a country, used up by others': {
    does: sendAfterOthers,
    outline: ['202', '202', down, down],
    flow: { budget: { perCountryPerDay: { US: 2, default: 9 } } },
  },
  'money, used up by others': {
    does: sendAfterOthers,
    outline: ['202', '202', down, down],
    flow: { budget: { money: { perDay: 0.2, prices: { default: 0.08 } } } },
  },
  'messages that nobody signs in with': {
    does: sendThree,
    outline: ['202', '202', limited],
    flow: { pumping: { mode: 'enforce', address: { free: 2, share: 0 } } },
  },
  'messages that are switched off': {
    does: sendThree,
    outline: [down, down, down],
    flow: { sendingEnabled: () => false },
  },
  'failed checks of a number, with waits that grow': {
    async does(person) {
      await sendAndFail(person, 3)
      await person.advance(31)
      await sendAndFail(person, 3)
      await person.advance(31)
      await person.check()
      await person.advance(31)
      await person.send()
      await person.check()
      await person.advance(31)
      await person.check()
    },
    outline: [
      '202',
      wrong,
      wrong,
      tooMany,
      '202',
      wrong,
      wrong,
      limited,
      tooMany,
      '202',
      limited,
      wrong,
    ],
  },
  'failed checks of a number that is disabled then': {
    async does(person) {
      await sendAndFail(person, 3)
      await person.advance(31)
      await sendAndFail(person, 2)
      await person.advance(3601)
      await sendAndFail(person, 1)
    },
    outline: ['202', wrong, wrong, tooMany, '202', wrong, limited, '202', limited],
    flow: { limits: { failuresPerNumber: { free: 20, disableAt: 4 } } },
  },
  'failed checks from an address': {
    does: (person) => sendAndFail(person, 3),
    outline: ['202', wrong, wrong, limited],
    flow: { limits: { failuresPerAddress: { points: 2, duration: 600 } } },
  },
  'numbers with failed checks from an address': {
    async does(person) {
      await sendAndFail(person, 1)
      person.browser()
      await person.send({ number: person.numbers[1] ?? '' })
      await person.check()
    },
    outline: ['202', wrong, '202', limited],
    flow: { limits: { failedNumbersPerAddress: { points: 1, duration: 600 } } },
  },
}

/** Decoys use up no budget, and are refused like messages when one is used up. */
async function sendAfterOthers(person: Person) {
  const others = alsoKnown.slice(0, 2)
  for (const number of [...others, ...person.numbers.slice(0, 2)]) {
    person.browser()
    await person.send({ number })
  }
}

async function sendThree(person: Person) {
  for (const number of person.numbers.slice(0, 3)) {
    person.browser()
    await person.send({ number })
  }
}

describe('ENUM-3: at the same step comes the limit of', () => {
  const stores = (['memory', 'redis'] as const).flatMap((stored) =>
    Object.entries(limits)
      .filter(([, limit]) => limit.stored === undefined || limit.stored === stored)
      .map(([name, limit]) => [name, stored, limit] as const),
  )
  // proves: ENUM-3
  test.each(stores)('%s, on %s', async (_name, stored, { does, outline, flow }) => {
    const people: Person[] = []
    for (const numbers of [known, unknown]) {
      const framework = stored === 'memory' ? 'koa 3' : 'express 5'
      const person = createPerson(await open({ framework, stored }, flow), numbers)
      await does(person)
      people.push(person)
    }
    const [one, other] = people as [Person, Person]
    expect(outlineOf(one)).toEqual(outline)
    expectSameAnswers(one, other)
  })
})

describe('ENUM-5: who a number belongs to is asked after the code is proven', () => {
  const none = ['a number without a user', false] as const
  const refusals: [string, () => unknown][] = [
    [none[0], () => false],
    ['one that is disabled', () => null],
    ['one that may not sign up', () => undefined],
  ]

  // proves: ENUM-5
  test.each([true, false])('where only known numbers get messages: %s', async (loginOnly) => {
    const asked: string[] = []
    const app = await setupLoginOnly({
      framework: 'express 5',
      verify: ({ number }) => {
        asked.push(number)
        return { number }
      },
      flow: loginOnly ? {} : { knows: undefined },
    })
    for (const numbers of [known, unknown]) {
      const person = createPerson(app, numbers)
      for (const step of ['send', 'check', 'status', 'cancel'] as const) await person[step]()
    }
    expect(asked).toEqual([])
    const person = createPerson(app, known.slice(2))
    await person.send()
    await person.check()
    expect(asked).toEqual([])
    expect((await person.check(await app.sandbox.waitForCode(known[2] ?? ''))).status).toBe(200)
    expect(asked).toEqual([known[2]])
  })

  // proves: ENUM-5
  test.each(['express 5', 'koa 3'] as const)('and refused in one way on %s', async (framework) => {
    const people: Person[] = []
    let verify: () => unknown = () => false
    const app = await setupLoginOnly({ framework, verify: () => verify() })
    for (const [index, [, refuse]] of refusals.entries()) {
      verify = refuse
      const person = createPerson(app, [`+1201456004${index}`])
      await person.send()
      await person.check(await app.sandbox.waitForCode(person.numbers[0] ?? ''))
      person.transcript.shift() // the mask of its number
      people.push(person)
    }
    for (const person of people) {
      expect(outlineOf(person)).toEqual(['403 sign_in_refused'])
      expectSameAnswers(people[0] as Person, person)
    }
    expect(app.errors).toEqual([])
  })
})

// proves: ENUM-6
test('ENUM-6: no code opens a decoy, and it ends as others do', async () => {
  const app = await setupLoginOnly({ framework: 'express 5' })
  const somebody = createPerson(app, known)
  await somebody.send()
  const right = await app.sandbox.waitForCode(known[0] ?? '')
  const person = createPerson(app, unknown)
  await person.send()
  // The code of another, the sandbox's usual one and one that was typed before.
  for (const code of [right, '424242', right, right]) await person.check(code)
  expect(outlineOf(person)).toEqual(['202', wrong, wrong, tooMany, tooMany])
  await person.advance(31)
  await person.send()
  await person.advance(299)
  await person.check(right)
  await person.advance(2)
  await person.check(right)
  expect(outlineOf(person).slice(5)).toEqual(['202', wrong, expired])
  expect(app.verified).toEqual([])
  expect(app.sessions.signedIn()).toEqual([])
})

describe('ENUM-7: what tyntec answers is not passed on', () => {
  const statuses = [400, 401, 403, 404, 410, 418, 429, 500, 502, 503]
  const ours = new Set([202, 400, 401, 409, 410, 503])

  // proves: ENUM-7
  test.each([true, false])('where only known numbers get messages: %s', async (loginOnly) => {
    const app = await setupLoginOnly({
      framework: 'express 5',
      flow: {
        ...(!loginOnly && { knows: undefined }),
        limits: {
          sendsPerAddress: { points: 1000, duration: 600 },
          failuresPerAddress: { points: 1000, duration: 600 },
          failedNumbersPerAddress: { points: 1000, duration: 600 },
        },
      },
    })
    const body = { message: 'tyntec-speaking', code: '1017', otpStatus: 'PENDING_REVIEW' }
    for (const [index, status] of statuses.entries()) {
      for (const operation of ['otp.send', 'otp.resend', 'otp.check'] as const) {
        const last = `${operation.length % 10}${100 + index}`
        const person = createPerson(app, [`+1201457${last}`])
        await app.fault({ operation, kind: 'status', status, body, headers: { 'X-Tyntec': 'yes' } })
        await person.send()
        await person.advance(31)
        await person.resend()
        await person.check()
        await app.clearFaults()
        for (const { asked, answer } of person.transcript) {
          const told = `${operation} ${status}, ${asked}: ${answer}`
          expect(ours).toContain(Number(answer.slice(0, 3)))
          expect(told).not.toMatch(/speaking|1017|REVIEW|x-tyntec/)
          if (loginOnly && status === 400) expect(answer).not.toMatch(/^400/)
        }
      }
    }
  })
})

// proves: ENUM-8
test.each(['express 5', 'koa 3'] as const)(
  'ENUM-8: four digits are all that is shown of a number, on %s',
  async (framework) => {
    for (const numbers of [known, unknown]) {
      const app = await setupLoginOnly({ framework, flow: { revealAttempts: true } })
      const person = createPerson(app, numbers)
      await sendAndFail(person, 1)
      await person.status()
      await person.advance(31)
      await person.resend()
      await person.check('12')
      await person.check()
      await person.check()
      await person.send({ number: '+1 201 456' })
      for (const { asked, answer } of person.transcript) {
        const shown = asked.startsWith('/login/check') ? '' : '"to":"•••0010"'
        const rest = answer.replace(shown, '')
        expect(rest).not.toContain(numbers[0]?.slice(-4))
        for (let from = 2; from < 8; from += 1) {
          expect(rest).not.toContain(numbers[0]?.slice(from, from + 5))
        }
      }
    }
  },
)

describe('a secret that rotates', () => {
  test.each(['memory', 'redis'] as const)('keeps a pending decoy one, on %s', async (stored) => {
    const [old, next] = ['an old secret of 32 bytes or more!', 'the next secret, of 32 bytes or so']
    const connected = stored === 'redis' ? await createRedis() : undefined
    const store = connected
      ? redisStore(connected.redis, { prefix: connected.prefix })
      : toOpaque(createMemoryStore(() => performance.now()))
    const people: Person[] = []
    for (const numbers of [known, unknown]) {
      const before = await setupLoginOnly({ framework: 'express 5', flow: { store, secret: old } })
      const person = createPerson(before, numbers)
      await person.send()
      await person.check()
      for (const secret of [[next, old], [next]]) {
        const after = await setupLoginOnly({
          framework: 'express 5',
          flow: { store, secret, baseUrl: before.sandbox.url },
        })
        person.moveTo(after)
        await person.status()
        await person.check()
        await person.resend()
        await person.cancel()
      }
      expect(before.sandbox.messages()).toHaveLength(numbers === known ? 1 : 0)
      people.push(person)
    }
    const [one, other] = people as [Person, Person]
    expect(outlineOf(one)).toEqual([
      '202',
      wrong,
      '200',
      wrong,
      tooSoon,
      '204',
      '200',
      nothing,
      nothing,
      '204',
    ])
    expectSameAnswers(one, other)
  })
})
