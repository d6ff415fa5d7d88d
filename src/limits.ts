import type { Events } from './events.js'
import type { ResolvedOptions } from './options.js'
import type { LimitAnswer, Limiter, OtpStore } from './store/store.js'

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

export interface Limits {
  sendsPerAddress: Limiter
  failuresPerAddress: Limiter
  /** One message from the budget of the whole app and from that of its number, together. */
  takeSend(numberTag: string): Promise<TakenSend>
}

export function createLimits(
  options: Pick<ResolvedOptions, 'limits' | 'budget'>,
  store: OtpStore,
  events: Events,
): Limits {
  const { sendsPerNumber, sendsPerAddress, failuresPerAddress } = options.limits
  const perNumber = sendsPerNumber.map((rule, index) =>
    store.limiter({ name: `sends:number:${index}`, ...rule }),
  )
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
    sendsPerAddress: store.limiter({ name: 'sends:address', ...sendsPerAddress }),
    failuresPerAddress: store.limiter({ name: 'failures:address', ...failuresPerAddress }),

    async takeSend(numberTag) {
      const uses = [
        ...budgets.map(({ limiter }) => ({ limiter, key: 'all' })),
        ...perNumber.map((limiter) => ({ limiter, key: `{${numberTag}}` })),
      ]
      // One wait for all of them; whoever is refused by one gets the others back.
      const answers = await Promise.all(uses.map(({ limiter, key }) => limiter.consume(key)))
      watch(answers)
      const refused = answers.findIndex(({ allowed }) => !allowed)
      const giveBack = async (from: number): Promise<void> => {
        await Promise.all(
          // A use that was refused is counted too, and would be refused for longer if it stayed.
          uses.slice(from).map(({ limiter, key }) => limiter.refund(key)),
        )
      }
      return {
        refused: refused < 0 ? undefined : refused < budgets.length ? 'budget' : 'number',
        retryAfter: answers[refused]?.retryAfter ?? 0,
        used: answers[refused]?.used ?? 0,
        refundNumber: () => giveBack(budgets.length),
        refund: () => giveBack(0),
      }
    },
  }
}
