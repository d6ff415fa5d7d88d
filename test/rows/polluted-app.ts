import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import * as onExpress from '../../adapters/express.js'
import * as onKoa from '../../adapters/koa.js'
import { createOtpFlow } from '../../src/flow/index.js'
import { memoryStore } from '../../src/store/memory.js'

/*
 * A process in which something has polluted `Object.prototype`, as `polluted.test.ts` says: what do the
 * routes answer to requests without those fields?
 */

interface Settings {
  baseUrl: string
  apiKey: string
  /** What every object seems to have. */
  pollution: Record<string, unknown>
  /** Posted to both apps. */
  requests: { path: string; type: string; body: string }[]
}

const { baseUrl, apiKey, pollution, requests } = JSON.parse(process.argv[2] ?? '') as Settings // from polluted.test.ts

let signedIn = 0
const onVerified = () => void (signedIn += 1)
const flow = createOtpFlow({
  apiKey,
  baseUrl,
  secret: 'the secret of the tests, longer than 32 bytes',
  countries: ['US'],
  store: memoryStore(),
  validate: false,
})
const app = express()
app.use(express.json(), express.urlencoded({ extended: false }))
app.use('/login', onExpress.otpRouter(flow, { onVerified }))
const koa = new Koa()
koa.silent = true
koa.use(bodyParser())
koa.use(onKoa.otpRouter(flow, { prefix: '/login', onVerified }))

const ports = await Promise.all(
  [app, koa.callback()].map(async (listener) => {
    const server = createServer(listener as never) // both are listeners
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }),
)

Object.assign(Object.prototype, pollution)
const answers: { port: number; path: string; status: number; code: unknown }[] = []
for (const port of ports) {
  for (const { path, type, body } of requests) {
    answers.push({ port: ports.indexOf(port), path, ...(await post(port, path, type, body)) })
  }
}
for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name)
process.send?.({ answers, signedIn })
process.disconnect?.()
process.exit()

function post(port: number, path: string, type: string, body: string) {
  return new Promise<{ status: number; code: unknown }>((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) }
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      headers,
      agent: false,
    } as const
    const sent = request(options, (response) => {
      let text = ''
      response
        .on('data', (chunk: Buffer) => (text += chunk.toString()))
        .on('end', () => {
          const { code } = text.startsWith('{') ? JSON.parse(text) : { code: text }
          resolve({ status: response.statusCode ?? 0, code })
        })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
