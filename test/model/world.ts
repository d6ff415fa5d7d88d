import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import type { OtpEvent } from '../../src/events.js'
import type { OtpFlow, OtpOptions } from '../../src/index.js'
import type { Sandbox } from '../../src/sandbox/index.js'
import { startSandbox } from '../../src/sandbox/index.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import type { OtpStatusEntity } from '../../src/sandbox/otp/entity.js'
import type { StepArgs, StepName, StepReply } from '../../src/store/steps/index.js'
import type { StepKeys, StepStore } from '../../src/store/store.js'
import { type Gate, openGate } from './gate.js'
import { text } from './own.js'
import type { Trouble } from './plan.js'
import type { Subject } from './subject.js'

export const secret = 'a secret of the model test, long enough'
export const numbers = ['+12025550143', '+12025550144', '+12025550145']

/** A store whose time can be moved. */
export interface TimedStore {
  store: StepStore
  advance(seconds: number): Promise<void>
  /** Throws when something is kept that should not be. */
  inspect(): Promise<void>
}

/** What one run of the model has to do with. A step that was abandoned keeps its own. */
export interface World {
  timed: TimedStore
  /** By the `referenceId` of the send. */
  flowOf: Map<string, string>
  /** By otpId, as the store was told. */
  keptBy: Map<string, string>
  /** How often a step has been told to wait. */
  waits: number
}

/** One call of the flow. */
export interface Step {
  world: World
  trouble: Trouble | undefined
  random: () => number
  calls: number
  /** Its process is gone: none of its calls of the store goes on. */
  dead: boolean
  /** It waits until another step has ended: it asks again and again, or another of its process does. */
  waiting: boolean
  worker: number
  /** Nobody waits for it any longer. */
  gone: () => void
  /** Its process is gone, with all that it was doing. */
  died: () => void
}

/** A sandbox for one run after the other; each brings its own world. */
export interface Track {
  sandbox: Sandbox
  gate: Gate
  /** Processes of the app. */
  startWorkers(count: number, options: Partial<OtpOptions>, own: boolean): OtpFlow[]
  steps: AsyncLocalStorage<Step>
  secrets: ReturnType<Subject['createSecrets']>
  /** What operators have been told since the last run began. */
  events: OtpEvent[]
  journal(): Promise<JournalEntry[]>
  otps(): Promise<OtpStatusEntity[]>
  control(method: 'POST' | 'DELETE', path: string, body?: object): Promise<void>
  close(): Promise<void>
}

export async function openTrack(subject: Subject): Promise<Track> {
  const sandbox = await startSandbox()
  const steps = new AsyncLocalStorage<Step>()
  const secrets = subject.createSecrets([secret])
  const events: OtpEvent[] = []
  const store = subject.toOpaque(disturbed(steps, secrets, subject))
  const gate = await openGate(sandbox.url)
  const startWorkers = (count: number, options: Partial<OtpOptions>, own: boolean) =>
    Array.from({ length: count }, () =>
      subject.createOtpFlow({
        apiKey: sandbox.apiKey,
        baseUrl: gate.url,
        secret,
        countries: ['US'],
        store,
        onEvent: (event) => events.push(event),
        ...(own && { channels: [subject.sms({ from: 'Example', text })] }),
        ...options,
      }),
    )
  const pool = new Pool(sandbox.url, { connections: 4 })
  const ask = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const answer = await pool.request({
      method,
      path: `/_sandbox/${path}`,
      body: body ? JSON.stringify(body) : null,
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`the sandbox refuses ${path}: ${text}`)
    return text
  }
  return {
    sandbox,
    gate,
    startWorkers,
    steps,
    secrets,
    events,
    // What the sandbox's own routes answer has its own tests.
    journal: async () => JSON.parse(await ask('GET', 'requests')) as JournalEntry[],
    otps: async () => JSON.parse(await ask('GET', 'otps')) as OtpStatusEntity[],
    control: async (method, path, body) => void (await ask(method, path, body)),
    async close() {
      await gate.close()
      await pool.close()
      await sandbox.close()
    },
  }
}

/** Small and seeded: a run can be repeated. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function pause({ random }: Step): Promise<void> {
  const roll = Math.floor(random() * 8)
  if (roll < 3) return
  if (roll < 7) for (let ticks = roll - 2; ticks > 0; ticks--) await tick()
  else await sleep(1 + Math.floor(random() * 3))
}

/** A new one each time: what waits for a promise lives as long as the promise. */
const never = () => new Promise<never>(() => {})

/**
 * The store of the step's world. Between any two of its calls other steps get their turn, and at
 * the call that its plan names the step gets into trouble.
 */
function disturbed(
  steps: AsyncLocalStorage<Step>,
  secrets: ReturnType<Subject['createSecrets']>,
  { OtpError }: Pick<Subject, 'OtpError'>,
): StepStore {
  const unavailable = () => new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'the store was made to fail')
  const die = (step: Step): Promise<never> => {
    step.dead = true
    step.died()
    return never()
  }

  const call = async <T>(run: (store: StepStore, step: Step) => Promise<T>): Promise<T> => {
    const step = steps.getStore()
    if (!step) throw new Error('a call of the store outside of a step')
    const { trouble, world } = step
    const kind = trouble?.at === step.calls ? trouble.kind : undefined
    step.calls += 1
    if (step.dead) return never()
    await pause(step)
    if (step.dead) return never()
    if (kind === 'crash-before') return die(step)
    if (kind === 'fail-before') throw unavailable()
    let result = await run(world.timed.store, step)
    if (kind === 'twice') result = await run(world.timed.store, step)
    if (kind === 'crash-after') return die(step)
    if (kind === 'crash-later') void die(step)
    if (kind === 'fail-after') throw unavailable()
    await pause(step)
    return step.dead && kind !== 'crash-later' ? never() : result
  }

  return {
    cluster: false,
    run<Name extends StepName>(
      name: Name,
      keys: StepKeys,
      args: StepArgs<Name>,
    ): Promise<StepReply<Name>> {
      return call(async (store, step) => {
        note(step, secrets, name, keys, args)
        const before = step.waiting
        step.waiting = false
        const reply = await store.run(name, keys, args)
        step.waiting = waits(before, reply)
        if (step.waiting) step.world.waits += 1
        return reply
      })
    },
    keepNote: (...args) => call((store) => store.keepNote(...args)),
    note: (...args) => call((store) => store.note(...args)),
  }
}

/** Which flow has which send, and which otpId. */
function note(
  { world }: Step,
  secrets: ReturnType<Subject['createSecrets']>,
  name: StepName,
  keys: StepKeys,
  args: unknown,
): void {
  const [, number = '', flow = ''] = /^\{(.+)\}:flow:(.+)$/.exec(keys.flow ?? '') ?? []
  if (name === 'send' || name === 'resend') {
    const { request } = args as StepArgs<'send'>
    if (request) world.flowOf.set(request.reference, flow)
  }
  if (name === 'settleSend') {
    const { result } = args as StepArgs<'settleSend'>
    const ref = { number, flow, flowId: '', keyId: '', browserTag: undefined }
    const otpId = result.result === 'sent' ? secrets.unseal(ref, 'otp', result.otp) : undefined
    // A message with a code of ours has its channel before its id.
    if (otpId !== undefined) world.keptBy.set(otpId.replace(/^sms:/, ''), flow)
  }
}

/** Whether the step waits for another one's end. */
function waits(before: boolean, reply: unknown): boolean {
  const { status, busy } = Object(reply) as { status?: string; busy?: boolean } // of any step
  if (busy !== undefined) return before && busy
  return status === 'busy' || status === 'join' || status === 'sending'
}
