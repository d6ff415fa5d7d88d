import { describe, expect, test } from 'vitest'
import {
  after,
  before,
  lease,
  number,
  openingLease,
  repeatWindow,
  setupApp as setup,
  strangerTo,
  wrong,
} from './setup.js'

/*
 * A process is killed between any two things that a step does, and another one goes on with the same
 * browser. What counts is what tyntec has seen: its journal, and the messages that phones have got.
 */

const otherNumber = '+12025550144'

describe('a process that is killed while it sends', () => {
  test('before the send is reserved has sent nothing and blocks nobody', async () => {
    const app = await setup()
    expect(await app.kill({ type: 'send', number }, before('send'))).toEqual({})
    expect(app.messages()).toEqual([])
    const handle = await app.send()
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('after the send is reserved has sent nothing and blocks the number for its cooldown', async () => {
    const app = await setup()
    await app.kill({ type: 'send', number }, after('send'))
    expect(await app.flow.send({ number })).toEqual({
      status: 'resend_too_soon',
      retryAfter: expect.any(Number),
    })
    await app.advance(31)
    const handle = await app.send()
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('before tyntec has heard of it never sends a second message unasked', async () => {
    const app = await setup()
    await app.fault({ operation: 'otp.send', when: 'before', kind: 'hang', times: 1 })
    const { handle } = await app.killAtTyntec({ type: 'send', number }, 'POST', /\/otp$/)
    await app.advance(lease)
    expect(await app.flow.send({ number, handle })).toMatchObject({ status: 'unconfirmed', handle })
    expect(app.messages()).toEqual([])
    await app.advance(31)
    await app.signsIn(await app.send(handle))
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/send
  test('while tyntec answers leaves a message whose code signs in', async () => {
    const app = await setup()
    await app.fault({ operation: 'otp.send', when: 'after', kind: 'hang', times: 1 })
    const { handle } = await app.killAtTyntec({ type: 'send', number }, 'POST', /\/otp$/)
    await app.advance(lease)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/send
  test('before the send is settled leaves a message whose code signs in', async () => {
    const app = await setup()
    const { handle } = await app.kill({ type: 'send', number }, before('settleSend'))
    await app.advance(lease)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  // proves: crash/send
  test('before the send is settled leaves a message that is not sent again on a second click', async () => {
    const app = await setup()
    const { handle } = await app.kill({ type: 'send', number }, before('settleSend'))
    await app.advance(lease)
    expect(await app.flow.send({ number, handle })).toMatchObject({ status: 'sent', handle })
    expect(await app.calls('POST', /\/otp$/)).toBe(1)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('after the send is settled leaves a message whose code signs in at once', async () => {
    const app = await setup()
    const { handle } = await app.kill({ type: 'send', number }, after('settleSend'))
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  test('after its flow has replaced that of another number leaves the new code usable', async () => {
    const app = await setup()
    const first = await app.send()
    const { handle } = await app.kill(
      { type: 'send', number: otherNumber, handle: first },
      after('settleSend'),
    )
    await app.signsNobodyIn(first)
    expect(await app.calls('POST', /\/check$/)).toBe(0)
    await app.signsIn(handle, otherNumber)
    expect(app.messages()).toEqual([number, otherNumber])
  })
})

describe('a process that is killed while it resends', () => {
  test('after the resend is reserved leaves the first code usable', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.advance(31)
    await app.kill({ type: 'resend', handle }, after('resend'))
    expect(app.messages()).toEqual([number])
    await app.signsIn(handle)
  })

  // proves: crash/resend
  test('while tyntec answers has resent once, and the next click waits', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.advance(31)
    await app.fault({ operation: 'otp.resend', when: 'after', kind: 'hang', times: 1 })
    await app.killAtTyntec({ type: 'resend', handle }, 'POST', /\/otp\/[^/]+$/)
    await app.advance(lease)
    expect(await app.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number, number])
  })

  // proves: crash/resend
  test('before the resend is settled has resent once, and the next click waits', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.advance(31)
    await app.kill({ type: 'resend', handle }, before('settleResend'))
    await app.advance(lease)
    expect(await app.flow.resend({ handle })).toMatchObject({ status: 'resend_too_soon' })
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number, number])
  })

  test('before a renewed code is settled leaves the new code usable', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.advance(250)
    await app.kill({ type: 'resend', handle }, before('settleSend'))
    await app.advance(lease)
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number, number])
    expect(await app.calls('POST', /\/otp$/)).toBe(2)
  })
})

describe('a process that is killed while it checks', () => {
  test('before the try is claimed has used up nothing', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), before('claim'))
    expect(await app.calls('POST', /\/check$/)).toBe(0)
    await app.signsIn(handle)
  })

  test('after the try is claimed lets the same code in once the lease is over', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), after('claim'))
    expect(await app.calls('POST', /\/check$/)).toBe(0)
    await app.advance(lease)
    await app.signsIn(handle)
  })

  test('while tyntec answers lets the same code in without asking twice', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.fault({ operation: 'otp.check', when: 'after', kind: 'hang', times: 1 })
    await app.killAtTyntec(await app.checking(handle), 'POST', /\/check$/)
    await app.advance(lease)
    await app.signsIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  // proves: crash/check
  test('before a right code is settled lets nobody in with another code', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), before('settleCheck'))
    await app.advance(lease)
    expect(await app.check(handle, wrong(await app.code()))).toBe('no_pending_code')
    expect(await app.check(handle, await app.code())).toBe('no_pending_code')
  })

  // proves: crash/check
  test('before a right code is settled lets the same code in without asking twice', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), before('settleCheck'))
    await app.advance(lease)
    await app.signsIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  // proves: ATT-8, crash/check
  test('before a wrong code is settled has used up one try', async () => {
    const app = await setup()
    const handle = await app.send()
    const step = await app.checking(handle)
    await app.kill({ ...step, code: wrong(step.code) }, before('settleCheck'))
    await app.advance(lease)
    expect(await app.check(handle, wrong(wrong(step.code)))).toBe('invalid_code')
    await app.signsIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(3)
  })

  test('after a right code is settled lets the same code in once the lease is over', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), after('settleCheck'))
    await app.advance(openingLease)
    await app.signsIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  // proves: crash-before-session/check
  test('before the login is completed lets the same code in once the lease is over', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), before('complete'))
    await app.advance(openingLease)
    expect(await app.check(handle, wrong(await app.code()))).toBe('no_pending_code')
    await app.signsIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  // proves: SES-16, crash-before-session/check
  test('after the login is completed answers the same browser and code again, three times', async () => {
    const app = await setup()
    const handle = await app.send()
    const code = await app.code()
    await app.kill(await app.checking(handle), after('complete'))
    expect(await app.check(strangerTo(handle), code)).toBe('no_pending_code')
    expect(await app.check(handle, wrong(code))).toBe('no_pending_code')
    for (let repeats = 0; repeats < 3; repeats++) {
      expect(await app.check(handle, code)).toBe('repeated')
    }
    expect(await app.check(handle, code)).toBe('no_pending_code')
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  // proves: SES-8, crash-before-session/check
  test('after the login is completed lets nobody in a minute later', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill(await app.checking(handle), after('complete'))
    await app.advance(repeatWindow)
    await app.signsNobodyIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  test('while it opens a session again leaves the next one to open it, within its minute', async () => {
    const app = await setup()
    const handle = await app.send()
    const code = await app.code()
    expect(await app.check(handle, code)).toBe('signed in')
    await app.kill(await app.checking(handle), before('complete'))
    await app.advance(openingLease)
    expect(await app.check(handle, code)).toBe('repeated')
    await app.advance(repeatWindow - openingLease)
    await app.signsNobodyIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })

  test('before the login is given back lets the same code in once the lease is over', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill({ ...(await app.checking(handle)), end: 'release' }, before('release'))
    await app.advance(openingLease)
    await app.signsIn(handle)
  })

  test('after the login is given back lets the same code in at once', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill({ ...(await app.checking(handle)), end: 'release' }, after('release'))
    await app.signsIn(handle)
  })
})

describe('a process that is killed while it cancels', () => {
  test('after the flow is ended leaves a code that signs nobody in', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.kill({ type: 'cancel', handle }, after('endFlow'))
    await app.signsNobodyIn(handle)
    expect(await app.calls('POST', /\/check$/)).toBe(0)
  })
})

describe('a browser that goes away', () => {
  test('while a code is sent can go on with that code', async () => {
    const app = await setup()
    await app.fault({ operation: 'otp.send', when: 'after', kind: 'delay', ms: 50, times: 1 })
    const handle = await new Promise<string>((resolve) => {
      void app.flow.send({ number, onHandle: resolve })
    })
    await app.signsIn(handle)
    expect(app.messages()).toEqual([number])
  })

  // proves: UP-10
  test('while its code is checked can go on with the same code', async () => {
    const app = await setup()
    const handle = await app.send()
    await app.fault({ operation: 'otp.check', when: 'after', kind: 'delay', ms: 50, times: 1 })
    const code = await app.code()
    const gone = app.flow.check({ handle, code })
    const again = app.flow.check({ handle, code })
    const proven = await gone
    if (proven.status !== 'verified') throw new Error(`it is ${proven.status}`)
    await app.flow.release(proven.proof)
    expect(await again).toMatchObject({ status: 'verified' })
    expect(await app.calls('POST', /\/check$/)).toBe(1)
  })
})
