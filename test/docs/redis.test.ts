import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { startRedis } from '../support/redis.js'

const page = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8')
const number = '+12015550100'

async function signIn(client: Redis): Promise<string> {
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const sandbox = await startSandbox()
  onTestFinished(sandbox.close)
  const flow = createOtpFlow({
    apiKey: sandbox.apiKey,
    baseUrl: sandbox.url,
    secret: randomUUID() + randomUUID(),
    countries: ['US'],
    store: redisStore(client, { timeout: 2 }),
  })
  const sent = await flow.send({ number, address: '192.0.2.1' })
  if (sent.status !== 'sent') return sent.status
  const code = await sandbox.waitForCode(number)
  const checked = await flow.check({ handle: sent.handle, code, address: '192.0.2.1' })
  if (checked.status === 'verified') await flow.complete(checked.proof)
  await flow.unlock(number)
  return checked.status
}

test('the rights that docs/redis.md lists are enough, and each of them is needed', async () => {
  const [, scripts = '', own = ''] =
    /\| ACL \| `([^`]+)` on `~tyntec-otp:\*`, and what the client itself asks for: `([^`]+)`/.exec(
      page,
    ) ?? []
  const server = await startRedis()
  const admin = new Redis(server.url)
  onTestFinished(() => admin.disconnect())
  const url = server.url.replace('redis://', 'redis://app:pa55@')
  const allow = (rights: readonly string[]) =>
    admin.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pa55', '~tyntec-otp:*', ...rights)
  const rights = scripts.split(' ')
  await allow([...rights, ...own.split(' ')])
  expect(await signIn(new Redis(url))).toBe('verified')
  for (const missing of ['+evalsha', '+time', '+mget', '+set']) {
    await admin.flushall()
    await allow([...rights.filter((right) => right !== missing), ...own.split(' ')])
    await expect(signIn(new Redis(url))).rejects.toThrow('Redis')
  }
})

test('a keyPrefix of the client goes before the prefix of the store', async () => {
  const server = await startRedis()
  const admin = new Redis(server.url)
  onTestFinished(() => admin.disconnect())
  expect(await signIn(new Redis(server.url, { keyPrefix: 'app:' }))).toBe('verified')
  const keys = await admin.keys('*')
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) expect(key).toMatch(/^app:tyntec-otp:/)
})
