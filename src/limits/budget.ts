import type { BudgetWindow, Events } from '../events.js'
import type { ResolvedBudget } from '../options/spending.js'
import type { Channel } from '../outcomes.js'
import type { Count, Limit } from '../store/steps/limits.js'

/** What all numbers together may cost. */
export interface Budgets {
  /** The limits of one message: those of the whole app, and those of its country. */
  limitsOf(message: BudgetMessage): { app: readonly Limit[]; ofCountry: readonly Limit[] }
  /** Tells the operator once in each window that a budget is nearly or all used up. */
  watch(counts: { app: Counts; country: Counts }, country: string): void
  exhausted(limit: string, count: Count, country: string): void
}

type Counts = Readonly<Record<string, Count>>

export interface BudgetMessage {
  country: string
  via: Channel
  /** The browser has signed in with the number before: the reserve is there for it. */
  known: boolean
  /** No message goes out, whatever is said. */
  decoy: boolean
}

const hour = 3600
const day = 86_400

export function createBudgets(budget: ResolvedBudget, events: Events): Budgets {
  const { perHour, perDay, reserve, perCountryPerDay, money } = budget
  const pointsOf = (window: BudgetWindow, country: string) =>
    ({
      hour: perHour,
      day: perDay,
      country: perCountryPerDay(country) ?? 0,
      money: money?.perDay ?? 0,
    })[window]

  const told = new Map<string, number>()
  const tell = (
    level: 'warning' | 'exhausted',
    window: BudgetWindow,
    { used, wait }: Count,
    country: string,
  ) => {
    const now = performance.now()
    const what = `${level} ${window} ${window === 'country' ? country : ''}`
    if ((told.get(what) ?? 0) > now) return
    told.set(what, now + wait)
    const scale = window === 'money' ? (money?.scale ?? 1) : 1
    const of = pointsOf(window, country)
    events.emit({
      type: `budget.${level}`,
      window,
      ...(window === 'country' && { country }),
      used: Math.min(used, of) / scale,
      of: of / scale,
    })
  }

  return {
    limitsOf({ country, via, known, decoy }) {
      const share = known ? 1 : 1 - reserve
      const limit = (name: BudgetWindow, points: number, duration: number, cost = 1): Limit => ({
        name,
        // One message at least, or a small budget would be none for people who are new.
        points: Math.max(Math.floor(points * share + 1e-9), Math.min(cost, points)),
        duration,
        ...(cost !== 1 && { cost }),
        ...(decoy && { idle: true as const }),
      })
      const ofCountry = perCountryPerDay(country)
      return {
        app: [
          limit('hour', perHour, hour),
          limit('day', perDay, day),
          ...(money ? [limit('money', money.perDay, day, money.priceOf(country, via))] : []),
        ],
        ofCountry: ofCountry === undefined ? [] : [limit('country', ofCountry, day)],
      }
    },

    watch(counts, country) {
      for (const [window, count] of [
        ...Object.entries(counts.app),
        ...Object.entries(counts.country),
      ] as [BudgetWindow, Count][]) {
        if (!windows.has(window)) continue
        if (count.used >= Math.ceil(pointsOf(window, country) * 0.8)) {
          tell('warning', window, count, country)
        }
      }
    },

    exhausted(limit, count, country) {
      if (windows.has(limit)) tell('exhausted', limit as BudgetWindow, count, country)
    },
  }
}

const windows: ReadonlySet<string> = new Set<BudgetWindow>(['hour', 'day', 'country', 'money'])
