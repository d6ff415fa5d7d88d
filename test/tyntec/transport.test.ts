import type { Socket } from 'node:net'
import { setImmediate as onNextTurn } from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { closedPort, serve, serveBytes, serveJson, serveSelfSigned } from './servers.js'
import { apiKey, failureOf, number, otp, otpCode, otpId, setupClient } from './setup.js'

const notDone = { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'no' }
const lost = { code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' }
const unusable = { code: 'ERR_OTP_PROVIDER_RESPONSE', processed: 'unknown' }

const verified = JSON.stringify({ ...otp, otpStatus: 'VERIFIED' })
const head = (length: number) =>
  `HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

describe('nothing was done', () => {
  // proves: tyntec-unreachable/send
  test('when nobody listens', async () => {
    const client = setupClient(`http://127.0.0.1:${await closedPort()}`)
    expect(await failureOf(client.otp.send({ number }))).toMatchObject({
      ...notDone,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('when the host has no address', async () => {
    const client = setupClient('https://tyntec.invalid', { connectTimeout: 0.5, timeout: 2 })
    expect(await failureOf(client.otp.send({ number }))).toMatchObject(notDone)
  })

  // proves: UP-3, portal/send
  test.each(['', '0'])(
    'when the certificate is not trusted, with NODE_TLS_REJECT_UNAUTHORIZED %j',
    async (setting) => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', setting)
      const server = await serveSelfSigned()
      const client = setupClient(server.url)
      expect(await failureOf(client.otp.send({ number }))).toMatchObject({
        ...notDone,
        cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      })
      expect(server.requests).toEqual([])
    },
  )

  test('when the server does not speak TLS', async () => {
    const server = await serveBytes((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    const client = setupClient(`https://127.0.0.1:${server.port}`)
    expect(await failureOf(client.otp.send({ number }))).toMatchObject(notDone)
    expect(server.requests.join()).not.toContain(apiKey)
  })

  // proves: tyntec-unreachable/send
  test('when a connection takes too long to open', async () => {
    const server = await serveBytes(() => {})
    const client = setupClient(`https://127.0.0.1:${server.port}`, { connectTimeout: 0.1 })
    expect(await failureOf(client.otp.send({ number }))).toMatchObject({
      ...notDone,
      cause: { code: 'UND_ERR_CONNECT_TIMEOUT' },
    })
    expect(server.requests.join()).not.toContain(apiKey)
  })

  test('when the time is over before a connection is free, and nothing is sent later', async () => {
    const server = await serve(() => {})
    const client = setupClient(server.url, { connections: 1, timeout: 0.5 })
    // Keeps the freed connection from being taken before the second call's time is over as well.
    const first = failureOf(client.otp.send({ number })).finally(() => block(20))
    const second = failureOf(client.otp.send({ number }))
    expect(await first).toMatchObject(lost)
    expect(await second).toMatchObject(notDone)
    await client.close()
    expect(server.requests).toHaveLength(1)
  })
})

describe('nobody knows what was done', () => {
  // proves: UP-8, slow-body/check
  test.each<[string, string]>([
    ['no answer', ''],
    ['half a status line', 'HTTP/1.1 20'],
    ['headers without an end', 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n'],
    ['headers without a body', head(verified.length)],
    ['a body that stalls', head(verified.length) + verified.slice(0, -1)],
    ['a whole body that promises more', head(verified.length + 1) + verified],
    ['only informational answers', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'],
  ])('after %s, the call ends at its deadline', async (_, bytes) => {
    const server = await serveBytes((socket) => socket.write(bytes))
    const client = setupClient(server.url, { timeout: 0.3 })
    const started = performance.now()
    expect(await failureOf(client.otp.check(otpId, otpCode))).toMatchObject(lost)
    expect(performance.now() - started).toBeLessThan(1500)
    expect(server.requests).toHaveLength(1)
  })

  // proves: UP-8
  test('a body of one byte at a time does not put the deadline off', async () => {
    const server = await serveBytes((socket) => {
      socket.write(head(1_000_000))
      const timer = setInterval(() => socket.write(' '), 10)
      socket.on('close', () => clearInterval(timer))
    })
    const client = setupClient(server.url, { timeout: 0.3 })
    expect(await failureOf(client.otp.check(otpId, otpCode))).toMatchObject(lost)
    // The connection is closed rather than left reading.
    const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))
    await Promise.all(Array.from(server.sockets, async (socket) => socket.closed || closed(socket)))
    expect(Array.from(server.sockets, ({ closed }) => closed)).toEqual([true])
  })

  // proves: UP-9, reset/check
  test.each<[string, string]>([
    ['at once', ''],
    ['in the headers', 'HTTP/1.1 202 Accepted\r\n'],
    ['in the body', head(verified.length) + verified.slice(0, -1)],
    ['before a promised byte', head(verified.length + 1) + verified],
    [
      'in chunks',
      `HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${verified.length.toString(16)}\r\n${verified}\r\n`,
    ],
  ])('a connection that ends %s is lost, and the request is not repeated', async (_, bytes) => {
    for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const server = await serveBytes((socket) => {
        if (end === 'end') socket.end(bytes)
        else if (bytes) socket.write(bytes, () => socket[end]())
        else socket[end]()
      })
      const client = setupClient(server.url)
      const error = await failureOf(client.otp.check(otpId, otpCode))
      expect(error).toMatchObject({ processed: 'unknown' })
      expect(error.code).toMatch(/^ERR_OTP_PROVIDER_(?:UNAVAILABLE|RESPONSE)$/)
      expect(server.requests).toHaveLength(1)
    }
  })

  test.each<[string, string]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a broken header', 'HTTP/1.1 202 Accepted\r\nbad header\r\n\r\n'],
    ['endless headers', `HTTP/1.1 202 Accepted\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
  ])('%s is no answer', async (_, bytes) => {
    const server = await serveBytes((socket) => socket.write(bytes))
    const client = setupClient(server.url, { timeout: 1 })
    expect(await failureOf(client.otp.check(otpId, otpCode))).toMatchObject(unusable)
  })

  test('a status that needs no body says what it says, even if the body never ends', async () => {
    const server = await serveBytes((socket) => {
      socket.write(
        'HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 9\r\n\r\n',
      )
    })
    const client = setupClient(server.url, { timeout: 0.3 })
    expect(await failureOf(client.otp.check(otpId, otpCode))).toMatchObject({
      ...lost,
      retryAfter: 5,
    })
  })
})

describe('bodies', () => {
  // proves: UP-8, slow-body/send
  test('a body of 200 MB is left after its first 64 kB', async () => {
    let sent = 0
    const server = await serve((_request, response) => {
      response.writeHead(202, { 'content-type': 'application/json' })
      const more = () => {
        while (sent < 200_000_000 && !response.destroyed) {
          sent += 16_384
          if (!response.write(' '.repeat(16_384))) return response.once('drain', more)
        }
        return response.end()
      }
      more()
    })
    expect(await failureOf(setupClient(server.url).otp.check(otpId, otpCode))).toMatchObject(
      unusable,
    )
    expect(sent).toBeLessThan(20_000_000)
  })

  test('maxBody is the longest body there may be', async () => {
    const body = JSON.stringify(otp)
    const server = await serveJson(200, otp)
    const fitting = setupClient(server.url, { maxBody: body.length })
    expect(await fitting.otp.read(otpId)).toMatchObject({ otpId })
    const short = setupClient(server.url, { maxBody: body.length - 1 })
    expect(await failureOf(short.otp.read(otpId))).toMatchObject(unusable)
  })

  test('a body in many pieces is put together, in the middle of a character too', async () => {
    const bytes = Buffer.from(JSON.stringify({ ...otp, accountId: 'Ünïcödé 💬' }))
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      let at = 0
      const next = () => {
        if (at === bytes.length) return void response.end()
        response.write(bytes.subarray(at, ++at), () => next())
      }
      next()
    })
    expect(await setupClient(server.url).otp.read(otpId)).toMatchObject({ accountId: 'Ünïcödé 💬' })
  })

  test('JSON of great depth is no danger', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(202, { 'content-type': 'application/json' })
      response.end('['.repeat(30_000) + ']'.repeat(30_000))
    })
    expect(await failureOf(setupClient(server.url).otp.check(otpId, otpCode))).toMatchObject(
      unusable,
    )
  })
})

// proves: UP-4, portal/send
test.each([301, 302, 303, 307, 308])('a %i is not followed', async (status) => {
  const other = await serveJson(202, { ...otp, otpStatus: 'VERIFIED' })
  const location = `${other.url}/2fa/v1/otp/${otpId}/check`
  const server = await serveJson(status, { ...otp, otpStatus: 'VERIFIED' }, { location })
  const client = setupClient(server.url)
  expect(await failureOf(client.otp.check(otpId, otpCode))).toMatchObject(unusable)
  expect(await failureOf(client.otp.send({ number }))).toMatchObject(unusable)
  expect(await failureOf(client.otp.read(otpId))).toMatchObject(unusable)
  expect(other.requests).toEqual([])
  expect(server.requests).toHaveLength(3)
})

describe('connections', () => {
  test('one is used again', async () => {
    const server = await serveBytes((socket) => {
      const body = JSON.stringify(otp)
      socket.write(head(body.length).replace('202 Accepted', '200 OK') + body)
    })
    const client = setupClient(server.url)
    await client.otp.read(otpId)
    // The pool counts a connection as free on the next turn of the event loop.
    await setImmediate()
    await client.otp.read(otpId)
    expect(server.requests).toHaveLength(2)
    expect(server.sockets.size).toBe(1)
  })

  // proves: reset/send
  test('one that the server closes after each answer does not repeat a request', async () => {
    const body = JSON.stringify(otp)
    const server = await serveBytes((socket) => {
      socket.end(head(body.length).replace('202 Accepted', '200 OK') + body)
    })
    const client = setupClient(server.url)
    const calls = 20
    for (let i = 0; i < calls; i += 1) {
      const outcome = await client.otp.send({ number }).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toMatchObject({ processed: 'unknown' })
    }
    expect(server.requests.length).toBeLessThanOrEqual(calls)
  })

  test('there are never more than allowed, and calls wait for one', async () => {
    let open = 0
    let most = 0
    const server = await serve((_request, response) => {
      open += 1
      most = Math.max(most, open)
      onNextTurn(() => {
        open -= 1
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(otp))
      })
    })
    const client = setupClient(server.url, { connections: 3 })
    await Promise.all(Array.from({ length: 30 }, () => client.otp.read(otpId)))
    expect(server.requests).toHaveLength(30)
    expect(most).toBeLessThanOrEqual(3)
  })

  test('close waits for a call that is under way', async () => {
    const server = await serve((_request, response) => {
      onNextTurn(() => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(otp))
      })
    })
    const client = setupClient(server.url)
    await client.otp.read(otpId)
    const call = client.otp.read(otpId)
    await Promise.all([client.close(), expect(call).resolves.toMatchObject({ otpId })])
  })
})

/** Nothing else of this process runs meanwhile. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
