import { announce, run } from './announce.js'
import { ask } from './ask.js'
import { byId, setText } from './dom.js'
import { formatSpan, formatTime, plural } from './format.js'

/** How far the sandbox's clock is from this machine's. */
let ahead = 0

/** Milliseconds since the epoch, by the sandbox's clock. */
export const now = () => Date.now() + ahead

/** @type {Set<() => void>} */
const tickers = new Set()

/**
 * Calls `task` each second, and when the clock was moved.
 *
 * @param {() => void} task
 */
export const eachSecond = (task) => void tickers.add(task)

/** @param {{ advanced: number }} clock how many seconds the sandbox's was moved: it runs on this machine */
export function setClock({ advanced }) {
  ahead = advanced * 1000
  tick()
}

function tick() {
  const clock = byId('clock-now', HTMLTimeElement)
  clock.dateTime = new Date(now()).toISOString()
  setText(clock, formatTime(now(), Date.now()))
  const label = byId('clock-ahead', HTMLElement)
  label.hidden = ahead === 0
  setText(label, ahead === 0 ? '' : `+${formatSpan(ahead)}`)
  for (const task of tickers) task()
}

/** @param {number} seconds */
const words = (seconds) =>
  seconds % 60 === 0 ? plural(seconds / 60, 'minute') : plural(seconds, 'second')

export function startClock() {
  for (const button of document.querySelectorAll('[data-advance]')) {
    const advance = Number(button.getAttribute('data-advance'))
    button.addEventListener('click', () =>
      run(() => ask('POST', '/_sandbox/clock', { body: { advance } })),
    )
  }
  setInterval(tick, 1000)
}

/** @param {{ advanced: number }} clock */
export function clockMoved(clock) {
  const before = ahead
  setClock(clock)
  const seconds = Math.round((ahead - before) / 1000)
  if (seconds > 0) announce(`The clock of the sandbox went ${words(seconds)} ahead.`)
}
