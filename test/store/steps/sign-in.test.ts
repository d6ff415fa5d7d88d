import { describe, expect, test } from 'vitest'
import type { SignIn, StoredFlow } from '../../../src/store/records.js'
import { complete, release } from '../../../src/store/steps/sign-in.js'
import { inSeconds, pendingFlow, type Records, take } from './boxes.js'

/** A flow whose code `attempt` has proven, and whose session `opener` opens. */
function proven(signIn: Partial<SignIn> = {}, flow: Partial<StoredFlow> = {}): StoredFlow {
  return pendingFlow({
    state: 'verified',
    otp: undefined,
    by: 'attempt',
    kept: inSeconds(60),
    signIn: {
      hash: 'hash',
      until: inSeconds(60),
      opener: 'opener',
      lease: inSeconds(35),
      ...signIn,
    },
    ...flow,
  })
}

const args = { attempt: 'attempt', opener: 'opener', session: 'sealed session', window: 60 }
const own = { attempt: 'attempt', opener: 'opener' }

describe('the opening of a session', () => {
  test('ends with whoever opened it', () => {
    const flow = proven({ until: inSeconds(5) }, { kept: inSeconds(40) })
    const { reply, after, kept } = take(complete, { flow }, args)
    expect(reply).toEqual({ done: true })
    expect(after.flow).toMatchObject({
      state: 'completed',
      end: 'used',
      reference: '',
      signIn: { lease: 0, session: 'sealed session', until: inSeconds(60) },
    })
    expect(kept.flow).toBe(60_000)
  })

  test('is ended however often it is told, and written once', () => {
    const { after } = take(complete, { flow: proven() }, args)
    const again = take(complete, after, { ...args, session: 'another session' })
    expect(again.reply).toEqual({ done: true })
    expect(again.after).toEqual(after)
  })

  test('that is a repetition is not answered for any longer', () => {
    const flow = proven({ repeats: 1, until: inSeconds(20) }, { state: 'completed' })
    const { after, kept } = take(complete, { flow }, args)
    expect(after.flow?.signIn?.until).toBe(inSeconds(20))
    expect(kept.flow).toBe(20_000)
  })

  test('of which little is left is kept for a second, so that it can be told again', () => {
    const flow = proven({ repeats: 1, until: inSeconds(0.2) }, { state: 'completed' })
    expect(take(complete, { flow }, args).kept.flow).toBe(1000)
  })

  test('keeps why the app has refused the person', () => {
    const { after } = take(complete, { flow: proven() }, { ...args, refusal: 'sealed words' })
    expect(after.flow?.signIn?.refusal).toBe('sealed words')
  })
})

describe.each([
  ['complete', (records: Records) => take(complete, records, args)],
  ['release', (records: Records) => take(release, records, own)],
])('%s changes nothing', (_name, step) => {
  test.each([
    ['of a flow that is gone', undefined],
    ['of a flow whose code is not proven', pendingFlow()],
    ['of a flow that another try has proven', proven({}, { by: 'another' })],
    ['of an opening that another request has taken over', proven({ opener: 'another' })],
    ['of a flow whose time is over', proven({}, { kept: inSeconds(0) })],
  ])('%s', (_which, flow) => {
    const records = flow ? { flow } : {}
    const { reply, after } = step(records)
    expect(reply).toEqual({ done: false })
    expect(after).toEqual(records)
  })
})

describe('an opening that has failed', () => {
  test('is let go, so that the next request opens the session', () => {
    const { reply, after } = take(release, { flow: proven() }, own)
    expect(reply).toEqual({ done: true })
    expect(after.flow).toEqual(proven({ lease: 0, opener: undefined }))
  })

  test('is let go by its opener alone, where nobody has heard which try was proven', () => {
    expect(take(release, { flow: proven() }, { opener: 'opener' }).reply).toEqual({ done: true })
    expect(take(release, { flow: proven() }, { opener: 'another' }).reply).toEqual({ done: false })
  })

  test('is not let go when it has ended well', () => {
    const { after } = take(complete, { flow: proven() }, args)
    const late = take(release, after, own)
    expect(late.reply).toEqual({ done: false })
    expect(late.after).toEqual(after)
  })
})
