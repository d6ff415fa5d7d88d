import { describe, expect, test } from 'vitest'
import { open } from './browser.js'
import { live, number, openInbox, setupSandbox } from './inbox-setup.js'

describe('the inbox', () => {
  test('shows a message as it arrives, without a reload', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await page.getByTestId('empty').waitFor()
    await page.evaluate(`document.body.setAttribute('data-loaded', 'once')`)

    await send()
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('to').textContent()).toBe('+1 201 555 0100')
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    expect(await page.getByTestId('channel').textContent()).toBe('SMS')
    expect(await page.getByTestId('empty').isVisible()).toBe(false)
    await expect.poll(() => page.title()).toBe('424242 · Sandbox inbox')
    expect(await page.locator('body').getAttribute('data-loaded')).toBe('once')
    expect(complaints).toEqual([])
  })

  test('shows the newest first, live and after a reload', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const numbers = ['+1 201 555 0102', '+1 201 555 0101', '+1 201 555 0100']
    for (const to of [number, '+12015550101', '+12015550102']) await send(to)
    await page.getByTestId('row').nth(2).waitFor()
    expect(await page.getByTestId('to').allTextContents()).toEqual(numbers)
    await page.reload()
    await live(page)
    expect(await page.getByTestId('to').allTextContents()).toEqual(numbers)
    expect(complaints).toEqual([])
  })

  test('adds to the row of a code what happens to it', async () => {
    const { url, send, resend, check } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const { otpId } = await send()
    await page.evaluate(`document.querySelector('[data-testid=row]').dataset.mark = 'same'`)
    await resend(otpId, { via: 'VOICE' })
    await check(otpId, '000000')
    await check(otpId, '424242')
    await page.getByText('Verified').waitFor()
    expect(await page.getByTestId('row').count()).toBe(1)
    expect(await page.getByTestId('row').getAttribute('data-mark')).toBe('same')
    expect(await page.getByTestId('channel').allTextContents()).toEqual(['SMS', 'Call'])
    expect(await page.getByText('2 of 3 tries used').count()).toBe(1)
    await page.getByTestId('timeline').locator('li').nth(5).waitFor()
    const types = await page.evaluate(
      `[...document.querySelectorAll('.timeline li')].map((item) => item.dataset.type)`,
    )
    expect(types).toEqual(['sent', 'delivered', 'resent', 'delivered', 'wrong-code', 'verified'])
    expect(complaints).toEqual([])
  })

  test('leaves what is selected and what has the focus alone when more comes', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send(number, { text: '{{OTP}} is the first.' })
    await page.getByTestId('message').waitFor()
    await page.evaluate(
      `getSelection().selectAllChildren(document.querySelector('[data-testid=text]'))`,
    )
    await page.getByRole('button', { name: 'Copy code 424242' }).focus()
    await send('+12015550101')
    await send(number)
    await page.getByTestId('message').nth(2).waitFor()
    expect(await page.evaluate('getSelection().toString()')).toBe('424242 is the first.')
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Copy code 424242')
    expect(complaints).toEqual([])
  })

  test('shows what an app sends as text', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const text = `<img src=x onerror="document.title = 'run'"><script>document.title='run'</script> & {{OTP}}`
    await send(number, { text, sender: '<b>"&' })
    for (const reading of ['live', 'again']) {
      if (reading === 'again') await page.reload()
      await page.getByTestId('message').waitFor()
      expect(await page.getByTestId('text').textContent()).toBe(text.replace('{{OTP}}', '424242'))
      expect(await page.locator('#feed img, #feed script').count()).toBe(0)
      expect(await page.getByTestId('message').textContent()).toContain('<b>"&')
    }
    await page.getByRole('link', { name: 'API calls' }).click()
    expect(await page.getByTestId('call').textContent()).toContain(text)
    await expect.poll(() => page.title()).toBe('424242 · Sandbox inbox')
    expect(complaints).toEqual([])
  })

  test.each([
    [
      'a script of its own',
      `document.body.append(Object.assign(document.createElement('script'), { text: '1' }))`,
    ],
    ['markup of a string', `document.body.innerHTML = '<p>run</p>'`],
  ])('takes no script from elsewhere: %s', async (_, attempt) => {
    const { url } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await page.evaluate(`try { ${attempt} } catch {}`)
    expect(complaints).not.toEqual([])
    expect(await page.getByText('run', { exact: true }).count()).toBe(0)
  })

  test('says that the sandbox has gone, and comes back with it', async () => {
    const { url, send, sandbox, restart } = await setupSandbox()
    const { page } = await openInbox(url)
    await send()
    await page.getByTestId('message').waitFor()
    await sandbox.close()
    await page.getByText('Sandbox is not running').waitFor()
    // What was there can still be read.
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    const again = await restart()
    await live(page)
    await again.send('+12015550102')
    await page.getByTestId('to').getByText('+1 201 555 0102').waitFor()
    expect(await page.getByTestId('message').count()).toBe(1)
  })

  test('reads everything once, and not again for each of 500 messages', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    for (let sent = 0; sent < 500; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, () => send('+4915123456789')))
    }
    await page.getByTestId('row').nth(499).waitFor({ state: 'attached' })
    expect(await page.getByTestId('message').count()).toBe(500)
    expect(asked).toEqual([])
    await page.reload()
    await live(page)
    expect(await page.getByTestId('row').count()).toBe(500)
    expect(complaints).toEqual([])
  }, 90_000)

  test('is a list without JavaScript, that asks for itself', async () => {
    const { url, send, control } = await setupSandbox()
    await send('+12015550111')
    const { page, complaints } = await open({ javaScriptEnabled: false })
    await page.goto(url)
    expect(await page.getByTestId('why').textContent()).toContain('Magic number 0111')
    await send()
    // The page asks for itself every three seconds.
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    expect(await page.getByRole('button').count()).toBe(0)
    await page.getByRole('link', { name: number }).click()
    await page.waitForURL(`${url}/?to=%2B12015550100`)
    expect(await page.getByTestId('why').count()).toBe(0)
    await page.getByRole('link', { name: '1', exact: true }).click()
    await page.waitForURL(`${url}/m/1`)
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    await control('DELETE', 'messages')
    await page.getByText('Message 1 is not here any more.').waitFor()
    expect(complaints).toEqual([expect.stringContaining('404')])
  })
})

describe('an address of the inbox', () => {
  test('/?to= is one phone, which the list of phones leads to', async () => {
    const { url, send } = await setupSandbox()
    await send()
    await send('+12015550101')
    const { page, complaints } = await openInbox(`${url}/?to=+12015550101`)
    expect(await page.getByTestId('to').filter({ visible: true }).allTextContents()).toEqual([
      '+1 201 555 0101',
    ])
    await page.getByTestId('phone').getByText('+1 201 555 0100').click()
    expect(new URL(page.url()).searchParams.get('to')).toBe(number)
    expect(await page.getByTestId('to').filter({ visible: true }).allTextContents()).toEqual([
      '+1 201 555 0100',
    ])
    await send('+12015550101')
    await page.getByText('1 new').waitFor()
    await page.goBack()
    expect(await page.getByTestId('row').filter({ visible: true }).count()).toBe(2)
    expect(await page.getByText('1 new').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('/m/{seq} is one message', async () => {
    const { url, send } = await setupSandbox()
    for (let sent = 0; sent < 12; sent += 1) await send()
    const { page, complaints } = await openInbox(`${url}/m/2`)
    const bubble = page.locator('[data-testid=message][data-chosen]')
    await bubble.waitFor()
    expect(await bubble.getAttribute('data-seq')).toBe('2')
    expect(
      await page.evaluate(`document.activeElement.querySelector('[data-seq]').dataset.seq`),
    ).toBe('2')
    expect(complaints).toEqual([])
  })
})

describe('a message that the app has written itself', () => {
  test.each([
    ['SMS', '/messaging/v1/sms', { from: 'Acme', to: number, message: '271828 is your code.' }],
    [
      'WhatsApp',
      '/messaging/v1/chat/messages',
      {
        to: number,
        channels: ['whatsapp'],
        whatsapp: { from: '4915112345678', contentType: 'text', text: '271828 is your code.' },
      },
    ],
  ])('is a row of its own: %s', async (channel, path, body) => {
    const { url, sandbox } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    const sent = await fetch(sandbox.url + path, {
      method: 'POST',
      headers: { apikey: sandbox.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(sent.ok).toBe(true)
    for (const reading of ['live', 'again']) {
      if (reading === 'again') await page.reload()
      await page.getByTestId('message').waitFor()
      expect(await page.getByTestId('channel').textContent()).toBe(channel)
      expect(await page.getByTestId('code').textContent()).toBe('271828')
      expect(await page.getByTestId('row').count()).toBe(1)
      expect(await page.getByTestId('state').isVisible()).toBe(false)
    }
    expect(complaints).toEqual([])
  })
})
