import { createOtpFlow } from 'passport-tyntec-otp'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { StepName } from '../../src/store/steps/index.js'
import { type OtpStore, toOpaque } from '../../src/store/store.js'
import { openGate } from '../model/gate.js'
import { subject } from '../model/subject.js'
import { timedMemory, timedRedis } from '../model/timed.js'
import type { TimedStore } from '../model/world.js'
import { createRedis } from '../support/redis.js'

/* What the model test has found, smallest first. */

const number = '+12025550143'

const stores: Record<string, () => Promise<TimedStore>> = {
  memory: async () => timedMemory(subject),
  redis: async () => {
    const { redis, prefix } = await createRedis()
    return timedRedis(redis, prefix)
  },
}

describe.each(Object.entries(stores))('on the %s store', (_, open) => {
  test('lets nobody in with a wrong code after a right one of which nothing was heard', async () => {
    const { flow, stops, sandbox, handle, advance, fault } = await setup(await open())
    const code = await sandbox.waitForCode(number)
    // The process dies when tyntec has verified the code, before it could write that down.
    const dying = flow(stops('settleCheck'))
    void dying.check({ handle, code })
    await expect.poll(() => verified(sandbox.url)).toBe(true)

    await advance(70)
    await fault({ operation: 'otp.check', when: 'before', kind: 'reset', times: 1 })
    const outcome = await flow()
      .check({ handle, code: wrong(code) })
      .catch((error: unknown) => error)
    expect(outcome).not.toMatchObject({ status: 'verified' })
  })

  test('lets nobody in with a wrong code that arrives late, before the right one does', async () => {
    const { flow, gate, sandbox, handle, fault } = await setup(await open())
    const code = await sandbox.waitForCode(number)
    const { check } = flow()
    gate.keep('otp.check')
    await expect(check({ handle, code: wrong(code) })).rejects.toThrow(/no known end|failed/)

    // The wrong code arrives when the right one is cut off, and is what tyntec has counted.
    await fault({ operation: 'otp.get', when: 'before', kind: 'delay', ms: 100, times: 2 })
    gate.keep('otp.check')
    const right = check({ handle, code }).catch((error: unknown) => error)
    await expect.poll(gate.kept).toBe(2)
    await gate.land(1)
    await right
    await gate.land(1)
    expect(await verified(sandbox.url)).toBe(true)

    const outcome = await check({ handle, code: wrong(code) }).catch((error: unknown) => error)
    expect(outcome).not.toMatchObject({ status: 'verified' })
  })

  // proves: SES-17
  test.each(['while its session is opened', 'once its session is open'])(
    'keeps a sign-in that an earlier click on its page meets %s',
    async (when) => {
      const { flow, sandbox } = await setup(await open())
      const { send, check, complete, createPageToken } = flow()
      // What both clicks carry: the page's token, and no handle.
      const click = { number: '+12025550144', pageToken: createPageToken(), browser: 'a browser' }
      const sent = await send(click)
      if (sent.status !== 'sent') throw new Error(sent.status)
      const code = await sandbox.waitForCode(click.number)
      const proven = await check({ handle: sent.handle, code })
      if (proven.status !== 'verified') throw new Error(proven.status)
      if (when !== 'while its session is opened') await complete(proven.proof)

      const late = await send(click)
      expect(late).toMatchObject({ status: 'sent' })
      expect(late).not.toMatchObject({ handle: sent.handle })
      expect(await complete(proven.proof)).toBe(true)
      expect(await check({ handle: sent.handle, code })).toMatchObject({
        status: 'verified',
        identity: { repeated: true },
      })
    },
  )

  test('completes one of two logins when the first was slower than its lease', async () => {
    const { flow, sandbox, handle, advance } = await setup(await open())
    const code = await sandbox.waitForCode(number)
    const { check, complete } = flow()
    const first = await check({ handle, code })
    await advance(36)
    const second = await check({ handle, code })
    if (first.status !== 'verified' || second.status !== 'verified') throw new Error('not proven')
    expect([await complete(first.proof), await complete(second.proof)].filter(Boolean)).toEqual([
      true,
    ])
  })
})

async function verified(url: string): Promise<boolean> {
  const otps: unknown = await (await fetch(`${url}/_sandbox/otps`)).json()
  return JSON.stringify(otps).includes('"VERIFIED"')
}

function wrong(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
}

async function setup({ store, advance }: TimedStore) {
  const sandbox = await startSandbox()
  const gate = await openGate(sandbox.url)
  onTestFinished(async () => {
    await gate.close()
    await sandbox.close()
  })
  const control = (path: string, body: object) =>
    fetch(`${sandbox.url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) })

  const flow = (on: OtpStore = toOpaque(store)) =>
    createOtpFlow({
      apiKey: sandbox.apiKey,
      baseUrl: gate.url,
      secret: 'a secret of these tests, long enough',
      countries: ['US'],
      store: on,
    })
  const sent = await flow().send({ number })
  if (sent.status !== 'sent') throw new Error(`the code is not sent: ${sent.status}`)

  return {
    flow,
    gate,
    sandbox,
    handle: sent.handle,
    /** A store whose process is gone when it comes to this call. */
    stops: (step: StepName): OtpStore =>
      toOpaque({
        ...store,
        run: <Name extends StepName>(...call: Parameters<typeof store.run<Name>>) =>
          call[0] === step ? new Promise<never>(() => {}) : store.run<Name>(...call),
      }),
    fault: (fault: object) => control('faults', fault),
    async advance(seconds: number) {
      await advance(seconds)
      await control('clock', { advance: seconds })
    },
  }
}
