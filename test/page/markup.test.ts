import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attributes, markup } from '../../src/page/markup.js'

test('what is put into markup comes out as text, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const html = markup`<p title="${text}">${text}</p>`.toString()
      const [, title = '', body = ''] = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/.exec(html) ?? []
      expect(unescape(title)).toBe(text)
      expect(unescape(body)).toBe(text)
    }),
  )
})

test('markup in markup is not escaped again, nothing is written for what is missing', () => {
  const inner = markup`<b>${'&'}</b>`
  expect(markup`<p>${inner}${[inner, 1]}${undefined}${false}</p>`.toString()).toBe(
    '<p><b>&amp;</b><b>&amp;</b>1</p>',
  )
})

test('attributes are escaped, alone when they are true, and left out when there is none', () => {
  const text = attributes({
    id: 'a',
    title: '"<',
    required: true,
    checked: false,
    value: undefined,
  })
  expect(text.toString()).toBe(' id="a" title="&quot;&lt;" required')
})

function unescape(text: string): string {
  const signs: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return text.replace(/&(#?\w+);/g, (_, name: string) => signs[name] ?? '?')
}
