import { toBubble } from './bubble.js'
import { h } from './dom.js'
import { codeLine, frame } from './frame.js'

/** @typedef {import('../../messages.js').Message} Message */
/** @typedef {import('./feed.js').Row} Row */

/**
 * A message that belongs to no OTP: one that an app has written itself.
 *
 * @param {Message} message
 * @returns {Row}
 */
export function messageRow(message) {
  const { seq, to: number, text, code, sentAt } = message
  const at = Date.parse(sentAt)
  const { item, body, state } = frame(
    { number, at },
    code !== '' && codeLine(() => code),
    h('div', { class: 'received' }, toBubble(message)),
  )
  state.hidden = true
  return {
    key: `message ${seq}`,
    item,
    body,
    number,
    at,
    words: () => `${number} ${text}`,
    code: () => code,
  }
}
