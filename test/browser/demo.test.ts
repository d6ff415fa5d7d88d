import { describe, expect, test } from 'vitest'
import { startDemo } from '../support/demo.js'
import { open } from './browser.js'

const number = '+1 201 555 0100'
const withoutScripts = { javaScriptEnabled: false }

describe.each(['express', 'koa'])('the demo on %s, without JavaScript', (framework) => {
  test('signs in with the code that the phone got, and out again', async () => {
    const { url, code } = await startDemo(framework)
    const { page, complaints } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('•••0100').waitFor()
    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.getByText('Your number is').textContent()).toContain('+12015550100')
    expect(new URL(page.url()).pathname).toBe('/')

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Mobile number').waitFor()
    await page.reload()
    await page.getByLabel('Mobile number').waitFor()
    expect(complaints).toEqual([])
  })

  test('goes on by SMS where WhatsApp can not deliver', async () => {
    const { url, sandbox, code, callsToTyntec } = await startDemo(framework, '', {
      CHANNELS: 'whatsapp,sms',
    })
    const { page, complaints } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill('+1 201 555 0114')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('•••0114').waitFor()
    await page.getByLabel('Security code').fill(await code('+12015550114'))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    const messages = (await (await fetch(`${sandbox}/messages`)).json()) as { channel: string }[]
    expect(messages.map(({ channel }) => channel)).toEqual(['sms'])
    const sent = await callsToTyntec('POST')
    expect(sent.map(({ path }) => path.replace(/otp\/.*/, 'otp/check'))).toEqual([
      '/messaging/v1/chat/messages',
      '/2fa/v1/otp',
      '/2fa/v1/otp/check',
    ])
    expect(complaints).toEqual([])
  })

  test('says once that a code was wrong, and takes the right one after it', async () => {
    const { url, code } = await startDemo(framework)
    const { page, complaints } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').fill('000000')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.title()).toMatch(/^Error: /)
    await page.reload()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.title()).not.toMatch(/^Error: /)

    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('posts nothing again when the page is reloaded', async () => {
    const { url, code, callsToTyntec } = await startDemo(framework)
    const { page, posts } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').waitFor()
    await page.reload()
    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()

    expect(posts).toEqual(['/login/send', '/login/check'])
    expect(await callsToTyntec('POST')).toHaveLength(2)
  })

  test('says so when the code is asked for again too soon', async () => {
    const { url, callsToTyntec } = await startDemo(framework)
    const { page } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('button', { name: 'Send the code again' }).click()
    await page
      .getByRole('status')
      .getByText(/You can ask for the code again in \d+ seconds/)
      .waitFor()
    await page.getByText(/You can ask for it again in \d+ seconds/).waitFor()
    expect(await callsToTyntec('POST')).toHaveLength(1)
  })

  test('starts over with another number', async () => {
    const { url, code } = await startDemo(framework)
    const { page } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('button', { name: 'Use a different number' }).click()
    await page.getByLabel('Mobile number').fill('12')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Mobile number').fill('+1 201 555 0101')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').fill(await code('+12015550101'))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.getByText('Your number is').textContent()).toContain('+12015550101')
  })
})
