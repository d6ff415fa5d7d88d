import { describe, expect, test, vi } from 'vitest'
import type { OtpFlow } from '../src/flow/index.js'
import type { OtpOptions } from '../src/options/options.js'
import {
  type FlowKind,
  flowKinds,
  rightCode,
  secret,
  sendCode,
  setupFlow,
  statusOf,
  type TestFlow,
} from './support/flow.js'
import { addressOf, phone, phoneCountries, seeded, strangers } from './support/phones.js'

/** A run is stopped before so many messages. */
const mostPumped = 25

/** Only the detector stops anybody here, so that its figures are its own. */
const enforced = {
  pumping: 'enforce',
  countries: phoneCountries,
  budget: { perHour: 100_000, perDay: 1_000_000 },
  limits: { sendsPerAddress: { points: 100_000, duration: 3600 } },
  concurrency: { sends: 200 },
} satisfies Partial<OtpOptions>

function setupPumping(kind: FlowKind, options: Partial<OtpOptions> = {}) {
  return setupFlow(kind, { ...enforced, ...options })
}

const messages = ({ sandbox }: TestFlow) => sandbox.messages().length

const suspicions = ({ events }: TestFlow) =>
  events.flatMap((event) => (event.type === 'pumping.suspected' ? [event] : []))

interface Message {
  number: string
  address: string
}

/** As many as there are, one after the other. */
async function pump(flow: OtpFlow, all: readonly Message[]): Promise<string[]> {
  const outcomes: string[] = []
  for (const each of all) outcomes.push(await statusOf(flow.send(each)))
  return outcomes
}

const many = (count: number, message: (index: number) => Message): Message[] =>
  Array.from({ length: count }, (_, index) => message(index))

/** To strangers in one country, each from another address. */
function scattered(count: number, seed = 1): Message[] {
  const next = strangers(seeded(seed))
  return many(count, (index) => ({ number: phone('US', next()), address: addressOf(index) }))
}

describe.each(flowKinds)('a pumping run on %s', (kind) => {
  // proves: SEND-7
  test('to numbers next to each other is stopped after ten messages', async () => {
    const setup = await setupPumping(kind)
    const run = many(60, (index) => ({ number: phone('DE', index), address: addressOf(index) }))
    const outcomes = await pump(setup.flow, run)
    expect(outcomes.slice(0, 10)).toEqual(Array(10).fill('sent'))
    expect(outcomes.slice(10)).toEqual(Array(50).fill('rate_limited'))
    expect(messages(setup)).toBe(10)
    expect(suspicions(setup)[0]).toMatchObject({ by: 'range', country: 'DE', enforced: true })
    expect(setup.eventTypes()).toContain('limit.hit pumping')
  })

  // proves: SEND-7
  test('to strangers in one country, from ever new addresses, is stopped after twenty', async () => {
    const setup = await setupPumping(kind)
    const outcomes = await pump(setup.flow, scattered(60))
    expect(outcomes.filter((status) => status === 'sent')).toHaveLength(20)
    expect(outcomes.slice(20)).toEqual(Array(40).fill('rate_limited'))
    expect(messages(setup)).toBe(20)
    expect(suspicions(setup)[0]).toMatchObject({
      by: 'country',
      country: 'US',
      unverified: 21,
      verified: 0,
      enforced: true,
    })
  })

  test('to strangers from one address is stopped after ten', async () => {
    // The limit of the address, which this file has raised, would raise this one too.
    const pumping = { mode: 'enforce', address: { free: 10 } } as const
    const setup = await setupPumping(kind, { pumping })
    await pump(
      setup.flow,
      scattered(60).map(({ number }, index) => ({ number, address: `2001:db8::${index}` })),
    )
    expect(messages(setup)).toBe(10)
    expect(suspicions(setup)[0]).toMatchObject({ by: 'address', enforced: true })
  })

  // proves: SEND-7
  test('to many countries from one address is stopped at the fourth', async () => {
    const setup = await setupPumping(kind)
    const next = strangers(seeded(2))
    const run = phoneCountries.map((country) => ({
      number: phone(country, next()),
      address: '192.0.2.1',
    }))
    expect(await pump(setup.flow, run)).toEqual([
      ...Array<string>(3).fill('sent'),
      ...Array<string>(run.length - 3).fill('rate_limited'),
    ])
    expect(suspicions(setup)[0]).toMatchObject({ by: 'countries', unverified: 4, enforced: true })
    const refused = { number: phone(phoneCountries.at(-1) ?? 'US', next()), address: '192.0.2.1' }
    expect(await setup.flow.send(refused)).toMatchObject({
      status: 'rate_limited',
      retryAfter: expect.closeTo(86_400, -2),
    })
    // The countries that it has had are none too many.
    const again = { number: phone(phoneCountries[0] ?? 'US', next()), address: '192.0.2.1' }
    expect(await pump(setup.flow, [again])).toEqual(['sent'])
  })

  test('that is odd in two ways waits for the longer of the two', async () => {
    const setup = await setupPumping(kind, {
      pumping: { mode: 'enforce', address: { free: 3, share: 0 } },
    })
    const next = strangers(seeded(2))
    const run = phoneCountries.slice(0, 4).map((country) => ({
      number: phone(country, next()),
      address: '192.0.2.1',
    }))
    const outcomes = await Promise.all(run.map((each) => setup.flow.send(each)))
    expect(suspicions(setup).map(({ by }) => by)).toEqual(['address', 'countries'])
    expect(outcomes.filter(({ status }) => status !== 'sent')).toEqual([
      { status: 'rate_limited', retryAfter: expect.closeTo(86_400, -2) },
    ])
  })

  test('with resends is stopped before 25 messages', async () => {
    const setup = await setupPumping(kind, { resendWaits: [1, 1, 1] })
    for (const { number, address } of scattered(30)) {
      const outcome = await setup.flow.send({ number, address })
      if (outcome.status !== 'sent') continue
      for (let resends = 0; resends < 3; resends++) {
        await setup.advance(2)
        await statusOf(setup.flow.resend({ handle: outcome.handle, address }))
      }
    }
    expect(messages(setup)).toBe(20)
  })

  test('with cancelled codes is stopped before 25 messages', async () => {
    const setup = await setupPumping(kind)
    for (const { number, address } of scattered(60)) {
      const outcome = await setup.flow.send({ number, address })
      if (outcome.status === 'sent') await setup.flow.cancel({ handle: outcome.handle })
    }
    expect(messages(setup)).toBe(20)
  })

  test('with wrong codes typed is stopped before 25 messages', async () => {
    const setup = await setupPumping(kind)
    for (const { number, address } of scattered(40)) {
      const outcome = await setup.flow.send({ number, address })
      if (outcome.status !== 'sent') continue
      for (const code of ['000001', '000002', '000003']) {
        await statusOf(setup.flow.check({ handle: outcome.handle, code, address }))
      }
    }
    expect(messages(setup)).toBe(20)
  })

  test('of fifty at once is stopped before 25 messages', async () => {
    const setup = await setupPumping(kind)
    const outcomes = await Promise.all(scattered(50).map((each) => statusOf(setup.flow.send(each))))
    expect(outcomes.filter((status) => status === 'sent').length).toBe(messages(setup))
    expect(messages(setup)).toBeLessThanOrEqual(20)
    // Whoever was refused has left nothing: what is free is free again.
    await pump(setup.flow, scattered(30, 7))
    expect(messages(setup)).toBe(20)
  })

  test('over hours is stopped before 25 messages, and gets 45 in a day', async () => {
    const setup = await setupPumping(kind)
    const next = strangers(seeded(3))
    const hours = async (from: number, to: number, anHour: number) => {
      for (let index = from * anHour; index < to * anHour; index++) {
        const address = addressOf(anHour * 1000 + index)
        await statusOf(setup.flow.send({ number: phone('US', next()), address }))
        await setup.advance(3600 / anHour)
      }
    }
    await hours(0, 4, 10)
    expect(messages(setup)).toBeLessThan(mostPumped)
    // What is old weighs less, so a country gives away about 28 messages a day.
    await hours(4, 24, 3)
    expect(messages(setup)).toBe(45)
  })

  test('of two messages an hour gets 39 in a day', async () => {
    const setup = await setupPumping(kind)
    const next = strangers(seeded(4))
    for (let index = 0; index < 48; index++) {
      await statusOf(setup.flow.send({ number: phone('US', next()), address: addressOf(index) }))
      await setup.advance(1800)
    }
    expect(messages(setup)).toBe(39)
  })

  test('costs known browsers nothing', async () => {
    const setup = await setupPumping(kind, { resendWaits: [1] })
    const number = '+12015550100'
    const outcome = await setup.flow.check({
      handle: await sendCode(setup, { number }),
      code: rightCode,
    })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    const { device } = outcome
    await pump(setup.flow, scattered(40))
    await pump(
      setup.flow,
      many(30, (index) => ({ number: `+12015550${200 + index}`, address: '192.0.2.7' })),
    )
    const stopped = messages(setup)
    expect(await pump(setup.flow, [{ number, address: '192.0.2.7' }])).toEqual(['rate_limited'])
    const forged = `${device.slice(0, -3)}AAA`
    const input = { number, address: '192.0.2.7' }
    expect(await statusOf(setup.flow.send({ ...input, device: forged }))).toBe('rate_limited')
    const handle = await sendCode(setup, { ...input, device })
    await setup.advance(2)
    expect(await statusOf(setup.flow.resend({ handle, address: '192.0.2.7' }))).toBe('sent')
    expect(messages(setup)).toBe(stopped + 2)
    // It is known for its own number only.
    const other = { number: '+12015550101', address: '192.0.2.8', device }
    expect(await statusOf(setup.flow.send(other))).toBe('rate_limited')
    const enforcements = new Set(suspicions(setup).map(({ enforced }) => enforced))
    expect([...enforcements]).toEqual([true, false])
  })

  test('by somebody who signs in with numbers of his own gets two for five sign-ins', async () => {
    const setup = await setupPumping(kind)
    const own = ['+12015550100', '+12015550101', '+12015550102', '+12015550103', '+12015550104']
    for (const [index, number] of own.entries()) {
      const address = addressOf(60_000 + index)
      const handle = await sendCode(setup, { number, address })
      await setup.flow.check({ handle, code: rightCode, address })
    }
    await pump(setup.flow, scattered(60))
    expect(messages(setup)).toBe(own.length + 22)
  })

  test('is not what people look like who sign in after resends', async () => {
    const setup = await setupPumping(kind, {
      resendWaits: [1, 1, 1],
      limits: { ...enforced.limits, sendsPerNumber: [{ points: 100, duration: 600 }] },
    })
    for (let person = 0; person < 15; person++) {
      const input = { number: `+1201555010${person % 5}`, address: addressOf(person) }
      const handle = await sendCode(setup, input)
      for (let resends = 0; resends < 3; resends++) {
        await setup.advance(2)
        const { address } = input
        expect(await statusOf(setup.flow.resend({ handle, address }))).toBe('sent')
      }
      const check = { handle, code: rightCode, address: input.address }
      expect(await statusOf(setup.flow.check(check))).toBe('verified')
    }
    expect(suspicions(setup)).toEqual([])
  })

  test('goes on counting while a secret rotates out', async () => {
    const setup = await setupPumping(kind)
    const run = many(30, (index) => ({ number: phone('DE', index), address: addressOf(index) }))
    await pump(setup.flow, run.slice(0, 6))
    const newer = 'another secret of the tests, longer than 32 bytes'
    const rotated = setup.another({ secret: [newer, secret] })
    await pump(rotated, run.slice(6, 10))
    expect(await pump(rotated, run.slice(10, 15))).toEqual(Array(5).fill('rate_limited'))
    expect(messages(setup)).toBe(10)
    const own = { number: '+12015550100', address: '192.0.2.1' }
    const handle = await sendCode({ flow: rotated }, own)
    const check = { handle, code: rightCode, address: own.address }
    expect(await statusOf(rotated.check(check))).toBe('verified')
    // Those of the older secret were taken over: they stay when it is gone.
    const after = setup.another({ secret: newer })
    expect(await pump(after, run.slice(15))).toEqual(Array(15).fill('rate_limited'))
    expect(messages(setup)).toBe(11)
  })

  // proves: SEND-7
  test('in production is refused by range and address, and by country where there is a challenge', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const origin = 'https://login.example.com'
    const setup = await setupPumping(kind, { pumping: undefined, origin })
    expect(await pump(setup.flow, scattered(24))).toEqual(Array(24).fill('sent'))
    expect(suspicions(setup).map(({ by, enforced }) => ({ by, enforced }))).toEqual(
      Array.from({ length: 4 }, () => ({ by: 'country', enforced: false })),
    )
    const next = many(11, (index) => ({ number: phone('DE', index), address: addressOf(index) }))
    expect((await pump(setup.flow, next)).at(-1)).toBe('rate_limited')

    const asked = setup.another({
      pumping: undefined,
      origin,
      challenge: ({ reasons }) => reasons.length === 0,
    })
    expect(await pump(asked, scattered(1, 30))).toEqual(['challenge_required'])
    expect(suspicions(setup).at(-1)).toMatchObject({ by: 'country', enforced: true })
  })

  test('that is seen in shadow is told of, and goes on', async () => {
    const setup = await setupPumping(kind, { pumping: 'shadow' })
    expect(await pump(setup.flow, scattered(30))).toEqual(Array(30).fill('sent'))
    expect(messages(setup)).toBe(30)
    const told = suspicions(setup)
    expect(told).toHaveLength(10)
    expect(told.map(({ unverified }) => Math.round(unverified))).toEqual(
      Array.from({ length: 10 }, (_, index) => 21 + index),
    )
    expect(told.every(({ by, enforced }) => by === 'country' && !enforced)).toBe(true)
    expect(setup.eventTypes()).not.toContain('limit.hit pumping')
  })
})

// proves: SEND-7
test('a pumping run by many processes at once is stopped before 25 messages', async () => {
  const setup = await setupPumping('redis')
  const flows = [setup.flow, setup.another()]
  const at = (run: readonly Message[]) =>
    Promise.all(run.map((each, index) => statusOf((flows[index % 2] ?? setup.flow).send(each))))
  await at(many(50, (index) => ({ number: phone('DE', index), address: addressOf(index) })))
  expect(messages(setup)).toBeLessThanOrEqual(10)
  const ranges = messages(setup)
  await at(scattered(50))
  await at(scattered(50, 8))
  expect(messages(setup) - ranges).toBeLessThanOrEqual(20)
})
