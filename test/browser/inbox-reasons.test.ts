import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { number, openInbox, sentencesOf, setupSandbox } from './inbox-setup.js'

type Sandbox = Awaited<ReturnType<typeof setupSandbox>>

/** So long does an app wait for tyntec here. */
const patience = () => ({ signal: AbortSignal.timeout(500) })

const rowOf = (page: Page) => page.getByTestId('row').first()

const noMessage = 'No message came.'
const refused = (status: number) => `A code was asked for, and the answer was ${status}.`
const unanswered = 'A code was asked for, and there was no answer.'

describe('a magic number tells why no code came, or none was taken', () => {
  const atSend = [
    ['0111', noMessage, 'Magic number 0111: The message never comes.'],
    ['0112', 'The message came, but not as usual.', 'Magic number 0112: The message comes twice.'],
    ['0113', noMessage, 'Magic number 0113: An SMS fails; a call works.'],
    ['0130', refused(400), 'Magic number 0130'],
    ['0131', refused(401), 'Magic number 0131'],
    ['0132', refused(403), 'Magic number 0132'],
    ['0140', refused(500), 'Magic number 0140'],
    ['0141', refused(500), 'Magic number 0141'],
    ['0142', unanswered, 'Magic number 0142'],
    ['0143', unanswered, 'Magic number 0143'],
    ['0144', refused(200), 'Magic number 0144'],
    ['0145', refused(502), 'Magic number 0145'],
    ['0146', refused(200), 'Magic number 0146'],
    ['0150', refused(429), 'Magic number 0150'],
    // The last, since its message comes while the next would be looked at.
    ['0110', 'The message is on its way.', 'It comes 10 s later'],
  ] as const

  test('at the send, in one sentence, and still after a reload', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    for (const [last, what, reason] of atSend) {
      const said = await sentencesOf(page, () => send(`+1201555${last}`, {}, patience()))
      const why = rowOf(page).getByTestId('why')
      await why.waitFor()
      expect(await why.textContent()).toContain(what + reason)
      expect(await rowOf(page).getByTestId('to').textContent()).toBe(`+1 201 555 ${last}`)
      // A message that comes twice is two changes.
      expect([last, said.length]).toEqual([last, last === '0112' ? 2 : 1])
    }
    await page.reload()
    await page
      .getByTestId('why')
      .nth(atSend.length - 1)
      .waitFor({ state: 'attached' })
    const all = (await page.getByTestId('why').allTextContents()).toReversed()
    for (const [index, [, , reason]] of atSend.entries()) expect(all[index]).toContain(reason)
    expect(complaints).toEqual([])
  }, 90_000)

  test('0147: the message came, and the app did not learn it', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send('+12015550147', {}, patience())
    await page.getByText('Call 1 (otp.send) got no answer.').waitFor()
    expect(await page.getByTestId('code').textContent()).toBe('424242')
    expect(await page.getByTestId('row').count()).toBe(1)
    expect(await rowOf(page).textContent()).toContain('Magic number 0147')
    expect(complaints).toEqual([])
  })

  const check = ({ check }: Sandbox, otpId: string) => check(otpId, '424242')
  const resend = ({ resend }: Sandbox, otpId: string) => resend(otpId)

  test('at the check or the resend, in one sentence', async () => {
    const sandbox = await setupSandbox()
    const { page, complaints } = await openInbox(sandbox.url)
    for (const [last, step, state] of [
      ['0120', check, 'Expired'],
      ['0121', check, 'left'],
      ['0122', check, 'Expired'],
      ['0123', check, 'Deleted'],
      ['0124', resend, 'Expired'],
    ] as const) {
      const { otpId } = await sandbox.send(`+1201555${last}`)
      await rowOf(page).getByTestId('message').waitFor()
      const said = await sentencesOf(page, () => step(sandbox, otpId))
      await rowOf(page).getByText(`Magic number ${last}`).first().waitFor()
      expect(await rowOf(page).getByTestId('state').textContent()).toContain(state)
      expect([last, said.length]).toEqual([last, 1])
    }
    expect(complaints).toEqual([])
  })

  test('or which code it has', async () => {
    const { url, send } = await setupSandbox()
    const { page } = await openInbox(url)
    for (const last of ['0160', '0161', '0162', '0163']) await send(`+1201555${last}`)
    await page.getByTestId('message').nth(3).waitFor()
    expect(await page.getByTestId('code').allTextContents()).toEqual([
      '000042',
      '42424242424',
      '4242',
      'a1b2c3',
    ])
  })

  test('a landline gets no SMS, and a call', async () => {
    const { url, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send('+493023125001', { via: 'SMS' })
    await page.getByTestId('why').waitFor()
    expect(await page.getByTestId('why').textContent()).toContain('landline')
    await send('+493023125001')
    await page.getByTestId('message').waitFor()
    expect(await page.getByTestId('channel').textContent()).toBe('Call')
    expect(await page.getByRole('button', { name: 'Play the call' }).count()).toBe(1)
    expect(complaints).toEqual([])
  })
})

describe('a fault tells why no code came', () => {
  test('whatever it does, in one sentence', async () => {
    const { url, send, control } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    for (const [kind, what, more] of [
      ['status', refused(503), { status: 503 }],
      ['hang', unanswered, {}],
      ['reset', unanswered, {}],
      ['empty', refused(200), {}],
      ['malformed', refused(200), {}],
      ['truncate', refused(200), {}],
      ['html', refused(502), {}],
      ['redirect', refused(302), { location: 'https://example.com/' }],
      ['slow-body', refused(200), { ms: 10 }],
      ['drop-message', noMessage, {}],
      ['fail-message', noMessage, {}],
    ] as const) {
      await control('DELETE', 'faults')
      await control('POST', 'faults', { operation: 'otp.send', kind, ...more })
      await page.getByTestId('fault').getByText('Turn off').waitFor({ state: 'attached' })
      await page.waitForTimeout(100)
      const said = await sentencesOf(page, () =>
        send(number, {}, { ...patience(), redirect: 'manual' }),
      )
      const why = rowOf(page).getByTestId('why')
      await why.waitFor()
      expect(await why.textContent()).toContain(`${what}Fault "${kind}" on otp.send`)
      expect([kind, said.length]).toEqual([kind, 1])
    }
    expect(await page.getByTestId('message').count()).toBe(0)
    expect(complaints).toEqual([])
  }, 90_000)

  test('duplicate-message: it came twice', async () => {
    const { url, send, control } = await setupSandbox()
    const { page } = await openInbox(url)
    await control('POST', 'faults', { operation: 'otp.send', kind: 'duplicate-message' })
    await send()
    await page.getByTestId('message').nth(1).waitFor()
    expect(await page.getByTestId('why').textContent()).toContain('duplicate-message')
  })

  test('delay: the call waits, and the message comes after it', async () => {
    const { url, send, control } = await setupSandbox()
    const { page } = await openInbox(url)
    await control('POST', 'faults', { operation: 'otp.send', kind: 'delay', ms: 300 })
    await send()
    await page.getByText('Call 1 (otp.send) got 200.').waitFor()
    expect(await page.getByTestId('row').textContent()).toContain('Fault "delay" on otp.send')
    expect(await page.getByTestId('message').count()).toBe(1)
    expect(await page.getByTestId('row').count()).toBe(1)
  })

  test('of an app that uses a wrong key, or leaves the number out', async () => {
    const { url, api, send } = await setupSandbox()
    const { page, complaints } = await openInbox(url)
    await send(number, {}, { headers: { apikey: 'live_key' } })
    await rowOf(page).getByText('the answer was 401').waitFor()
    expect(await rowOf(page).textContent()).toContain('A key of the sandbox begins with sandbox_')
    expect(await page.locator('body').textContent()).not.toContain('live_key')
    await api('')
    await rowOf(page).getByText('the answer was 400').waitFor()
    expect(complaints).toEqual([])
  })
})
