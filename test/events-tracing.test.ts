import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { expect, onTestFinished, test } from 'vitest'
import type { OtpTrace } from '../src/flow/watch.js'
import { failure, number, rightCode, sendCode, setupFlow, signIn } from './support/flow.js'

const steps = [
  'send',
  'resend',
  'check',
  'complete',
  'release',
  'status',
  'cancel',
  'unlock',
] as const
const parts = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

type Part = (typeof parts)[number]

/** Listens to every step, until the test ends. */
function listen(
  heard: (part: Part, trace: OtpTrace) => void,
  to: readonly (typeof steps)[number][] = steps,
) {
  for (const step of to) {
    const channel = tracingChannel<unknown, OtpTrace>(`passport-tyntec-otp.${step}`)
    const listeners = Object.fromEntries(
      parts.map((part) => [part, (trace: OtpTrace) => heard(part, trace)]),
    ) as Record<Part, (trace: OtpTrace) => void> // one of each part
    channel.subscribe(listeners)
    onTestFinished(() => channel.unsubscribe(listeners))
  }
}

test('each step tells its channel when it begins and how it ends', async () => {
  const setup = await setupFlow('memory')
  const ended: OtpTrace[] = []
  const objects = new Set<OtpTrace>()
  const order: string[] = []
  listen((part, trace) => {
    order.push(`${trace.step} ${part}`)
    objects.add(trace)
    if (part === 'start') expect(trace).toEqual({ step: trace.step })
    if (part === 'asyncEnd') ended.push({ ...trace })
  })
  const handle = await sendCode(setup)
  expect(order.splice(0)).toEqual(
    ['start', 'end', 'asyncStart', 'asyncEnd'].map((part) => `send ${part}`),
  )
  await setup.flow.status({ handle })
  await setup.flow.resend({ handle })
  await setup.flow.check({ handle, code: '111111' })
  const first = await setup.flow.check({ handle, code: rightCode })
  if (first.status !== 'verified') throw new Error(first.status)
  await setup.flow.release(first.proof)
  expect(await signIn(setup.flow, handle)).toBe('opened')
  await setup.flow.cancel({ handle })
  await setup.flow.unlock(number)
  expect(order.some((each) => each.endsWith('error'))).toBe(false)

  const flowId = expect.stringMatching(/^[\w-]{16}$/)
  const duration = expect.any(Number)
  // What a step has not named is not there.
  expect(ended).toStrictEqual([
    { step: 'send', flowId, via: 'sms', country: 'US', result: 'sent', duration },
    { step: 'status', flowId, via: 'sms', country: 'US', result: 'pending', duration },
    { step: 'resend', flowId, result: 'resend_too_soon', duration },
    { step: 'check', flowId, result: 'invalid_code', duration },
    { step: 'check', flowId, via: 'sms', country: 'US', result: 'verified', duration },
    { step: 'release', result: 'done', duration },
    { step: 'check', result: 'verified', duration },
    { step: 'complete', flowId, result: 'done', duration },
    { step: 'cancel', result: 'done', duration },
    { step: 'unlock', result: 'done', duration },
  ])
  // One for each step, for subscribers that keep something by it.
  expect(objects.size).toBe(ended.length)
  for (const secret of [handle, number.slice(2), rightCode, '111111']) {
    expect(JSON.stringify(ended)).not.toContain(secret)
  }
})

test('the end of a login that is over is no refusal', async () => {
  const setup = await setupFlow('memory')
  const ended: OtpTrace[] = []
  const handle = await sendCode(setup)
  const outcome = await setup.flow.check({ handle, code: rightCode })
  if (outcome.status !== 'verified') throw new Error(outcome.status)
  await setup.flow.cancel({ handle })
  listen((part, trace) => part === 'asyncEnd' && ended.push({ ...trace }))
  const before = setup.events.length
  expect(await setup.flow.complete(outcome.proof)).toBe(false)
  expect(ended).toStrictEqual([{ step: 'complete', result: 'over', duration: expect.any(Number) }])
  expect(setup.events.slice(before)).toEqual([])
})

test('a step that throws tells its code, and nothing else of the error', async () => {
  const setup = await setupFlow('memory')
  const heard: [Part, OtpTrace][] = []
  listen((part, trace) => heard.push([part, { ...trace }]))
  await setup.fault({ operation: 'otp.send', kind: 'status', status: 401, when: 'before' })
  await failure(setup.flow.send({ number }))
  expect(heard.map(([part]) => part)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(heard.at(-1)?.[1]).toStrictEqual({
    step: 'send',
    code: 'ERR_OTP_PROVIDER_AUTH',
    duration: expect.any(Number),
  })
})

test('the time of a step is that of the clock', async () => {
  const setup = await setupFlow('memory')
  const durations: (number | undefined)[] = []
  listen((part, { duration }) => part === 'asyncEnd' && durations.push(duration))
  await setup.fault({ operation: 'otp.send', kind: 'delay', ms: 300, when: 'before' })
  const before = performance.now()
  await sendCode(setup)
  const took = (performance.now() - before) / 1000
  expect(durations).toEqual([expect.any(Number)])
  expect(durations[0]).toBeGreaterThanOrEqual(0.29)
  expect(durations[0]).toBeLessThanOrEqual(took)
})

test('a store that is bound to a channel is there for the whole step and its events', async () => {
  const storage = new AsyncLocalStorage<OtpTrace>()
  const channel = tracingChannel<OtpTrace, OtpTrace>('passport-tyntec-otp.send')
  channel.start.bindStore(storage, (trace) => trace)
  onTestFinished(() => void channel.start.unbindStore(storage))
  const within: unknown[] = []
  const setup = await setupFlow('memory', {
    onEvent: () => within.push(storage.getStore()?.step),
  })
  const handle = await sendCode(setup)
  await signIn(setup.flow, handle)
  expect(within).toEqual(['send', undefined, undefined])
})

test('steps that nobody traces go by the channels', async () => {
  const setup = await setupFlow('memory')
  let heard = 0
  // One step's listener is none of the others'.
  listen(() => (heard += 1), ['resend'])
  const handle = await sendCode(setup)
  await setup.flow.check({ handle, code: '111111' })
  expect(heard).toBe(0)
  await setup.flow.resend({ handle })
  expect(heard).toBe(4)
})
