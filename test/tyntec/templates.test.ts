import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../src/tyntec/sms-text.js'
import {
  hostOf,
  lintTemplate,
  lintTemplates,
  type TemplateContext,
  templateName,
  withLastLine,
} from '../../src/tyntec/templates.js'

const host = 'login.acme.example'
const good = `{{OTP}} is your Acme code.\n\n@${host} #{{OTP}}`
const rules = (text: string, context?: TemplateContext) =>
  lintTemplate(text, context).map(({ rule, level }) => `${level} ${rule}`)

describe('a good template', () => {
  test.each<[string, TemplateContext]>([
    [good, { host }],
    [good, {}],
    [`{{OTP}} is your Acme code. It expires in 5 minutes.\n\n@${host} #{{OTP}}`, { host }],
    [`{{OTP}} ist Ihr Code für Größe.\n\n@${host} #{{OTP}}`, { host }],
    [`${good} @embedded.example`, { host }],
    [good.replaceAll('\n', '\r\n').replace('\r\n\r\n', '\n\n'), { host }],
    [good, { host, sender: 'VERIFY' }],
    [good, { host, sender: '+4915112345678' }],
    ['OTP code: {{OTP}}. Valid for {{SEC}} seconds.', {}],
    ['Your Acme code is: {{OTP}}. Again: {{OTP}}.', { channel: 'voice', host }],
  ])('%j with %j has no finding', (text, context) => {
    expect(rules(text, context)).toEqual([])
  })
})

describe('a template is told', () => {
  test.each<[string, string, TemplateContext, string[]]>([
    ['has no code', 'Hello', {}, ['error no-otp-placeholder']],
    ['has no code in a call', 'Hello', { channel: 'voice' }, ['error no-otp-placeholder']],
    ['does not name the page', '{{OTP}} is your code.', { host }, ['warning webotp-last-line']],
    ['names a port', `{{OTP}}.\n@${host}:3000 #{{OTP}}`, { host }, ['error webotp-last-line']],
    [
      'names a scheme',
      `{{OTP}}.\n@https://${host} #{{OTP}}`,
      {},
      ['error webotp-last-line', 'warning has-link'],
    ],
    ['has two spaces', `{{OTP}}.\n@${host}  #{{OTP}}`, {}, ['error webotp-last-line']],
    [
      'has its parts the other way round',
      `{{OTP}}.\n@#{{OTP}} ${host}`,
      {},
      ['error webotp-last-line'],
    ],
    ['is indented', `{{OTP}}.\n @${host} #{{OTP}}`, {}, ['error webotp-last-line']],
    ['names another page', good, { host: 'acme.example' }, ['error webotp-host-mismatch']],
    ['goes on after the line', `${good}\nReply STOP`, { host }, ['error webotp-trailing-text']],
    ['goes on in the line', `${good} Reply STOP`, { host }, ['error webotp-trailing-text']],
    [
      'comes late to its code',
      `${'Hello dear you. '.repeat(3)}{{OTP}}`,
      {},
      ['warning code-not-early'],
    ],
    [
      'has its code behind the first sentence',
      'Hello. Your code is {{OTP}}.',
      {},
      ['warning code-not-early'],
    ],
    [
      'has a long first sentence',
      `{{OTP}} ${'is '.repeat(20)}`,
      {},
      ['warning long-first-sentence'],
    ],
    ['is long', `{{OTP}}. ${'So. '.repeat(34)}`, {}, ['warning too-long-140']],
    ['is two', `{{OTP}}. ${'So. '.repeat(40)}`, {}, ['warning too-long-140', 'warning segments>1']],
    ['is not in GSM-7', '{{OTP}} — ваш код.', {}, ['warning ucs2']],
    [
      'is two in UCS-2',
      `{{OTP}} код. ${'Код. '.repeat(13)}`,
      {},
      ['warning segments>1', 'warning ucs2'],
    ],
    ['has a link', '{{OTP}}. https://acme.example/help', {}, ['warning has-link']],
    [
      'has a link in a call',
      '{{OTP}}. www.acme.example',
      { channel: 'voice' },
      ['warning has-link'],
    ],
    ['has a long sender', good, { host, sender: 'ACME-WORLDWIDE' }, ['error sender-too-long']],
    ['reads the line out', good, { channel: 'voice' }, ['error voice-has-webotp']],
  ])('when it %s', (_, text, context, expected) => {
    expect(rules(text, context)).toEqual(expected)
  })
})

test('every finding says what to do, and none quotes the template', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('{{OTP}}', '@', '#', '\n', ' ', 'canary', 'https://', 'é', 'ж'),
        maxLength: 40,
      }),
      fc.constantFrom('sms', 'voice'),
      (text, channel) => {
        for (const finding of lintTemplate(text, { channel })) {
          expect(finding.text).not.toMatch(/canary|\n/)
          expect(finding.fix).toMatch(/^[A-Z]/)
        }
      },
    ),
  )
})

test('all templates of an application are judged by their channel', () => {
  const found = lintTemplates({ en: good, 'en-voice': good, de: 'x' }, { host })
  expect(found.map(({ template, rule }) => [template, rule])).toEqual([
    ['en-voice', 'voice-has-webotp'],
    ['de', 'no-otp-placeholder'],
    ['de', 'webotp-last-line'],
  ])
})

test.each([
  ['en', { language: 'en' }],
  ['pt-BR', { language: 'pt-BR' }],
  ['en-voice', { language: 'en', channel: 'voice' }],
  ['en-SMS', { language: 'en', channel: 'sms' }],
])('the name %s is of %j', (name, expected) => {
  expect(templateName(name)).toEqual(expected)
})

test.each([
  ['a'.repeat(160), 'GSM-7', 1],
  ['a'.repeat(161), 'GSM-7', 2],
  ['a'.repeat(304), 'GSM-7', 2],
  ['a'.repeat(305), 'GSM-7', 3],
  ['€'.repeat(80), 'GSM-7', 1],
  ['€'.repeat(81), 'GSM-7', 2],
  ['ж'.repeat(70), 'UCS-2', 1],
  ['ж'.repeat(71), 'UCS-2', 2],
  ['😀'.repeat(35), 'UCS-2', 1],
  ['', 'GSM-7', 1],
])('a text (%#) is billed by its characters', (text, encoding, segments) => {
  expect(sizeOf(text)).toEqual({ encoding, segments })
})

describe('the line for browsers', () => {
  test.each([
    ['{{OTP}} is your Acme code.', good],
    ['{{OTP}} is your Acme code.\n', good],
    [good, good],
    // Whoever has written one means it: the lint says what is wrong with it.
    [`{{OTP}}.\n@other.example #{{OTP}}`, `{{OTP}}.\n@other.example #{{OTP}}`],
    [`{{OTP}}.\n@https://a #{{OTP}}\nBye`, `{{OTP}}.\n@https://a #{{OTP}}\nBye`],
  ])('is at the end of %j once', (text, expected) => {
    expect(withLastLine(text, host)).toBe(expected)
    expect(withLastLine(text, undefined)).toBe(text)
    expect(withLastLine(expected, host)).toBe(expected)
  })

  test('an added one has no finding', () => {
    expect(rules(withLastLine('{{OTP}} is your Acme code.', host), { host })).toEqual([])
  })

  test.each([
    [[], undefined],
    [['https://login.acme.example'], host],
    [['https://login.acme.example:8443', 'http://b.example', 'capacitor://localhost'], host],
    [['https://login.acme.example', 'https://login.acme.example:444'], host],
    [['https://login.acme.example', 'https://acme.example'], undefined],
    [['http://localhost:3000'], undefined],
    [['https://:'], undefined],
  ])('names the one host of %j', (origins, expected) => {
    expect(hostOf(origins)).toBe(expected)
  })
})
