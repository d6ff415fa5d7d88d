import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Clock } from './clock.js'
import { type Faults, parseFault } from './faults.js'
import { streamMessages } from './inbox.js'
import { InputError, readFields } from './input.js'
import type { Journal } from './journal.js'
import type { MessageFilter, Messages } from './messages.js'
import type { Otps } from './otps.js'

export interface ControlParts {
  clock: Clock
  faults: Faults
  journal: Journal
  messages: Messages
  otps: Otps
  reset(): void
}

export interface ControlRequest {
  path: string
  search: string
  /** `undefined` when it was over the limit. */
  readBody: () => Promise<string | undefined>
}

export type Control = (
  req: IncomingMessage,
  res: ServerResponse,
  request: ControlRequest,
) => Promise<void>

type Handler = (
  parameters: Map<string, string>,
  res: ServerResponse,
  input: () => Promise<unknown>,
) => void | Promise<void>

interface Route {
  parameters?: readonly string[]
  handle: Handler
}

const longestWait = 300
/** Ten years. Later than that, dates stop being dates. */
const furthestAdvance = 315_360_000

/** What tests and the inbox ask the sandbox itself; nothing here exists at tyntec. */
export function createControl(parts: ControlParts): Control {
  const { clock, faults, journal, messages, otps } = parts

  const routes: Record<string, Record<string, Route>> = {
    '/_sandbox/ready': { GET: { handle: (_, res) => sendJson(res, 200, { status: 'ready' }) } },
    '/_sandbox/messages': {
      GET: {
        parameters: ['to', 'after'],
        handle: (given, res) => sendJson(res, 200, messages.list(readFilter(given))),
      },
      DELETE: {
        handle(_, res) {
          messages.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/code': {
      GET: {
        parameters: ['to', 'after', 'wait'],
        async handle(given, res) {
          const seconds = readNumber(given, 'wait', 0, longestWait) ?? 0
          const left = new AbortController()
          res.once('close', () => left.abort())
          const message = await messages.wait(readFilter(given), seconds, left.signal)
          if (!message) return sendProblem(res, 404, 'No message with a code came.')
          send(res, 200, 'text/plain; charset=utf-8', message.code)
        },
      },
    },
    '/_sandbox/events': {
      GET: {
        handle: (_, res) => streamMessages(res, messages),
      },
    },
    '/_sandbox/requests': {
      GET: { handle: (_, res) => sendJson(res, 200, journal.list()) },
      DELETE: {
        handle(_, res) {
          journal.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/otps': {
      GET: { handle: (_, res) => sendJson(res, 200, otps.all().map(otps.toEntity)) },
    },
    '/_sandbox/faults': {
      GET: { handle: (_, res) => sendJson(res, 200, faults.list()) },
      POST: {
        async handle(_, res, input) {
          const fault = parseFault(await input())
          faults.add(fault)
          sendJson(res, 201, fault)
        },
      },
      DELETE: {
        handle(_, res) {
          faults.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/clock': {
      POST: {
        async handle(_, res, input) {
          const fields = readFields(await input())
          const seconds = fields.number('advance', 0, furthestAdvance)
          fields.finish()
          clock.advance(seconds)
          sendJson(res, 200, { now: new Date(clock.now()).toISOString() })
        },
      },
    },
    '/_sandbox/reset': {
      POST: {
        handle(_, res) {
          parts.reset()
          sendNothing(res)
        },
      },
    },
  }

  return async (req, res, { path, search, readBody }) => {
    const methods = Object.hasOwn(routes, path) ? routes[path] : undefined
    if (!methods) return sendProblem(res, 404, `There is no ${path}.`)
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '')
    const route = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (!route) {
      res.setHeader('Allow', Object.keys(methods).join(', '))
      return sendProblem(res, 405, `${path} does not take ${method}.`)
    }
    const body = await readBody()
    if (body === undefined) return sendProblem(res, 413, 'The body is over 64 kB.')
    try {
      await route.handle(readParameters(search, route.parameters ?? []), res, async () =>
        parseJson(body),
      )
    } catch (err) {
      if (!(err instanceof InputError)) throw err
      sendProblem(res, 400, err.message)
    }
  }
}

function readParameters(search: string, allowed: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(search)) {
    if (!allowed.includes(name)) {
      throw new InputError(
        `Unknown parameter "${name}". Known here: ${allowed.join(', ') || 'none'}.`,
      )
    }
    if (parameters.has(name)) throw new InputError(`"${name}" is there twice.`)
    // `?to=&after=` is how the routes are documented: empty is not given.
    if (value !== '') parameters.set(name, value)
  }
  return parameters
}

function readFilter(parameters: Map<string, string>): MessageFilter {
  const to = parameters.get('to')
  return {
    to: to === undefined ? undefined : readRecipient(to),
    after: readNumber(parameters, 'after', 0, Number.MAX_SAFE_INTEGER),
  }
}

/**
 * Lenient where the API is strict: a `+` that was not encoded arrives as a space, and people copy
 * numbers with spaces in them. @throws {InputError}
 */
export function readRecipient(input: string): string {
  const digits = input.replace(/[\s+().-]/g, '')
  if (!/^[0-9]{4,17}$/.test(digits)) throw new InputError('"to" must be a number.')
  return `+${digits}`
}

function readNumber(
  parameters: Map<string, string>,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  const number = /^[0-9]+(?:\.[0-9]+)?$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) {
    throw new InputError(`"${name}" must be a number from ${min} to ${max}.`)
  }
  return number
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new InputError('The body must be JSON.')
  }
}

export function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}

const sendJson = (res: ServerResponse, status: number, value: unknown) =>
  send(res, status, 'application/json', JSON.stringify(value))

export const sendProblem = (res: ServerResponse, status: number, detail: string) =>
  send(
    res,
    status,
    'application/problem+json',
    JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail }),
  )

function sendNothing(res: ServerResponse): void {
  res.writeHead(204)
  res.end()
}
