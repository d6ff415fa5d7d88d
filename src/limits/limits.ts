import type { Events, LimitName } from '../events.js'
import type { ResolvedOptions } from '../options/options.js'
import type { Secrets } from '../secrets/secrets.js'
import type { AddressCall, OriginWaits } from '../store/flows.js'
import type { Message } from '../store/slots.js'
import type { Counts, Denied } from '../store/steps/admission.js'
import type { Count, Limit, Refusal } from '../store/steps/limits.js'
import { type Budgets, createBudgets } from './budget.js'
import { createLimiter, type Limiter } from './limiter.js'
import { createMessages, type Messages, type Recipient, short } from './message.js'
import { addressKeysOf, type Origin } from './origin.js'

/** A limit refuses a request. `retryAfter` is in seconds. */
export interface Refused {
  limit: LimitName
  retryAfter: number
}

/** A budget does, which the operator has to look at. */
export interface Spent {
  limit?: undefined
  retryAfter: number
}

export interface Limits {
  messageOf(to: Recipient, origin: Origin): Message
  /** What limits the messages to a number that this origin asks for. */
  ofNumber: Messages['ofNumber']
  /** Seconds until nothing of its number refuses the message after one that was counted; nothing when it may follow. */
  nextAfter(counts: Counts, message: Message): number | undefined
  /** What is certain to be refused, without asking the store. */
  refusedBefore(origin: Origin, browserTag: string | undefined): Refused | undefined
  /**
   * Where requests are counted that a wait ends. Nothing while a secret rotates out, as the address may have
   * another record: the step that takes that over counts them then.
   */
  waitsOf(origin: Origin, browserTag: string | undefined): OriginWaits | undefined
  /** An address has asked too often within waits. */
  refusedWait(refusal: Refusal, origin: Origin, browserTag: string | undefined): Promise<Refused>
  /** What a step has refused. The operator is told of a budget that is used up. */
  refused(denied: Denied, message: Message, to: Recipient, origin: Origin): Promise<Refused | Spent>
  /** Lets the library see what a step has counted, and the operator what is nearly used up. */
  counted(counts: Counts, to: Recipient): void
  /** What a check may cost its address. Nothing for a browser that is known, and where nothing is counted. */
  addressOf(
    origin: Origin,
    numberTag: string,
    browserTag: string | undefined,
  ): AddressCall | undefined
  refusedCheck(refusal: Refusal, origin: Origin): Promise<Refused>
  /** Failures that a known browser has to itself. */
  browserLimitOf(browserTag: string | undefined): Limit | undefined
  /** Wrong codes in the whole app, from which on somebody is guessing. */
  readonly guesses: Limit
  countedGuess(count: Count | undefined): void
  /** Whether this process has seen that mark in this window. */
  guessing(): boolean
}

export function createLimits(
  options: Pick<ResolvedOptions, 'limits' | 'budget' | 'pumping' | 'challenge' | 'guessing'>,
  secrets: Pick<Secrets, 'rangeTags'>,
  events: Events,
): Limits {
  const { limits } = options
  const budgets: Budgets = createBudgets(options.budget, events)
  const messages = createMessages(options, secrets, budgets)
  const guesses: Limit = { name: 'guesses', ...options.guessing }
  const failures: Limit = { name: 'failures', ...limits.failuresPerAddress }
  const limiters = new Map<string, Limiter>()
  /**
   * One limiter of the library for each limit, however many there are whom it counts one by one: these are in
   * its keys. Only the windows of addresses are never ended early.
   */
  const limiterOf = (by: Denied['by'], limit: Limit): Limiter => {
    const { rule } = partsOf(limit.name)
    const name = `${by}:${rule}:${limit.points}:${limit.cost ?? 1}`
    const known = limiters.get(name)
    if (known) return known
    const made = createLimiter({ ...limit, name }, by === 'own' || by === 'site')
    limiters.set(name, made)
    return made
  }

  let guessingUntil = 0

  return {
    messageOf: messages.messageOf,
    ofNumber: messages.ofNumber,

    nextAfter({ number: counts }, { parts: { number } }) {
      if (!number) return undefined
      const full = (limits: readonly Limit[]) =>
        limits.map(({ name, points, cost = 1 }) => {
          const { used = 0, wait = 0 } = counts[name] ?? {}
          return used + cost > points ? wait / 1000 : 0
        })
      // A known browser goes on with messages of its own where the others are used up.
      const rest = number.own.length > 0 ? number.own : number.limits
      const longest = Math.max(...full(number.always), ...full(rest))
      return longest > 0 ? longest : undefined
    },
    guesses,

    refusedBefore({ own, site }, browserTag) {
      if (own === undefined) return undefined
      let longest: Refused | undefined
      const look = (by: 'own' | 'site', limit: Limit, key: string) => {
        const answer = limiterOf(by, limit).refused(keyOf(key, limit))
        if (!answer || answer.retryAfter <= (longest?.retryAfter ?? 0)) return
        longest = { limit: nameOf(by, limit.name), retryAfter: answer.retryAfter }
      }
      look('own', messages.ofAddress(browserTag), own[0])
      look('own', messages.waits(browserTag), own[0])
      if (site) look('site', messages.ofSite(browserTag), site[0])
      return longest
    },

    waitsOf(origin, browserTag) {
      const [own, ...older] = addressKeysOf(origin)
      return own === undefined || older.length > 0
        ? undefined
        : { own, waits: messages.waits(browserTag) }
    },

    async refusedWait(refusal, { own }, browserTag) {
      const waits = messages.waits(browserTag)
      const { retryAfter } = await limiterOf('own', waits).judge(
        keyOf(own?.[0] ?? '', waits),
        refusal,
      )
      return { limit: 'waits_per_address', retryAfter }
    },

    async refused({ by, limit, used, wait }, { parts }, to, origin) {
      const { address, shared, number } = parts
      const among = {
        own: address ? [...address.own, address.waits] : [],
        site: address?.site ?? [],
        shared: shared ? [...shared.app, ...shared.ofCountry] : [],
        number: number ? [...number.always, ...number.limits, ...number.own] : [],
      }[by]
      const keys = {
        own: origin.own?.[0],
        site: origin.site?.[0],
        shared: to.country,
        number: to.tags[0],
      }
      const found = among.find(({ name }) => name === limit) ?? {
        name: limit,
        points: 0,
        duration: 1,
      }
      const key = keyOf(keys[by] ?? '', found)
      const { retryAfter } = await limiterOf(by, found).judge(key, { used, wait })
      if (by === 'shared') {
        budgets.exhausted(limit, { used, wait }, to.country)
        return { retryAfter }
      }
      return { limit: nameOf(by, limit), retryAfter }
    },

    counted: (counts, to) => budgets.watch(counts, to.country),

    addressOf(origin, numberTag, browserTag) {
      const [key, ...older] = addressKeysOf(origin)
      if (key === undefined || browserTag !== undefined) return undefined
      const number = short(numberTag)
      const numbers = limits.failedNumbersPerAddress
      return { key, failures: { failures, number, numbers }, older }
    },

    async refusedCheck({ limit, used, wait }, { own }) {
      const numbers = { ...limits.failedNumbersPerAddress, name: limit }
      const limiter = limiterOf(
        limit === 'failures' ? 'own' : 'number',
        limit === 'failures' ? failures : numbers,
      )
      const { retryAfter } = await limiter.judge(own?.[0] ?? '', { used, wait })
      const name = limit === 'failures' ? 'failures_per_address' : 'failed_numbers_per_address'
      return { limit: name, retryAfter }
    },

    browserLimitOf: (browserTag) =>
      browserTag === undefined
        ? undefined
        : { ...limits.knownBrowser.failures, name: `failed:${short(browserTag)}` },

    countedGuess(count) {
      if (!count) return
      const now = performance.now()
      if (count.used <= guesses.points || guessingUntil > now) return
      guessingUntil = now + count.wait
      events.emit({ type: 'guessing.suspected', failures: count.used })
    },
    guessing: () => guessingUntil > performance.now(),
  }
}

/** What a refusal is called in events. */
function nameOf(by: Exclude<Denied['by'], 'shared'>, limit: string): LimitName {
  if (by !== 'number') return limit.startsWith('waits') ? 'waits_per_address' : 'sends_per_address'
  return limit.startsWith('from') ? 'messages_per_address_and_number' : 'sends_per_number'
}

/** A limit that counts somebody by himself has his tag in the name of its window, and not in its own. */
function partsOf(name: string): { rule: string; whom: string } {
  const [, before, whom, after = ''] = /^(\w+):([\w-]{11})(:\d+)?$/.exec(name) ?? []
  return before === undefined || whom === undefined
    ? { rule: name, whom: '' }
    : { rule: `${before}:one${after}`, whom }
}

function keyOf(key: string, { name }: Limit): string {
  return `${key}${partsOf(name).whom}`
}
