import { expect, test } from 'vitest'
import { setupSandbox } from './setup.js'

test.each([
  ['+12015550100', undefined, '+12015550100'],
  ['0012015550100', undefined, '+12015550100'],
  ['12015550100', undefined, '+12015550100'],
  ['+12015550100', 'US', '+12015550100'],
  ['12015550100', 'US', '+12015550100'],
  ['2015550100', 'US', '+12015550100'],
  ['+14155550100', 'CA', '+14155550100'],
  ['015112345678', 'DE', '+4915112345678'],
  ['15112345678', 'DE', '+4915112345678'],
  ['4915112345678', 'DE', '+4915112345678'],
  ['004915112345678', 'DE', '+4915112345678'],
  ['+447700900123', undefined, '+447700900123'],
])('%s with country %s is %s', async (number, country, expected) => {
  const { sendOtp } = await setupSandbox()
  expect((await sendOtp({ number, ...(country && { country }) })).number).toBe(expected)
})

test.each([
  ['no digits', { number: 'hello' }],
  ['too few digits', { number: '+1201555' }],
  ['too many digits', { number: '+12015550100123456' }],
  ['an unknown country code', { number: '+999123456789' }],
  ['spaces', { number: '+1 201 555 0100' }],
  ['a + that was not encoded', { number: ' 12015550100' }],
  ['a national number without a country', { number: '015112345678' }],
  ['another country than its own', { number: '+12015550100', country: 'DE' }],
  ['another country than its own, with 00', { number: '0012015550100', country: 'DE' }],
  ['another country than its own, as bare digits', { number: '12015550100', country: 'DE' }],
  ['an unknown country', { number: '+12015550100', country: 'XX' }],
  ['a country by name', { number: '+12015550100', country: 'Germany' }],
])('a number is refused with %s', async (_, query) => {
  const { sandbox, send } = await setupSandbox()
  const { status, headers, json } = await send(query)
  expect(status).toBe(400)
  expect(json).toMatchObject({ message: 'Invalid number' })
  expect(headers.get('x-sandbox-hint')).toMatch(/./)
  expect(sandbox.messages()).toEqual([])
})
