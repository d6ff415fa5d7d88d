import { describe, expect, test } from 'vitest'
import type { OtpFlow } from '../src/flow/index.js'
import { createSecrets } from '../src/secrets/secrets.js'
import {
  flowKinds,
  number,
  numbers,
  rightCode,
  secret,
  sendCode,
  setupFlow,
} from './support/flow.js'
import type { TestFlow } from './support/flow.js'

const wrongCode = '111111'

/** What a browser keeps from a sign-in with the number. */
async function knownBrowser({ flow }: TestFlow, handle: string): Promise<string> {
  const outcome = await flow.check({ handle, code: rightCode })
  if (outcome.status !== 'verified') throw new Error(outcome.status)
  await flow.complete(outcome.proof)
  return outcome.device
}

const options = {
  resendWaits: [1, 1],
  attempts: 10,
  limits: {
    failuresPerNumber: { free: 2, wait: 3600, maxWait: 3600 },
    failuresPerAddress: { points: 1000, duration: 3600 },
    failedNumbersPerAddress: { points: 1000, duration: 3600 },
    sendsPerAddress: { points: 1000, duration: 3600 },
    sendsPerNumber: [{ points: 100, duration: 600 }],
  },
}

describe.each(flowKinds)('a browser that has signed in before, on %s', (kind) => {
  // proves: LOCK-1
  test('signs in although strangers have used up the tries of its number', async () => {
    const setup = await setupFlow(kind, options)
    const device = await knownBrowser(setup, await sendCode(setup))
    const stranger = await sendCode(setup)
    await setup.flow.check({ handle: stranger, code: wrongCode })
    await setup.flow.check({ handle: stranger, code: '222222' })
    await setup.advance(2)

    const unknown = await sendCode(setup)
    expect(await setup.flow.check({ handle: unknown, code: rightCode })).toMatchObject({
      status: 'rate_limited',
    })
    await setup.advance(2)
    const owner = await sendCode(setup, { device })
    expect(await setup.flow.check({ handle: owner, code: rightCode })).toMatchObject({
      status: 'verified',
    })
  })

  // proves: SEND-1
  test.each([
    ['twice', { voice: false }, [{}, {}]],
    ['twenty times', { voice: false }, Array.from({ length: 20 }, () => ({}))],
    ['for a message and a call', { voice: true }, [{ via: 'sms' }, { via: 'voice' }]],
  ])('gets one message when it asks %s at once', async (_, given, clicks) => {
    const setup = await setupFlow(kind, { ...options, ...given })
    const device = await knownBrowser(setup, await sendCode(setup))
    await setup.advance(31)
    const before = setup.sandbox.messages().length
    const pageToken = setup.flow.createPageToken()
    for (const page of [{}, { pageToken }]) {
      const outcomes = await Promise.all(
        clicks.map((click) => setup.flow.send({ number, device, ...page, ...click })),
      )
      const handles = new Set<string>()
      for (const outcome of outcomes) {
        if (outcome.status === 'sent') handles.add(outcome.handle)
        else expect(outcome.status).toBe('resend_too_soon')
      }
      expect(handles.size).toBe(1)
      await setup.advance(31)
    }
    expect(setup.sandbox.messages().length).toBe(before + 2)
  })

  // proves: LOCK-2
  test('gets a message although strangers have used up those of its number', async () => {
    const setup = await setupFlow(kind, {
      ...options,
      limits: {
        ...options.limits,
        sendsPerNumber: [{ points: 2, duration: 600 }],
        knownBrowser: { sends: { points: 1, duration: 86_400 } },
      },
    })
    const device = await knownBrowser(setup, await sendCode(setup))
    await sendCode(setup)
    await setup.advance(2)
    expect(await setup.flow.send({ number })).toMatchObject({ status: 'rate_limited' })
    expect(await setup.flow.send({ number, device })).toMatchObject({ status: 'sent' })
    await setup.advance(2)
    expect(await setup.flow.send({ number, device })).toMatchObject({ status: 'rate_limited' })
    expect(await setup.count('send')).toBe(3)
  })

  // proves: LOCK-2
  test.each(['send', 'resend'] as const)(
    'gets a message while strangers are being refused all the time (%s)',
    async (step) => {
      const setup = await setupFlow(kind, {
        ...options,
        limits: {
          ...options.limits,
          sendsPerNumber: [{ points: step === 'send' ? 2 : 3, duration: 600 }],
        },
      })
      const device = await knownBrowser(setup, await sendCode(setup))
      const handle = step === 'resend' ? await sendCode(setup, { device }) : undefined
      await setup.advance(2)
      await sendCode(setup)
      await setup.advance(2)

      let refusals = 0
      let over = false
      const flood = Array.from({ length: 4 }, async () => {
        for (let index = 0; !over; index += 1) {
          await setup.flow.send({ number })
          refusals += 1
          // A store in memory would let nobody else have a turn.
          await new Promise(setImmediate)
        }
      })
      await expect.poll(() => refusals).toBeGreaterThan(20)
      const asked = setup.flow[step]({ number, handle, device })
      expect(await asked).toMatchObject({ status: 'sent' })
      over = true
      await Promise.all(flood)
      expect(await setup.count('send')).toBe(3)
      expect(await setup.count('resend')).toBe(step === 'send' ? 0 : 1)
    },
  )

  // proves: LOCK-5
  test('has no more messages than two of them, however many its number knows', async () => {
    const setup = await setupFlow(kind, {
      ...options,
      limits: {
        ...options.limits,
        sendsPerNumber: [{ points: 4, duration: 600 }],
        knownBrowser: { sends: { points: 2, duration: 86_400 } },
      },
    })
    const devices: string[] = []
    for (let index = 0; index < 4; index += 1) {
      devices.push(await knownBrowser(setup, await sendCode(setup)))
      await setup.advance(2)
    }
    const statuses: string[] = []
    for (const device of devices.flatMap((each) => [each, each, each])) {
      statuses.push((await setup.flow.send({ number, device })).status)
      await setup.advance(2)
    }
    expect(statuses.filter((status) => status === 'sent')).toHaveLength(4)
    expect(statuses.slice(0, 6)).toEqual([
      'sent',
      'sent',
      'rate_limited',
      'sent',
      'sent',
      'rate_limited',
    ])
    expect(await setup.count('send')).toBe(8)
  })

  // proves: LOCK-3
  test('has a number of tries of its own, and waits like everybody after them', async () => {
    const setup = await setupFlow(kind, {
      ...options,
      limits: { ...options.limits, knownBrowser: { failures: { points: 3, duration: 3600 } } },
    })
    const device = await knownBrowser(setup, await sendCode(setup))
    const stranger = await sendCode(setup)
    await setup.flow.check({ handle: stranger, code: wrongCode })
    await setup.flow.check({ handle: stranger, code: '222222' })
    const asked = await setup.count('check')
    // tyntec ends a code after three tries, so two codes.
    for (const tries of [2, 2]) {
      await setup.advance(2)
      const handle = await sendCode(setup, { device })
      for (let index = 0; index < tries; index += 1) {
        await setup.flow.check({ handle, code: `33333${index}` })
      }
    }
    expect((await setup.count('check')) - asked).toBe(3)
  })

  // proves: LOCK-3
  test('is known for its own number only', async () => {
    const setup = await setupFlow(kind, options)
    const device = await knownBrowser(setup, await sendCode(setup, { number: numbers[1] }))
    const stranger = await sendCode(setup)
    await setup.flow.check({ handle: stranger, code: wrongCode })
    await setup.flow.check({ handle: stranger, code: '222222' })
    const forged = `${device.slice(0, -2)}AA`
    for (const claimed of [device, forged, device.slice(1), '', 'x', { device }, null]) {
      await setup.advance(2)
      const handle = await sendCode(setup, { device: claimed })
      expect(await setup.flow.check({ handle, code: rightCode })).toMatchObject({
        status: 'rate_limited',
      })
    }
  })

  // proves: LOCK-3
  test('signs nobody in by what it keeps', async () => {
    const setup = await setupFlow(kind, options)
    const device = await knownBrowser(setup, await sendCode(setup))
    expect(await setup.flow.check({ handle: device, code: rightCode })).toEqual({
      status: 'no_pending_code',
    })
    const handle = await sendCode(setup, { device })
    expect(await setup.flow.check({ handle, code: wrongCode })).toMatchObject({
      status: 'invalid_code',
    })
  })

  // proves: LOCK-4
  test('counts to the failures after which its number is disabled', async () => {
    const setup = await setupFlow(kind, {
      ...options,
      limits: { ...options.limits, failuresPerNumber: { free: 5, disableAt: 3 } },
    })
    const device = await knownBrowser(setup, await sendCode(setup))
    const owner = await sendCode(setup, { device })
    await setup.flow.check({ handle: owner, code: wrongCode })
    await setup.flow.check({ handle: owner, code: '222222' })
    await setup.advance(2)
    const stranger = await sendCode(setup)
    await setup.flow.check({ handle: stranger, code: wrongCode })
    await setup.advance(2)
    const again = await sendCode(setup, { device })
    expect(await setup.flow.check({ handle: again, code: rightCode })).toMatchObject({
      status: 'rate_limited',
    })
    await setup.flow.unlock(number)
    expect(await setup.flow.check({ handle: again, code: rightCode })).toMatchObject({
      status: 'verified',
    })
  })
})

describe.each(flowKinds)('a secret that rotates, on %s', (kind) => {
  const newer = 'another secret of the tests, longer than 32 bytes'

  test('lets a running sign-in go on', async () => {
    const setup = await setupFlow(kind, options)
    const handle = await sendCode(setup)
    const rotated = setup.another({ secret: [newer, secret] })
    expect(await rotated.check({ handle, code: rightCode })).toMatchObject({
      status: 'verified',
      identity: { number },
    })
  })

  test('counts what was sent again with what was sent', async () => {
    const setup = await setupFlow(kind, { resendWaits: [30, 30, 30] })
    const send = async (flow: OtpFlow) => {
      const statuses: string[] = []
      const sent = await flow.send({ number })
      statuses.push(sent.status)
      const handle = 'handle' in sent ? sent.handle : undefined
      for (let resends = 0; resends < 3; resends++) {
        await setup.advance(31)
        statuses.push((await flow.resend({ handle })).status)
      }
      await setup.advance(31)
      return statuses
    }
    await send(setup.flow)
    await send(setup.another({ secret: [newer, secret] }))
    // Five in ten minutes, under whichever secret.
    expect(await setup.count('send')).toBe(2)
    expect(await setup.count('resend')).toBe(3)
  })

  // proves: RED-5
  test('forgets no failure of a number, and counts none twice', async () => {
    const setup = await setupFlow(kind, options)
    const [before] = createSecrets([secret]).numberTags(number)
    const [after] = createSecrets([newer, secret]).numberTags(number)
    const old = await sendCode(setup)
    await setup.flow.check({ handle: old, code: wrongCode })
    const rotated = setup.another({ secret: [newer, secret] })
    await setup.advance(2)
    const handle = await sendCode({ ...setup, flow: rotated })
    await rotated.check({ handle, code: wrongCode })
    await setup.advance(2)
    await sendCode({ ...setup, flow: rotated })
    expect((await setup.steps.failures(before)).total).toBe(1)
    expect((await setup.steps.failures(after)).total).toBe(2)
  })

  // proves: RED-5
  test('counts no failure twice when a code that was sent before is sent again', async () => {
    const setup = await setupFlow(kind, { resendWaits: [30, 30, 30] })
    const [before] = createSecrets([secret]).numberTags(number)
    const handle = await sendCode(setup)
    await setup.flow.check({ handle, code: wrongCode })
    const rotated = setup.another({ secret: [newer, secret] })
    for (let resends = 0; resends < 3; resends++) {
      await setup.advance(31)
      expect(await rotated.resend({ handle })).toMatchObject({ status: 'sent' })
    }
    expect((await setup.steps.failures(before)).total).toBe(1)
  })

  test('ends the failures under both at a sign-in', async () => {
    const setup = await setupFlow(kind, options)
    const old = await sendCode(setup)
    await setup.flow.check({ handle: old, code: wrongCode })
    const rotated = setup.another({ secret: [newer, secret] })
    await setup.advance(2)
    const handle = await sendCode({ ...setup, flow: rotated })
    expect(await rotated.check({ handle, code: rightCode })).toMatchObject({ status: 'verified' })
    for (const tag of createSecrets([newer, secret]).numberTags(number)) {
      expect((await setup.steps.failures(tag)).total).toBe(0)
    }
  })

  // proves: RED-5
  test('lets no number have its messages twice', async () => {
    const limits = { ...options.limits, sendsPerNumber: [{ points: 2, duration: 600 }] }
    const setup = await setupFlow(kind, { ...options, limits })
    await sendCode(setup)
    await setup.advance(2)
    await sendCode(setup)
    await setup.advance(2)
    const rotated = setup.another({ secret: [newer, secret], limits })
    expect(await rotated.send({ number })).toMatchObject({ status: 'rate_limited' })
  })
})
