import fc from 'fast-check'
import { app, type Case, lost, routes } from './cases.js'
import { strangeNames } from './corpus.js'
import {
  anyCode,
  badCode,
  channel,
  deadHandles,
  language,
  numberText,
  region,
  text,
  type World,
} from './fields.js'
import { cookieOf, harmless, header, uniqueHost } from './headers.js'
import { goodNumber, renamed, type Possessions } from './variants.js'

/** A request as an adapter gets it: read and parsed, by whatever the app has for that. */
export interface ParsedCase extends Omit<Case, 'body' | 'chunked' | 'alone'> {
  body: unknown
}

/** What no parser should make of a body, and some do. */
const strangeValues = (good: string): unknown[] => [
  [good],
  [[good]],
  { number: good },
  { toString: () => good },
  { [Symbol.toPrimitive]: () => good },
  { valueOf: () => good, length: good.length },
  Object(good),
  Buffer.from(good),
  new Map([['number', good]]),
  new Set([good]),
  () => good,
  Symbol(good),
  BigInt(good.replace(/\D/g, '')),
  new Date(0),
  Number.NaN,
  Object.create(null),
]

function parsedBody({ handle, code }: World): fc.Arbitrary<unknown> {
  const odd = (good: string) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...strangeValues(good)) },
      {
        weight: 1,
        arbitrary: fc
          .anything({
            maxDepth: 2,
            withBigInt: true,
            withDate: true,
            withMap: true,
            withNullPrototype: true,
            withTypedArray: true,
          })
          .map((value) => (typeof value === 'string' ? `${value}x` : value)),
      },
    )
  const named = (field: keyof typeof renamed, value: fc.Arbitrary<string>, good: string) =>
    fc.tuple(
      fc.constantFrom(field, field, renamed[field]),
      fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: odd(good) }),
    )
  const entry = fc.oneof(
    { weight: 8, arbitrary: named('number', numberText, goodNumber) },
    { weight: 8, arbitrary: named('code', code, '424242') },
    { weight: 3, arbitrary: named('flow', handle, 'x') },
    { weight: 1, arbitrary: named('country', region, 'DE') },
    { weight: 1, arbitrary: named('via', channel, 'sms') },
    { weight: 1, arbitrary: named('language', language, 'de') },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...strangeNames), text as fc.Arbitrary<unknown>),
    },
  )
  const shape = fc.constantFrom(
    'plain',
    'plain',
    'plain',
    'plain',
    'bare',
    'inherited',
    'getter',
    'list',
    'function',
  )
  const record = fc
    .tuple(fc.array(entry, { minLength: 1, maxLength: 5 }), shape)
    .map(([entries, kind]) => shaped(Object.fromEntries(entries), kind))
  return fc.oneof(
    { weight: 12, arbitrary: record },
    {
      weight: 1,
      // As the whole body, one of them would be right.
      arbitrary: odd(goodNumber).map((value) => (isGood(value) ? [value] : value)),
    },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, '', 'x', 0, true, [], {}) },
  )
}

function isGood(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'number')
}

function shaped(fields: Record<string, unknown>, kind: string): unknown {
  const good = { number: goodNumber, tel: goodNumber }
  switch (kind) {
    case 'bare':
      return Object.assign(Object.create(null), fields)
    case 'inherited':
      return Object.assign(Object.create(good), { x: fields })
    case 'getter':
      return Object.defineProperties(
        { ...fields },
        {
          number: { enumerable: true, get: () => goodNumber },
          tel: {
            enumerable: true,
            get: () => {
              throw new Error('nobody should look')
            },
          },
        },
      )
    case 'list':
      return Object.assign([good], fields)
    case 'function':
      return Object.assign(() => {}, good)
    default:
      return fields
  }
}

export function createParsedCases(possessions: Possessions): fc.Arbitrary<ParsedCase> {
  const { live } = possessions
  const dead = deadHandles(possessions)
  const asked = (world: World, route: fc.Arbitrary<string>) =>
    fc
      .record({
        app,
        route,
        headers: fc.oneof(
          { weight: 3, arbitrary: fc.array(harmless, { maxLength: 2 }) },
          { weight: 1, arbitrary: fc.array(header(world.handle), { maxLength: 4 }) },
        ),
        cookie: fc.option(cookieOf(world.handle), { freq: 2, nil: undefined }),
        type: fc.constantFrom(
          ...Array<string>(7).fill('application/json'),
          ...Array<string>(2).fill('application/x-www-form-urlencoded'),
          undefined,
        ),
        body: parsedBody(world),
      })
      .map(({ app, route, headers, cookie, type, body }): ParsedCase => {
        const all = uniqueHost(headers)
        if (cookie !== undefined) all.push(['cookie', cookie])
        if (type !== undefined) all.push(['content-type', type])
        // Without a body, a length would tell of a missing parser.
        if (body !== undefined) all.push(['content-length', '9'])
        const method = route === 'status' ? 'GET' : 'POST'
        return { app, method, path: `/login/${route}`, headers: all, body }
      })
  const parsed = ({ body, headers, ...rest }: Case): ParsedCase => ({
    ...rest,
    headers: [...headers, ['content-length', '9']],
    body: JSON.parse(String(body)),
  })
  return fc.oneof(
    { weight: 1, arbitrary: lost(possessions).map(parsed) },
    {
      weight: 5,
      arbitrary: asked(
        { handle: dead, code: anyCode },
        fc.constantFrom(...routes, 'send', 'check'),
      ),
    },
    {
      weight: 1,
      arbitrary: asked({ handle: fc.constant(live), code: badCode }, fc.constant('check')),
    },
  )
}
