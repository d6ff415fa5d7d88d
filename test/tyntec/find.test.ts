import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { serve, serveBytes, serveJson } from './servers.js'
import { failureOf, number, otp, otpId, setupClient } from './setup.js'

const reference = 'r-1'
const wanted = { ...otp, referenceId: reference }

/** What tyntec holds of a number that has often been used. */
const others = (count: number) =>
  Array.from({ length: count }, () => ({
    ...otp,
    otpId: randomUUID(),
    referenceId: randomUUID(),
    otpStatus: 'EXPIRED',
    accountId: 'account',
    applicationId: randomUUID(),
    timestampCreated: '2026-01-01T00:00:00.000Z',
    timestampExpire: '2026-01-01T00:05:00.000Z',
  }))

describe('a lost send is found', () => {
  test.each([
    ['first', (list: object[]) => [wanted, ...list]],
    ['in the middle', (list: object[]) => list.toSpliced(list.length / 2, 0, wanted)],
    ['last', (list: object[]) => [...list, wanted]],
  ])('%s in a history of any length', async (_, place) => {
    for (const count of [0, 2, 200, 5000]) {
      const server = await serveJson(200, place(others(count)))
      const found = await setupClient(server.url).otp.find(number, reference)
      expect(found).toMatchObject({ otpId, referenceId: reference })
      expect(server.requests).toMatchObject([
        { method: 'GET', path: '/2fa/v1/otp', search: '?number=%2B12015550100' },
      ])
    }
  })

  test('among elements that are none, and beside OTPs of other numbers', async () => {
    const list = [null, 1, [], 'x', {}, { ...otp, otpId: 7 }, { ...otp, number: '+4930' }, wanted]
    const { otp: calls } = setupClient((await serveJson(200, list)).url)
    expect(await calls.find(number, reference)).toMatchObject({ otpId })
  })

  test('and nothing is read after it', async () => {
    let sent = 0
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(`[${JSON.stringify(wanted)},`)
      const more = () => {
        while (sent < 8_000_000 && !response.destroyed) {
          sent += 16_384
          if (!response.write(' '.repeat(16_384))) return response.once('drain', more)
        }
        return response.end('1]')
      }
      more()
    })
    const client = setupClient(server.url)
    expect(await client.otp.find(number, reference)).toMatchObject({ otpId })
    expect(sent).toBeLessThan(6_000_000)
    // The next call has a connection.
    expect(await client.otp.find(number, reference)).toMatchObject({ otpId })
  })

  test('though the list breaks off or never ends behind it', async () => {
    const begun = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n[${JSON.stringify(wanted)},`
    const server = await serveBytes((socket) => socket.write(begun))
    const started = performance.now()
    expect(await setupClient(server.url).otp.find(number, reference)).toMatchObject({ otpId })
    expect(performance.now() - started).toBeLessThan(4000)
  })
})

describe('nothing is found', () => {
  test.each([
    ['204', 204, undefined],
    ['an empty list', 200, []],
    ['a list of others', 200, others(300)],
  ])('in %s', async (_, status, body) => {
    const { otp: calls } = setupClient((await serveJson(status, body)).url)
    expect(await calls.find(number, reference)).toBeUndefined()
  })

  test.each<[string, number, unknown]>([
    ['an object', 200, { otps: [wanted] }],
    ['null', 200, null],
    ['a 201', 201, [wanted]],
    ['a redirect', 302, [wanted]],
    ['another number with our reference', 200, [{ ...wanted, number: '+12015550199' }]],
    ['our reference without an otpId', 200, [{ ...wanted, otpId: undefined }]],
  ])('sure in %s', async (_, status, body) => {
    const { otp: calls } = setupClient((await serveJson(status, body)).url)
    expect(await failureOf(calls.find(number, reference))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'unknown',
    })
  })

  test.each<[string, string]>([
    ['an element of more than 64 kB', `[{"x":"${'y'.repeat(65_600)}"},${JSON.stringify(wanted)}]`],
    ['more than 8 MB', `[${'1234567,'.repeat(1_048_600)}${JSON.stringify(wanted)}]`],
    ['a list that is cut off', JSON.stringify(others(3)).slice(0, -1)],
    ['a list with something behind it', `${JSON.stringify(others(3))} 1`],
    ['a list of broken elements', '[{},{"referenceId":}]'],
    ['text', JSON.stringify([wanted])],
  ])('sure in %s', async (name, body) => {
    const server = await serve((_request, response) => {
      const type = name === 'text' ? 'text/plain' : 'application/json'
      response.writeHead(200, { 'content-type': type }).end(body)
    })
    const { otp: calls } = setupClient(server.url)
    expect(await failureOf(calls.find(number, reference))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_RESPONSE',
      processed: 'unknown',
    })
  })

  test('when the list does not end in time, which a caller may shorten', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(response.headersSent ? ' ' : '['), 10)
      response.write('[')
      response.on('close', () => clearInterval(timer))
    })
    const { otp: calls } = setupClient(server.url)
    const started = performance.now()
    expect(await failureOf(calls.find(number, reference, { timeout: 0.3 }))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
      processed: 'unknown',
    })
    expect(performance.now() - started).toBeLessThan(3000)
  })

  test.each([
    ['', {}],
    [undefined, {}],
    [reference, { timeout: 0 }],
    [reference, { timeout: Number.NaN }],
  ])('for the reference %j with %j, which is a misuse', async (referenceId, options) => {
    const server = await serveJson(200, [wanted])
    const { otp: calls } = setupClient(server.url)
    const given: unknown = referenceId
    // Callers in JavaScript have no types that forbid it.
    expect(await failureOf(calls.find(number, given as string, options))).toMatchObject({
      code: 'ERR_OTP_MISUSE',
    })
    expect(server.requests).toEqual([])
  })
})

test('a whole list is read as well, when it is longer than a body may be', async () => {
  const list = others(1000)
  const server = await serveJson(200, list)
  const found = await setupClient(server.url).otp.list(number)
  expect(found.map((each) => each.otpId)).toEqual(list.map((each) => each.otpId))
})
