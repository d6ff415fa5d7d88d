import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Redis } from 'ioredis'
import type { Sandbox } from 'passport-tyntec-otp/sandbox'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { onTestFinished } from 'vitest'
import { OtpError } from '../../src/errors.js'
import type { OtpEvent } from '../../src/events.js'
import { createOtpFlow, type OtpFlow } from '../../src/flow/index.js'
import type { OtpOptions } from '../../src/options/options.js'
import type { CheckOutcome, ResendOutcome, SendOutcome } from '../../src/outcomes.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { createRedisStore } from '../../src/store/redis.js'
import { type OtpStore, type StepStore, toOpaque } from '../../src/store/store.js'
import { createRedis } from './redis.js'
import type { StepArgs, StepName, StepReply } from '../../src/store/steps/index.js'
import { moveDate } from './date.js'
import { createSteps, type StoreSteps } from './steps.js'
import { advanceRedis, dumpRedis, type Entry } from './stores.js'

export type FlowKind = 'memory' | 'redis'
/** Mutation tests are about the steps, not about what keeps them, and take the store that is fast. */
export const flowKinds: readonly FlowKind[] =
  process.env.MUTATION_TESTS === undefined ? ['memory', 'redis'] : ['memory']

export const secret = 'the secret of the tests, longer than 32 bytes'
/** Numbers of the sandbox whose code is always 424242. */
export const numbers = [
  '+12015550100',
  '+12015550101',
  '+12015550102',
  '+12015550103',
  '+12015550104',
] as const
export const [number] = numbers
export const rightCode = '424242'

export type Operation =
  | 'send'
  | 'resend'
  | 'check'
  | 'get'
  | 'list'
  | 'delete'
  | 'events'
  /** Of the Messaging and Chat APIs. */
  | 'sms'
  | 'sms status'
  | 'chat'
  | 'chat status'

export interface Call {
  operation: Operation
  query: Record<string, string | string[]>
  status: number | null
}

export interface TestFlow {
  flow: OtpFlow
  sandbox: Sandbox
  store: OtpStore
  /** What is below the flow's steps. */
  inner: StepStore
  /** Its steps, one by one. */
  steps: StoreSteps
  events: OtpEvent[]
  /** The types of the events so far, with what they say of a limit or budget. */
  eventTypes(): string[]
  /** What tyntec was asked, oldest first. */
  calls(): Promise<Call[]>
  /** How often tyntec was asked for it. */
  count(operation: Operation): Promise<number>
  fault(fault: Record<string, unknown>): Promise<void>
  noFaults(): Promise<void>
  /** Moves the store's time and tyntec's. */
  advance(seconds: number): Promise<void>
  /** What Redis holds; nothing for the memory store. */
  dump(): Promise<Entry[]>
  /** Intercepts calls to tyntec. */
  gate: Gate
  redis: Redis | undefined
  prefix: string
  /** Another flow on the same store, as in another process. */
  another(options?: Partial<OtpOptions>): OtpFlow
}

const manyMessages = [{ points: 1000, duration: 600 }]

/** A flow on a store and a sandbox of its own. */
export async function setupFlow(
  kind: FlowKind,
  options: Partial<OtpOptions> = {},
  given: { redisUrl?: string } = {},
): Promise<TestFlow> {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const gate = await startGate(sandbox.url)

  let offset = 0
  const connected =
    kind === 'redis' ? await createRedis(given.redisUrl ? { url: given.redisUrl } : {}) : undefined
  // The deadline is what tests with a Redis of their own are about; others run on a busy machine.
  const timeout = given.redisUrl ? undefined : 3
  const inner = connected
    ? createRedisStore(connected.redis, { prefix: connected.prefix, ...(timeout && { timeout }) })
    : createMemoryStore(() => performance.now() + offset)
  const store = toOpaque(inner)

  const events: OtpEvent[] = []
  const create = (more: Partial<OtpOptions> = {}) => {
    const flow = createOtpFlow({
      apiKey: sandbox.apiKey,
      secret,
      countries: ['US', 'DE'],
      baseUrl: gate.url,
      store,
      onEvent: (event) => events.push(event),
      ...options,
      ...more,
      // These have tests of their own, and would stop many of the others.
      limits: { messagesPerAddressAndNumber: manyMessages, ...options.limits, ...more.limits },
      budget: { reserve: 0, ...options.budget, ...more.budget },
    })
    onTestFinished(() => flow.drain())
    return flow
  }

  const calls = async () => {
    const journal = await fetch(`${sandbox.url}/_sandbox/requests`)
    // The sandbox's own journal.
    const entries = (await journal.json()) as {
      method: string
      path: string
      query: Call['query']
      status: number | null
    }[]
    return entries.map(({ method, path, query, status }) => ({
      operation: operationOf(method, path),
      query,
      status,
    }))
  }
  const control = async (path: string, method: string, body?: unknown) => {
    const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }

  return {
    flow: create(),
    sandbox,
    store,
    inner,
    steps: createSteps(inner),
    events,
    eventTypes: () =>
      events.map((event) => ('limit' in event ? `${event.type} ${event.limit}` : event.type)),
    calls,
    count: async (operation) =>
      (await calls()).filter((call) => call.operation === operation).length,
    fault: (fault) => control('faults', 'POST', fault),
    noFaults: () => control('faults', 'DELETE'),
    async advance(seconds) {
      offset += seconds * 1000
      moveDate(seconds)
      if (connected) await advanceRedis(connected.redis, connected.prefix, seconds)
      await control('clock', 'POST', { advance: seconds })
    },
    dump: async () => (connected ? dumpRedis(connected.redis, connected.prefix) : []),
    gate,
    redis: connected?.redis,
    prefix: connected?.prefix ?? '',
    another: create,
  }
}

function operationOf(method: string, path: string): Operation {
  if (path.startsWith('/messaging/v1/chat/')) return method === 'POST' ? 'chat' : 'chat status'
  if (path.startsWith('/messaging/')) return path.endsWith('/sms') ? 'sms' : 'sms status'
  const rest = path.split('/').slice(4)
  if (rest[1] === 'check') return 'check'
  if (rest[1] === 'events') return 'events'
  if (rest.length === 0) return method === 'POST' ? 'send' : 'list'
  return method === 'POST' ? 'resend' : method === 'DELETE' ? 'delete' : 'get'
}

/** A call to tyntec that was stopped on its way. */
export interface Held {
  operation: Operation
  /** Hands it to tyntec, once, and gives tyntec's status. */
  forward(): Promise<number>
  /** Gives the caller tyntec's answer, asking first if need be. */
  answer(): Promise<void>
  /** Gives the caller another answer. */
  answerWith(status: number, body: unknown): Promise<void>
  /** In the call's path. */
  otpId: string
  /** The caller's connection breaks. tyntec may still be asked afterwards. */
  cut(): void
}

export interface Gate {
  url: string
  /** The next call of this kind is stopped and given here. */
  next(operation: Operation): Promise<Held>
}

/** Stands between a flow and the sandbox. What nobody waits for passes. */
async function startGate(target: string): Promise<Gate> {
  const waiting: { operation: Operation; resolve: (held: Held) => void }[] = []

  const hold = (request: IncomingMessage, response: ServerResponse): Held => {
    const { method = 'GET', url = '/' } = request
    let answer: Promise<{ status: number; type: string | null; body: string }> | undefined
    // Where there is no body a call can be handed over also after its caller has gone.
    const hasBody = Number(request.headers['content-length'] ?? 0) > 0
    const ask = () => (answer ??= (hasBody ? text(request) : Promise.resolve('')).then(hand))
    const hand = (sent: string) =>
      fetch(`${target}${url}`, {
        method,
        redirect: 'manual',
        headers: {
          apikey: String(request.headers.apikey),
          ...(sent && { 'content-type': 'application/json' }),
        },
        ...(sent && { body: sent }),
      }).then(async (reply) => ({
        status: reply.status,
        type: reply.headers.get('content-type'),
        body: await reply.text(),
      }))
    return {
      operation: operationOf(method, new URL(url, target).pathname),
      forward: async () => (await ask()).status,
      async answer() {
        const { status, type, body } = await ask()
        response.writeHead(status, type ? { 'content-type': type } : {})
        response.end(body)
      },
      async answerWith(status, body) {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      },
      otpId: url.split(/[/?]/)[4] ?? '',
      cut: () => void request.socket.destroy(),
    }
  }

  const server = createServer((request, response) => {
    const held = hold(request, response)
    const index = waiting.findIndex(({ operation }) => operation === held.operation)
    const [waiter] = index < 0 ? [] : waiting.splice(index, 1)
    if (waiter) waiter.resolve(held)
    else pipe(target, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    // A server that listens on a port has an address object.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (operation) => new Promise((resolve) => waiting.push({ operation, resolve })),
  }
}

/** Passes a call and its answer on as they are, breaks and all. */
function pipe(target: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, headers, socket } = request
  const onward = httpRequest(
    `${target}${request.url}`,
    { method, headers, agent: false },
    (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
      answer.on('error', () => socket.destroy())
    },
  )
  onward.on('error', () => socket.resetAndDestroy())
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

/** What a test does in place of a step of the store; `next` is the step itself. */
export type Changes = {
  [Name in StepName]?: (
    next: () => Promise<StepReply<Name>>,
    args: StepArgs<Name>,
  ) => Promise<StepReply<Name>>
}

/** Another process, whose store answers some steps in its own way. */
export function through(setup: TestFlow, changes: Changes): OtpFlow {
  return setup.another({ store: toOpaque(changed(setup.inner, changes)) })
}

export function changed(store: StepStore, changes: Changes): StepStore {
  return {
    ...store,
    run<Name extends StepName>(...call: Parameters<typeof store.run<Name>>) {
      const change: Changes[Name] = changes[call[0]]
      const next = () => store.run<Name>(...call)
      return change ? change(next, call[2]) : next()
    },
  }
}

/** Sends a code, and gives the handle. */
export async function sendCode(
  { flow }: Pick<TestFlow, 'flow'>,
  input: Partial<Parameters<OtpFlow['send']>[0]> = {},
): Promise<string> {
  const outcome = await flow.send({ number, ...input })
  if (outcome.status === 'sent' || outcome.status === 'unconfirmed') return outcome.handle
  throw new Error(`nothing was sent: ${outcome.status}`)
}

/** What a step threw, without what only a developer reads. */
export async function failure(step: Promise<unknown>): Promise<{ code: string; status: number }> {
  const error = await step.then(
    (outcome) => new Error(`it did not throw: ${JSON.stringify(outcome)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof OtpError) return { code: error.code, status: error.status }
  throw error
}

/** The outcome's status, or the error's code. */
export async function statusOf(
  step: Promise<SendOutcome | ResendOutcome | CheckOutcome>,
): Promise<string> {
  return step.then(
    ({ status }) => status,
    (error: unknown) => {
      if (error instanceof OtpError) return error.code
      throw error
    },
  )
}

/** Checks a code and, when it is proven, opens the session. */
export async function signIn(flow: OtpFlow, handle: string, code = rightCode): Promise<string> {
  const outcome = await flow.check({ handle, code })
  if (outcome.status !== 'verified') return outcome.status
  if (!(await flow.complete(outcome.proof))) return 'gone'
  return outcome.identity.repeated ? 'repeated' : 'opened'
}
