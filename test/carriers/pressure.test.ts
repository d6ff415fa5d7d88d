import type { RequestListener, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { createPressure, type Access } from '../../src/carriers/pressure.js'
import { serve } from '../tyntec/servers.js'
import { number, otp, otpId, setupClient } from '../tyntec/setup.js'

/*
 * What counts as a tyntec that fails, and which calls share their places. The flow's own tests are in
 * test/pressure.test.ts.
 */

const ask = { via: 'SMS', number } as const
/** A send to one of many people: what tyntec refuses of one says nothing of the others. */
const askFor = (person: number) => ({ via: 'SMS', number: `+1201555${1000 + person}` }) as const

function answering(status: number, body?: unknown): RequestListener {
  return (_request, response) => {
    response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
}

async function setup(answer: RequestListener, concurrency = { sends: 50, checks: 50 }) {
  const server = await serve(answer)
  const pressure = createPressure(setupClient(server.url), concurrency)
  const access = () => pressure.enter()
  return { access, requests: server.requests }
}

function rests(access: Access): boolean {
  try {
    access.refuseEarly('sends')
    return false
  } catch (error) {
    return error instanceof OtpError && error.message.includes('rest')
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: unknown) => {
      if (!(error instanceof OtpError)) throw error
      return `${error.code} ${error.retryAfter}`
    },
  )
}

describe('forty calls', () => {
  test.each([
    ['that get a 500', answering(500)],
    ['that get a 429', answering(429)],
    ['that get a 401 for their key', answering(401)],
    ['that get what is no JSON', answering(200, 'nothing of tyntec')],
  ])('%s give tyntec a rest', async (_, answer) => {
    const { access, requests } = await setup(answer)
    for (let calls = 0; calls < 40; calls += 1) await codeOf(access().otp.send(askFor(calls)))
    await expect.poll(() => rests(access())).toBe(true)
    const asked = requests.length
    expect(await codeOf(access().otp.send(ask))).toBe('ERR_OTP_PROVIDER_UNAVAILABLE 5')
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    expect(requests).toHaveLength(asked)
  })

  test.each([
    ['whose parameters are refused', 'send', answering(400, { code: '1000', message: 'no' })],
    ['of which tyntec knows nothing', 'read', answering(404)],
    ['that are wrong codes', 'check', answering(401, { ...otp, otpStatus: 'ACTIVE' })],
  ] as const)('%s are no reason for one', async (_, call, answer) => {
    const { access, requests } = await setup(answer)
    for (let calls = 0; calls < 60; calls += 1) {
      const calling = access().otp
      await codeOf(
        call === 'send'
          ? calling.send(askFor(calls))
          : call === 'read'
            ? calling.read(otpId, { number: askFor(calls).number })
            : // It is about the one number that tyntec's answer names, so it says less.
              calling.check(otpId, '111111', { number }),
      )
    }
    expect(requests).toHaveLength(60)
    access().refuseEarly('sends')
  })

  test('that are a misuse, and fail here, are none of tyntec', async () => {
    const { access, requests } = await setup(answering(200, otp))
    const bad: unknown = { number: [number] }
    for (let calls = 0; calls < 60; calls += 1) {
      // Callers in JavaScript have no types that forbid it.
      expect(await codeOf(access().otp.send(bad as typeof ask))).toMatch(/^ERR_OTP_MISUSE/)
    }
    expect(await codeOf(access().otp.send(ask))).toBe('answered')
    expect(requests).toHaveLength(1)
  })
})

describe('a rest', () => {
  test('is five seconds, then one step tries, and others wait for its end', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let status = 500
    const { access, requests } = await setup((request, response) =>
      answering(status, otp)(request, response),
    )
    for (let calls = 0; calls < 40; calls += 1) await codeOf(access().otp.send(askFor(calls)))
    await expect.poll(() => rests(access())).toBe(true)
    const asked = requests.length
    vi.advanceTimersByTime(4900)
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    expect(await codeOf(access().otp.find(number, 'reference'))).toBe(
      'ERR_OTP_PROVIDER_UNAVAILABLE 5',
    )
    expect(requests).toHaveLength(asked)
    vi.advanceTimersByTime(100)
    // Who has only arrived has not tried: many may arrive, the first who asks is the one that tries.
    access().refuseEarly('sends')
    const scout = access()
    const failing = codeOf(scout.otp.send(ask))
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    expect(() => access().take('checks')).toThrow('rest')
    expect(() => scout.take('sends')).not.toThrow()
    expect(await failing).toMatch(/^ERR_OTP_PROVIDER_UNAVAILABLE/)
    scout.leave()
    // And one about nobody.
    await expect.poll(() => requests.length).toBe(asked + 2)
    // It has failed as well, so that the rest begins again.
    vi.advanceTimersByTime(4900)
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    vi.advanceTimersByTime(100)
    status = 200
    expect(await codeOf(access().otp.send(ask))).toBe('answered')
    expect(() => access().refuseEarly('sends')).not.toThrow()
    expect(await codeOf(access().otp.send(ask))).toBe('answered')
  })

  test('waits for the step that tries until that has ended, and for no other', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { access } = await setup(answering(500))
    const early = access()
    early.refuseEarly('sends')
    for (let calls = 0; calls < 40; calls += 1) await codeOf(access().otp.send(askFor(calls)))
    vi.advanceTimersByTime(5000)
    const scout = access()
    await codeOf(scout.otp.send(ask))
    vi.advanceTimersByTime(5000)
    early.leave()
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    scout.leave()
    expect(() => access().refuseEarly('sends')).not.toThrow()
  })

  test('is not over for calls that come while the first one tries: they do not wait for it', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const open: ServerResponse[] = []
    let status = 500
    const { access, requests } = await setup((request, response) => {
      if (status === 200) open.push(response)
      else answering(status)(request, response)
    })
    for (let calls = 0; calls < 40; calls += 1) await codeOf(access().otp.send(askFor(calls)))
    const asked = requests.length
    status = 200
    vi.advanceTimersByTime(5000)
    const scout = access()
    scout.refuseEarly('sends')
    let tried = false
    const trying = codeOf(scout.otp.send(ask)).finally(() => (tried = true))
    await expect.poll(() => open.length).toBe(1)
    // A look-up takes no place, so that it is not refused early.
    expect(await codeOf(access().otp.find(number, 'reference'))).toBe(
      'ERR_OTP_PROVIDER_UNAVAILABLE 5',
    )
    expect(tried).toBe(false)
    expect(requests).toHaveLength(asked + 1)
    for (const response of open) response.destroy()
    await trying
  })
})

test('a call that does nothing asks tyntec for an OTP of its own, and fails as others do', async () => {
  let status = 404
  const { access, requests } = await setup((request, response) =>
    answering(status)(request, response),
  )
  await access().probe('checks')
  await access().probe('others')
  const paths = requests.map(({ method, path }) => `${method} ${path}`)
  expect(paths).toEqual(Array(2).fill(expect.stringMatching(/^GET \/2fa\/v1\/otp\/[\da-f-]{36}$/)))
  expect(new Set(paths).size).toBe(2)
  status = 500
  expect(await codeOf(access().probe('sends'))).toMatch(/^ERR_OTP_PROVIDER_UNAVAILABLE/)
})

test('a look at what became of a message reaches tyntec', async () => {
  const { access, requests } = await setup(answering(200, []))
  expect(await access().otp.events(otpId)).toEqual([])
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `GET /2fa/v1/otp/${otpId}/events`,
  ])
})

describe('places', () => {
  /** A tyntec whose answers wait. */
  async function slow(concurrency: { sends: number; checks: number }) {
    const open: ServerResponse[] = []
    let ended = false
    const { access } = await setup((_request, response) => {
      // A call that may be repeated asks again.
      if (ended) response.destroy()
      else open.push(response)
    }, concurrency)
    const arrive = async (calls: number) => {
      await expect.poll(() => open.length).toBe(calls)
    }
    const end = () => {
      ended = true
      for (const response of open) response.destroy()
    }
    return { access, arrive, end }
  }
  type Calls = ReturnType<Awaited<ReturnType<typeof slow>>['access']>['otp']
  const calls: Record<string, (of: Calls) => Promise<unknown>> = {
    send: (of) => of.send(ask),
    resend: (of) => of.resend(otpId),
    check: (of) => of.check(otpId, '111111', { number }),
    read: (of) => of.read(otpId, { number }),
    list: (of) => of.find(number, 'reference'),
    events: (of) => of.events(otpId),
    delete: (of) => of.delete(otpId),
  }
  const shares = [
    ['send', 'resend'],
    ['check', 'read'],
    ['list', 'events', 'delete'],
  ]

  test.each(shares)('are shared by %s and the like, and by nothing else', async (...names) => {
    const { access, arrive, end } = await slow({ sends: 1, checks: 2 })
    const [first = ''] = names
    // Of checks there are two, of look-ups half as many.
    const filled = first === 'check' ? 2 : 1
    const taking = Array.from({ length: filled }, () =>
      codeOf(calls[first]?.(access().otp) ?? Promise.reject(new Error(first))),
    )
    await arrive(filled)
    for (const [name, call] of Object.entries(calls)) {
      const calling = codeOf(call(access().otp))
      if (names.includes(name)) expect(await calling).toBe('ERR_OTP_PROVIDER_UNAVAILABLE 2')
    }
    // Those of the other shares are with tyntec, one for each place.
    await arrive(filled + (first === 'check' ? 2 : 3))
    end()
    await Promise.all(taking)
  })

  test('are taken by nobody who has only arrived', async () => {
    const { access, arrive, end } = await slow({ sends: 2, checks: 1 })
    for (let requests = 0; requests < 100; requests += 1) access().refuseEarly('checks')
    const checking = codeOf(access().otp.check(otpId, '111111', { number }))
    await arrive(1)
    expect(() => access().refuseEarly('checks')).toThrow('under way')
    expect(() => access().take('checks')).toThrow('under way')
    access().take('sends')
    end()
    await checking
    access().take('checks')
  })
})

describe('a known browser', () => {
  /** A tyntec that answers when it is told to, and with what. */
  async function held(concurrency: { sends: number; checks: number }) {
    const open: ServerResponse[] = []
    const { access } = await setup((_request, response) => void open.push(response), concurrency)
    onTestFinished(() => {
      for (const response of open) response.destroy()
    })
    const arrive = async (calls: number) => {
      await expect.poll(() => open.length).toBe(calls)
    }
    const known = () => Object.assign(access(), { known: true })
    return { access, known, arrive }
  }

  const fill = {
    sends: (of: Calls) => of.send(ask),
    checks: (of: Calls) => of.check(otpId, '111111', { number }),
    // Half as many as checks.
    others: (of: Calls) => of.find(number, 'reference'),
  }
  type Calls = ReturnType<Awaited<ReturnType<typeof held>>['access']>['otp']

  // proves: UP-11, LOCK-2
  test.each([
    ['sends', 20, 2],
    ['checks', 20, 2],
    ['others', 20, 2],
    ['sends', 19, 1],
    ['sends', 9, 0],
  ] as const)('has, of %s, a tenth of %i places to itself: %i', async (share, places, kept) => {
    const concurrency = { sends: places, checks: share === 'others' ? 2 * places : places }
    const { access, known, arrive } = await held(concurrency)
    const calls = fill[share]
    const call = (of: Calls) => void codeOf(calls(of))
    for (let taken = 0; taken < places - kept; taken += 1) call(access().otp)
    await arrive(places - kept)
    // However many strangers come, none of them gets one of the last places.
    for (let strangers = 0; strangers < 5; strangers += 1) {
      expect(await codeOf(calls(access().otp))).toBe('ERR_OTP_PROVIDER_UNAVAILABLE 2')
    }
    if (share !== 'others') {
      expect(() => access().refuseEarly(share)).toThrow('under way')
      expect(() => access().take(share)).toThrow('under way')
    }
    for (let taken = 0; taken < kept; taken += 1) {
      if (share !== 'others') {
        known().refuseEarly(share)
        known().take(share)
      }
      call(known().otp)
    }
    await arrive(places)
    // These are all there are: no way past the bound of the process.
    expect(await codeOf(calls(known().otp))).toBe('ERR_OTP_PROVIDER_UNAVAILABLE 2')
  })

  async function resting() {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const tyntec = { status: 500 }
    const { access, requests } = await setup((request, response) =>
      answering(tyntec.status, otp)(request, response),
    )
    for (let calls = 0; calls < 20; calls += 1) await codeOf(access().otp.send(askFor(calls)))
    await expect.poll(() => rests(access())).toBe(true)
    const known = () => Object.assign(access(), { known: true })
    return { access, known, requests, tyntec }
  }

  // proves: UP-11, LOCK-8
  test('asks while tyntec gets a rest, and ends that for everybody when it is answered', async () => {
    const { access, known, requests, tyntec } = await resting()
    tyntec.status = 200
    const asked = requests.length
    const probe = known()
    probe.refuseEarly('sends')
    probe.take('sends')
    const probing = codeOf(probe.otp.send(ask))
    // One at a time finds out; a stranger never.
    expect(() => known().refuseEarly('sends')).toThrow('rest')
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    expect(await probing).toBe('answered')
    probe.leave()
    expect(requests).toHaveLength(asked + 1)
    access().refuseEarly('sends')
    expect(await codeOf(access().otp.send(ask))).toBe('answered')
  })

  // proves: UP-11
  test('makes the rest of strangers no longer when it fails', async () => {
    const { access, known, requests } = await resting()
    const asked = requests.length
    vi.advanceTimersByTime(4900)
    const probe = known()
    expect(await codeOf(probe.otp.send(ask))).toMatch(/^ERR_OTP_PROVIDER_UNAVAILABLE/)
    probe.leave()
    expect(requests).toHaveLength(asked + 1)
    expect(() => access().refuseEarly('sends')).toThrow('rest')
    vi.advanceTimersByTime(100)
    access().refuseEarly('sends')
    expect(await codeOf(access().otp.send(ask))).toMatch(/^ERR_OTP_PROVIDER_UNAVAILABLE/)
    await expect.poll(() => requests.length).toBe(asked + 3)
  })
})

// proves: LOCK-8
test.each([
  ['403 to one destination', 403, () => ask],
  ['403 to many', 403, askFor],
  ['404 to many', 404, askFor],
  ['500 to many', 500, askFor],
  ['503 to many', 503, askFor],
])('a %s opens nothing while tyntec answers others', async (_, status, about) => {
  // All sends fail, and a read finds nothing, as it should.
  const { access, requests } = await setup((request, response) =>
    answering(request.method === 'POST' ? status : 404)(request, response),
  )
  for (let calls = 0; calls < 200; calls += 1) {
    expect(await codeOf(access().otp.send(about(calls)))).toMatch(/^ERR_OTP_PROVIDER/)
  }
  expect(() => access().take('sends')).not.toThrow()
  expect(() => access().take('checks')).not.toThrow()
  // One call in twenty finds that out.
  expect(requests.length).toBeLessThanOrEqual(200 + 10)
})

test('what does not even answer about nobody is given a rest', async () => {
  const { access, requests } = await setup((request, response) => {
    if (request.method === 'POST') answering(500)(request, response)
    else setTimeout(() => answering(404)(request, response), 2500)
  })
  for (let calls = 0; calls < 20; calls += 1) await codeOf(access().otp.send(askFor(calls)))
  await vi.waitFor(() => expect(requests).toHaveLength(21))
  access().refuseEarly('sends')
  await vi.waitFor(() => expect(() => access().refuseEarly('sends')).toThrow('rest'), 3000)
})
