import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Client, createClient, expectProblem } from './support/client.js'
import { moveDate } from './support/date.js'
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

/** One of the examples in this process, on a sandbox of its own. */
async function startExample<Example extends { server: Server }>(load: () => Promise<Example>) {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  vi.stubEnv('TYNTEC_BASE_URL', sandbox.url)
  vi.stubEnv('TYNTEC_API_KEY', sandbox.apiKey)
  // It reads the settings of its environment as it is loaded.
  const example = await load()
  const { server } = example
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  const prove = async (client: Client, path: string, number: string) => {
    expect((await client.post(`${path}/send`, { number })).status).toBe(202)
    return client.submit(`${path}/check`, { code: await sandbox.waitForCode(number) })
  }
  return { example, sandbox, base: `http://127.0.0.1:${port}`, prove }
}

const account = async (client: Client) => (await client.get('/account')).json

test('the example adds a number to somebody who is signed in, and none of another', async () => {
  const { base, prove } = await startExample(() => import('../examples/add-number.js'))
  const [first, second, third] = ['+12015550100', '+12015550101', '+12015550102'] as const

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

test('the example changes a number after a recent sign-in, and the old one is told', async () => {
  const { example, sandbox, base, prove } = await startExample(
    () => import('../examples/change-number.js'),
  )
  const told: unknown[] = []
  example.events.on('numberChanged', (event) => told.push(event))
  const [first, second, third, fourth] = [
    '+12015550100',
    '+12015550101',
    '+12015550102',
    '+12015550103',
  ] as const

  const late = createClient(base)
  expect((await late.post('/account/number/send', { number: second })).status).toBe(303)
  await prove(late, '/login', third)
  moveDate(301)
  // A session that somebody has left open changes nothing, not even with a code that was sent in time.
  for (const step of ['send', 'check']) {
    const answer = await late.post(`/account/number/${step}`, { number: second, code: '424242' })
    expect([answer.status, answer.json]).toEqual([403, { error: 'sign_in_again' }])
  }

  const client = createClient(base)
  await prove(client, '/login', first)
  // A code for a sign-in is none for a change.
  await client.post('/login/send', { number: fourth })
  await client.submit('/account/number/check', { code: await sandbox.waitForCode(fourth) })
  const taken = await prove(client, '/account/number', third)
  expect([taken.status, taken.headers.location]).toEqual([302, '/account'])
  expect(await account(client)).toEqual({
    account: { number: first },
    messages: [
      'There is no code to check in this browser. Ask for a new one.',
      'This number belongs to another account.',
    ],
  })
  expect(told).toEqual([])

  const changed = await prove(client, '/account/number', second)
  expect([changed.status, changed.headers.location]).toEqual([303, '/account'])
  expect(await account(client)).toEqual({ account: { number: second }, messages: [] })
  expect(told).toEqual([{ account: expect.any(String), oldNumber: first, newNumber: second }])
  // One sign-in is good for one change.
  const again = await client.post('/account/number/send', { number: fourth })
  expect(again.status).toBe(403)
})

test('the example asks for a code after the password, and lets nobody in with one of both', async () => {
  const { example, sandbox, base } = await startExample(
    () => import('../examples/second-factor.js'),
  )
  const [own, other] = ['+12015550100', '+12015550101'] as const
  example.addAccount('ada', 'a password', own)
  example.addAccount('eve', 'another one', other)
  const refused = async (client: Client) => {
    const { status, json } = await client.get('/account')
    return [status, json?.error]
  }

  const client = createClient(base)
  expect((await client.post('/login/code/send', { number: own })).status).toBe(401)
  expect((await client.post('/login', { name: 'ada', password: 'wrong' })).status).toBe(401)
  expect((await client.post('/login', { name: 'bob', password: 'a password' })).status).toBe(401)
  expect(await refused(client)).toEqual([401, 'sign_in'])
  expect((await client.post('/login', { name: 'ada', password: 'a password' })).status).toBe(200)
  expect(await refused(client)).toEqual([401, 'second_factor'])

  // To her own number, whatever the request says.
  expect((await client.post('/login/code/send', { number: other })).status).toBe(202)
  expect(sandbox.messages().map(({ to }) => to)).toEqual([own])
  await client.submit('/login/code/check', { code: '000000' })
  expect(await refused(client)).toEqual([401, 'second_factor'])

  // The code of somebody else's phone is none of hers, even in one browser.
  const eve = createClient(base, new Map(client.jar))
  await eve.post('/login', { name: 'eve', password: 'another one' })
  await eve.submit('/login/code/check', { code: await sandbox.waitForCode(own) })
  expect(await refused(eve)).toEqual([401, 'second_factor'])

  const again = createClient(base)
  await again.post('/login', { name: 'eve', password: 'another one' })
  expect((await again.post('/login/code/send')).status).toBe(202)
  const before = again.jar.get('connect.sid')
  const done = await again.submit('/login/code/check', { code: await sandbox.waitForCode(other) })
  expect([done.status, done.headers.location]).toEqual([303, '/account'])
  expect(await account(again)).toEqual({ account: { name: 'eve' } })
  // The session that can do more has another id.
  expect(again.jar.get('connect.sid')).not.toBe(before)
})
