import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { requestsOf } from '../support/app.js'

const number = '+12015550100'
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'

// proves: IN-2
test('a polluted prototype lends a request nothing', { timeout: 30_000 }, async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const requests = ['send', 'check', 'resend', 'cancel'].flatMap((route) => {
    const path = `/login/${route}`
    return [
      { path, type: json, body: '{}' },
      { path, type: form, body: 'x=1' },
      { path, type: json, body: '{"number":null,"code":null}' },
    ]
  })
  // A number of another country is of that country, and not of the one that everything has.
  requests.push({ path: '/login/send', type: json, body: '{"number":"+4915112345678"}' })
  const settings = {
    baseUrl: sandbox.url,
    apiKey: sandbox.apiKey,
    // Every object of the process has these, those of the parsers and of this package too.
    pollution: {
      number,
      code: '424242',
      country: 'US',
      via: 'voice',
      language: 'de',
      flow: 'x'.repeat(91),
      device: 'x',
      challenge: 'x',
      address: '192.0.2.1',
    },
    requests,
  }
  const child = fork(
    fileURLToPath(new URL('polluted-app.ts', import.meta.url)),
    [JSON.stringify(settings)],
    { execArgv: ['--import', 'tsx'] },
  )
  onTestFinished(() => void child.kill())
  const [{ answers, signedIn }] = await once(child, 'message')

  const expected = (port: number) =>
    requests.map(({ path, body }) => {
      if (body.includes('+49')) return { port, path, status: 403, code: 'number_not_allowed' }
      const [status, code] = {
        '/login/send': [400, 'number_required'],
        '/login/check': [400, 'code_required'],
        '/login/resend': [409, 'no_pending_code'],
        '/login/cancel': [204, ''],
      }[path] ?? [0, '']
      return { port, path, status, code }
    })
  expect(answers).toEqual([...expected(0), ...expected(1)])
  expect(signedIn).toBe(0)
  expect(await requestsOf(sandbox)).toEqual([])
})
