import { announce } from './announce.js'
import { isBeside, offer } from './around.js'
import { now } from './clock.js'
import { copyButton } from './copy.js'
import { h, setText } from './dom.js'
import { formatNumber, formatTime } from './format.js'
import { phonePath } from './phones.js'

let made = 0

/**
 * The frame of each row: whose phone it is, how it stands, when it was.
 *
 * @param {{ number: string, at: number }} about
 * @param {...(Node | false)} content
 */
export function frame({ number, at }, ...content) {
  made += 1
  const id = `row-${made}`
  const state = h('span', { class: 'state', 'data-testid': 'state' })
  const body = h(
    'article',
    { 'aria-labelledby': id, tabindex: -1 },
    h(
      'header',
      {},
      h(
        'h2',
        { id },
        h(
          'a',
          { href: phonePath(number), 'data-testid': 'to', translate: 'no', dir: 'ltr' },
          formatNumber(number),
        ),
      ),
      state,
      h('time', { datetime: new Date(at).toISOString() }, formatTime(at, now())),
    ),
    ...content,
  )
  return { item: h('li', { class: 'case', 'data-testid': 'row' }, body), body, state }
}

/**
 * @param {() => string} code
 * @param {...Node} more
 */
export function codeLine(code, ...more) {
  const text = h(
    'span',
    { class: 'code', 'data-testid': 'code', translate: 'no', dir: 'ltr' },
    code(),
  )
  return h(
    'div',
    { class: 'code-line' },
    text,
    copyButton({ label: 'Copy', name: `Copy code ${code()}`, text: code }),
    isBeside && fillButton(code),
    ...more,
  )
}

/** @param {() => string} code */
function fillButton(code) {
  const fill = () => {
    offer('code', code())
    announce(`Gave ${code()} to the app.`)
  }
  const name = `Fill in code ${code()}`
  return h(
    'button',
    { type: 'button', class: 'primary', 'aria-label': name, onclick: fill },
    'Fill in',
  )
}

/** The box that says what did not come, and why. */
export function whyBox() {
  const first = h('b')
  const because = h('span')
  const box = h('p', { class: 'why', 'data-testid': 'why', hidden: true }, first, because)
  return {
    box,
    /**
     * @param {string} what empty hides it
     * @param {string} reason
     * @param {'bad' | 'warn'} kind
     */
    show(what, reason, kind) {
      box.hidden = what === ''
      box.dataset.kind = kind
      setText(first, what)
      setText(because, reason)
    },
  }
}
