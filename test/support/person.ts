import type { Redis } from 'ioredis'
import { expect } from 'vitest'
import { createMemoryStore } from '../../src/store/memory.js'
import { redisStore } from '../../src/store/redis.js'
import { type App, type AppOptions, setupApp, wrongCode } from './app.js'
import { type Answer, type Client, createClient } from './client.js'
import { toOpaque } from '../../src/store/store.js'
import { moveDate } from './date.js'
import { advanceRedis } from './stores.js'

/** Numbers that differ in their area only, which no answer shows. */
const numbersOf = (area: string) =>
  Array.from({ length: 20 }, (_, index) => `${area}45600${10 + index}`)

/** Numbers that the app of `setupLoginOnly` knows, more of them, and numbers that it doesn't. */
export const known = numbersOf('+1201')
export const alsoKnown = numbersOf('+1203')
export const unknown = numbersOf('+1202')

export type LoginOnlyApp = App & {
  advance(seconds: number): Promise<void>
  /** What tyntec was asked, with the query. */
  journal(): Promise<{ method: string; path: string; query: Record<string, unknown> }[]>
}

/** An app that knows some numbers, on a store whose time can be moved. */
export async function setupLoginOnly(
  options: AppOptions,
  /** Seconds that a command may take. */
  connected?: { redis: Redis; prefix: string; timeout?: number },
): Promise<LoginOnlyApp> {
  let offset = 0
  const store = connected
    ? redisStore(connected.redis, { timeout: 3, ...connected })
    : toOpaque(createMemoryStore(() => performance.now() + offset))
  const app = await setupApp({
    trustProxy: 1,
    ...options,
    flow: {
      store,
      knows: (number) => !number.startsWith('+1202'),
      ...options.flow,
    },
  })
  return {
    ...app,
    async advance(seconds) {
      offset += seconds * 1000
      moveDate(seconds)
      if (connected) await advanceRedis(connected.redis, connected.prefix, seconds)
      await fetch(`${app.sandbox.url}/_sandbox/clock`, {
        method: 'POST',
        // It goes by this process's clock, and only has to look at it.
        body: JSON.stringify({ advance: 0 }),
      })
    },
    async journal() {
      const answer = await fetch(`${app.sandbox.url}/_sandbox/requests`)
      return (await answer.json()) as Awaited<ReturnType<LoginOnlyApp['journal']>>
    },
  }
}

/** Somebody with numbers, an address and a browser, and everything they were answered. */
export interface Person {
  numbers: readonly string[]
  /** What was asked, and the answer. */
  transcript: Line[]
  /** Forms instead of JSON. */
  forms: boolean
  address: string
  /** Takes another browser. */
  browser(): void
  /** Goes on with another process of the app. */
  moveTo(app: Pick<LoginOnlyApp, 'base'>): void
  send(fields?: Record<string, string>): Promise<Answer>
  resend(fields?: Record<string, string>): Promise<Answer>
  check(code?: unknown): Promise<Answer>
  status(): Promise<Answer>
  cancel(): Promise<Answer>
  logout(): Promise<Answer>
  advance(seconds: number): Promise<void>
}

export interface Line {
  asked: string
  /** Status, headers and body, with values that are random or times replaced. */
  answer: string
  /** Seconds that the answer names, in their order. */
  seconds: number[]
}

export function createPerson(
  app: Pick<LoginOnlyApp, 'base' | 'advance'>,
  numbers: readonly string[],
  onStep?: () => Promise<void>,
): Person {
  let client: Client = createClient(app.base)
  /** With `binding: 'token'`. */
  let token: string | undefined

  const ask = async (path: string, fields: Record<string, string> | undefined) => {
    const headers = { 'x-forwarded-for': person.address }
    const body = { ...fields, ...(token && { flow: token }) }
    const answer =
      fields === undefined
        ? await client.get(path, { headers: { ...headers, ...bearer(token) } })
        : person.forms
          ? await client.submit(path, body, { headers })
          : await client.post(path, body, { headers })
    if (typeof answer.json?.flow === 'string') token = answer.json.flow
    const { number: _number, code: _code, ...shown } = fields ?? {}
    person.transcript.push(lineOf(`${path} ${JSON.stringify(shown)}`, answer))
    await onStep?.()
    return answer
  }
  const person: Person = {
    numbers,
    transcript: [],
    forms: false,
    address: '203.0.113.1',
    browser() {
      client = createClient(app.base)
      token = undefined
    },
    moveTo({ base }) {
      client = createClient(base, client.jar)
    },
    send: (fields) => ask('/login/send', { number: numbers[0] ?? '', ...fields }),
    resend: (fields = {}) => ask('/login/resend', fields),
    // Also what is no string.
    check: (code = wrongCode) => ask('/login/check', code === null ? {} : { code: code as string }),
    status: () => ask('/login/status', undefined),
    cancel: () => ask('/login/cancel', {}),
    logout: () => ask('/logout', {}),
    advance: (seconds) => app.advance(seconds),
  }
  return person
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Otp ${token}` }
}

function lineOf(asked: string, { status, headers, text }: Answer): Line {
  const seconds: number[] = []
  const { date: _date, 'content-length': length, ...rest } = headers
  if (length !== undefined && Number(length) !== Buffer.byteLength(text)) {
    throw new Error('an answer is longer or shorter than it says')
  }
  const body = text
    .replace(/"(expiresIn|retryAfter)":(\d+)/g, (_, name: string, value: string) => {
      seconds.push(Number(value))
      return `"${name}":…`
    })
    // A handle, as long as it is.
    .replace(/"flow":"([\w-]+)"/g, (_, handle: string) => `"flow":<${handle.length}>`)
  const lines = Object.entries(rest).map(([name, value]) => {
    if (name !== 'retry-after') return [name, Array.isArray(value) ? value.map(cookieOf) : value]
    seconds.push(Number(value))
    return [name, '…']
  })
  return { asked, seconds, answer: [status, JSON.stringify(lines), body].join('\n') }

  function cookieOf(line: string): string {
    return line.replace(/^([^=]+)=([^;]*)/, (_, name: string, value: string) => {
      if (name !== 'otp-outcome')
        return `${name}=<${name.startsWith('otp') ? value.length : 'sid'}>`
      const [code, wait, ...more] = value.split('.')
      if (wait) seconds.push(Number(wait))
      return `${name}=${[code, wait && '…', ...more].join('.')}`
    })
  }
}

/** Asserts that two people were answered the same; what runs may have run on a little. */
export function expectSameAnswers(one: Person, other: Person): void {
  const answers = ({ transcript }: Person) =>
    transcript.map(({ asked, answer }) => `${asked}\n${answer}`)
  expect(answers(other)).toEqual(answers(one))
  const times = ({ transcript }: Person) => transcript.flatMap(({ seconds }) => seconds)
  const others = times(other)
  times(one).forEach((time, index) => {
    expect(Math.abs(time - (others[index] ?? Number.NaN))).toBeLessThanOrEqual(3)
  })
}

/** The statuses of the answers, and what the problems among them were. */
export function outlineOf({ transcript }: Person): string[] {
  return transcript.map(({ answer }) => {
    const [status = '', , body = ''] = answer.split('\n')
    const code = /"code":"(\w+)"/.exec(body)?.[1]
    return code === undefined ? status : `${status} ${code}`
  })
}
