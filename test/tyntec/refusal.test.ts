import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable } from '../../src/tyntec/words.js'
import { serve, serveJson } from './servers.js'
import { apiKey, failureOf, number, otp, otpId, setupClient } from './setup.js'

async function refusalOf(body: unknown, status = 400) {
  const { otp: calls } = setupClient((await serveJson(status, body)).url)
  return failureOf(calls.send({ number, referenceId: 'r-1' }))
}

describe('a refused send is about the number', () => {
  test.each([
    'Invalid number',
    'Invalid number format',
    'The number is not valid',
    `Number ${number} is not a valid E.164 number`,
    'number does not match the country',
    'MSISDN is malformed',
    'Invalid recipient',
    'Destination is not reachable',
    'Invalid phone-number length',
    'The number is blacklisted',
  ])('where tyntec says so: %s', async (message) => {
    expect(await refusalOf({ code: '1001', message, timestamp: 1 })).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'no',
      provider: { status: 400, code: '1001', about: 'number' },
    })
  })
})

describe('a refused send is not about the number', () => {
  test.each<[string, unknown]>([
    ['of the balance', { code: '1020', message: 'Insufficient balance' }],
    [
      'of the balance for a number',
      { code: '1020', message: 'No credit left to send to this number' },
    ],
    ['of the account', { message: 'Number is not enabled for your account', code: '1' }],
    ['of a limit', { message: 'Too many messages to this number', code: '1' }],
    ['of the sender', { message: 'Sender is not a valid number', code: '1' }],
    ['of the caller', { message: 'caller must be a phone number', code: '1' }],
    ['of the PIN', { code: '1006', message: 'PIN length must be a number from 4 to 10' }],
    ['of the expiry', { code: '1008', message: 'The number is out of range' }],
    ['of attempts', { message: 'Invalid number of attempts', code: '1' }],
    ['of digits', { message: 'Wrong number of digits', code: '1' }],
    ['of the template', { message: 'Placeholder {{OTP}} is missing in text', code: '1' }],
    ['of an application', { message: 'Unknown applicationId', code: '1' }],
    ['of nothing', { code: '1001' }],
    ['in words of nobody', { message: 'Bad request', code: '400' }],
    ['without JSON', undefined],
    ['in a list', ['Invalid number']],
    ['in other properties', { detailed: 'Invalid number' }],
  ])('when it speaks %s', async (_, body) => {
    const error = await refusalOf(body)
    expect(error).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'no',
      provider: { status: 400 },
    })
    expect(error.provider).not.toHaveProperty('about')
  })

  test.each([401, 402, 403, 404, 409, 422, 429, 500])('when its status is %i', async (status) => {
    const { provider } = await refusalOf({ code: '1', message: 'Invalid number' }, status)
    expect(provider).toEqual({ status, code: '1', message: 'Invalid number' })
  })
})

test('a problem gives its code and words as an ErrorResponse does', async () => {
  const problem = {
    type: 'https://docs.tyntec.com/problems/InvalidRecipient',
    title: 'Recipient is invalid',
    status: '400',
    detail: `The recipient ${number} can't be parsed\n(line: -1)`,
  }
  const server = await serve((_request, response) => {
    const type = 'application/problem+json'
    response.writeHead(400, { 'content-type': type }).end(JSON.stringify(problem))
  })
  const { sms } = setupClient(server.url)
  const error = await failureOf(sms.send({ to: number, from: 'ACME', message: 'Hello you' }))
  expect(error).toMatchObject({
    code: 'ERR_OTP_PROVIDER_RESPONSE',
    processed: 'no',
    message:
      "tyntec refuses the request (400, error InvalidRecipient: Recipient is invalid: The recipient … can't be parsed (line: …).",
    provider: { status: 400, code: 'InvalidRecipient', about: 'number' },
  })
})

test.each([402, 405, 413, 422])(
  'a %i in words of tyntec is a refusal, and one of somebody else says nothing sure',
  async (status) => {
    const code = 'ERR_OTP_PROVIDER_RESPONSE'
    expect(await refusalOf({ code: '1', message: 'no' }, status)).toMatchObject({
      code,
      processed: 'no',
    })
    for (const body of [undefined, {}, { message: 'no' }, { ...otp, code: '1', message: 'no' }]) {
      expect(await refusalOf(body, status)).toMatchObject({ code, processed: 'unknown' })
    }
  },
)

test.each([408, 409, 425])('a %i leaves open what was done, whoever says it', async (status) => {
  expect(await refusalOf({ code: '1', message: 'no' }, status)).toMatchObject({
    processed: 'unknown',
  })
})

test('a 404 on send names both of its reasons', async () => {
  const error = await refusalOf({ code: '1404', message: 'Not found' }, 404)
  expect(error).toMatchObject({
    code: 'ERR_OTP_PROVIDER_AUTH',
    processed: 'no',
    provider: { status: 404, code: '1404', message: 'Not found' },
  })
  expect(error.message).toMatch(/no such application.*no 2FA API of version 1/)
})

describe('a resend that tyntec refuses with 401', () => {
  const message = 'OTP is not valid anymore'
  test.each<[string, object]>([
    ['a code', { code: '1010', message }],
    ['a number as code', { code: 1010, message }],
    ['no code', { id: 'e-1', message, timestamp: 1 }],
    ['null as code', { code: null, id: null, message, timestamp: 1 }],
    ['a timestamp alone', { message, timestamp: 1 }],
    ['properties nobody knows', { code: '1010', message, more: {} }],
  ])('ends the OTP when its error has %s', async (_, body) => {
    const { otp: calls } = setupClient((await serveJson(401, body)).url)
    expect(await calls.resend(otpId)).toEqual({ result: 'over' })
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a message alone', { message: 'No API key found in request' }],
    ['a code and words about the key', { code: '900902', message: 'Missing Credentials' }],
    ['words about the key', { code: '1', message: 'Invalid API key', timestamp: 1 }],
    ['a web framework', { timestamp: 1, status: 401, error: 'Unauthorized', message, path: '/' }],
    ['a gateway', { statusCode: 401, message, id: 'x' }],
    ['a code alone', { code: '1010' }],
  ])('is a refused key when it says what a gateway says: %s', async (_, body) => {
    const { otp: calls } = setupClient((await serveJson(401, body)).url)
    expect(await failureOf(calls.resend(otpId))).toMatchObject({ code: 'ERR_OTP_PROVIDER_AUTH' })
  })
})

describe('an answer of 200 to an OTP that is over', () => {
  test.each(['EXPIRED', 'TOO_MANY_ATTEMPTS', 'VERIFIED'])(
    '%s was not resent',
    async (otpStatus) => {
      const { otp: calls } = setupClient((await serveJson(200, { ...otp, otpStatus })).url)
      expect(await calls.resend(otpId)).toEqual({ result: 'over' })
    },
  )

  test.each(['EXPIRED', 'TOO_MANY_ATTEMPTS', 'VERIFIED'])(
    '%s is no new code',
    async (otpStatus) => {
      const { otp: calls } = setupClient((await serveJson(200, { ...otp, otpStatus })).url)
      expect(await failureOf(calls.send({ number }))).toMatchObject({
        code: 'ERR_OTP_PROVIDER_RESPONSE',
        processed: 'unknown',
      })
    },
  )

  test('a state that nobody knows is no resend for sure, and none at all is one', async () => {
    const later = setupClient((await serveJson(200, { ...otp, otpStatus: 'PAUSED' })).url)
    expect(await failureOf(later.otp.resend(otpId))).toMatchObject({ processed: 'unknown' })
    expect(await later.otp.send({ number })).toMatchObject({ otpStatus: 'PAUSED' })
    const silent = setupClient((await serveJson(200, { otpId, otpStatus: null })).url)
    expect(await silent.otp.resend(otpId)).toEqual({ result: 'sent', otp: { otpId } })
  })
})

describe('words of tyntec', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcXYZäß'), minLength: 1, maxLength: 12 })
  const secret = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 4, maxLength: 14 }),
    fc.string({ unit: fc.constantFrom(...'０１２３４５６７８９'), minLength: 4, maxLength: 10 }),
    fc.string({ unit: fc.constantFrom(...'٠١٢٣٤٥٦٧٨٩'), minLength: 4, maxLength: 10 }),
    fc.uuid(),
    fc.stringMatching(/^[a-z]{1,4}[0-9][a-z0-9]{2,8}$/),
    fc.constantFrom('+1 201 555 0100', '+1 (201) 555-0100', 'tel:+12015550100', 'a@b.example'),
    fc.constantFrom('https://x.example/?a=b', apiKey, '/2fa/v1/otp'),
  )

  // proves: UP-14
  test('show no number, code, id, address or key, and stay one short line', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, secret)),
        fc.constantFrom(' ', '\n', '\t', ', '),
        (parts, between) => {
          const shown = printable(parts.join(between), []) ?? ''
          const digits = shown.normalize('NFKC').replace(/[^\p{L}\p{Nd}]/gu, '')
          expect(digits).not.toMatch(/\p{Nd}{4}/u)
          expect(shown).not.toMatch(/[@/]|[\p{C}\p{Zl}\p{Zp}]|\p{L}\p{Nd}|\p{Nd}\p{L}/u)
          expect(shown.length).toBeLessThanOrEqual(160)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('show no value that was sent, whatever it is made of', () => {
    fc.assert(
      fc.property(word, fc.array(word), (value, around) => {
        const shown =
          printable([...around, value.toUpperCase(), ...around].join(' '), [value]) ?? ''
        const words = shown.toLowerCase().split(/[^\p{L}]+/u)
        expect(words).not.toContain(value.toLowerCase())
        // Parts of words as well, where that is more than a coincidence.
        if (value.length >= 4) expect(shown.toLowerCase()).not.toContain(value.toLowerCase())
      }),
    )
    expect(printable('Insufficient balance, said A.', ['a'])).toBe('Insufficient balance, said ….')
  })

  test('stay readable otherwise', () => {
    expect(printable('PIN length must be from 4 to 10, pinLength.', [])).toBe(
      'PIN length must be from 4 to 10, pinLength.',
    )
    expect(printable("Template for 'en' can't be deleted {{OTP}}", [])).toBe(
      "Template for 'en' can't be deleted {{OTP}}",
    )
    expect(printable('1234 5678', [])).toBeUndefined()
    expect(printable('a\u202eb\u0000c\u001b[31m', [])).not.toMatch(/\p{C}/u)
    expect(printable('word '.repeat(100), [])).toMatch(/^(?:word )+…$/)
  })
})
