import { attributes, type Html, markup, type Part } from './markup.js'
import type { PageView } from './view.js'
import { direction, fill } from './words.js'

interface Content {
  /** A refusal is told before anything else. */
  isError: boolean
  /** What the script reads, by the names of `data-` attributes. */
  data?: Record<string, string | number | undefined>
  body: Part
}

export function layout(view: PageView, { isError, data = {}, body }: Content): string {
  const { page, texts, language, base, files } = view
  const plain = `${texts.title} – ${page.name}`
  const title = isError ? fill(texts.errorTitle, { title: plain }) : plain
  const named = Object.entries(data).map(([name, value]) => [`data-${name}`, value] as const)
  return markup`<!doctype html>
    <html lang="${language}" dir="${direction(language)}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${base}${files.style}" />
        <script type="module" src="${base}${files.script}"></script>
      </head>
      <body>
        <main data-otp${attributes(Object.fromEntries(named))}>${brand(view)} ${body}</main>
        ${footer(view)}
      </body>
    </html>`.toString()
}

function brand({ page: { name, logo } }: PageView): Html {
  if (logo !== undefined) return markup`<p class="brand"><img src="${logo}" alt="${name}" /></p>`
  const [initial = ''] = name.trim()
  return markup`<p class="brand" translate="no">
    <span class="mark" aria-hidden="true">${initial.toUpperCase()}</span> <span>${name}</span>
  </p>`
}

function footer({ page: { helpUrl, termsUrl, privacyUrl }, texts }: PageView): Html | undefined {
  const links = [
    [texts.help, helpUrl],
    [texts.terms, termsUrl],
    [texts.privacy, privacyUrl],
  ] as const
  const shown = links.filter(([, href]) => href !== undefined)
  if (shown.length === 0) return undefined
  return markup`<footer>${shown.map(([text, href]) => markup`<a href="${href}">${text}</a>`)}</footer>`
}
