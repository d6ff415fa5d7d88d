import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { number, openInbox, sentencesOf, setupSandbox } from './inbox-setup.js'
import { open } from './browser.js'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** What axe finds, each with where it is. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  // What axe gives; its package's types are those of a page.
  const results = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] })`,
  )) as AxeResults
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** One row of each kind, and a fault that is on. */
async function fill({ send, check, resend, control }: Awaited<ReturnType<typeof setupSandbox>>) {
  const { otpId } = await send(number, { text: '{{OTP}} is your code.\n\n@a.example #{{OTP}}' })
  await resend(otpId, { via: 'VOICE' })
  await check(otpId, '000000')
  await send('+12015550110')
  await send('+12015550111')
  await send('+12015550112')
  await send('+12015550141')
  await control('POST', `otps/${(await send('+4915123456789')).otpId}`, { otpStatus: 'EXPIRED' })
  await control('POST', `otps/${(await send('+4915123456780')).otpId}`, { otpStatus: 'VERIFIED' })
  await control('POST', 'faults', { operation: 'otp.check', kind: 'status', status: 500, times: 1 })
  await control('POST', 'clock', { advance: 5 })
}

const views = ['phones', 'calls', 'faults', 'numbers', 'text']

describe.each(['light', 'dark'] as const)('in the %s scheme', (colorScheme) => {
  test('axe finds nothing, whatever is shown', async () => {
    const sandbox = await setupSandbox()
    const { page, complaints } = await openInbox(sandbox.url, { colorScheme })
    expect(['empty', ...(await violations(page))]).toEqual(['empty'])
    await fill(sandbox)
    await page.getByTestId('row').nth(6).waitFor()
    await page.getByText('Check the text').last().click()
    await page.getByTestId('check').waitFor()
    await page.getByText('Keys', { exact: true }).click()
    await page.keyboard.press('j')
    for (const view of views) {
      await page.locator(`.tabs a[href="#${view}"]`).click()
      if (view === 'faults') await page.getByText('A fault of your own').click()
      if (view === 'text') {
        await page.getByLabel('Text, with').fill('я')
        await page.getByRole('button', { name: 'Check' }).click()
        await page.locator('#text-result .findings').waitFor()
      }
      expect([view, ...(await violations(page))]).toEqual([view])
    }
    await sandbox.sandbox.close()
    await page.getByText('Sandbox is not running').waitFor()
    expect(['away', ...(await violations(page))]).toEqual(['away'])
    expect(complaints.filter((line) => !line.includes('ERR_'))).toEqual([])
  }, 180_000)

  test('nor without JavaScript', async () => {
    const sandbox = await setupSandbox()
    await fill(sandbox)
    const { page, complaints } = await open({ colorScheme })
    // Only the page's own script is kept away: axe is one too.
    await page.route('**/*.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: '' }),
    )
    await page.goto(sandbox.url)
    await page.getByTestId('why').first().waitFor()
    expect(await violations(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})

test.each([
  ['320 px wide', { width: 320, height: 640 }],
  ['at 200 %', { width: 640, height: 450 }],
])('nothing is cut off %s', async (_, viewport) => {
  const sandbox = await setupSandbox()
  await fill(sandbox)
  const { page, complaints } = await openInbox(sandbox.url, { viewport })
  await page.getByTestId('row').nth(6).waitFor()
  for (const view of views) {
    await page.locator(`.tabs a[href="#${view}"]`).click()
    if (view === 'faults') await page.getByText('A fault of your own').click()
    expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([
      view,
      viewport.width,
    ])
    const small = await page.evaluate(`[...document.querySelectorAll('button, summary, input')]
      .filter((element) => element.offsetParent && element.type !== 'checkbox')
      .filter((element) => element.offsetHeight < 24 || element.offsetWidth < 24)
      .map((element) => element.outerHTML)`)
    expect([view, small]).toEqual([view, []])
  }
  expect(complaints).toEqual([])
})

test('all of it can be done with the keyboard', async () => {
  const { url, send } = await setupSandbox()
  const { page, complaints } = await openInbox(url)
  await send('+12015550101')
  await send()
  await page.getByTestId('row').nth(1).waitFor()
  const focused = () =>
    page.evaluate(`(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()`)
  const tabTo = async (name: string) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab')
      if ((await focused()) === name) return
    }
    throw new Error(`Tab does not lead to "${name}".`)
  }
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to the messages')
  await page.keyboard.press('Enter')
  await tabTo('+1 201 555 0100')
  await tabTo('Expire code 424242')
  await page.keyboard.press('Enter')
  await page.getByTestId('state').getByText('Expired').waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  await tabTo('Check the text')
  await page.keyboard.press('Enter')
  await page.getByTestId('check').waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  expect(await page.evaluate(`document.activeElement.querySelector('a').textContent`)).toBe(
    '+1 201 555 0101',
  )
  await page.reload()
  await tabTo('Faults')
  await page.keyboard.press('Enter')
  expect(await focused()).toBe('Faults')
  await tabTo('Outage')
  await page.keyboard.press('Space')
  await page.locator('#fault-count').getByText('1 on').waitFor()
  expect(complaints).toEqual([])
})

test('each change is one sentence, and the rows are no live region', async () => {
  const { url, send, check, resend, control } = await setupSandbox()
  const { page, complaints } = await openInbox(url)
  expect(await page.locator('[aria-live]').count()).toBe(1)
  expect(await page.locator('#announcements p').count()).toBe(0)
  let otpId = ''
  const changes: [string, () => Promise<unknown>][] = [
    ['SMS to +1 201 555 0100: code 4 2 4 2 4 2.', async () => ({ otpId } = await send())],
    ['Call to +1 201 555 0100: code 4 2 4 2 4 2.', () => resend(otpId, { via: 'VOICE' })],
    ['+1 201 555 0100: A wrong code was checked; 2 left.', () => check(otpId, '000000')],
    [
      'A fault is on: otp.send answers 500.',
      () => control('POST', 'faults', { operation: 'otp.send', kind: 'status', status: 500 }),
    ],
    ['No fault is on any more.', () => control('DELETE', 'faults')],
    [
      'The clock of the sandbox went 1 second ahead.',
      () => control('POST', 'clock', { advance: 1 }),
    ],
    ['All messages were deleted.', () => control('DELETE', 'messages')],
    ['The sandbox was reset.', () => control('POST', 'reset')],
  ]
  for (const [sentence, change] of changes) {
    expect(await sentencesOf(page, change)).toEqual([sentence])
  }
  expect(complaints).toEqual([])
})
