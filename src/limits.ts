import type { BudgetWindow, Events } from './events.js'
import type { ResolvedOptions } from './options/options.js'
import type { Channel } from './outcomes.js'
import type { LimitAnswer, Limiter, LimiterRule, OtpStore } from './store/store.js'

/** A number as the limits know it. */
export interface Recipient {
  /** Its HMACs: more than one while a secret rotates out. */
  tags: readonly string[]
  /** The lane of a browser that has signed in with it before. */
  lane: string | undefined
  /** ISO 3166-1. */
  country: string
  via: Channel
}

/** What a message took from the limits, to be given back when none went out. */
export interface TakenSend {
  refused: 'budget' | 'number' | undefined
  retryAfter: number
  /** Uses that the limit which refused has counted. */
  used: number
  /** Gives the number its message back: tyntec provably did nothing. */
  refundNumber(): Promise<void>
  /** Gives everything back: tyntec was not asked. */
  refund(): Promise<void>
}

/** What a check took from its address, to be given back when it was no failure. */
export interface TakenFailure {
  refused: 'failures_per_address' | 'failed_numbers_per_address' | undefined
  retryAfter: number
  /** It was no failure. */
  refund(): Promise<void>
  /**
   * It was one. Only now its number is counted, so that people who sign in at once behind one address
   * don't refuse each other; those who guess at once are held by the count of failures.
   */
  keep(): Promise<void>
}

/** A limit whose key has several names while a secret rotates out. All of them count. */
export interface NamedLimit {
  consume(keys: readonly string[]): Promise<LimitAnswer>
  refund(keys: readonly string[]): Promise<void>
  /** Whether this process has refused one of the keys in the last minute. */
  refusedLately(keys: readonly string[]): boolean
}

export interface Limits {
  sendsPerAddress: NamedLimit
  /** A failed check from an address: how many there are, and with how many numbers. */
  takeFailure(addressKeys: readonly string[], numberTag: string): Promise<TakenFailure>
  /** Who signs in with a number was no guesser: it is none of those that the address has failed with. */
  forgetFailures(addressKeys: readonly string[], numberTag: string): Promise<void>
  /** A wrong code, wherever: there is a mark from which on somebody is guessing. */
  countFailure(): Promise<void>
  /** Whether this process has seen that mark in this window. */
  guessing(): boolean
  /** One message from the budget of the whole app and from that of its number, together. */
  takeSend(to: Recipient): Promise<TakenSend>
}

export function createLimits(
  options: Pick<ResolvedOptions, 'limits' | 'budget' | 'guessing'>,
  store: OtpStore,
  events: Events,
): Limits {
  const { sendsPerNumber, sendsPerAddress, knownBrowser, failuresPerAddress } = options.limits
  const { callsPerNumber, failedNumbersPerAddress } = options.limits
  const failedNumbers = store.memberLimiter({
    name: 'failed-numbers:address',
    ...failedNumbersPerAddress,
  })
  const failuresOf = namedLimit(store, { name: 'failures:address', ...failuresPerAddress })
  const failures = store.limiter({ name: 'failures:all', ...options.guessing })
  let guessingUntil = 0
  const perNumber = sendsPerNumber.map((rule, index) =>
    store.limiter({ name: `sends:number:${index}`, ...rule }),
  )
  const callsOfNumber = callsPerNumber.map((rule, index) =>
    store.limiter({ name: `calls:number:${index}`, ...rule }),
  )
  const perDevice = store.limiter({ name: 'sends:device', ...knownBrowser.sends })
  // Whoever once had a number may have several browsers that it knows.
  const perDevices = store.limiter({
    name: 'sends:devices',
    ...knownBrowser.sends,
    points: 2 * knownBrowser.sends.points,
  })
  const { perHour, perDay, perCountryPerDay, money } = options.budget
  const day = 86_400
  const budgetOf = (rule: Omit<Budget, 'limiter' | 'cost' | 'key'> & { duration: number }) => ({
    ...rule,
    key: '{all}',
    cost: () => 1,
    limiter: store.limiter({ name: `sends:all:${rule.window}`, ...rule }),
  })
  const forAll: Budget[] = [
    budgetOf({ window: 'hour', points: perHour, duration: 3600 }),
    budgetOf({ window: 'day', points: perDay, duration: day }),
  ]
  if (money) {
    const budget = budgetOf({ window: 'money', points: money.perDay, duration: day })
    forAll.push({
      ...budget,
      scale: money.scale,
      cost: ({ country, via }) => money.priceOf(country, via),
    })
  }
  const perCountry = new Map<string, Budget>()
  const ofCountry = (country: string): Budget[] => {
    const points = perCountryPerDay(country)
    if (points === undefined) return []
    let budget = perCountry.get(country)
    if (!budget) {
      const made = budgetOf({ window: 'country', points, duration: day })
      budget = { ...made, key: `{all}:${country}`, country }
      perCountry.set(country, budget)
    }
    return [budget]
  }

  const told = new Map<string, number>()
  const watch = (budgets: readonly Budget[], answers: readonly LimitAnswer[]): void => {
    const refused = answers.findIndex(({ allowed }) => !allowed)
    budgets.forEach(({ window, points, country, scale = 1 }, index) => {
      const { used, retryAfter } = answers[index] ?? { used: 0, retryAfter: 0 }
      // What one limit refuses, the others give back: it says nothing of them.
      const level =
        index === refused
          ? 'exhausted'
          : refused < 0 && used >= Math.ceil(points * 0.8)
            ? 'warning'
            : undefined
      const now = performance.now()
      const what = `${level} ${window} ${country}`
      // Once in each window: uses that are given back pass the same mark again.
      if (!level || (told.get(what) ?? 0) > now) return
      told.set(what, now + retryAfter * 1000)
      events.emit({
        type: `budget.${level}`,
        window,
        ...(country && { country }),
        used: Math.min(used, points) / scale,
        of: points / scale,
      })
    })
  }

  return {
    sendsPerAddress: namedLimit(store, { name: 'sends:address', ...sendsPerAddress }),

    async takeFailure(addressKeys, numberTag) {
      const [count, numbers] = await Promise.allSettled([
        failuresOf.consume(addressKeys),
        Promise.all(addressKeys.map((key) => failedNumbers.ask(`{${key}}`, numberTag))),
      ])
      if (count.status === 'rejected' || numbers.status === 'rejected') {
        if (count.status === 'fulfilled') await failuresOf.refund(addressKeys).catch(() => {})
        throw (count.status === 'rejected' ? count : (numbers as PromiseRejectedResult)).reason
      }
      const spread = merge(numbers.value)
      const { allowed, retryAfter } = count.value
      return {
        refused: !allowed
          ? 'failures_per_address'
          : spread.allowed
            ? undefined
            : 'failed_numbers_per_address',
        retryAfter: allowed ? spread.retryAfter : retryAfter,
        refund: () => failuresOf.refund(addressKeys),
        async keep() {
          await Promise.all(addressKeys.map((key) => failedNumbers.consume(`{${key}}`, numberTag)))
        },
      }
    },

    async forgetFailures(addressKeys, numberTag) {
      await Promise.all(addressKeys.map((key) => failedNumbers.forget(`{${key}}`, numberTag)))
    },

    async countFailure() {
      const { allowed, used, retryAfter } = await failures.consume('{all}')
      const now = performance.now()
      if (allowed || guessingUntil > now) return
      guessingUntil = now + retryAfter * 1000
      events.emit({ type: 'guessing.suspected', failures: used })
    },
    guessing: () => guessingUntil > performance.now(),

    async takeSend(to) {
      const { tags, lane } = to
      const budgets = [...forAll, ...ofCountry(to.country)]
      const calls = to.via === 'voice' ? callsOfNumber : []
      const uses: Use[] = [
        ...budgets.map(({ limiter, key, cost }) => ({ limiter, key, points: cost(to) })),
        ...[...calls, ...perNumber].flatMap((limiter) =>
          tags.map((tag) => ({ limiter, key: `{${tag}}` })),
        ),
      ]
      // One wait for all of them; whoever is refused by one gets the others back.
      const answers = await together(uses)
      watch(budgets, answers)
      const giveBack = async (from: number): Promise<void> => {
        await Promise.all(
          // A use that was refused is counted too, and would be refused for longer if it stayed.
          uses.slice(from).map(({ limiter, key, points }) => limiter.refund(key, points)),
        )
      }
      const refused = answers.findIndex(({ allowed }) => !allowed)
      const taken = {
        retryAfter: answers[refused]?.retryAfter ?? 0,
        used: answers[refused]?.used ?? 0,
        refundNumber: () => giveBack(budgets.length),
        refund: () => giveBack(0),
      }
      if (refused < 0) return { ...taken, refused: undefined }
      if (refused < budgets.length) return { ...taken, refused: 'budget' }
      // Calls cost more, so nobody gets more of them than there are.
      const isCall = refused < budgets.length + calls.length * tags.length
      if (lane === undefined || isCall) return { ...taken, refused: 'number' }

      // Strangers have used up the number's messages: a known browser has some of its own.
      const key = `{${tags[0]}}`
      const ownUses = [
        { limiter: perDevice, key: `${key}:${lane}` },
        { limiter: perDevices, key },
      ]
      const own = await together(ownUses).then(merge, async (error: unknown) => {
        await giveBack(0).catch(() => {})
        throw error
      })
      const withDevice = async (from: number): Promise<void> => {
        await Promise.all([giveBack(from), ...ownUses.map((use) => use.limiter.refund(use.key))])
      }
      return {
        refused: own.allowed ? undefined : 'number',
        retryAfter: own.retryAfter,
        used: own.used,
        refundNumber: () => withDevice(budgets.length),
        refund: () => withDevice(0),
      }
    },
  }
}

/** What all numbers together may cost. */
interface Budget {
  window: BudgetWindow
  /** Messages, or money in its smallest step. */
  points: number
  /** Of one unit that people reckon in. */
  scale?: number
  country?: string
  limiter: Limiter
  key: string
  cost(message: Pick<Recipient, 'country' | 'via'>): number
}

interface Use {
  limiter: Limiter
  key: string
  points?: number | undefined
}

/** All of the uses, or none: those that were taken go back when one can't be asked for. */
async function together(uses: readonly Use[]): Promise<LimitAnswer[]> {
  const taken = await Promise.allSettled(
    uses.map(({ limiter, key, points }) => limiter.consume(key, points)),
  )
  const failed = taken.find((each) => each.status === 'rejected')
  if (!failed) return taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const held = uses.filter((_, index) => taken[index]?.status === 'fulfilled')
  await Promise.allSettled(held.map(({ limiter, key, points }) => limiter.refund(key, points)))
  throw failed.reason
}

/** Several names of one thing: all of them have to allow it. */
function merge(answers: readonly LimitAnswer[]): LimitAnswer {
  return {
    allowed: answers.every(({ allowed }) => allowed),
    retryAfter: Math.max(...answers.map(({ retryAfter }) => retryAfter)),
    used: Math.max(...answers.map(({ used }) => used)),
  }
}

function namedLimit(store: OtpStore, rule: LimiterRule): NamedLimit {
  const limiter: Limiter = store.limiter(rule)
  /** When, oldest first. */
  const refused = new Map<string, number>()
  const remember = (key: string) => {
    refused.delete(key)
    refused.set(key, performance.now())
    const [oldest] = refused.keys()
    if (refused.size > mostRefused && oldest !== undefined) refused.delete(oldest)
  }
  return {
    async consume(keys) {
      const answer = merge(await together(keys.map((key) => ({ limiter, key: `{${key}}` }))))
      if (!answer.allowed) keys.forEach(remember)
      return answer
    },
    async refund(keys) {
      await Promise.all(keys.map((key) => limiter.refund(`{${key}}`)))
    },
    refusedLately: (keys) =>
      keys.some((key) => performance.now() - (refused.get(key) ?? -Infinity) < 60_000),
  }
}

/** So many keys are remembered as refused: some megabyte of them. */
const mostRefused = 10_000
