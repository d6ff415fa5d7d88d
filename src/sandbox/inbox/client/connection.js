import { announce } from './announce.js'
import { byId, setText } from './dom.js'

/** @typedef {'connecting' | 'live' | 'away'} Connection */

const words = { connecting: 'Connecting', live: 'Live', away: 'Sandbox is not running' }

/** @param {Connection} state */
function show(state) {
  const badge = byId('connection', HTMLElement)
  if (badge.dataset.state === state) return
  if (state === 'away') announce('The sandbox does not answer. This page waits for it.')
  if (state === 'live' && badge.dataset.state === 'away') announce('The sandbox is back.')
  badge.dataset.state = state
  setText(badge, words[state])
}

const retryMs = 1000

/**
 * Follows the sandbox's events. Everything is read once for each connection, and events that arrive
 * meanwhile wait until it has been.
 *
 * @template Event
 * @param {{
 *   types: readonly string[],
 *   read: () => Promise<void>,
 *   happened: (event: Event) => void,
 * }} page
 */
export function connect({ types, read, happened }) {
  /** @type {Event[] | undefined} */
  let waiting

  function open() {
    const source = new EventSource('/_sandbox/events')
    let reading = 0

    async function readAll() {
      reading += 1
      const mine = reading
      /** @type {Event[]} */
      const events = []
      waiting = events
      try {
        await read()
      } catch {
        // It has gone again.
        if (mine === reading) restart()
        return
      }
      if (mine !== reading) return
      waiting = undefined
      for (const event of events) happened(event)
      show('live')
    }

    function restart() {
      reading += 1
      source.close()
      show('away')
      setTimeout(open, retryMs)
    }

    source.addEventListener('open', () => void readAll())
    // The browser would try again by itself, but not after an answer that is no stream of events.
    source.addEventListener('error', restart)
    source.addEventListener('gap', () => void readAll())
    for (const type of types) {
      source.addEventListener(type, ({ data }) => {
        const event = JSON.parse(data)
        if (waiting) waiting.push(event)
        else happened(event)
      })
    }
  }

  show('connecting')
  open()
}
