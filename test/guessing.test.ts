import { describe, expect, test } from 'vitest'
import type { OtpOptions } from '../src/options/options.js'
import { createSecrets } from '../src/secrets/secrets.js'
import { redisStore } from '../src/store/redis.js'
import { frameworks, number as victimOfApp, setupApp } from './support/app.js'
import {
  flowKinds,
  number,
  numbers,
  rightCode,
  secret,
  sendCode,
  setupFlow,
  signIn,
  statusOf,
  type TestFlow,
} from './support/flow.js'
import { addressOf, phone } from './support/phones.js'
import { createRedis } from './support/redis.js'
import { claim, dumpRedis, newRef, wrong } from './support/stores.js'

const wrongCode = '111111'
const attacker = '192.0.2.66'

/** Messages are not what is limited here. */
const sendsOpen = {
  pumping: 'shadow',
  countries: ['US', 'DE'],
  budget: { perHour: 100_000, perDay: 1_000_000 },
} satisfies Partial<OtpOptions>
const manySends = { sendsPerAddress: { points: 100_000, duration: 3600 } }

/** A flow of another person each, all of them begun by the attacker. */
async function beginMany(setup: TestFlow, count: number, first = 0): Promise<string[]> {
  const handles: string[] = []
  for (let index = first; index < first + count; index++) {
    handles.push(
      await sendCode(setup, { number: phone('DE', 3000 * index), address: addressOf(index) }),
    )
  }
  return handles
}

/** What a browser keeps from a sign-in. */
async function deviceOf({ flow }: Pick<TestFlow, 'flow'>, handle: string): Promise<string> {
  const outcome = await flow.check({ handle, code: rightCode })
  if (outcome.status !== 'verified') throw new Error(outcome.status)
  await flow.complete(outcome.proof)
  return outcome.device
}

const limitsHit = ({ events }: TestFlow) =>
  events.flatMap((event) => (event.type === 'limit.hit' ? [event.limit] : []))

describe.each(flowKinds)('guessing on %s', (kind) => {
  // proves: ATT-5, NET-2
  test.each([
    { title: 'one address', count: 200, address: () => attacker },
    {
      title: 'one /64',
      count: 40,
      address: (index: number) => `2001:db8:0:1::${index.toString(16)}`,
    },
    {
      title: 'addresses that are none',
      count: 40,
      address: (index: number) => `not an address ${index}`,
    },
  ])(
    'one code at each of $count numbers from $title is stopped at ten',
    async ({ count, address }) => {
      const setup = await setupFlow(kind, { ...sendsOpen, limits: manySends })
      const handles = await beginMany(setup, count)
      const outcomes: string[] = []
      for (const [index, handle] of handles.entries()) {
        const input = { handle, code: wrongCode, address: address(index) }
        outcomes.push(await statusOf(setup.flow.check(input)))
      }
      expect(outcomes).toEqual([
        ...Array<string>(10).fill('invalid_code'),
        ...Array<string>(count - 10).fill('rate_limited'),
      ])
      expect(await setup.count('check')).toBe(10)
      expect(new Set(limitsHit(setup))).toEqual(new Set(['failed_numbers_per_address']))
      // Those who were not guessed at have all of their tries.
      const last = handles.at(-1) ?? ''
      for (const code of ['222222', '333333']) {
        expect(await setup.flow.check({ handle: last, code, address: '192.0.2.1' })).toMatchObject({
          status: 'invalid_code',
        })
      }
    },
    30_000,
  )

  // proves: ATT-5
  test('one code at each of 200 numbers at once is stopped at twenty', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      limits: manySends,
      concurrency: { checks: 300 },
    })
    const handles = await beginMany(setup, 200)
    const outcomes = await Promise.all(
      handles.map((handle) =>
        statusOf(setup.flow.check({ handle, code: wrongCode, address: attacker })),
      ),
    )
    // By the count of failures: the numbers are counted when their codes have turned out wrong.
    expect(outcomes.filter((status) => status === 'invalid_code')).toHaveLength(20)
    expect(await setup.count('check')).toBe(20)
    const later = await statusOf(
      setup.flow.check({ handle: handles.at(-1), code: wrongCode, address: attacker }),
    )
    expect(later).toBe('rate_limited')
  }, 30_000)

  // proves: ATT-5
  test('again at the same ten numbers is stopped after twenty', async () => {
    const setup = await setupFlow(kind, { ...sendsOpen, limits: manySends })
    const handles = await beginMany(setup, 10)
    for (let round = 0; round < 3; round++) {
      for (const handle of handles) {
        await statusOf(setup.flow.check({ handle, code: `11111${round}`, address: attacker }))
      }
    }
    expect(await setup.count('check')).toBe(20)
    expect(new Set(limitsHit(setup))).toEqual(new Set(['failures_per_address']))
  })

  // proves: ATT-6
  test('is not forgiven for signing in with a number of its own between', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      limits: { ...manySends, failuresPerAddress: { points: 8, duration: 3600 } },
    })
    const victims = await beginMany(setup, 4)
    let guessed = 0
    for (const [round, victim] of victims.entries()) {
      for (const code of ['111111', '222222', '333333']) {
        const input = { handle: victim, code, address: attacker }
        const status = await statusOf(setup.flow.check(input))
        if (status !== 'rate_limited') guessed += 1
      }
      const own = numbers[round] ?? number
      const handle = await sendCode(setup, { number: own, address: attacker })
      const mine = { handle, code: rightCode, address: attacker }
      // Also the attacker's own sign-in is over then: it has no cookie that would let it in.
      expect(await statusOf(setup.flow.check(mine))).toBe(guessed < 8 ? 'verified' : 'rate_limited')
    }
    expect(guessed).toBe(8)
    const tag = createSecrets([secret]).numberTags(phone('DE', 0))[0]
    expect((await setup.steps.failures(tag)).total).toBe(3)
  })

  // proves: ATT-2
  test('at one number goes on counting through new codes, flows, addresses and cancels', async () => {
    const setup = await setupFlow(kind, { ...sendsOpen, resendWaits: [1] })
    const tag = createSecrets([secret]).numberTags(number)[0]
    const seen: number[] = []
    let asked = 0
    for (let round = 0; round < 4; round++) {
      const outcome = await setup.flow.send({ number, address: addressOf(round) })
      if (outcome.status !== 'sent') break
      const { handle } = outcome
      for (const code of ['111111', '222222', '333333']) {
        const address = addressOf(100 + asked++)
        await statusOf(setup.flow.check({ handle, code, address }))
        seen.push((await setup.steps.failures(tag)).total)
      }
      await setup.flow.cancel({ handle })
      await setup.advance(2)
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5])
    expect(await setup.count('check')).toBe(5)
  })

  // proves: ATT-3
  test('a hundred times in a row disables the number, and nobody is told', async () => {
    const limits = { ...manySends, sendsPerNumber: [{ points: 100, duration: 600 }] }
    const setup = await setupFlow(kind, { ...sendsOpen, resendWaits: [1], limits })
    const tag = createSecrets([secret]).numberTags(number)[0]
    const device = await deviceOf(setup, await sendCode(setup))
    // Waits of 95 failures are long: the store is told of them without.
    const rules = { ...setupRules, freeFailures: 1000 }
    for (let failures = 0; failures < 98; failures++) await failOnceAt(setup, tag, rules)
    await setup.advance(2)
    const handle = await sendCode(setup)
    const first = await setup.flow.check({ handle, code: wrongCode, address: addressOf(1) })
    expect(first.status).toBe('invalid_code')
    await setup.advance(3601)
    const later = await sendCode(setup)
    const last = await setup.flow.check({ handle: later, code: wrongCode, address: addressOf(2) })
    // As any other wrong code.
    expect(last).toEqual(first)
    expect(setup.eventTypes().filter((type) => type === 'number.disabled')).toHaveLength(1)
    await setup.advance(100_000)
    for (const known of [undefined, device]) {
      await setup.advance(2)
      const input = { handle: await sendCode(setup, { device: known }), code: rightCode }
      // As after some wrong codes.
      expect(await setup.flow.check(input)).toEqual({ status: 'rate_limited', retryAfter: 3600 })
    }
    expect((await setup.steps.failures(tag)).total).toBe(100)
    await setup.flow.unlock(number)
    await setup.advance(2)
    expect(await signIn(setup.flow, await sendCode(setup))).toBe('opened')
  }, 30_000)

  // proves: ATT-10
  test('with what is no code costs nobody anything', async () => {
    const setup = await setupFlow(kind, sendsOpen)
    const handle = await sendCode(setup)
    const before = await setup.dump()
    const commands = setup.redis ? await countCommands(setup.redis) : undefined
    const codes = ['', '1', '12345', '1234567', 'abcdef', '①②③④⑤⑥', null, 5, {}, ['111111']]
    for (let tries = 0; tries < 1000; tries++) {
      const input = { handle, code: codes[tries % codes.length], address: attacker }
      expect(await statusOf(setup.flow.check(input))).toMatch(
        /^(malformed_code|code_required|bad_request)$/,
      )
    }
    if (commands) expect(await commands()).toBe(0)
    const same = ({ key, value }: (typeof before)[number]) => ({ key, value })
    expect((await setup.dump()).map(same)).toEqual(before.map(same))
    expect(await setup.count('check')).toBe(0)
    for (const code of ['111111', '222222']) {
      expect(await statusOf(setup.flow.check({ handle, code, address: attacker }))).toBe(
        'invalid_code',
      )
    }
    expect(await signIn(setup.flow, handle)).toBe('opened')
  })

  // proves: ATT-5
  test('of many in the whole app is told once', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      limits: manySends,
      guessing: { points: 5, duration: 3600 },
    })
    const handles = await beginMany(setup, 12)
    for (const [index, handle] of handles.entries()) {
      await statusOf(setup.flow.check({ handle, code: wrongCode, address: addressOf(500 + index) }))
    }
    const told = setup.events.filter(({ type }) => type === 'guessing.suspected')
    expect(told).toMatchObject([{ failures: 6 }])
    expect(await setup.count('check')).toBe(12)
  })
})

const setupRules = {
  attempts: 1000,
  freeFailures: 5,
  failureWindow: 900,
  failureWait: 30,
  failureMaxWait: 3600,
  disableAt: 100,
  browserFailures: 10,
  browserWindow: 3600,
}

/** A failure of a number in a flow that nobody knows of. */
async function failOnceAt({ steps: store }: TestFlow, tag: string, rules: typeof setupRules) {
  const ref = newRef(tag)
  const request = {
    reference: ref.flow,
    number: 'sealed',
    via: 'sms',
    lease: 10,
    cooldown: 0.001,
    lifetime: 300,
    current: undefined,
    lookedUp: false,
    lookupEvery: 3,
  } as const
  while ((await store.reserveSend(ref, request)).status !== 'reserved');
  await store.settleSend(ref, ref.flow, {
    result: 'sent',
    otp: 'sealed',
    lifetime: 300,
    maxLifetime: 600,
  })
  const { status, attemptId } = await claim(store, ref, {}, rules)
  if (status !== 'claimed') throw new Error(status)
  await store.settleCheck(ref, attemptId, wrong, rules)
}

async function countCommands(redis: NonNullable<TestFlow['redis']>) {
  const sent: string[] = []
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, ...rest) => {
    sent.push(command.name)
    return send(command, ...rest)
  }
  return async () => sent.length
}

describe.each(frameworks)('guessing on %s', (framework) => {
  // proves: ATT-8
  test('counts a wrong code whose browser has left', async () => {
    const { redis, prefix } = await createRedis()
    const app = await setupApp({
      framework,
      flow: { store: redisStore(redis, { prefix, timeout: 3 }), secret },
    })
    const tag = createSecrets([secret]).numberTags(victimOfApp)[0]
    const client = app.client()
    await client.post('/login/send', { number: victimOfApp })
    await app.fault({ operation: 'otp.check', when: 'after', kind: 'delay', ms: 150 })
    const request = client.begin('/login/check', { code: wrongCode })
    await expect.poll(app.requests).toContain('check')
    request.leave()
    await request.left
    const total = async () => {
      const kept = await dumpRedis(redis, prefix)
      const record = kept.find(({ key }) => key === `{${tag}}:number`)?.value
      return (record as { failures?: { total: number } } | undefined)?.failures?.total
    }
    await expect.poll(total).toBe(1)
    await app.clearFaults()
    const check = async (code: string) => (await client.post('/login/check', { code })).status
    // Until the first one is over, others have to wait.
    await expect.poll(() => check('222222')).toBe(401)
    expect(await check('333333')).toBe(410)
    expect(await total()).toBe(3)
  })

  // proves: ATT-8
  test('counts a try although opening the session fails', async () => {
    const { redis, prefix } = await createRedis()
    const app = await setupApp({
      framework,
      flow: { store: redisStore(redis, { prefix, timeout: 3 }), secret },
      trustProxy: 1,
      verify: () => {
        throw new Error('the users are away')
      },
    })
    const client = app.client()
    const from = { headers: { 'x-forwarded-for': '192.0.2.1' } }
    await client.post('/login/send', { number: victimOfApp }, from)
    await client.post('/login/check', { code: wrongCode }, from)
    const failed = await client.post('/login/check', { code: rightCode }, from)
    expect(failed.status).toBeGreaterThanOrEqual(500)
    const kept = await dumpRedis(redis, prefix)
    const address = kept.find(({ key }) => key.startsWith('address:'))
    expect(address?.value).toMatchObject({ uses: { failures: { n: 1 } } })
  })
})

describe.each(flowKinds)('people on %s', (kind) => {
  // proves: NET-4
  test('are 200 behind one address, and all sign in', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      pumping: 'enforce',
      limits: manySends,
    })
    const address = '192.0.2.1'
    const people = Array.from({ length: 200 }, (_, index) => phone('DE', 3000 * index))
    const outcomes: string[] = []
    const person = async (each: string) => {
      const handle = await sendCode(setup, { number: each, address })
      const code = setup.sandbox.messages().findLast(({ to }) => to === each)?.code
      outcomes.push(await statusOf(setup.flow.check({ handle, code, address })))
    }
    // As many as can have a code on its way at once.
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let next = people.pop(); next; next = people.pop()) await person(next)
      }),
    )
    expect(outcomes).toEqual(Array(200).fill('verified'))
    expect(limitsHit(setup)).toEqual([])
  }, 30_000)

  // proves: LOCK-1, NET-4
  test('who are known sign in behind an address whose failures are used up', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      resendWaits: [1],
      limits: { ...manySends, failuresPerAddress: { points: 3, duration: 3600 } },
    })
    const address = '192.0.2.1'
    const device = await deviceOf(setup, await sendCode(setup, { address }))
    await setup.advance(2)
    const handles = await beginMany(setup, 4)
    for (const handle of handles) {
      await statusOf(setup.flow.check({ handle, code: wrongCode, address }))
    }
    expect(limitsHit(setup)).toEqual(['failures_per_address'])
    const stranger = await sendCode(setup, { number: numbers[1], address })
    const input = { handle: stranger, code: rightCode, address }
    expect(await statusOf(setup.flow.check(input))).toBe('rate_limited')
    const owner = await sendCode(setup, { address, device })
    expect(await statusOf(setup.flow.check({ handle: owner, code: wrongCode, address }))).toBe(
      'invalid_code',
    )
    expect(await statusOf(setup.flow.check({ handle: owner, code: rightCode, address }))).toBe(
      'verified',
    )
  })

  test('who are known and mistype cost the others behind their address nothing', async () => {
    const setup = await setupFlow(kind, {
      ...sendsOpen,
      resendWaits: [1],
      limits: {
        ...manySends,
        failuresPerAddress: { points: 1, duration: 3600 },
        failedNumbersPerAddress: { points: 1, duration: 3600 },
      },
    })
    const address = '192.0.2.1'
    const device = await deviceOf(setup, await sendCode(setup, { address }))
    await setup.advance(2)
    const owner = await sendCode(setup, { address, device })
    for (const code of ['111111', '222222']) {
      expect(await statusOf(setup.flow.check({ handle: owner, code, address }))).toBe(
        'invalid_code',
      )
    }
    const [stranger = ''] = await beginMany(setup, 1)
    const input = { handle: stranger, code: wrongCode, address }
    expect(await statusOf(setup.flow.check(input))).toBe('invalid_code')
  })

  test('who type the right code cost their address no number', async () => {
    const limits = { ...manySends, failedNumbersPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const address = '192.0.2.1'
    for (const each of numbers) {
      const handle = await sendCode(setup, { number: each, address })
      expect(await statusOf(setup.flow.check({ handle, code: rightCode, address }))).toBe(
        'verified',
      )
    }
  })

  test('who mistype and sign in after all cost their address no number', async () => {
    const limits = { ...manySends, failedNumbersPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const address = '192.0.2.1'
    const check = (handle: string, code: string) =>
      statusOf(setup.flow.check({ handle, code, address }))
    for (const each of numbers) {
      const handle = await sendCode(setup, { number: each, address })
      expect(await check(handle, '111111')).toBe('invalid_code')
      expect(await check(handle, '222222')).toBe('invalid_code')
      expect(await check(handle, rightCode)).toBe('verified')
    }
  })

  test('cost their address no number but their own by signing in', async () => {
    const limits = { ...manySends, failedNumbersPerAddress: { points: 2, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const address = '192.0.2.1'
    const own = await sendCode(setup)
    const [other = '', third = '', fourth = ''] = await beginMany(setup, 3)
    const check = (handle: string, code: string) =>
      statusOf(setup.flow.check({ handle, code, address }))
    expect(await check(own, wrongCode)).toBe('invalid_code')
    expect(await check(other, wrongCode)).toBe('invalid_code')
    expect(await check(own, rightCode)).toBe('verified')
    expect(await check(third, wrongCode)).toBe('invalid_code')
    expect(await check(fourth, wrongCode)).toBe('rate_limited')
  })

  test('who have mistyped may go on with their own number', async () => {
    const limits = { ...manySends, failedNumbersPerAddress: { points: 1, duration: 3600 } }
    const setup = await setupFlow(kind, { ...sendsOpen, limits })
    const address = '192.0.2.1'
    const [one = '', other = ''] = await beginMany(setup, 2)
    const check = (handle: string, code: string) =>
      statusOf(setup.flow.check({ handle, code, address }))
    expect(await check(one, '111111')).toBe('invalid_code')
    expect(await check(other, '111111')).toBe('rate_limited')
    expect(await check(one, '222222')).toBe('invalid_code')
  })
})

describe('a stranger who knows a number', () => {
  // proves: LOCK-5, SEND-2
  test('gets it ten messages in a day, from wherever, and its owner three more', async () => {
    const setup = await setupFlow('redis', { ...sendsOpen, resendWaits: [30] })
    const device = await deviceOf(setup, await sendCode(setup))
    let address = 0
    const step = 590
    for (let time = 0; time < 86_000; time += step) {
      const outcome = await setup.flow.send({ number, address: addressOf(address++) })
      if (outcome.status === 'sent') {
        await setup.advance(31)
        const { handle } = outcome
        await statusOf(setup.flow.resend({ handle, address: addressOf(address++) }))
      }
      await setup.advance(step - (outcome.status === 'sent' ? 31 : 0))
    }
    // With the one of the sign-in before.
    expect(setup.sandbox.messages()).toHaveLength(10)
    for (let sends = 0; sends < 5; sends++) {
      await statusOf(setup.flow.send({ number, device, address: addressOf(address++) }))
      await setup.advance(31)
    }
    expect(setup.sandbox.messages()).toHaveLength(13)
  }, 60_000)

  // proves: LOCK-6
  test('lets nobody wait for more than an hour', async () => {
    const setup = await setupFlow('redis', { ...sendsOpen, limits: manySends })
    const tag = createSecrets([secret]).numberTags(number)[0]
    const waits: number[] = []
    for (let failures = 0; failures < 40; failures++) {
      await failOnceAt(setup, tag, setupRules)
      const { wait } = await setup.steps.failures(tag)
      waits.push(wait)
      await setup.advance(wait + 0.01)
    }
    expect(waits.slice(0, 13)).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
    expect(Math.max(...waits)).toBe(3600)
  })
})
