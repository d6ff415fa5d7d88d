import { expect, onTestFinished, test } from 'vitest'
import type { SandboxEvent } from '../../../src/sandbox/index.js'
import { happyNumber, setupSandbox } from '../setup.js'
import { startReceiver } from '../webhooks/receiver.js'

/** Reads `/_sandbox/events` event by event. */
async function listen(url: string, { after, last }: { after?: number; last?: number } = {}) {
  const leave = new AbortController()
  onTestFinished(() => leave.abort())
  const query = after === undefined ? '' : `?after=${after}`
  const response = await fetch(`${url}/_sandbox/events${query}`, {
    signal: leave.signal,
    headers: last === undefined ? {} : { 'last-event-id': String(last) },
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let stream = ''
  async function nextText(): Promise<string> {
    while (!stream.includes('\n\n')) stream += (await chunks?.read())?.value ?? ''
    const end = stream.indexOf('\n\n')
    const text = stream.slice(0, end)
    stream = stream.slice(end + 2)
    return text
  }
  expect(await nextText()).toBe('retry: 1000')
  return async function next(): Promise<SandboxEvent> {
    const match = /^id: (\d+)\nevent: ([a-z-]+)\ndata: (.*)$/.exec(await nextText())
    const event = JSON.parse(match?.[3] ?? '') as SandboxEvent
    expect([event.seq, event.type]).toEqual([Number(match?.[1]), match?.[2]])
    return event
  }
}

type Next = () => Promise<SandboxEvent>

/** The types of the next events, up to the first of type `last`. */
async function typesUntil(next: Next, last: string): Promise<string[]> {
  const types: string[] = []
  do types.push((await next()).type)
  while (types.at(-1) !== last)
  return types
}

test('tells of a send from the call to the answer', async () => {
  const { sandbox, send } = await setupSandbox()
  const next = await listen(sandbox.url)
  await send()
  const events = []
  for (let count = 0; count < 5; count += 1) events.push(await next())
  expect(events).toMatchObject([
    { type: 'request', request: { seq: 1, status: null } },
    { type: 'otp', otp: { number: happyNumber, timeline: [{ type: 'sent', request: 1 }] } },
    { type: 'message', message: { seq: 1, to: happyNumber, code: '4242' } },
    { type: 'otp', otp: { timeline: [{ type: 'sent' }, { type: 'delivered', message: 1 }] } },
    { type: 'request', request: { seq: 1, status: 200 } },
  ])
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  expect(events.map(({ at }) => Date.parse(at))).not.toContain(Number.NaN)
})

test('tells of checks, faults, the clock, deletions and a reset', async () => {
  const { addFault, advance, api, check, control, sandbox, sendOtp } = await setupSandbox()
  const { otpId } = await sendOtp()
  const next = await listen(sandbox.url)
  await check(otpId, '0000')
  expect(await typesUntil(next, 'otp')).toEqual(['request', 'otp'])
  expect(await typesUntil(next, 'request')).toEqual(['request'])
  await addFault({ operation: 'otp.get', kind: 'hang' })
  expect(await next()).toMatchObject({ type: 'faults', faults: [{ kind: 'hang' }] })
  await advance(60)
  expect(await next()).toMatchObject({ type: 'clock', advanced: 60, now: expect.any(String) })
  await control('POST', `otps/${otpId}`, { otpStatus: 'EXPIRED' })
  expect(await next()).toMatchObject({ type: 'otp', otp: { otpStatus: 'EXPIRED' } })
  await api('DELETE', `/${otpId}`)
  expect(await typesUntil(next, 'otp-deleted')).toEqual(['request', 'otp-deleted'])
  await next()
  await control('DELETE', 'messages')
  expect((await next()).type).toBe('messages-deleted')
  await control('DELETE', 'requests')
  expect((await next()).type).toBe('requests-deleted')
  sandbox.reset()
  expect((await typesUntil(next, 'reset')).at(-1)).toBe('reset')
})

test('tells of what is posted to an app, and of its answer', async () => {
  const { control, sandbox } = await setupSandbox()
  const { url } = await startReceiver([204])
  await control('POST', 'webhooks', { messages: url })
  const next = await listen(sandbox.url)
  await control('POST', 'received', { channel: 'sms', from: happyNumber, text: 'Hello' })
  expect([await next(), await next()]).toMatchObject([
    { type: 'webhook', webhook: { operation: 'webhook.message', url, attempt: 1 } },
    { type: 'webhook', webhook: { seq: 1, status: 204 } },
  ])
})

test('tells how often a fault may still happen', async () => {
  const { addFault, sandbox, send } = await setupSandbox()
  await addFault({ operation: 'otp.send', kind: 'status', status: 500, times: 2 })
  const next = await listen(sandbox.url)
  await send()
  await next()
  expect(await next()).toMatchObject({ type: 'faults', faults: [{ times: 1 }] })
})

test.each(['after', 'last'] as const)('goes on after a cursor (%s)', async (way) => {
  const { sandbox, advance } = await setupSandbox()
  for (const seconds of [1, 2, 3]) await advance(seconds)
  const next = await listen(sandbox.url, { [way]: 1 })
  expect([await next(), await next()]).toMatchObject([
    { seq: 2, advanced: 3 },
    { seq: 3, advanced: 6 },
  ])
  await advance(4)
  expect(await next()).toMatchObject({ seq: 4, advanced: 10 })
})

test('goes on from what /_sandbox/info says', async () => {
  const { advance, control, sandbox } = await setupSandbox()
  await advance(1)
  const { seq } = (await control('GET', 'info')).json as { seq: number }
  const next = await listen(sandbox.url, { after: seq })
  await advance(2)
  expect(await next()).toMatchObject({ seq: 2 })
})

test.each([
  ['is later than anything that happened', 9, 3],
  ['is too old', 0, 3000],
])('says so when the cursor %s', async (_, after, count) => {
  const { sandbox } = await setupSandbox()
  for (let index = 0; index < count; index += 1) sandbox.advance(0)
  const next = await listen(sandbox.url, { after })
  expect((await next()).type).toBe('gap')
})
