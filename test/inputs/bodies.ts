import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { brokenForms, brokenJson, otherTypes } from './corpus.js'
import { fieldOf, other, type World } from './fields.js'

export interface Body {
  type: string | undefined
  body: Buffer | undefined
  encoding?: string
}

const jsonTypes = fc.oneof(
  { weight: 16, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/json;',
      'application/json; charset',
      'application/json; charset="utf-8',
      'application/json ; a=b; a=c',
      'application/json; charset=utf-7',
      'application/json; charset=utf-16le',
      'application/json; charset=iso-8859-1',
      'application/json, application/json',
    ),
  },
)

export function jsonOf(world: World): fc.Arbitrary<Body> {
  const value = (field: string) =>
    JSON.stringify(field)
      // As some write it: the bytes of a control sign or a surrogate as they are.
      .replaceAll('\\u202e', '\u202e')
  const member = fc
    .tuple(fieldOf(world), fc.nat(9), other)
    .map(([[name, given], dice, odd]) => `${value(name)}:${dice < 2 ? odd : value(given)}`)
  const object = fc
    .array(member, { minLength: 1, maxLength: 6 })
    .map((members) => `{${members.join(',')}}`)
  const bytes = fc.oneof(
    { weight: 20, arbitrary: object.map((json) => Buffer.from(json)) },
    { weight: 2, arbitrary: fc.constantFrom(...brokenJson).map((json) => Buffer.from(json)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(object, fc.nat(60), fc.uint8Array({ minLength: 1, maxLength: 4 }))
        // Bytes in the middle that are no text.
        .map(([json, at, junk]) => {
          const made = Buffer.from(json)
          const foreign = junk.map((byte) => byte | 128)
          return Buffer.concat([made.subarray(0, at), foreign, made.subarray(at)])
        }),
    },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 100 }).map((junk) => Buffer.from(junk)),
    },
  )
  return fc.tuple(jsonTypes, bytes).map(([type, body]) => ({ type, body }))
}

export function formOf(world: World): fc.Arbitrary<Body> {
  const pair = fc
    .tuple(
      fieldOf(world),
      fc.constantFrom('', '', '', '[]', '[a]', '[__proto__]', '[0][0]'),
      fc.nat(9),
    )
    .map(([[name, value], suffix, dice]) => {
      // As it is, a + or % of it may mean something else: so it gets a sign that no number has.
      const raw = dice === 0 ? `${value.replace(/[&=+]/g, '%')}!` : encode(value)
      return `${dice === 1 ? encode(name + suffix) : name + suffix}=${raw}`
    })
  const form = fc.oneof(
    { weight: 5, arbitrary: fc.array(pair, { maxLength: 6 }).map((pairs) => pairs.join('&')) },
    { weight: 2, arbitrary: fc.constantFrom(...brokenForms) },
  )
  const type = fc.oneof(
    { weight: 8, arbitrary: fc.constant('application/x-www-form-urlencoded') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'application/x-www-form-urlencoded; charset=utf-8',
        'application/x-www-form-urlencoded; charset=iso-8859-1',
        'application/x-www-form-urlencoded; charset=utf-16',
        'application/x-www-form-urlencoded;;',
      ),
    },
  )
  return fc.tuple(type, form).map(([each, body]) => ({ type: each, body: Buffer.from(body) }))
}

/** Unlike `encodeURIComponent` it takes every text. */
function encode(value: string): string {
  return encodeURIComponent(Buffer.from(value).toString())
}

export const strangeOf = (world: World): fc.Arbitrary<Body> =>
  fc
    .tuple(
      fc.oneof(jsonOf(world), formOf(world)),
      fc.constantFrom(...otherTypes),
      fc.constantFrom('gzip', 'deflate', 'br', 'x', 'identity', undefined, undefined),
      fc.nat(4),
    )
    .map(([{ type, body }, strange, encoding, dice]): Body => {
      if (encoding === undefined) return { type: strange, body }
      // Compressed, and as little as a hundredth of what it becomes.
      const packed =
        encoding === 'gzip' && body && dice > 0 ? gzipSync(dice > 3 ? bomb : body) : body
      return { type, body: packed, encoding }
    })

const bomb = Buffer.from(`{"number":"${'6'.repeat(300_000)}"}`)
