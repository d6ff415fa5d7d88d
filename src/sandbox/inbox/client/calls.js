import { run } from './announce.js'
import { ask } from './ask.js'
import { now } from './clock.js'
import { copyButton } from './copy.js'
import { byId, h, setText } from './dom.js'
import { formatTime } from './format.js'

/** @typedef {import('../../journal.js').JournalEntry} Call */

const capacity = 200

/** @type {Map<number, { item: HTMLElement, status: HTMLElement, notes: HTMLElement }>} */
const shown = new Map()

const list = () => byId('call-list', HTMLElement)

/** @param {Call[]} calls oldest first */
export function setCalls(calls) {
  shown.clear()
  list().replaceChildren()
  for (const call of calls.slice(-capacity)) showCall(call)
  showEmpty()
}

/** @param {Call} call new, or answered now */
export function showCall(call) {
  const known = shown.get(call.seq)
  if (known) {
    setStatus(known.status, call)
    setNotes(known.notes, call)
    return
  }
  const status = h('span', { class: 'status', 'data-testid': 'status' })
  const notes = h('div', { class: 'notes' })
  setStatus(status, call)
  setNotes(notes, call)
  const item = h(
    'li',
    { class: 'call', 'data-testid': 'call', 'data-seq': call.seq },
    status,
    h(
      'div',
      { class: 'what' },
      h('p', { class: 'line' }, h('b', {}, call.method), ' ', h('span', {}, call.path)),
      h('p', { class: 'given' }, describe(call)),
      notes,
    ),
    h('time', { datetime: call.at }, formatTime(Date.parse(call.at), now())),
    copyButton({
      label: 'curl',
      name: `Copy call ${call.seq} as curl`,
      text: () => toCurl(call),
      what: () => `call ${call.seq} as curl`,
    }),
  )
  shown.set(call.seq, { item, status, notes })
  list().prepend(item)
  if (shown.size > capacity) {
    const oldest = shown.keys().next().value ?? 0
    shown.get(oldest)?.item.remove()
    shown.delete(oldest)
  }
  showEmpty()
}

function showEmpty() {
  byId('no-calls', HTMLElement).hidden = shown.size > 0
  byId('forget-calls', HTMLElement).hidden = shown.size === 0
}

/**
 * @param {HTMLElement} element
 * @param {Call} call
 */
function setStatus(element, { status }) {
  setText(element, status === null ? '…' : String(status))
  element.title = status === null ? 'No answer' : ''
  element.dataset.kind = status === null ? 'open' : status < 400 ? 'good' : 'bad'
}

/**
 * @param {HTMLElement} element
 * @param {Call} call
 */
function setNotes(element, { reason, hint }) {
  const texts = [reason?.text, hint].filter((text) => text !== undefined)
  if (element.childElementCount === texts.length) return
  element.replaceChildren(...texts.map((text) => h('p', {}, text)))
}

/** @param {Call} call */
function describe({ query, body }) {
  const parts = Object.entries(query).map(([name, value]) => `${name}=${String(value)}`)
  if (body !== undefined) parts.push(JSON.stringify(body))
  return parts.join('  ')
}

/**
 * The call as a line for a shell, with the key as a variable: it is not known here.
 *
 * @param {Call} call
 */
export function toCurl({ method, path, query, body }) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) search.append(name, one)
  }
  const url = `${location.origin}${path}${search.size > 0 ? `?${search}` : ''}`
  return [
    'curl',
    method === 'GET' ? '' : `-X ${method}`,
    `-H "apikey: $TYNTEC_API_KEY"`,
    body === undefined
      ? ''
      : `-H 'content-type: application/json' -d ${quote(JSON.stringify(body))}`,
    quote(url),
  ]
    .filter((part) => part !== '')
    .join(' ')
}

/** @param {string} text */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`

export function startCalls() {
  byId('forget-calls', HTMLElement).addEventListener('click', () =>
    run(async () => {
      await ask('DELETE', '/_sandbox/requests')
      byId('calls-title', HTMLElement).focus()
    }),
  )
}
