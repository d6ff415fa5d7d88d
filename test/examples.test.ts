import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createClient, expectProblem } from './support/client.js'
import { startDemo } from './support/demo.js'
import { startRedis } from './support/redis.js'

describe.each(['express', 'koa'])('the example on %s', (framework) => {
  test('answers a body that it cannot read with a problem, which nobody keeps', async () => {
    const { url } = await startDemo(framework)
    const answer = await createClient(url).post('/login/send', undefined, { raw: '{"number":' })
    expectProblem(answer, 400, 'bad_request')
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(answer.headers).not.toHaveProperty('retry-after')
  })

  test('answers with a problem to wait for while its sessions are away', async () => {
    const redis = await startRedis()
    const { url, code } = await startDemo(framework, redis.url)
    const client = createClient(url)
    await client.post('/login/send', { number: '+12015550100' })
    expect(await client.post('/login/check', { code: await code() })).toMatchObject({ status: 200 })
    expect(await client.get('/me')).toMatchObject({ status: 200 })
    await redis.kill()
    const answer = await client.get('/me')
    expectProblem(answer, 503, 'service_unavailable', { retryAfter: 5 })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '5' })
    const page = await client.get('/login', { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
    expect(page.text).toContain('<h1>Service unavailable</h1>')
  })
})

test('the example adds a number to somebody who is signed in, and none of another', async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  vi.stubEnv('TYNTEC_BASE_URL', sandbox.url)
  vi.stubEnv('TYNTEC_API_KEY', sandbox.apiKey)
  const { server } = await import('../examples/add-number.js')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  const base = `http://127.0.0.1:${port}`
  const [first, second, third] = ['+12015550100', '+12015550101', '+12015550102'] as const
  const prove = async (client: ReturnType<typeof createClient>, path: string, number: string) => {
    expect((await client.post(`${path}/send`, { number })).status).toBe(202)
    return client.submit(`${path}/check`, { code: await sandbox.waitForCode(number) })
  }
  const account = async (client: ReturnType<typeof createClient>) =>
    (await client.get('/account')).json

  const other = createClient(base)
  await prove(other, '/login', third)
  const client = createClient(base)
  // Nobody is signed in yet.
  expect((await client.post('/account/number/send', { number: second })).status).toBe(303)
  await prove(client, '/login', first)
  const session = client.jar.get('connect.sid')

  const added = await prove(client, '/account/number', second)
  expect([added.status, added.headers.location]).toEqual([303, '/account'])
  expect(await account(client)).toEqual({ account: { numbers: [first, second] }, messages: [] })
  // The session goes on as it was.
  expect(client.jar.get('connect.sid')).toBe(session)

  await client.post('/account/number/send', { number: '+12015550103' })
  await client.submit('/account/number/check', { code: '000000' })
  const refused = await prove(client, '/account/number', third)
  expect([refused.status, refused.headers.location]).toEqual([302, '/account'])
  expect(await account(client)).toEqual({
    account: { numbers: [first, second] },
    messages: [
      'The code is not right. Check it and try again.',
      'This number belongs to another account.',
    ],
  })
  // The number that was added signs in as the same person.
  const phone = createClient(base)
  await prove(phone, '/login', second)
  expect(await account(phone)).toEqual({ account: { numbers: [first, second] }, messages: [] })
})
