import { describe, expect, test, vi } from 'vitest'
import { OtpError } from '../../src/errors.js'
import type { StepName } from '../../src/store/steps/index.js'
import { type StepKeys, type StepStore, toOpaque } from '../../src/store/store.js'
import {
  failure,
  number,
  numbers,
  rightCode,
  sendCode,
  setupFlow,
  statusOf,
  type TestFlow,
} from '../support/flow.js'

/*
 * On a Cluster a step is several calls, one for each hash slot. Whatever becomes of one of them, the records say
 * the same afterwards as if all had been in one.
 */

const address = '192.0.2.1'
const storeIsAway = { code: 'ERR_OTP_STORE_UNAVAILABLE', status: 503 }

/** What becomes of a call: `late` is done after its caller was told that it failed. */
type Fate = 'done' | 'lost' | 'late'
type Decide = (name: StepName, keys: StepKeys) => Fate

/** A store that is asked slot by slot, as a Cluster is, on one Redis. */
function inSlots(inner: StepStore, decide: Decide, ended: () => void): StepStore {
  return {
    ...inner,
    cluster: true,
    async run(name, keys, args, late) {
      const tags = Object.values(keys).flatMap((key) => /\{(.+?)\}/.exec(key ?? '')?.[1] ?? [])
      expect([name, new Set(tags).size]).toEqual([name, 1])
      const fate = decide(name, keys)
      if (fate === 'done') return inner.run(name, keys, args, late)
      if (fate === 'late') {
        setTimeout(() => {
          void (async () => {
            late?.(await inner.run(name, keys, args))
            ended()
          })()
        }, 10)
      }
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', 'Redis gave no answer in time')
    },
  }
}

interface Counted {
  uses?: Record<string, { n: number }>
  failures?: { total: number }
  attempts?: number
}

/** What the records count, without the meter of a range, which keeps what was asked for. */
async function counts(setup: TestFlow): Promise<Record<string, unknown>> {
  const entries = (await setup.dump()).filter(({ key }) => !key.includes(':range:'))
  return Object.fromEntries(
    entries.map(({ key, value }) => {
      const { uses = {}, failures, attempts = 0 } = value as Counted // as the steps write it
      const used = Object.entries(uses).map(([name, { n }]) => [name, n])
      return [key, { ...Object.fromEntries(used), inARow: failures?.total ?? 0, attempts }]
    }),
  )
}

async function setupHalves(more: Parameters<typeof setupFlow>[1] = {}) {
  const setup = await setupFlow('redis')
  let decide: Decide = () => 'done'
  const ended = vi.fn()
  const store = inSlots(setup.inner, (name, keys) => decide(name, keys), ended)
  const flow = setup.another({ store: toOpaque(store), ...more })
  return {
    setup: { ...setup, flow },
    flow,
    ended,
    break(next: Decide) {
      decide = next
    },
  }
}

describe('a store of several hash slots', () => {
  // proves: RED-2
  test('sends what the challenge of the app lets through', async () => {
    const { flow, setup } = await setupHalves({ challenge: () => true })
    expect(await statusOf(flow.send({ number, address }))).toBe('sent')
    expect(await setup.count('send')).toBe(1)
  })

  // proves: RED-2
  test('that fails while it is only looked at has nothing to give back', async () => {
    const halves = await setupHalves({ challenge: () => true })
    const { flow, setup } = halves
    await sendCode(setup, { number: numbers[1], address })
    const before = await counts(setup)
    halves.break((name, { app }) => (name === 'look' && app !== undefined ? 'lost' : 'done'))
    expect(await failure(flow.send({ number, address }))).toEqual(storeIsAway)
    expect(await counts(setup)).toEqual(before)
  })

  // proves: RED-2
  test.each(['own', 'app', 'flow'] as const)(
    'has counted nothing of a send whose call for %s was late',
    async (box) => {
      const halves = await setupHalves()
      const { flow, setup, ended } = halves
      await sendCode(setup, { number: numbers[1], address })
      const before = await counts(setup)
      halves.break((name, keys) => (name === 'send' && keys[box] !== undefined ? 'late' : 'done'))
      expect(await failure(flow.send({ number, address }))).toEqual(storeIsAway)
      await vi.waitFor(() => expect(ended).toHaveBeenCalled())
      await vi.waitFor(async () => expect(await counts(setup)).toEqual(before))
      expect(await setup.count('send')).toBe(1)
    },
  )

  // proves: RED-2
  test.each([
    ['own', 'lost'],
    ['own', 'late'],
    ['flow', 'lost'],
    ['flow', 'late'],
  ] as const)('has charged nobody for a check whose call for %s was %s', async (box, fate) => {
    const halves = await setupHalves()
    const { flow, setup, ended } = halves
    const handle = await sendCode(setup, { address })
    const before = await counts(setup)
    halves.break((name, keys) => (name === 'claim' && keys[box] !== undefined ? fate : 'done'))
    expect(await failure(flow.check({ handle, code: '111111', address }))).toEqual(storeIsAway)
    if (fate === 'late') await vi.waitFor(() => expect(ended).toHaveBeenCalled())
    await vi.waitFor(async () => expect(await counts(setup)).toEqual(before))

    halves.break(() => 'done')
    expect(await statusOf(flow.check({ handle, code: rightCode, address }))).toBe('verified')
  })

  // proves: RED-2
  test('charges an address for a wrong code whose answer was lost once', async () => {
    const { flow, setup } = await setupHalves()
    const handle = await sendCode(setup, { address })
    const failed = async () => {
      const all = Object.entries(await counts(setup))
      return all.find(([key]) => key.startsWith('address:'))?.[1]
    }
    expect(await statusOf(flow.check({ handle, code: '111111', address }))).toBe('invalid_code')
    await setup.fault({ operation: 'otp.check', kind: 'reset', when: 'after', times: 1 })
    await setup.fault({ operation: 'otp.get', kind: 'status', status: 500 })
    const lost = flow.check({ handle, code: '222222', address })
    expect(await failure(lost)).toMatchObject({ status: 503 })
    expect(await failed()).toMatchObject({ failures: 1 })
    await setup.noFaults()
    expect(await statusOf(flow.check({ handle, code: '222222', address }))).toBe('invalid_code')
    expect(await failed()).toMatchObject({ failures: 2 })
  })
})
