import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { appKey, numberKey } from '../../src/store/keys.js'
import { createRedisStore } from '../../src/store/redis.js'
import { createRedis, startRedis } from '../support/redis.js'
import { type CommandWords, startRedisProxy } from '../support/redis-proxy.js'
import {
  address,
  expectRefused,
  newNumber,
  scriptOf,
  sendTo,
  sent,
  setupFlow,
  setupTyntec,
  signIn,
  wrong,
} from './setup.js'

const isOurs = (words: CommandWords) => scriptOf(words) !== undefined

describe('an error of Redis', () => {
  // proves: RED-8, redis-restarts/send
  test.each([
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    'CLUSTERDOWN The cluster is down',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
    'NOREPLICAS Not enough good replicas to write.',
    'BUSY Redis is busy running a script.',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    "CROSSSLOT Keys in request don't hash to the same slot",
    'NOAUTH Authentication required.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR max number of clients reached',
  ])('refuses the step, and names no key: %s', async (error) => {
    const { url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const { redis, prefix } = await createRedis({ url: proxy.url })
    const tyntec = await setupTyntec()
    const flow = setupFlow(tyntec, redis, { prefix })
    const { handle, code } = await sent(flow, tyntec)
    const end = proxy.answer(error, isOurs)
    await expectRefused([
      flow.send({ number: newNumber(), address }),
      flow.check({ handle, code, address }),
      flow.status({ handle }),
    ])
    await expect(flow.status({ handle })).rejects.toThrow(
      `Redis answered ${error.split(' ', 1).join('')}`,
    )
    expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])
    end()
    expect(await signIn(flow, handle, code)).toBe('verified')
  })
})

test.each([
  ["user_script:1: bad argument at 'tyntec-otp:{tag}:flow'", 'failed (ReplyError)'],
  ['tyntec-otp:{tag}:FLOW is no list', 'failed (ReplyError)'],
  ['SECRET42 is what it is', 'failed (ReplyError)'],
  ['42SECRET is what it is', 'failed (ReplyError)'],
  ['ERR tyntec-otp:{tag}:flow is not connected', 'answered ERR'],
  ['ERR: tyntec-otp:{tag}:flow gave no answer', 'answered ERR'],
])(
  'of an error only what is known to be a word of Redis is passed on: %s',
  async (error, reason) => {
    const { url } = await createRedis()
    const proxy = await startRedisProxy(url)
    const { redis, prefix } = await createRedis({ url: proxy.url })
    proxy.answer(error, isOurs)
    const failing = createRedisStore(redis, { prefix }).run(
      'failures',
      { number: numberKey('tag') },
      {},
    )
    await expect(failing).rejects.toMatchObject({ message: `Redis ${reason}` })
    await expect(failing).rejects.toMatchObject({ cause: { message: reason } })
  },
)

test('a command that Redis refuses is sent once, and the operator is told why', async () => {
  const { url } = await createRedis()
  const proxy = await startRedisProxy(url)
  const { redis, prefix } = await createRedis({ url: proxy.url })
  const tyntec = await setupTyntec()
  const flow = setupFlow(tyntec, redis, { prefix })
  const { handle } = await sent(flow, tyntec)
  const end = proxy.answer("OOM command not allowed when used memory > 'maxmemory'.", isOurs)
  proxy.seen.length = 0
  await expect(flow.status({ handle })).rejects.toMatchObject({
    cause: { message: 'answered OOM' },
  })
  expect(proxy.seen.filter(isOurs)).toHaveLength(1)
  end()
})

describe('Redis', () => {
  test('that is full refuses, and goes on when there is room', async () => {
    const server = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] })
    const { redis } = await createRedis({ url: server.url })
    const tyntec = await setupTyntec()
    const flow = setupFlow(tyntec, redis)
    const { handle, code } = await sent(flow, tyntec)
    await redis.config('SET', 'maxmemory', '1')
    await expectRefused([
      flow.send({ number: newNumber(), address }),
      flow.check({ handle, code, address }),
    ])
    expect((await tyntec.requests()).map(({ path }) => path)).toEqual(['/2fa/v1/otp'])
    await redis.config('SET', 'maxmemory', '0')
    expect(await signIn(flow, handle, code)).toBe('verified')
  })

  test.each([true, false])(
    'that is loading refuses, and goes on when it has loaded (ready check: %s)',
    { timeout: 40_000 },
    async (enableReadyCheck) => {
      const dir = mkdtempSync(join(tmpdir(), 'tyntec-otp-loading-'))
      onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
      const server = await startRedis({ args: ['--dir', dir, '--enable-debug-command', 'yes'] })
      const { redis } = await createRedis({
        url: server.url,
        enableReadyCheck,
        retryStrategy: () => 20,
      })
      const tyntec = await setupTyntec()
      const flow = setupFlow(tyntec, redis)
      const { handle, code } = await sent(flow, tyntec)
      await redis.call('DEBUG', 'POPULATE', '1500')
      await redis.save()
      await server.kill()
      // Half a millisecond for each key, and an answer to others every few of them.
      const args = [
        '--dir',
        dir,
        '--key-load-delay',
        '500',
        '--loading-process-events-interval-bytes',
        '1024',
      ]
      const starting = startRedis({ port: server.port, args })
      await vi.waitFor(
        async () => {
          const check = flow.check({ handle, code, address })
          await expectRefused([check])
          await expect(check).rejects.toThrow(
            enableReadyCheck ? /is not connected|gave no answer/ : 'answered LOADING',
          )
        },
        { timeout: 15_000, interval: 20 },
      )
      await starting
      await vi.waitFor(
        async () => {
          expect(await signIn(flow, handle, code)).toBe('verified')
        },
        { timeout: 15_000 },
      )
    },
  )

  /** A sign-in under way, one of whose records somebody has written over. */
  async function spoiled(record: 'flow' | 'number') {
    const { redis, prefix } = await createRedis()
    const tyntec = await setupTyntec()
    const flow = setupFlow(tyntec, redis, { prefix })
    const { number, handle, code } = await sent(flow, tyntec)
    await signIn(flow, handle, wrong(code))
    const key = (await redis.keys(`${prefix}{*}:${record}*`))[0] ?? ''
    await redis.del(key)
    await redis.rpush(key, 'garbage')
    await redis.expire(key, 600)
    return { flow, number, handle, code }
  }

  test('with a value of another type at flow lets nobody in', async () => {
    const { flow, number, handle, code } = await spoiled('flow')
    expect(await signIn(flow, handle, wrong(code))).toBe('no_pending_code')
    expect(await signIn(flow, handle, code)).toBe('no_pending_code')
    // It is in nobody's way for longer than it lives.
    expect((await sendTo(flow, number)).outcome).toMatchObject({
      status: expect.stringMatching(/^(sent|resend_too_soon)$/),
    })
  })

  test('with a value of another type at number refuses until the number is unlocked', async () => {
    const { flow, number, handle, code } = await spoiled('number')
    await expectRefused([
      flow.check({ handle, code: wrong(code), address }),
      flow.check({ handle, code, address }),
      flow.send({ number, address }),
    ])
    await flow.unlock(number)
    expect(await signIn(flow, handle, code)).toBe('verified')
  })

  test('with a value of another type at a limit refuses', async () => {
    const { redis, prefix } = await createRedis()
    const tyntec = await setupTyntec()
    const flow = setupFlow(tyntec, redis, { prefix })
    await redis.rpush(`${prefix}${appKey}`, 'garbage')
    await redis.expire(`${prefix}${appKey}`, 600)
    await expectRefused([flow.send({ number: newNumber(), address })])
    expect(await tyntec.requests()).toEqual([])
  })

  // proves: RED-11
  test('keeps two apps apart by their prefixes', async () => {
    const { redis, prefix } = await createRedis()
    const tyntec = await setupTyntec()
    const one = setupFlow(tyntec, redis, { prefix: `${prefix}one:` })
    const two = setupFlow(tyntec, redis, { prefix: `${prefix}two:` })
    const { handle, code } = await sent(one, tyntec)
    expect(await signIn(two, handle, code)).toBe('no_pending_code')
    expect(await signIn(one, handle, code)).toBe('verified')
  })
})

/** Bytes of each key of one running flow and its limits. */
async function sizesOfOneFlow() {
  const server = await startRedis()
  const redis = new Redis(server.url)
  onTestFinished(() => redis.disconnect())
  const tyntec = await setupTyntec()
  await sent(setupFlow(tyntec, redis), tyntec)
  const keys = await redis.keys('*')
  const sizes = keys
    // One key for all flows of the app, or of a country.
    .filter((key) => !/\{all\}:(app|country)/.test(key))
    .map(async (key) => ({ key, bytes: Number(await redis.memory('USAGE', key, 'SAMPLES', 0)) }))
  return Promise.all(sizes)
}

const sum = (sizes: { bytes: number }[]) => sizes.reduce((all, { bytes }) => all + bytes, 0)

// proves: RED-12
test('a running flow takes less than 720 bytes with the limits of its number', async () => {
  const sizes = await sizesOfOneFlow()
  // Those of the address and of the range are shared by many flows.
  const shared = sizes.filter(({ key }) => /:address:|address:\{|:range:/.test(key))
  expect([sizes.length, shared.length]).toEqual([4, 2])
  // The record of a number also names its flows, for the support desk.
  expect(sum(sizes) - sum(shared)).toBeLessThan(720)
  expect(sum(shared)).toBeLessThan(600)
})
