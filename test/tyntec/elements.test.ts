import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OtpError } from '../../src/errors.js'
import { splitElements } from '../../src/tyntec/elements.js'

/** What comes of a text that arrives in pieces. */
function split(text: string, sizes: readonly number[], maxElement = 65_536): unknown[] {
  const found: unknown[] = []
  const elements = splitElements((element) => {
    found.push(JSON.parse(element))
    return true
  }, maxElement)
  const bytes = Buffer.from(text)
  let at = 0
  for (let i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1
    elements.write(bytes.subarray(at, at + size))
    at += size
  }
  elements.end()
  return found
}

function outcomeOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    // Either says that it is no list: the splitter, or the parser of one element.
    if (error instanceof OtpError || error instanceof SyntaxError) return 'refused'
    throw error
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' })

describe('a list in pieces', () => {
  test('is what it is as a whole, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(value),
        fc.constantFrom(undefined, 2, '\t'),
        sizes,
        (list, space, cut) => {
          const text = JSON.stringify(list, null, space)
          expect(split(text, cut)).toEqual(JSON.parse(text))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('is a list exactly where a parser of the whole finds one', () => {
    const mark = fc.constantFrom(...'[]{},:"\\ \n0a\u00e9', '"]"', '{}', '[]', '1', 'null')
    const marks = fc.array(mark, { maxLength: 14 }).map((all) => all.join(''))
    const texts = fc.oneof(
      marks,
      marks.map((text) => `[${text}]`),
    )
    fc.assert(
      fc.property(texts, sizes, (text, cut) => {
        const whole = outcomeOf(() => {
          const parsed: unknown = JSON.parse(text)
          return Array.isArray(parsed) ? parsed : 'refused'
        })
        expect(outcomeOf(() => split(text, cut))).toEqual(whole)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    '[1,2',
    '[',
    '',
    '[1,]',
    '[,1]',
    '[1]]',
    '[1][2]',
    '[1] x',
    '{}',
    'null',
    '"["',
    '[}]',
    '[{]}]',
    '\ufeff[1]',
  ])('%j is none', (text) => {
    expect(outcomeOf(() => split(text, [3]))).toBe('refused')
  })

  test('of any length is read in the memory of one element', () => {
    let seen = 0
    const elements = splitElements(() => (seen += 1) > 0, 100)
    elements.write(Buffer.from('['))
    const piece = Buffer.from(`${JSON.stringify({ a: 'x'.repeat(50) })},`)
    for (let i = 0; i < 100_000; i += 1) elements.write(piece)
    elements.write(Buffer.from('1]'))
    elements.end()
    expect(seen).toBe(100_001)
  })

  test('may hold elements of so many bytes and no more, however they are cut', () => {
    const list = JSON.stringify(['é'.repeat(49)])
    for (const cut of [1, 7, 1000]) {
      expect(split(list, [cut], 100)).toEqual(['é'.repeat(49)])
      expect(outcomeOf(() => split(list, [cut], 99))).toBe('refused')
    }
    // An element that never ends is given up at its limit, not at its end.
    const endless = splitElements(() => true, 100)
    expect(() => endless.write(Buffer.from(`["${'x'.repeat(100)}`))).toThrow(OtpError)
  })

  test('is left where its reader has seen enough', () => {
    const found: string[] = []
    const elements = splitElements((text) => found.push(text) < 2, 100)
    expect(elements.write(Buffer.from('[1'))).toBe(true)
    expect(elements.write(Buffer.from(',2,3,{not json'))).toBe(false)
    expect(elements.write(Buffer.from(',4]'))).toBe(false)
    elements.end()
    expect(found).toEqual(['1', '2'])
  })
})
