import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import { sendOtp as onExpress } from 'passport-tyntec-otp/express'
import { sendOtp as onKoa } from 'passport-tyntec-otp/koa'
import { expect, onTestFinished, test } from 'vitest'
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
      expect(send?.query.language, header).toBe(expected)
    }
  },
)
