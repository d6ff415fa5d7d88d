import { createHash, randomBytes } from 'node:crypto'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { OtpError } from '../errors.js'
import type { FlowRef } from '../secrets.js'
import { consumerOf } from './limiter.js'
import { earlierOf, extraOf, recordOf, statusOf } from './replies.js'
import { scripts } from './scripts.js'
import type {
  CheckClaim,
  CheckSettlement,
  LimitAnswer,
  MeterReading,
  OtpStore,
  ResendReservation,
  SendReservation,
} from './store.js'

/** What is used of an `ioredis` client of version 5 or 6: `Redis` or `Cluster`. */
export interface RedisClient {
  readonly status: string
  /** Called only on a client made with `lazyConnect`. */
  connect(): Promise<unknown>
  eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>
  evalsha(sha: string, keys: number, ...args: (string | number)[]): Promise<unknown>
  once(event: 'ready', listener: () => void): unknown
  off(event: 'ready', listener: () => void): unknown
}

export interface RedisStoreOptions {
  /**
   * What every key starts with. Give each app and environment on one Redis its own.
   *
   * @default 'tyntec-otp:'
   */
  prefix?: string

  /**
   * Seconds that one command may take. The package keeps this deadline itself, because a client with
   * its default settings waits for half a minute when Redis is down.
   *
   * @default 0.3
   */
  timeout?: number
}

/** A year: how long failures of a number are remembered when none is added. */
export const failuresKept = 365 * 24 * 60 * 60

/** Seconds in which a client may send a refund again whose answer was lost. */
const refundMarkKept = 30

/** Seconds that a look-up of a send may take, with the store's part. Others wait for it so long. */
export const lookupLease = 4

/** Provider failures that give a try back, per flow. */
export const mostRefunds = 10

const compiled = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [
    name,
    { text, sha: createHash('sha1').update(text).digest('hex') },
  ]),
) as Record<keyof typeof scripts, { text: string; sha: string }> // Object.entries forgets the names

/**
 * Keeps flows and limits in Redis. The client is the app's: it is never configured or closed here, and
 * connected, by the first command, only when it was made with `lazyConnect`. Use one `redisStore` per
 * client.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): OtpStore {
  const { prefix = 'tyntec-otp:', timeout = 0.3 } = options
  if (typeof client?.evalsha !== 'function' || typeof client.status !== 'string') {
    throw new OtpError('ERR_OTP_OPTIONS', 'redisStore(client) takes an ioredis client')
  }
  if (typeof prefix !== 'string' || prefix === '' || /[{}\s]/.test(prefix)) {
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      '"prefix" must be a non-empty string without braces or white space',
    )
  }
  if (!(timeout > 0 && timeout <= 10)) {
    throw new OtpError('ERR_OTP_OPTIONS', '"timeout" must be over 0 and at most 10 seconds')
  }

  const ready = readiness(client)
  // A command that was sent may run long after its caller has been told that it failed: `undo` gets
  // its answer then, so that nobody is held to a step that was not done for him.
  const guard = async <T>(
    command: () => Promise<T>,
    undo?: (late: T) => Promise<unknown> | undefined,
  ): Promise<T> => {
    try {
      return await within(timeout * 1000, async (expired) => {
        await ready(expired)
        const answer = await command()
        if (expired.aborted) await undo?.(answer)
        return answer
      })
    } catch (error) {
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', `Redis ${reasonOf(error)}`, {
        cause: error instanceof OtpError ? undefined : new Error(reasonOf(error)),
      })
    }
  }

  const run = (
    name: keyof typeof scripts,
    keys: readonly string[],
    args: readonly (string | number)[],
    undo?: (late: unknown) => Promise<unknown> | undefined,
  ): Promise<unknown> =>
    guard(async () => {
      const { sha, text } = compiled[name]
      try {
        return await client.evalsha(sha, keys.length, ...keys, ...args)
      } catch (error) {
        // Also after the deadline: what tyntec has answered should be kept, and the rest is undone.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return client.eval(text, keys.length, ...keys, ...args)
      }
    }, undo)

  const flowKey = (ref: FlowRef) => `${prefix}{${ref.number}}:flow:${ref.flow}`
  const attemptKey = (ref: FlowRef) => `${prefix}{${ref.number}}:attempt:${ref.flow}`
  const sentKey = (ref: FlowRef) => `${prefix}{${ref.number}}:sent`
  const failuresKey = (numberTag: string) => `${prefix}{${numberTag}}:failures`
  const laneKey = (ref: FlowRef) =>
    ref.lane === undefined ? failuresKey(ref.number) : `${prefix}{${ref.number}}:lane:${ref.lane}`

  const noteKey = (name: string) => `${prefix}note:${name}`

  /** For who was told to look a send up, and doesn't. */
  const endLookup = (ref: FlowRef, reply: unknown) =>
    store.settleSend(ref, recordOf(reply).reference, { result: 'unconfirmed' })

  const store: OtpStore = {
    async reserveSend(ref, request) {
      const reply = await run(
        'reserveSend',
        [flowKey(ref), sentKey(ref), flowKey(request.current ?? ref), attemptKey(ref)],
        [
          request.reference,
          request.number,
          request.via,
          ms(request.lease),
          ms(request.cooldown),
          ms(request.lifetime),
          ms(request.keep),
          request.current ? 1 : 0,
          request.lookedUp ? 1 : 0,
          ref.flow,
          ref.lane === undefined ? 0 : 1,
          ms(request.lookupEvery),
          ms(lookupLease),
        ],
        (late) => {
          switch (firstOf(late)) {
            case 'reserved':
              return store.settleSend(ref, request.reference, { result: 'failed' })
            case 'lookup':
              return request.current && endLookup(request.current, late)
            default:
              return undefined
          }
        },
      )
      const status = statusOf(reply, ['reserved', 'busy', 'current', 'lookup', 'too_soon'])
      return withDetails(status, reply) satisfies SendReservation
    },

    async settleSend(ref, reference, result) {
      const sent = result.result === 'sent'
      const reply = await run(
        'settleSend',
        [flowKey(ref), sentKey(ref)],
        [
          reference,
          result.result,
          sent ? result.otp : '',
          sent ? ms(result.lifetime) : 0,
          sent ? ms(result.maxLifetime) : 0,
          ref.flow,
        ],
      )
      return Number(reply) === 1
    },

    async reserveResend(ref, request) {
      const reply = await run(
        'reserveResend',
        [flowKey(ref), sentKey(ref), attemptKey(ref)],
        [
          request.reference,
          request.via,
          ms(request.lease),
          ms(request.cooldown),
          ms(request.renewBelow),
          request.lookedUp ? 1 : 0,
          ref.flow,
          ms(request.lifetime),
          ms(request.maxLifetime),
          ref.lane === undefined ? 0 : 1,
          ...request.waits.map(ms),
        ],
        (late) => {
          switch (firstOf(late)) {
            case 'reserved':
              return store.settleResend(ref, request.reference, 'failed')
            case 'renew':
              return store.settleSend(ref, request.reference, { result: 'failed' })
            default:
              return undefined
          }
        },
      )
      const status = statusOf(reply, [
        'reserved',
        'renew',
        'busy',
        'lookup',
        'none',
        'expired',
        'attempts',
        'too_soon',
        'exhausted',
      ])
      return withDetails(status, reply) satisfies ResendReservation
    },

    async settleResend(ref, reference, result) {
      const reply = await run(
        'settleResend',
        [flowKey(ref), sentKey(ref)],
        [reference, result, ref.flow],
      )
      return Number(reply) === 1
    },

    async claimCheck(ref, request, rules): Promise<CheckClaim> {
      const reply = await run(
        'claimCheck',
        [flowKey(ref), attemptKey(ref), failuresKey(ref.number), laneKey(ref)],
        [
          request.attempt,
          request.codeHash,
          ms(request.lease),
          ms(request.window),
          request.joining ? 1 : 0,
          rules.attempts,
          rules.freeFailures,
          ms(rules.failureWindow),
          ms(rules.failureWait),
          ms(rules.failureMaxWait),
          rules.disableAt,
          ms(failuresKept),
          rules.laneFailures,
          ms(rules.laneWindow),
          ms(request.lookupEvery),
          ms(lookupLease),
        ],
        (late) => {
          switch (firstOf(late)) {
            case 'lookup':
              return endLookup(ref, late)
            case 'claimed': {
              const result = { result: 'unasked', late: earlierOf(late, 0) !== 'none' } as const
              return store.settleCheck(ref, request.attempt, result, rules)
            }
            case 'unresolved':
              return store.settleCheck(ref, request.attempt, { result: 'unresolved' }, rules)
            default:
              return undefined
          }
        },
      )
      const status = statusOf(reply, [
        'claimed',
        'unresolved',
        'verified',
        'join',
        'busy',
        'opened',
        'wrong',
        'unknown',
        'lookup',
        'unsettled',
        'sending',
        'none',
        'expired',
        'attempts',
        'limited',
      ])
      const [, first, second] = reply as unknown[] // statusOf has looked
      switch (status) {
        case 'claimed':
          return { status, record: recordOf(reply), earlier: earlierOf(reply, 0) }
        case 'unresolved':
          return {
            status,
            record: recordOf(reply),
            sameCode: extraOf(reply, 0) === '1',
            earlier: earlierOf(reply, 1),
          }
        case 'verified':
          return { status, record: recordOf(reply), attempt: extraOf(reply, 0) }
        case 'lookup':
          return { status, record: recordOf(reply) }
        case 'busy':
          return { status, retryAfter: seconds(first) }
        case 'wrong':
          return { status, attempts: Number(first) }
        case 'limited':
          return { status, retryAfter: seconds(first), disabled: Number(second) === 1 }
        default:
          return { status }
      }
    },

    async settleCheck(ref, attempt, result, rules): Promise<CheckSettlement> {
      const verified = result.result === 'verified'
      const over = result.result === 'over'
      const reply = await run(
        'settleCheck',
        [flowKey(ref), attemptKey(ref), failuresKey(ref.number), laneKey(ref), sentKey(ref)],
        [
          attempt,
          result.result,
          rules.attempts,
          verified ? result.codeHash : '',
          verified ? ms(result.lease) : 0,
          verified ? ms(result.window) : 0,
          result.result === 'wrong' ? (result.counted ?? '') : '',
          over ? result.end : '',
          over && result.failed ? 1 : 0,
          'late' in result && result.late ? 1 : 0,
          mostRefunds,
          ref.flow,
        ],
        // Whoever asked has been told that it failed, and opens no session.
        (late) =>
          verified && firstOf(late) === 'settled' ? store.release(ref, attempt) : undefined,
      )
      if (statusOf(reply, ['settled', 'stale']) === 'stale') return { status: 'stale' }
      const [, attempts, failures] = reply as unknown[] // statusOf has looked
      return { status: 'settled', attempts: Number(attempts), failures: Number(failures) }
    },

    async complete(ref, attempt, opener = attempt) {
      const keys = [flowKey(ref), attemptKey(ref)]
      return Number(await run('complete', keys, [attempt, opener])) === 1
    },

    async release(ref, attempt) {
      await run('release', [flowKey(ref), attemptKey(ref)], [attempt])
    },

    async read(ref, every) {
      const args = [ms(every), ms(lookupLease)]
      const reply = await run('read', [flowKey(ref)], args, (late) =>
        extraOf(late, 0) === '1' ? endLookup(ref, late) : undefined,
      )
      if (statusOf(reply, ['none', 'found']) === 'none') return undefined
      const record = recordOf(reply)
      const due = extraOf(reply, 0) === '1'
      return {
        ...record,
        deliveryDue: due && record.state === 'pending',
        lookupDue: due && record.state === 'unconfirmed',
        busy: extraOf(reply, 1) === '1',
      }
    },

    async setDelivery(ref, delivery) {
      await run('setDelivery', [flowKey(ref)], [delivery])
    },

    async end(ref, end) {
      const mark = randomBytes(6).toString('base64url')
      const reply = await run('end', [flowKey(ref), attemptKey(ref)], [end, mark])
      return statusOf(reply, ['none', 'found']) === 'none' ? undefined : recordOf(reply)
    },

    async unlock(numberTag) {
      await guard(() => client.eval(`return redis.call('DEL', KEYS[1])`, 1, failuresKey(numberTag)))
    },

    async failures(numberTag) {
      const reply = await run('readFailures', [failuresKey(numberTag)], [])
      statusOf(reply, ['found'])
      const [, total, wait] = reply as unknown[] // statusOf has looked
      return { total: Number(total), wait: seconds(wait) }
    },

    async carryFailures(numberTag, origin, { total, wait }) {
      const args = [origin, total, ms(wait), ms(failuresKept)]
      await run('carryFailures', [failuresKey(numberTag)], args)
    },

    limiter(rule) {
      const limiter = new RateLimiterRedis({
        storeClient: client,
        keyPrefix: `${prefix}limit:${rule.name}`,
        points: rule.points,
        duration: rule.duration,
      })
      const consume = consumerOf(limiter)
      // The library's own would give a use back twice when its answer is lost.
      const refund = async (key: string, points = 1): Promise<void> => {
        const counted = limiter.getKey(key)
        await run('refund', [counted, markOf(counted)], [ms(refundMarkKept), points])
      }
      return {
        async consume(key, points) {
          const answer = await guard(
            () => consume(key, points),
            () => refund(key, points),
          )
          if (answer.retryAfter <= rule.duration) return answer
          // Redis's clock was ahead when this window began.
          await run('shorten', [limiter.getKey(key)], [ms(rule.duration)]).catch(() => {})
          return { ...answer, retryAfter: rule.duration }
        },
        refund,
      }
    },

    memberLimiter({ name, points, duration }) {
      const keyOf = (key: string) => `${prefix}limit:${name}:${key}`
      const refund = async (key: string, member: string): Promise<void> => {
        const counted = keyOf(key)
        await run('refundMember', [counted, markOf(counted)], [member, ms(refundMarkKept)])
      }
      return {
        ask: async (key, member) =>
          memberAnswer(await run('addMember', [keyOf(key)], [member, points, ms(duration), 0])),
        consume: async (key, member) =>
          memberAnswer(
            await run('addMember', [keyOf(key)], [member, points, ms(duration), 1], (late) =>
              firstOf(late) === 'allowed' ? refund(key, member) : undefined,
            ),
          ),
        refund,
        async forget(key, member) {
          const script = `return redis.call('HDEL', KEYS[1], ARGV[1])`
          await guard(() => client.eval(script, 1, keyOf(key), member))
        },
      }
    },

    meter({ name, halfLife }) {
      const change = (
        key: string,
        { sent, verified }: MeterReading,
        undo?: () => Promise<unknown>,
      ): Promise<unknown> => {
        const args = [sent, verified, ms(halfLife)]
        return run('meter', [`${prefix}meter:${name}:${key}`], args, undo)
      }
      const add = async (key: string, added: MeterReading): Promise<MeterReading> => {
        // What is taken back is not taken back in turn, however late that is.
        const undo = () => change(key, { sent: -added.sent, verified: -added.verified })
        const reply = await change(key, added, undo)
        statusOf(reply, ['read'])
        const [, ...reading] = reply as unknown[] // statusOf has looked
        return { sent: Number(reading[0]), verified: Number(reading[1]) }
      }
      return { add }
    },

    async keepNote(name, note, duration) {
      const script = `return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`
      await guard(() => client.eval(script, 1, noteKey(name), note, ms(duration)))
    },
    async note(name) {
      const note = await guard(() =>
        client.eval(`return redis.call('GET', KEYS[1])`, 1, noteKey(name)),
      )
      return typeof note === 'string' ? note : undefined
    },
  }
  return store
}

/** A refund whose answer was lost is made once, though the client asks again. */
function markOf(counted: string): string {
  return `${counted}:${randomBytes(6).toString('base64url')}`
}

function memberAnswer(reply: unknown): LimitAnswer {
  const allowed = statusOf(reply, ['allowed', 'refused']) === 'allowed'
  const [, wait, used] = reply as unknown[] // statusOf has looked
  return { allowed, retryAfter: Math.max(1, seconds(wait)), used: Number(used) }
}

function firstOf(reply: unknown): unknown {
  return Array.isArray(reply) ? reply[0] : undefined
}

function withDetails<S extends string>(status: S, reply: unknown) {
  const [, first] = reply as unknown[] // statusOf has looked
  return { status, record: recordOf(reply), retryAfter: seconds(first) }
}

/** Waits until the client can take a command, so that none is queued for a Redis that is away. */
function readiness(client: RedisClient): (expired: AbortSignal) => Promise<void> {
  // One listener for all that wait: one for each would look like a leak of the app's client.
  const waiting = new Set<() => void>()
  const onReady = () => {
    for (const resume of waiting) resume()
    waiting.clear()
  }
  return async (expired) => {
    if (client.status === 'ready') return
    // A client with lazyConnect connects at its first command, which it would queue, or refuse when
    // it has no queue.
    if (client.status === 'wait') client.connect().catch(() => {})
    if (client.status === 'end') throw new Error('is not connected')
    await new Promise<void>((resolve, reject) => {
      if (waiting.size === 0) client.once('ready', onReady)
      waiting.add(resolve)
      expired.addEventListener('abort', () => {
        waiting.delete(resolve)
        if (waiting.size === 0) client.off('ready', onReady)
        reject(new Error('is not connected'))
      })
    })
  }
}

/** The promise's own end or the deadline, whichever is first. A command that was sent still runs. */
async function within<T>(
  milliseconds: number,
  task: (expired: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new Error(`gave no answer within ${milliseconds} ms`))
    }, milliseconds)
  })
  try {
    const running = task(controller.signal)
    // Whoever loses the race may still reject.
    running.catch(() => {})
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Error replies carry the command's arguments and its keys; the first word says what is wrong. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  if (/^(gave no answer|is not connected)/.test(error.message)) return error.message
  const [word] = error.message.split(/[\s:]/, 1)
  return word && /^[A-Z]+$/.test(word) ? `answered ${word}` : `failed (${error.name})`
}

function ms(seconds: number): number {
  return Math.round(seconds * 1000)
}

function seconds(milliseconds: unknown): number {
  return Math.max(0, Math.ceil(Number(milliseconds) / 1000))
}
