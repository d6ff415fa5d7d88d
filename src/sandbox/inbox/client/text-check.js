import { announce, run } from './announce.js'
import { ask } from './ask.js'
import { byId, h } from './dom.js'
import { plural } from './format.js'

/** @typedef {import('../text-check.js').TextCheck} TextCheck */
/** @typedef {import('../text-check.js').TextToCheck} TextToCheck */

/**
 * @param {TextToCheck} text
 * @returns {Promise<TextCheck>}
 */
export async function checkText(text) {
  return /** @type {TextCheck} */ (await ask('POST', '/_sandbox/text-check', { body: text }))
}

const levels = { error: 'Does not work', warning: 'Look at this', hint: 'Could be better' }

/**
 * @param {TextCheck} check
 * @param {string} channel
 */
export function showCheck(
  { encoding, characters, segments, left, originBound, findings },
  channel,
) {
  return h(
    'div',
    { class: 'check', 'data-testid': 'check' },
    channel === 'sms' &&
      h(
        'p',
        { class: 'figures' },
        `${encoding} · ${plural(characters, 'character')} · ${plural(segments, 'segment')} · room for ${left} more`,
      ),
    channel === 'sms' &&
      originBound !== null &&
      h(
        'p',
        {},
        'Browsers fill in ',
        h('code', {}, originBound.code),
        ' on ',
        h('code', {}, originBound.host),
        '.',
      ),
    findings.length === 0
      ? h('p', { class: 'good' }, 'Nothing to mend.')
      : h(
          'ul',
          { class: 'findings' },
          ...findings.map(({ level, rule, detail }) =>
            h(
              'li',
              { 'data-level': level },
              h('b', {}, levels[level]),
              ` ${detail} `,
              h('code', { class: 'rule' }, rule),
            ),
          ),
        ),
  )
}

export function startTextCheck() {
  const form = byId('text-form', HTMLFormElement)
  const result = byId('text-result', HTMLElement)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = new FormData(form)
    /** @param {string} name */
    const read = (name) => {
      const value = fields.get(name)
      return typeof value === 'string' ? value.trim() || undefined : undefined
    }
    const channel = /** @type {TextToCheck['channel']} */ (read('channel'))
    const text = read('text') ?? ''
    run(async () => {
      const check = await checkText({ text, channel, host: read('host'), sender: read('sender') })
      result.replaceChildren(h('h2', {}, 'Result'), showCheck(check, channel))
      const { length } = check.findings
      announce(length === 0 ? 'The text is fine.' : `${plural(length, 'remark')} on the text.`)
    })
  })
}
