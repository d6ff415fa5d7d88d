import { expect, test } from 'vitest'
import { createClock } from '../../src/sandbox/clock.js'
import { createMessages } from '../../src/sandbox/messages.js'
import { createOtps, normalDelivery } from '../../src/sandbox/otps.js'

function setupOtps() {
  const messages = createMessages()
  const otps = createOtps({ clock: createClock(), messages })
  const send = (number = '+12015550100') =>
    otps.send(
      {
        accountId: 'account',
        number,
        line: 'mobile',
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
