import { describe, expect, test } from 'vitest'
import { setupSandbox } from '../setup.js'

const magic = (last: string) => ({ number: `+120155501${last}` })

describe('why no message came', () => {
  test.each([
    ['11', 'magic', 'not-delivered'],
    ['13', 'magic', 'not-delivered'],
    ['10', 'late', 'late'],
  ])('magic number 01%s', async (last, why, type) => {
    const { sandbox, send } = await setupSandbox()
    await send(magic(last))
    expect(sandbox.messages()).toEqual([])
    expect(sandbox.otps()).toMatchObject([
      {
        reason: { why, text: expect.stringMatching(/.\.$/) },
        timeline: [{ type: 'sent' }, { type }],
      },
    ])
  })

  test('a fault, by its kind', async () => {
    const { addFault, sandbox, send } = await setupSandbox()
    await addFault({ operation: 'otp.send', kind: 'drop-message' })
    await send()
    const text = 'Fault "drop-message" on otp.send, before the work.'
    expect(sandbox.otps()).toMatchObject([{ reason: { why: 'fault', text } }])
    expect(sandbox.requests()).toMatchObject([{ status: 200, reason: { why: 'fault', text } }])
  })

  test.each(['sms', 'voice', undefined])('fail-message on %s', async (channel) => {
    const { addFault, events, sandbox, sendOtp } = await setupSandbox()
    await addFault({ operation: 'otp.*', kind: 'fail-message', ...(channel && { channel }) })
    for (const via of ['SMS', 'VOICE']) {
      const { otpId } = await sendOtp({ via })
      const fails = channel === undefined || channel === via.toLowerCase()
      expect((await events(otpId)).at(-1)?.status).toBe(fails ? 'failed' : 'success')
    }
    expect(sandbox.messages()).toHaveLength(channel === undefined ? 0 : 1)
  })

  test('none once a resend has come', async () => {
    const { resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(magic('13'))
    expect(sandbox.otps()[0]?.reason).not.toBeNull()
    await resend(otpId, { via: 'VOICE' })
    expect(sandbox.otps()).toMatchObject([{ reason: null, channel: 'voice' }])
  })

  test('none once the late message is there', async () => {
    const { advance, sandbox, send } = await setupSandbox()
    await send(magic('10'))
    await advance(10)
    expect(sandbox.otps()).toMatchObject([{ reason: null }])
  })

  test('a call that was never let through says why in the journal', async () => {
    const { api, sandbox, send } = await setupSandbox()
    await send(magic('30'))
    await send({ number: 'x' })
    await api('POST', '', magic('00'), { headers: { apikey: 'real' } })
    expect(sandbox.requests()).toMatchObject([
      { status: 400, number: '+12015550130', reason: { why: 'magic' } },
      { status: 400, hint: expect.stringContaining('number') },
      { status: 401, hint: expect.stringContaining('sandbox_') },
    ])
  })
})

test('a timeline tells what happened, with the calls and messages it came from', async () => {
  const { advance, check, resend, sandbox, sendOtp } = await setupSandbox()
  const { otpId } = await sendOtp()
  await check(otpId, '0000')
  await resend(otpId)
  await advance(301)
  await check(otpId, '4242')
  await check(otpId, '4242')
  await resend(otpId)
  const [otp] = sandbox.otps()
  expect(otp).toMatchObject({ otpStatus: 'EXPIRED', code: '4242', attemptsLeft: 2 })
  expect(otp?.timeline.map(({ type, request, message }) => [type, request ?? message])).toEqual([
    ['sent', 1],
    ['delivered', 1],
    ['wrong-code', 2],
    ['resent', 3],
    ['delivered', 2],
    ['expired', 4],
    ['refused', 5],
    ['refused', 6],
  ])
  for (const { at, text } of otp?.timeline ?? []) {
    expect(Date.parse(at)).not.toBeNaN()
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
})

describe('forced', () => {
  test.each([
    ['VERIFIED', 410],
    ['EXPIRED', 410],
    ['TOO_MANY_ATTEMPTS', 410],
    ['ACTIVE', 202],
  ])('to %s, a check is answered with %i', async (otpStatus, status) => {
    const { check, control, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    for (let count = 0; count < 3; count += 1) await check(otpId, '0000')
    const forced = await control('POST', `otps/${otpId}`, { otpStatus })
    expect(forced).toMatchObject({ status: 200, json: { otpStatus, otpId } })
    expect((await get(otpId)).json).toMatchObject({ otpStatus })
    expect((await check(otpId, '4242')).status).toBe(status)
  })

  test('to ACTIVE, an expired one has its time again', async () => {
    const { advance, check, control, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp()
    await advance(301)
    await control('POST', `otps/${otpId}`, { otpStatus: 'ACTIVE' })
    await advance(299)
    expect((await check(otpId, '4242')).status).toBe(202)
  })

  test.each([{}, { otpStatus: 'GONE' }, { otpStatus: 'EXPIRED', code: '1' }])(
    'is refused with %o',
    async (body) => {
      const { control, sendOtp } = await setupSandbox()
      const { otpId } = await sendOtp()
      expect((await control('POST', `otps/${otpId}`, body)).status).toBe(400)
    },
  )

  test('is 404 for an unknown OTP', async () => {
    const { control } = await setupSandbox()
    expect((await control('POST', 'otps/x', { otpStatus: 'EXPIRED' })).status).toBe(404)
    expect((await control('GET', 'otps/x')).status).toBe(404)
  })
})
