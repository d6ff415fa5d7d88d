import { describe, expect, test } from 'vitest'
import { failure, flowKinds, setupFlow, signIn, type TestFlow } from '../support/flow.js'

/*
 * What tyntec says has to be about what it was asked for, and an OTP that was replaced is worth nothing.
 */

const [one, other] = ['+12015592001', '+12015592002']
const response = 'ERR_OTP_PROVIDER_RESPONSE'

interface Otp {
  otpId: string
  otpStatus: string
  number: string
}

async function otps({ sandbox }: TestFlow): Promise<Otp[]> {
  const answer = await fetch(`${sandbox.url}/_sandbox/otps`)
  return (await answer.json()) as Otp[] // the sandbox's own
}

async function codeOf({ sandbox }: TestFlow, number: string, after = 0): Promise<string> {
  return sandbox.waitForCode(number, { after })
}

/** Both calls have reached tyntec; each caller gets the answer of the other. */
async function swap(
  setup: TestFlow,
  operation: 'send' | 'check',
  status: number,
  steps: readonly [() => Promise<unknown>, () => Promise<unknown>],
) {
  const running: Promise<unknown>[] = []
  const held = []
  for (const step of steps) {
    const asked = setup.gate.next(operation)
    running.push(step())
    held.push(await asked)
  }
  for (const call of held) await call.forward()
  const numbers = [one, other]
  const all = await otps(setup)
  const bodies = numbers.map((number) => all.find((otp) => otp.number === number))
  await Promise.all(held.map((call, index) => call.answerWith(status, bodies[1 - index])))
  return Promise.allSettled(running)
}

describe.each(flowKinds)('on %s', (kind) => {
  // proves: SES-11
  test('two people whose sends get the answers of each other sign in as themselves', async () => {
    const setup = await setupFlow(kind)
    const handles: string[] = []
    const sending = (number: string, index: number) => () =>
      setup.flow.send({ number, onHandle: (handle) => (handles[index] = handle) })
    const outcomes = await swap(setup, 'send', 200, [sending(one, 0), sending(other, 1)])
    // Nobody believes the answer: the list of the number's own OTPs is asked.
    expect(outcomes).toMatchObject([{ value: { status: 'sent' } }, { value: { status: 'sent' } }])
    expect(await setup.count('list')).toBe(2)
    const codes = [await codeOf(setup, one), await codeOf(setup, other)]
    expect(codes[0]).not.toBe(codes[1])
    expect(await signIn(setup.flow, handles[0] ?? '', codes[1])).toBe('invalid_code')
    for (const [index, number] of [one, other].entries()) {
      expect(await setup.flow.check({ handle: handles[index], code: codes[index] })).toMatchObject({
        status: 'verified',
        identity: { number },
      })
    }
  })

  // proves: SES-11
  test('two people whose checks get the answers of each other are signed in as nobody else', async () => {
    const setup = await setupFlow(kind)
    const handles: string[] = []
    for (const number of [one, other]) {
      await setup.flow.send({ number, onHandle: (handle) => handles.push(handle) })
    }
    const right = await codeOf(setup, one)
    const wrong = await codeOf(setup, other).then((code) =>
      (code === '000000' ? '1' : '0').repeat(6),
    )
    // The first has the right code, the second a wrong one, and gets "verified" for it.
    const outcomes = await swap(setup, 'check', 202, [
      () => setup.flow.check({ handle: handles[0], code: right }),
      () => setup.flow.check({ handle: handles[1], code: wrong }),
    ])
    // tyntec's records, which are asked then, say who is who.
    expect(outcomes).toMatchObject([
      { value: { status: 'verified', identity: { number: one } } },
      { value: { status: 'invalid_code' } },
    ])
    expect(await setup.count('get')).toBe(2)
  })

  // proves: SES-11
  test('without those records both are told to come again, and the operator why', async () => {
    const setup = await setupFlow(kind)
    const handles: string[] = []
    for (const number of [one, other]) {
      await setup.flow.send({ number, onHandle: (handle) => handles.push(handle) })
    }
    const codes = [await codeOf(setup, one), await codeOf(setup, other)]
    await setup.fault({ operation: 'otp.get', when: 'before', kind: 'reset' })
    const outcomes = await swap(setup, 'check', 202, [
      () => setup.flow.check({ handle: handles[0], code: codes[0] }),
      () => setup.flow.check({ handle: handles[1], code: codes[1] }),
    ])
    for (const outcome of outcomes) {
      expect(
        await failure(
          outcome.status === 'rejected' ? Promise.reject(outcome.reason) : Promise.resolve(),
        ),
      ).toEqual({
        code: response,
        status: 503,
      })
    }
    expect(setup.events.filter(({ type }) => type === 'error')).toMatchObject([
      { step: 'check', code: response, processed: 'unknown' },
      { step: 'check', code: response, processed: 'unknown' },
    ])
  })

  // proves: SES-9
  test('of the codes that a browser has asked for only the last one is worth anything', async () => {
    const setup = await setupFlow(kind)
    const handles: string[] = []
    const codes: string[] = []
    for (let sends = 0; sends < 4; sends += 1) {
      const { seq = 0 } = setup.sandbox.messages().at(-1) ?? {}
      await setup.flow.send({
        number: one,
        handle: handles.at(-1),
        onHandle: (handle) => handles.push(handle),
      })
      codes.push(await codeOf(setup, one, seq))
      await setup.advance(31)
    }
    const [last = '', ...old] = handles.toReversed()
    expect(new Set(handles).size).toBe(4)
    // One code is alive at tyntec, so more codes are no more chances.
    await expect.poll(async () => (await otps(setup)).length).toBe(1)
    for (const handle of old) {
      for (const code of codes)
        expect(await signIn(setup.flow, handle, code)).toBe('no_pending_code')
    }
    expect(await setup.count('check')).toBe(0)
    const right = codes.at(-1) ?? ''
    const stale = codes.find((code) => code !== right) ?? ''
    // It is a wrong code as any other, and counts.
    expect(await setup.flow.check({ handle: last, code: stale })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    expect(await signIn(setup.flow, last, right)).toBe('opened')
    expect(setup.events.find(({ type }) => type === 'otp.verified')).toMatchObject({
      failuresBefore: 1,
    })
  })
})
