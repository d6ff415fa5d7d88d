import { announce, run } from './announce.js'
import { now } from './clock.js'
import { h, icon } from './dom.js'
import { formatTime, spell } from './format.js'
import { checkText, showCheck } from './text-check.js'

/** @typedef {import('../../messages.js').Message} Message */

export const channelNames = /** @type {const} */ ({
  sms: 'SMS',
  voice: 'Call',
  whatsapp: 'WhatsApp',
})

/**
 * What the phone shows: it is added once and never changes.
 *
 * @param {Message} message
 */
export function toBubble(message) {
  const { seq, channel, from, text, sentAt, media } = message
  return h(
    'div',
    { class: `bubble ${channel}`, id: `m${seq}`, 'data-testid': 'message', 'data-seq': seq },
    h(
      'p',
      { class: 'from' },
      icon(channel),
      h('span', { 'data-testid': 'channel' }, channelNames[channel]),
      ' from ',
      h('b', { translate: 'no' }, from),
      ' ',
      h('time', { datetime: sentAt }, formatTime(Date.parse(sentAt), now())),
    ),
    h('p', { class: 'text', 'data-testid': 'text', translate: 'no', dir: 'auto' }, text),
    media !== undefined &&
      h(
        'p',
        { class: 'media' },
        [media.type, media.caption, media.url].filter(Boolean).join(' · '),
      ),
    channel === 'voice' && playButton(message),
    h(
      'div',
      { class: 'more' },
      checkDetails(message),
      h('a', { href: `/m/${seq}`, 'aria-label': `Link to message ${seq}` }, icon('link'), `${seq}`),
    ),
  )
}

/** @param {Message} message */
function checkDetails({ text, channel, code, from }) {
  const details = h('details', {}, h('summary', {}, 'Check the text'))
  details.addEventListener('toggle', () =>
    run(async () => {
      if (!details.open || details.childElementCount > 1) return
      const check = await checkText({ text, channel, code: code || undefined, sender: from })
      if (details.childElementCount === 1) details.append(showCheck(check, channel))
    }),
  )
  return details
}

/** @param {Message} message */
function playButton({ text, code }) {
  const words = code === '' ? text : text.replaceAll(code, spell(code))
  return h(
    'button',
    {
      type: 'button',
      onclick() {
        if (!('speechSynthesis' in window) || speechSynthesis.getVoices().length === 0) {
          announce(`This browser has no voice. The call says: ${words}`)
          return
        }
        speechSynthesis.cancel()
        speechSynthesis.speak(new SpeechSynthesisUtterance(words))
      },
    },
    icon('play'),
    'Play the call',
  )
}
