import { describe, expect, test } from 'vitest'
import { phone } from '../support/phones.js'
import {
  attack,
  type Attacked,
  from,
  knownBrowser,
  rightCode,
  signIn,
  startAttacked,
} from './setup.js'

/*
 * Who wants to use up what the app may send: the honest person gets in meanwhile.
 */

/** No two of them next to each other. */
const victim = (index: number) => ({ number: phone('US', 360 * index) })
/** The /64 networks of one /56, and the /48 networks of one /40. */
const of56 = (index: number) => `2001:db8:5:42${(index % 256).toString(16).padStart(2, '0')}::1`
const of40 = (index: number) => `2001:db8:11${(index % 256).toString(16).padStart(2, '0')}:9::1`

/** Signs somebody in who has never been here: one of five people, each with an address of his own. */
async function newcomer({ client }: Attacked, index: number): Promise<number> {
  const browser = client()
  const address = from(`198.51.100.${100 + index}`)
  const number = `+1201555010${index % 5}`
  const sent = await browser.post('/login/send', { number }, address)
  if (sent.status !== 202) return sent.status
  return (await browser.post('/login/check', { code: rightCode }, address)).status
}

// proves: LOCK-2
test.each(['express', 'koa'] as const)(
  'a subscriber line gets fifty messages in an hour, and new browsers get in, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const statuses = await attack(app, 'a subscriber line', (index) => ({
      address: of56(index),
      body: victim(index),
    }))
    expect(statuses['429 rate_limited']).toBeGreaterThanOrEqual(249)
    expect((await signIn(app.client())).status).toBe(200)
  },
  60_000,
)

describe.each(['express', 'koa'] as const)('a network of 256 customers, on %s,', (framework) => {
  // proves: LOCK-2
  test('pays for 270 messages to close an hour to new browsers, and known ones get in', async () => {
    const app = await startAttacked(framework)
    const known = await knownBrowser(app)
    await app.pass(86_400)
    const statuses = await attack(app, 'an hour of a network', (index) => ({
      address: of40(index),
      body: victim(index),
    }))
    expect(statuses['503 service_unavailable']).toBeGreaterThanOrEqual(30)

    const stranger = await app.client().post('/login/send', victim(900), from('198.51.100.9'))
    expect(stranger.json).toMatchObject({ code: 'service_unavailable' })
    const wait = Number(stranger.headers['retry-after'])
    expect(wait).toBeGreaterThan(3000)
    expect(wait).toBeLessThanOrEqual(3600)
    expect((await signIn(known)).status).toBe(200)
    await app.pass(wait)
    expect((await signIn(app.client(), '198.51.100.8')).status).toBe(200)
  }, 60_000)

  // proves: LOCK-2
  test('pays for 1,800 messages to close a day to new browsers, and known ones get in', async () => {
    const app = await startAttacked(framework)
    const known = await knownBrowser(app)
    await app.pass(86_400)
    const hours = new Set<number>()
    await attack(
      app,
      'a day of a network',
      (index) => ({ address: of40(index), body: victim(index) }),
      {
        async pause(index) {
          const hour = Math.floor(index / 260)
          if (hours.has(hour)) return
          hours.add(hour)
          await app.pass(3601)
        },
      },
    )
    await app.pass(3601)
    const stranger = await app.client().post('/login/send', victim(1905), from('198.51.100.9'))
    expect(stranger.json).toMatchObject({ code: 'service_unavailable' })
    const wait = Number(stranger.headers['retry-after'])
    expect(wait).toBeGreaterThan(50_000)
    expect((await signIn(known)).status).toBe(200)
    await app.pass(wait)
    expect((await signIn(app.client(), '198.51.100.8')).status).toBe(200)
  }, 240_000)

  // proves: LOCK-2
  test.each([
    ["a country's budget", { perCountryPerDay: { US: 100, default: 1000 } }],
    ['the budget in money', { money: { perDay: 10, prices: { US: 0.1, DE: 0.1 } } }],
  ] as const)(
    'pays for nine tenths of %s, and known browsers get in',
    async (name, budget) => {
      const app = await startAttacked(framework, budget)
      const known = await knownBrowser(app)
      await app.pass(86_400)
      const statuses = await attack(app, name, (index) => ({
        address: of40(index),
        body: victim(index),
      }))
      expect(statuses['503 service_unavailable']).toBeGreaterThanOrEqual(20)

      const stranger = await app.client().post('/login/send', victim(900), from('198.51.100.9'))
      expect(stranger.json).toMatchObject({ code: 'service_unavailable' })
      const wait = Number(stranger.headers['retry-after'])
      expect(wait).toBeGreaterThan(85_000)
      expect(wait).toBeLessThanOrEqual(86_400)
      const elsewhere = { number: phone('DE', 4) }
      const abroad = await app.client().post('/login/send', elsewhere, from('198.51.100.10'))
      expect(abroad.status).toBe(name === "a country's budget" ? 202 : 503)
      expect((await signIn(known)).status).toBe(200)
      await app.pass(wait)
      expect((await signIn(app.client(), '198.51.100.8')).status).toBe(200)
    },
    60_000,
  )
})

// proves: LOCK-8
test.each(['express', 'koa'] as const)(
  'who sends to numbers that tyntec refuses closes nothing, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    await app.fault({
      operation: 'otp.send',
      kind: 'status',
      status: 400,
      when: 'before',
      times: 400,
    })
    const statuses = await attack(app, 'numbers that tyntec refuses', (index) => ({
      address: of40(index),
      body: victim(index),
    }))
    expect(statuses).toEqual({ '503 service_unavailable': 400 })
    // Now and then a busy machine's Redis is late.
    expect(await app.asked('send')).toBeGreaterThan(380)
    expect((await signIn(app.client())).status).toBe(200)
  },
  60_000,
)

// proves: LOCK-8
test.each(['express', 'koa'] as const)(
  'a destination that tyntec refuses gives nobody else a rest, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const refused = phone('DE', 77)
    await app.fault({
      operation: 'otp.send',
      number: refused,
      kind: 'status',
      status: 403,
      when: 'before',
    })
    const honest: number[] = []
    const attacking = attack(
      app,
      'a refused destination',
      (index) => ({ address: `10.0.${index}.1`, body: { number: refused } }),
      { connections: 1, to: (recipient) => recipient === refused },
    )
    for (let persons = 0; persons < 5; persons++) honest.push(await newcomer(app, persons))
    const statuses = await attacking
    // The detector has seen enough of this number by then.
    expect(statuses['503 service_unavailable']).toBeGreaterThanOrEqual(10)
    expect(Object.keys(statuses).filter((status) => !/^(?:503|429) /.test(status))).toEqual([])
    expect(honest).toEqual(Array(5).fill(200))
  },
  60_000,
)

// proves: LOCK-8
test.each(['express', 'koa'] as const)(
  'many destinations that tyntec refuses give nobody else a rest, on %s',
  async (framework) => {
    const app = await startAttacked(framework)
    const refused = Array.from({ length: 30 }, (_, index) => phone('DE', 2500 * index))
    for (const number of refused) {
      await app.fault({
        operation: 'otp.send',
        number,
        kind: 'status',
        status: 403,
        when: 'before',
      })
    }
    const honest: number[] = []
    const attacking = attack(
      app,
      'many refused destinations',
      (index) => ({
        address: `10.0.${index}.1`,
        body: { number: refused[index % refused.length] ?? '' },
      }),
      { to: (recipient) => refused.includes(recipient) },
    )
    const until = { ended: false }
    void attacking.finally(() => (until.ended = true))
    while (!until.ended && honest.length < 20) honest.push(await newcomer(app, honest.length))
    const statuses = await attacking
    // Each of them reached tyntec, which nobody has stopped asking. Now and then a busy machine's Redis is late.
    expect(statuses['503 service_unavailable']).toBeGreaterThan(80)
    expect(await app.asked('send')).toBeGreaterThan(80)
    expect(honest.length).toBeGreaterThan(0)
    expect(honest).toEqual(honest.map(() => 200))
    expect((await signIn(app.client(), '198.51.100.8')).status).toBe(200)
  },
  60_000,
)
