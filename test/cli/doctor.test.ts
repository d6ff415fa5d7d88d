import type { Application } from 'passport-tyntec-otp/tyntec'
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { findInRedis, type RedisFacts } from '../../src/setup/findings.js'
import { readRedisFacts } from '../../src/cli/store-facts.js'
import { setupSandbox } from '../sandbox/setup.js'
import { createRedis, startRedis } from '../support/redis.js'
import { closedPort, serve, serveJson } from '../tyntec/servers.js'
import { run, runJson } from './setup.js'

const id = '77185196-664a-43ec-b14a-fe97036c697f'
const host = 'login.example.com'
const application: Application = {
  applicationId: id,
  name: 'login',
  attempts: 3,
  expire: 300,
  pinLength: 6,
  alphanumeric: false,
  sender: 'ACME',
  template: {
    en: `{{OTP}} is your code.\n\n@${host} #{{OTP}}`,
    'en-voice': 'Your code is: {{OTP}}.',
  },
}

/** tyntec with one application. */
async function serveTyntec(changes: Partial<Application> = {}) {
  const body = { ...application, ...changes }
  const server = await serve((request, response) => {
    const known = [`/${id}`, '/default'].some((end) => request.url?.endsWith(end))
    const list = request.url?.endsWith('/application/')
    response.writeHead(known || list ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(list ? [body] : body))
  })
  return { ...server, env: { TYNTEC_API_KEY: 'kEy-CaNaRy-7f3a', TYNTEC_BASE_URL: server.url } }
}

type Env = Record<string, string | undefined>

/** What doctor finds, as level and id. */
async function find(args: string[], env: Env): Promise<string[]> {
  const { code, err, value } = await runJson(['doctor', ...args], env)
  const found = value as { level: string; id: string; text: string; fix: string }[]
  expect(code).toBe(found.length === 0 ? 0 : 1)
  for (const { text, fix } of found) {
    expect(text).toMatch(/^[A-Zt-]/)
    expect(fix.length).toBeGreaterThan(5)
    for (const secret of ['kEy-CaNaRy-7f3a', env.OTP_SECRET, 'pa55']) {
      if (secret) expect(`${text} ${fix} ${err}`).not.toContain(secret)
    }
  }
  return found.map(({ level, id: name }) => `${level} ${name}`)
}

const all = ['--origin', `https://${host}`, '--pin-length', '6']

describe('nothing is found', () => {
  test('on the demo, as its banner tells people to set it up', async () => {
    const { sandbox } = await setupSandbox()
    const env = { TYNTEC_API_KEY: sandbox.apiKey, TYNTEC_BASE_URL: sandbox.url }
    expect(await run(['doctor'], env)).toEqual({
      code: 0,
      out: '',
      err: 'Nothing is wrong, as far as can be seen from here.\n',
    })
    const { url } = await createRedis()
    const redis = { REDIS_URL: url, OTP_SECRET: randomBytes(32).toString('base64url') }
    expect(await find([], { ...env, ...redis })).toEqual([])
  })

  test('where everything is as it should be, and no message is sent', async () => {
    const { url } = await createRedis()
    const { env, requests } = await serveTyntec()
    const OTP_SECRET = randomBytes(32).toString('base64url')
    expect(
      await find([...all, '--application', id], { ...env, OTP_SECRET, REDIS_URL: url }),
    ).toEqual([])
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })
})

describe('what is planted is found', () => {
  test.each<[string, string[], Env, string]>([
    ['no key', [], { TYNTEC_API_KEY: undefined }, 'error key-missing'],
    ['a key with a line break', [], { TYNTEC_API_KEY: 'a\nb' }, 'error base-url'],
    ['a base URL without TLS', [], { TYNTEC_BASE_URL: 'http://tyntec.example' }, 'error base-url'],
    ['a short secret', [], { OTP_SECRET: 'too short' }, 'error secret-short'],
    [
      'a placeholder as secret',
      [],
      { OTP_SECRET: 'please-change-me-please-change-me!' },
      'error secret-guessable',
    ],
    [
      'a short secret behind a good one',
      [],
      { OTP_SECRET: `${randomBytes(32).toString('hex')},x` },
      'error secret-short',
    ],
    ['an origin with a path', ['--origin', `https://${host}/login`], {}, 'error origin-form'],
    ['an origin without a scheme', [], { ORIGIN: host }, 'error origin-form'],
    ['every proxy trusted', ['--trust-proxy', 'true'], {}, 'error trust-proxy-all'],
    ['every proxy trusted, by environment', [], { TRUST_PROXY: 'true' }, 'error trust-proxy-all'],
    ['a proxy that is none', [], { HTTPS_PROXY: 'proxy.example:3128' }, 'error proxy-url'],
    [
      'a proxy under the wrong name',
      [],
      { ALL_PROXY: 'socks5://proxy.example' },
      'warning proxy-all',
    ],
    ['certificates unchecked', [], { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'warning tls-unchecked'],
    ['an unknown application', ['--application', 'f00d'], {}, 'error application-unknown'],
    ['more tries than the application has', ['--attempts', '5'], {}, 'warning attempts-differ'],
    ['a longer lifetime', ['--lifetime', '600'], {}, 'warning expire-differs'],
    ['another length', ['--pin-length', '8'], {}, 'warning pin-length-differs'],
    [
      'letters that are never sent',
      ['--code-alphabet', 'alphanumeric'],
      {},
      'warning alphabet-differs',
    ],
    [
      'templates of another page',
      ['--origin', 'https://other.example'],
      {},
      'error template-webotp-host-mismatch',
    ],
    ['an address of Redis that is none', [], { REDIS_URL: 'localhost:6379' }, 'error redis-url'],
    [
      'a Redis that is not there',
      [],
      { REDIS_URL: 'redis://:pa55@127.0.0.1:9' },
      'error redis-unreachable',
    ],
  ])('%s', async (_, args, planted, expected) => {
    const { env } = await serveTyntec()
    expect(await find(args, { ...env, ...planted })).toEqual([expected])
  })

  test.each<[string, Partial<Application>, string]>([
    ['fewer tries', { attempts: 1 }, 'warning attempts-differ'],
    ['a short life', { expire: 60 }, 'warning expire-differs'],
    ['letters in codes', { alphanumeric: true }, 'error alphanumeric'],
    [
      'a template without its code',
      { template: { en: `Hi.\n@${host} #code` } },
      'error template-no-otp-placeholder',
    ],
    [
      'a template without its last line',
      { template: { en: '{{OTP}} is your code.' } },
      'warning template-webotp-last-line',
    ],
    [
      'a call that reads the line',
      { template: { 'en-voice': '{{OTP}} @x #y' } },
      'error template-voice-has-webotp',
    ],
    ['a sender that is too long', { sender: 'ACME-WORLDWIDE' }, 'error template-sender-too-long'],
  ])('an application with %s', async (_, changes, expected) => {
    const { env } = await serveTyntec(changes)
    expect(await find(all, env)).toContain(expected)
  })

  test.each<[string, number, unknown, string]>([
    ['a rejected key', 401, undefined, 'error key-refused'],
    ['a refused account', 403, undefined, 'error account-refused'],
    ['an account without 2FA v1', 404, undefined, 'error account-without-v1'],
    ['a tyntec that fails', 503, undefined, 'error tyntec-unreachable'],
    ['something else at its place', 200, { hello: 'world' }, 'error tyntec-answer'],
  ])('%s', async (_, status, body, expected) => {
    const server = await serveJson(status, body)
    const env = { TYNTEC_API_KEY: 'kEy-CaNaRy-7f3a', TYNTEC_BASE_URL: server.url }
    expect(await find([], env)).toEqual([expected])
  })

  test('a tyntec that is not there', async () => {
    const env = {
      TYNTEC_API_KEY: 'kEy-CaNaRy-7f3a',
      TYNTEC_BASE_URL: `http://127.0.0.1:${await closedPort()}`,
    }
    expect(await find([], env)).toEqual(['error tyntec-unreachable'])
  })

  test('what is for development only, in production', async () => {
    const { env } = await serveTyntec()
    const planted = { ...env, TYNTEC_API_KEY: 'sandbox_key' }
    const expected = [
      'error sandbox-key',
      'error sandbox-url',
      'error secret-missing',
      'error origin-missing',
      'error memory-store',
    ]
    expect(await find(['--production'], planted)).toEqual(expected)
    expect(await find([], { ...planted, NODE_ENV: 'production' })).toEqual(expected)
    expect(await find(['--production', '--origin', 'http://login.example.com'], planted)).toContain(
      'error origin-http',
    )
  })

  test('a Redis that throws keys away, or lets nobody run scripts', async () => {
    const server = await startRedis()
    const { redis } = await createRedis({ url: server.url })
    const { env } = await serveTyntec()
    const planted = { ...env, REDIS_URL: server.url }
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await find([], planted)).toEqual(['error redis-eviction'])
    await redis.config('SET', 'maxmemory-policy', 'noeviction')
    expect(await find([], planted)).toEqual([])

    await redis.call('ACL', 'SETUSER', 'app', 'on', '>pa55', '~*', '+@all', '-@scripting')
    const url = server.url.replace('redis://', 'redis://app:pa55@')
    expect(await find([], { ...env, REDIS_URL: url })).toEqual(['error redis-scripts'])
    await redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pa55', '~other:*', '+@all')
    expect(await find([], { ...env, REDIS_URL: url })).toEqual(['error redis-scripts'])
    expect(await find(['--prefix', 'other:'], { ...env, REDIS_URL: url })).toEqual([])
    // What docs/redis.md asks for is enough.
    const commands = '+eval +evalsha +ping +info +hello +client +time +set +del'.split(' ')
    await redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pa55', '~tyntec-otp:*', ...commands)
    expect(await find([], { ...env, REDIS_URL: url })).toEqual([])
    const wrong = server.url.replace('redis://', 'redis://app:pa55-not@')
    expect(await find([], { ...env, REDIS_URL: wrong })).toEqual(['error redis-unreachable'])
  })
})

describe('a Redis', () => {
  const fine: RedisFacts = {
    version: '7.0.15',
    evictionPolicy: 'noeviction',
    scripts: true,
    latency: 0.3,
    clock: 0.1,
  }
  test.each<[string, Partial<RedisFacts>, string[]]>([
    ['as it should be', {}, []],
    [
      'that says nothing of itself',
      { version: undefined, evictionPolicy: undefined, clock: undefined },
      [],
    ],
    ['of 6.2', { version: '6.2.0' }, []],
    ['of 10', { version: '10.0' }, []],
    ['of 6.0', { version: '6.0.20' }, ['redis-version']],
    ['of 5', { version: '5.0.14' }, ['redis-version']],
    ['far away', { latency: 80 }, ['redis-latency']],
    ['ahead of time', { clock: 60 }, ['redis-clock']],
    ['behind the times', { clock: -60 }, ['redis-clock']],
    [
      'of an old kind that throws keys away',
      { version: '3.2', evictionPolicy: 'volatile-ttl' },
      ['redis-version', 'redis-eviction'],
    ],
  ])('%s', (_, changes, expected) => {
    expect([...findInRedis({ ...fine, ...changes })].map(({ id: name }) => name)).toEqual(expected)
  })

  test('tells its version and policy', async () => {
    const { url, prefix, redis } = await createRedis()
    const [, version] = /redis_version:(\S+)/.exec(await redis.info('server')) ?? []
    expect(await readRedisFacts(url, prefix)).toMatchObject({
      version,
      evictionPolicy: 'noeviction',
      scripts: true,
      clock: expect.any(Number),
    })
  })
})

test('a finding is one line: level, id, what is wrong and how to mend it', async () => {
  const { code, out, err } = await run(['doctor'], {})
  expect([code, err]).toEqual([1, ''])
  expect(out).toBe(
    'error    key-missing  TYNTEC_API_KEY is not set. Fix: Set it to a key of your tyntec account\n',
  )
})
