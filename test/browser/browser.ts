import { access } from 'node:fs/promises'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, onTestFinished } from 'vitest'

const executablePath = '/usr/bin/chromium'

export interface Visitor {
  page: Page
  /** What went wrong on its pages: errors on the console, exceptions, what the CSP has stopped. */
  complaints: string[]
  /** The POSTs its pages have sent, by path. */
  posts: string[]
}

let launching: Promise<Browser> | undefined
afterAll(async () => (await launching)?.close())

/** A browser with an empty profile, which goes with the test. */
export async function open(options?: BrowserContextOptions): Promise<Visitor> {
  const browser = await (launching ??= launch())
  const context = await browser.newContext(options)
  onTestFinished(() => context.close())
  return watch(await context.newPage())
}

async function launch(): Promise<Browser> {
  await access(executablePath).catch(() => {
    throw new Error(`There is no ${executablePath}. On Debian: apt-get install chromium`)
  })
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', // as root, in CI
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function watch(page: Page): Visitor {
  const complaints: string[] = []
  const posts: string[] = []
  page.setDefaultTimeout(10_000)
  // A violation of the CSP is an error on the console too.
  page.on('console', (line) => {
    // Browsers ask for an icon unbidden.
    if (line.type() === 'error' && !line.location().url.endsWith('/favicon.ico')) {
      complaints.push(line.text())
    }
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (request.method() === 'POST') posts.push(new URL(request.url()).pathname)
  })
  return { page, complaints, posts }
}
