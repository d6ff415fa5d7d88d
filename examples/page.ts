import type { Problem } from 'passport-tyntec-otp'

/** What a signed-in person sees. The sign-in page is the package's own. */
export function welcome({ number }: { number: string }): string {
  return page(
    'You are signed in',
    `<p>Your number is <span dir="ltr" translate="no">${number}</span>.</p>
<form method="post" action="/logout"><button>Sign out</button></form>`,
  )
}

/** What a browser sees of a request that nothing could answer. */
export function sorry({ title, detail }: Problem): string {
  return page(title, `<p>${detail}</p>`)
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title} – Acme</title>
</head>
<body><main>
<h1>${title}</h1>
${body}
</main></body>
</html>`
}
