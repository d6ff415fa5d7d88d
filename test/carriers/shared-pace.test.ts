import { describe, expect, test, vi } from 'vitest'
import { type Shown, sharePace } from '../../src/carriers/shared-pace.js'
import type { StepStore } from '../../src/store/store.js'
import { number, rightCode, sendCode, setupFlow } from '../support/flow.js'
import { startSlowTyntec } from '../support/slow-tyntec.js'
import { setupStore, storeKinds } from '../support/stores.js'

const week = 7 * 86_400

function share(store: Pick<StepStore, 'keepNote' | 'note'>, shows: Shown = { times: {} }) {
  const adopted: Shown[] = []
  const pace = sharePace(store, {
    show: () => shows,
    adopt: (shown) => void adopted.push(shown),
  })
  return { pace, adopted }
}

describe.each(storeKinds)('what a process has seen of tyntec, on %s,', (kind) => {
  const seen = { times: { check: [1, 2.5, 400] }, lifetime: 300_000, tries: 3 }

  test('is known to those that start after it', async () => {
    const { inner: store } = await setupStore(kind)
    const { pace } = share(store, seen)
    pace.changed()
    await pace.close()
    const { pace: later, adopted } = share(store)
    await Promise.all([later.known(), later.known()])
    await later.known()
    expect(adopted).toEqual([seen])
  })

  test('is kept for a week after the last call', async () => {
    const { inner: store, advance } = await setupStore(kind)
    await store.keepNote('pace', JSON.stringify(seen), week)
    await advance(week - 10)
    const before = share(store)
    await before.pace.known()
    expect(before.adopted).toEqual([seen])
    await advance(20)
    const after = share(store)
    await after.pace.known()
    expect(after.adopted).toEqual([])
  })

  test('is written when something is new, and not without having read', async () => {
    const { inner: store } = await setupStore(kind)
    await store.keepNote('pace', JSON.stringify(seen), week)
    const shows = { times: {} }
    const pace = sharePace(store, {
      show: () => shows,
      adopt: (shown) => Object.assign(shows, shown),
    })
    await pace.close()
    expect(await store.note('pace')).toBe(JSON.stringify(seen))
    pace.changed()
    await pace.close()
    expect(JSON.parse((await store.note('pace')) ?? '')).toEqual(seen)
  })

  test.each([
    '',
    'x',
    'null',
    '5',
    '[]',
    '{}',
    '{"times":5}',
    '{"times":null}',
    '{"times":[5]}',
    '{"times":{"check":5}}',
    '{"times":{"check":["1",null,-1,0,1e9,[2],{"a":3}]},"lifetime":"1","tries":-1}',
    '{"times":{"__proto__":[1]}}',
  ])('is nothing when somebody else has written %s', async (note) => {
    const { inner: store } = await setupStore(kind)
    await store.keepNote('pace', note, week)
    const { pace, adopted } = share(store)
    await pace.known()
    const times = adopted.flatMap((shown) => Object.entries(shown.times))
    expect(times.filter(([name]) => name === 'check').flatMap(([, list]) => list)).toEqual([])
    for (const { lifetime, tries } of adopted) {
      expect([lifetime, tries]).toEqual([undefined, undefined])
    }
    expect({}).not.toHaveProperty('0')
  })
})

test('what is new is written once in ten seconds, and nothing when nothing is', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { inner: store } = await setupStore('memory')
  const keepNote = vi.fn(store.keepNote)
  const { pace } = share({ note: store.note, keepNote })
  await vi.advanceTimersByTimeAsync(60_000)
  await pace.close()
  expect(keepNote).not.toHaveBeenCalled()
  for (let calls = 0; calls < 5; calls += 1) pace.changed()
  await vi.advanceTimersByTimeAsync(9900)
  expect(keepNote).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(keepNote.mock.calls).toEqual([['pace', '{"times":{}}', week]])
  pace.changed()
  await pace.close()
  expect(keepNote).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(keepNote).toHaveBeenCalledTimes(2)
  vi.useRealTimers()
})

test('a store that is away is asked again, and nobody hears of it', async () => {
  let away = true
  const { inner: store } = await setupStore('memory')
  await store.keepNote('pace', '{"times":{"check":[7]}}', week)
  const note = vi.fn(async (name: string) => {
    if (away) throw new Error('away')
    return store.note(name)
  })
  const keepNote = vi.fn(() => Promise.reject(new Error('away')))
  const { pace, adopted } = share({ note, keepNote })
  await pace.known()
  pace.changed()
  await pace.close()
  expect(keepNote).toHaveBeenCalledOnce()
  expect(adopted).toEqual([])
  away = false
  await pace.known()
  expect(adopted).toMatchObject([{ times: { check: [7] } }])
})

test('a store that knows nothing is asked once', async () => {
  const { inner: store } = await setupStore('memory')
  const note = vi.fn((name: string) => store.note(name))
  const { pace, adopted } = share({ note, keepNote: store.keepNote })
  await pace.known()
  await pace.known()
  expect(note).toHaveBeenCalledOnce()
  expect(adopted).toEqual([])
})

describe.each(['memory', 'redis'] as const)('a process that has just started, on %s,', (kind) => {
  test('takes as long for an unknown number as others for known ones', async () => {
    const setup = await setupFlow(kind, { knows: (to) => to === number })
    // So far from a read that no busy machine makes them alike.
    const baseUrl = await startSlowTyntec(setup.sandbox.url, (operation) =>
      operation === 'send' || operation === 'check' ? 400 : 5,
    )
    const first = setup.another({ baseUrl, lifetime: 600 })
    const handle = await sendCode({ flow: first })
    await first.check({ handle, code: rightCode })
    await first.drain()

    const started = setup.another({ baseUrl, lifetime: 600 })
    const time = async (step: Promise<unknown>) => {
      const begun = performance.now()
      await step
      return performance.now() - begun
    }
    let unknown = ''
    const sending = started
      .send({ number: '+12015550199' })
      .then((outcome) => (unknown = 'handle' in outcome ? outcome.handle : ''))
    expect(await time(sending)).toBeGreaterThan(390)
    expect(await time(started.check({ handle: unknown, code: '111111' }))).toBeGreaterThan(390)
    // As long as tyntec's codes live, and not as the app thinks.
    expect(await started.status({ handle: unknown })).toMatchObject({ status: 'pending' })
    const { expiresIn } = (await started.status({ handle: unknown })) as { expiresIn: number }
    expect(expiresIn).toBeLessThanOrEqual(300)
  })
})
