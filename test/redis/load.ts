import { setTimeout as sleep } from 'node:timers/promises'
import { OtpError, type OtpFlow } from 'passport-tyntec-otp'
import { expect } from 'vitest'
import { address, newNumber, type Tyntec, wrong } from './setup.js'

type StepName = 'send' | 'wrong' | 'right' | 'complete' | 'again'

interface Step {
  name: StepName
  /** The status of the outcome, or the code of the error. */
  result: string
  failed: boolean
  /** Milliseconds, by `performance.now()`. */
  began: number
  took: number
}

/** One person, who has this number alone. */
interface Person {
  number: string
  clicks: number
  /** Sessions that were opened for the first time, by the step that did. */
  verified: { send: number; wrong: number; right: number; again: number }
  /** Those that were opened again, for an answer that may have been lost. */
  repeated: number
}

export interface Load {
  steps: Step[]
  people: Person[]
  /** Resolves when so many more people have signed in without any failed step. */
  signedIn(people: number): Promise<void>
  stop(): Promise<void>
}

/**
 * People who sign in at the same time, one after another in each of 16 browsers: send, a wrong code,
 * the right one, the right one again. Who gets an error tries the same again a little later.
 */
export function startLoad(flow: OtpFlow, tyntec: Tyntec, browsers = 16): Load {
  const steps: Step[] = []
  const people: Person[] = []
  let running = true
  let smooth = 0

  async function step(name: StepName, run: () => Promise<{ status: string }>): Promise<string> {
    const began = performance.now()
    const record = (result: string, failed: boolean) => {
      steps.push({ name, result, failed, began, took: performance.now() - began })
      return result
    }
    try {
      return record((await run()).status, false)
    } catch (error) {
      if (!(error instanceof OtpError)) throw error
      return record(error.code, true)
    }
  }

  /** The same step until it has an outcome; nothing when the load has ended before. */
  async function insist(name: StepName, run: () => Promise<{ status: string }>) {
    for (;;) {
      const result = await step(name, run)
      if (!result.startsWith('ERR_')) return result
      if (!running) return undefined
      await sleep(50)
    }
  }

  async function signIn(): Promise<void> {
    const person: Person = {
      number: newNumber(),
      clicks: 0,
      verified: { send: 0, wrong: 0, right: 0, again: 0 },
      repeated: 0,
    }
    people.push(person)
    const { number } = person
    const failedBefore = steps.filter(({ failed }) => failed).length
    let handle: string | undefined
    const onHandle = (given: string) => {
      handle = given
    }
    const asked = await insist('send', () => {
      person.clicks += 1
      return flow.send({ number, address, handle, onHandle })
    })
    if (asked === undefined || tyntec.messages(number) === 0) return
    const code = await tyntec.sandbox.waitForCode(number)

    const check = (name: 'wrong' | 'right' | 'again', typed: string) =>
      insist(name, async () => {
        const outcome = await flow.check({ handle, code: typed, address })
        if (outcome.status !== 'verified') return outcome
        if (outcome.identity.repeated) person.repeated += 1
        else person.verified[name] += 1
        const completed = await insist('complete', async () => ({
          status: String(await flow.complete(outcome.proof)),
        }))
        return { status: `verified, completed: ${completed}` }
      })
    await check('wrong', wrong(code))
    await check('right', code)
    await check('again', code)
    const failures = steps.filter(({ failed }) => failed).length
    if (person.verified.right === 1 && failures === failedBefore) smooth += 1
  }

  async function browse(): Promise<void> {
    while (running) {
      await signIn()
      // A person has to read and type.
      await sleep(30)
    }
  }
  const ends = Array.from({ length: browsers }, browse)

  return {
    steps,
    people,
    async signedIn(count) {
      const target = smooth + count
      await expect.poll(() => smooth, { timeout: 25_000 }).toBeGreaterThanOrEqual(target)
    },
    async stop() {
      running = false
      await Promise.all(ends)
    },
  }
}

/** What has to hold whatever Redis did meanwhile, by tyntec's own count. */
export async function expectSound({ steps, people }: Load, tyntec: Tyntec): Promise<void> {
  const errors = new Set(steps.filter(({ failed }) => failed).map(({ result }) => result))
  // Who waits for another click's check, and hears that it had no end, gets the second.
  errors.delete('ERR_OTP_STORE_UNAVAILABLE')
  errors.delete('ERR_OTP_PROVIDER_UNAVAILABLE')
  expect([...errors]).toEqual([])

  const requests = await tyntec.requests()
  // One click, one message at most.
  const messages = new Map<string, number>()
  const checks = new Map<string, (number | null)[]>()
  for (const { method, path, query, status } of requests) {
    if (method !== 'POST') continue
    const [, otpId, action] = /^\/2fa\/v1\/otp(?:\/([^/]+)(\/check)?)?$/.exec(path) ?? []
    if (otpId === undefined) {
      const number = String(query.number)
      messages.set(number, (messages.get(number) ?? 0) + 1)
    } else if (action) {
      checks.set(otpId, [...(checks.get(otpId) ?? []), status])
    }
  }
  for (const { number, clicks, verified, repeated } of people) {
    expect(messages.get(number) ?? 0).toBeLessThanOrEqual(clicks)
    // A wrong code signs nobody in, and a right one once.
    expect(verified.wrong).toBe(0)
    expect(verified.right + verified.again).toBeLessThanOrEqual(messages.get(number) ?? 0)
    expect(repeated).toBeLessThanOrEqual(3)
  }
  for (const statuses of checks.values()) {
    // 410: tyntec did not look at the code.
    expect(statuses.filter((status) => status !== 410).length).toBeLessThanOrEqual(3)
    expect(statuses.filter((status) => status === 202).length).toBeLessThanOrEqual(1)
  }
  for (const otp of await tyntec.otps()) expect(otp.attemptCount).toBeLessThanOrEqual(3)
}

/** What happened from a moment on. With `REDIS_FIGURES=1` it is printed, for docs/redis.md. */
export function summary(name: string, { steps, people }: Load, since: number) {
  const failed = steps.filter((step) => step.failed && step.began + step.took >= since)
  const count = (list: Step[]) => {
    const counts: Record<string, number> = {}
    for (const { name, result } of list) {
      counts[`${name} ${result}`] = (counts[`${name} ${result}`] ?? 0) + 1
    }
    return counts
  }
  const last = Math.max(since, ...failed.map(({ began, took }) => began + took))
  const figures = {
    people: people.length,
    steps: steps.length,
    failed: failed.length,
    // Who waits for another click of the same browser may hear later that it has failed.
    mostFailedWithin: Math.round(quantile(failed, 0.9)),
    slowestFailure: Math.round(quantile(failed, 1)),
    slowest: Math.round(Math.max(...steps.map(({ took }) => took))),
    recovered: Math.round(last - since),
    results: count(steps),
  }
  if (process.env.REDIS_FIGURES) console.log(name, figures)
  return figures
}

function quantile(steps: Step[], part: number): number {
  const times = steps.map(({ took }) => took).sort((one, other) => one - other)
  return times[Math.ceil(times.length * part) - 1] ?? 0
}
