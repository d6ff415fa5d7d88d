import { describe, expect, test } from 'vitest'
import type { PageState } from '../../src/page/state.js'
import { de } from '../../src/page/texts/de.js'
import { en } from '../../src/page/texts/en.js'
import { setupPage } from '../support/page.js'
import { pageStates } from '../support/page-states.js'

const states = Object.entries(pageStates)

describe.each(['en', 'de'])('the page in %s', (language) => {
  test.each(states)('is whole: %s', (_name, state) => {
    const html = setupPage({ helpUrl: '/help' }).render(state, language)
    expect(html).toMatch(new RegExp(`^<!doctype html>\\s*<html lang="${language}" dir="ltr">`))
    expect(html.match(/<h1>/g)).toHaveLength(1)
    expect(html).not.toMatch(/undefined|null|NaN|\[object/)
    // Nothing is left to fill in, but for what the script does.
    const plain = html.replace(/ data-[\w-]+="[^"]*"/g, '').replace('{x}', '')
    expect(plain).not.toMatch(/[{}]/)
    const ids = [...html.matchAll(/ id="(\w+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const named = [...html.matchAll(/ aria-describedby="([^"]+)"/g)].flatMap(([, list = '']) =>
      list.split(' '),
    )
    expect(ids).toEqual(expect.arrayContaining(named))
    // The one place where news is told.
    expect(html.match(/role="status"/g)?.length ?? 0).toBe(state.step === 'signed-in' ? 0 : 1)
    expect(html).not.toMatch(/<style|<script>| style=| on\w+=/)
  })
})

test('a message that failed speaks of another way only where there is one', () => {
  const { render } = setupPage()
  const failed = pageStates['code failed']
  if (failed?.step !== 'code' || !failed.pending) throw new Error('no such state')
  expect(render(failed)).toContain('or get the code another way')
  const resend = { ...failed.pending.resend, channels: ['sms' as const] }
  const alone = render({ ...failed, pending: { ...failed.pending, resend } })
  expect(alone).toContain('could not be delivered')
  expect(alone).toContain('Check the number.')
  expect(alone).not.toContain('another way')
})

test.each(['en', 'de'])('codes with letters are asked for as such in %s', (language) => {
  const { render } = setupPage({}, { codeAlphabet: 'alphanumeric' })
  const words = { en: '6 letters and digits', de: '6 Buchstaben und Ziffern' }
  for (const name of ['code', 'code by call', 'code by WhatsApp', 'code malformed']) {
    const html = render(pageStates[name] ?? { step: 'signed-in' }, language)
    expect(html).toContain(words[language as keyof typeof words])
    expect(html).not.toMatch(/6-digit|6 digits|6 Ziffern/)
    // A keyboard of digits alone could not type them.
    expect(html).toMatch(/<input [^>]*name="code"[^>]* inputmode="text"/)
  }
})

test('no two texts of the catalogues leave out what the other one says', () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  const pairs = (one: object, other: object): [string, string][] =>
    Object.entries(one).flatMap(([name, value]): [string, string][] => {
      const peer: unknown = new Map<string, unknown>(Object.entries(other)).get(name)
      return typeof value === 'object'
        ? pairs(value as object, peer as object)
        : [[value, String(peer)]]
    })
  for (const [one, other] of pairs(en, de))
    expect([other, names(other)]).toEqual([other, names(one)])
})

describe('a refusal', () => {
  const { render } = setupPage()
  const wrong = state('code wrong')

  test('is in the title, in a list with the focus, and at its field', () => {
    const html = render(wrong)
    expect(html).toContain('<title>Error: Sign in – Acme</title>')
    expect(html).toMatch(/<div class="errors" role="alert" tabindex="-1" autofocus>/)
    expect(html).toContain('<a href="#code">That code is not right. Check it and try again.</a>')
    expect(html).toMatch(/<input [^>]*aria-invalid="true" aria-describedby="hint error"/)
    // The focus is on one thing.
    expect(html.match(/autofocus/g)).toHaveLength(1)
  })

  test('keeps the number as it was typed', () => {
    expect(render(state('invalid number'))).toContain('value="0151 23"')
    expect(render(state('outage'))).toContain('value="+1 201 555 0100"')
  })

  test('never keeps a code', () => {
    expect(render(wrong)).not.toMatch(/<input [^>]*name="code"[^>]* value=/)
  })

  test.each(['number', 'code', 'code resent', 'too soon', 'code failed', 'expired', 'signed in'])(
    'is not what is told here: %s',
    (name) => {
      expect(render(state(name))).not.toMatch(/role="alert"|aria-invalid|<title>Error/)
    },
  )

  test('says how long to wait, and never less', () => {
    expect(render(state('rate limited'))).toContain('Try again in 10 minutes.')
    const { problem } = { problem: { code: 'rate_limited', retryAfter: 3601 } as const }
    expect(render({ step: 'number', number: '', problem })).toContain('Try again in 61 minutes.')
  })

  test('says which countries can be used', () => {
    expect(render(state('number not allowed'))).toContain(
      'You can use numbers from Germany and United States.',
    )
    const any = setupPage({}, { countries: 'any' }).render(state('number not allowed'))
    expect(any).not.toContain('You can use numbers from')
  })

  test.each([
    ['code wrong, last try', 'You have one try left.'],
    ['code wrong, two tries', 'You have 2 tries left.'],
  ])('says how many tries are left: %s', (name, text) => {
    expect(render(state(name))).toContain(text)
    expect(render(wrong)).not.toContain('left.')
  })

  test("shows the app's own words as they are", () => {
    expect(render(state('refused'))).toContain('Only staff can sign in &lt;here&gt; {x}.')
  })
})

describe('the step of the code', () => {
  const { render } = setupPage()
  const buttons = (html: string) =>
    [...html.matchAll(/<button class="second" name="via" value="(\w+)">/g)].map(([, via]) => via)

  test('offers the ways that are there, the last one first', () => {
    expect(buttons(render(state('code')))).toEqual(['sms', 'voice'])
    expect(buttons(render(state('code by call')))).toEqual(['voice', 'sms'])
    expect(buttons(render(state('code by WhatsApp')))).toEqual(['whatsapp', 'sms', 'voice'])
    expect(buttons(render(state('code used up')))).toEqual([])
  })

  test('tells a wait only where there is one', () => {
    expect(render(state('code'))).toMatch(/again in\s*<span[^>]*>27 seconds<\/span>/)
    expect(render(state('code'))).toContain(' data-retry="27"')
    for (const name of ['code can be resent', 'code used up', 'expired', 'expired, used up']) {
      expect(render(state(name))).not.toMatch(/data-otp-wait| data-retry=/)
    }
  })

  test('says that a message has failed, and not that one was sent', () => {
    const html = render(state('code failed'))
    expect(html).toContain('could not be delivered')
    expect(html.replace(/ data-[\w-]+="[^"]*"/g, '')).not.toContain('We texted')
  })

  test('promises nothing of a message that may have gone out', () => {
    expect(render(state('code unconfirmed'))).toContain('We can’t tell yet whether a message')
  })

  test('tells the time that a code works as no longer than it is', () => {
    expect(render(state('code'))).toContain('The code works for 4 minutes.')
  })

  test('asks for the code also when nothing is known about it', () => {
    expect(render(state('code unknown'))).toContain('name="code"')
  })
})

test('the end has one button that sends a new code, and says no more once that is used up', () => {
  const { render } = setupPage()
  expect(render(state('expired'))).toMatch(/action="\.\/login\/resend"[^]*<button>Send a new code</)
  expect(render(state('attempts used up'))).toContain('Too many wrong codes')
  expect(render(state('expired, used up'))).not.toContain('/resend"')
})

function state(name: string): PageState {
  const found = pageStates[name]
  if (!found) throw new Error(`There is no state ${name}`)
  return found
}
