import { attributes, type Html, markup, type Part } from './markup.js'
import type { PageChannel } from './state.js'
import type { PageView } from './view.js'
import { fill, waiting } from './words.js'

type Route = 'send' | 'check' | 'resend' | 'cancel'

/** A form that posts to a route. `busy` is said while the answer is awaited. */
export function form(view: PageView, route: Route, busy: string | undefined, body: Part): Html {
  const { base, hidden } = view
  const fields = Object.entries(hidden).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}" />`,
  )
  // novalidate: our own words, tied to the field, are better than a browser's bubble.
  return markup`<form
    method="post"
    action="${base}${route}"
    novalidate${attributes({ 'data-otp-form': route, 'data-busy': busy })}
  >
    ${fields}${body}
  </form>`
}

/** A masked number, which no language turns around and no translator touches. */
export function to(masked: string): Html {
  return markup`<span class="to" dir="ltr" translate="no">${masked}</span>`
}

/** Another number, from every step that is about one. */
export function changeNumber(view: PageView): Html {
  const { texts } = view
  return form(view, 'cancel', undefined, markup`<button class="quiet">${texts.change}</button>`)
}

/** One button for each way to get the code again. */
export function resendForm(
  view: PageView,
  {
    via,
    channels,
    retryAfter,
  }: { via: PageChannel; channels: readonly PageChannel[]; retryAfter: number },
): Html {
  const { texts, fields } = view
  // The way that the last code took comes first.
  const ways = [...channels].sort((one, other) => Number(other === via) - Number(one === via))
  const buttons = ways.map(
    (way) =>
      markup`<button class="second" name="${fields.via}" value="${way}">
        ${way === via ? texts.resend[way] : texts.instead[way]}
      </button>`,
  )
  return form(view, 'resend', texts.sending, markup`${buttons}${wait(view, retryAfter)}`)
}

/** How long until the button does something. The script counts it down, and takes it away in the end. */
export function wait(view: PageView, retryAfter: number): Html | undefined {
  if (retryAfter <= 0) return undefined
  const left = waiting(view.language, retryAfter)
  const time = markup`<span class="time" data-otp-countdown>${left}</span>`
  return markup`<p class="hint" data-otp-wait>${fill(view.texts.wait, { time })}</p>`
}

/** The one live region. What it holds at load is said by the script, since no reader would. */
export function live(text: Part, isBad = false): Html {
  return markup`<p class="notice" role="status" data-otp-live${attributes({ 'data-bad': isBad })}>${text}</p>`
}

/** What the script says. */
export function spoken({ texts }: PageView) {
  return {
    'say-resend': texts.canResend,
    'say-filled': texts.filled,
    'say-wait': texts.wait,
  }
}
