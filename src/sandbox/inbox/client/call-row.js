import { h, setText } from './dom.js'
import { frame, whyBox } from './frame.js'

/** @typedef {import('../../journal.js').JournalEntry} Call */
/** @typedef {import('./feed.js').Row} Row */

const asked = /** @type {Record<string, string>} */ ({
  'otp.send': 'A code was asked for',
  'otp.resend': 'The code was asked for again',
  'sms.send': 'An SMS was to be sent',
  'chat.send': 'A chat message was to be sent',
})

/**
 * What a call was to do. One with a key that was refused is not looked at any further by tyntec.
 *
 * @param {Call} call
 */
const operationOf = ({ operation, method, path }) =>
  operation ?? (method === 'POST' && path === '/2fa/v1/otp' ? 'otp.send' : '')

/**
 * Whether a call was to bring a message, and something came in between. Which call has made an OTP is
 * not known here.
 *
 * @param {Call} call
 */
export function bringsNothing(call) {
  if (!Object.hasOwn(asked, operationOf(call))) return false
  return call.reason !== undefined || (call.status ?? 0) >= 400
}

/**
 * A call that no message came of: it was refused, or its answer is missing.
 *
 * @param {Call} call
 * @returns {Row & { update: (call: Call) => void, last: () => string }}
 */
export function callRow(call) {
  const number = call.number ?? String(call.query.number ?? '')
  const at = Date.parse(call.at)
  let last = ''
  const why = whyBox()
  const { item, body, state } = frame(
    { number, at },
    h('div', { class: 'received' }, why.box),
    h(
      'p',
      { class: 'foot-note' },
      h('a', { href: '#calls' }, `API call ${call.seq}`),
      ` ${call.method} ${call.path}`,
    ),
  )

  /** @param {Call} call */
  function update(call) {
    const { status, reason, hint } = call
    setText(state, status === null ? 'No answer' : `Answer ${status}`)
    state.dataset.state = status !== null && status < 400 ? '' : 'REFUSED'
    const end = status === null ? 'and there was no answer.' : `and the answer was ${status}.`
    const what = `${asked[operationOf(call)]}, ${end}`
    const because = reason?.text ?? hint ?? ''
    last = `${what} ${because}`.trim()
    why.show(what, because, 'bad')
  }
  update(call)
  return {
    key: `call ${call.seq}`,
    item,
    body,
    number,
    at,
    words: () => `${number} ${body.textContent}`,
    code: () => '',
    update,
    last: () => last,
  }
}
