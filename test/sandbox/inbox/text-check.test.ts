import { describe, expect, test } from 'vitest'
import { lintTemplate } from '../../../src/tyntec/templates.js'
import { checkText, type TextToCheck } from '../../../src/sandbox/inbox/text-check.js'

const good = '{{OTP}} is your Acme code.\n\n@login.acme.example #{{OTP}}'

const rulesOf = (text: string, more: Partial<TextToCheck> = {}) =>
  checkText({ text, channel: 'sms', ...more }).findings.map(({ rule, level }) => `${level} ${rule}`)

describe('the check of a text', () => {
  test('has nothing to say about a good one', () => {
    expect(rulesOf(good, { host: 'login.acme.example', sender: 'ACME' })).toEqual([])
    expect(checkText({ text: good, channel: 'sms' })).toMatchObject({
      encoding: 'GSM-7',
      characters: 54,
      segments: 1,
      originBound: { host: 'login.acme.example', code: '424242' },
    })
  })

  test('takes a message for what it is, with its code', () => {
    const text = '000111 is your code.\n\n@a.example #000111'
    expect(checkText({ text, channel: 'sms', code: '000111' })).toMatchObject({
      originBound: { host: 'a.example', code: '000111' },
      findings: [],
    })
  })

  test.each([
    ['no code', 'Hello.', ['error no-otp-placeholder', 'hint webotp-last-line']],
    ['no line for browsers', 'Code: {{OTP}}.', ['hint webotp-last-line']],
    [
      'a scheme',
      '{{OTP}}.\n@https://a.example #{{OTP}}',
      ['error webotp-last-line', 'warning has-link'],
    ],
    ['a port', '{{OTP}}.\n@a.example:3000 #{{OTP}}', ['error webotp-last-line']],
    ['two spaces', '{{OTP}}.\n@a.example  #{{OTP}}', ['error webotp-last-line']],
    ['another code', '{{OTP}}.\n@a.example #111111', ['error webotp-last-line']],
    ['a line after it', `${good}\nReply STOP`, ['error webotp-trailing-text']],
    [
      'a late code',
      'Hello. Your code is {{OTP}}.\n\n@a.example #{{OTP}}',
      ['warning code-not-early'],
    ],
    [
      'a long first sentence',
      `{{OTP}} is your code and you must never ever ever share it with anyone.\n\n@a.example #{{OTP}}`,
      ['warning long-first-sentence'],
    ],
    [
      'more than 140 characters',
      `{{OTP}} is your code. ${'It is yours. '.repeat(8)}\n\n@a.example #{{OTP}}`,
      ['warning too-long-140'],
    ],
    ['another alphabet', '{{OTP}} – your code.\n\n@a.example #{{OTP}}', ['warning ucs2']],
    [
      'more than one segment',
      `{{OTP}} is your code. ${'It is yours. '.repeat(12)}`,
      ['warning too-long-140', 'warning segments>1', 'hint webotp-last-line'],
    ],
    [
      'a link',
      '{{OTP}} is your code. See www.a.example\n\n@a.example #{{OTP}}',
      ['warning has-link'],
    ],
  ])('%s', (_, text, rules) => {
    expect(rulesOf(text)).toEqual(rules)
  })

  test.each([
    good,
    'Hello.',
    '{{OTP}} is your code.',
    'Hello. Your code is {{OTP}}. https://a.example',
    `${good} STOP`,
    `{{OTP}} – ${'It is yours. '.repeat(14)}\n@https://b.example #{{OTP}}`,
  ])('says of %j what the command line and the start of an app say', (text) => {
    for (const host of ['login.acme.example', 'b.example']) {
      for (const channel of ['sms', 'voice'] as const) {
        const context = { channel, host, sender: 'TOO-LONG-BY-FAR' }
        const linted = lintTemplate(text, context).map(({ rule }) => rule)
        const found = checkText({ text, ...context }).findings.map(({ rule }) => rule)
        expect(found).toEqual(linted)
        // A message with its code is no other than its template.
        const message = text.replaceAll('{{OTP}}', '424242')
        const of = { ...context, text: message, code: '424242' }
        expect(checkText(of).findings.map(({ rule }) => rule)).toEqual(linted)
      }
    }
  })

  test('knows the host of the page', () => {
    expect(rulesOf(good, { host: 'acme.example' })).toEqual(['error webotp-host-mismatch'])
    expect(rulesOf(good, { host: 'LOGIN.acme.example' })).toEqual([])
  })

  test('wants no line for browsers where none is read', () => {
    expect(rulesOf(good, { channel: 'voice' })).toEqual(['error voice-has-webotp'])
    expect(rulesOf(good, { channel: 'whatsapp' })).toEqual(['hint voice-has-webotp'])
    expect(rulesOf('Your code is {{OTP}}. Again: {{OTP}}.', { channel: 'voice' })).toEqual([])
  })

  test.each([
    ['ACMELOGIN12', []],
    ['ACMELOGIN123', ['error sender-too-long']],
    ['+4915112345678', []],
  ])('a sender %s', (sender, rules) => {
    expect(rulesOf(good, { sender })).toEqual(rules)
  })
})
