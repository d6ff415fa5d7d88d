import { channel } from 'node:diagnostics_channel'
import { expect, onTestFinished, test } from 'vitest'
import { createEvents, type OtpEvent } from '../src/events.js'
import { number, rightCode, sendCode, setupFlow, signIn } from './support/flow.js'

const event = { type: 'otp.cancelled', flowId: 'flow' } as const

test('every listener hears an event, until it leaves', () => {
  const heard: string[] = []
  const events = createEvents((each) => heard.push(`first ${each.type}`), undefined)
  const leave = events.on((each) => heard.push(`second ${each.type}`))
  events.emit(event)
  leave()
  events.emit(event)
  expect(heard).toEqual(['first otp.cancelled', 'second otp.cancelled', 'first otp.cancelled'])
})

test('a listener can be for one type, until it leaves', async () => {
  const setup = await setupFlow('memory')
  const codes: string[] = []
  const leave = setup.flow.on('otp.sent', ({ country, via }) => codes.push(`${country} ${via}`))
  const handle = await sendCode(setup)
  expect(await signIn(setup.flow, handle)).toBe('opened')
  await setup.advance(31)
  leave()
  await sendCode(setup)
  expect(codes).toEqual(['US sms'])
  expect(setup.eventTypes().filter((type) => type === 'otp.sent')).toHaveLength(2)
})

test('nobody waits for an event that does not exist', async () => {
  const { flow } = await setupFlow('memory')
  for (const type of ['otp.verifed', 'toString', '', undefined]) {
    expect(() => flow.on(type as 'otp.verified', () => {})).toThrow(
      expect.objectContaining({ code: 'ERR_OTP_MISUSE' }),
    )
  }
  expect(() => flow.on('otp.verified', undefined as never)).toThrow('a function')
})

// proves: app-throws/send
test('a listener that throws changes nothing for the others', () => {
  const heard: OtpEvent[] = []
  const events = createEvents(() => {
    throw new Error('mine')
  }, undefined)
  events.on((each) => heard.push(each))
  events.emit(event)
  expect(heard).toEqual([{ ...event, at: expect.any(Number) }])
})

test('a listener that throws changes no outcome', async () => {
  const setup = await setupFlow('memory', {
    onEvent: () => {
      throw new Error('mine')
    },
  })
  const handle = await sendCode(setup)
  expect(await setup.flow.check({ handle, code: '111111' })).toEqual({
    status: 'invalid_code',
    attemptsRemaining: 2,
  })
  expect(await signIn(setup.flow, handle)).toBe('opened')
})

test('a flow tells what happens to it, and nothing that opens it', async () => {
  const setup = await setupFlow('memory')
  const published: unknown[] = []
  const listen = (each: unknown) => published.push(each)
  channel('passport-tyntec-otp').subscribe(listen)
  onTestFinished(() => {
    channel('passport-tyntec-otp').unsubscribe(listen)
  })
  const handle = await sendCode(setup)
  await setup.advance(31)
  await setup.flow.resend({ handle })
  await setup.flow.check({ handle, code: '111111' })
  await signIn(setup.flow, handle)
  const flowId = expect.stringMatching(/^[\w-]{16}$/)
  const at = expect.closeTo(Date.now(), -5)
  expect(setup.events).toEqual([
    { type: 'otp.sent', flowId, via: 'sms', country: 'US', at },
    { type: 'otp.resent', flowId, via: 'sms', country: 'US', newCode: false, at },
    { type: 'otp.rejected', flowId, reason: 'invalid_code', at },
    {
      type: 'otp.verified',
      flowId,
      via: 'sms',
      country: 'US',
      failuresBefore: 1,
      knownBrowser: false,
      at,
    },
    { type: 'session.opened', flowId, at },
  ])
  expect(new Set(setup.events.map((each) => 'flowId' in each && each.flowId)).size).toBe(1)
  expect(published).toEqual(setup.events)
  for (const secret of [handle, number.slice(2), rightCode, '111111']) {
    expect(JSON.stringify(setup.events)).not.toContain(secret)
  }
})

// proves: tyntec-401/send
test('a failure is told with the step and the code of its error', async () => {
  const setup = await setupFlow('memory')
  await setup.fault({ operation: 'otp.send', kind: 'status', status: 401, when: 'before' })
  await expect(setup.flow.send({ number })).rejects.toMatchObject({
    code: 'ERR_OTP_PROVIDER_AUTH',
  })
  expect(setup.events).toEqual([
    {
      type: 'error',
      step: 'send',
      code: 'ERR_OTP_PROVIDER_AUTH',
      message: expect.not.stringContaining(number.slice(2)),
      processed: 'no',
      at: expect.any(Number),
    },
  ])
})
