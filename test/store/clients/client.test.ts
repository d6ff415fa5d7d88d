import { once } from 'node:events'
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis-5'
import * as iovalkey from 'iovalkey'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type AnyRedisClient,
  clientOf,
  type RedisClient,
  scriptOf,
} from '../../../src/store/clients/client.js'
import { createRedis, startRedis } from '../../support/redis.js'
import { type ClientLibrary, clientLibraries } from '../../support/redis-clients.js'
import { type CommandWords, startRedisProxy } from '../../support/redis-proxy.js'

const count = scriptOf(`redis.call('SET', KEYS[1], 0, 'NX', 'PX', 60000)
  return redis.call('INCR', KEYS[1])`)

const echo = scriptOf(
  `return { KEYS[1], ARGV[1], ARGV[2], 12, -3, false, { 'in', { 'deep', 0 } }, {}, #KEYS, #ARGV }`,
)

const key = 'tyntec-otp:{tag}:count'
const isScript = ([name]: CommandWords) => name === 'EVALSHA' || name === 'EVAL'

const errors = [
  "READONLY You can't write against a read only replica.",
  'LOADING Redis is loading the dataset in memory',
  'CLUSTERDOWN The cluster is down',
  'MOVED 3999 127.0.0.1:6381',
  'ASK 3999 127.0.0.1:6381',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  "OOM command not allowed when used memory > 'maxmemory'.",
  'BUSY Redis is busy running a script.',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'NOAUTH Authentication required.',
  "NOPERM this user has no permissions to run the 'evalsha' command",
  'ERR unknown command',
]

async function connect(library: ClientLibrary, url: string) {
  const { client, close } = await library.connect(url)
  onTestFinished(close)
  return { client, port: clientOf(client) }
}

/** The port of a client behind a proxy. */
async function proxied(library: ClientLibrary) {
  const { redis, url, prefix } = await createRedis()
  const proxy = await startRedisProxy(url)
  const key = `${prefix}{tag}:count`
  return { ...(await connect(library, proxy.url)), proxy, redis, key }
}

function until(condition: () => boolean, timeout = 8000): Promise<void> {
  return vi.waitFor(() => expect(condition()).toBe(true), { timeout })
}

/** What a call came to, without waiting for it longer than the store does. */
function within(call: Promise<unknown>, milliseconds = 300): Promise<unknown> {
  return Promise.race([
    call.catch((error: unknown) => error),
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds, 'no answer')
    }),
  ])
}

describe.each(clientLibraries)('$name', (library) => {
  test('gives replies as every client does', async () => {
    const { url } = await createRedis()
    const { port } = await connect(library, url)
    expect(port.cluster).toBe(false)
    expect(port.ready()).toBe(true)
    // The first by text, the second by SHA-1.
    for (let round = 0; round < 2; round += 1) {
      expect(await port.run(echo, [key, 'b{tag}'], ['', 'ü •\r\n', '7'])).toEqual([
        key,
        '',
        'ü •\r\n',
        12,
        -3,
        null,
        ['in', ['deep', 0]],
        [],
        2,
        3,
      ])
    }
    expect(await port.run(scriptOf('return false'), [key], [])).toBeNull()
    expect(await port.run(scriptOf(`return 'one'`), [key], [])).toBe('one')
    expect(await port.run(scriptOf('return 4102444800000'), [key], [])).toBe(4_102_444_800_000)
  })

  test('sends the text once, and again when the server has forgotten it', async () => {
    const { port, proxy, redis, key } = await proxied(library)
    const own = scriptOf(`${count.text} -- ${key}`)
    const sent = () => proxy.seen.filter(isScript).map(([name]) => name)
    expect(await port.run(own, [key], [])).toBe(1)
    expect(await port.run(own, [key], [])).toBe(2)
    expect(sent()).toEqual(['EVALSHA', 'EVAL', 'EVALSHA'])
    await redis.script('FLUSH')
    expect(await port.run(own, [key], [])).toBe(3)
    expect(await port.run(own, [key], [])).toBe(4)
    expect(sent().slice(3)).toEqual(['EVALSHA', 'EVAL', 'EVALSHA'])
  })

  test('passes each error of Redis on, and asks once', async () => {
    const { port, proxy, key } = await proxied(library)
    for (const error of errors) {
      proxy.seen.length = 0
      const end = proxy.answer(error, isScript)
      await expect(port.run(count, [key], [])).rejects.toThrow(error)
      end()
      expect(proxy.seen.filter(isScript)).toHaveLength(1)
      expect(port.ready()).toBe(true)
    }
    expect(await port.run(count, [key], [])).toBe(1)
  })

  test('passes the error of a script on', async () => {
    const { url } = await createRedis()
    const { port } = await connect(library, url)
    const refusing = scriptOf(`return redis.error_reply('OOM no room')`)
    await expect(port.run(refusing, [key], [])).rejects.toThrow('OOM no room')
    await expect(port.run(scriptOf('return 1 +'), [key], [])).rejects.toThrow('compiling')
  })

  test('is not ready while the connection is lost, and ready again later', async () => {
    const { port, proxy, key } = await proxied(library)
    expect(await port.run(count, [key], [])).toBe(1)
    proxy.cut()
    await until(() => !port.ready(), 1000)
    proxy.restore()
    await until(() => port.ready())
    expect(await port.run(count, [key], [])).toBe(2)
  })

  test('is not ready once it is closed, and says so', async () => {
    const { url } = await createRedis()
    const { client, close } = await library.connect(url)
    const port = clientOf(client)
    expect(port.ready()).toBe(true)
    close()
    await until(() => !port.ready(), 1000)
    await expect(port.run(count, [key], [])).rejects.toThrow(/closed/)
  })

  test('gives each call its own answer after Redis has hung', async () => {
    const server = await startRedis()
    const { port } = await connect(library, server.url)
    const give = scriptOf('return ARGV[1]')
    expect(await port.run(give, [key], ['before'])).toBe('before')
    server.pause()
    const calls = ['1', '2', '3'].map((word) => port.run(give, [key], [word]))
    expect(await within(Promise.race(calls))).toBe('no answer')
    server.resume()
    expect(await Promise.all(calls)).toEqual(['1', '2', '3'])
    expect(await port.run(give, [key], ['after'])).toBe('after')
  })

  test('goes on after an answer was lost', async () => {
    const { port, proxy, redis, key } = await proxied(library)
    expect(await port.run(count, [key], [])).toBe(1)
    const dropped = proxy.dropReply(isScript)
    const lost = within(port.run(count, [key], []), 3000)
    await dropped
    // ioredis sends it again, node-redis does not know what became of it.
    const outcome = await lost
    expect(outcome instanceof Error || outcome === 3).toBe(true)
    await until(() => port.ready())
    const runs = Number(await redis.get(key))
    expect(runs).toBe(outcome === 3 ? 3 : 2)
    expect(await port.run(count, [key], [])).toBe(runs + 1)
  })

  test('starts no timer for a call', async () => {
    const { url } = await createRedis()
    const { port } = await connect(library, url)
    await port.run(echo, [key], ['', ''])
    const timers = [vi.spyOn(AbortSignal, 'timeout'), vi.spyOn(globalThis, 'setTimeout')]
    const calls = Array.from({ length: 5 }, () => {
      expect(port.ready()).toBe(true)
      return port.run(echo, [key], ['', ''])
    })
    // A pool has its own for those that wait for a connection.
    const own = library.name.endsWith('pool') ? calls.length : 0
    const started = timers.map(({ mock }) => mock.calls.length)
    expect(started[0]).toBe(0)
    expect(started[1]).toBeLessThanOrEqual(own)
    await Promise.all(calls)
  })

  test('is left as the app has made it', async () => {
    const { url, prefix } = await createRedis()
    const key = `${prefix}{tag}:count`
    const { client, close } = await library.connect(url)
    onTestFinished(close)
    const before = Reflect.ownKeys(client)
    const listeners = listenersOf(client)
    await clientOf(client).run(count, [key], [])
    await clientOf(client).run(count, [key], [])
    expect(Reflect.ownKeys(client)).toEqual(before)
    expect(listenersOf(client).filter((name) => name !== 'error')).toEqual(
      listeners.filter((name) => name !== 'error'),
    )
    expect(listenersOf(client).length - listeners.length).toBeLessThanOrEqual(1)
  })
})

interface Listening {
  eventNames(): (string | symbol)[]
  listenerCount(name: string | symbol): number
}

/** The name of each listener's event. */
function listenersOf(client: object): string[] {
  const emitter = client as AnyRedisClient & Listening // every client is an EventEmitter
  return emitter
    .eventNames()
    .flatMap((name) => Array.from({ length: emitter.listenerCount(name) }, () => String(name)))
}

/** What all three take. */
type Options = Pick<
  ioredis5.RedisOptions,
  | 'autoResendUnfulfilledCommands'
  | 'commandTimeout'
  | 'db'
  | 'enableAutoPipelining'
  | 'enableOfflineQueue'
  | 'enableReadyCheck'
  | 'keyPrefix'
  | 'lazyConnect'
  | 'maxRetriesPerRequest'
  | 'showFriendlyErrorStack'
  | 'stringNumbers'
>

describe.each<[string, (url: string, options: Options) => ioredis5.Redis]>([
  ['ioredis 5', (url, options) => new ioredis5.Redis(url, options)],
  // Their types differ in commands that are not used here.
  ['ioredis 6', (url, options) => new ioredis6.Redis(url, options) as never],
  ['iovalkey', (url, options) => new iovalkey.Redis(url, options as never) as never],
])('%s', (_, construct) => {
  async function setup(options: Options = {}) {
    const { url } = await createRedis()
    const redis = make(url, options)
    return { redis, port: clientOf(redis) }
  }
  function make(url: string, options: Options) {
    const redis = construct(url, options)
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    return redis
  }

  test('is not ready while it connects for the first time', async () => {
    const { redis, port } = await setup()
    expect(port.ready()).toBe(false)
    await once(redis, 'ready')
    expect(port.ready()).toBe(true)
  })

  test.each([true, false])(
    'connects a lazy client when it is asked for the first time (offline queue: %s)',
    async (enableOfflineQueue) => {
      const { redis, port } = await setup({ lazyConnect: true, enableOfflineQueue })
      expect(redis.status).toBe('wait')
      expect(port.ready()).toBe(false)
      expect(port.ready()).toBe(false)
      await until(() => port.ready())
      expect(await port.run(echo, [key], ['', ''])).toHaveLength(10)
    },
  )

  test('does not connect a client that the app has closed', async () => {
    const { redis, port } = await setup({ lazyConnect: true })
    redis.disconnect()
    await until(() => redis.status === 'end')
    expect(port.ready()).toBe(false)
    expect(redis.status).toBe('end')
  })

  test('puts its keyPrefix before the keys', async () => {
    const { prefix, redis: direct } = await createRedis()
    const { redis, port } = await setup({ keyPrefix: prefix })
    await once(redis, 'ready')
    for (let round = 0; round < 2; round += 1) {
      expect(await port.run(echo, [key], ['', ''])).toContain(prefix + key)
    }
    expect(await port.run(count, [key], [])).toBe(1)
    expect(await direct.get(prefix + key)).toBe('1')
  })

  test('gives the digits of an integer with stringNumbers', async () => {
    const { redis, port } = await setup({ stringNumbers: true })
    await once(redis, 'ready')
    expect((await port.run(echo, [key], ['', ''])) as unknown[]).toContain('12')
  })

  test.each<[string, Options]>([
    ['automatic pipelines', { enableAutoPipelining: true }],
    ['endless retries', { maxRetriesPerRequest: null }],
    ['no retries', { maxRetriesPerRequest: 0 }],
    ['no offline queue', { enableOfflineQueue: false }],
    ['no resending', { autoResendUnfulfilledCommands: false }],
    ['a command timeout', { commandTimeout: 200 }],
    ['friendly error stacks', { showFriendlyErrorStack: true }],
    ['no ready check', { enableReadyCheck: false }],
    ['another database', { db: 3 }],
  ])('runs scripts with %s, and goes on after an outage', async (_, options) => {
    const { url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const redis = make(proxy.url, options)
    await once(redis, 'ready')
    const port = clientOf(redis)
    const give = scriptOf('return ARGV[1]')
    expect(await port.run(give, [key], ['first'])).toBe('first')
    // Lost with its connection: for some of these it stays open for ever.
    proxy.cutBefore(isScript).catch(() => {})
    port.run(give, [key], ['lost']).catch(() => {})
    await until(() => !port.ready(), 1000)
    proxy.restore()
    await until(() => port.ready())
    expect(await port.run(give, [key], ['after'])).toBe('after')
  })

  test('keeps scripts out of automatic pipelines', async () => {
    const { redis, port } = await setup({ enableAutoPipelining: true })
    await once(redis, 'ready')
    const other = redis.get(key)
    const ours = port.run(echo, [key], ['', ''])
    expect(redis.autoPipelineQueueSize).toBe(1)
    await Promise.all([other, ours])
  })
})

test.each<[string, (url: string) => ioredis6.Redis | ioredis6.Redis<'resp3'>]>([
  ['RESP2', (url) => new ioredis6.Redis(url, { protocol: 2 })],
  ['RESP3', (url) => new ioredis6.Redis(url, { protocol: 3 })],
  ['replies of RESP3', (url) => new ioredis6.Redis(url, { replyMapping: 'resp3' })],
])('ioredis 6 gives the same replies with %s', async (_, make) => {
  const { url } = await createRedis()
  const redis = make(url)
  onTestFinished(() => redis.disconnect())
  await once(redis, 'ready')
  const reply = await clientOf(redis).run(echo, [key], ['a', 'b'])
  expect(reply).toEqual([key, 'a', 'b', 12, -3, null, ['in', ['deep', 0]], [], 1, 2])
})

describe.each([
  ['redis 6', redis6],
  // Two copies of these tests would drift apart.
  ['redis 5', redis5 as unknown as typeof redis6], // The types list other commands, of which none is called here.
])('%s', (_, redis) => {
  type Options = NonNullable<Parameters<typeof redis.createClient>[0]>
  async function setup(options: Options = {}) {
    const { url } = await createRedis()
    const client = redis.createClient({ url, ...options })
    onTestFinished(() => {
      if (client.isOpen) client.destroy()
    })
    return { client, port: clientOf(client) }
  }

  test('is not ready before the app has connected it', async () => {
    const { client, port } = await setup()
    expect(port.ready()).toBe(false)
    await expect(port.run(count, [key], [])).rejects.toThrow('closed')
    await client.connect()
    expect(port.ready()).toBe(true)
  })

  test.each<[string, Options]>([
    ['RESP2', { RESP: 2 }],
    ['RESP3', { RESP: 3 }],
    [
      'replies as Buffers',
      { commandOptions: { typeMapping: { [redis6.RESP_TYPES.BLOB_STRING]: Buffer } } },
    ],
    [
      'integers as strings',
      { commandOptions: { typeMapping: { [redis6.RESP_TYPES.NUMBER]: String } } },
    ],
    ['a timeout', { commandOptions: { timeout: 100 } }],
    ['no offline queue', { disableOfflineQueue: true }],
    ['a short queue', { commandsQueueMaxLength: 10 }],
    ['pings', { pingInterval: 50 }],
  ])('gives the same replies with %s', async (_, options) => {
    const { client, port } = await setup(options)
    await client.connect()
    for (let round = 0; round < 2; round += 1) {
      const reply = await port.run(echo, [key], ['a', 'b'])
      expect(reply).toEqual([key, 'a', 'b', 12, -3, null, ['in', ['deep', 0]], [], 1, 2])
    }
  })

  test.each([
    ['createClient', (url: string) => redis.createClient({ url })],
    ['createPool', (url: string) => redis.createClient({ url }).createPool()],
  ])('a client of %s without a listener ends no process', async (_, make) => {
    const { url, prefix } = await createRedis()
    const proxy = await startRedisProxy(url)
    const client = make(proxy.url)
    const port = clientOf(client)
    clientOf(client)
    await client.connect()
    onTestFinished(() => client.destroy())
    expect(client.listenerCount('error')).toBe(1)
    await port.run(count, [`${prefix}{tag}`], [])
    proxy.cut()
    await until(() => !port.ready(), 1000)
    proxy.restore()
    await until(() => port.ready())
    expect(await port.run(echo, [key], ['', ''])).toHaveLength(10)
  })

  test('a pool is taken as ready while all its connections are busy', async () => {
    const { url } = await createRedis()
    const pool = redis.createClient({ url }).createPool({ minimum: 1, maximum: 1 })
    const port = clientOf(pool)
    expect(port.ready()).toBe(false)
    await pool.connect()
    expect(port.ready()).toBe(true)
    const calls = Array.from({ length: 5 }, () => port.run(echo, [key], ['', '']))
    expect(pool.idleClients).toBe(0)
    expect(port.ready()).toBe(true)
    expect(pool.tasksQueueLength).toBe(4)
    // It ends what it has begun, and takes nothing new.
    const closing = pool.close()
    expect(port.ready()).toBe(false)
    await Promise.allSettled([...calls, closing])
  })
})

test('redis 6 puts its keyPrefix before the keys', async (context) => {
  // The oldest of them has none.
  context.skip(!('_keyPrefix' in redis6.createClient()))
  const { url, prefix, redis: direct } = await createRedis()
  const options = { url, keyPrefix: prefix }
  for (const client of [redis6.createClient(options), redis6.createClientPool(options)]) {
    await client.connect()
    onTestFinished(() => client.destroy())
    const port = clientOf(client)
    expect(await port.run(echo, [key], ['', ''])).toContain(prefix + key)
    expect(await port.run(count, [key], [])).toBe(1)
    expect(await direct.del(prefix + key)).toBe(1)
  }
})

describe('any other client is refused by name, and never printed', () => {
  const secret = 'redis://:secret@example.com'
  const takes =
    'redisStore(client) takes a client of ioredis 5 or 6, iovalkey, or redis (node-redis) 5 or 6, not '
  test.each<[string, unknown]>([
    ['a value of type undefined', undefined],
    ['null', null],
    ['a value of type number', 6379],
    ['a value of type function', ioredis6.Redis],
    ['a URL: make the client of it', secret],
    ['a promise: await it first', Promise.resolve(secret)],
    ['a pipeline', new ioredis6.Redis({ lazyConnect: true }).pipeline()],
    ['another object', { url: secret }],
    ['another object', redis6.createClient({ url: secret }).multi()],
    ['another object', redis6.createClient({ url: secret }).legacy()],
    ['a client of redis 4', { isOpen: true, isReady: true, evalSha: () => secret }],
  ])('%s', (name, given) => {
    const wrong = () => clientOf(given as RedisClient & AnyRedisClient)
    expect(wrong).toThrow(
      expect.objectContaining({ code: 'ERR_OTP_OPTIONS', message: takes + name }),
    )
  })
})
