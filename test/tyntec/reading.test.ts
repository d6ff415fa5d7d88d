import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { serve, serveBytes, serveJson } from './servers.js'
import { failureOf, number, otp, otpCode, otpId, setupClient } from './setup.js'

const id = '77185196-664a-43ec-b14a-fe97036c697f'

/** A server that breaks the first connections, and answers then. */
async function serveAfter(breaks: number, how: (socket: Socket) => void) {
  let seen = 0
  const bodies: Record<string, unknown> = {
    otp,
    list: [otp],
    events: [],
    chat: { messageId: id, status: 'seen' },
  }
  return serveBytes((socket, request) => {
    seen += 1
    if (seen <= breaks) return how(socket)
    const name = /\/events/.test(request)
      ? 'events'
      : /\/chat/.test(request)
        ? 'chat'
        : /\?number/.test(request)
          ? 'list'
          : 'otp'
    const body = JSON.stringify(bodies[name])
    socket.end(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

const destroy = (socket: Socket) => void socket.destroy()

describe('a read whose connection breaks', () => {
  test.each(['read', 'list', 'find', 'events', 'status'] as const)(
    'is sent again: %s',
    async (name) => {
      const server = await serveAfter(1, destroy)
      const client = setupClient(server.url)
      const calls = {
        read: () => client.otp.read(otpId),
        list: () => client.otp.list(number),
        find: () => client.otp.find(number, 'r-1'),
        events: () => client.otp.events(otpId),
        status: () => client.chat.status(id),
      }
      await calls[name]()
      expect(server.requests).toHaveLength(2)
    },
  )

  test('is sent again once, and within its time', async () => {
    const broken = await serveAfter(9, destroy)
    expect(await failureOf(setupClient(broken.url).otp.read(otpId))).toMatchObject({
      code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
    })
    expect(broken.requests).toHaveLength(2)
    const hanging = await serveAfter(9, () => {})
    const started = performance.now()
    await failureOf(setupClient(hanging.url, { timeout: 0.3 }).otp.read(otpId))
    expect(performance.now() - started).toBeLessThan(1500)
    expect(hanging.requests).toHaveLength(1)
  })

  test('is not sent again where the caller does that by itself', async () => {
    const server = await serveAfter(9, destroy)
    await failureOf(setupClient(server.url, { repeatReads: false }).otp.read(otpId))
    expect(server.requests).toHaveLength(1)
  })

  test('is not sent again once an answer has begun', async () => {
    const server = await serveAfter(9, (socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
        () => socket.destroy(),
      )
    })
    await failureOf(setupClient(server.url).otp.read(otpId))
    expect(server.requests).toHaveLength(1)
  })

  test.each([500, 502, 503, 429])('is not sent again on %i, which is an answer', async (status) => {
    const server = await serveJson(status)
    await failureOf(setupClient(server.url).otp.read(otpId))
    expect(server.requests).toHaveLength(1)
  })
})

// proves: UP-9
test('whatever sends, changes or deletes something is sent once', async () => {
  const server = await serveBytes((socket) => socket.destroy())
  const { otp: codes, applications, sms, chat } = setupClient(server.url)
  const text = { to: number, from: 'ACME', message: 'Hello' }
  const calls = [
    () => codes.send({ number }),
    () => codes.resend(otpId),
    () => codes.check(otpId, otpCode),
    () => codes.delete(otpId),
    () => applications.create({ name: 'x' }),
    () => applications.edit('default', { expire: 60 }),
    () => applications.delete(id),
    () => applications.setTemplate('default', { language: 'en', text: '{{OTP}}' }),
    () => applications.deleteTemplate('default', { language: 'de' }),
    () => sms.send(text),
    () => sms.sendByGet(text),
    () => chat.send({ to: number, channels: ['sms'], sms: { from: 'ACME', text: 'Hello' } }),
    () => chat.media(id),
  ]
  for (const [i, call] of calls.entries()) {
    const error = await failureOf(call())
    expect(error).toMatchObject({ code: 'ERR_OTP_PROVIDER_UNAVAILABLE', processed: 'unknown' })
    expect(server.requests).toHaveLength(i + 1)
  }
})

test('every request says who asks', async () => {
  const server = await serve((_request, response) => response.writeHead(404).end())
  const { otp: codes, chat } = setupClient(server.url)
  await codes.read(otpId)
  await chat.media(id)
  await failureOf(codes.send({ number }))
  const agents = server.requests.map(({ headers }) => headers['user-agent'])
  expect(agents).toEqual(Array(3).fill(`passport-tyntec-otp/${manifest.version}`))
})
