import { announce, announceSoon, run } from './announce.js'
import { ask } from './ask.js'
import { byId, h, setText } from './dom.js'
import { describeFault } from './fault.js'
import { addFault, startFaultForm } from './fault-form.js'
import { plural } from './format.js'
import { presets } from './presets.js'

/** @typedef {import('./fault.js').Fault} Fault */

/** @type {Fault[]} */
let known = []
/** @type {Map<string, { item: HTMLElement, left: HTMLElement }>} */
const shown = new Map()

/**
 * @param {Fault[]} faults
 * @param {{ quiet?: boolean }} [options]
 */
export function setFaults(faults, { quiet = false } = {}) {
  const before = new Set(known.filter(isOn).map(({ id }) => id))
  known = faults
  const list = byId('fault-list', HTMLElement)
  const ids = new Set(faults.map(({ id }) => id))
  for (const [id, { item }] of shown) {
    if (ids.has(id)) continue
    item.remove()
    shown.delete(id)
  }
  for (const fault of faults) showFault(fault, list)

  const on = faults.filter(isOn)
  const badge = byId('fault-count', HTMLElement)
  badge.hidden = on.length === 0
  setText(badge, on.length === 0 ? '' : `${on.length} on`)
  byId('no-faults', HTMLElement).hidden = faults.length === 0
  byId('no-faults-on', HTMLElement).hidden = faults.length > 0

  if (quiet) return
  const added = on.find(({ id }) => !before.has(id))
  if (added) announce(`A fault is on: ${describeFault(added)}.`)
  else if (on.length < before.size) {
    announceSoon(
      on.length === 0 ? 'No fault is on any more.' : `${plural(on.length, 'fault')} left on.`,
    )
  }
}

/** @param {Fault} fault */
const isOn = ({ times }) => times !== 0

/**
 * @param {Fault} fault
 * @param {HTMLElement} list
 */
function showFault(fault, list) {
  const known = shown.get(fault.id)
  const left =
    fault.times === undefined
      ? ''
      : fault.times === 0
        ? 'used up'
        : `${plural(fault.times, 'time')} left`
  if (known) {
    setText(known.left, left)
    known.item.classList.toggle('used-up', fault.times === 0)
    return
  }
  const leftLabel = h('span', { class: 'left' }, left)
  const sentence = describeFault(fault)
  const item = h(
    'li',
    { class: fault.times === 0 ? 'fault used-up' : 'fault', 'data-testid': 'fault' },
    h('span', {}, sentence),
    leftLabel,
    h(
      'button',
      {
        type: 'button',
        'aria-label': `Turn off: ${sentence}`,
        onclick: () => run(() => ask('DELETE', `/_sandbox/faults/${fault.id}`)),
      },
      'Turn off',
    ),
  )
  shown.set(fault.id, { item, left: leftLabel })
  list.append(item)
}

export function startFaults() {
  const list = byId('presets', HTMLElement)
  for (const { name, about, faults } of presets) {
    const turnOn = () =>
      run(async () => {
        for (const fault of faults) await addFault(fault)
      })
    list.append(
      h(
        'li',
        {},
        h('button', { type: 'button', onclick: turnOn }, name),
        h('span', { class: 'about' }, about),
      ),
    )
  }
  byId('no-faults', HTMLElement).addEventListener('click', () =>
    run(async () => {
      await ask('DELETE', '/_sandbox/faults')
      // The button has hidden itself.
      byId('faults-title', HTMLElement).focus()
    }),
  )
  startFaultForm()
}
