import { announce } from './announce.js'
import { copy } from './copy.js'
import { byId } from './dom.js'

/**
 * One row of the feed: a code and all that happened to it, a message without one, or a call that no
 * message came of.
 *
 * @typedef {object} Row
 * @property {string} key
 * @property {HTMLLIElement} item
 * @property {HTMLElement} body what gets the focus
 * @property {string} number the phone it is about
 * @property {number} at when it began
 * @property {() => string} words what the search looks in
 * @property {() => string} code
 * @property {() => void} [removed] called when the row has gone from the page
 */

/** Oldest first. @type {Row[]} */
let rows = []
/** @type {string | undefined} */
let to
let wanted = ''
/** @type {Row | undefined} */
let chosen

const list = () => byId('feed', HTMLElement)

/** How many rows the page keeps: somewhat more than the sandbox keeps messages. */
export const capacity = 600

/**
 * Puts a row where it belongs, newest first. The others stay where and what they are.
 *
 * @param {Row} row
 * @param {{ isNew: boolean }} options
 */
export function addRow(row, { isNew }) {
  if (isNew) row.item.dataset.new = ''
  const older = rows.findLastIndex(({ at }) => at <= row.at)
  list().insertBefore(row.item, rows[older]?.item ?? null)
  rows.splice(older + 1, 0, row)
  show(row)
  if (rows.length > capacity) removeRow(rows[0]?.key ?? '')
  showEmpty()
}

/** @param {string} key */
export function removeRow(key) {
  const at = rows.findIndex((row) => row.key === key)
  const [row] = at === -1 ? [] : rows.splice(at, 1)
  if (!row) return
  if (chosen === row) chosen = undefined
  const hadFocus = row.item.contains(document.activeElement)
  row.item.remove()
  row.removed?.()
  if (hadFocus) list().focus()
  showEmpty()
}

export function removeRows() {
  const hadFocus = list().contains(document.activeElement)
  for (const row of rows) row.removed?.()
  rows = []
  chosen = undefined
  list().replaceChildren()
  if (hadFocus) list().focus()
  showEmpty()
}

/** @param {Row} row */
export function show(row) {
  const found = wanted === '' || row.words().toLowerCase().includes(wanted)
  row.item.hidden = !found || (to !== undefined && row.number !== to)
}

/** @param {Row} row */
const isShown = ({ item }) => !item.hidden

/** Newest first, as on the page. */
const visible = () => rows.filter(isShown).toReversed()

export function showEmpty() {
  const some = rows.some(isShown)
  byId('nothing-found', HTMLElement).hidden = some || wanted === ''
  byId('empty', HTMLElement).hidden = some || wanted !== ''
}

/** @param {string | undefined} number */
export function showPhoneOnly(number) {
  to = number
  for (const row of rows) show(row)
  showEmpty()
}

export function startSearch() {
  const field = byId('search', HTMLInputElement)
  field.addEventListener('input', () => {
    wanted = field.value.trim().toLowerCase()
    for (const row of rows) show(row)
    showEmpty()
  })
  field.addEventListener('change', () => {
    if (wanted === '') return
    const { length } = visible()
    announce(length === 0 ? 'Nothing found.' : `${length} found.`)
  })
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    field.value = ''
    field.dispatchEvent(new Event('input'))
    field.blur()
  })
}

/** @param {Row} row */
export function choose(row) {
  if (chosen) delete chosen.item.dataset.chosen
  chosen = row
  row.item.dataset.chosen = ''
}

/**
 * Goes to the bubble of a message.
 *
 * @param {string} seq
 */
export function chooseMessage(seq) {
  const bubble = document.getElementById(`m${seq}`)
  const row = rows.find(({ item }) => bubble && item.contains(bubble))
  if (!bubble || !row) return announce(`Message ${seq} is not here any more.`)
  choose(row)
  bubble.dataset.chosen = ''
  bubble.scrollIntoView({ block: 'center' })
  row.body.focus({ preventScroll: true })
}

/** @param {1 | -1} step */
export function move(step) {
  const shown = visible()
  const at = chosen ? shown.indexOf(chosen) : -1
  const next = shown[at === -1 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step))]
  if (!next) return
  choose(next)
  next.body.focus()
  next.item.scrollIntoView({ block: 'nearest' })
}

/** The newest code that is shown. */
export const newestCode = () =>
  rows.findLast((row) => isShown(row) && row.code() !== '')?.code() ?? ''

/** The code of the chosen row, or the newest one. */
export async function copyCode() {
  const code = chosen && isShown(chosen) ? chosen.code() : newestCode()
  if (code === '') return announce('There is no code to copy.')
  await copy(code)
}
