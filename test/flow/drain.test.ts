import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setImmediate as tick } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createOtpFlow, type OtpFlow, redisStore } from '../../src/index.js'
import { startSandbox } from '../../src/sandbox/index.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { bundled } from '../support/bundled.js'
import { createRedis } from '../support/redis.js'

const program = await bundled(new URL('../support/drain-app.ts', import.meta.url))

describe('flow.drain()', () => {
  // proves: deploy/check
  test('lets running steps end and keeps what they ended with', async () => {
    const { flow, again, delay, code } = await setup()
    const first = await sendTo(flow, 1)
    const second = await sendTo(flow, 2)
    const [right, wrong] = [await code(1), '000000']
    await delay(600)
    const running = [
      flow.check({ handle: first, code: right }),
      flow.check({ handle: second, code: wrong }),
      flow.send({ number: numberOf(3) }),
    ]
    const drained = flow.drain()
    await drained
    const outcomes = await Promise.all(running)
    expect(outcomes.map(({ status }) => status)).toEqual(['verified', 'invalid_code', 'sent'])

    // Another process goes on with what this one has stored.
    const other = again()
    const sent = outcomes[2]
    const handle = sent && 'handle' in sent ? sent.handle : undefined
    expect(await other.status({ handle })).toMatchObject({ status: 'pending' })
    expect(await other.check({ handle: second, code: await code(2) })).toMatchObject({
      status: 'verified',
    })
  })

  test('is over only when the running steps are', async () => {
    const { flow, delay } = await setup()
    await delay(500)
    let sent = false
    const running = flow.send({ number: numberOf(1) }).then(() => (sent = true))
    await flow.drain()
    expect(sent).toBe(true)
    await running
  })

  test('is over after 10 s, and leaves a step that hangs its way to tyntec', async () => {
    const { flow, delay } = await setup()
    await delay(500)
    let sent = false
    const step = flow.send({ number: numberOf(1) }).finally(() => (sent = true))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const drained = flow.drain()
    vi.advanceTimersByTime(9999)
    expect(await Promise.race([drained.then(() => 'over'), tick('not yet')])).toBe('not yet')
    vi.advanceTimersByTime(1)
    await drained
    vi.useRealTimers()
    expect(sent).toBe(false)
    expect(await step).toMatchObject({ status: 'sent' })
  })

  // proves: deploy/send, deploy/resend
  test('refuses new steps with a 503, and asks neither Redis nor tyntec for them', async () => {
    const { flow, sandbox } = await setup()
    const handle = await sendTo(flow, 1)
    const before = sandbox.messages().length
    await flow.drain()
    const steps = [
      flow.send({ number: numberOf(2) }),
      flow.resend({ handle }),
      flow.check({ handle, code: '000000' }),
      flow.status({ handle }),
      flow.cancel({ handle }),
    ]
    for (const step of steps) {
      await expect(step).rejects.toMatchObject({
        code: 'ERR_OTP_PROVIDER_UNAVAILABLE',
        status: 503,
        retryAfter: 1,
        processed: 'no',
      })
    }
    expect(sandbox.messages()).toHaveLength(before)
  })

  // proves: deploy/check
  test('lets a proven code open its session afterwards', async () => {
    const { flow, code } = await setup()
    const handle = await sendTo(flow, 1)
    const outcome = await flow.check({ handle, code: await code(1) })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    await flow.drain()
    expect(await flow.complete(outcome.proof)).toBe(true)
  })

  // proves: deploy/check
  test('lets a session that could not be opened be opened by another process', async () => {
    const { flow, again, code } = await setup()
    const handle = await sendTo(flow, 1)
    const typed = await code(1)
    const outcome = await flow.check({ handle, code: typed })
    if (outcome.status !== 'verified') throw new Error(outcome.status)
    await flow.drain()
    await flow.release(outcome.proof)
    expect(await again().check({ handle, code: typed })).toMatchObject({ status: 'verified' })
  })

  test('closes the connections to tyntec', async () => {
    const { flow, connections } = await setup()
    await sendTo(flow, 1)
    expect(await connections()).toBe(1)
    await flow.drain()
    await vi.waitFor(async () => expect(await connections()).toBe(0))
  })

  test('may be called twice, and before anything was sent', async () => {
    const { flow } = await setup()
    await Promise.all([flow.drain(), flow.drain()])
    await flow.drain()
    await expect(flow.send({ number: numberOf(1) })).rejects.toThrow('draining')
  })
})

describe('a process that drains at SIGTERM', () => {
  // proves: deploy/send
  test('ends with 0 under load, and every request that had begun gets its answer', async () => {
    const { app, ask, code, delay, checksAtTyntec } = await startApp()
    const handles = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const { handle } = await ask('/send', { number: numberOf(index) })
        return handle
      }),
    )
    const codes = await Promise.all(handles.map((_, index) => code(index)))

    await delay('otp.send', 50)
    await delay('otp.check', 800)
    const answers: Answer[] = []
    // Each goes on until nobody listens any more.
    const load = Array.from({ length: 10 }, async (_, worker) => {
      for (let index = 100 + worker; ; index += 10) {
        answers.push(await ask('/send', { number: numberOf(index) }))
      }
    })
    const ended = Promise.allSettled(load)
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(20))
    const checks = handles.map((handle, index) =>
      ask('/check', { handle, code: codes[index] ?? '' }),
    )
    await vi.waitFor(async () => expect(await checksAtTyntec()).toBe(30))
    const exit = once(app, 'exit')
    app.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
    await ended

    for (const answer of await Promise.all(checks)) {
      expect(answer).toMatchObject({ httpStatus: 200, status: 'verified', completed: true })
    }
    const begun = answers.filter(({ late }) => !late)
    expect(begun.length).toBeGreaterThan(10)
    for (const answer of begun) expect(answer).toMatchObject({ httpStatus: 200, status: 'sent' })
    for (const { httpStatus, late } of answers) {
      if (late) expect(httpStatus).toBe(503)
    }
  }, 30_000)
})

interface Answer {
  httpStatus: number
  status: string
  handle: string
  /** It came after SIGTERM. */
  late: boolean
}

async function setup() {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const { redis, prefix } = await createRedis()
  const relay = await startRelay(sandbox.url)
  const create = () =>
    createOtpFlow({
      apiKey: sandbox.apiKey,
      baseUrl: relay.url,
      secret: 'a secret of the tests, longer than 32 bytes',
      countries: ['DE'],
      store: redisStore(redis, { prefix, timeout: 5 }),
    })
  return {
    sandbox,
    flow: create(),
    /** The same app in another process. */
    again: create,
    code: (index: number) => sandbox.waitForCode(numberOf(index)),
    delay: (ms: number) => addDelay(sandbox.url, '*', ms),
    connections: relay.connections,
  }
}

/** Stands before the sandbox to count its connections. */
async function startRelay(url: string) {
  const relay = createServer((socket) => {
    const onward = connect(Number(new URL(url).port), '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  onTestFinished(() => void relay.close())
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = relay.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () =>
      new Promise<number>((resolve, reject) => {
        relay.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      }),
  }
}

async function startApp() {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const { prefix, url } = await createRedis()
  const app = fork(program, {
    env: { ...process.env, REDIS_URL: url, REDIS_PREFIX: prefix, SANDBOX_URL: sandbox.url },
  })
  onTestFinished(() => void app.kill('SIGKILL'))
  const [{ port }] = (await once(app, 'message')) as [{ port: number }]
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())

  const ask = (path: string, query: Record<string, string>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const url = `http://127.0.0.1:${port}${path}?${new URLSearchParams(query).toString()}`
      request(url, { method: 'POST', agent }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () =>
          resolve({
            httpStatus: response.statusCode ?? 0,
            ...(JSON.parse(text) as Omit<Answer, 'httpStatus'>),
          }),
        )
        response.on('error', reject)
      })
        .on('error', reject)
        .end()
    })
  return {
    app,
    ask,
    code: (index: number) => sandbox.waitForCode(numberOf(index)),
    delay: (operation: string, ms: number) => addDelay(sandbox.url, operation, ms),
    async checksAtTyntec() {
      const response = await fetch(`${sandbox.url}/_sandbox/requests`)
      const calls = (await response.json()) as JournalEntry[]
      return calls.filter(({ path }) => path.endsWith('/check')).length
    },
  }
}

async function addDelay(url: string, operation: string, ms: number): Promise<void> {
  const body = JSON.stringify({ operation, kind: 'delay', ms })
  await fetch(`${url}/_sandbox/faults`, { method: 'POST', body })
}

function numberOf(index: number): string {
  return `+4915123${String(400_000 + index)}`
}

async function sendTo(flow: OtpFlow, index: number): Promise<string> {
  const outcome = await flow.send({ number: numberOf(index) })
  if (outcome.status !== 'sent') throw new Error(`The send is ${outcome.status}`)
  return outcome.handle
}
