import { describe, expect, test } from 'vitest'
import { setupSandbox } from './setup.js'

const mobile = (last: string) => ({ number: `+120155501${last}` })
const landline = { number: '+493023125012' }

describe('happy path', () => {
  test.each(['00', '01', '02', '03', '04', '05', '06', '07', '08', '09', '99'])(
    '+1 201 555 01%s gets the fixed code',
    async (last) => {
      const { check, sandbox, sendOtp } = await setupSandbox()
      const { otpId } = await sendOtp({ ...mobile(last), pinLength: '6' })
      expect(sandbox.messages()).toMatchObject([{ channel: 'sms', code: '424242' }])
      expect((await check(otpId, '424242')).status).toBe(202)
    },
  )

  test.each([
    ['4', '4242'],
    ['7', '4242424'],
    ['10', '4242424242'],
  ])('the fixed code has pinLength %s', async (pinLength, code) => {
    const { sandbox, send } = await setupSandbox()
    await send({ ...mobile('00'), pinLength })
    expect(sandbox.messages()[0]?.code).toBe(code)
  })

  test('otpCode goes before the fixed code', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ ...mobile('00'), otpCode: '987654' })
    expect(sandbox.messages()[0]?.code).toBe('987654')
  })

  test.each(['+12015550200', '+12015550099', '+4915112345678'])(
    '%s is an ordinary number',
    async (number) => {
      const { sandbox, send } = await setupSandbox()
      for (let count = 0; count < 10; count += 1) await send({ number, pinLength: '10' })
      expect(new Set(sandbox.messages().map(({ code }) => code)).size).toBeGreaterThan(1)
    },
  )
})

describe('message', () => {
  test('0110: comes after 10 s', async () => {
    const { advance, events, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('10'))
    await advance(9)
    expect(sandbox.messages()).toEqual([])
    expect(await events(otpId)).toHaveLength(1)
    await advance(1)
    expect(sandbox.messages()).toMatchObject([{ otpId }])
    expect(await events(otpId)).toMatchObject([{ status: null }, { status: 'success' }])
  })

  test('0110: does not come after a reset', async () => {
    const { advance, sandbox, send } = await setupSandbox()
    await send(mobile('10'))
    sandbox.reset()
    await advance(60)
    expect(sandbox.messages()).toEqual([])
  })

  test('0111: never comes', async () => {
    const { events, resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('11'))
    expect((await resend(otpId)).status).toBe(200)
    expect(sandbox.messages()).toEqual([])
    expect(await events(otpId)).toMatchObject([{ status: null }, { status: null }])
  })

  test('0112: comes twice', async () => {
    const { sandbox, send } = await setupSandbox()
    await send(mobile('12'))
    const [first, second] = sandbox.messages()
    expect(second).toEqual({ ...first, seq: 2, sentAt: expect.any(String) })
  })

  test('0113: fails by SMS, comes by voice', async () => {
    const { check, events, resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('13'))
    expect(sandbox.messages()).toEqual([])
    expect(await events(otpId)).toMatchObject([
      { type: 'DELIVER_OTP_REQ', status: null },
      { type: 'DELIVER_OTP_RES_FAIL', status: 'failed' },
    ])
    await resend(otpId, { via: 'VOICE' })
    expect(sandbox.messages()).toMatchObject([{ channel: 'voice' }])
    expect((await events(otpId)).at(-1)).toMatchObject({ status: 'success' })
    expect((await check(otpId, '4242')).status).toBe(202)
  })

  test('landline: AUTO calls', async () => {
    const { sandbox, send } = await setupSandbox()
    await send({ ...landline, via: 'AUTO' })
    expect(sandbox.messages()).toMatchObject([{ channel: 'voice', code: '4242' }])
  })

  test('landline: an SMS fails', async () => {
    const { events, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ ...landline, via: 'SMS' })
    expect(sandbox.messages()).toEqual([])
    expect((await events(otpId)).at(-1)).toMatchObject({ status: 'failed' })
  })
})

describe('OTP', () => {
  test('0120: has expired at the first check', async () => {
    const { check, get, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('20'))
    expect((await get(otpId)).json).toMatchObject({ otpStatus: 'ACTIVE' })
    expect(await check(otpId, '4242')).toMatchObject({
      status: 403,
      json: { otpStatus: 'EXPIRED' },
    })
    expect(await check(otpId, '4242')).toMatchObject({
      status: 410,
      json: { otpStatus: 'EXPIRED' },
    })
  })

  test('0121: every code is wrong', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('21'))
    const statuses = []
    for (let count = 0; count < 4; count += 1) statuses.push((await check(otpId, '4242')).status)
    expect(statuses).toEqual([401, 401, 403, 410])
  })

  test('0122: is not active at the first check', async () => {
    const { check, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('22'))
    expect(await check(otpId, '4242')).toMatchObject({
      status: 410,
      json: { otpStatus: 'EXPIRED' },
    })
  })

  test.each(['check', 'resend'] as const)('0123: is gone at the %s', async (step) => {
    const { check, get, resend, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('23'))
    expect((await get(otpId)).status).toBe(200)
    expect((await { check, resend: () => resend(otpId) }[step](otpId, '4242')).status).toBe(404)
    expect((await get(otpId)).status).toBe(404)
  })

  test('0124: is not valid any more at the resend', async () => {
    const { resend, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp(mobile('24'))
    expect(await resend(otpId)).toMatchObject({ status: 401, json: { code: '401' } })
    expect(sandbox.messages()).toHaveLength(1)
  })
})

describe('send', () => {
  test('0130: is refused with 400', async () => {
    const { send } = await setupSandbox()
    expect(await send(mobile('30'))).toMatchObject({
      status: 400,
      json: { code: '400', message: expect.any(String) },
    })
  })

  test.each([
    ['31', 401],
    ['32', 403],
  ])('01%s: is refused with %i without a body', async (last, status) => {
    const { send } = await setupSandbox()
    expect(await send(mobile(last))).toMatchObject({ status, text: '' })
  })

  test('0140: fails once, and once more after a reset', async () => {
    const { sandbox, send } = await setupSandbox()
    expect((await send(mobile('40'))).status).toBe(500)
    expect((await send(mobile('40'))).status).toBe(200)
    sandbox.reset()
    expect((await send(mobile('40'))).status).toBe(500)
  })

  test('0141: fails each time', async () => {
    const { send } = await setupSandbox()
    for (let count = 0; count < 3; count += 1) {
      expect((await send(mobile('41'))).status).toBe(500)
    }
  })

  test('0142: hangs', async () => {
    const { api, requests, sandbox } = await setupSandbox()
    const leave = new AbortController()
    const reply = api('POST', '', mobile('42'), {
      headers: { apikey: sandbox.apiKey },
      signal: leave.signal,
    })
    await expect.poll(requests).toMatchObject([{ status: null }])
    leave.abort()
    await expect(reply).rejects.toMatchObject({ name: 'AbortError' })
    expect(sandbox.messages()).toEqual([])
  })

  test.each([
    ['43', 0],
    ['47', 1],
  ])('01%s: is cut off with %i message sent', async (last, count) => {
    const { sandbox, send } = await setupSandbox()
    await expect(send(mobile(last))).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(sandbox.messages()).toHaveLength(count)
  })

  test('0147: can be found by its number and referenceId', async () => {
    const { api, send } = await setupSandbox()
    await expect(send({ ...mobile('47'), referenceId: 'lost' })).rejects.toThrow('fetch failed')
    expect((await api('GET', '', mobile('47'))).json).toMatchObject([{ referenceId: 'lost' }])
  })

  test('0144: is answered with malformed JSON', async () => {
    const { send } = await setupSandbox()
    const { status, text, json } = await send(mobile('44'))
    expect([status, text === '', json]).toEqual([200, false, undefined])
  })

  test('0145: is answered by a gateway', async () => {
    const { send } = await setupSandbox()
    const { status, headers } = await send(mobile('45'))
    expect([status, headers.get('content-type')]).toEqual([502, 'text/html'])
  })

  test('0146: is answered without a body', async () => {
    const { send } = await setupSandbox()
    expect(await send(mobile('46'))).toMatchObject({ status: 200, text: '' })
  })

  test('0150: is limited', async () => {
    const { send } = await setupSandbox()
    const { status, headers } = await send(mobile('50'))
    expect([status, headers.get('retry-after')]).toEqual([429, '7'])
  })
})

describe('code', () => {
  test.each([
    ['60', undefined, 'a1b2c3'],
    ['60', '6', 'a1b2c3'],
    ['60', '8', 'a1b2c3a1'],
    ['61', '6', '4242'],
    ['62', '6', '42424242424'],
    ['63', undefined, '000042'],
    ['63', '6', '000042'],
    ['63', '8', '00000042'],
  ])('01%s with pinLength %s is %s', async (last, pinLength, code) => {
    const { check, sandbox, sendOtp } = await setupSandbox()
    const { otpId } = await sendOtp({ ...mobile(last), ...(pinLength && { pinLength }) })
    expect(sandbox.messages()[0]?.code).toBe(code)
    expect((await check(otpId, code)).status).toBe(202)
  })
})

test("a test's own fault goes before what the number does", async () => {
  const { addFault, send } = await setupSandbox()
  await addFault({ operation: 'otp.send', kind: 'status', status: 503, times: 1 })
  expect((await send(mobile('41'))).status).toBe(503)
  expect((await send(mobile('41'))).status).toBe(500)
})
