import { run } from './announce.js'
import { ask } from './ask.js'
import { setCalls, startCalls } from './calls.js'
import { startClock } from './clock.js'
import { connect } from './connection.js'
import { byId, setText } from './dom.js'
import { startFaults } from './faults.js'
import { copyCode, move, startSearch } from './feed.js'
import { formatNumber } from './format.js'
import { eventTypes, happened, readAll } from './happened.js'
import { startKeys } from './keys.js'
import { startTextCheck } from './text-check.js'
import { openView, startViews } from './views.js'

/**
 * @param {string} id
 * @param {() => Promise<unknown>} work
 */
const onClick = (id, work) => byId(id, HTMLElement).addEventListener('click', () => run(work))

// The server's list makes room for the one that is kept up to date here.
byId('feed', HTMLElement).replaceChildren()
for (const element of document.querySelectorAll('[data-scripted]'))
  element.removeAttribute('hidden')

startClock()
startFaults()
startCalls()
startTextCheck()
startSearch()
startViews()
startKeys({
  next: () => move(1),
  previous: () => move(-1),
  copy: () => void copyCode(),
  search() {
    openView('phones')
    byId('search', HTMLElement).focus()
  },
})

onClick('delete', async () => {
  await ask('DELETE', '/_sandbox/messages')
  byId('phones-title', HTMLElement).focus()
})
onClick('reset', () => ask('POST', '/_sandbox/reset'))
const example = '+12015550100'
setText(byId('try', HTMLElement), `Send a code to ${formatNumber(example)}`)
onClick('try', () =>
  ask('POST', `/2fa/v1/otp?number=${encodeURIComponent(example)}&pinLength=6`, {
    headers: { apikey: 'sandbox_inbox' },
  }),
)

setCalls([])
connect({ types: eventTypes, read: readAll, happened })
