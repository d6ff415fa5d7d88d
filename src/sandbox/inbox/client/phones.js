import { byId, h, setText } from './dom.js'
import { formatNumber } from './format.js'

/**
 * @typedef {object} Phone
 * @property {HTMLElement} item
 * @property {HTMLAnchorElement} link
 * @property {HTMLElement} last
 * @property {HTMLElement} unread
 * @property {number} news how many messages nobody has looked at
 */

/** @type {Map<string, Phone>} */
const phones = new Map()
/** @type {HTMLAnchorElement | undefined} */
let all

const list = () => byId('phone-list', HTMLElement)

/** @param {string} number */
export const phonePath = (number) => `/?to=${encodeURIComponent(number)}`

/** @param {string} number */
function phoneOf(number) {
  const known = phones.get(number)
  if (known) return known
  const last = h('span', { class: 'last', translate: 'no' })
  const unread = h('span', { class: 'count', hidden: true })
  const link = h(
    'a',
    { href: phonePath(number), 'data-to': number },
    h('span', { class: 'number', translate: 'no', dir: 'ltr' }, formatNumber(number)),
    ' ',
    last,
    ' ',
    unread,
  )
  const phone = { item: h('li', { 'data-testid': 'phone' }, link), link, last, unread, news: 0 }
  phones.set(number, phone)
  return phone
}

/**
 * @param {string} number
 * @param {string} last what the phone got last, or why it got nothing
 * @param {{ unread?: boolean }} [options]
 */
export function showPhone(number, last, { unread = false } = {}) {
  const phone = phoneOf(number)
  setText(phone.last, last)
  if (unread) phone.news += 1
  phone.unread.hidden = phone.news === 0
  setText(phone.unread, phone.news === 0 ? '' : `${phone.news} new`)
  // To the top, as on a phone, unless somebody is in the list with the keyboard.
  const place = list().children[1] ?? null
  if (place === phone.item) return
  if (phone.item.isConnected && list().contains(document.activeElement)) return
  list().insertBefore(phone.item, place)
}

/** @param {string | undefined} to the phone that is looked at; all without one */
export function choosePhone(to) {
  if (!all) {
    all = h('a', { href: '/' }, h('span', { class: 'number' }, 'All phones'))
    list().prepend(h('li', {}, all))
  }
  mark(all, to === undefined)
  for (const [number, phone] of phones) {
    mark(phone.link, number === to)
    if (to !== undefined && number !== to) continue
    phone.news = 0
    phone.unread.hidden = true
    setText(phone.unread, '')
  }
}

/**
 * @param {HTMLAnchorElement} link
 * @param {boolean} current
 */
function mark(link, current) {
  if (current) link.setAttribute('aria-current', 'true')
  else link.removeAttribute('aria-current')
}

export function forgetPhones() {
  for (const { item } of phones.values()) item.remove()
  phones.clear()
}
