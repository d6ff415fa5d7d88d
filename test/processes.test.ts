import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { bundled } from './support/bundled.js'
import { number, rightCode, secret, sendCode, setupFlow, type TestFlow } from './support/flow.js'
import type { Settings, Task } from './support/worker.js'

const workers = 4
const worker = await bundled(new URL('support/worker.ts', import.meta.url))

/** Four processes of one app, on one Redis. */
async function setupProcesses() {
  const setup = await setupFlow('redis')
  const settings: Settings = {
    redisUrl: inject('redisUrl'),
    prefix: setup.prefix,
    baseUrl: setup.gate.url,
    apiKey: setup.sandbox.apiKey,
    secret,
  }
  const children = Array.from({ length: workers }, () => fork(worker, [JSON.stringify(settings)]))
  onTestFinished(() => {
    for (const child of children) child.disconnect()
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  return { ...setup, all: (task: (index: number) => Task) => runAll(children, task) }
}

async function runAll(children: ChildProcess[], task: (index: number) => Task): Promise<string[]> {
  const answers = await Promise.all(
    children.map(async (child, index) => {
      const answered = once(child, 'message')
      child.send(task(index))
      const [outcomes] = await answered
      return outcomes as string[] // what `worker.ts` sends
    }),
  )
  return answers.flat()
}

async function verifiedOtps({ sandbox }: TestFlow): Promise<number> {
  const answer = await fetch(`${sandbox.url}/_sandbox/otps`)
  const otps = (await answer.json()) as { otpStatus: string }[] // the sandbox's own
  return otps.filter(({ otpStatus }) => otpStatus === 'VERIFIED').length
}

describe('four processes', { timeout: 30_000 }, () => {
  // proves: SES-7, RED-1, twice/check
  test('ask tyntec once for fifty right codes, and one of them opens a session', async () => {
    const setup = await setupProcesses()
    for (let round = 0; round < 5; round++) {
      const before = await setup.count('check')
      const handle = await sendCode(setup, { number: `+1201555010${round}` })
      const outcomes = await setup.all((index) => ({
        do: 'check',
        handle,
        codes: Array<string>(index < 2 ? 13 : 12).fill(rightCode),
      }))
      expect(outcomes).toHaveLength(50)
      expect(outcomes.filter((status) => status === 'opened')).toHaveLength(1)
      // A request that comes after the session was opened may have been sent for a lost answer.
      expect(outcomes.filter((status) => status === 'repeated').length).toBeLessThanOrEqual(3)
      const known = ['opened', 'signed_in', 'repeated', 'no_pending_code']
      expect(outcomes.filter((status) => !known.includes(status))).toEqual([])
      expect((await setup.count('check')) - before).toBe(1)
    }
    expect(await verifiedOtps(setup)).toBe(5)
  })

  // proves: ATT-1
  test('ask tyntec three times at the most for fifty wrong codes', async () => {
    const setup = await setupProcesses()
    const handle = await sendCode(setup)
    const outcomes = await setup.all((index) => ({
      do: 'check',
      handle,
      codes: Array.from({ length: 13 }, (_, each) => String(100_000 + 20 * index + (each % 5))),
    }))
    const known = ['invalid_code', 'check_in_progress', 'too_many_attempts']
    expect(outcomes.filter((status) => !known.includes(status))).toEqual([])
    expect(await setup.count('check')).toBeLessThanOrEqual(3)
    const again = await setup.all(() => ({ do: 'check', handle, codes: ['999999', rightCode] }))
    expect(again.filter((status) => status === 'opened').length).toBeLessThanOrEqual(1)
    expect(await setup.count('check')).toBeLessThanOrEqual(3)
  })

  // proves: SEND-3, twice/send
  test('send one message for thirty requests', async () => {
    const setup = await setupProcesses()
    for (let round = 0; round < 5; round++) {
      const outcomes = await setup.all((index) => ({
        do: 'send',
        number: `+1201555010${round}`,
        addresses: Array.from(
          { length: index < 2 ? 8 : 7 },
          (_, each) => `10.${round}.${index}.${each}`,
        ),
      }))
      expect(outcomes.sort()).toEqual([...Array<string>(29).fill('resend_too_soon'), 'sent'])
      expect(await setup.count('send')).toBe(round + 1)
    }
    expect(number).toBe('+12015550100')
  })
})
