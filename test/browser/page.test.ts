import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type AppOptions, number, setupApp, wrongCode } from '../support/app.js'
import { violations } from './axe.js'
import { open } from './browser.js'

const withoutScripts = { javaScriptEnabled: false }

async function setup(
  { flow, page: settings, ...more }: Partial<AppOptions> = {},
  context?: BrowserContextOptions,
) {
  const app = await setupApp({
    framework: 'express 5',
    page: { name: 'Acme', ...settings },
    express: (app) =>
      app.get('/', (_req, res) => void res.type('html').send('<title>Home</title>')),
    flow: { voice: true, ...flow },
    ...more,
  })
  const visitor = await open(context)
  await visitor.page.goto(`${app.base}/login`)
  const { page } = visitor
  return {
    ...visitor,
    app,
    /** Asks for a code. */
    async send(to = number) {
      await page.getByLabel('Mobile number').fill(to)
      await page.getByRole('button', { name: 'Send code' }).click()
      await page.getByLabel('Security code').waitFor()
    },
    async check(code: string) {
      await page.getByLabel('Security code').fill(code)
      await page.getByRole('button', { name: 'Continue' }).click()
    },
    code: () => app.sandbox.waitForCode(number),
    home: () => page.waitForURL(`${app.base}/`),
  }
}

/** Notes all that a screen reader would say from here on. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`window.said = []
    const live = document.querySelector('[role=status]')
    new MutationObserver(() => live.textContent && said.push(live.textContent))
      .observe(live, { childList: true, characterData: true, subtree: true })`)
  return () => page.evaluate<string[]>('window.said')
}

/** What the browser does to a page that is looked at again. */
function lookAgain(page: Page): Promise<void> {
  return page.evaluate(`void document.dispatchEvent(new Event('visibilitychange'))`)
}

const focused = (page: Page) =>
  page.evaluate<string>('document.activeElement.id || document.activeElement.className')

describe('the page', () => {
  test('signs in with a keyboard alone', async () => {
    const { page, complaints, posts, code, home } = await setup()
    for (let tabs = 0; (await focused(page)) !== 'number'; tabs += 1) {
      expect(tabs).toBeLessThan(5)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.type('+1 201 555 0100')
    await page.keyboard.press('Enter')
    await page.getByLabel('Security code').waitFor()
    expect(await focused(page)).toBe('code')
    await page.keyboard.type(await code())
    await page.keyboard.press('Enter')
    await home()
    expect(posts).toEqual(['/login/send', '/login/check'])
    expect(complaints).toEqual([])
  })

  test('says what is wrong with a number, and keeps it', async () => {
    const { page, complaints } = await setup()
    await page.getByLabel('Mobile number').fill('0151 23')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.title()).toBe('Error: Sign in – Acme')
    expect(await focused(page)).toBe('errors')
    expect(await page.getByLabel('Mobile number').inputValue()).toBe('0151 23')
    await page.getByRole('alert').getByRole('link').click()
    expect(await focused(page)).toBe('number')
    expect(await page.getByRole('textbox').getAttribute('aria-invalid')).toBe('true')
    expect(await violations(page)).toEqual([])
    await page.reload()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('takes the focus to what is wrong without a script as well', async () => {
    const { page, send, check } = await setup({}, withoutScripts)
    await send()
    await check(wrongCode)
    await page.getByRole('alert').waitFor()
    // The first thing behind it: the focus is on the list.
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.type('1')
    expect(await page.getByLabel('Security code').inputValue()).toBe('1')
  })

  test('says how many tries are left on the way to the last one, and then begins again', async () => {
    const { page, send, check, code, home } = await setup({
      flow: { revealAttempts: true, resendWaits: [1, 1, 30] },
    })
    await send()
    await check(wrongCode)
    await page.getByRole('alert').getByText('You have 2 tries left.').waitFor()
    await check('111111')
    await page.getByRole('alert').getByText('You have one try left.').waitFor()
    await check('222222')
    await page.getByRole('heading', { name: 'Too many wrong codes' }).waitFor()
    // What the heading says is not said again in red.
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    await page.reload()
    await newCode(page)
    await check(await code())
    await home()
  })

  test('says that a code has expired, and sends a new one to the same number', async () => {
    const { page, send, check, app } = await setup({ flow: { resendWaits: [1, 1, 30] } })
    await send('+1 201 555 0120')
    await check(await app.sandbox.waitForCode('+12015550120'))
    await page.getByRole('heading', { name: 'That code has expired' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await newCode(page)
    expect(await page.getByText('•••0120').count()).toBe(1)
  })

  test('is the same after a reload at every step, and posts nothing again', async () => {
    const { page, send, check, code, home, posts } = await setup()
    await page.reload()
    await send()
    await page.reload()
    await check(wrongCode)
    await page.getByRole('alert').waitFor()
    await page.reload()
    await check(await code())
    await home()
    await page.reload()
    expect(posts).toEqual(['/login/send', '/login/check', '/login/check'])
  })

  test('shows nothing red to somebody who goes back after the sign-in', async () => {
    const { page, send, check, code, home } = await setup()
    await send()
    await check(await code())
    await home()
    await page.goBack()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    await page.getByRole('link', { name: 'Continue' }).click()
    await home()
  })

  test('tells an outage of tyntec without a promise, and keeps the number', async () => {
    const { page, app } = await setup()
    await app.fault({ operation: 'otp.send', kind: 'status', status: 401 })
    await page.getByLabel('Mobile number').fill('+1 201 555 0100')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('alert').getByText('This does not work right now.').waitFor()
    expect(await page.getByLabel('Mobile number').inputValue()).toBe('+1 201 555 0100')
    await app.clearFaults()
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('We texted a 6-digit code').waitFor()
  })

  test('says that a message has failed, and offers a call at once', async () => {
    const { page, send } = await setup({ flow: { resendWaits: [30, 30], voice: true } })
    await send('+1 201 555 0113')
    await expect
      .poll(async () => {
        await page.reload()
        return page.getByText('could not be delivered').count()
      })
      .toBe(1)
    expect(await page.getByText('We texted').count()).toBe(0)
    // The same way again has a wait, and is not offered; the other one has none.
    expect(await page.getByRole('button', { name: 'Send the code again' }).count()).toBe(0)
    const call = page.getByRole('button', { name: 'Call me instead' })
    await call.click()
    await page.getByText('Calling you now.').waitFor()
    await page.getByText('We are calling').waitFor()
  })

  test('learns while it is open that a message has failed, and offers a call at once', async () => {
    const { page, send, app } = await setup({ flow: { resendWaits: [30, 30], voice: true } })
    await app.fault({ operation: 'otp.events', kind: 'status', status: 500 })
    await send('+1 201 555 0113')
    const again = page.getByRole('button', { name: 'Send the code again' })
    await expect.poll(() => again.getAttribute('aria-disabled')).toBe('true')
    await app.clearFaults()
    await page.getByLabel('Security code').fill('12')
    const said = await listen(page)
    await expect
      .poll(
        async () => {
          await lookAgain(page)
          return (await said()).length
        },
        { timeout: 10_000, interval: 500 },
      )
      .toBeGreaterThan(0)
    expect(await said()).toEqual([
      'Our message to •••0113 could not be delivered. Check the number, or get the code another way.',
    ])
    // What was typed stays. The same way would have to wait, so only the other one is left.
    expect(await page.getByLabel('Security code').inputValue()).toBe('12')
    expect(await again.count()).toBe(0)
    expect(await page.locator('[data-otp-wait]').isVisible()).toBe(false)
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Call me instead' }).click()
    await page.getByText('We are calling').waitFor()
  })

  test('starts over with another number', async () => {
    const { page, send } = await setup()
    await send()
    await page.getByRole('button', { name: 'Use a different number' }).click()
    await page.getByLabel('Mobile number').waitFor()
    await send('+1 201 555 0101')
    expect(await page.getByText('•••0101').count()).toBe(1)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('calls from the start, where the person wants it', async () => {
    const { page, send } = await setup()
    await page.getByLabel('Phone call').check()
    await send()
    await page.getByText('We are calling').waitFor()
    expect(await page.getByRole('button').allInnerTexts()).toEqual(
      expect.arrayContaining(['Call me again', 'Text me instead']),
    )
  })

  test('speaks German to a browser that does', async () => {
    const { page, app } = await setup({}, { locale: 'de-DE' })
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    await page.getByLabel('Mobilnummer').fill('+1 201 555 0100')
    await page.getByRole('button', { name: 'Code senden' }).click()
    await page.getByText('Der Code gilt bis').waitFor()
    expect(await app.requests()).toContain('send')
  })
})

describe('without a script, the page', () => {
  test('tells a wait that is not over as news, and sends nothing', async () => {
    const { page, send, app } = await setup({}, withoutScripts)
    await send()
    await page.getByRole('button', { name: 'Send the code again' }).click()
    await page.getByRole('status').getByText('You can ask for the code again in').waitFor()
    expect(await page.title()).toBe('Sign in – Acme')
    expect((await app.requests()).filter((each) => each === 'resend')).toEqual([])
  })

  test('sends the code again, and says so once', async () => {
    const { page, send } = await setup({ flow: { resendWaits: [1, 30] } }, withoutScripts)
    await send()
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Send the code again' }).click()
        return page.getByText('Code sent again.').count()
      })
      .toBe(1)
    await page.reload()
    expect(await page.getByText('Code sent again.').count()).toBe(0)
  })
})

describe('the script', () => {
  test('counts the wait down, stops a click before its end, and says so once when it is over', async () => {
    const { page, send, posts, complaints } = await setup({ flow: { resendWaits: [5, 30] } })
    await send()
    const said = await listen(page)
    const again = page.getByRole('button', { name: 'Send the code again' })
    expect(await again.getAttribute('aria-disabled')).toBe('true')
    expect(await page.locator('[data-otp-countdown]').innerText()).toMatch(/^0:0[1-5]$/)
    // Playwright itself waits for what says that it is disabled.
    await again.click({ force: true })
    expect(await focusedText(page)).toBe('Send the code again')
    await page.locator('[data-otp-wait]').waitFor({ state: 'hidden' })
    expect(await again.getAttribute('aria-disabled')).toBe('false')
    expect(await said()).toEqual([
      expect.stringMatching(/^You can ask for it again in 0:0[1-5]\.$/),
      'You can now ask for the code again.',
    ])
    expect(posts).toEqual(['/login/send'])
    await again.click()
    await page.getByText('Code sent again.').waitFor()
    expect(complaints).toEqual([])
  })

  test('says what came with the page, once', async () => {
    const { page, send } = await setup({ flow: { resendWaits: [1, 30] } })
    await page.addInitScript(`window.said = []
      addEventListener('DOMContentLoaded', () => {
        const live = document.querySelector('[role=status]')
        if (live) new MutationObserver(() => live.textContent && said.push(live.textContent))
          .observe(live, { childList: true })
      }, { capture: true })`)
    await send()
    await page.locator('[data-otp-wait]').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Send the code again' }).click()
    // Playwright's own waiting evaluates text in the page, which the page's policy forbids.
    await expect.poll(() => page.evaluate('window.said')).toEqual(['Code sent again.'])
  })

  test('posts once for a double click', async () => {
    const { page, posts, app } = await setup()
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).dblclick()
    await page.getByLabel('Security code').waitFor()
    expect(posts).toEqual(['/login/send'])
    expect((await app.requests()).filter((each) => each === 'send')).toHaveLength(1)
  })

  test('leaves a pasted code as it is, and takes the code out of a pasted message', async () => {
    const { page, send, home, code } = await setup()
    await send()
    const field = page.getByLabel('Security code')
    await paste(page, '123 456')
    expect(await field.inputValue()).toBe('')
    const right = await code()
    await paste(
      page,
      `${right} is your Acme code. It expires in 5 minutes.\n\n@acme.example #${right}`,
    )
    expect(await field.inputValue()).toBe(right)
    await page.getByText('Code filled in from your message.').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await home()
  })

  test('goes on where another tab has signed in', async () => {
    const { page, send, code, app, home, complaints } = await setup()
    await send()
    const other = await page.context().newPage()
    await other.goto(`${app.base}/login`)
    await other.getByLabel('Security code').fill(await code())
    await other.getByRole('button', { name: 'Continue' }).click()
    await other.waitForURL(`${app.base}/`)
    await lookAgain(page)
    await home()
    expect(complaints).toEqual([])
  })

  test('shows the first step where another tab has given up the code', async () => {
    const { page, send, app } = await setup()
    await send()
    await page.context().request.post(`${app.base}/login/cancel`, { data: {} })
    await lookAgain(page)
    await page.getByLabel('Mobile number').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test("goes by the server's figures when the page comes back from the cache of the browser", async () => {
    const { page, send } = await setup({ flow: { resendWaits: [2, 30] } })
    await send()
    await page.locator('[data-otp-wait]').waitFor({ state: 'hidden' })
    // Another tab asks again, so there is a wait that this page knows nothing of.
    await page.context().request.post(`${new URL(page.url()).origin}/login/resend`, { data: {} })
    await page.evaluate(
      `void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`,
    )
    await expect
      .poll(() =>
        page.getByRole('button', { name: 'Send the code again' }).getAttribute('aria-disabled'),
      )
      .toBe('true')
  })

  test('says that a message has arrived, once', async () => {
    const { page, send, app } = await setup()
    await send('+1 201 555 0110')
    const said = await listen(page)
    const body = JSON.stringify({ advance: 11 })
    await fetch(`${app.sandbox.url}/_sandbox/clock`, { method: 'POST', body })
    // tyntec is not asked about one flow all the time.
    const looked = async () => {
      await lookAgain(page)
      return (await said()).length
    }
    await expect.poll(looked, { timeout: 10_000, interval: 500 }).toBeGreaterThan(0)
    await lookAgain(page)
    expect(await said()).toEqual(['It has reached your phone.'])
  })

  test('leaves the page as it is while the server is away', async () => {
    const { page, send, complaints } = await setup()
    await send()
    await page.getByLabel('Security code').fill('12')
    await page.route('**/login/status', (route) => route.abort())
    await lookAgain(page)
    await page.route('**/login/status', (route) => route.fulfill({ status: 503, body: '{}' }))
    await lookAgain(page)
    expect(await page.getByLabel('Security code').inputValue()).toBe('12')
    expect(complaints.filter((each) => !each.startsWith('Failed to load resource'))).toEqual([])
  })
})

describe('codes that the browser reads out of messages', () => {
  /** A browser that reads messages, and gives `answer` for one. */
  const reads = (answer: string) => `
    window.OTPCredential ??= class {}
    navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
      window.asked = otp.transport.join()
      window.give = (code) => resolve({ code })
      signal.addEventListener('abort', () => {
        sessionStorage.setItem('aborted', 'yes')
        reject(new DOMException('', 'AbortError'))
      })
      ${answer}
    })`

  test('sign in on their own', async () => {
    const { page, send, code, home, complaints, posts } = await setup()
    await page.addInitScript(reads(''))
    await send()
    expect(await page.evaluate('asked')).toBe('sms')
    await page.evaluate(`give('${await code()}')`)
    await home()
    expect(posts).toEqual(['/login/send', '/login/check'])
    expect(complaints).toEqual([])
  })

  test('are typed where the browser may not read', async () => {
    const { page, send, check, code, home, complaints } = await setup()
    await page.addInitScript(reads(`reject(new DOMException('', 'NotAllowedError'))`))
    await send()
    await check(await code())
    await home()
    expect(complaints).toEqual([])
  })

  test.each(['Continue', 'Use a different number'])(
    'are not waited for after "%s"',
    async (name) => {
      const { page, send, complaints } = await setup()
      await page.addInitScript(reads(''))
      await send()
      await page.getByLabel('Security code').fill(wrongCode)
      await page.getByRole('button', { name }).click()
      await expect.poll(() => page.evaluate(`sessionStorage.getItem('aborted')`)).toBe('yes')
      expect(complaints).toEqual([])
    },
  )
})

/** Asks for one after the end, to the same number. */
async function newCode(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send a new code' }).click()
  await page.getByLabel('Security code').waitFor()
}

/** As from the clipboard. What the script leaves alone, a browser pastes itself: not here. */
function paste(page: Page, text: string): Promise<void> {
  return page.evaluate(`{
    const clipboardData = new DataTransfer()
    clipboardData.setData('text', ${JSON.stringify(text)})
    document.querySelector('#code').dispatchEvent(
      new ClipboardEvent('paste', { clipboardData, cancelable: true, bubbles: true }))
  }`)
}

function focusedText(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.textContent.trim()')
}
