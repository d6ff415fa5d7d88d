import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { phone } from '../support/phones.js'
import { figures } from './figures.js'
import {
  attack,
  from,
  home,
  knownBrowser,
  number,
  rightCode,
  signIn,
  type Attacked,
  startAttacked,
} from './setup.js'

/*
 * Who has requests for free: they cost next to nothing, and the honest person gets in meanwhile.
 */

const frameworks = ['express', 'koa'] as const
const attacker = '203.0.113.66'
/**
 * Scripts by which the app looks at Redis when it starts, and tells other processes every few seconds what it has
 * seen, whatever anybody asks of it: some dozens in the minute of a test, and the requests are a thousand or more.
 */
const background = 40

// proves: ATT-13
test.each(frameworks)(
  'made-up handles over 160 connections take no place and no command, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    // Forty people have a code.
    const people = Array.from({ length: 40 }, (_, index) => ({
      client: app.client(),
      number: phone('US', index * 3000),
      address: `198.51.100.${index}`,
    }))
    for (const { client, number, address } of people) {
      expect((await client.post('/login/send', { number }, from(address))).status).toBe(202)
    }
    const codes = await app.codes()
    const handle = people[0]?.client.jar.get('__Host-otp') ?? ''
    const madeUp = () => {
      // All handles begin with the name of a key, which is in the attacker's own.
      const text = handle.slice(0, 8) + randomBytes(84).toString('base64url')
      return app.client(new Map([['__Host-otp', text.slice(0, handle.length)]]))
    }

    const before = await app.scripts()
    const statuses = await attack(
      app,
      'made-up handles',
      (index) => ({
        address: attacker,
        path: index % 2 === 0 ? '/login/check' : '/login/resend',
        body: index % 2 === 0 ? { code: '123456' } : {},
        client: madeUp(),
      }),
      { connections: 160 },
    )
    expect(statuses).toEqual({ '409 no_pending_code': 1600 })
    expect((await app.scripts()) - before).toBeLessThan(background)

    let over = false
    const flood = Array.from({ length: 160 }, async () => {
      while (!over) await madeUp().post('/login/check', { code: '123456' }, from(attacker))
    })
    const answers = []
    for (const { client, number, address } of people) {
      const answer = await client.post(
        '/login/check',
        { code: codes.get(number) ?? '' },
        from(address),
      )
      answers.push(answer.status)
    }
    over = true
    await Promise.all(flood)
    expect(answers).toEqual(Array(40).fill(200))
  },
  120_000,
)

// proves: ATT-13
test.each(frameworks)(
  'a flood inside a wait costs sixty commands and no key, and a check from its address passes, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const person = app.client()
    const other = app.client()
    // The person is behind the same address.
    expect((await person.post('/login/send', { number }, from(attacker))).status).toBe(202)
    const victim = phone('DE', 5)
    const first = await other.post('/login/send', { number: victim }, from(attacker))
    expect(first.status).toBe(202)
    const [commands, keys] = [await app.scripts(), await keysOf(app)]
    const before = await app.messages(() => true)
    const statuses: Record<string, number> = {}
    const { requests } = figures['inside a wait']
    for (let index = 1; index < requests; index++) {
      const { json } = await app.client().post('/login/send', { number: victim }, from(attacker))
      const code = String(json?.code)
      statuses[code] = (statuses[code] ?? 0) + 1
    }
    expect(statuses).toEqual({ resend_too_soon: 60, rate_limited: requests - 61 })
    // One more, by which this process learns that there are sixty.
    const ran = (await app.scripts()) - commands
    expect(ran).toBeGreaterThanOrEqual(61)
    expect(ran).toBeLessThan(61 + background)
    expect(await keysOf(app)).toEqual(keys)
    expect(await app.messages(() => true)).toBe(before)
    const checked = await person.post('/login/check', { code: rightCode }, from(attacker))
    expect(checked.status).toBe(200)
  },
  120_000,
)

// proves: LOCK-7
test.each(frameworks)(
  'ten requests of one address against an owner leave him a code, in a new browser and in his own, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const known = await knownBrowser(app)
    // Unlike the attacker's, the owner's day is one with a sign-in already.
    await app.pass(86_400)
    const statuses = await attack(
      app,
      'one owner',
      () => ({ address: attacker, body: { number } }),
      { connections: 1, pause: (index) => app.pass(index === 6 ? 601 : 75) },
    )
    expect(statuses).toEqual({ 202: 6, '429 rate_limited': 6 })
    await app.pass(31)
    expect((await signIn(app.client(), '198.51.100.8')).status).toBe(200)
    expect((await signIn(known)).status).toBe(200)
  },
  60_000,
)

// proves: LOCK-2
test.each(frameworks)(
  'who sits behind the address of a known browser uses up nothing of it, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const known = await knownBrowser(app)
    await app.pass(3601)
    const statuses = await attack(
      app,
      'next to a known browser',
      (index) => ({ address: home, body: { number: phone('DE', 1500 * (index % 8)) } }),
      { connections: 1, pause: async (index) => (index % 8 === 0 ? app.pass(31) : undefined) },
    )
    expect(statuses['202']).toBe(10)
    const newcomer = await app.client().post('/login/send', { number: phone('US', 1) }, from(home))
    expect(newcomer.json).toMatchObject({ code: 'rate_limited' })
    expect((await signIn(known)).status).toBe(200)
  },
  60_000,
)

/** But for what processes tell each other of a route: one key for each, whoever asks. */
async function keysOf({ redis }: Attacked): Promise<string[]> {
  const keys = await redis.keys('*')
  return keys.filter((key) => !key.includes(':note:route:')).sort()
}
