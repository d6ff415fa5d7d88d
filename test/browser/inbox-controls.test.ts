import { describe, expect, test } from 'vitest'
import { live, number, openInbox, sentences, sentencesOf, setupSandbox } from './inbox-setup.js'

const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] }

describe('a code', () => {
  test('is copied by its button and by a key', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url, clipboard)
    const pasted = () => page.evaluate('navigator.clipboard.readText()')
    expect(await sentencesOf(page, () => page.keyboard.press('c'))).toEqual([
      'There is no code to copy.',
    ])
    await send(number, { otpCode: '111111' })
    await send('+12015550101', { otpCode: '222222' })
    await page.getByTestId('message').nth(1).waitFor()

    await page.getByRole('button', { name: 'Copy code 111111' }).click()
    await expect.poll(pasted).toBe('111111')
    // The newest one, until a row is chosen.
    expect(await sentencesOf(page, () => page.keyboard.press('c'))).toEqual(['Copied 222222.'])
    expect(await pasted()).toBe('222222')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('c')
    await expect.poll(pasted).toBe('111111')
    expect(complaints).toEqual([])
  })

  test.each([
    ['Expire', 'Expired'],
    ['Lock', 'Locked'],
    ['Verify', 'Verified'],
  ])('can be ended by hand: %s', async (button, state) => {
    const { url, send, check } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const { otpId } = await send()
    const force = page.getByRole('button', { name: `${button} code 424242` })
    await force.focus()
    expect(await sentencesOf(page, () => page.keyboard.press('Enter'))).toHaveLength(1)
    await page.getByTestId('state').getByText(state).waitFor()
    expect(await force.isVisible()).toBe(false)
    // Focus stays with the code.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('ARTICLE')
    expect((await check(otpId, '424242')).status).not.toBe(202)
    expect(complaints).toEqual([])
  })

  test('runs out of time by the clock, which the page moves', async () => {
    const { url, send, check } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const { otpId } = await send()
    await page
      .getByTestId('state')
      .getByText(/^[45]:\d\d left$/)
      .waitFor()
    expect(
      await sentencesOf(page, () => page.getByRole('button', { name: '+30 s' }).click()),
    ).toEqual(['The clock of the sandbox went 30 seconds ahead.'])
    await page
      .getByTestId('state')
      .getByText(/^4:[0-3]\d left$/)
      .waitFor()
    await page.locator('#clock-ahead').getByText('+0:30').waitFor()
    expect(
      await sentencesOf(page, () => page.getByRole('button', { name: '+5 min' }).click()),
    ).toEqual([
      'The code for +1 201 555 0100 has expired.',
      'The clock of the sandbox went 5 minutes ahead.',
    ])
    await page.getByTestId('state').getByText('Expired').waitFor()
    expect((await check(otpId, '424242')).status).toBe(403)
    await page.reload()
    await live(page)
    expect(await page.locator('#clock-ahead').textContent()).toBe('+5:30')
    expect(complaints).toEqual([])
  })
})

describe('faults', () => {
  test('are turned on by presets and counted in red until they are off', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const badge = page.locator('#fault-count')
    await page.getByRole('link', { name: 'Faults' }).click()
    expect(
      await sentencesOf(page, () =>
        page.getByRole('button', { name: 'Messages get lost' }).click(),
      ),
    ).toEqual(['A fault is on: Every call loses the message.'])
    await page.getByRole('button', { name: 'Next send fails' }).click()
    await badge.getByText('2 on').waitFor()
    await send()
    await page.getByRole('link', { name: 'Phones' }).click()
    await page.getByTestId('why').getByText('Fault "drop-message"').waitFor()

    await page.getByRole('link', { name: 'Faults' }).click()
    await page.getByRole('button', { name: 'Turn off: Every call loses the message' }).click()
    await badge.getByText('1 on').waitFor()
    expect((await send()).otpId).toBeUndefined()
    await page.getByText('used up').waitFor()
    expect(await badge.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Turn all off' }).click()
    await page.getByText('No fault is on.').waitFor()
    expect(await page.getByTestId('fault').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test("of one's own say what is wrong with them", async () => {
    const { url } = await setupSandbox()
    const { page, complaints } = await openInbox(`${url}/#faults`)
    await page.getByText('A fault of your own').click()
    await page.getByLabel('Which calls').selectOption('otp.check')
    await page.getByLabel('Status', { exact: true }).fill('99')
    await page.getByRole('button', { name: 'Turn on', exact: true }).click()
    await page.locator('.problem').getByText('status').waitFor()
    await page.getByLabel('Status', { exact: true }).fill('502')
    await page.getByLabel('Only for number').fill('+1201555*')
    await page.getByLabel('Times').fill('2')
    await page.getByRole('button', { name: 'Turn on', exact: true }).click()
    await page.getByTestId('fault').getByText('otp.check for +1201555* answers 502').waitFor()
    await page.getByText('2 times left').waitFor()
    expect(await page.locator('.problem').isVisible()).toBe(false)
    // The refused one is in the console of the browser: a 400.
    expect(complaints).toEqual([expect.stringContaining('400')])
  })
})

describe('the calls of the API', () => {
  test('are shown with their hints, and copied as curl without the key', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(`${url}/#calls`, clipboard)
    await send(number, { text: "It's {{OTP}}" })
    await send(number, { txt: '1' })
    await page.getByTestId('call').nth(1).waitFor()
    expect(await page.getByTestId('status').allTextContents()).toEqual(['400', '200'])
    expect(await page.getByTestId('call').first().locator('.notes').textContent()).not.toBe('')

    await page.getByRole('button', { name: 'Copy call 1 as curl' }).click()
    const curl = await page.evaluate('navigator.clipboard.readText()')
    expect(curl).toBe(
      `curl -X POST -H "apikey: $TYNTEC_API_KEY" '${url}/2fa/v1/otp?number=%2B12015550100&pinLength=6&text=It%27s+%7B%7BOTP%7D%7D'`,
    )
    await page.getByRole('button', { name: 'Forget the calls' }).click()
    await page.getByText('No calls yet.').waitFor()
    expect(complaints).toEqual([])
  })
})

describe('magic numbers', () => {
  test('are listed, and copied for use', async () => {
    const { url } = await setupSandbox()
    const { page, complaints } = await openInbox(`${url}/#numbers`, clipboard)
    expect(await page.getByTestId('magic').count()).toBeGreaterThan(25)
    const row = page.getByTestId('magic').filter({ hasText: '+1 201 555 0111' })
    expect(await row.textContent()).toContain('The message never comes.')
    await row.getByRole('button', { name: 'Use +1 201 555 0111' }).click()
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe('+12015550111')
    await row.getByRole('link').click()
    await page.getByRole('heading', { name: '+1 201 555 0111' }).waitFor()
    await page.getByText('No messages yet').waitFor()
    expect(complaints).toEqual([])
  })
})

describe('the check of a text', () => {
  test('answers for a template', async () => {
    const { url } = await setupSandbox()
    const { page, complaints } = await openInbox(`${url}/#text`)
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByText('GSM-7 · 53 characters · 1 segment · room for 107 more').waitFor()
    await page.getByText('Nothing to mend.').waitFor()
    await page.getByLabel('Host of the login page').fill('acme.example')
    expect(
      await sentencesOf(page, () => page.getByRole('button', { name: 'Check' }).click()),
    ).toEqual(['1 remark on the text.'])
    await page.getByText('webotp-host-mismatch').waitFor()
    expect(complaints).toEqual([])
  })

  test('answers for a message', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send(number, { text: 'Привет! {{OTP}}' })
    await page.getByText('Check the text').click()
    await page.getByText('UCS-2 · 14 characters').waitFor()
    const rules = await page.getByTestId('check').locator('.rule').allTextContents()
    expect(rules.toSorted()).toEqual(['code-not-early', 'ucs2', 'webotp-last-line'])
    expect(complaints).toEqual([])
  })
})

describe('the messages', () => {
  test('are searched with the key /', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(`${url}/#numbers`)
    await send(number, { text: '{{OTP}} for Acme' })
    await send('+12015550101', { text: '{{OTP}} for Other' })
    await page.keyboard.press('/')
    await page.keyboard.type('acme')
    const rows = page.getByTestId('row').filter({ visible: true })
    await expect.poll(() => rows.count()).toBe(1)
    // A letter in a field is a letter.
    expect(await page.getByRole('searchbox').inputValue()).toBe('acme')
    await send(number, { text: '{{OTP}} for Acme again' })
    await send(number, { text: '{{OTP}} for nobody' })
    await expect.poll(() => page.getByTestId('row').count()).toBe(4)
    expect(await rows.count()).toBe(2)
    await page.keyboard.type('#')
    await page.getByText('Nothing here has that in it.').waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => rows.count()).toBe(4)
    expect(complaints).toEqual([])
  })

  test('are gone once deleted, after a reload too', async () => {
    const { url, send, check } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send('+12015550111')
    await send('+12015550130')
    const { otpId } = await send()
    await page.getByTestId('row').nth(2).waitFor()
    expect(
      await sentencesOf(page, () => page.getByRole('button', { name: 'Delete messages' }).click()),
    ).toEqual(['All messages were deleted.'])
    await page.getByTestId('empty').waitFor()
    // A code whose message was deleted still works, stays away, and is not talked about.
    expect((await check(otpId, '424242')).status).toBe(202)
    await page.waitForTimeout(300)
    expect(await sentences(page)).toEqual(['All messages were deleted.'])
    await page.reload()
    await live(page)
    await page.getByTestId('empty').waitFor()
    expect(await page.getByTestId('row').count()).toBe(0)
    await page.getByRole('button', { name: 'Send a code to +1 201 555 0100' }).click()
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('row').count()).toBe(1)
    expect(complaints).toEqual([])
  })

  test('and everything else go with a reset', async () => {
    const { url, send, control } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send()
    await control('POST', 'faults', { operation: '*', kind: 'hang' })
    await control('POST', 'clock', { advance: 60 })
    await page.locator('#clock-ahead').getByText('+1:00').waitFor()
    await page.getByRole('button', { name: 'Reset the sandbox' }).click()
    await page.getByTestId('empty').waitFor()
    await expect.poll(() => page.locator('#clock-ahead').isVisible()).toBe(false)
    expect(await page.locator('#fault-count').isVisible()).toBe(false)
    expect(await page.getByTestId('call').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('are left alone by single keys that were switched off', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send()
    await page.getByTestId('row').waitFor()
    await page.getByText('Keys', { exact: true }).click()
    await page.getByLabel('Single keys do this').uncheck()
    await page.keyboard.press('j')
    expect(await page.locator('[data-testid=row][data-chosen]').count()).toBe(0)
    await page.reload()
    await live(page)
    await page.keyboard.press('j')
    expect(await page.locator('[data-testid=row][data-chosen]').count()).toBe(0)
    await page.getByText('Keys', { exact: true }).click()
    await page.getByLabel('Single keys do this').check()
    await page.keyboard.press('j')
    expect(await page.locator('[data-testid=row][data-chosen]').count()).toBe(1)
    expect(complaints).toEqual([])
  })
})
