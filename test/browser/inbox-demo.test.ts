import { describe, expect, test } from 'vitest'
import { startDemo } from '../support/demo.js'
import { open } from './browser.js'

describe.each(['express', 'koa'])(
  'the demo on %s shows app and phone side by side',
  (framework) => {
    test('with numbers and codes that go from one to the other, and one clock', async () => {
      const { url } = await startDemo(framework)
      const { page, complaints } = await open({ viewport: { width: 1400, height: 850 } })
      await page.goto(`${url}/demo`)
      const app = page.frameLocator('#app')
      const phone = page.frameLocator('#phone')
      await phone.locator('#connection[data-state=live]').waitFor()

      await phone.getByRole('link', { name: 'Numbers' }).click()
      await phone.getByRole('button', { name: 'Use +1 201 555 0110' }).click()
      expect(await app.locator('input[name=number]').inputValue()).toBe('+12015550110')
      await app.getByRole('button', { name: 'Send code' }).click()
      await phone.getByRole('link', { name: 'Phones' }).click()
      // It comes ten seconds late, by a clock that does not wait.
      await phone.getByTestId('timeline').getByText('is on its way').waitFor()
      await phone.getByRole('button', { name: '+30 s' }).click()
      await phone.getByTestId('message').waitFor()

      await app.locator('input[name=code]').waitFor()
      await phone.getByRole('button', { name: 'Fill in code 424242' }).click()
      expect(await app.locator('input[name=code]').inputValue()).toBe('424242')
      await phone.getByRole('button', { name: '+5 min' }).click()
      await phone.getByTestId('state').getByText('Expired').waitFor()
      await app.getByRole('button', { name: 'Continue' }).click()
      // The app's clock has run out too: the code is right, and nobody is signed in.
      await app
        .getByText(/run out|expired/)
        .first()
        .waitFor()
      expect(complaints).toEqual([])
    }, 90_000)

    test('and lets nobody else frame the app', async () => {
      const { url } = await startDemo(framework)
      const read = async (headers: Record<string, string>) => {
        const response = await fetch(`${url}/login`, {
          headers: { accept: 'text/html', ...headers },
        })
        return response.headers.get('content-security-policy') ?? ''
      }
      const own = await read({ 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-origin' })
      expect(own).not.toContain("frame-ancestors 'none'")
      const others = [
        await read({}),
        await read({ 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }),
        await read({ 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-site' }),
      ]
      expect(new Set(others).size).toBe(1)
      expect(others[0]).not.toContain("frame-ancestors 'self'")
      const { headers } = await fetch(`${url}/demo`)
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    })
  },
)
