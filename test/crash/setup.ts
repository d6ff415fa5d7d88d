import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createOtpFlow, type OtpFlow } from 'passport-tyntec-otp'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { afterAll, expect, onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { toOpaque } from '../../src/store/store.js'
import { timedRedis } from '../model/timed.js'
import { bundled } from '../support/bundled.js'
import { createRedis } from '../support/redis.js'
import { ownChannels } from './channels.js'
import type { Order, Report, Step } from './worker.js'

export const number = '+12025550143'
const secret = 'a secret of the crash tests, long enough'
/** Seconds after which a step that died can be taken over. */
export const lease = 11
/** The same for the opening of a session, in which the app's verify function has its time. */
export const openingLease = 36
/** Seconds in which the same code is answered again, for a browser that heard nothing the first time. */
export const repeatWindow = 60

type At = NonNullable<Order['at']>
export const before = (method: At['method']): At => ({ when: 'before', method })
export const after = (method: At['method']): At => ({ when: 'after', method })

export function wrong(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
}

/** What another browser could make of a handle that it has seen. */
export function strangerTo(handle: string): string {
  const bytes = Buffer.from(handle, 'base64url')
  bytes[20] = (bytes[20] ?? 0) ^ 1
  return bytes.toString('base64url')
}

const worker = await bundled(new URL('worker.ts', import.meta.url))
const startProcess = () => fork(worker)

/** Starting one takes longer than its step, so it is started while the test before runs. */
let next = startProcess()
afterAll(() => void next.kill('SIGKILL'))

/** What the phone, the browser and tyntec see of an app whose processes die. */
export async function setupApp(via?: Order['via']) {
  const { redis, prefix, url } = await createRedis()
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const timed = timedRedis(redis, prefix)
  const shared = { baseUrl: sandbox.url, apiKey: sandbox.apiKey, secret, via }
  const flow: OtpFlow = createOtpFlow({
    baseUrl: sandbox.url,
    apiKey: sandbox.apiKey,
    secret,
    countries: ['US'],
    ...(via && { channels: [ownChannels[via]] }),
    store: toOpaque(timed.store),
  })

  const control = async (path: string, body?: object) => {
    const response = await fetch(`${sandbox.url}/_sandbox/${path}`, {
      method: body ? 'POST' : 'GET',
      body: body ? JSON.stringify(body) : null,
    })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  // The journal's shape has its own tests.
  const journal = async () => (await control('requests')) as JournalEntry[]
  const calls = async (method: string, path: RegExp) =>
    (await journal()).filter((call) => call.method === method && path.test(call.path)).length

  async function start(step: Step, at: Order['at']) {
    const worker = next
    next = startProcess()
    onTestFinished(() => void worker.kill('SIGKILL'))
    const seen: { handle?: string; outcome?: string } = {}
    worker.on('message', (report: Report) => Object.assign(seen, report))
    const gone = once(worker, 'exit')
    const order: Order = { ...shared, redisUrl: url, prefix, step, at }
    worker.send(order)
    return { worker, seen, gone }
  }

  function died(signal: unknown, seen: { handle?: string; outcome?: string }) {
    if (signal !== 'SIGKILL') throw new Error(`it was not killed: ${JSON.stringify(seen)}`)
    return seen as { handle: string } // a send has reported it before it asked tyntec
  }

  const check = async (handle: string, code: string) => {
    const outcome = await flow.check({ handle, code })
    if (outcome.status !== 'verified') return outcome.status
    if (!(await flow.complete(outcome.proof))) return 'too late'
    return outcome.identity.repeated ? 'repeated' : 'signed in'
  }

  const code = (to = number) => sandbox.waitForCode(to, { timeout: 1 })

  return {
    flow,
    calls,
    check,
    code,
    fault: (fault: object) => control('faults', fault),
    newestCode: () => sandbox.messages().at(-1)?.code ?? '',
    messages: () => sandbox.messages().map(({ to }) => to),

    /** Redis and tyntec grow older together. */
    async advance(seconds: number) {
      await timed.advance(seconds)
      await control('clock', { advance: seconds })
    },

    /** Lets a process of its own do a step, and die at one of its calls of the store. */
    async kill(step: Step, at: At) {
      const { seen, gone } = await start(step, at)
      const [, signal] = await gone
      return died(signal, seen)
    },

    /** Kills the process once its call has reached tyntec, which does not answer it. */
    async killAtTyntec(step: Step, method: string, path: RegExp) {
      const before = await calls(method, path)
      const { worker, seen, gone } = await start(step, undefined)
      while ((await calls(method, path)) === before) await sleep(20)
      worker.kill('SIGKILL')
      const [, signal] = await gone
      return died(signal, seen)
    },

    async send(handle?: string): Promise<string> {
      const outcome = await flow.send({ number, handle })
      if (outcome.status !== 'sent') throw new Error(`the code is not sent: ${outcome.status}`)
      return outcome.handle
    },

    async checking(handle: string) {
      return { type: 'check', handle, code: await code(), end: 'complete' } as const
    },

    /** The code on the phone signs this browser in, again while its answer may be lost, and no other browser. */
    async signsIn(handle: string, to = number) {
      const right = await code(to)
      expect(await check(strangerTo(handle), right)).toBe('no_pending_code')
      expect(await check(handle, right)).toBe('signed in')
      expect(await check(handle, wrong(right))).toBe('no_pending_code')
      expect(await check(handle, right)).toBe('repeated')
      await this.advance(repeatWindow)
      expect(await check(handle, right)).toBe('no_pending_code')
    },

    /** Nobody has got a session with this code, and nobody will: not even the browser that asked for it. */
    async signsNobodyIn(handle: string) {
      expect(await check(strangerTo(handle), await code())).toBe('no_pending_code')
      expect(await check(handle, await code())).toBe('no_pending_code')
    },
  }
}
