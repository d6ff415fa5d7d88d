import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { setupPage } from '../support/page.js'
import { pageStates } from '../support/page-states.js'
import { violations } from './axe.js'
import { open } from './browser.js'

const patience = 300_000
const names = Object.keys(pageStates)

/** Every state of the page, also those that are hard to bring about, at `/login?state=&language=`. */
async function serveStates() {
  const { page, headers, render } = setupPage({
    name: 'Acme Bank',
    helpUrl: '/help',
    termsUrl: '/terms',
  })
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://page.invalid')
    const file = page.file(pathname.replace('/login/', ''))
    const state = pageStates[searchParams.get('state') ?? '']
    const sent = file?.headers ?? headers
    for (const [name, value] of Object.entries(sent)) res.setHeader(name, value)
    if (!file && !state) res.statusCode = 404
    res.end(file?.body ?? (state && render(state, searchParams.get('language') ?? 'en')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo // it listens on a port
  return (state: string, language = 'en') => {
    const query = new URLSearchParams({ state, language }).toString()
    return `http://127.0.0.1:${port}/login?${query}`
  }
}

describe.each([
  ['light', 'en'],
  ['dark', 'de'],
] as const)('every state of the page, %s and in %s', (colorScheme, language) => {
  test('keeps the rules of accessibility, and its own policy', { timeout: patience }, async () => {
    const urlOf = await serveStates()
    const { page, complaints } = await open({ colorScheme })
    for (const name of names) {
      await page.goto(urlOf(name, language))
      expect({ name, violations: await violations(page) }).toEqual({ name, violations: [] })
    }
    expect(complaints).toEqual([])
  })
})

test.each([
  ['320 px', 320, '100%'],
  ['200 % at 640 px', 640, '200%'],
  ['text of twice the size at 320 px', 320, '200%'],
])('every state fits into %s', { timeout: patience }, async (_name, width, fontSize) => {
  const urlOf = await serveStates()
  const { page } = await open({ viewport: { width, height: 700 } })
  for (const name of names) {
    for (const language of ['en', 'de']) {
      await page.goto(urlOf(name, language))
      await page.evaluate(`document.documentElement.style.fontSize = '${fontSize}'`)
      expect({ name, language, wider: await overflow(page) }).toEqual({ name, language, wider: [] })
    }
  }
})

test('what can be clicked is large enough, and letters are as large as no phone zooms in on', async () => {
  const urlOf = await serveStates()
  const { page } = await open({ viewport: { width: 390, height: 700 } })
  for (const name of ['number', 'code can be resent', 'code wrong', 'expired', 'signed in']) {
    await page.goto(urlOf(name))
    const small = await page.evaluate<
      string[]
    >(`[...document.querySelectorAll('a, button, input, label:has(input)')]
      .filter((each) => each.type !== 'hidden' && each.type !== 'radio' && !each.closest('li'))
      .filter((each) => each.getBoundingClientRect().height < 24
        || (each.tagName === 'INPUT' && parseFloat(getComputedStyle(each).fontSize) < 16))
      .map((each) => each.outerHTML)`)
    expect({ name, small }).toEqual({ name, small: [] })
  }
})

/** What sticks out at the side. */
function overflow(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[...document.querySelectorAll('body *')]
    .filter((each) => !each.closest('.hidden'))
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
      || each.getBoundingClientRect().left < -1)
    .map((each) => each.outerHTML.slice(0, 80))`)
}
