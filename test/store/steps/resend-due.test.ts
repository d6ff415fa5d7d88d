import { describe, expect, test } from 'vitest'
import { resendDue, type ResendDueArgs } from '../../../src/store/steps/resend.js'
import { inSeconds, limit, pendingFlow, type Records, take, used } from './boxes.js'

const request = {
  flow: 'flow',
  via: 'sms' as const,
  knownBrowser: false,
  waits: [30, 60],
  cooldown: 30,
}
const waits = limit('waits', 3)

const due = (records: Records, args: ResendDueArgs = { waits, request }) =>
  take(resendDue, records, args)

const rested = pendingFlow({ sent: inSeconds(-31) })
const waited = { uses: { waits: used(1) } }

test('a resend whose wait is over is due, and has counted nothing', () => {
  const { reply, after } = due({ flow: rested })
  expect(reply).toMatchObject({ status: 'due', record: { reference: 'reference', resends: 0 } })
  expect(after).toEqual({ flow: rested })
})

test.each<[string, Records]>([
  ['gone', {}],
  ['over', { flow: pendingFlow({ state: 'dead', end: 'attempts' }) }],
  ['being checked', { flow: pendingFlow({ lease: inSeconds(5) }) }],
])('a flow that is %s is for the resend itself to refuse', (_name, records) => {
  const { reply, after } = due(records)
  expect(reply.status).toBe('due')
  expect(after).toEqual(records)
})

describe('a resend that comes too early costs its address a wait, and the flow nothing', () => {
  test.each<[string, Records, object]>([
    ['after its own message', { flow: pendingFlow() }, { status: 'too_soon', retryAfter: 20 }],
    [
      'after its first resend',
      { flow: pendingFlow({ resends: 1 }) },
      { status: 'too_soon', retryAfter: 50 },
    ],
    [
      'after another flow of its number',
      { flow: rested, number: { uses: {}, latest: { flow: 'another', until: inSeconds(25) } } },
      { status: 'too_soon', retryAfter: 25 },
    ],
    [
      'and none is left',
      { flow: pendingFlow({ resends: 2 }) },
      { status: 'exhausted', retryAfter: 290 },
    ],
  ])('%s', (_name, records, refusal) => {
    const { reply, after } = due(records)
    expect(reply).toEqual(refusal)
    expect(after).toEqual({ ...records, own: waited })
    // Where nothing is counted, the answer is the same.
    expect(due(records, { request })).toMatchObject({ reply: refusal, after: records })
  })
})

test('its own latest message is none to wait for', () => {
  const number = { uses: {}, latest: { flow: 'flow', until: inSeconds(25) } }
  expect(due({ flow: rested, number }).reply.status).toBe('due')
})

test('nobody waits whose message has failed on another channel', () => {
  const flow = pendingFlow({ delivery: 'failed' })
  expect(due({ flow }).reply.status).toBe('too_soon')
  const spoken = { ...request, via: 'voice' as const }
  expect(due({ flow }, { waits, request: spoken }).reply.status).toBe('due')
})

test('an address without waits is refused before the flow is looked at', () => {
  const records = { own: { uses: { waits: used(3) } }, flow: rested }
  const { reply, after } = due(records)
  expect(reply).toEqual({ status: 'limited', by: 'own', limit: 'waits', used: 4, wait: 600_000 })
  expect(after).toEqual(records)
})

test('on a Cluster the address is charged by a call of its own', () => {
  expect(due({}, { waits }).after).toEqual({ own: waited })
})
