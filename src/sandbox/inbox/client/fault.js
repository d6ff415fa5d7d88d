/**
 * @typedef {object} Fault
 * @property {string} id
 * @property {string} operation
 * @property {string} kind
 * @property {'before' | 'after'} when
 * @property {string} [number]
 * @property {number} [times]
 * @property {number} [probability]
 * @property {number} [status]
 * @property {number} [ms]
 * @property {string} [location]
 */

const effects = /** @type {Record<string, (fault: Fault) => string>} */ ({
  status: ({ status }) => `answers ${status}`,
  delay: ({ ms }) => `waits ${ms} ms`,
  hang: () => 'never answers',
  reset: () => 'breaks the connection',
  empty: () => 'answers without a body',
  malformed: () => 'answers with broken JSON',
  truncate: () => 'breaks off in the middle of the answer',
  html: ({ status }) => `answers with a page of HTML and a ${status}`,
  redirect: ({ location }) => `redirects to ${location}`,
  'slow-body': ({ ms }) => `sends a byte each ${ms} ms, and never the last`,
  'drop-message': () => 'loses the message',
  'duplicate-message': () => 'sends the message twice',
  'fail-message': () => 'fails to deliver the message',
})

/** @param {Fault} fault */
export function describeFault(fault) {
  const { operation, kind, number, probability, when } = fault
  const parts = [effects[kind]?.(fault) ?? kind]
  if (when === 'after') parts.push('after the work is done')
  if (probability !== undefined && probability < 1) {
    parts.push(`in ${Math.round(probability * 100)} % of calls`)
  }
  const subject = operation === '*' ? 'Every call' : operation
  return `${subject}${number === undefined ? '' : ` for ${number}`} ${parts.join(' ')}`
}

export const kinds = Object.keys(effects)
