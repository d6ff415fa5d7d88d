import { announce } from './announce.js'
import { isBeside, offer } from './around.js'
import { copy } from './copy.js'
import { byId, h } from './dom.js'
import { formatNumber } from './format.js'
import { phonePath } from './phones.js'

/**
 * @typedef {object} Info
 * @property {{ number: string, text: string }[]} magicNumbers a number, or two with " to " between
 * @property {string[]} limitations
 */

/**
 * @param {Info} info
 * @param {(number: string) => void} use
 */
export function showNumbers({ magicNumbers, limitations }, use) {
  byId('number-list', HTMLElement).replaceChildren(
    ...magicNumbers.map(({ number: numbers, text }) => {
      const [number = '', last] = numbers.split(' to ')
      const shown = formatNumber(number)
      return h(
        'li',
        { 'data-testid': 'magic' },
        h(
          'span',
          { class: 'number', dir: 'ltr' },
          h('a', { href: phonePath(number) }, shown),
          last !== undefined && ` to ${formatNumber(last).split(' ').at(-1)}`,
        ),
        h('span', { class: 'about' }, text),
        h(
          'button',
          { type: 'button', 'aria-label': `Use ${shown}`, onclick: () => use(number) },
          'Use',
        ),
      )
    }),
  )
  byId('limitations', HTMLElement).replaceChildren(...limitations.map((text) => h('li', {}, text)))
}

/**
 * Takes the number to where it is entered: through the clipboard, or by the page around this one.
 *
 * @param {string} number
 */
export function useNumber(number) {
  if (isBeside) {
    offer('number', number)
    announce(`Gave ${formatNumber(number)} to the app.`)
    return
  }
  void copy(number, `${formatNumber(number)}. Enter it in your app`)
}
