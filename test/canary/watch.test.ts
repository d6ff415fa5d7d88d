import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSecrets } from '../../src/secrets/secrets.js'
import { watch as ofThisProcess } from '../support/canary-process.js'
import {
  createWatch,
  deviceLength,
  handleLength,
  markLength,
  type SecretKind,
} from '../support/canary-watch.js'
import { sendCode, setupFlow, signIn } from '../support/flow.js'

const handle = randomBytes(84).toString('base64url')
const device = randomBytes(36).toString('base64url')
const secrets: [SecretKind, string][] = [
  ['number', '+4915735980713'],
  ['number', '+12015550142'],
  ['code', '424242'],
  ['code', 'a1b2c3'],
  ['otpId', '3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b'],
  ['api key', 'kEy-CaNaRy-7f3a'],
  ['secret', 'a secret of more than one word, and long'],
]

function leaksOf(text: string) {
  const watch = createWatch(() => 'this test')
  for (const [kind, value] of secrets) watch.learn(kind, value)
  watch.mark(device.slice(0, markLength))
  watch.look('a sink', text)
  return watch.leaks()
}

// proves: LOG-1
test.each<[SecretKind, string]>([
  ['number', 'sent to +4915735980713'],
  ['number', '{"number":"+49 1573 5980713"}'],
  ['number', 'https://api.tyntec.com/2fa/v1/otp?number=%2B4915735980713&via=SMS'],
  ['number', '004915735980713'],
  ['number', 'national: 01573/5980713'],
  ['number', '(201) 555-0142'],
  ['number', 'the last seven: 5980713'],
  ['number', 'the first ten: 4915735980***'],
  ['code', 'wrong code 424242'],
  ['code', '{"otpCode":"424242"}'],
  ['code', '?otpCode=424242&x'],
  ['code', 'It was 424242.'],
  ['code', 'code: a1b2c3'],
  ['otpId', '/2fa/v1/otp/3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b/check'],
  ['otpId', 'tyntec-otp:otp_3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b'],
  ['otpId', '3F2B8C1E9A4D4E6F8B7A0C1D2E3F4A5B'],
  ['api key', '{ apikey: "kEy-CaNaRy-7f3a" }'],
  ['api key', 'apikey_kEy-CaNaRy-7f3a\r\n'],
  ['secret', 'secret: a secret of more than one word, and long.'],
  ['handle', `otp=${handle}; Path=/`],
  ['device', `{"device":"${device}"}`],
])('finds a %s in: %s', (kind, text) => {
  expect(leaksOf(text)).toEqual([{ kind, sink: 'a sink', test: 'this test' }])
})

test.each([
  'to: •••0713',
  '+49*******13',
  '{"at":1424242000000,"flowId":"Zq424242-0aB3cD4eF5gH6i"}',
  'took 0.424242 s',
  'at file.ts:424:242',
  '3f2b8c1e-424242-9a4d',
  '1.424242e6',
  'expires in 300 s, 2026-11-23T15:50:42.424Z',
  randomBytes(16).toString('base64url').replaceAll('424242', ''),
  'sha256-'.padEnd(deviceLength, 'a'),
  `a sealed number: ${device.slice(1)}A`,
])('finds nothing in: %s', (text) => {
  expect(leaksOf(text)).toEqual([])
})

test('finds what it learns only later', () => {
  const watch = createWatch()
  watch.look('early', 'code 987654')
  expect(watch.leaks()).toEqual([])
  watch.learn('code', '987654')
  expect(watch.leaks()).toEqual([{ kind: 'code', sink: 'early', test: '' }])
})

test('what it knows the look of is what the package makes', () => {
  const own = createSecrets([randomBytes(32)])
  const made = own.createDevice('+12015550142')
  expect(made).toHaveLength(deviceLength)
  expect(own.createHandle(own.numberTags('+12015550142')[0], undefined).handle).toHaveLength(
    handleLength,
  )
  expect(ofThisProcess.leaks()).toEqual([])
  ofThisProcess.look('a device', made)
  expect(ofThisProcess.leaks().map(({ kind }) => kind)).toEqual(['device'])
  ofThisProcess.forget((sink) => sink === 'a device')
})

// proves: LOG-1
test('a sign-in teaches it all of its secrets', async () => {
  const kinds = ['number', 'code', 'otpId', 'api key', 'secret'] as const
  const setup = await setupFlow('redis', {
    secret: `for the canary: ${randomBytes(32).toString('hex')}`,
  })
  const handle = await sendCode(setup, { number: '+12015550133' })
  await setup.flow.check({ handle, code: '135792' })
  await signIn(setup.flow, handle)
  expect(handle).toHaveLength(handleLength)
  for (const kind of kinds) expect([kind, ofThisProcess.known(kind) > 0]).toEqual([kind, true])
  expect(ofThisProcess.known('code')).toBe(2)
})
