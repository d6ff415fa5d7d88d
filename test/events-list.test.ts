import { expect, test } from 'vitest'
import type { OtpErrorCode } from '../src/errors.js'
import type {
  BudgetWindow,
  LimitName,
  OtpEvent,
  OtpEventOf,
  RefusalReason,
  RequestStep,
} from '../src/events.js'
import type { Channel } from '../src/outcomes.js'
import { levels } from '../src/log.js'
import { blockOf, documented, expectDocumented, namesIn, tableOf } from './support/events.js'

/** What a type allows, as a list that does not compile when a value is missing from it. */
function all<Value extends string>(values: Record<Value, true>): string[] {
  return Object.keys(values)
}

const reasons = all<RefusalReason>({
  bad_request: true,
  number_required: true,
  code_required: true,
  malformed_code: true,
  invalid_number: true,
  number_not_allowed: true,
  channel_not_allowed: true,
  cross_site: true,
  challenge_required: true,
  invalid_code: true,
  no_pending_code: true,
  check_in_progress: true,
  code_expired: true,
  too_many_attempts: true,
  resend_too_soon: true,
  rate_limited: true,
  no_handle: true,
  malformed_handle: true,
})
const codes = all<OtpErrorCode>({
  ERR_OTP_OPTIONS: true,
  ERR_OTP_PROVIDER_AUTH: true,
  ERR_OTP_PROVIDER_UNAVAILABLE: true,
  ERR_OTP_PROVIDER_RESPONSE: true,
  ERR_OTP_STORE_UNAVAILABLE: true,
  ERR_OTP_BUDGET: true,
  ERR_OTP_MISUSE: true,
})
const limits = all<LimitName>({
  sends_per_number: true,
  sends_per_address: true,
  messages_per_address_and_number: true,
  waits_per_address: true,
  failures_per_number: true,
  failures_per_address: true,
  failed_numbers_per_address: true,
  pumping: true,
})
const windows = all<BudgetWindow>({ hour: true, day: true, country: true, money: true })
const oddities = all<OtpEventOf<'pumping.suspected'>['by']>({
  country: true,
  address: true,
  range: true,
  countries: true,
})
const channels = all<Channel>({ sms: true, voice: true, whatsapp: true })
const rejections = all<OtpEventOf<'otp.rejected'>['reason']>({
  invalid_code: true,
  too_many_attempts: true,
  no_pending_code: true,
})
const steps = all<RequestStep>({
  send: true,
  resend: true,
  check: true,
  status: true,
  cancel: true,
})

const examples = blockOf('examples').filter((line) => line.startsWith('{'))

// proves: LOG-3
test('docs/events.md lists every event, and none that does not exist', () => {
  expect([...documented.keys()].toSorted()).toEqual(Object.keys(levels).toSorted())
})

test('docs/events.md has the level of each event', () => {
  const written = [...documented].map(([name, { level }]) => [name, level])
  expect(Object.fromEntries(written)).toEqual(levels)
})

test('docs/events.md has one example of each event, with the fields that it lists', () => {
  const events = examples.map((line) => JSON.parse(line) as OtpEvent)
  expect(events.map(({ type }) => type).toSorted()).toEqual(Object.keys(levels).toSorted())
  for (const event of events) expectDocumented(event)
})

test('docs/events.md says what every field means', () => {
  const explained = tableOf('fields').flatMap(([field]) => namesIn(field))
  const used = [...documented.values()].flatMap(({ fields, optional }) => [...fields, ...optional])
  expect(explained.toSorted()).toEqual([...new Set([...used, 'type', 'at'])].toSorted())
})

test('docs/events.md lists every reason and every code', () => {
  expect(tableOf('reasons').flatMap(([cell]) => namesIn(cell))).toEqual(
    expect.arrayContaining(reasons),
  )
  expect(tableOf('reasons')).toHaveLength(reasons.length)
  expect(tableOf('codes').flatMap(([cell]) => namesIn(cell))).toEqual(expect.arrayContaining(codes))
  expect(tableOf('codes')).toHaveLength(codes.length)
})

test.each([
  ['limit', limits],
  ['via', channels],
  ['window', windows],
  ['by', oddities],
  ['reason', rejections],
  ['step', steps],
] as const)('docs/events.md lists the values of %s', (field, values) => {
  const row = tableOf('fields').find(([name]) => namesIn(name).includes(field))
  expect(namesIn(row?.[2])).toEqual(expect.arrayContaining(values))
})

test('every reason and code stands for a name that logs are searched by', () => {
  const rows = [...tableOf('reasons'), ...tableOf('codes')]
  const nameless = rows.filter((row) => namesIn(row.at(-1)).length === 0).map(([name]) => name)
  // Neither ever is one: told by another event, and thrown at start.
  expect(nameless).toEqual(['`challenge_required`', '`ERR_OTP_OPTIONS`'])
})
