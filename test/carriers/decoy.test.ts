import type { RequestListener, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createEvents, type OtpEvent } from '../../src/events.js'
import { createDecoys } from '../../src/carriers/decoy.js'
import { createPressure } from '../../src/carriers/pressure.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { createMemoryStore } from '../../src/store/memory.js'
import type { Via } from '../../src/tyntec/index.js'
import { serve } from '../tyntec/servers.js'
import { failureOf, number, otp, otpId, setupClient } from '../tyntec/setup.js'

/*
 * What a decoy says at each call, given what tyntec has lately said to others. Whether anybody can tell is in
 * the files enumeration*.test.ts.
 */

const key = 'the secret of the tests, longer than 32 bytes'
const code = '111111'
const expected = { number, counted: 0 }

type Answer = [status: number, body?: unknown]

interface Given {
  attempts?: number
  concurrency?: { sends: number; checks: number }
  /** In place of an answer. */
  hold?: (response: ServerResponse) => void
}

async function setup({ attempts = 3, concurrency, hold }: Given = {}) {
  /** By method. What is not there is not known to tyntec. */
  let answers: Record<string, Answer> = {}
  const answer: RequestListener = (request, response) => {
    if (hold) {
      hold(response)
      return
    }
    const { method = '' } = request
    const [status, body] = answers[method] ?? [404]
    response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
  const server = await serve(answer)
  const secrets = createSecrets([key])
  const events: OtpEvent[] = []
  const store = createMemoryStore(() => performance.now())
  const decoys = createDecoys(
    secrets,
    attempts,
    createEvents((event) => events.push(event), undefined),
    store,
  )
  onTestFinished(() => decoys.close())
  const client = decoys.observed(setupClient(server.url))
  const pressure = createPressure(client, concurrency ?? { sends: 50, checks: 50 })
  const step = () => decoys.enter(pressure.enter()).otp
  const [real, decoy] = [secrets.createReference(true), secrets.createReference(false)]
  const decoyId = secrets.createDecoyId('3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5c')
  return {
    answers: (given: Record<string, Answer>) => (answers = given),
    asked: () => server.requests.splice(0).map(({ method }) => method),
    requests: server.requests,
    step,
    send: (referenceId: string, via: Via = 'SMS') => step().send({ number, via, referenceId }),
    real,
    decoy,
    decoyId,
    isDecoy: secrets.isDecoyId,
    close: decoys.close,
    events,
    store,
  }
}

/** Moves the clock of the process, until the test ends. */
function moveClock(): (seconds: number) => void {
  const now = performance.now.bind(performance)
  let ahead = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  onTestFinished(() => void vi.restoreAllMocks())
  return (seconds) => (ahead += seconds * 1000)
}

describe('a decoy asks tyntec for nothing that it could do', () => {
  test('and lets through what is none', async () => {
    const { step, send, answers, asked, requests, real, decoy, decoyId, isDecoy } = await setup()
    answers({ POST: [201, otp], DELETE: [204] })
    expect(await send(real)).toMatchObject({ otpId })
    await step().resend(otpId)
    await step().delete(otpId)
    expect(asked()).toEqual(['POST', 'POST', 'DELETE'])

    const sent = await send(decoy)
    expect(isDecoy(sent.otpId)).toBe(true)
    expect(await step().resend(decoyId)).toEqual({ result: 'sent', otp: { otpId: decoyId } })
    expect(await step().delete(decoyId)).toBe(true)
    await step().check(decoyId, code, expected)
    await step().read(decoyId, expected)
    await step().find(number, decoy)
    const paths = requests.map(({ method, path }) => `${method} ${path}`)
    expect(paths).toEqual(
      Array(6).fill(expect.stringMatching(/^GET \/2fa\/v1\/otp\/[\da-f-]{36}$/)),
    )
    for (const path of paths) {
      expect(path).not.toContain(decoyId)
      expect(path).not.toContain(sent.otpId)
    }
  })

  test.each([
    ['sends', 'send', 'check'],
    ['sends', 'resend', 'delete'],
    ['checks', 'check', 'send'],
    ['checks', 'read', 'resend'],
    ['others', 'list', 'check'],
    ['others', 'delete', 'send'],
  ] as const)('and takes a place among the %s for a %s', async (share, name, free) => {
    const open: ServerResponse[] = []
    let holds = true
    const { step, send, decoy, decoyId } = await setup({
      concurrency: share === 'sends' ? { sends: 1, checks: 9 } : { sends: 9, checks: 1 },
      // What is read is asked for once more.
      hold: (response) => void (holds ? open.push(response) : response.destroy()),
    })
    const calls = {
      send: () => send(decoy),
      resend: () => step().resend(decoyId),
      check: () => step().check(decoyId, code, expected),
      read: () => step().read(decoyId, expected),
      list: () => step().find(number, decoy),
      delete: () => step().delete(decoyId),
    }
    const taking = failureOf(calls[name]())
    await expect.poll(() => open.length).toBe(1)
    expect(await failureOf(calls[name]())).toMatchObject({ retryAfter: 2 })
    const other = failureOf(calls[free]())
    await expect.poll(() => open.length).toBe(2)
    holds = false
    for (const response of open) response.destroy()
    await Promise.all([taking, other])
  })
})

describe('how long a decoy lives', () => {
  test('is as long as the latest code, once there was one', async () => {
    const { send, answers, real, decoy } = await setup()
    expect(Object.keys(await send(decoy))).toEqual(['otpId'])
    answers({ POST: [201, { ...otp, created: 5_000, expire: 125_000 }] })
    await send(real)
    expect(await send(decoy)).toMatchObject({ created: 0, expire: 120_000 })
    for (const said of [
      { created: 5_000, expire: 5_000 },
      { created: 9_000, expire: 5_000 },
      { created: null, expire: 5_000 },
      { created: 5_000, expire: null },
    ]) {
      answers({ POST: [201, { ...otp, ...said }] })
      await send(real)
      expect(await send(decoy)).toMatchObject({ created: 0, expire: 120_000 })
    }
  })
})

describe('how many tries a decoy takes', () => {
  const wrong = (attemptCount: number): Answer => [401, { ...otp, attemptCount }]
  const over = (attemptCount: number): Answer => [
    401,
    { ...otp, attemptCount, otpStatus: 'TOO_MANY_ATTEMPTS' },
  ]
  type Setup = Awaited<ReturnType<typeof setup>>
  const realCheck = ({ step }: Setup) => step().check(otpId, code, expected)
  /** The decoy's own answers to so many tries. */
  const triesOf = async ({ step, decoyId }: Setup, most = 8) => {
    const results: string[] = []
    for (let counted = 0; counted < most; counted += 1) {
      const { result, otp: told } = await step().check(decoyId, code, { number, counted })
      expect(told).toEqual({ otpId: decoyId, attemptCount: counted + 1 })
      results.push(result)
      if (result === 'over') break
    }
    return results
  }
  const ends = (tries: number) => [...Array<string>(tries - 1).fill('wrong'), 'over']

  test.each([
    [1, 3],
    [3, 3],
    [5, 5],
  ])('is usual at first: with %i of ours %i', async (attempts, tries) => {
    const all = await setup({ attempts })
    expect(await triesOf(all)).toEqual(ends(tries))
    const last = { number, counted: tries - 1 }
    expect(await all.step().check(all.decoyId, code, last)).toEqual({
      result: 'over',
      end: 'attempts',
      counted: true,
      otp: { otpId: all.decoyId, attemptCount: tries },
    })
    // A look at what became of the last one says the same.
    expect(await all.step().read(all.decoyId, { number, counted: tries })).toEqual({
      otpId: all.decoyId,
      attemptCount: tries,
      otpStatus: 'TOO_MANY_ATTEMPTS',
    })
    expect(await all.step().read(all.decoyId, last)).toMatchObject({ otpStatus: 'ACTIVE' })
  })

  test('is as many as tyntec has shown', async () => {
    const all = await setup()
    all.answers({ POST: wrong(2) })
    await realCheck(all)
    expect(await triesOf(all)).toEqual(ends(3))
    all.answers({ POST: wrong(3) })
    await realCheck(all)
    expect(await triesOf(all)).toEqual(ends(4))
    all.answers({ POST: wrong(5) })
    await realCheck(all)
    expect(await triesOf(all)).toEqual(ends(6))
    // A code that was tried for the second time shows nothing new.
    all.answers({ POST: wrong(2) })
    await realCheck(all)
    expect(await triesOf(all)).toEqual(ends(6))
    all.answers({ POST: over(2) })
    await realCheck(all)
    expect(await triesOf(all)).toEqual(ends(2))
  })

  test('is nothing that a code which is right or has expired shows', async () => {
    const all = await setup()
    for (const answer of [
      [202, { ...otp, attemptCount: 5, otpStatus: 'VERIFIED' }],
      [401, { ...otp, attemptCount: 1, otpStatus: 'EXPIRED' }],
      [410],
      over(0),
    ] as Answer[]) {
      all.answers({ POST: answer })
      await realCheck(all)
    }
    expect(await triesOf(all)).toEqual(ends(3))
  })
})

describe('what a look at an answer that was lost says of a decoy', () => {
  const listed = (referenceId: string): Answer => [
    200,
    [
      { ...otp, referenceId: 'another' },
      { ...otp, referenceId },
    ],
  ]

  test('a send is there when the latest one was, for a minute', async () => {
    const { step, answers, real, decoy, isDecoy } = await setup()
    const tick = moveClock()
    const look = () => step().find(number, decoy)
    expect(await look()).toBeUndefined()
    answers({ GET: listed(real) })
    expect(await step().find(number, real)).toMatchObject({ referenceId: real })
    answers({})
    const found = await look()
    expect(found).toMatchObject({ referenceId: decoy })
    expect(isDecoy(found?.otpId ?? '')).toBe(true)
    tick(59)
    expect(await look()).toMatchObject({ referenceId: decoy })
    tick(2)
    expect(await look()).toBeUndefined()

    answers({ GET: listed(real) })
    await step().find(number, real)
    answers({ GET: listed('of somebody else') })
    await step().find(number, real)
    answers({})
    expect(await look()).toBeUndefined()
  })

  test('a check was counted when the latest one was, for a minute', async () => {
    const { step, answers, decoyId } = await setup()
    const tick = moveClock()
    const look = async () => {
      const seen = await step().read(decoyId, { number, counted: 1 })
      expect(seen).toEqual({
        otpId: decoyId,
        attemptCount: seen?.attemptCount,
        otpStatus: 'ACTIVE',
      })
      return seen?.attemptCount
    }
    const real = async (attemptCount: number | null, counted: number) => {
      answers({ GET: [200, { ...otp, attemptCount }] })
      await step().read(otpId, { number, counted })
      answers({})
    }
    expect(await look()).toBe(1)
    await real(2, 1)
    expect(await look()).toBe(2)
    // One of which tyntec doesn't say how often it was tried says nothing.
    await real(null, 1)
    expect(await step().read(otpId, expected)).toBeUndefined()
    expect(await look()).toBe(2)
    tick(59)
    expect(await look()).toBe(2)
    tick(2)
    expect(await look()).toBe(1)
    await real(2, 1)
    await real(2, 2)
    expect(await look()).toBe(1)
    // The one that is counted may be the last.
    await real(2, 1)
    expect(await step().read(decoyId, { number, counted: 2 })).toMatchObject({
      attemptCount: 3,
      otpStatus: 'TOO_MANY_ATTEMPTS',
    })
  })
})

test('an answer about another number is none', async () => {
  const { step, answers } = await setup()
  const other = { ...otp, number: '+12015550199' }
  answers({ POST: [202, { ...other, otpStatus: 'VERIFIED' }], GET: [200, other] })
  const check = step().check(otpId, code, expected)
  expect(await failureOf(check)).toMatchObject({ code: 'ERR_OTP_PROVIDER_RESPONSE' })
  const read = step().read(otpId, expected)
  expect(await failureOf(read)).toMatchObject({ code: 'ERR_OTP_PROVIDER_RESPONSE' })
})

describe('a failure of tyntec', () => {
  const kinds = ['send', 'resend', 'check', 'delete'] as const
  type Kind = (typeof kinds)[number]
  const callsOf = ({ step, send, real, decoy, decoyId }: Awaited<ReturnType<typeof setup>>) => {
    const known: Record<Kind, () => Promise<unknown>> = {
      send: () => send(real),
      resend: () => step().resend(otpId),
      check: () => step().check(otpId, code, expected),
      delete: () => step().delete(otpId),
    }
    const unknown: Record<Kind, () => Promise<unknown>> = {
      send: () => send(decoy),
      resend: () => step().resend(decoyId),
      check: () => step().check(decoyId, code, expected),
      delete: () => step().delete(decoyId),
    }
    return { known, unknown }
  }
  const well: Record<string, Answer> = { POST: [200, otp], DELETE: [204], GET: [404] }
  const wellFor = (kind: Kind): Record<string, Answer> =>
    kind === 'check' ? { ...well, POST: [202, { ...otp, otpStatus: 'VERIFIED' }] } : well

  test.each(kinds)(
    'of a %s is that of the next decoys, until one is well or for a minute',
    async (kind) => {
      const all = await setup()
      const tick = moveClock()
      const { known, unknown } = callsOf(all)
      const fail = async () => {
        all.answers({ ...well, POST: [500], DELETE: [500] })
        const failure = await failureOf(known[kind]())
        all.answers(wellFor(kind))
        return failure
      }
      const first = await fail()
      expect(await failureOf(unknown[kind]())).toBe(first)
      for (const other of kinds) if (other !== kind) await unknown[other]()
      tick(59)
      expect(await failureOf(unknown[kind]())).toBe(first)
      tick(2)
      await unknown[kind]()

      await fail()
      await known[kind]()
      await unknown[kind]()
    },
  )

  test('is told as late as it was', async () => {
    const all = await setup()
    const { known, unknown } = callsOf(all)
    const tick = moveClock()
    all.answers({ ...well, POST: [500] })
    const failing = failureOf(known.send())
    // While it is on its way.
    tick(0.3)
    await failing
    all.answers(well)
    const started = performance.now()
    await failureOf(unknown.send())
    expect(performance.now() - started).toBeGreaterThan(290)
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('that only known numbers can have is told to the operator, and to nobody else', async () => {
    const all = await setup()
    const { known, unknown } = callsOf(all)
    all.answers({ ...well, POST: [400, { code: '1000', message: 'Invalid number' }] })
    const { otpId: id } = await all.send(all.real)
    expect(all.isDecoy(id)).toBe(true)
    expect(await known.resend()).toEqual({ result: 'sent', otp: { otpId } })
    expect(all.events).toMatchObject([
      { type: 'error', step: 'send', code: 'ERR_OTP_PROVIDER_RESPONSE' },
      { type: 'error', step: 'resend', code: 'ERR_OTP_PROVIDER_RESPONSE' },
    ])
    await unknown.send()
    await unknown.resend()
    // Of a check the person is told, and so is the next one.
    const failure = await failureOf(known.check())
    expect(failure).toMatchObject({ code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'no' })
    expect(await failureOf(unknown.check())).toBe(failure)
  })

  test('that is not about the number is the whole account’s, and hits decoys as well', async () => {
    const all = await setup()
    const { known, unknown } = callsOf(all)
    all.answers({ ...well, POST: [400, { code: '1234', message: 'Insufficient balance' }] })
    for (const call of ['send', 'resend'] as const) {
      const failure = await failureOf(known[call]())
      expect(failure).toMatchObject({ provider: { code: '1234', message: 'Insufficient balance' } })
      expect(await failureOf(unknown[call]())).toBe(failure)
    }
    all.answers(well)
    await known.send()
    await unknown.send()
    // The flow tells of what it is thrown.
    expect(all.events).toEqual([])
  })

  test('that nobody can be spared is passed on', async () => {
    const all = await setup()
    const { known } = callsOf(all)
    all.answers({ ...well, POST: [500] })
    expect(await failureOf(known.send())).toMatchObject({ code: 'ERR_OTP_PROVIDER_UNAVAILABLE' })
    all.answers({ ...well, POST: [401, { message: 'no such key' }] })
    expect(await failureOf(known.resend())).toMatchObject({ code: 'ERR_OTP_PROVIDER_AUTH' })
    all.answers({ ...well, POST: [200, 'nothing of tyntec'] })
    expect(await failureOf(known.send())).toMatchObject({ processed: 'unknown' })
    expect(all.events).toEqual([])
  })
})

describe('how long a decoy takes', () => {
  /** What another process has seen. */
  async function seen(times: Record<string, number[]>, given: Given = {}) {
    const all = await setup(given)
    await all.store.keepNote('pace', JSON.stringify({ times }), 60)
    const took = async (call: () => Promise<unknown>) => {
      const started = performance.now()
      await call()
      return performance.now() - started
    }
    return { ...all, took }
  }
  const slow = Array<number>(30).fill(400)
  const slower = Array<number>(30).fill(800)

  test('is what calls of its kind have taken', async () => {
    const { took, send, step, decoy, decoyId } = await seen({
      'send SMS': slow,
      'send VOICE': slower,
      'resend SMS': slower,
      'resend VOICE': slow,
      check: slow,
    })
    const all = await Promise.all([
      took(() => send(decoy)),
      took(() => step().send({ number, referenceId: decoy })),
      took(() => send(decoy, 'VOICE')),
      took(() => step().resend(decoyId)),
      took(() => step().resend(decoyId, { via: 'VOICE' })),
      took(() => step().check(decoyId, code, expected)),
      took(() => step().delete(decoyId)),
    ])
    const about = all.map((time) => (time < 200 ? 0 : time < 600 ? 400 : 800))
    expect(about).toEqual([400, 400, 800, 800, 400, 400, 0])
  })

  test('is that of a send where there was no resend yet, and of a message where there was no call', async () => {
    const messages = await seen({ 'send SMS': slow })
    const { step, decoyId } = messages
    expect(await messages.took(() => step().resend(decoyId, { via: 'VOICE' }))).toBeGreaterThan(380)
    expect(await messages.took(() => step().resend(decoyId))).toBeGreaterThan(380)
    expect(await messages.took(() => step().check(decoyId, code, expected))).toBeLessThan(300)
    const calls = await seen({ 'send SMS': [], 'send VOICE': slow })
    const voice = () => calls.step().resend(calls.decoyId, { via: 'VOICE' })
    expect(await calls.took(voice)).toBeGreaterThan(380)
    expect(await calls.took(() => calls.step().resend(calls.decoyId))).toBeLessThan(300)
  })

  test('is more when tyntec is slower than it was, and less when it is quicker', async () => {
    const fast = Array<number>(22).fill(30)
    const times = [...fast, ...Array<number>(8).fill(700)]
    for (const [before, now, least, most] of [
      [0, 600, 650, 1500],
      [600, 0, 0, 450],
    ] as const) {
      const delay = { ms: before as number }
      const hold = (response: ServerResponse) => {
        setTimeout(() => response.writeHead(404).end(), delay.ms)
      }
      const { took, send, step, decoy, decoyId } = await seen({ 'send SMS': times }, { hold })
      const check = () => step().check(decoyId, code, expected)
      await Promise.all(Array.from({ length: 12 }, check))
      delay.ms = now
      const sends = Array.from({ length: 3 }, () => took(() => send(decoy)))
      for (const time of await Promise.all(sends)) {
        expect(time).toBeGreaterThanOrEqual(least)
        expect(time).toBeLessThan(most)
      }
    }
  })

  test('is told to other processes with what else was seen', async () => {
    const { send, step, answers, real, store, close } = await setup()
    answers({ POST: [201, { ...otp, created: 0, expire: 240_000 }], DELETE: [204] })
    await send(real)
    await send(real, 'VOICE')
    await step().send({ number, referenceId: real })
    await step().resend(otpId)
    await step().resend(otpId, { via: 'VOICE' })
    await step().delete(otpId)
    answers({ POST: [401, { ...otp, attemptCount: 4 }] })
    await step().check(otpId, code, expected)
    answers({ POST: [500] })
    await failureOf(send(real))
    await close()
    const time = expect.any(Number)
    expect(JSON.parse((await store.note('pace')) ?? '')).toEqual({
      times: {
        'send SMS': [time, time],
        'send VOICE': [time],
        'resend SMS': [time],
        'resend VOICE': [time],
        delete: [time],
        check: [time],
      },
      lifetime: 240_000,
      tries: 5,
    })
  })

  test('and lives is what others have seen, until it shows here', async () => {
    const { send, step, answers, real, decoy, decoyId, store } = await setup()
    await store.keepNote('pace', JSON.stringify({ times: {}, lifetime: 100_000, tries: 2 }), 60)
    await send(decoy)
    expect(await send(decoy)).toMatchObject({ expire: 100_000 })
    expect(await step().check(decoyId, code, { number, counted: 1 })).toMatchObject({
      result: 'over',
    })
    answers({ POST: [201, { ...otp, created: 0, expire: 240_000 }] })
    await send(real)
    expect(await send(decoy)).toMatchObject({ expire: 240_000 })
  })

  test('and lives is not what others have seen once it has shown here', async () => {
    const { send, step, answers, real, decoy, decoyId, store } = await setup()
    answers({ POST: [201, { ...otp, created: 0, expire: 240_000 }] })
    const keep = store.keepNote('pace', JSON.stringify({ times: {}, lifetime: 1, tries: 9 }), 60)
    await Promise.all([keep, send(real)])
    expect(await send(decoy)).toMatchObject({ expire: 240_000 })
    expect(await step().check(decoyId, code, { number, counted: 7 })).toMatchObject({
      result: 'wrong',
    })
  })
})
