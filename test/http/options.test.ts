import { createOtpFlow, memoryStore, Strategy } from 'passport-tyntec-otp'
import * as onExpress from 'passport-tyntec-otp/express'
import * as onKoa from 'passport-tyntec-otp/koa'
import { describe, expect, test } from 'vitest'

const flow = createOtpFlow({
  apiKey: 'key',
  secret: 'a secret of the app that is long enough',
  countries: ['DE'],
  store: memoryStore(),
})
const onVerified = () => {}
const verify = () => ({})
/** What an app without types may give. */
type Loose = (...given: unknown[]) => unknown

const handlers = [
  'sendOtp',
  'resendOtp',
  'checkOtp',
  'otpStatus',
  'cancelOtp',
  'otpRouter',
] as const

function refusal(run: () => unknown): { code?: unknown; message?: string } {
  try {
    run()
  } catch (error) {
    return error as { code?: unknown; message?: string }
  }
  return {}
}

describe.each([
  ['Express', onExpress],
  ['Koa', onKoa],
] as const)('on %s', (_, adapter) => {
  test.each(handlers)('%s takes a flow and nothing else for one', (name) => {
    const handler = adapter[name] as Loose
    const promised = Promise.resolve(flow)
    for (const given of [undefined, null, {}, { check() {} }, () => {}, onVerified, promised]) {
      const { code, message } = refusal(() => handler(given, { onVerified }))
      expect([code, message]).toEqual([
        'ERR_OTP_OPTIONS',
        expect.stringContaining(`${name} needs the flow that createOtpFlow() makes`),
      ])
      expect(message?.includes('await it')).toBe(given === promised)
    }
  })

  test.each(handlers)('%s names what it does not know', (name) => {
    const handler = adapter[name] as Loose
    for (const given of ['sucessRedirect', 'onverified', 'Passport', 'prefx', 'a"\n']) {
      const { code, message } = refusal(() => handler(flow, { onVerified, [given]: () => {} }))
      // Where `onVerified` is none of the handler's, it is the first that is not known.
      const first = ['checkOtp', 'otpRouter'].includes(name) ? given : 'onVerified'
      expect([code, message]).toEqual([
        'ERR_OTP_OPTIONS',
        expect.stringContaining(
          `"${first.replaceAll(/[^\w-]/g, '?')}" must be an option of ${name}`,
        ),
      ])
    }
    for (const given of [null, 'x', 5]) {
      expect(refusal(() => handler(flow, given)).code).toBe('ERR_OTP_OPTIONS')
    }
  })

  test.each([
    ['purpose', 'signup'],
    ['csrf', 'token'],
    ['body', {}],
    ['session', 'no'],
    ['keepSessionInfo', 1],
    ['render', 'page'],
    ['successRedirect', '//evil.example'],
  ])('the router looks at %s', (name, value) => {
    const router = adapter.otpRouter as Loose
    const { code, message } = refusal(() => router(flow, { onVerified, [name]: value }))
    expect([code, message]).toEqual(['ERR_OTP_OPTIONS', expect.stringContaining(`"${name}" must`)])
  })

  test('takes what is its own, whatever every object has', () => {
    // oxlint-disable-next-line no-extend-native -- It is what is tested, and taken back.
    Object.defineProperty(Object.prototype, 'purpose', { value: 'x', configurable: true })
    try {
      expect(adapter.sendOtp(flow).name).toBe('sendOtp')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'purpose')
    }
  })
})

test("Koa's prefix is none of Express' options, and the advice says what is", () => {
  const router = onExpress.otpRouter as Loose
  const { message } = refusal(() => router(flow, { onVerified, prefix: '/login' }))
  expect(message).toContain(
    `"prefix" must be an option of otpRouter: Express has the path in app.use`,
  )
  expect(onKoa.otpRouter(flow, { onVerified, prefix: '/login' }).name).toBe('otpRouter')
})

test.each<[string, unknown[]]>([
  ['needs the flow', [undefined, verify]],
  ['needs the flow', [{}, verify]],
  ['needs the flow', [verify]],
  ['needs a verify function', [flow]],
  ['needs a verify function', [flow, {}]],
  ['needs a verify function', [flow, null, verify]],
  ['Options of Strategy come before', [flow, verify, { csrf: () => true }]],
  [
    '"passReqToCallBack" must be an option of Strategy',
    [flow, { passReqToCallBack: true }, verify],
  ],
  ['"passReqToCallback" must be', [flow, { passReqToCallback: 'yes' }, verify]],
  ['"csrf" must be', [flow, { csrf: 'x' }, verify]],
])('Strategy says at once: %s', (what, given) => {
  const { code, message } = refusal(() => Reflect.construct(Strategy, given))
  expect([code, message]).toEqual(['ERR_OTP_OPTIONS', expect.stringContaining(what)])
})
