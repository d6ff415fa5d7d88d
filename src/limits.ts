import type { Events } from './events.js'
import type { ResolvedOptions } from './options.js'
import type { LimitAnswer, Limiter, LimiterRule, OtpStore } from './store/store.js'

/** A number as the limits know it. */
export interface Recipient {
  /** Its HMACs: more than one while a secret rotates out. */
  tags: readonly string[]
  /** The lane of a browser that has signed in with it before. */
  lane: string | undefined
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

/** A limit whose key has several names while a secret rotates out. All of them count. */
export interface NamedLimit {
  consume(keys: readonly string[]): Promise<LimitAnswer>
  refund(keys: readonly string[]): Promise<void>
}

export interface Limits {
  sendsPerAddress: NamedLimit
  failuresPerAddress: NamedLimit
  /** One message from the budget of the whole app and from that of its number, together. */
  takeSend(to: Recipient): Promise<TakenSend>
}

export function createLimits(
  options: Pick<ResolvedOptions, 'limits' | 'budget'>,
  store: OtpStore,
  events: Events,
): Limits {
  const { sendsPerNumber, sendsPerAddress, sendsPerDevice, failuresPerAddress } = options.limits
  const perNumber = sendsPerNumber.map((rule, index) =>
    store.limiter({ name: `sends:number:${index}`, ...rule }),
  )
  const perDevice = store.limiter({ name: 'sends:device', ...sendsPerDevice })
  const budgets = [
    { window: 'hour' as const, points: options.budget.perHour, duration: 3600 },
    { window: 'day' as const, points: options.budget.perDay, duration: 86_400 },
  ].map((budget) => ({
    ...budget,
    limiter: store.limiter({ name: `sends:all:${budget.window}`, ...budget }),
  }))

  const told = new Map<string, number>()
  const watch = (answers: readonly LimitAnswer[]): void => {
    budgets.forEach(({ window, points }, index) => {
      const { used, retryAfter, allowed } = answers[index] ?? {
        used: 0,
        retryAfter: 0,
        allowed: true,
      }
      const level = !allowed ? 'exhausted' : used >= Math.ceil(points * 0.8) ? 'warning' : undefined
      const now = performance.now()
      // Once in each window: uses that are given back pass the same mark again.
      if (!level || (told.get(`${level} ${window}`) ?? 0) > now) return
      told.set(`${level} ${window}`, now + retryAfter * 1000)
      events.emit({ type: `budget.${level}`, window, used: Math.min(used, points), of: points })
    })
  }

  return {
    sendsPerAddress: namedLimit(store, { name: 'sends:address', ...sendsPerAddress }),
    failuresPerAddress: namedLimit(store, { name: 'failures:address', ...failuresPerAddress }),

    async takeSend({ tags, lane }) {
      const uses = [
        ...budgets.map(({ limiter }) => ({ limiter, key: '{all}' })),
        ...perNumber.flatMap((limiter) => tags.map((tag) => ({ limiter, key: `{${tag}}` }))),
      ]
      // One wait for all of them; whoever is refused by one gets the others back.
      const answers = await together(uses)
      watch(answers)
      const giveBack = async (from: number): Promise<void> => {
        await Promise.all(
          // A use that was refused is counted too, and would be refused for longer if it stayed.
          uses.slice(from).map(({ limiter, key }) => limiter.refund(key)),
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
      if (lane === undefined) return { ...taken, refused: 'number' }

      // Strangers have used up the number's messages: a known browser has some of its own.
      const key = `{${tags[0]}}:${lane}`
      const own = await perDevice.consume(key)
      const withDevice = async (from: number): Promise<void> => {
        await Promise.all([giveBack(from), perDevice.refund(key)])
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

/** All of the uses, or none: those that were taken go back when one can't be asked for. */
async function together(
  uses: readonly { limiter: Limiter; key: string }[],
): Promise<LimitAnswer[]> {
  const taken = await Promise.allSettled(uses.map(({ limiter, key }) => limiter.consume(key)))
  const failed = taken.find((each) => each.status === 'rejected')
  if (!failed) return taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const held = uses.filter((_, index) => taken[index]?.status === 'fulfilled')
  await Promise.allSettled(held.map(({ limiter, key }) => limiter.refund(key)))
  throw failed.reason
}

function namedLimit(store: OtpStore, rule: LimiterRule): NamedLimit {
  const limiter: Limiter = store.limiter(rule)
  return {
    async consume(keys) {
      const answers = await together(keys.map((key) => ({ limiter, key: `{${key}}` })))
      return {
        allowed: answers.every(({ allowed }) => allowed),
        retryAfter: Math.max(...answers.map(({ retryAfter }) => retryAfter)),
        used: Math.max(...answers.map(({ used }) => used)),
      }
    },
    async refund(keys) {
      await Promise.all(keys.map((key) => limiter.refund(`{${key}}`)))
    },
  }
}
