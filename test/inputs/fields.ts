import fc from 'fast-check'
import { normaliseCode } from '../../src/input/code.js'
import { createNumberParser } from '../../src/input/number.js'
import { invisible, nastyTexts, otherValues, strangeNames } from './corpus.js'
import { country, goodNumber, type Possessions, renamed } from './variants.js'

const { parse } = createNumberParser({ countries: [country], channels: ['sms', 'voice'] })

/** No number of the allowed country, wherever it is dialled: the sign at its end makes sure. */
function noNumber(text: string): string {
  const read = [undefined, 'GB', 'US'].map((from) => parse(text, from, 'voice'))
  return read.some((each) => 'number' in each) ? `${text}x` : text
}

/** No code either: without digits it is none. */
function noCode(text: string): string {
  return 'code' in normaliseCode(text, { length: 6 }) ? text.replace(/\p{Nd}/gu, 'x') : text
}

const spoiled = (text: string) =>
  fc
    .tuple(fc.nat(text.length), fc.constantFrom(...invisible, 'x', '/', '*', '#', '；', '٠'))
    .map(([at, sign]) => text.slice(0, at) + sign + text.slice(at))

export const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...nastyTexts) },
  // Half of a pair as well.
  {
    weight: 2,
    arbitrary: fc
      .array(fc.nat(0xff_ff), { maxLength: 30 })
      .map((units) => String.fromCharCode(...units)),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[0-9 .()+-]{1,20}$/) },
)

/** Right, but of another country, or of none. */
const elsewhere = fc.constantFrom(
  '+4915112345678',
  '+12015550100',
  '+447912345678',
  '+870773111632',
)

export const numberText = fc.oneof(
  { weight: 4, arbitrary: spoiled(goodNumber).map(noNumber) },
  { weight: 4, arbitrary: text.map(noNumber) },
  { weight: 1, arbitrary: elsewhere },
)

export const badCode = fc.oneof(spoiled('424242').map(noCode), text.map(noCode))

export const anyCode = fc.oneof(badCode, fc.constantFrom('000000', '424242', '123 456', '12-34-56'))

export const region = fc.oneof(
  fc.constantFrom('DE', 'us', 'ZZ', 'GB', '', 'DEU', 'D\n', 'ＤＥ', '__', '49'),
  // A country is only harmless beside a number that is none anywhere.
  text.filter((each) => each.toUpperCase() !== country),
)

export const channel = fc.oneof(
  fc.constantFrom('sms', 'voice', 'SMS', 'whatsapp', '', 'toString'),
  text,
)

export const language = fc.oneof(fc.constantFrom('de', 'EN', 'xx', 'd', 'english', ''), text)

export const other = fc.constantFrom(...otherValues)

export interface World {
  handle: fc.Arbitrary<string>
  code: fc.Arbitrary<string>
}

/** A field and its value, by the names of any app. */
export function fieldOf({ handle, code }: World): fc.Arbitrary<[name: string, value: string]> {
  const named = (field: keyof typeof renamed, value: fc.Arbitrary<string>) =>
    fc.tuple(fc.constantFrom(field, field, renamed[field]), value)
  return fc.oneof(
    { weight: 8, arbitrary: named('number', numberText) },
    { weight: 8, arbitrary: named('code', code) },
    { weight: 2, arbitrary: named('flow', handle) },
    { weight: 1, arbitrary: named('country', region) },
    { weight: 1, arbitrary: named('via', channel) },
    { weight: 1, arbitrary: named('language', language) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...strangeNames), text) },
  )
}

/** Handles as our own key makes them, of flows that never were. */
export function unknownHandles({ live }: Possessions): fc.Arbitrary<string> {
  const bytes = Buffer.from(live, 'base64url')
  return fc.oneof(
    fc.integer({ min: 4 * 8, max: bytes.length * 8 - 1 }).map((bit) => flip(live, bit)),
    randomAfter(bytes, 4),
  )
}

/** The first bytes, which name the key, then others. */
function randomAfter(bytes: Buffer, kept: number): fc.Arbitrary<string> {
  const length = bytes.length - kept
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((random) => Buffer.concat([bytes.subarray(0, kept), random]).toString('base64url'))
}

/** Handles that no flow has. */
export function deadHandles(possessions: Possessions): fc.Arbitrary<string> {
  const { live, device } = possessions
  const bytes = Buffer.from(live, 'base64url')
  return fc.oneof(
    { weight: 6, arbitrary: unknownHandles(possessions) },
    { weight: 1, arbitrary: fc.nat(4 * 8 - 1).map((bit) => flip(live, bit)) },
    { weight: 1, arbitrary: randomAfter(bytes, 0) },
    { weight: 1, arbitrary: fc.nat(live.length - 1).map((end) => live.slice(0, end)) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        device,
        flip(device, 40),
        `${live}A`,
        `${live}=`,
        live.toUpperCase(),
        live.repeat(2),
        'A'.repeat(live.length),
        '',
        'undefined',
        '[object Object]',
        '../../etc',
        'x'.repeat(5000),
      ),
    },
    { weight: 1, arbitrary: text },
  )
}

/** One bit of what a handle stands for is another. */
export function flip(handle: string, bit: number): string {
  const bytes = Buffer.from(handle, 'base64url')
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return bytes.toString('base64url')
}
