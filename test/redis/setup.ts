import { createHash, randomInt } from 'node:crypto'
import {
  createOtpFlow,
  OtpError,
  type OtpFlow,
  type OtpOptions,
  type AnyRedisClient,
  type RedisStoreOptions,
  redisStore,
  type SendOutcome,
} from 'passport-tyntec-otp'
import { type Sandbox, startSandbox } from 'passport-tyntec-otp/sandbox'
import type { Redis } from 'ioredis'
import { expect, onTestFinished, type TestContext } from 'vitest'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import type { OtpStatusEntity } from '../../src/sandbox/otp/entity.js'
import { scripts } from '../../src/store/scripts.js'
import type { CommandWords } from '../support/redis-proxy.js'
import { stopwatch } from '../support/elapsed.js'

/** Limits that no test reaches, so that only Redis decides. */
const unlimited = {
  limits: {
    sendsPerNumber: [
      { points: 1_000_000, duration: 600 },
      { points: 1_000_000, duration: 86_400 },
    ],
    sendsPerAddress: { points: 1_000_000, duration: 3600 },
    waitsPerAddress: { points: 1_000_000, duration: 3600 },
    failedNumbersPerAddress: { points: 1_000_000, duration: 3600 },
    failuresPerAddress: { points: 1_000_000, duration: 3600 },
    failuresPerNumber: { free: 20 },
  },
  budget: { perHour: 1_000_000, perDay: 10_000_000 },
} satisfies Partial<OtpOptions>

const secret = 'a secret for tests, of 32 bytes and more'

/** All browsers of a test are behind one address. */
export const address = '192.0.2.1'

/** Where to leave what has to be closed: concurrent tests have to say which of them it is. */
export type Finished = TestContext['onTestFinished']

export interface Tyntec {
  sandbox: Sandbox
  requests(): Promise<JournalEntry[]>
  otps(): Promise<OtpStatusEntity[]>
  /** Messages that went out to a number. */
  messages(number: string): number
}

export async function setupTyntec(finished: Finished = onTestFinished): Promise<Tyntec> {
  const sandbox = await startSandbox()
  finished(() => sandbox.close())
  const get = async (path: string) => (await fetch(`${sandbox.url}/_sandbox/${path}`)).json()
  return {
    sandbox,
    requests: async () => (await get('requests')) as JournalEntry[],
    otps: async () => (await get('otps')) as OtpStatusEntity[],
    messages: (number) => sandbox.messages().filter(({ to }) => to === number).length,
  }
}

export type FlowOptions = Partial<OtpOptions> & RedisStoreOptions & { finished?: Finished }

/** Another app process on the same Redis and tyntec, as far as these know. */
export function setupFlow(
  { sandbox }: Tyntec,
  client: AnyRedisClient,
  options: FlowOptions = {},
): OtpFlow {
  const { prefix, timeout, finished = onTestFinished, ...flowOptions } = options
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    secret,
    countries: 'any',
    store: redisStore(client, { ...(prefix && { prefix }), ...(timeout && { timeout }) }),
    ...unlimited,
    ...flowOptions,
  })
  finished(() => flow.drain())
  return flow
}

/** A German mobile number that no other test has. */
export function newNumber(): string {
  return `+49151${randomInt(10_000_000, 100_000_000)}`
}

export const wrong = (code: string) =>
  code.replace(/^./, (digit) => String((Number(digit) + 1) % 10))

/** Sends and gives what a browser has afterwards: the handle, even if the send failed. */
export async function sendTo(flow: OtpFlow, number: string, handle?: string) {
  let own = handle
  const onHandle = (given: string) => {
    own = given
  }
  const outcome: SendOutcome | OtpError = await flow
    .send({ number, address, handle, onHandle })
    .catch(onlyOtpError)
  return { outcome, handle: own }
}

export function onlyOtpError(error: unknown): OtpError {
  if (error instanceof OtpError) return error
  throw error
}

/** A sent flow, with its code. */
export async function sent(flow: OtpFlow, { sandbox }: Tyntec, number = newNumber()) {
  const outcome = await flow.send({ number, address })
  if (outcome.status !== 'sent') throw new Error(`not sent: ${outcome.status}`)
  const code = await sandbox.waitForCode(number)
  return { number, code, handle: outcome.handle }
}

/** Checks, and opens a session when proven. */
export async function signIn(flow: OtpFlow, handle: unknown, code: string): Promise<string> {
  const outcome = await flow.check({ handle, code, address })
  if (outcome.status !== 'verified') return outcome.status
  if (!(await flow.complete(outcome.proof))) return 'over'
  return outcome.identity.repeated ? 'repeated' : 'verified'
}

/** What a step came to, and how long it took. */
async function timed(step: Promise<unknown>) {
  const took = stopwatch()
  const outcome = await step.catch((error: unknown) => error)
  return { outcome, seconds: took() / 1000 }
}

/** Every one of them could not ask Redis, and said so soon. */
export async function expectRefused(steps: readonly Promise<unknown>[]): Promise<void> {
  for (const { outcome, seconds } of await Promise.all(steps.map(timed))) {
    expect(outcome).toBeInstanceOf(OtpError)
    expect(outcome).toMatchObject({ code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 })
    expect(seconds).toBeLessThan(1)
  }
}

const shas = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [
    createHash('sha1').update(text).digest('hex'),
    name,
  ]),
)

/** Which step of ours a command runs; nothing for other commands. */
export function scriptOf([name, script = '']: CommandWords): string | undefined {
  if (name !== 'EVALSHA' && name !== 'EVAL') return undefined
  return shas[name === 'EVAL' ? createHash('sha1').update(script).digest('hex') : script]
}

export const isScript = (script: string) => (words: CommandWords) => scriptOf(words) === script

/** What a record of ours holds; nothing when there is none. */
export async function recordAt<T>(redis: Redis, key: string): Promise<T | undefined> {
  const script = `local record = redis.call('GET', KEYS[1])
    return record and cjson.encode(cmsgpack.unpack(record))`
  const record = await redis.eval(script, 1, key)
  return typeof record === 'string' ? (JSON.parse(record) as T) : undefined
}
