import { expect, test } from 'vitest'
import { createApplications } from '../../../src/sandbox/applications/applications.js'
import { createClock } from '../../../src/sandbox/clock.js'
import { createEvents } from '../../../src/sandbox/events.js'
import { createMessages } from '../../../src/sandbox/messages.js'
import { normalDelivery } from '../../../src/sandbox/otp/delivery.js'
import { createOtps } from '../../../src/sandbox/otp/otps.js'

function setupOtps() {
  const clock = createClock()
  const events = createEvents(clock.now)
  const messages = createMessages(events, clock.now)
  const otps = createOtps({ clock, events, messages })
  const applications = createApplications({ clock, onDelete: otps.applicationDeleted })
  const [application] = applications.list('account')
  if (!application) throw new Error('An account has its default application.')
  const send = (number = '+12015550100') =>
    otps.send(
      {
        application,
        number,
        line: 'mobile',
        language: 'en',
        via: undefined,
        code: undefined,
        pinLength: undefined,
        text: undefined,
        sender: undefined,
        caller: undefined,
        referenceId: undefined,
      },
      normalDelivery,
    )
  return { messages, otps, send }
}

test('the oldest OTPs beyond ten thousand are forgotten', () => {
  const { otps, send } = setupOtps()
  const first = send('+12015550101')
  const second = send('+12015550102')
  const third = send('+12015550103')
  otps.delete(second)
  for (let count = 0; count < 9_999; count += 1) send()

  expect(otps.all()).toHaveLength(10_000)
  expect(otps.find(first.otpId)).toBeUndefined()
  expect(otps.list('account', first.number)).toEqual([])
  expect(otps.find(third.otpId)).toBe(third)
})

test('the limit holds again after everything was cleared', () => {
  const { otps, send } = setupOtps()
  for (let count = 0; count < 10_001; count += 1) send()
  otps.clear()
  const first = send()
  for (let count = 0; count < 10_000; count += 1) send()
  expect(otps.all()).toHaveLength(10_000)
  expect(otps.find(first.otpId)).toBeUndefined()
})

test('the oldest messages beyond five hundred are forgotten', () => {
  const { messages, send } = setupOtps()
  for (let count = 0; count < 501; count += 1) send()
  expect(messages.list()).toHaveLength(500)
  expect(messages.list()[0]?.seq).toBe(2)
})
