import { byId } from './dom.js'

const setting = 'sandbox-keys'

/**
 * Single keys, which can be switched off: for people who speak to their browser, each word is a row
 * of them.
 *
 * @param {{ next: () => void, previous: () => void, copy: () => void, search: () => void }} actions
 */
export function startKeys(actions) {
  const box = byId('keys', HTMLInputElement)
  box.checked = read() !== 'off'
  box.addEventListener('change', () => write(box.checked ? 'on' : 'off'))

  document.addEventListener('keydown', (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey) return
    const { target } = event
    if (
      target instanceof Element &&
      target.matches('input:not([type=checkbox]), textarea, select')
    ) {
      return
    }
    const action = {
      j: actions.next,
      k: actions.previous,
      c: actions.copy,
      '/': actions.search,
    }[event.key]
    if (!action) return
    event.preventDefault()
    action()
  })
}

function read() {
  try {
    return localStorage.getItem(setting)
  } catch {
    // Storage is off: the setting lasts as long as the page.
    return null
  }
}

/** @param {string} value */
function write(value) {
  try {
    localStorage.setItem(setting, value)
  } catch {
    // As above.
  }
}
