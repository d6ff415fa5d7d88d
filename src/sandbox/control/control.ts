import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { Events } from '../events.js'
import type { Faults } from '../faults/faults.js'
import { parseFault } from '../faults/parse.js'
import type { Journal } from '../journal.js'
import type { Magic } from '../magic.js'
import type { Messages } from '../messages.js'
import { finalStatuses } from '../otp/entity.js'
import type { Otps } from '../otp/otps.js'
import { send, sendJson, sendNothing, sendProblem } from './http.js'
import { readInfo } from './info.js'
import { InputError, readFields } from './input.js'
import { readAmount, readCursor, readFilter, readQuery } from './query.js'
import { streamEvents } from './stream.js'

export interface ControlParts {
  clock: Clock
  events: Events
  faults: Faults
  journal: Journal
  magic: Magic
  messages: Messages
  otps: Otps
  advance(seconds: number): void
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

interface Asked {
  req: IncomingMessage
  res: ServerResponse
  query: Map<string, string>
  /** What stands in place of `{}` in the path. */
  id: string
  /** The body, as JSON. @throws {InputError} */
  input(): unknown
}

interface Route {
  parameters?: readonly string[]
  handle(asked: Asked): void | Promise<void>
}

export type Routes = Record<string, Record<string, Route>>

const longestWait = 300
/** Ten years. Later than that, dates stop being dates. */
export const furthestAdvance = 315_360_000

/** What tests and the inbox ask the sandbox itself; nothing here exists at tyntec. */
export function createControl(parts: ControlParts, more: Routes = {}): Control {
  const routes: Routes = { ...ownRoutes(parts), ...more }

  return async (req, res, { path, search, readBody }) => {
    const { methods, id } = findMethods(routes, path)
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
      const query = readQuery(search, route.parameters ?? [])
      await route.handle({ req, res, query, id, input: () => parseJson(body) })
    } catch (err) {
      if (!(err instanceof InputError)) throw err
      sendProblem(res, 400, err.message)
    }
  }
}

function findMethods(routes: Routes, path: string) {
  if (Object.hasOwn(routes, path)) return { methods: routes[path], id: '' }
  const slash = path.lastIndexOf('/')
  const pattern = `${path.slice(0, slash)}/{}`
  return {
    methods: Object.hasOwn(routes, pattern) ? routes[pattern] : undefined,
    id: path.slice(slash + 1),
  }
}

function ownRoutes(parts: ControlParts): Routes {
  const { clock, events, faults, journal, messages, otps } = parts
  return {
    '/_sandbox/ready': { GET: { handle: ({ res }) => sendJson(res, 200, { status: 'ready' }) } },
    '/_sandbox/info': {
      GET: { handle: ({ res }) => sendJson(res, 200, readInfo(parts)) },
    },
    '/_sandbox/messages': {
      GET: {
        parameters: ['to', 'after'],
        handle: ({ query, res }) => sendJson(res, 200, messages.list(readFilter(query))),
      },
      DELETE: {
        handle({ res }) {
          messages.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/code': {
      GET: {
        parameters: ['to', 'after', 'wait'],
        async handle({ query, res }) {
          const seconds = readAmount(query.get('wait'), 'wait', longestWait) ?? 0
          const left = new AbortController()
          res.once('close', () => left.abort())
          const message = await messages.wait(readFilter(query), seconds, left.signal)
          if (!message) return sendProblem(res, 404, 'No message with a code came.')
          send(res, 200, 'text/plain; charset=utf-8', message.code)
        },
      },
    },
    '/_sandbox/events': {
      GET: {
        parameters: ['after'],
        handle({ req, query, res }) {
          // A browser that comes back names the last event it saw, which is later than the URL's.
          const last = req.headers['last-event-id']
          const cursor = typeof last === 'string' && last !== '' ? last : query.get('after')
          streamEvents(res, events, readCursor(cursor))
        },
      },
    },
    '/_sandbox/requests': {
      GET: { handle: ({ res }) => sendJson(res, 200, journal.list()) },
      DELETE: {
        handle({ res }) {
          journal.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/otps': {
      GET: { handle: ({ res }) => sendJson(res, 200, otps.all().map(otps.toView)) },
    },
    '/_sandbox/otps/{}': {
      GET: {
        handle({ id, res }) {
          const otp = otps.find(id)
          if (otp) sendJson(res, 200, otps.toView(otp))
          else sendProblem(res, 404, 'There is no such OTP.')
        },
      },
      POST: {
        handle({ id, res, input }) {
          const otp = otps.find(id)
          if (!otp) return sendProblem(res, 404, 'There is no such OTP.')
          const fields = readFields(input())
          const status = fields.oneOf('otpStatus', ['ACTIVE', ...finalStatuses])
          fields.finish()
          otps.force(otp, status)
          sendJson(res, 200, otps.toView(otp))
        },
      },
    },
    '/_sandbox/faults': {
      GET: { handle: ({ res }) => sendJson(res, 200, faults.list()) },
      POST: {
        handle({ res, input }) {
          const fault = parseFault(input())
          faults.add(fault)
          sendJson(res, 201, fault)
        },
      },
      DELETE: {
        handle({ res }) {
          faults.clear()
          sendNothing(res)
        },
      },
    },
    '/_sandbox/faults/{}': {
      DELETE: {
        handle({ id, res }) {
          if (faults.remove(id)) sendNothing(res)
          else sendProblem(res, 404, 'There is no such fault.')
        },
      },
    },
    '/_sandbox/clock': {
      POST: {
        handle({ res, input }) {
          const fields = readFields(input())
          const seconds = fields.number('advance', 0, furthestAdvance)
          fields.finish()
          parts.advance(seconds)
          sendJson(res, 200, { now: new Date(clock.now()).toISOString() })
        },
      },
    },
    '/_sandbox/reset': {
      POST: {
        handle({ res }) {
          parts.reset()
          sendNothing(res)
        },
      },
    },
  }
}

/** @throws {InputError} */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new InputError('The body must be JSON.')
  }
}
