import express from 'express'
import { otpRouter } from 'passport-tyntec-otp/express'
import { describe, expect, test, vi } from 'vitest'
import { runJson } from '../cli/setup.js'
import { listen } from '../support/app.js'
import { createClient } from '../support/client.js'
import { moveDate } from '../support/date.js'
import { setupFlow, type TestFlow } from '../support/flow.js'
import { createRedis, startRedis } from '../support/redis.js'

/** A busy machine answers late, which is no fault of a set-up here. */
const told = (findings: readonly { id: string }[]) =>
  findings.map(({ id }) => id).filter((id) => id !== 'redis-latency')

const ofHealth = async ({ flow }: TestFlow) => told((await flow.health()).findings)

/** What the command finds on the same Redis, tyntec and environment. */
async function ofDoctor({ sandbox }: TestFlow, url: string, env: Record<string, string> = {}) {
  const { value } = await runJson(['doctor'], {
    TYNTEC_API_KEY: sandbox.apiKey,
    TYNTEC_BASE_URL: sandbox.url,
    REDIS_URL: url,
    ...env,
  })
  return told(value as { id: string }[])
}

/** A Redis of the test's own, with a user beside its own. */
async function setupRedis() {
  const server = await startRedis()
  const { redis } = await createRedis({ url: server.url })
  const grant = (...rights: string[]) =>
    redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', ...rights)
  return { ...server, redis, grant, asApp: server.url.replace('redis://', 'redis://app:pa55@') }
}

// proves: FAIL-6
describe('a flow and the command find the same', () => {
  test('nothing, where nothing is wrong', async () => {
    const { url } = await createRedis()
    const setup = await setupFlow('redis')
    expect([await ofHealth(setup), await ofDoctor(setup, url)]).toEqual([[], []])
  })

  test('in a Redis that throws keys away', async () => {
    const { url, redis } = await setupRedis()
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const setup = await setupFlow('redis', {}, { redisUrl: url })
    const expected = ['redis-eviction']
    expect([await ofHealth(setup), await ofDoctor(setup, url)]).toEqual([expected, expected])
    expect(await setup.flow.health()).toMatchObject({ ok: false })
  })

  test('in a Redis whose clock is another', async () => {
    const { url } = await createRedis()
    const setup = await setupFlow('redis')
    moveDate(60)
    const expected = ['redis-clock']
    expect([await ofHealth(setup), await ofDoctor(setup, url)]).toEqual([expected, expected])
  })

  test.each([
    ['no scripts', ['>pa55', '~*', '+@all', '-@scripting']],
    ['no commands in scripts', ['>pa55', '~*', '+eval', '+evalsha', '+ping', '+info', '+client']],
  ])('in a Redis that grants %s', async (_, rights) => {
    const { grant, asApp } = await setupRedis()
    await grant('>pa55', '~*', '+@all')
    const setup = await setupFlow('redis', {}, { redisUrl: asApp })
    await grant(...rights)
    const expected = ['redis-scripts']
    expect([await ofHealth(setup), await ofDoctor(setup, asApp)]).toEqual([expected, expected])
  })

  test('in a Redis that only grants what is asked for, which says little of itself', async () => {
    const { grant, asApp, redis } = await setupRedis()
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await grant('>pa55', '~*', '+@all')
    const setup = await setupFlow('redis', {}, { redisUrl: asApp })
    const commands = '+eval +evalsha +time +mget +set +get +del +exists +ping +hello +client'
    await grant('>pa55', '~*', ...commands.split(' '))
    expect([await ofHealth(setup), await ofDoctor(setup, asApp)]).toEqual([[], []])
  })

  test('in a replica, which takes no writes', async () => {
    const { url, redis } = await setupRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: url })
    await redis.call('REPLICAOF', '127.0.0.1', '9')
    const expected = ['redis-unreachable']
    expect([await ofHealth(setup), await ofDoctor(setup, url)]).toEqual([expected, expected])
  })

  test('in a Redis that has gone', async () => {
    const { url, kill } = await setupRedis()
    const setup = await setupFlow('redis', {}, { redisUrl: url })
    await kill()
    const expected = ['redis-unreachable']
    expect([await ofHealth(setup), await ofDoctor(setup, url)]).toEqual([expected, expected])
  })

  test('in the environment', async () => {
    const { url } = await createRedis()
    const setup = await setupFlow('redis')
    const env = { ALL_PROXY: 'socks5://proxy.example', NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const expected = ['proxy-all', 'tls-unchecked']
    expect([await ofHealth(setup), await ofDoctor(setup, url, env)]).toEqual([expected, expected])
  })

  test('in an app that believes every proxy, once a request has come', async () => {
    const { url } = await createRedis()
    const setup = await setupFlow('redis', { validate: { trustProxy: false } })
    const app = express().set('trust proxy', true).use(express.json())
    app.use('/login', otpRouter(setup.flow, { onVerified() {} }))
    await createClient(await listen(app)).get('/login/status')
    const expected = ['trust-proxy-all']
    const doctor = await ofDoctor(setup, url, { TRUST_PROXY: 'true' })
    expect([await ofHealth(setup), doctor]).toEqual([expected, expected])
  })
})

test('with the memory store there is no Redis to find anything in', async () => {
  const setup = await setupFlow('memory')
  expect(await setup.flow.health()).toEqual({ ok: true, findings: [] })
})

test('health leaves nothing in Redis', async () => {
  const setup = await setupFlow('redis')
  await setup.flow.health()
  expect(await setup.dump()).toEqual([])
})
