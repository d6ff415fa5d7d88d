import type { CheckAnswer } from 'passport-tyntec-otp/tyntec'
import { describe, expect, test } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { serve } from './servers.js'
import { number, otp, otpCode, otpId, setupClient } from './setup.js'

const json = 'application/json'
const ofStatus = (otpStatus: unknown) => JSON.stringify({ ...otp, otpStatus, attemptCount: 1 })

const bodies = {
  none: ['', undefined],
  html: ['<html><body>Sign in to the Wi-Fi</body></html>', 'text/html'],
  broken: [ofStatus('VERIFIED').slice(0, -1), json],
  error: [JSON.stringify({ code: '1010', message: 'no', id: 'x', timestamp: 1 }), json],
  active: [ofStatus('ACTIVE'), json],
  verified: [ofStatus('VERIFIED'), json],
  expired: [ofStatus('EXPIRED'), json],
  tooMany: [ofStatus('TOO_MANY_ATTEMPTS'), json],
  later: [ofStatus('PENDING_REVIEW'), json],
  otherId: [JSON.stringify({ ...otp, otpId: 'another-id-1', otpStatus: 'VERIFIED' }), json],
} satisfies Record<string, [body: string, contentType: string | undefined]>

// What the words of the table stand for.
const words: Record<string, object> = {
  valid: { result: 'valid', otpStatus: 'VERIFIED' },
  wrong: { result: 'wrong', otpStatus: 'ACTIVE' },
  'expired now': { result: 'over', end: 'expired', counted: true },
  'attempts now': { result: 'over', end: 'attempts', counted: true },
  expired: { result: 'over', end: 'expired', counted: false },
  attempts: { result: 'over', end: 'attempts', counted: false },
  used: { result: 'over', end: 'verified', counted: false },
  gone: { result: 'over', end: 'unknown', counted: false },
  key: { code: 'ERR_OTP_PROVIDER_AUTH', processed: 'no' },
  refused: { code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'no' },
  unsure: { code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'unknown' },
  busy: { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'no' },
  down: { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' },
}

// What a check comes to, by status and body: a login is in one cell only.
const table = `
       none    html    broken  error   active  verified expired      tooMany       later   otherId
  200  unsure  unsure  unsure  unsure  unsure  unsure   unsure       unsure        unsure  unsure
  201  unsure  unsure  unsure  unsure  unsure  unsure   unsure       unsure        unsure  unsure
  202  unsure  unsure  unsure  unsure  unsure  valid    unsure       unsure        unsure  unsure
  203  unsure  unsure  unsure  unsure  unsure  unsure   unsure       unsure        unsure  unsure
  204  unsure  unsure  unsure  unsure  unsure  unsure   unsure       unsure        unsure  unsure
  302  unsure  unsure  unsure  unsure  unsure  unsure   unsure       unsure        unsure  unsure
  400  refused refused refused refused refused refused  refused      refused       refused refused
  401  key     key     unsure  key     wrong   unsure   expired_now  attempts_now  unsure  unsure
  402  unsure  unsure  unsure  refused unsure  unsure   unsure       unsure        unsure  unsure
  403  key     key     unsure  key     unsure  unsure   expired_now  attempts_now  unsure  unsure
  404  gone    gone    gone    gone    gone    used     expired      attempts      gone    unsure
  410  gone    gone    gone    gone    gone    used     expired      attempts      gone    unsure
  429  busy    busy    busy    busy    busy    busy     busy         busy          busy    busy
  500  down    down    down    down    down    down     down         down          down    down
  503  down    down    down    down    down    down     down         down          down    down
`

async function check(status: number, body: string, contentType: string | undefined) {
  const server = await serve((_request, response) => {
    response.writeHead(status, contentType ? { 'content-type': contentType } : {}).end(body)
  })
  const answer = await setupClient(server.url)
    .otp.check(otpId, otpCode, { number })
    .then(summary, (error: unknown) => {
      if (!(error instanceof OtpError)) throw error
      return { code: error.code, processed: error.processed }
    })
  expect(server.requests).toHaveLength(1)
  return answer
}

function summary(answer: CheckAnswer): object {
  const { result } = answer
  if (answer.result === 'over') return { result, end: answer.end, counted: answer.counted }
  return { result, otpStatus: answer.otp.otpStatus }
}

const [header = '', ...rows] = table.trim().split('\n')
const columns = header.trim().split(/ +/)

describe.each(rows.map((row) => row.trim().split(/ +/)))(
  'a check answered %s',
  (status, ...cells) => {
    // proves: UP-5, UP-7, UP-13, tyntec-401/check
    test.each(cells.map((word, i) => [columns[i] ?? '', word.replace('_', ' ')] as const))(
      'with the body "%s" comes to "%s"',
      async (name, word) => {
        // The header of the table holds nothing else.
        const [body, contentType] = bodies[name as keyof typeof bodies]
        expect(await check(Number(status), body, contentType)).toEqual(words[word])
      },
    )
  },
)

describe('a 202 is no login', () => {
  // proves: UP-5, bad-json/check
  test.each<[string, string, string?]>([
    ['without a status', JSON.stringify({ otpId, number })],
    ['with null as status', ofStatus(null)],
    ['with a status in lower case', ofStatus('verified')],
    ['with a status in a list', ofStatus(['VERIFIED'])],
    ['with true as status', ofStatus(true)],
    ['without an id', JSON.stringify({ otpStatus: 'VERIFIED', number })],
    ['with null as id', JSON.stringify({ ...otp, otpId: null, otpStatus: 'VERIFIED' })],
    ['with the id in other case', ofStatus('VERIFIED').replace(otpId, otpId.toUpperCase())],
    ['with a number as id', '{"otpId":12345678,"otpStatus":"VERIFIED"}'],
    ['about another number', ofStatus('VERIFIED').replace(number, '+12015550199')],
    ['with a number that is none', JSON.stringify({ otpId, otpStatus: 'VERIFIED', number: 1 })],
    ['in a list', `[${ofStatus('VERIFIED')}]`],
    ['in another object', `{"otp":${ofStatus('VERIFIED')}}`],
    ['as a string', JSON.stringify(ofStatus('VERIFIED'))],
    ['twice', ofStatus('VERIFIED').repeat(2)],
    ['as a script', `callback(${ofStatus('VERIFIED')})`],
    ['as null', 'null'],
    ['as an inherited property', `{"__proto__":${ofStatus('VERIFIED')}}`],
    ['as text', ofStatus('VERIFIED'), 'text/plain'],
    ['as HTML', ofStatus('VERIFIED'), 'text/html; application/json'],
    ['as something like JSON', ofStatus('VERIFIED'), 'application/jsonp'],
    ['as nothing in particular', ofStatus('VERIFIED'), ''],
  ])('%s', async (_, body, contentType = json) => {
    expect(await check(202, body, contentType)).toEqual(words.unsure)
  })
})

describe('a 202 is a login', () => {
  test.each<[string, string, string?]>([
    ['with a charset', ofStatus('VERIFIED'), 'application/json;charset=UTF-8'],
    ['in capitals', ofStatus('VERIFIED'), 'Application/JSON ; charset=utf-8'],
    ['of a vendor', ofStatus('VERIFIED'), 'application/vnd.tyntec.v1+json'],
    ['without a number', JSON.stringify({ otpId, otpStatus: 'VERIFIED' })],
    ['with the number as bare digits', ofStatus('VERIFIED').replace('+1', '1')],
    ['with properties nobody knows', `{"new":[{}],"otpId":"${otpId}","otpStatus":"VERIFIED"}`],
    ['with nonsense in other properties', ofStatus('VERIFIED').replace('1700000000000', '"x"')],
  ])('%s', async (_, body, contentType = json) => {
    expect(await check(202, body, contentType)).toEqual(words.valid)
  })
})

describe('a 401 is never a wrong code', () => {
  // proves: UP-6, tyntec-401/check
  test.each<[string, string]>([
    ['without a status', JSON.stringify({ otpId, attemptCount: 1 })],
    ['with null as status', ofStatus(null)],
    ['without an id', JSON.stringify({ otpStatus: 'ACTIVE', attemptCount: 1 })],
    ['with a number as id', '{"otpId":12345678,"otpStatus":"ACTIVE"}'],
    ['about another number', ofStatus('ACTIVE').replace(number, '+12015550199')],
  ])('%s', async (_, body) => {
    expect(await check(401, body, json)).toEqual(words.unsure)
  })

  // proves: UP-6
  test('with another object, which is what a gateway says', async () => {
    expect(await check(401, '{"message":"No API key found in request"}', json)).toEqual(words.key)
    expect(await check(401, '[]', json)).toEqual(words.key)
    expect(await check(401, 'null', json)).toEqual(words.key)
    expect(await check(401, '', json)).toEqual(words.key)
  })
})
