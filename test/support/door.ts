import { createEvents, type OtpEvent } from '../../src/events.js'
import { OtpError } from '../../src/errors.js'
import { admit } from '../../src/flow/admission.js'
import type { Context } from '../../src/flow/context.js'
import { createLimits } from '../../src/limits/limits.js'
import { short } from '../../src/limits/message.js'
import { addressKeysOf, originOf } from '../../src/limits/origin.js'
import type { OtpOptions } from '../../src/options/options.js'
import { resolveOptions } from '../../src/options/resolve.js'
import { createSecrets } from '../../src/secrets/secrets.js'
import { createFlowStore } from '../../src/store/flows.js'
import { countryKey, rangeKey } from '../../src/store/keys.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { createRedisStore } from '../../src/store/redis.js'
import type { Unsent } from '../../src/store/slots.js'
import { type StepStore, toOpaque } from '../../src/store/store.js'
import { countsOf } from './counts.js'
import { moveDate } from './date.js'
import { createRedis } from './redis.js'
import { advanceRedis, dumpRedis, newRef, rules } from './stores.js'

export const doorKinds = ['memory', 'redis'] as const

/** Somebody who asks for a message. */
export interface Who {
  number: string
  country?: string
  address: string
  via?: 'sms' | 'voice'
  /** A browser that has signed in with the number before, by what stands for it. */
  browserTag?: string
  /** The app does not know the number. */
  decoy?: boolean
}

/** What comes of it. `wait`: seconds, as the person is told. */
export type Answer =
  | { status: 'sent'; unsent: Unsent; reference: string; ref: ReturnType<typeof newRef> }
  | { status: string; wait: number | undefined }

const secret = 'the secret of the tests, longer than 32 bytes'

/**
 * All that stands before a message, with the product's own rules and steps, and nothing behind it: so that
 * a limit can be tried to its edge, and ten thousand people in a second. A wait between two messages
 * to one number is a subject of its own, and left out.
 */
export async function setupDoor(
  kind: (typeof doorKinds)[number],
  given: Partial<OtpOptions> = {},
  /** Milliseconds, of a store in memory. */
  clock?: () => number,
) {
  let offset = 0
  const connected = kind === 'redis' ? await createRedis() : undefined
  const inner: StepStore = connected
    ? createRedisStore(connected.redis, { prefix: connected.prefix, timeout: 5 })
    : createMemoryStore(clock ?? (() => performance.now() + offset))
  const events: OtpEvent[] = []
  const emitter = createEvents((event) => events.push(event), undefined)

  const open = (more: Partial<OtpOptions> = {}) => {
    const options = resolveOptions({
      apiKey: 'key',
      secret,
      countries: 'any',
      store: toOpaque(inner),
      ...given,
      ...more,
    })
    const secrets = createSecrets(options.secrets)
    const limits = createLimits(options, secrets, emitter)
    const store = createFlowStore(inner)
    // What `admit` uses of it.
    const context = { options, secrets, limits, store, events: emitter } as Context

    const send = async (who: Who): Promise<Answer> => {
      const { number, country = 'US', address, via = 'sms', browserTag, decoy = false } = who
      const tags = secrets.numberTags(number)
      const ref = { ...newRef(tags[0]), browserTag }
      const reference = newRef().flow
      const origin = originOf(options, secrets, address)
      const wanted = { number, tags, country, via, browserTag, known: !decoy, origin, address }
      const request = {
        reference,
        number: 'sealed',
        via,
        country,
        lease: 10,
        cooldown: 0,
        lifetime: 300,
        lookedUp: false,
        lookupEvery: 3,
      }
      try {
        const admitted = await admit(
          context,
          { ...wanted, token: undefined },
          (message, passed, again) => store.send(ref, { ...request, again }, message, passed),
        )
        if (admitted.status === 'reserved' && 'unsent' in admitted && admitted.unsent) {
          return { status: 'sent', unsent: admitted.unsent, reference, ref }
        }
        const wait = 'retryAfter' in admitted ? admitted.retryAfter : undefined
        return { status: admitted.status, wait }
      } catch (error) {
        if (!(error instanceof OtpError) || error.code !== 'ERR_OTP_BUDGET') throw error
        return { status: 'budget', wait: error.retryAfter }
      }
    }

    return {
      options,
      send,
      /** tyntec has provably not sent it. */
      async fail(answer: Answer): Promise<void> {
        if (!('unsent' in answer)) throw new Error(`it was not sent: ${answer.status}`)
        const { ref, reference, unsent } = answer
        await store.settleSend(ref, reference, { result: 'failed' }, { unsent })
      },
      /** Somebody signs in after so many messages. */
      async signIn({ number, country = 'US', address }: Who, messages = 1): Promise<void> {
        const [own] = addressKeysOf(originOf(options, secrets, address))
        const [tag] = secrets.numberTags(number)
        await inner.run(
          'recount',
          {
            own,
            country: countryKey(country),
            range: rangeKey(secrets.rangeTags(number)[0]),
          },
          {
            attempt: 'attempt',
            flow: 'flow',
            result: {
              result: 'verified',
              hash: 'hash',
              reference: 'reference',
              openingLease: 35,
              window: 60,
            },
            rules,
            honest: { country, messages, number: short(tag) },
          },
        )
      },
      unlock: (number: string) =>
        Promise.all(secrets.numberTags(number).map((tag) => store.unlock(tag, true))),
    }
  }

  return {
    ...open(),
    /** The same store, by another process with other options. */
    another: open,
    inner,
    events,
    /** What Redis counts. */
    counts: async () =>
      connected ? countsOf(await dumpRedis(connected.redis, connected.prefix)) : {},
    async advance(seconds: number) {
      offset += seconds * 1000
      moveDate(seconds)
      if (connected) await advanceRedis(connected.redis, connected.prefix, seconds)
    },
    redis: connected,
  }
}
