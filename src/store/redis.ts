import { setTimeout as sleep } from 'node:timers/promises'
import { OtpError } from '../errors.js'
import { type AnyRedisClient, clientOf, type Script, scriptOf } from './clients/client.js'
import type { RedisClient } from './clients/port.js'
import { createDeadline, TookTooLong } from './deadline.js'
import { factsScript, readFacts } from './facts.js'
import { scripts } from './scripts.js'
import type { BoxName, StepArgs, StepName, StepReply } from './steps/index.js'
import { type OtpStore, type StepKeys, type StepStore, toOpaque } from './store.js'

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * What every key starts with. Give each app and environment on one Redis its own.
   *
   * @default 'tyntec-otp:'
   */
  prefix?: string

  /**
   * Seconds that one step may wait for Redis. The package keeps this deadline itself, because a client with
   * its default settings waits for half a minute when Redis is down.
   *
   * @default 0.3
   */
  timeout?: number
}

const compiled = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [name, scriptOf(text)]),
) as Record<StepName, Script> // Object.entries forgets the names

const keepNote = scriptOf(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`)
const facts = scriptOf(factsScript)
const readNote = scriptOf(`return redis.call('GET', KEYS[1])`)

/**
 * Keeps flows and limits in Redis. The client is the app's: it is never configured or closed here, and
 * connected, by the first command, only when it was made with `lazyConnect`. Use one `redisStore` per
 * client.
 *
 * @throws {OtpError} `ERR_OTP_OPTIONS`
 */
export function redisStore(client: AnyRedisClient, options: RedisStoreOptions = {}): OtpStore {
  return toOpaque(createRedisStore(client, options))
}

/** @internal */
export function createRedisStore(
  given: AnyRedisClient,
  { prefix = 'tyntec-otp:', timeout = 0.3 }: RedisStoreOptions = {},
): StepStore {
  if (typeof prefix !== 'string' || prefix === '' || /[{}\s]/.test(prefix)) {
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      '"prefix" must be a non-empty string without braces or white space',
    )
  }
  if (!(timeout > 0 && timeout <= 10)) {
    throw new OtpError('ERR_OTP_OPTIONS', '"timeout" must be over 0 and at most 10 seconds')
  }
  const client = clientOf(given)
  const deadline = createDeadline(timeout * 1000)

  /** The reply, or an error once the deadline is over. A command that was sent may still run, and is told of then. */
  const ask = async <T>(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    read: (reply: unknown) => T,
    late?: (reply: T | undefined) => void,
  ): Promise<T> => {
    let told = false
    try {
      if (!client.ready()) await untilReady(client, timeout)
      const asking = client.run(script, keys, args).then(read)
      if (late) {
        asking.then(
          (reply) => (told ? late(reply) : undefined),
          () => late(undefined),
        )
      }
      return await deadline.race(asking)
    } catch (error) {
      told = true
      const reason = reasonOf(error)
      throw new OtpError('ERR_OTP_STORE_UNAVAILABLE', `Redis ${reason}`, {
        cause: new Error(reason),
      })
    }
  }

  return {
    cluster: client.cluster,

    run<Name extends StepName>(
      name: Name,
      given: StepKeys,
      args: StepArgs<Name>,
      late?: (reply: StepReply<Name> | undefined) => void,
    ) {
      const names: BoxName[] = []
      const keys: string[] = []
      for (const box in given) {
        const key = given[box as BoxName] // for..in forgets the names
        if (key === undefined) continue
        names.push(box as BoxName)
        keys.push(prefix + key)
      }
      const input = JSON.stringify({ names, args })
      return ask(
        compiled[name],
        keys,
        [input],
        // The scripts are ours, and say nothing but what their steps say.
        (reply) => parsed(reply) as StepReply<Name>,
        late,
      )
    },

    async keepNote(name, note, seconds) {
      await ask(keepNote, [`${prefix}note:${name}`], [note, String(seconds * 1000)], () => {})
    },
    note: (name) =>
      ask(readNote, [`${prefix}note:${name}`], [], (note) =>
        typeof note === 'string' ? note : undefined,
      ),
    facts: () =>
      readFacts(
        () => ask(facts, [`${prefix}doctor`], [], (reply) => reply),
        (error) =>
          error instanceof OtpError ? /answered (\w+)/.exec(error.message)?.[1] : undefined,
      ),
  }
}

function parsed(reply: unknown): unknown {
  if (typeof reply !== 'string') throw new Error('unreadable reply')
  return JSON.parse(reply)
}

/** Waits for a client that connects, so that no command is queued for a Redis that is away. */
async function untilReady(
  { ready, ended }: Pick<RedisClient, 'ready' | 'ended'>,
  seconds: number,
): Promise<void> {
  const ends = performance.now() + seconds * 1000
  while (!ready()) {
    const left = ends - performance.now()
    if (left <= 0 || ended()) throw new NotConnected()
    await sleep(Math.min(left, 10))
  }
}

class NotConnected extends Error {
  override name = 'NotConnected'
}

/** Error replies carry the command's arguments and its keys; the first word says what is wrong. */
function reasonOf(error: unknown): string {
  if (error instanceof NotConnected) return 'is not connected'
  if (error instanceof TookTooLong) return 'gave no answer in time'
  if (!(error instanceof Error)) return 'failed'
  const [word] = error.message.split(/[\s:]/, 1)
  return word && /^[A-Z]+$/.test(word) ? `answered ${word}` : `failed (${error.name})`
}
