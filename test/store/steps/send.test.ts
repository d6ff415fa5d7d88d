import { describe, expect, test } from 'vitest'
import { send, type SendArgs, type SendRequest } from '../../../src/store/steps/send.js'
import { inSeconds, partsOf, pendingFlow, type Records, take, used } from './boxes.js'

function request(given: Partial<SendRequest> = {}): SendRequest {
  return {
    reference: 'new reference',
    flow: 'flow',
    number: 'sealed number',
    via: 'sms',
    country: 'US',
    knownBrowser: false,
    lease: 10,
    cooldown: 30,
    lifetime: 300,
    lookedUp: false,
    lookupEvery: 3,
    again: false,
    ...given,
  }
}

const sendTo = (records: Records, given: Partial<SendRequest> = {}, more: Partial<SendArgs> = {}) =>
  take(send, records, { parts: partsOf(), request: request(given), passed: false, ...more })

const waited = { uses: { waits: used(1) } }

test('a send is reserved with all that it counts, before tyntec is asked', () => {
  const { reply, after, kept } = sendTo({})
  expect(reply.status).toBe('reserved')
  expect(after.flow).toMatchObject({
    state: 'sending',
    reference: 'new reference',
    expires: inSeconds(300),
    lease: inSeconds(10),
  })
  expect(after.number).toEqual({
    uses: { sends: used(1), calls: used(1) },
    latest: { flow: 'flow', until: inSeconds(30), reserved: true },
    // Until no resend can make it last.
    flows: { flow: inSeconds(1200) },
  })
  expect([after.own?.uses, after.app?.uses]).toEqual([{ sends: used(1) }, { hour: used(1) }])
  expect(kept.flow).toBe(900_000)
})

test('a command that the client has sent again counts nothing', () => {
  const first = sendTo({}).after
  const second = sendTo(first)
  expect(second.reply.status).toBe('reserved')
  expect(second.after).toEqual(first)
})

describe('a send that has to wait counts for nobody but its address', () => {
  const latest = { flow: 'another', until: inSeconds(20) }

  test('because another flow has the number’s latest message', () => {
    const records = { number: { uses: {}, latest } }
    const { reply, after } = sendTo(records)
    expect(reply).toEqual({ status: 'too_soon', retryAfter: 20 })
    expect(after).toEqual({ ...records, own: waited })
  })

  test('and as long as the limit after the wait', () => {
    const records = { number: { uses: { sends: used(2) }, latest } }
    expect(sendTo(records).reply).toEqual({ status: 'too_soon', retryAfter: 600 })
  })

  test('because the flow that it asks for is being sent', () => {
    const records = { current: pendingFlow({ state: 'sending', lease: inSeconds(5) }) }
    const { reply, after } = sendTo(records)
    expect(reply).toEqual({ status: 'busy' })
    expect(after).toEqual({ ...records, own: waited })
    // The same request once more costs nothing.
    expect(sendTo(records, { again: true }).after).toEqual(records)
  })

  test('because the flow that it asks for has its message', () => {
    const records = { current: pendingFlow() }
    const { reply, after } = sendTo(records)
    expect(reply).toMatchObject({
      status: 'current',
      own: false,
      record: { reference: 'reference' },
    })
    expect(after).toEqual({ ...records, own: waited })
  })

  test('not even for it when the send has to be looked up first', () => {
    const records = { current: pendingFlow({ state: 'unconfirmed', sent: inSeconds(-40) }) }
    const { reply, after } = sendTo(records)
    expect(reply).toMatchObject({ status: 'lookup', own: false })
    expect(after).toEqual(records)
  })
})

test('a late click takes no sign-in away', () => {
  const signIn = { hash: 'hash', until: inSeconds(60), lease: 0 }
  const records = { flow: pendingFlow({ state: 'completed', signIn }) }
  const { reply, after } = sendTo(records)
  expect(reply).toEqual({ status: 'used' })
  expect(after).toEqual(records)
})

describe('a message that is only reserved', () => {
  const latest = { flow: 'another', until: inSeconds(20), reserved: true as const }

  test('does not keep a known browser waiting, which remembers what it has passed', () => {
    const { reply, after } = sendTo({ number: { uses: {}, latest } }, { knownBrowser: true })
    expect(reply.status).toBe('reserved')
    expect(after.number?.latest).toEqual({
      flow: 'flow',
      until: inSeconds(30),
      passed: inSeconds(20),
    })
  })

  test('keeps everybody else waiting', () => {
    expect(sendTo({ number: { uses: {}, latest } }).reply.status).toBe('too_soon')
  })
})

test('a send that a limit refuses reserves nothing', () => {
  const records = { number: { uses: { sends: used(2) } } }
  const { reply, after } = sendTo(records)
  expect(reply).toMatchObject({ status: 'limited', by: 'number' })
  expect(after).toEqual({ ...records, own: waited })
})

test('a wait that a clock ahead has written is shorter at once, also when the send is refused', () => {
  const number = { uses: {}, latest: { flow: 'another', until: inSeconds(4000) } }
  const { reply, after } = sendTo({ number })
  expect(reply).toEqual({ status: 'too_soon', retryAfter: 30 })
  expect(after.number?.latest?.until).toBe(inSeconds(30))
})
