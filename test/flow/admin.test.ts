import { describe, expect, test } from 'vitest'
import { twoFactor, whatsapp } from '../../src/options/channels.js'
import {
  flowKinds,
  number,
  numbers,
  rightCode,
  sendCode,
  setupFlow,
  signIn,
} from '../support/flow.js'
import type { TestFlow } from '../support/flow.js'

const [, other] = numbers
const actor = 'agent 7'
const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })

const actions = ({ events }: TestFlow) =>
  events.flatMap((event) => (event.type === 'admin' ? [`${event.action} by ${event.actor}`] : []))

describe.each(flowKinds)('on %s', (kind) => {
  test('the support desk sees what one number has, and is told of', async () => {
    const setup = await setupFlow(kind, { channels: [twoFactor(), chat] })
    const handle = await sendCode(setup)
    await sendCode(setup, { number: other })
    await setup.flow.check({ handle, code: '000000' })
    expect(await setup.flow.admin(number, { actor }).look()).toEqual({
      failures: 1,
      wait: 0,
      disabled: false,
      messages: [
        { used: 1, of: 5, duration: 600 },
        { used: 1, of: 10, duration: 86_400 },
      ],
      pending: [
        {
          via: 'sms',
          purpose: 'login',
          sentAgo: expect.any(Number),
          expiresIn: expect.any(Number),
          resends: 0,
          attempts: 1,
          delivery: 'unknown',
        },
      ],
    })
    expect(actions(setup)).toEqual(['look by agent 7'])
  })

  test('revoke ends the flows of the number, and their codes at tyntec', async () => {
    const setup = await setupFlow(kind, { channels: [twoFactor(), chat] })
    const first = await sendCode(setup)
    await setup.advance(31)
    const second = await sendCode(setup, { via: 'whatsapp' })
    const others = await sendCode(setup, { number: other })
    const own = setup.sandbox.messages().findLast(({ to }) => to === number)?.code ?? ''
    expect(await setup.flow.admin(number, { actor }).revoke()).toBe(2)
    expect(await setup.count('delete')).toBe(1)
    expect(await signIn(setup.flow, first)).toBe('no_pending_code')
    expect(await signIn(setup.flow, second, own)).toBe('no_pending_code')
    expect(await signIn(setup.flow, others)).toBe('opened')
    expect(await setup.flow.admin(number, { actor }).revoke()).toBe(0)
  })

  test('unlock ends failures and waits', async () => {
    const setup = await setupFlow(kind)
    for (let flows = 0; flows < 2; flows++) {
      const handle = await sendCode(setup)
      for (const code of ['000000', '000001', '000002']) await setup.flow.check({ handle, code })
      await setup.advance(31)
    }
    const desk = setup.flow.admin(number, { actor })
    expect(await desk.look()).toMatchObject({ failures: 5 })
    await desk.unlock()
    expect(await desk.look()).toMatchObject({
      failures: 0,
      wait: 0,
      messages: [{ used: 0 }, { used: 0 }],
    })
    expect(actions(setup)).toEqual(['look by agent 7', 'unlock by agent 7', 'look by agent 7'])
  })

  test('forget leaves no key of the number', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    await setup.flow.check({ handle, code: '000000' })
    await setup.advance(31)
    await sendCode(setup)
    const others = await sendCode(setup, { number: other })
    const ofNumbers = async () =>
      (await setup.dump()).filter(({ key }) => /:(?:number|flow:.*)$/.test(key)).length
    const before = await ofNumbers()
    expect(await setup.flow.admin(number, { actor }).forget()).toBe(2)
    expect(await ofNumbers()).toBe(kind === 'redis' ? before - 3 : 0)
    expect(await setup.flow.admin(number, { actor }).look()).toMatchObject({
      failures: 0,
      pending: [],
    })
    expect(await signIn(setup.flow, handle, rightCode)).toBe('no_pending_code')
    expect(await signIn(setup.flow, others)).toBe('opened')
  })

  test('finds what a secret that rotates out has counted', async () => {
    const setup = await setupFlow(kind)
    const handle = await sendCode(setup)
    const rotated = setup.another({
      secret: [
        'the secret that comes next, longer than 32 bytes',
        'the secret of the tests, longer than 32 bytes',
      ],
    })
    expect(await rotated.admin(number, { actor }).revoke()).toBe(1)
    expect(await signIn(setup.flow, handle)).toBe('no_pending_code')
  })
})

test('an actor and a number are needed', async () => {
  const { flow, events } = await setupFlow('memory')
  const misuse = expect.objectContaining({ code: 'ERR_OTP_MISUSE' })
  // Of an app without types.
  const named: { actor: string }[] = JSON.parse(`[null, "agent", {}, { "actor": 7 }]`)
  for (const by of named) expect(() => flow.admin(number, by)).toThrow(misuse)
  expect(() => flow.admin(number, { actor: '' })).toThrow(misuse)
  expect(() => flow.admin(number, { actor: 'line\nbreak' })).toThrow(misuse)
  expect(() => flow.admin('not a number', { actor })).toThrow(misuse)
  expect(events).toEqual([])
})

// proves: FAIL-6
describe('health', () => {
  test('finds nothing on a good set-up, and asks tyntec once in a while', async () => {
    const setup = await setupFlow('redis')
    await Promise.all(Array.from({ length: 10 }, () => setup.flow.health()))
    const { ok, findings } = await setup.flow.health()
    expect(findings.filter(({ level }) => level === 'error')).toEqual([])
    expect(ok).toBe(true)
    expect(await setup.calls()).toHaveLength(2)
  })

  test('says what is wrong, without a secret', async () => {
    const setup = await setupFlow('memory', { codeAlphabet: 'digits', attempts: 5 })
    await setup.fault({ operation: 'application.list', kind: 'status', status: 401 })
    const { ok, findings } = await setup.flow.health()
    expect(ok).toBe(false)
    expect(findings.map(({ id }) => id)).toContain('key-refused')
    expect(JSON.stringify(findings)).not.toContain(setup.sandbox.apiKey)
  })
})
