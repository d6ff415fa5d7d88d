import { describe, expect, test } from 'vitest'
import { resolveChannels, sms, twoFactor, whatsapp } from '../../src/options/channels.js'

const template = { templateId: 'login_code' }
const byText = () => sms({ from: 'Example', text: 'Code {{OTP}}' })
const byChat = () => whatsapp({ from: '4915123456789', template })

/** Options of an app without types. */
function written(json: string): never {
  return JSON.parse(json) as never // so that it goes for any options
}

/** The names of the channels, and who brings each. */
function named(given: unknown, voice?: boolean): string[] {
  return [...resolveChannels(given, voice)].map(([name, { carrier }]) => `${name} by ${carrier}`)
}

test('without channels tyntec makes the code, and calls where that is asked for', () => {
  expect(named(undefined)).toEqual(['sms by two-factor'])
  expect(named(undefined, true)).toEqual(['sms by two-factor', 'voice by two-factor'])
})

test('channels are offered in their order, and the first that brings one brings it', () => {
  expect(named([byChat(), twoFactor({ voice: true })])).toEqual([
    'whatsapp by whatsapp',
    'sms by two-factor',
    'voice by two-factor',
  ])
  expect(named([byText(), twoFactor({ voice: true })])).toEqual([
    'sms by sms',
    'voice by two-factor',
  ])
})

describe('what is refused, by its name and without its value', () => {
  test.each<[string, () => unknown]>([
    ['"channels"', () => resolveChannels([], undefined)],
    ['"channels"', () => resolveChannels('sms', undefined)],
    ['"channels"', () => resolveChannels([{ carrier: 'sms', from: 'secret' }], undefined)],
    ['"channels"', () => resolveChannels([byText(), undefined], undefined)],
    ['"channels[1]"', () => resolveChannels([twoFactor(), byText()], undefined)],
    ['"channels[1]"', () => resolveChannels([byChat(), byChat()], undefined)],
    ['"voice"', () => resolveChannels([byChat()], true)],
    ['"twoFactor.voice"', () => twoFactor(written('{ "voice": "secret" }'))],
    ['"twoFactor.voic"', () => twoFactor(written('{ "voic": true }'))],
    ['"sms.from"', () => sms({ from: '', text: '{{OTP}}' })],
    ['"sms.text"', () => sms({ from: 'Example', text: 'a secret without a place' })],
    ['"sms.callbackUrl"', () => sms({ from: 'Example', text: '{{OTP}}', callbackUrl: 'secret' })],
    ['"whatsapp.from"', () => whatsapp({ from: '\nsecret', template })],
    ['"whatsapp.template"', () => whatsapp(written('{ "from": "49151" }'))],
    [
      '"whatsapp.template.templateId"',
      () => whatsapp({ from: '49', template: { templateId: '' } }),
    ],
    [
      '"whatsapp.template.language.code"',
      () => whatsapp({ from: '49', template: { ...template, language: { code: 'secret!' } } }),
    ],
  ])('%s', (name, make) => {
    let message = ''
    try {
      make()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_OTP_OPTIONS' })
      message = error instanceof Error ? error.message : ''
    }
    expect(message).toContain(name)
    expect(message).not.toContain('secret')
  })
})
