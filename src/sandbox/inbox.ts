import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Message } from './messages.js'

/** The page at `GET /`. Rendered here, so that it works without JavaScript too. */
export function sendInbox(res: ServerResponse, messages: Message[]): void {
  const nonce = randomBytes(16).toString('base64')
  const body = toPage(messages, nonce)
  res.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "connect-src 'self'",
      'img-src data:',
      `style-src 'nonce-${nonce}'`,
      `script-src 'nonce-${nonce}'`,
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}

function toPage(messages: Message[], nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox inbox</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="3"></noscript>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>
<h1>Inbox</h1>
<p>What phones received from this sandbox, newest first.</p>
<div id="messages" data-testid="messages" aria-live="polite">
${messages.length === 0 ? '<p data-testid="empty">No messages yet.</p>' : toTable(messages)}
</div>
</main>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`
}

const toTable = (messages: Message[]) => `<table>
<thead>
<tr><th scope="col">To</th><th scope="col">Code</th><th scope="col">Message</th><th scope="col">Sent</th></tr>
</thead>
<tbody>
${messages.toReversed().map(toRow).join('\n')}
</tbody>
</table>`

const toRow = (message: Message) => `<tr data-testid="message" data-seq="${message.seq}">
<td><span class="to" data-testid="to">${escape(message.to)}</span><br>
<small data-testid="channel">${message.channel}</small> from <small>${escape(message.from)}</small></td>
<td><code data-testid="code">${escape(message.code)}</code></td>
<td data-testid="text">${escape(message.text)}</td>
<td><time datetime="${message.sentAt}">${message.sentAt.slice(11, 19)} UTC</time></td>
</tr>`

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
table { width: 100%; border-collapse: collapse }
th, td { padding: .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid #8885 }
code { font-size: 1.5rem }
.to, time { white-space: nowrap }
td[data-testid=text] { white-space: pre-wrap; overflow-wrap: anywhere }
`

// Asks for the page again rather than building rows here: one place escapes what is shown.
const script = `
const source = new EventSource('/_sandbox/events')
let busy = false
let again = false
async function update() {
  if (busy) { again = true; return }
  busy = true
  try {
    // A template, because a document of its own would apply the style, which has another nonce.
    const page = document.createElement('template')
    page.innerHTML = await (await fetch('/')).text()
    const messages = page.content.getElementById('messages')
    document.getElementById('messages').replaceChildren(...messages.children)
  } catch {
    // The sandbox has stopped; the event source tries again until it is back.
  }
  busy = false
  if (again) { again = false; update() }
}
source.addEventListener('message', update)
source.addEventListener('reset', update)
source.addEventListener('open', update)
`
