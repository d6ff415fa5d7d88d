import { createPage, type Page, type PageApp } from '../../src/page/page.js'
import { type PageOptions, resolvePage } from '../../src/page/options.js'
import { renderPage } from '../../src/page/render.js'
import type { PageState } from '../../src/page/state.js'

const app: PageApp = {
  fields: { number: 'number', code: 'code', via: 'via', language: 'language' },
  channels: ['sms', 'voice'],
  countries: ['DE', 'US'],
  example: '+49',
  codeLength: 6,
  codeAlphabet: 'digits',
  next: '/',
  targets: [],
}

/** A page of a made-up app. */
export function setupPage(options: Partial<PageOptions> = {}, changes: Partial<PageApp> = {}) {
  const resolved = resolvePage({ name: 'Acme', ...options })
  const page: Page = createPage(resolved, { ...app, ...changes })
  const empty = page.show({
    url: '/login',
    atMount: true,
    language: () => 'en',
    facts: { status: { status: 'none' }, hasHandle: false, signedIn: false },
  })
  const files = {
    style: /otp-\w+\.css/.exec(empty.body)?.[0] ?? '',
    script: /otp-\w+\.js/.exec(empty.body)?.[0] ?? '',
  }
  return {
    page,
    files,
    headers: empty.headers,
    /** The page of any state, also of those that are hard to bring about. */
    render(state: PageState, language = 'en') {
      const texts = resolved.texts.get(language)
      if (!texts) throw new Error(`There are no texts in ${language}`)
      const { targets: _, ...rest } = { ...app, ...changes }
      const view = { ...rest, page: resolved, texts, language, base: './login/', files, hidden: {} }
      return renderPage(view, state)
    },
  }
}
