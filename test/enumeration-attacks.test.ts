import { describe, expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../src/sandbox/index.js'
import { createMemoryStore } from '../src/store/memory.js'
import { toOpaque } from '../src/store/store.js'
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
import { startSlowTyntec } from './support/slow-tyntec.js'

/* Ways to tell a number that the app knows from one that it doesn't, each tried and closed. */

const framework = 'express 5'
const wrong = '401 invalid_code'

async function sendAndFail(person: Person, times: number) {
  await person.send()
  for (let time = 0; time < times; time += 1) await person.check(`00000${time}`)
}

function peopleOf(app: LoginOnlyApp, ...numbers: (readonly string[])[]): Person[] {
  return numbers.map((one, index) =>
    Object.assign(createPerson(app, one), { address: `203.0.113.${index}` }),
  )
}

describe('settings that are not those of the application at tyntec', () => {
  test('more attempts than tyntec takes: decoys end as early as the last code did', async () => {
    const app = await setupLoginOnly({ framework, flow: { attempts: 5 } })
    const [one, other] = peopleOf(app, known, unknown) as [Person, Person]
    await sendAndFail(one, 4)
    await sendAndFail(other, 4)
    expect(outlineOf(one)).toEqual(['202', wrong, wrong, ...Array(2).fill('410 too_many_attempts')])
    expectSameAnswers(one, other)
  })

  test('fewer attempts than tyntec takes', async () => {
    const app = await setupLoginOnly({ framework, flow: { attempts: 2 } })
    const [one, other] = peopleOf(app, known, unknown) as [Person, Person]
    await sendAndFail(one, 3)
    await sendAndFail(other, 3)
    expectSameAnswers(one, other)
  })

  test.each([
    ['shorter', 120, 120],
    ['longer', 500, 300],
  ])('a %s lifetime than that of tyntec', async (_, lifetime, shown) => {
    const app = await setupLoginOnly({ framework, flow: { lifetime } })
    const [one, other] = peopleOf(app, known, unknown) as [Person, Person]
    await one.send()
    await other.send()
    expect(one.transcript[0]?.seconds[0]).toBe(shown)
    expect(other.transcript[0]?.seconds[0]).toBe(shown)
    expectSameAnswers(one, other)
  })

  test('a shorter lifetime is also that of the first decoy', async () => {
    const app = await setupLoginOnly({ framework, flow: { lifetime: 120 } })
    const [other, one] = peopleOf(app, unknown, known) as [Person, Person]
    await other.send()
    await one.send()
    expectSameAnswers(one, other)
  })
})

test.each(['otp.send', 'otp.resend'])(
  'a number that tyntec refuses at %s gets the answers of a decoy, and the operator an event',
  async (operation) => {
    const app = await setupLoginOnly({ framework })
    const body = { code: '1000', message: 'Invalid number' }
    await app.fault({ operation, kind: 'status', status: 400, body })
    const [one, other] = peopleOf(app, known, unknown) as [Person, Person]
    for (const person of [one, other]) await sendAndFail(person, 1)
    await app.advance(31)
    for (const person of [one, other]) {
      await person.resend()
      await person.status()
      await person.check()
      await person.check()
      await person.cancel()
    }
    expect(outlineOf(one).slice(0, 4)).toEqual(['202', wrong, '202', '200'])
    expectSameAnswers(one, other)
    const errors = app.events.filter((event) => event.type === 'error')
    expect(errors).toMatchObject([{ step: operation.slice(4), code: 'ERR_OTP_PROVIDER_RESPONSE' }])
    expect(app.sandbox.messages()).toHaveLength(operation === 'otp.send' ? 0 : 1)
  },
)

test('the failure that ends a code counts for the whole app, as those before it', async () => {
  for (const numbers of [known, unknown]) {
    const app = await setupLoginOnly({
      framework,
      flow: { guessing: { points: 2, duration: 600 } },
    })
    const [person] = peopleOf(app, numbers) as [Person]
    await sendAndFail(person, 2)
    const guessing = () => app.events.filter(({ type }) => type === 'guessing.suspected')
    expect(guessing()).toEqual([])
    await person.check('222222')
    expect(guessing()).toHaveLength(1)
  }
})

test('a message that has arrived is shown to nobody', async () => {
  const app = await setupLoginOnly({ framework })
  const [one, other] = peopleOf(app, known, unknown) as [Person, Person]
  await one.send()
  await other.send()
  await app.sandbox.waitForCode(known[0] ?? '')
  await app.advance(5)
  await one.status()
  await other.status()
  expect(one.transcript[1]?.answer).toContain('"delivery":"unknown"')
  expectSameAnswers(one, other)
})

describe('requests at once', () => {
  test.each([
    ['a send', (person: Person) => person.send(), ['202']],
    ['a wrong code', (person: Person) => person.check('111111'), [wrong]],
    [
      'several codes',
      (person: Person, index: number) => person.check(`11111${index}`),
      [wrong, '409 check_in_progress'],
    ],
  ])('of one browser with %s end alike', async (_, does, outcomes) => {
    const app = await setupLoginOnly({ framework })
    const shown: string[][] = []
    for (const person of peopleOf(app, known, unknown)) {
      await person.send()
      // Long enough for all of them to come while the first is under way.
      await app.fault({ operation: '*', kind: 'delay', ms: 600 })
      await Promise.all(Array.from({ length: 10 }, (__, index) => does(person, index)))
      await app.clearFaults()
      shown.push(outlineOf(person).slice(1).toSorted())
    }
    expect(new Set(shown[0])).toEqual(new Set(outcomes))
    expect(shown[1]).toEqual(shown[0])
  })

  test('of many browsers to one number end alike', async () => {
    const app = await setupLoginOnly({ framework })
    const shown = await Promise.all(
      [known, unknown].map(async ([number = '']) => {
        const people = Array.from({ length: 8 }, () => createPerson(app, [number]))
        await Promise.all(people.map((person) => person.send()))
        return people.flatMap(outlineOf).toSorted()
      }),
    )
    expect(shown[0]).toEqual(['202', ...Array(7).fill('429 resend_too_soon')])
    expect(shown[1]).toEqual(shown[0])
  })
})

test('another process goes on with a decoy, and what it has not seen it does not show', async () => {
  const store = toOpaque(createMemoryStore(() => performance.now()))
  const secret = 'one secret for all the processes'
  const first = await setupLoginOnly({ framework, flow: { store, secret } })
  const baseUrl = first.sandbox.url
  const second = await setupLoginOnly({ framework, flow: { store, secret, baseUrl } })
  const [one, other] = peopleOf(first, known, unknown) as [Person, Person]
  for (const person of [one, other]) {
    await sendAndFail(person, 1)
    person.moveTo(second)
    await person.status()
    await person.check()
    await person.resend()
    person.moveTo(first)
    await person.check()
    await person.check()
  }
  expectSameAnswers(one, other)
  expect(first.sandbox.messages()).toHaveLength(1)
})

test('a browser that has signed in gets the same once its number is not known any more', async () => {
  let gone: string | undefined
  const app = await setupLoginOnly({ framework, flow: { knows: (number) => number !== gone } })
  const people = peopleOf(app, known, alsoKnown) as [Person, Person]
  for (const person of people) {
    await person.send()
    await person.check(await app.sandbox.waitForCode(person.numbers[0] ?? ''))
    await person.logout()
  }
  gone = known[0]
  for (const person of people) {
    await sendAndFail(person, 3)
    await person.status()
    person.browser()
    await person.send()
  }
  const [one, other] = people
  expect(outlineOf(one).slice(3)).toEqual([
    '202',
    wrong,
    wrong,
    '410 too_many_attempts',
    '200',
    '429 resend_too_soon',
  ])
  expectSameAnswers(one, other)
  expect(app.sandbox.messages().filter(({ to }) => to === gone)).toHaveLength(1)
})

test('a number that is known by now stays without a message until a new send', async () => {
  const signedUp = new Set<string>()
  const app = await setupLoginOnly({
    framework,
    flow: { knows: (number) => signedUp.has(number) },
  })
  const [person] = peopleOf(app, known) as [Person]
  await person.send()
  signedUp.add(known[0] ?? '')
  await app.advance(31)
  await person.resend()
  expect(app.sandbox.messages()).toEqual([])
  await app.advance(61)
  await person.send()
  expect(outlineOf(person)).toEqual(['202', '202', '202'])
  expect(app.sandbox.messages()).toHaveLength(1)
})

test('a call takes the time of calls, not that of messages', async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  let wait = 0
  const baseUrl = await startSlowTyntec(sandbox.url, (operation) =>
    operation === 'send' ? wait : 0,
  )
  const app = await setupLoginOnly({ framework, flow: { voice: true, baseUrl } })
  const takes = async (numbers: readonly string[], via: string) => {
    const started = performance.now()
    await createPerson(app, numbers).send({ via })
    return performance.now() - started
  }
  wait = 700
  for (const number of known.slice(0, 4)) await takes([number], 'voice')
  wait = 0
  for (const number of alsoKnown.slice(0, 4)) await takes([number], 'sms')
  expect(await takes(unknown, 'sms')).toBeLessThan(600)
  expect(await takes(unknown.slice(1), 'voice')).toBeGreaterThan(680)
})
