import { announce, run } from './announce.js'
import { h, icon, setText } from './dom.js'

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Not allowed, as in a frame: the older way needs no permission.
    const field = h('textarea', { class: 'away', readonly: true, 'aria-hidden': 'true' })
    field.value = text
    const { activeElement } = document
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    if (activeElement instanceof HTMLElement) activeElement.focus()
    return done
  }
}

/**
 * @param {string} text
 * @param {string} [what] what it is called in the sentence that tells it
 */
export async function copy(text, what = text) {
  const done = await write(text)
  announce(done ? `Copied ${what}.` : `The browser does not let this page copy. It is ${text}.`)
  return done
}

/**
 * @param {{ label: string, name?: string, text: () => string, what?: () => string }} options
 *   `name` is what screen readers say in place of the label
 */
export function copyButton({ label, name, text, what }) {
  const words = h('span', {}, label)
  const button = h('button', { type: 'button', 'aria-label': name }, icon('copy'), words)
  button.addEventListener('click', () =>
    run(async () => {
      if (!(await copy(text(), what?.()))) return
      setText(words, 'Copied')
      setTimeout(() => setText(words, label), 1500)
    }),
  )
  return button
}
