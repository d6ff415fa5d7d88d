import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import type { OtpFlow } from '../../src/index.js'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sms, twoFactor, whatsapp } from '../../src/options/channels.js'
import { number, sendCode, setupFlow, signIn } from '../support/flow.js'
import type { TestFlow } from '../support/flow.js'

const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
const noWhatsapp = '+12015550114'

type Received = NonNullable<onExpress.WebhookOptions['received']>

const apps = {
  Express: (flow: OtpFlow, received: Received) =>
    express().post('/tyntec', onExpress.webhooks(flow, { received })),
  'Express with a parser': (flow: OtpFlow, received: Received) =>
    express().use(express.json()).all('/tyntec', onExpress.webhooks(flow, { received })),
  Koa: (flow: OtpFlow, received: Received) =>
    new Koa().use(onKoa.webhooks(flow, { received })).callback(),
  // It takes any JSON, also what is no object.
  'Express with a lax parser': (flow: OtpFlow, received: Received) =>
    express()
      .use(express.json({ strict: false }))
      .all('/tyntec', onExpress.webhooks(flow, { received })),
  'Koa with a parser': (flow: OtpFlow, received: Received) =>
    new Koa().use(bodyParser()).use(onKoa.webhooks(flow, { received })).callback(),
} satisfies Record<string, (flow: OtpFlow, received: Received) => RequestListener>

type AppName = keyof typeof apps
const names = Object.keys(apps) as AppName[] // their names

async function serve(app: AppName, { flow }: TestFlow) {
  const told: unknown[] = []
  const server = createServer(apps[app](flow, (message) => told.push(message)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tyntec` // it listens
  const post = async (body: unknown, type = 'application/json') => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return answer.status
  }
  return { url, post, told }
}

/** What the Chat API calls the newest message. */
async function newestId({ sandbox }: TestFlow): Promise<string> {
  const newest = sandbox.messages().at(-1)
  return newest?.messageId ?? newest?.requestId ?? 'none'
}

async function control({ sandbox }: TestFlow, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  expect(answer.ok).toBe(true)
}

describe.each(names)('on %s', (app) => {
  test('a notification has the message asked about, and falls back', async () => {
    const setup = await setupFlow('memory', { channels: [chat, twoFactor()], fallback: 'auto' })
    const { url } = await serve(app, setup)
    await control(setup, 'webhooks', { notifications: url })
    const handle = await sendCode(setup, { number: noWhatsapp, language: 'de-DE' })
    expect(await setup.sandbox.waitForCode(noWhatsapp)).toBe('424242')
    // Nobody of the person's is there to say it again.
    const sent = (await setup.calls()).find(({ operation }) => operation === 'send')
    expect(sent?.query.language).toBe('de')
    expect(await setup.count('chat status')).toBe(1)
    await expect.poll(() => setup.eventTypes()).toContain('otp.resent')
    expect(await signIn(setup.flow, handle, '424242')).toBe('opened')
    expect(setup.events.find(({ type }) => type === 'otp.delivery')).toMatchObject({
      via: 'whatsapp',
      delivery: 'failed',
    })
  })

  test('one that lies is not believed', async () => {
    const setup = await setupFlow('memory', { channels: [chat, twoFactor()], fallback: 'auto' })
    const { post } = await serve(app, setup)
    const handle = await sendCode(setup)
    const messageId = await newestId(setup)
    expect(await post({ messageId, status: 'failed', deliveryChannel: 'whatsapp' })).toBe(204)
    expect(await setup.count('chat status')).toBe(1)
    expect(await setup.flow.status({ handle })).toMatchObject({
      via: 'whatsapp',
      delivery: 'delivered',
    })
    expect(await setup.count('send')).toBe(0)
  })

  test('replays, floods and unknown messages have nothing asked', async () => {
    const setup = await setupFlow('memory', { channels: [chat] })
    const { post } = await serve(app, setup)
    await sendCode(setup)
    const messageId = await newestId(setup)
    const replays = Array.from({ length: 15 }, () => post({ messageId, status: 'delivered' }))
    expect(await Promise.all(replays)).toContain(204)
    expect(await setup.count('chat status')).toBe(1)
    const events = setup.events.length
    const flood = Array.from({ length: 60 }, (_, index) =>
      post({
        messageId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        status: 'failed',
      }),
    )
    for (const status of await Promise.all(flood)) expect([204, 503]).toContain(status)
    expect(await post({ messageId, status: 'accepted' })).toBe(204)
    expect(await setup.count('chat status')).toBe(1)
    // Not a line in the log either.
    expect(setup.events).toHaveLength(events)
  })

  test('what is no webhook of tyntec is refused without any work', async () => {
    const setup = await setupFlow('memory', { channels: [chat] })
    const { url, post } = await serve(app, setup)
    const bad = [
      'no JSON',
      '',
      '[]',
      'null',
      '"text"',
      '"messageId"',
      '42',
      'true',
      {},
      { status: 'failed' },
      { messageId: '../../', status: 'failed' },
      { messageId: { $ne: '' }, status: 'failed' },
      { messageId: 'a', status: ['failed'] },
      { messageId: 'abcdefgh', from: '491512', channel: 'sms', content: 'text' },
      'x'.repeat(100_000),
    ]
    for (const body of bad) {
      const status = await post(body)
      expect([400, 413, 415]).toContain(status)
    }
    expect([400, 413]).toContain(await post('a=b', 'text/plain'))
    expect((await fetch(url, { method: 'PUT' })).status).toBeGreaterThanOrEqual(400)
    expect(setup.events).toEqual([])
    expect(await setup.calls()).toEqual([])
  })

  test('a received message is given to the app once', async () => {
    const setup = await setupFlow('memory', { channels: [chat] })
    const { post, told } = await serve(app, setup)
    const message = {
      messageId: '77185196-664a-43ec-b14a-fe97036c697f',
      from: '4917612345678',
      to: '545345345',
      channel: 'whatsapp',
      content: { contentType: 'text', text: 'STOP' },
      receivedAt: 'kept out',
    }
    expect(await post(message)).toBe(204)
    expect(await post(message)).toBe(204)
    expect(told).toEqual([
      {
        messageId: message.messageId,
        from: '4917612345678',
        to: '545345345',
        channel: 'whatsapp',
        content: { contentType: 'text', text: 'STOP' },
      },
    ])
    expect(setup.events).toEqual([])
  })
})

test('bodies that come slowly keep nobody else out', { timeout: 20_000 }, async () => {
  const setup = await setupFlow('memory', { channels: [chat] })
  const { url, post } = await serve('Express', setup)
  await sendCode(setup)
  const messageId = await newestId(setup)
  const { port, pathname } = new URL(url)
  const slow = Array.from({ length: 40 }, () => {
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"`)
    return once(socket, 'data').then(([head]) => String(head))
  })
  expect(await post({ messageId, status: 'delivered' })).toBe(204)
  expect(await setup.count('chat status')).toBe(1)
  // And they are not waited for.
  for (const head of await Promise.all(slow)) expect(head).toMatch(/^HTTP\/1.1 408 /)
})

test('an app that is slow with what people write keeps no hint out', async () => {
  const setup = await setupFlow('memory', { channels: [chat] })
  const app = express()
  app.post(
    '/tyntec',
    onExpress.webhooks(setup.flow, { received: () => new Promise<void>(() => {}) }),
  )
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tyntec` // it listens
  const post = async (body: object) =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status
  await sendCode(setup)
  const messageId = await newestId(setup)
  const received = Array.from({ length: 25 }, async (_, index) =>
    post({
      messageId: `received-${index}`,
      from: '4917612345678',
      channel: 'whatsapp',
      content: { contentType: 'text', text: 'STOP' },
    }),
  )
  expect(await Promise.race(received)).toBe(503)
  expect(await post({ messageId, status: 'delivered' })).toBe(204)
  expect(await setup.count('chat status')).toBe(1)
  expect((await Promise.all(received)).filter((status) => status === 204)).toHaveLength(20)
})

test('news that overtakes the answer to its send is not lost', async () => {
  const setup = await setupFlow('memory', { channels: [chat, twoFactor()], fallback: 'auto' })
  const { url } = await serve('Express', setup)
  await control(setup, 'webhooks', { notifications: url })
  await setup.fault({ operation: 'chat.send', when: 'after', kind: 'delay', ms: 500 })
  await sendCode(setup, { number: noWhatsapp })
  await expect.poll(() => setup.eventTypes(), { timeout: 5000 }).toContain('otp.resent')
  expect(await setup.sandbox.waitForCode(noWhatsapp)).toBe('424242')
})

test('with "knows" no webhook shows which numbers are known', async () => {
  const known = '+12015551023'
  const setup = await setupFlow('memory', {
    channels: [chat, twoFactor()],
    knows: (phone: string) => phone === known,
  })
  const { post } = await serve('Express', setup)
  const shown = []
  for (const phone of [known, '+12015551024']) {
    const handle = await sendCode(setup, { number: phone })
    for (const status of ['failed', 'delivered']) {
      await post({ messageId: await newestId(setup), status })
      await setup.advance(5)
    }
    const { to, ...rest } = (await setup.flow.status({ handle })) as { to: string }
    expect(to).toBe(`•••${phone.slice(-4)}`)
    shown.push(rest)
  }
  expect(shown[0]).toMatchObject({ delivery: 'unknown' })
  expect(shown[0]).toEqual(shown[1])
})

test('what follows a failed message counts for the address that has asked for it', async () => {
  const setup = await setupFlow('memory', {
    channels: [chat, twoFactor()],
    fallback: 'auto',
    limits: { sendsPerAddress: { points: 3, duration: 3600 } },
  })
  const { url } = await serve('Express', setup)
  await control(setup, 'webhooks', { notifications: url })
  await setup.fault({ operation: 'chat.send', kind: 'fail-message' })
  // News that comes before the answer to its send waits a second.
  const soon = { timeout: 5000 }
  const failed = () => setup.eventTypes().filter((type) => type === 'otp.delivery').length
  // Three people, so the fallbacks of nobody in particular are more than one address may have.
  for (let index = 0; index < 4; index++) {
    await sendCode(setup, { number: `+1201555100${index}`, address: `192.0.2.${index}` })
    await expect.poll(failed, soon).toBe(index + 1)
  }
  await expect.poll(() => setup.count('send'), soon).toBe(4)
  // Each has had two of its three.
  const more = { address: '192.0.2.0' }
  await sendCode(setup, { number: '+12015551009', ...more })
  await expect.poll(failed, soon).toBe(5)
  expect(setup.eventTypes()).toContain('limit.hit sends_per_address')
  expect(await setup.count('send')).toBe(4)
})

test('a report of the Messaging API has the text asked about, also by GET', async () => {
  const setup = await setupFlow('memory')
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const callbackUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tyntec` // it listens
  const flow = setup.another({ channels: [sms({ from: 'Example', text: '{{OTP}}', callbackUrl })] })
  app.all('/tyntec', onExpress.webhooks(flow))

  const late = '+12015550110'
  const handle = await sendCode({ flow }, { number: late })
  await setup.advance(11)
  await expect.poll(() => setup.eventTypes()).toEqual(['otp.sent', 'otp.delivery'])
  expect(await setup.count('sms status')).toBe(1)
  expect(await flow.status({ handle })).toMatchObject({ delivery: 'delivered' })

  await sendCode({ flow })
  const requestId = await newestId(setup)
  const report = (status: string) =>
    fetch(`${callbackUrl}?${new URLSearchParams({ requestId, status }).toString()}`)
  expect((await report('BUFFERED')).status).toBe(204)
  await setup.advance(5)
  expect((await report('DELIVERED')).status).toBe(204)
  expect(await setup.count('sms status')).toBe(2)
})

test.each([
  ['of the same channel', 'whatsapp'],
  ['of another', 'sms'],
] as const)('news of a message that the flow has followed by one %s is none', async (_, via) => {
  const setup = await setupFlow('memory', { channels: [chat, twoFactor()], fallback: 'auto' })
  const { post } = await serve('Express', setup)
  const handle = await sendCode(setup)
  const messageId = await newestId(setup)
  await setup.advance(31)
  expect(await setup.flow.resend({ handle, via })).toMatchObject({ status: 'sent', via })
  const [events, calls] = [setup.events.length, (await setup.calls()).length]
  for (const status of ['failed', 'delivered']) expect(await post({ messageId, status })).toBe(204)
  expect([await setup.count('chat status'), await setup.count('events')]).toEqual([0, 0])
  // Nothing else either, and the flow is as it was.
  expect(await setup.calls()).toHaveLength(calls)
  expect(setup.events).toHaveLength(events)
  expect(await setup.flow.status({ handle })).toMatchObject({ status: 'pending', via })
  if (via === 'whatsapp') return
  expect(await signIn(setup.flow, handle, await setup.sandbox.waitForCode(number))).toBe('opened')
})

test('without a flow, or with options it does not know, it is refused at start', async () => {
  const { flow } = await setupFlow('memory')
  const written = JSON.parse('{ "recieved": true }') as onExpress.WebhookOptions // of an app without types
  for (const { webhooks } of [onExpress, onKoa]) {
    expect(() => webhooks(flow, written)).toThrow('"received"')
    expect(() => webhooks(JSON.parse('{}') as OtpFlow)).toThrow('webhooks needs the flow')
  }
})
