import { describe, expect, test } from 'vitest'
import { twoFactor, whatsapp } from '../../src/options/channels.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { type AppOptions, number, setupApp } from '../support/app.js'
import { open } from './browser.js'

const chat = whatsapp({ from: '4915123456789', template: { templateId: 'login_code' } })
/** A WhatsApp message to it fails, and an SMS works. */
const noWhatsapp = '+12015550114'

async function setup(
  framework: AppOptions['framework'],
  fallback: 'ask' | 'auto',
  javaScriptEnabled: boolean,
) {
  const app = await setupApp({
    framework,
    page: { name: 'Acme' },
    flow: { channels: [chat, twoFactor()], fallback, resendWaits: [2, 30, 60] },
  })
  const visitor = await open({ javaScriptEnabled, locale: 'de-DE' })
  const { page } = visitor
  await page.goto(`${app.base}/login`)
  return { app, ...visitor }
}

type App = Awaited<ReturnType<typeof setup>>['app']

/** What tyntec was asked to do, without the questions what has become of it. */
async function posts({ sandbox }: App): Promise<JournalEntry[]> {
  const answer = await fetch(`${sandbox.url}/_sandbox/requests`)
  const entries = (await answer.json()) as JournalEntry[] // the sandbox's own
  return entries.filter(({ method }) => method === 'POST')
}

describe.each(['express 5', 'koa 3'] as const)('a WhatsApp login on %s', (framework) => {
  describe.each([true, false])('with JavaScript: %s', (javaScriptEnabled) => {
    test('goes on by SMS by itself when its message can not be delivered', async () => {
      const { app, page, complaints } = await setup(framework, 'auto', javaScriptEnabled)
      await page.locator('input[type=tel]').fill(noWhatsapp)
      await page.locator('input[value=whatsapp]').check()
      await page.locator('form[data-otp-form=send] button').click()
      await page.locator('#code').waitFor()
      const code = await app.sandbox.waitForCode(noWhatsapp)
      // The page says where the code is now.
      expect(await page.locator('#hint').textContent()).not.toContain('WhatsApp')
      expect(await page.locator('#hint').textContent()).toContain('•••0114')
      expect(app.sandbox.messages().map(({ channel }) => channel)).toEqual(['sms'])
      const sent = await posts(app)
      expect(sent.map(({ path }) => path)).toEqual(['/messaging/v1/chat/messages', '/2fa/v1/otp'])
      // In the language of the page, which has sent nothing the second time.
      expect(sent[1]?.query.language).toBe('de')

      await page.locator('#code').fill(code)
      await page.locator('form[data-otp-form=check] button').click()
      await page.waitForURL(`${app.base}/`)
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(app.verified).toMatchObject([{ number: noWhatsapp, channel: 'sms' }])
      expect(complaints.filter((each) => !each.startsWith('Failed to load resource'))).toEqual([])
    })

    test('offers SMS when its message can not be delivered, and sends none by itself', async () => {
      const { app, page } = await setup(framework, 'ask', javaScriptEnabled)
      await page.locator('input[type=tel]').fill(noWhatsapp)
      await page.locator('form[data-otp-form=send] button').click()
      await page.locator('#code').waitFor()
      expect(app.sandbox.messages()).toEqual([])
      await page.locator('form[data-otp-form=resend] button[value=sms]').click()
      await page.locator('#code').fill(await app.sandbox.waitForCode(noWhatsapp))
      await page.locator('form[data-otp-form=check] button').click()
      await page.waitForURL(`${app.base}/`)
      // Two messages, and one check.
      expect(await posts(app)).toHaveLength(3)
      expect(app.verified).toMatchObject([{ number: noWhatsapp, channel: 'sms' }])
    })
  })

  test('says where the code is when it has come another way meanwhile', async () => {
    const { app, page } = await setup(framework, 'auto', true)
    await page.locator('input[type=tel]').fill(number)
    await page.locator('form[data-otp-form=send] button').click()
    await page.locator('#hint').getByText('WhatsApp').waitFor()
    const other = await page.context().newPage()
    await other.goto(`${app.base}/login`)
    await other.locator('[data-otp-wait]').waitFor({ state: 'hidden' })
    await other.locator('form[data-otp-form=resend] button[value=sms]').click()
    await other.locator('#code').waitFor()
    await app.sandbox.waitForCode(number)

    const look = () => page.evaluate(`void document.dispatchEvent(new Event('visibilitychange'))`)
    await page.bringToFront()
    // What somebody has begun to type is not taken away.
    await page.locator('#code').fill('1')
    await Promise.all([page.waitForResponse(/status/), look()])
    expect(await page.locator('#hint').textContent()).toContain('WhatsApp')
    await page.locator('#code').fill('')
    await Promise.all([page.waitForEvent('load'), look()])
    expect(await page.locator('#hint').textContent()).not.toContain('WhatsApp')
    await page.locator('#code').fill('424242')
    await page.locator('form[data-otp-form=check] button').click()
    await page.waitForURL(`${app.base}/`)
  })

  test('signs in with the code that came by WhatsApp', async () => {
    const { app, page } = await setup(framework, 'auto', true)
    await page.locator('input[type=tel]').fill(number)
    await page.locator('form[data-otp-form=send] button').click()
    await page.locator('#code').fill(await app.sandbox.waitForCode(number))
    await page.locator('form[data-otp-form=check] button').click()
    await page.waitForURL(`${app.base}/`)
    expect(app.verified).toMatchObject([{ number, channel: 'whatsapp' }])
    // tyntec brings the message, and is asked nothing about the code.
    expect((await posts(app)).map(({ path }) => path)).toEqual(['/messaging/v1/chat/messages'])
  })
})
