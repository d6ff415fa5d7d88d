import type { Journal, JournalEntry } from '../journal.js'
import type { Message, Messages } from '../messages.js'
import type { Otps } from '../otp/otps.js'
import type { OtpView } from '../otp/view.js'
import { html, type Html } from './html.js'

/** What the list is made of. */
export interface ListParts {
  journal: Journal
  messages: Messages
  otps: Otps
}

export interface ListFilter {
  to?: string | undefined
  /** Only this message. */
  seq?: number | undefined
}

interface Row {
  at: number
  number: string
  html: Html
}

/** The page's list for browsers without the script, newest first. `found` is false when `seq` is gone. */
export function toList(parts: ListParts, { to, seq }: ListFilter): { found: boolean; list: Html } {
  const messages = parts.messages.list({ to })
  if (seq !== undefined) {
    const message = messages.find((each) => each.seq === seq)
    return {
      found: message !== undefined,
      list: message
        ? toMessage(message)
        : html`<li class="plain">Message ${seq} is not here any more.</li>`,
    }
  }
  const since = parts.messages.clearedAt()
  const otps = parts.otps.all().map(parts.otps.toView)
  const sent = new Set(otps.flatMap(({ timeline }) => timeline.map(({ request }) => request)))
  const rows: Row[] = [
    ...messages.map((message) => ({
      at: Date.parse(message.sentAt),
      number: message.to,
      html: toMessage(message),
    })),
    ...otps.filter(({ reason }) => reason !== null).map(toMissing),
    ...parts.journal
      .list()
      .filter((call) => isRefusedSend(call) && !sent.has(call.seq))
      .map(toRefusal),
  ]
  // Without a second key, what came in the same millisecond stays in its order.
  const shown = rows
    .filter(({ at, number }) => at >= since && (to === undefined || number === to))
    .toSorted((one, other) => one.at - other.at)
    .toReversed()
  return {
    found: true,
    list:
      shown.length === 0
        ? html`<li class="plain" data-testid="none">No messages yet.</li>`
        : html`${shown.map((row) => row.html)}`,
  }
}

const toMessage = ({ seq, to, from, channel, code, text, sentAt }: Message) =>
  html`<li class="plain" data-testid="message" data-seq="${seq}">
    <p>
      <a href="/?to=${encodeURIComponent(to)}" data-testid="to">${to}</a>
      <span data-testid="channel">${channel}</span> from ${from},
      <time datetime="${sentAt}">${sentAt.slice(11, 19)} UTC</time> <a href="/m/${seq}">${seq}</a>
    </p>
    <p class="code" data-testid="code">${code}</p>
    <p class="text" data-testid="text">${text}</p>
  </li> `

function toMissing({ number, code, reason, timeline }: OtpView): Row {
  const { at, text } = timeline.findLast((entry) => entry.reason === reason) ?? { at: '', text: '' }
  return {
    at: Date.parse(at),
    number,
    html: html`<li class="plain" data-testid="why">
      <p>${number}: ${text} ${reason?.text} The code is ${code}.</p>
    </li> `,
  }
}

const isRefusedSend = ({ method, operation, path, status, reason }: JournalEntry) =>
  (operation?.endsWith('.send') || (method === 'POST' && path === '/2fa/v1/otp')) &&
  ((status ?? 0) >= 400 || reason !== undefined)

function toRefusal({ at, number, query, method, path, status, reason, hint }: JournalEntry): Row {
  const phone = number ?? String(query.number ?? '')
  const answer = status === null ? 'has got no answer' : `has got the answer ${status}`
  return {
    at: Date.parse(at),
    number: phone,
    html: html`<li class="plain" data-testid="why">
      <p>${phone}: ${method} ${path} ${answer}. ${reason?.text ?? hint}</p>
    </li> `,
  }
}
