import { describe, expect, test } from 'vitest'
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

type Fault = Record<string, unknown>

const faults: [string, Fault][] = [
  ['500', { kind: 'status', status: 500 }],
  ['503 for 7 s', { kind: 'status', status: 503, headers: { 'Retry-After': '7' } }],
  ['401, the key is refused', { kind: 'status', status: 401 }],
  [
    '400, the balance is empty',
    { kind: 'status', status: 400, body: { code: '1234', message: 'Insufficient balance' } },
  ],
  ['429 for 7 s', { kind: 'status', status: 429, headers: { 'Retry-After': '7' } }],
  ['a reset', { kind: 'reset' }],
  ['half an answer', { kind: 'truncate' }],
  ['a page of HTML', { kind: 'html', status: 502 }],
  ['no JSON', { kind: 'malformed' }],
  ['a redirect', { kind: 'redirect', location: 'https://evil.example/' }],
]

/** One step of a journey: of everybody, or of time and tyntec. */
type Step = ((person: Person) => Promise<unknown>) | { pass: number } | 'begins' | 'ends'

const sends: Step = (person) => person.send()
const resends: Step = (person) => person.resend()
const looks: Step = (person) => person.status()
const cancels: Step = (person) => person.cancel()
const checks: Step = (person) => person.check()
const checksAnother: Step = (person) => person.check('111111')

/** What people do while a fault begins and ends. */
const journeys: Record<string, Step[]> = {
  'before the send': [
    'begins',
    sends,
    looks,
    checks,
    'ends',
    looks,
    checks,
    { pass: 31 },
    resends,
    checksAnother,
    cancels,
  ],
  'after the send': [
    sends,
    'begins',
    checks,
    { pass: 31 },
    resends,
    looks,
    'ends',
    checks,
    checksAnother,
    { pass: 61 },
    resends,
    looks,
  ],
  'before a cancel': [sends, 'begins', cancels, 'ends', checks],
}

const anyNumber = { limits: { sendsPerAddress: { points: 1000, duration: 3600 } } }

async function open(flow: AppOptions['flow'] = {}): Promise<LoginOnlyApp> {
  return setupLoginOnly({ framework: 'express 5', flow: { ...anyNumber, ...flow } })
}

/** Lets people go through it together, one after the other at each step, each at an address of theirs. */
async function visit(
  app: LoginOnlyApp,
  fault: Fault,
  journey: string,
  ...numbers: (readonly string[])[]
): Promise<Person[]> {
  const people = numbers.map((one, index) =>
    Object.assign(createPerson(app, one), { address: `203.0.113.${index}` }),
  )
  for (const step of journeys[journey] ?? []) {
    if (step === 'begins') await app.fault(fault)
    else if (step === 'ends') await app.clearFaults()
    else if (typeof step === 'object') await app.advance(step.pass)
    else for (const person of people) await step(person)
  }
  return people
}

const failing = faults.flatMap(([name, fault]) =>
  Object.keys(journeys).map((journey) => [name, journey, fault] as const),
)

describe('ENUM-4: when all that tyntec answers is', () => {
  // proves: ENUM-4
  test.each(failing)('%s, from %s on, nobody can tell', async (_name, journey, fault) => {
    const everything = { operation: '*', ...fault }
    const [first, second, third] = (await visit(
      await open(),
      everything,
      journey,
      known,
      unknown,
      alsoKnown,
    )) as [Person, Person, Person]
    expectSameAnswers(first, second)
    expectSameAnswers(third, second)
    // Also when nobody known came before.
    const [alone] = await visit(await open(), everything, journey, unknown)
    expectSameAnswers(first, alone as Person)
  })
})

describe.each(['before', 'after'])('ENUM-4: when what fails, %s it has been done, is', (when) => {
  const operations = ['otp.send', 'otp.check', 'otp.resend', 'otp.delete'] as const
  const journeysOf = {
    'otp.send': ['before the send'],
    'otp.check': ['before the send', 'after the send'],
    'otp.resend': ['after the send'],
    'otp.delete': ['before a cancel'],
  }
  const chosen = failing.filter(([name]) => /^500|^4|reset|no JSON/.test(name))
  // Some say that nothing has been done.
  const possible = chosen.filter(([name]) => when === 'before' || !name.startsWith('4'))
  const cells = operations.flatMap((operation) =>
    possible
      .filter(([, journey]) => journeysOf[operation].includes(journey))
      .map(([name, journey, fault]) => [operation, name, journey, fault] as const),
  )

  // proves: ENUM-4
  test.each(cells)(
    'only %s with %s, from %s on, the second is answered as the first',
    async (operation, _name, journey, fault) => {
      const app = await open()
      const only = { operation, when, ...fault }
      const [first, second, third] = (await visit(
        app,
        only,
        journey,
        known,
        unknown,
        alsoKnown,
      )) as [Person, Person, Person]
      expectSameAnswers(first, second)
      expectSameAnswers(third, second)
      const asked = JSON.stringify(await app.journal())
      expect(asked).not.toContain('1202456')
    },
  )
})

describe('ENUM-4: what nobody could know', () => {
  test('an outage of sends alone is seen by the first known number', async () => {
    const app = await open()
    const fault = { operation: 'otp.send', kind: 'status', status: 500 }
    const people = await visit(app, fault, 'before the send', unknown, known, [unknown[1] ?? ''])
    const [before, during, after] = people as [Person, Person, Person]
    expect(before.transcript[0]?.answer).toContain('"status":"sent"')
    expect(during.transcript[0]?.answer).toContain('"status":"unconfirmed"')
    expect(after.transcript[0]?.answer).toContain('"status":"unconfirmed"')
    expect(outlineOf(after)).toEqual(outlineOf(during))
  })

  test('a sign-in of somebody known ends it for all', async () => {
    const app = await open()
    const fault = { operation: 'otp.send', kind: 'status', status: 429, times: 1 }
    await app.fault(fault)
    const people = [known, unknown, alsoKnown, unknown.slice(1)].map((numbers, index) =>
      Object.assign(createPerson(app, numbers), { address: `203.0.113.${index}` }),
    )
    for (const person of people) await person.send()
    expect(people.map(outlineOf)).toEqual([
      ['503 service_unavailable'],
      ['503 service_unavailable'],
      ['202'],
      ['202'],
    ])
  })
})

const down = '503 service_unavailable'

describe('ENUM-4: there is one answer for all', () => {
  /** Both of them, either first, on apps of their own. */
  async function both(
    make: () => Promise<LoginOnlyApp>,
    does: (person: Person, app: LoginOnlyApp) => Promise<unknown>,
    outline: string[],
  ): Promise<LoginOnlyApp[]> {
    const apps: LoginOnlyApp[] = []
    for (const order of [
      [known, unknown],
      [unknown, known],
    ]) {
      const app = await make()
      apps.push(app)
      const people: Person[] = []
      for (const numbers of order) {
        const person = createPerson(app, numbers)
        await does(person, app)
        people.push(person)
      }
      const [one, other] = people as [Person, Person]
      expect(outlineOf(one)).toEqual(outline)
      expectSameAnswers(one, other)
    }
    return apps
  }

  test('where nothing listens', async () => {
    const baseUrl = 'http://127.0.0.1:1'
    await both(
      () => open({ baseUrl }),
      async (person) => {
        await person.send()
        await person.send()
        await person.status()
      },
      [down, down, '200'],
    )
  })

  // proves: ENUM-4
  test('while the breaker is open, and when it has closed', async () => {
    const make = async () => {
      const app = await open({ limits: { sendsPerAddress: { points: 1000, duration: 3600 } } })
      await app.fault({ operation: '*', kind: 'status', status: 429 })
      const many = Array.from({ length: 60 }, (_, index) =>
        createPerson(app, [`+1201458${1000 + index}`]).send(),
      )
      await Promise.all(many)
      await app.clearFaults()
      return app
    }
    const apps = await both(make, (person) => person.send(), [down])
    for (const app of apps) {
      expect(JSON.stringify(await app.journal())).not.toContain('145600')
    }
  })

  test('while all places are taken, and after', async () => {
    const app = await open({ concurrency: { sends: 1, checks: 1 } })
    await app.fault({ operation: 'otp.send', kind: 'delay', ms: 700, times: 1 })
    const slow = createPerson(app, [alsoKnown[5] ?? '']).send()
    await expect.poll(async () => (await app.journal()).length).toBe(1)
    const people = [known, unknown].map((numbers) => createPerson(app, numbers))
    for (const person of people) await person.send()
    await slow
    for (const person of people) await person.send()
    const [one, other] = people as [Person, Person]
    expect(outlineOf(one)).toEqual([down, '202'])
    expectSameAnswers(one, other)
  })

  test('while the process ends', async () => {
    await both(
      async () => {
        const app = await open()
        await app.flow.drain()
        return app
      },
      async (person) => {
        await person.send()
        await person.check()
      },
      [down, down],
    )
  })

  // proves: ENUM-4
  test('without Redis', async () => {
    const server = await startRedis()
    const { redis, prefix } = await createRedis({ url: server.url, maxRetriesPerRequest: 0 })
    const connected = { redis, prefix, timeout: 0.3 }
    const app = await setupLoginOnly({ framework: 'koa 3' }, connected)
    const people = [known, unknown].map((numbers) => createPerson(app, numbers))
    for (const person of people) await person.send()
    await server.kill()
    const before = (await app.journal()).length
    for (const person of people) {
      for (const step of ['send', 'resend', 'check', 'status'] as const) await person[step]()
    }
    const [one, other] = people as [Person, Person]
    expect(outlineOf(one)).toEqual(['202', down, down, down, down])
    expectSameAnswers(one, other)
    expect(await app.journal()).toHaveLength(before)
  })

  // proves: app-throws/send
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no such user')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such user'))],
    ['answers nonsense', () => 'yes'],
    ['answers nothing', () => undefined],
    ['answers 1', () => 1],
    ['never answers', () => new Promise(() => {})],
  ])('when the function that knows %s', async (_name, knows) => {
    const make = () => open({ knows: knows as () => boolean })
    const apps = await Promise.all([make(), make()])
    const people = [known, unknown].map((numbers, index) =>
      createPerson(apps[index] as LoginOnlyApp, numbers),
    )
    await Promise.all(people.map((person) => person.send()))
    await Promise.all(people.map((person) => person.status()))
    const [one, other] = people as [Person, Person]
    expect(outlineOf(one)).toEqual([down, '200'])
    expectSameAnswers(one, other)
    for (const app of apps) {
      expect(await app.journal()).toEqual([])
      const errors = app.events.flatMap((event) => (event.type === 'error' ? [event.step] : []))
      expect(errors).toContain('knows')
      expect(JSON.stringify(app.events)).not.toContain('such')
    }
  })

  test('when tyntec says nothing at all', { timeout: 30_000 }, async () => {
    const visitOne = async (numbers: readonly string[]) => {
      const app = await open()
      await app.fault({ operation: '*', kind: 'hang' })
      const person = createPerson(app, numbers)
      const started = performance.now()
      await person.send()
      return { person, took: performance.now() - started }
    }
    const [one, other] = await Promise.all([visitOne(known), visitOne(unknown)])
    expectSameAnswers(one.person, other.person)
    expect(Math.abs(one.took - other.took)).toBeLessThan(500)
  })

  test('as late as the failure of another', async () => {
    const app = await open()
    const only = { operation: 'otp.send', times: 2 }
    await app.fault({ ...only, kind: 'delay', ms: 1500 })
    await app.fault({ ...only, kind: 'status', status: 500 })
    const times: number[] = []
    for (const numbers of [known, unknown]) {
      const started = performance.now()
      await createPerson(app, numbers).send()
      times.push(performance.now() - started)
    }
    expect(times[0]).toBeGreaterThan(1400)
    expect(times[1]).toBeGreaterThan(1400)
    expect(times[1]).toBeLessThan((times[0] ?? 0) + 500)
  })
})
