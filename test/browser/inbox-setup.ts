import type { BrowserContextOptions, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { open } from './browser.js'

export const number = '+12015550100'

export interface SentOtp {
  otpId: string
}

/** A sandbox with what an app and a test ask it, and none of it through our own client. */
export async function setupSandbox(port = 0) {
  const sandbox = await startSandbox({ port })
  onTestFinished(() => sandbox.close())

  /** Gives the status; 0 when there was no answer. */
  async function ask(path: string, init: RequestInit) {
    // A connection for each call: the next sandbox on this port must not meet an old one.
    const headers = { apikey: sandbox.apiKey, ...init.headers, connection: 'close' }
    try {
      const response = await fetch(sandbox.url + path, { ...init, headers })
      return { status: response.status, text: await response.text() }
    } catch {
      return { status: 0, text: '' }
    }
  }

  function api(path: string, query: Record<string, string> = {}, init: RequestInit = {}) {
    const search = new URLSearchParams(query).toString()
    return ask(`/2fa/v1/otp${path}${search && `?${search}`}`, { method: 'POST', ...init })
  }

  async function control(method: string, path: string, body?: unknown) {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) }
    const { status, text } = await ask(`/_sandbox/${path}`, init)
    if (status >= 400) throw new Error(text)
  }

  return {
    sandbox,
    url: sandbox.url,
    api,
    control,
    async send(to = number, query: Record<string, string> = {}, init: RequestInit = {}) {
      const { text } = await api('', { number: to, pinLength: '6', ...query }, init)
      // The sandbox's own answer, which other tests look at.
      return parse(text) as SentOtp
    },
    check: (otpId: string, otpCode: string) => api(`/${otpId}/check`, { otpCode }),
    resend: (otpId: string, query?: Record<string, string>) => api(`/${otpId}`, query),
    /** On the same port. */
    restart: () => setupSandbox(Number(new URL(sandbox.url).port)),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** The inbox in a browser, once it has read everything. */
export async function openInbox(url: string, options?: BrowserContextOptions) {
  const visitor = await open(options)
  await visitor.page.goto(url)
  await live(visitor.page)
  return visitor
}

export const live = (page: Page) => page.locator('#connection[data-state=live]').waitFor()

/** What a screen reader was given to say, oldest first. */
export const sentences = (page: Page) => page.locator('#announcements p').allTextContents()

/** The sentences of one change, of which there must be one. */
export async function sentencesOf(page: Page, change: () => Promise<unknown>): Promise<string[]> {
  await page.evaluate('document.getElementById("announcements").replaceChildren()')
  await change()
  await page.locator('#announcements p').first().waitFor({ state: 'attached' })
  // Long enough for a second sentence, which would be one too many.
  await page.waitForTimeout(300)
  return sentences(page)
}
