import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import { resendOtp as againOnExpress, sendOtp as onExpress } from 'passport-tyntec-otp/express'
import { resendOtp as againOnKoa, sendOtp as onKoa } from 'passport-tyntec-otp/koa'
import { expect, onTestFinished, test } from 'vitest'
import { whatsapp } from '../../src/options/channels.js'
import { number, setupFlow } from '../support/flow.js'

const asked = [
  ['de-DE,de;q=0.9,en;q=0.8', undefined, 'de'],
  ['en-US', undefined, 'en'],
  ['fr;q=0.2, pl', undefined, 'pl'],
  ['xx-YY, es;q=0.1', undefined, 'es'],
  ['*', undefined, undefined],
  ['', undefined, undefined],
  ['not a header; at all, (.*)+$', undefined, undefined],
  ['de-DE', 'pt-BR', 'pt'],
] as const

test.each(['Express', 'Koa'])(
  'on %s the message is in the language of the body, or the browser',
  async (name) => {
    for (const [header, language, expected] of asked) {
      const setup = await setupFlow('memory')
      const app =
        name === 'Express'
          ? express().use(express.json()).post('/send', onExpress(setup.flow))
          : new Koa().use(bodyParser()).use(onKoa(setup.flow)).callback()
      const server = createServer(app)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const { port } = server.address() as AddressInfo // it listens
      const answer = await fetch(`http://127.0.0.1:${port}/send`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'accept-language': header },
        body: JSON.stringify({ number, language }),
      })
      expect(answer.status).toBe(202)
      const [send] = await setup.calls()
      expect([header, send?.query.language]).toEqual([header, expected])
    }
  },
)

test.each(['Express', 'Koa'])(
  'on %s a resend is in the language that the person has chosen, not in that of the browser',
  async (name) => {
    const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
    const setup = await setupFlow('memory', { channels: [chat], binding: 'token' })
    const app =
      name === 'Express'
        ? express()
            .use(express.json())
            .post('/send', onExpress(setup.flow))
            .post('/resend', againOnExpress(setup.flow))
        : new Koa()
            .use(bodyParser())
            .use((ctx, next) =>
              (ctx.path === '/send' ? onKoa(setup.flow) : againOnKoa(setup.flow))(ctx, next),
            )
            .callback()
    const server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo // it listens
    const post = async (path: string, body: unknown) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'accept-language': 'de-DE' },
        body: JSON.stringify(body),
      })
      expect(answer.status).toBe(202)
      return (await answer.json()) as { flow: string }
    }
    const { flow } = await post('send', { number, language: 'pt-BR' })
    await setup.advance(31)
    await post('resend', { flow })
    await setup.advance(61)
    await post('resend', { flow, language: 'fr' })
    const texts = setup.sandbox.messages().map(({ text }) => text)
    expect(texts.map((text) => /LanguageCode\[(\w+)\]|\b(pt|fr|de)\b/.exec(text)?.[0])).toEqual([
      expect.stringContaining('pt'),
      expect.stringContaining('pt'),
      expect.stringContaining('fr'),
    ])
  },
)
