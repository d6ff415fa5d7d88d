import { inspect } from 'node:util'
import { createTyntecClient, type TyntecClient } from 'passport-tyntec-otp/tyntec'
import { expect, test } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { safeCause } from '../../src/tyntec/failures.js'
import { closedPort, serve, serveBytes, serveSelfSigned } from './servers.js'
import { apiKey, failureOf, number, otpCode, otpId, setupClient } from './setup.js'

const secrets = [apiKey, number.slice(1), otpCode, otpId, '/2fa/v1']

/** Everything that a logger, a debugger or an answer could show of a value. */
function shownOf(value: unknown): string {
  const errors: unknown[] = []
  for (let error = value; error instanceof Error; error = error.cause) errors.push(error)
  return [
    inspect(value, { depth: 10, showHidden: true, getters: true, maxStringLength: null }),
    String(value),
    JSON.stringify(value),
    ...errors.flatMap((error) => [
      String(error),
      error instanceof Error ? error.stack : '',
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
    ]),
  ].join('\n')
}

function secretsIn(value: unknown): string[] {
  const shown = shownOf(value)
  return secrets.filter((secret) => shown.includes(secret))
}

/** What shows in the errors of a client whose calls fail. */
async function secretsInFailures({ otp }: TyntecClient): Promise<string[]> {
  const parameters = { number, otpCode, referenceId: otpId }
  const calls = [
    otp.send(parameters),
    otp.check(otpId, otpCode, { number }),
    otp.resend(otpId, { sender: number, caller: otpCode }),
    otp.read(otpId, { number: '+4915112345678' }),
    otp.list(number),
  ]
  const settled = await Promise.allSettled(calls)
  const failures = settled.filter((result) => result.status === 'rejected')
  expect(failures.length).toBeGreaterThan(2)
  return failures.flatMap(({ reason }) => {
    expect(reason).toBeInstanceOf(OtpError)
    return secretsIn(reason)
  })
}

// proves: UP-14, KEY-1
test('the client shows no key', () => {
  for (const client of [
    createTyntecClient({ apiKey }),
    createTyntecClient({ apiKey: () => apiKey }),
  ]) {
    expect(secretsIn(client)).toEqual([])
    expect(secretsIn(client.otp)).toEqual([])
  }
})

const everything = `${apiKey} ${number} ${otpCode} ${otpId} /2fa/v1`

test.each([200, 201, 202, 203, 204, 302, 400, 402, 418, 429, 500, 503])(
  'no error shows what a server that answers %i repeats',
  async (status) => {
    const bodies = [
      everything,
      `"${everything}"`,
      `{"code":"${otpCode}","message":"${everything}","otpId":"${everything}","x":`,
      JSON.stringify({ code: otpCode, message: everything, otpId: everything, number: everything }),
      JSON.stringify({ otpId, otpStatus: everything, number: `${number}0` }),
      JSON.stringify([{ otpId, otpStatus: everything, number: `${number}0` }]),
    ]
    for (const body of bodies) {
      for (const contentType of ['application/json', `text/html; ${everything}`]) {
        const server = await serve((_request, response) => {
          response.statusMessage = everything
          response.writeHead(status, {
            'content-type': contentType,
            'retry-after': everything,
            location: `http://localhost/?${encodeURIComponent(everything)}`,
          })
          response.end(body)
        })
        expect(await secretsInFailures(setupClient(server.url))).toEqual([])
      }
    }
  },
)

test.each([401, 403])(
  'no error shows what a server that refuses with %i repeats',
  async (status) => {
    const body = JSON.stringify({ message: everything, description: everything })
    const server = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
    expect(await secretsInFailures(setupClient(server.url))).toEqual([])
  },
)

// proves: UP-14
test('no error of the network shows anything', async () => {
  const closed = `http://127.0.0.1:${await closedPort()}`
  const selfSigned = await serveSelfSigned()
  const hanging = await serveBytes(() => {})
  const resetting = await serveBytes((socket) => socket.resetAndDestroy())
  const foreign = await serveBytes((socket, request) => socket.end(request))
  const broken = await serveBytes((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\n${everything}\r\n\r\n`),
  )
  for (const url of [closed, selfSigned.url, hanging.url, resetting.url, foreign.url, broken.url]) {
    expect(await secretsInFailures(setupClient(url, { timeout: 0.2 }))).toEqual([])
  }
})

test('no error of a misuse shows anything', async () => {
  const { otp } = setupClient(`http://127.0.0.1:${await closedPort()}`)
  expect(secretsIn(await failureOf(otp.read(`${otpId}/${otpCode}`)))).toEqual([])
  expect(secretsIn(await failureOf(otp.check(`../${everything}`, otpCode)))).toEqual([])
  const list: unknown = [number]
  // Callers in JavaScript have no types that forbid it.
  expect(secretsIn(await failureOf(otp.list(list as string)))).toEqual([])
})

test('no error of a key function shows anything', async () => {
  const failures: (() => string | Promise<string>)[] = [
    () => {
      throw Object.assign(new Error(everything), { code: everything, name: everything })
    },
    () => Promise.reject(new Error(everything, { cause: new Error(everything) })),
    () => Promise.reject(everything),
    () => `${apiKey}\n`,
    () => `${apiKey} ${otpCode}`,
    () => new Promise(() => {}),
  ]
  for (const key of failures) {
    expect(
      await secretsInFailures(setupClient('http://127.0.0.1:1', { apiKey: key, timeout: 0.02 })),
    ).toEqual([])
  }
})

test.each([
  [Object.assign(new Error(otpCode), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [Object.assign(new Error(otpCode), { code: 'UND_ERR_SOCKET' }), 'UND_ERR_SOCKET'],
  [Object.assign(new Error(otpCode), { code: `ECONNRESET ${otpCode}` }), 'UNKNOWN'],
  [Object.assign(new Error(otpCode), { code: `${otpCode} ECONNRESET` }), 'UNKNOWN'],
  [Object.assign(new Error(otpCode), { code: [otpCode] }), 'UNKNOWN'],
  [Object.assign(new Error(otpCode), { name: 'HTTPParserError' }), 'HPE_ERROR'],
  [new Error(otpCode), 'UNKNOWN'],
  [{ code: 'ECONNRESET', name: 'HTTPParserError' }, 'UNKNOWN'],
  [undefined, 'UNKNOWN'],
])('of an error of another library only a known code is shown (%#)', (error, code) => {
  const cause = safeCause(error)
  expect(cause).toMatchObject({ message: code, code })
  expect(secretsIn(cause)).toEqual([])
})

// proves: UP-14
test('no error of wrong options shows them', () => {
  const wrong = [
    { apiKey: `${apiKey}\n` },
    { apiKey, baseUrl: `http://${apiKey}.example` },
    { apiKey, baseUrl: `https://x:${apiKey}@api.tyntec.com` },
    { apiKey, baseUrl: `https://[${apiKey}]` },
    { apiKey, [apiKey]: true },
  ]
  for (const options of wrong) {
    let thrown: unknown
    try {
      createTyntecClient(options)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'ERR_OTP_OPTIONS' })
    expect(secretsIn(thrown)).toEqual([])
  }
})
