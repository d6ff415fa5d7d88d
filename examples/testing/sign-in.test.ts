import { expect } from 'vitest'
import { test } from './fixtures.js'

const number = '+12015550100'

test('signs in with the code that came', async ({ sandbox, browser }) => {
  expect((await browser('/login/send', { number })).status).toBe(202)
  const code = await sandbox.waitForCode(number)
  expect((await browser('/login/check', { code })).status).toBe(200)
  expect(await (await browser('/me')).json()).toEqual({ id: 0 })
})

test('lets nobody in with a wrong code', async ({ browser }) => {
  await browser('/login/send', { number })
  const answer = await browser('/login/check', { code: '000000' })
  expect(await answer.json()).toMatchObject({ status: 401, code: 'invalid_code' })
  expect((await browser('/me')).status).toBe(401)
})

test('lets nobody in with an old code', async ({ sandbox, browser }) => {
  await browser('/login/send', { number })
  const code = await sandbox.waitForCode(number)
  sandbox.advance(301)
  expect(await (await browser('/login/check', { code })).json()).toMatchObject({ status: 410 })
  expect((await browser('/me')).status).toBe(401)
})

test('says so when tyntec fails, and works again after it', async ({ sandbox, browser }) => {
  sandbox.fault({ operation: 'otp.send', kind: 'status', status: 403, times: 1 })
  expect((await browser('/login/send', { number })).status).toBe(503)
  expect((await browser('/login/send', { number })).status).toBe(202)
  expect(sandbox.messages()).toHaveLength(1)
})

test('pays for one message however often the button is pressed', async ({ sandbox, browser }) => {
  await browser('/login/send', { number })
  await Promise.all([browser('/login/send', { number }), browser('/login/send', { number })])
  const sends = sandbox.requests().filter(({ operation }) => operation === 'otp.send')
  expect(sends).toHaveLength(1)
})
