import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { OtpOptions } from '../src/options/options.js'
import { countsOf } from './support/counts.js'
import {
  failure,
  flowKinds,
  number,
  numbers,
  sendCode,
  setupFlow,
  statusOf,
  type TestFlow,
} from './support/flow.js'
import { addressOf, phone, phoneCountries } from './support/phones.js'

/** The detector is not what is tested here. */
const open = {
  countries: phoneCountries,
  resendWaits: [1, 1, 1],
  pumping: 'shadow',
} satisfies Partial<OtpOptions>

const budgetEvents = ({ events }: TestFlow) =>
  events.filter(({ type }) => type.startsWith('budget.'))

const usedUp = { code: 'ERR_OTP_BUDGET', status: 503 }

let from = 0
const newAddress = () => addressOf(from++)

describe.each(flowKinds)('the budget on %s', (kind) => {
  test('of a country stops its messages, and those of no other', async () => {
    const setup = await setupFlow(kind, {
      ...open,
      budget: { perCountryPerDay: { de: 5, default: 2 } },
    })
    const send = (country: (typeof phoneCountries)[number], index: number) =>
      setup.flow.send({ number: phone(country, index), address: newAddress() })
    for (let index = 0; index < 5; index++) expect(await statusOf(send('DE', index))).toBe('sent')
    for (let index = 5; index < 8; index++) expect(await failure(send('DE', index))).toEqual(usedUp)
    expect(await statusOf(send('AT', 0))).toBe('sent')
    expect(await statusOf(send('CH', 0))).toBe('sent')
    expect(await statusOf(send('CH', 1))).toBe('sent')
    expect(await failure(send('CH', 2))).toEqual(usedUp)
    expect(await statusOf(send('AT', 1))).toBe('sent')
    expect(budgetEvents(setup)).toMatchObject([
      { type: 'budget.warning', window: 'country', country: 'DE', used: 4, of: 5 },
      { type: 'budget.exhausted', window: 'country', country: 'DE', used: 5, of: 5 },
      { type: 'budget.warning', window: 'country', country: 'CH', used: 2, of: 2 },
      { type: 'budget.exhausted', window: 'country', country: 'CH', used: 2, of: 2 },
      { type: 'budget.warning', window: 'country', country: 'AT', used: 2, of: 2 },
    ])
    expect(await setup.count('send')).toBe(9)
  })

  test('of each country can be one figure, and covers resends', async () => {
    const setup = await setupFlow(kind, { ...open, budget: { perCountryPerDay: 3 } })
    const handle = await sendCode(setup)
    for (let resends = 0; resends < 2; resends++) {
      await setup.advance(2)
      expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
    }
    await setup.advance(2)
    expect(await failure(setup.flow.resend({ handle }))).toEqual(usedUp)
    expect(await setup.flow.status({ handle })).toMatchObject({ resend: { remaining: 1 } })
    expect(await setup.count('resend')).toBe(2)
  })

  // proves: SEND-6
  test('of a country is exact for fifty at once', async () => {
    const setup = await setupFlow(kind, { ...open, budget: { perCountryPerDay: 7 } })
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        statusOf(setup.flow.send({ number: phone('DE', 5000 * index), address: newAddress() })),
      ),
    )
    const sent = outcomes.filter((status) => status === 'sent').length
    expect(sent).toBe(await setup.count('send'))
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThanOrEqual(7)
    expect(outcomes.filter((status) => status === 'ERR_OTP_BUDGET')).toHaveLength(50 - sent)
  })

  // proves: SEND-5
  test('in money counts what each message costs, by country and channel', async () => {
    const setup = await setupFlow(kind, {
      ...open,
      voice: true,
      budget: {
        money: { perDay: 1, prices: { US: { sms: 0.1, voice: 0.25 }, default: 0.3 } },
      },
    })
    const handle = await sendCode(setup)
    await setup.advance(2)
    expect(await statusOf(setup.flow.resend({ handle, via: 'voice' }))).toBe('sent')
    const german = { number: phone('DE', 1), address: newAddress() }
    expect(await statusOf(setup.flow.send(german))).toBe('sent')
    // 0.65 are spent. A message to Austria would make it 0.95, one more call 1.20.
    const austrian = { number: phone('AT', 1), address: newAddress() }
    expect(await statusOf(setup.flow.send(austrian))).toBe('sent')
    await setup.advance(2)
    expect(await failure(setup.flow.resend({ handle, via: 'voice' }))).toEqual(usedUp)
    expect(await failure(setup.flow.send({ number: numbers[1] }))).toEqual(usedUp)
    expect(budgetEvents(setup)).toMatchObject([
      { type: 'budget.warning', window: 'money', used: 0.95, of: 1 },
      { type: 'budget.exhausted', window: 'money', used: 1, of: 1 },
    ])
  })

  test('in money leaves what a dear message did not get to cheap ones', async () => {
    const setup = await setupFlow(kind, {
      ...open,
      budget: { money: { perDay: 1, prices: { DE: 0.6, default: 0.2 } } },
    })
    const send = (country: (typeof phoneCountries)[number], index: number) =>
      setup.flow.send({ number: phone(country, index), address: newAddress() })
    expect(await statusOf(send('DE', 0))).toBe('sent')
    expect(await failure(send('DE', 1))).toEqual(usedUp)
    expect(await statusOf(send('AT', 0))).toBe('sent')
    expect(await statusOf(send('AT', 1))).toBe('sent')
    expect(await failure(send('AT', 2))).toEqual(usedUp)
  })

  test('in money is exact for prices that are no binary fractions', async () => {
    // In floats, ten times 0.1 are less than 1, and three times 0.07 more than 0.21.
    for (const [price, perDay, most] of [
      [0.1, 1, 10],
      [0.07, 0.21, 3],
      [0.0001, 0.0007, 7],
      [0.00001, 0.0003, 3],
      [0.0333, 0.0999, 3],
    ] as const) {
      const setup = await setupFlow(kind, {
        ...open,
        budget: { money: { perDay, prices: { default: price } } },
      })
      const outcomes = []
      for (let index = 0; index <= most; index++) {
        const input = { number: phone('DE', 3000 * index), address: newAddress() }
        outcomes.push(await statusOf(setup.flow.send(input)))
      }
      expect([price, ...outcomes]).toEqual([
        price,
        ...Array<string>(most).fill('sent'),
        'ERR_OTP_BUDGET',
      ])
    }
  })

  // proves: SEND-6
  test('in money is exact for fifty at once', async () => {
    const setup = await setupFlow(kind, {
      ...open,
      budget: { money: { perDay: 0.5, prices: { default: 0.07 } } },
    })
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        statusOf(setup.flow.send({ number: phone('DE', 5000 * index), address: newAddress() })),
      ),
    )
    expect(outcomes.filter((status) => status === 'sent').length).toBeLessThanOrEqual(7)
    expect(await setup.count('send')).toBeLessThanOrEqual(7)
  })

  test('is told of once for each mark, whatever comes after', async () => {
    const setup = await setupFlow(kind, { ...open, budget: { perHour: 5, perDay: 1000 } })
    for (let index = 0; index < 12; index++) {
      await statusOf(setup.flow.send({ number: phone('DE', 3000 * index), address: newAddress() }))
    }
    expect(budgetEvents(setup)).toMatchObject([
      { type: 'budget.warning', window: 'hour', used: 4, of: 5 },
      { type: 'budget.exhausted', window: 'hour', used: 5, of: 5 },
    ])
  })
})

const uses = async ({ dump }: TestFlow) => countsOf(await dump())

/** Of the errors that tyntec may answer with, the only one that a person can mend. */
const aboutNumber = {
  kind: 'status',
  status: 400,
  body: { code: '1002', message: 'Invalid number' },
}

/** A server that ends every connection as soon as it has heard something. */
async function startRude(): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end('no TLS here'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
}

describe('a message that was counted', () => {
  const budget = { perCountryPerDay: 10, money: { perDay: 1, prices: { default: 0.07 } } }
  /** What stays with its address and its range, whatever becomes of it. */
  const asked = {
    'address sends:3600': 1,
    'address meter': 1,
    'address countries': 1,
    'range meter': 1,
  }
  const sent = {
    ...asked,
    'app hour': 1,
    'app day': 1,
    'app money': 700,
    'country country': 1,
    'country meter': 1,
    'number from:600': 1,
    'number sends:600': 1,
    'number sends:86400': 1,
  }

  const nothingDone: [string, object | (() => Promise<Partial<OtpOptions>>)][] = [
    ['could not connect', async () => ({ baseUrl: 'http://127.0.0.1:9' })],
    ['found no such host', async () => ({ baseUrl: 'https://tyntec.invalid' })],
    ['got no TLS', async () => ({ baseUrl: `https://${await startRude()}` })],
    ['had no key', async () => ({ apiKey: () => Promise.reject(new Error('no vault')) })],
    ['had a wrong key', async () => ({ apiKey: 'not_the_key' })],
    ['got a 400', { kind: 'status', status: 400 }],
    ['got a 400 about the number', aboutNumber],
    ['got a 401', { kind: 'status', status: 401 }],
    ['got a 403', { kind: 'status', status: 403 }],
    ['got a 429', { kind: 'status', status: 429 }],
  ]
  // proves: SEND-10, LOCK-8
  test.each(nothingDone)(
    'is given back to its number and the budgets when tyntec %s',
    async (_, given) => {
      const setup = await setupFlow('redis', { ...open, budget })
      const flow = typeof given === 'function' ? setup.another(await given()) : setup.flow
      if (typeof given === 'object') {
        await setup.fault({ operation: 'otp.send', when: 'before', ...given })
      }
      const outcome = await statusOf(flow.send({ number }))
      expect(outcome).toMatch(/^(invalid_number|ERR_OTP_PROVIDER_(UNAVAILABLE|AUTH|RESPONSE))$/)
      expect(outcome === 'invalid_number').toBe(given === aboutNumber)
      expect(await uses(setup)).toEqual(asked)
      expect(setup.sandbox.messages()).toEqual([])
      await setup.noFaults()
      expect(await statusOf(setup.flow.send({ number }))).toBe('sent')
    },
  )

  const perhapsDone: [string, object, number?][] = [
    ['got a 500', { kind: 'status', status: 500 }],
    ['got a 503', { kind: 'status', status: 503 }],
    ['lost its connection', { kind: 'reset' }],
    ['got nothing', { kind: 'empty' }],
    ['got half an answer', { kind: 'truncate' }],
    ['got what is no JSON', { kind: 'malformed' }],
    ['got a page', { kind: 'html', status: 200 }],
    ['was sent elsewhere', { kind: 'redirect', location: 'https://example.com/' }],
    ['got no answer in eight seconds', { kind: 'hang' }, 15_000],
  ]
  // proves: SEND-10
  test.each(perhapsDone)(
    'stays counted when tyntec %s',
    async (_, fault, timeout = 5000) => {
      const setup = await setupFlow('redis', { ...open, budget })
      await setup.fault({ operation: 'otp.send', when: 'after', times: 1, ...fault })
      await setup.fault({ operation: 'otp.list', when: 'before', kind: 'status', status: 500 })
      const started = performance.now()
      expect(await statusOf(setup.flow.send({ number }))).toBe('unconfirmed')
      expect(performance.now() - started).toBeLessThan(timeout)
      expect(await uses(setup)).toEqual(sent)
      expect(setup.sandbox.messages()).toHaveLength(1)
    },
    20_000,
  )

  // proves: SEND-10
  test('never frees its address, however tyntec refuses', async () => {
    const setup = await setupFlow('redis', open)
    await setup.fault({ operation: 'otp.send', when: 'before', kind: 'status', status: 429 })
    const outcomes: string[] = []
    for (let tries = 0; tries < 12; tries++) {
      const input = { number: phone('DE', 3000 * tries), address: '192.0.2.1' }
      outcomes.push(await statusOf(setup.flow.send(input)))
    }
    expect(outcomes).toEqual([
      ...Array<string>(10).fill('ERR_OTP_PROVIDER_UNAVAILABLE'),
      'rate_limited',
      'rate_limited',
    ])
  })

  test('is given back for a resend whose flow has ended meanwhile', async () => {
    const setup = await setupFlow('redis', { ...open, budget })
    const handle = await sendCode(setup)
    await setup.advance(2)
    const asked = setup.gate.next('resend')
    const resending = statusOf(setup.flow.resend({ handle }))
    const held = await asked
    await setup.flow.cancel({ handle })
    // The code is deleted, so tyntec calls it over.
    await held.answer()
    expect(await resending).toBe('no_pending_code')
    expect(await uses(setup)).toEqual({
      ...sent,
      'address sends:3600': 2,
      'address meter': 2,
      'range meter': 2,
    })
  })

  test('is given back once for a resend that tyntec refused', async () => {
    const setup = await setupFlow('redis', { ...open, budget })
    const handle = await sendCode(setup)
    await setup.advance(2)
    await setup.fault({ operation: 'otp.resend', when: 'before', kind: 'status', status: 429 })
    expect(await failure(setup.flow.resend({ handle }))).toMatchObject({ status: 503 })
    expect(await uses(setup)).toEqual({
      ...sent,
      'address sends:3600': 2,
      'address meter': 2,
      'range meter': 2,
    })
    await setup.noFaults()
    expect(await statusOf(setup.flow.resend({ handle }))).toBe('sent')
  })
})
