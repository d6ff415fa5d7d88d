import { describe, expect, test } from 'vitest'
import {
  after,
  before,
  lease,
  number,
  openingLease,
  repeatWindow,
  setupApp,
  strangerTo,
  wrong,
} from './setup.js'

/*
 * The same deaths as in crash.test.ts where the code is our own: no call can tell what became of a message, and the
 * store itself judges the code.
 */

const channels = [
  { via: 'sms', fault: 'sms.send', path: /\/sms$/ },
  { via: 'whatsapp', fault: 'chat.send', path: /\/messages$/ },
] as const

describe.each(channels)('a process that sends a code of ours by $via', ({ via, fault, path }) => {
  const setup = async () => {
    const app = await setupApp(via)
    return { ...app, sends: () => app.calls('POST', path) }
  }

  test('and is killed before the send is reserved has sent nothing and blocks nobody', async () => {
    const app = await setup()
    expect(await app.kill({ type: 'send', number }, before('send'))).toEqual({})
    expect(app.messages()).toEqual([])
    await app.signsIn(await app.send())
    expect(app.messages()).toEqual([number])
  })

  test('and is killed after it blocks the number for its cooldown, with no message', async () => {
    const app = await setup()
    await app.kill({ type: 'send', number }, after('send'))
    expect(await app.flow.send({ number })).toMatchObject({ status: 'resend_too_soon' })
    await app.advance(31)
    await app.signsIn(await app.send())
    expect(app.messages()).toEqual([number])
  })

  test('and is killed before tyntec has heard of it never sends a second message unasked', async () => {
    const app = await setup()
    await app.fault({ operation: fault, when: 'before', kind: 'hang', times: 1 })
    const { handle } = await app.killAtTyntec({ type: 'send', number }, 'POST', path)
    await app.advance(lease)
    expect(await app.flow.send({ number, handle })).toMatchObject({ status: 'unconfirmed', handle })
    expect(await app.sends()).toBe(1)
    expect(app.messages()).toEqual([])
    await app.advance(31)
    await app.signsIn(await app.send(handle))
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/send
  test('and is killed while tyntec answers leaves a message whose code signs in', async () => {
    const app = await setup()
    await app.fault({ operation: fault, when: 'after', kind: 'hang', times: 1 })
    const { handle } = await app.killAtTyntec({ type: 'send', number }, 'POST', path)
    await app.advance(lease)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/send
  test('and is killed before the send is settled leaves a message that no second click sends again', async () => {
    const app = await setup()
    const { handle } = await app.kill({ type: 'send', number }, before('settleSend'))
    await app.advance(lease)
    expect(await app.flow.send({ number, handle })).toMatchObject({ status: 'unconfirmed', handle })
    expect(await app.sends()).toBe(1)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('and is killed after it is settled leaves a message whose code signs in at once', async () => {
    const app = await setup()
    const { handle } = await app.kill({ type: 'send', number }, after('settleSend'))
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('and is killed after a resend is reserved leaves the first code usable', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.advance(31)
    await app.kill({ type: 'resend', handle }, after('resend'))
    await app.advance(lease)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/resend
  test.each(['the first', 'the new'])(
    'and is killed before a resend is settled leaves %s code usable',
    async (which) => {
      const app = await setup()
      const handle = await app.send()
      const first = await app.code()
      await app.advance(31)
      await app.kill({ type: 'resend', handle }, before('settleSend'))
      expect(app.messages()).toEqual([number, number])
      await app.advance(lease)
      expect(await app.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
      const code = which === 'the first' ? first : app.newestCode()
      expect(await app.check(strangerTo(handle), code)).toBe('no_pending_code')
      expect(await app.check(handle, code)).toBe('signed in')
      expect(app.messages()).toEqual([number, number])
    },
  )
})

/** The store judges it, whichever way it came. */
describe('a process that checks a code of ours', () => {
  const setup = async () => {
    const app = await setupApp('sms')
    const handle = await app.send()
    return { app, handle, step: await app.checking(handle) }
  }

  test('and is killed before the try is claimed has used up nothing', async () => {
    const { app, handle, step } = await setup()
    await app.kill({ ...step, code: wrong(step.code) }, before('claim'))
    expect(await app.flow.check({ handle, code: wrong(step.code) })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 2,
    })
    await app.signsIn(handle)
  })

  // proves: crash/check
  test.each([
    { point: 'after the try is claimed', at: after('claim') },
    { point: 'before it is settled', at: before('settleCheck') },
  ])('and is killed $point lets the same code in once the lease is over', async ({ at }) => {
    const { app, handle, step } = await setup()
    await app.kill(step, at)
    await app.advance(lease)
    await app.signsIn(handle)
  })

  // proves: ATT-8, crash/check
  test.each([
    { point: 'after the try is claimed', at: after('claim') },
    { point: 'before it is settled', at: before('settleCheck') },
  ])('and is killed $point with a wrong code has used up one try', async ({ at }) => {
    const { app, handle, step } = await setup()
    await app.kill({ ...step, code: wrong(step.code) }, at)
    await app.advance(lease)
    expect(await app.flow.check({ handle, code: wrong(wrong(step.code)) })).toEqual({
      status: 'invalid_code',
      attemptsRemaining: 1,
    })
    await app.signsIn(handle)
  })

  test('and is killed with a right code takes a wrong one for what it is, and then the right one', async () => {
    const { app, handle, step } = await setup()
    await app.kill(step, before('settleCheck'))
    await app.advance(lease)
    expect(await app.check(handle, wrong(step.code))).toBe('invalid_code')
    await app.signsIn(handle)
  })

  // proves: crash-before-session/check
  test.each([
    { point: 'after the try is settled', at: after('settleCheck') },
    { point: 'before the login is completed', at: before('complete') },
  ])('and is killed $point lets the same code in once the opening is over', async ({ at }) => {
    const { app, handle, step } = await setup()
    await app.kill(step, at)
    await app.advance(openingLease)
    expect(await app.check(handle, wrong(step.code))).toBe('no_pending_code')
    await app.signsIn(handle)
  })

  // proves: SES-16, crash-before-session/check
  test('and is killed after the login is completed answers the same browser and code for a minute', async () => {
    const { app, handle, step } = await setup()
    await app.kill(step, after('complete'))
    expect(await app.check(strangerTo(handle), step.code)).toBe('no_pending_code')
    expect(await app.check(handle, wrong(step.code))).toBe('no_pending_code')
    expect(await app.check(handle, step.code)).toBe('repeated')
    await app.advance(repeatWindow)
    await app.signsNobodyIn(handle)
  })

  test('and is killed after the login is given back lets the same code in at once', async () => {
    const { app, handle, step } = await setup()
    await app.kill({ ...step, end: 'release' }, after('release'))
    await app.signsIn(handle)
  })
})
