import crypto from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { Server } from 'node:net'
import { format, inspect } from 'node:util'
import { afterAll, expect, onTestFinished } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { faults, watch } from './canary-process.js'
import { markLength } from './canary-watch.js'

/*
 * Runs beside every test file: it learns the numbers, codes, ids and keys that the tests use, reads
 * whatever this process prints, publishes, throws, answers and leaves in Redis, and fails the file
 * when one turns up. Nothing is replaced: each function it stands in front of does what it did.
 */

learnFromCrypto()
watchOutput()
watchEvents()
watchErrors()
watchResponses()

afterAll(() => {
  lookAtErrors()
  watch.forget((sink) => tyntecs.has(serverOf(sink)))
  const found = watch.leaks().map(({ kind, sink, test }) => `${kind} in ${sink}, first in: ${test}`)
  // oxlint-disable-next-line vitest/no-standalone-expect -- It is a test of the whole file.
  expect([...new Set([...found, ...faults])]).toEqual([])
})

/** The flow's secret, its numbers and codes, where they become HMACs. */
function learnFromCrypto() {
  const { hkdfSync, Hmac } = crypto
  // It has to be the function that `src/secrets.ts` finds, whichever way that imports it.
  crypto.hkdfSync = (digest, key, salt, info, length) => {
    if (typeof key === 'string') watch.learn('secret', key)
    const made = hkdfSync(digest, key, salt, info, length)
    if (info === 'passport-tyntec-otp/v1/key-id') {
      watch.mark(Buffer.from(made).toString('base64url').slice(0, markLength))
    }
    return made
  }
  syncBuiltinESMExports()

  const { update } = Hmac.prototype
  Hmac.prototype.update = function learn(this: crypto.Hmac, data: unknown, ...rest: unknown[]) {
    if (typeof data === 'string') {
      if (/^\+[1-9]\d{6,14}$/.test(data)) watch.learn('number', data)
      const code = /^[\w-]{22}\.[\w-]{16}\.([a-z\d]{6,12})$/.exec(data)?.[1]
      if (code !== undefined) watch.learn('code', code)
    }
    return Reflect.apply(update, this, [data, ...rest])
  }
}

let hushed = false

/** What this test prints is looked at, and not shown. */
export function hush() {
  hushed = true
  onTestFinished(() => {
    hushed = false
  })
}

function watchOutput() {
  // Set for the whole run in vitest.config.ts; the processes that tests start need not print it.
  const quiet = process.env.CANARY_DEBUG === '1'
  if (quiet) delete process.env.NODE_DEBUG
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name]
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = (...args: unknown[]) => {
      const text = String(args[0])
      const isDebug = text.includes('PASSPORT-TYNTEC-OTP ')
      watch.look(isDebug ? 'NODE_DEBUG' : name, text)
      return hushed || (quiet && isDebug) ? true : write(...args)
    }
  }
  for (const name of ['debug', 'dir', 'error', 'info', 'log', 'trace', 'warn'] as const) {
    const print = console[name].bind(console) as (...args: unknown[]) => void
    console[name] = (...args: unknown[]) => {
      watch.look('console', format(...args))
      if (!hushed) print(...args)
    }
  }
  process.on('warning', (warning) => watch.look('process warning', shownOf(warning)))
}

function watchEvents() {
  channel('passport-tyntec-otp').subscribe((event) => watch.look('event', shownOf(event)))
}

const errors = new Map<string, OtpError>()

/** Sees each error when its constructor gives it its name. */
function watchErrors() {
  Object.defineProperty(OtpError.prototype, 'name', {
    configurable: true,
    set(this: OtpError, value: string) {
      const own = { value, writable: true, enumerable: true, configurable: true }
      Object.defineProperty(this, 'name', own)
      const { message, cause } = this
      // One of each. What it holds later is looked at later.
      const of = `${message} ${cause instanceof Error ? cause.message : ''}`
      if (!errors.has(of)) errors.set(of, this)
    },
  })
}

/** As they are now: whoever caught one may have put something on it. */
export function lookAtErrors() {
  for (const error of errors.values()) watch.look('OtpError', shownOf(error))
}

/** Everything that a logger or a debugger could show of a value. */
export function shownOf(value: unknown): string {
  const errors: Error[] = []
  for (let error = value; error instanceof Error; error = error.cause) errors.push(error)
  return [
    inspect(value, { depth: 10, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    String(value),
    JSON.stringify(value),
    ...errors.flatMap((error) => [
      error.stack,
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
    ]),
  ].join('\n')
}

/** Servers that play tyntec: what they answer is the other side's. */
const tyntecs = new Set<number>()
const servers = new Map<Server | undefined, number>()

function serverOf(sink: string): number {
  return Number(/^response of server (\d+)/.exec(sink)?.[1])
}

/** What every HTTP server of this process answers, the sandbox's and other tyntecs' apart. */
function watchResponses() {
  const bodies = new WeakMap<ServerResponse, string>()
  const keep = (response: ServerResponse, chunk: unknown) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    bodies.set(response, (bodies.get(response) ?? '') + Buffer.from(chunk as string).toString())
  }
  const { write, end } = ServerResponse.prototype
  ServerResponse.prototype.write = function writeAndLook(this: ServerResponse, ...args: unknown[]) {
    keep(this, args[0])
    return Reflect.apply(write, this, args) as boolean
  }
  ServerResponse.prototype.end = function endAndLook(this: ServerResponse, ...args: unknown[]) {
    keep(this, args[0])
    const result = Reflect.apply(end, this, args) as ServerResponse
    lookAt(this, bodies.get(this) ?? '')
    bodies.delete(this)
    return result
  }
}

function lookAt(response: ServerResponse, body: string) {
  const { req } = response
  const url = new URL(`http://host${req.url ?? '/'}`)
  // Nobody hears an answer whose connection is gone.
  if (req.socket === null) return
  const { server } = req.socket as { server?: Server } // `node:http` sets it, its types don't say so
  const id = servers.get(server) ?? servers.size
  servers.set(server, id)

  if (/\/(?:2fa|messaging)\/v1\/|^\/_sandbox\//.test(url.pathname)) {
    tyntecs.add(id)
    learnFromTyntec(url, req.headers.apikey, body)
    return
  }
  // `getHeaders` has no headers that only `writeHead` was given.
  // oxlint-disable-next-line no-underscore-dangle -- Node's own name for it.
  const header = (response as { _header?: string })._header ?? ''
  const sink = `response of server ${id} to ${url.pathname}`
  for (const line of header.split('\r\n')) {
    // Where the handle and the device belong, and nothing else. An age of half a year has the
    // digits of some test's number.
    const cookie = /^set-cookie: *[^=]+=([^;]*)/i.exec(line)?.[1]
    if (cookie === undefined) watch.look(sink, line)
    else if (!isOpaque(cookie)) watch.look(sink, cookie)
  }
  // The handle, where it belongs with `binding: 'token'`; and what the apps of the tests tell whoever
  // has signed in: no answer of ours has a `user`.
  watch.look(
    sink,
    body.replace(/"flow":"[\w-]+"/, '').replace(/"(?:user|account)":\{[^{}]*\}/g, ''),
  )
}

/** A handle or a device, and not the text of something else. */
const isOpaque = (cookie: string) => /^[\w-]{40,}$/.test(cookie)

function learnFromTyntec(url: URL, apiKey: string | string[] | undefined, body: string) {
  if (typeof apiKey === 'string') watch.learn('api key', apiKey)
  const { searchParams: query, pathname } = url
  const number = query.get('number')
  if (number && /^\+[1-9]\d{6,14}$/.test(number)) watch.learn('number', number)
  const code = query.get('otpCode')
  if (code && /^(?=.*\d)[a-z\d]{6,12}$/.test(code)) watch.learn('code', code)
  const id = /\/2fa\/v1\/otp\/([\w-]{8,64})/.exec(pathname)?.[1]
  if (id !== undefined) watch.learn('otpId', id)
  for (const [, otpId = ''] of body.matchAll(/"otpId":"([\w-]{8,64})"/g)) {
    watch.learn('otpId', otpId)
  }
}
