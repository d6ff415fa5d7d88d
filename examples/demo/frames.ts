import { readFile } from 'node:fs/promises'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'

const types: Record<string, string> = {
  'demo.css': 'text/css; charset=utf-8',
  'demo.js': 'text/javascript; charset=utf-8',
}

/**
 * Serves /demo: the app in one frame, the phone in the other. Nothing of this belongs into an app. The
 * sign-in page lets nobody frame it, and that is right: only here, and only in this frame, it may be.
 */
export function showBeside(server: Server, phone: string): void {
  const app = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (req, res) => {
    const [path = ''] = (req.url ?? '').split('?', 1)
    if (path === '/demo') return send(res, 'text/html; charset=utf-8', toPage(phone), phone)
    const name = path.replace(/^\/demo\//, '')
    const type = types[name]
    if (path.startsWith('/demo/') && type !== undefined) {
      readFile(new URL(name, import.meta.url), 'utf8').then(
        (text) => send(res, type, text, phone),
        () => res.writeHead(404).end(),
      )
      return
    }
    if (isOurFrame(req)) allowFrame(res)
    for (const listener of app) listener(req, res)
  })
}

const isOurFrame = ({ headers }: IncomingMessage) =>
  headers['sec-fetch-dest'] === 'iframe' && headers['sec-fetch-site'] === 'same-origin'

function allowFrame(res: ServerResponse): void {
  const setHeader = res.setHeader.bind(res)
  res.setHeader = (name, value) => {
    const key = name.toLowerCase()
    if (key === 'x-frame-options') return res
    if (key !== 'content-security-policy') return setHeader(name, value)
    return setHeader(
      name,
      String(value).replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
    )
  }
}

function send(res: ServerResponse, type: string, text: string, phone: string): void {
  res.writeHead(200, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      'img-src data:',
      `frame-src 'self' ${phone}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(text)
}

const toPage = (phone: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in, with a phone beside</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/demo.css">
<script type="module" src="/demo/demo.js"></script>
</head>
<body>
<main>
<section aria-labelledby="app-title">
<h1 id="app-title">The app</h1>
<iframe id="app" title="The app" src="/"></iframe>
</section>
<section aria-labelledby="phone-title">
<h1 id="phone-title">The phone</h1>
<iframe id="phone" title="The phone" src="${phone}/" allow="clipboard-write"></iframe>
</section>
</main>
</body>
</html>
`
