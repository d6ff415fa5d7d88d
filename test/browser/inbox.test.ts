import { describe, expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { open } from './browser.js'

const number = '+12015550100'

describe("the sandbox's inbox", () => {
  test('shows a message as it arrives, without a reload', async () => {
    const { url, send } = await setup()
    const { page, complaints } = await open()
    await page.goto(url)
    await page.getByTestId('empty').waitFor()
    await page.evaluate(`document.body.setAttribute('data-loaded', 'once')`)

    await send()
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('to').textContent()).toBe(number)
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    expect(await page.locator('body').getAttribute('data-loaded')).toBe('once')
    expect(complaints).toEqual([])
  })

  test('shows the newest message first, and none once they are deleted', async () => {
    const { url, send, control } = await setup()
    const { page, complaints } = await open()
    await page.goto(url)
    await send()
    await page.getByTestId('message').waitFor()
    await send('+12015550101')
    await page.getByTestId('message').nth(1).waitFor()
    expect(await page.getByTestId('to').allTextContents()).toEqual(['+12015550101', number])
    await control('DELETE', 'messages')
    await page.getByTestId('empty').waitFor()
    expect(complaints).toEqual([])
  })

  test('shows a text that looks like a page as text', async () => {
    const { url, send } = await setup()
    const { page, complaints } = await open()
    await page.goto(url)
    const text = `<img src=x onerror="document.title = 'run'"><script>document.title='run'</script> & {{OTP}}`
    await send(number, text)
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('text').textContent()).toBe(text.replace('{{OTP}}', '424242'))
    expect(await page.locator('#messages img, #messages script').count()).toBe(0)
    await page.reload()
    expect(await page.getByTestId('text').textContent()).toBe(text.replace('{{OTP}}', '424242'))
    expect(await page.locator('#messages img, #messages script').count()).toBe(0)
    expect(await page.title()).toBe('Sandbox inbox')
    expect(complaints).toEqual([])
  })

  test('runs no script but its own', async () => {
    const { url } = await setup()
    const { page, complaints } = await open()
    await page.goto(url)
    // As a string, since the tests are compiled without the types of a browser.
    await page.evaluate(`
      const script = document.createElement('script')
      script.textContent = "document.title = 'run'"
      document.body.append(script)`)
    expect(await page.title()).toBe('Sandbox inbox')
    expect(complaints).toEqual([expect.stringMatching(/^Executing inline script violates/)])
  })

  test('comes back by itself after a break', async () => {
    const { url, send, close, restart } = await setup()
    const { page } = await open()
    await page.goto(url)
    await send()
    await page.getByTestId('message').waitFor()
    await close()
    const again = await restart()
    await again.send('+12015550102')
    await page.getByText('+12015550102').first().waitFor()
    expect(await page.getByTestId('message').count()).toBe(1)
  })

  test('works without JavaScript', async () => {
    const { url, send } = await setup()
    const { page, complaints } = await open({ javaScriptEnabled: false })
    await page.goto(url)
    await page.getByTestId('empty').waitFor()
    await send()
    // The page asks for itself every three seconds.
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    expect(complaints).toEqual([])
  })
})

async function setup(port = 0) {
  const sandbox = await startSandbox({ port })
  onTestFinished(() => sandbox.close())
  const ask = async (
    path: string,
    { headers, ...init }: { method: string; headers?: Record<string, string> },
  ) => {
    // A connection for each call: the next sandbox on this port must not meet an old one.
    const response = await fetch(sandbox.url + path, {
      ...init,
      headers: { ...headers, connection: 'close' },
    })
    if (!response.ok) throw new Error(await response.text())
  }
  return {
    url: sandbox.url,
    send(to = number, text?: string) {
      const query = new URLSearchParams({ number: to, pinLength: '6', ...(text && { text }) })
      return ask(`/2fa/v1/otp?${query.toString()}`, {
        method: 'POST',
        headers: { apikey: sandbox.apiKey },
      })
    },
    control: (method: string, path: string) => ask(`/_sandbox/${path}`, { method }),
    close: () => sandbox.close(),
    /** On the same port. */
    restart: () => setup(Number(new URL(sandbox.url).port)),
  }
}
