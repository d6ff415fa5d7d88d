import { validateCountries } from '../input/countries.js'
import type { Channel, Suspicion } from '../outcomes.js'
import {
  between,
  type Check,
  group,
  invalid,
  oneOf,
  optional,
  resolveGroup,
  type Table,
  whole,
} from './values.js'

/** Messages, and what they cost. */
export interface BudgetOptions {
  /** @default 300 */
  perHour?: number | undefined
  /** @default 2000 */
  perDay?: number | undefined
  /**
   * The share of each budget, those of countries and money among them, that only browsers which have signed
   * in with their number before can use: 0 to 0.9.
   *
   * @default 0.1
   */
  reserve?: number | undefined
  /**
   * Messages a day to one country: one figure for each, or by ISO 3166-1 code with `default` for the others.
   *
   * @default no limit of its own
   */
  perCountryPerDay?: number | Readonly<Record<string, number>> | undefined
  /**
   * A ceiling in money. Prices and ceiling are in one currency, whichever it is, to 1/10000.
   *
   * @default none
   */
  money?: MoneyOptions | undefined
}

/** A budget in money. */
export interface MoneyOptions {
  /** A day's ceiling, over 0 and at most 1,000,000. */
  perDay: number
  /**
   * What a message costs, by ISO 3166-1 code, with `default` for the others. Every country that is
   * allowed needs a price. A WhatsApp message without one costs what a text does.
   */
  prices: Readonly<Record<string, number | { sms: number; voice: number; whatsapp?: number }>>
}

/** When messages without a sign-in look like pumping. */
export interface PumpingOptions {
  /** @default as for `pumping` */
  mode?: 'shadow' | 'enforce' | undefined
  /** To one country. What is older than 12 hours weighs half. @default { free: 20, share: 0.4 } */
  country?: Partial<PumpingRule> | undefined
  /**
   * From one address. What is older than 12 hours weighs half.
   *
   * @default { free: 10, or the points of limits.sendsPerAddress if they are more, share: 0.4 }
   */
  address?: Partial<PumpingRule> | undefined
  /**
   * To the thousand numbers that differ in the last three digits only. What is older than an hour weighs
   * half.
   *
   * @default { free: 10, share: 0.5 }
   */
  range?: Partial<PumpingRule> | undefined
  /** Countries that one address may send to in a day. @default 3 */
  countriesPerAddress?: number | undefined
}

/** Suspicious are more than `free` messages without a sign-in, plus `share` for each sign-in. */
export interface PumpingRule {
  /** Messages that nobody has to sign in with. */
  free: number
  /** So many more for each sign-in: 0.4 is two more for every five. */
  share: number
}

/** What a challenge is asked about. */
export interface ChallengeRequest {
  /** What looks odd, nothing for most messages. With `pumping: 'shadow'` at the most `guessing`. */
  reasons: readonly Suspicion[]
  /** The field `challenge` of the body. */
  token: string | undefined
  /** E.164. */
  number: string
  /** ISO 3166-1. */
  country: string
  /** The channel that the message is to take. */
  via: Channel
  /** As the framework has it. */
  address: unknown
}

/** Says whether the message may go out. */
export type Challenge = (request: ChallengeRequest) => boolean | Promise<boolean>

export interface ResolvedBudget {
  perHour: number
  perDay: number
  reserve: number
  perCountryPerDay: (country: string) => number | undefined
  money: ResolvedMoney | undefined
}

/** In points, of which `scale` are one unit of the currency. */
export interface ResolvedMoney {
  perDay: number
  scale: number
  priceOf: (country: string, via: Channel) => number
}

export interface ResolvedPumping {
  enforced: Readonly<Record<Exclude<Suspicion, 'guessing'>, boolean>>
  country: PumpingRule
  address: PumpingRule
  range: PumpingRule
  countriesPerAddress: number
}

/** Antarctica has a code and no numbers that the library knows. */
export const countryCodes =
  'ISO 3166-1 codes of two letters, of countries whose phone numbers are known'

/** A price of one tenth of a cent is ten points. */
const pointsPerUnit = 10_000

/** Rounded up: less than the smallest step is not free. */
const amount: Check<number> = (name, value) => {
  if (typeof value !== 'number' || !(value > 0 && value <= 1_000_000)) {
    throw invalid(name, 'an amount over 0 and at most 1000000')
  }
  return Math.ceil(value * pointsPerUnit - 1e-6)
}

const byChannel = group({
  sms: [amount],
  voice: [amount],
  whatsapp: [optional(amount)],
} satisfies Table<Record<Channel, number>>)

const price: Check<Record<Channel, number>> = (name, value) => {
  if (typeof value !== 'object') {
    const each = amount(name, value)
    return { sms: each, voice: each, whatsapp: each }
  }
  const { sms, voice, whatsapp = sms } = byChannel(name, value)
  return { sms, voice, whatsapp }
}

const moneyTable = {
  perDay: [amount],
  prices: [
    (name, value) => {
      if (typeof value !== 'object' || value === null) {
        throw invalid(name, `prices by ISO 3166-1 code, with 'default' for the others`)
      }
      return byCountry(price)(name, value)
    },
  ],
} satisfies Table<MoneyOptions>

const money: Check<ResolvedMoney> = (name, value) => {
  const { perDay, prices } = resolveGroup(name, value, moneyTable)
  const priceOf: ResolvedMoney['priceOf'] = (country, via) =>
    prices(country)?.[via] ?? Number.POSITIVE_INFINITY
  return { perDay, scale: pointsPerUnit, priceOf }
}

const budgetTable = {
  perHour: [whole(1, 10_000_000), 300],
  perDay: [whole(1, 100_000_000), 2000],
  reserve: [between(0, 0.9), 0.1],
  perCountryPerDay: [byCountry(whole(1, 100_000_000))],
  money: [optional(money)],
} satisfies Table<BudgetOptions>

export function resolveBudget(
  given: unknown,
  countries: readonly string[] | 'any',
): ResolvedBudget {
  const budget = resolveGroup('budget', given, budgetTable)
  const { priceOf } = budget.money ?? {}
  const priced = countries === 'any' ? ['default'] : countries
  // Without a price a country would be free.
  if (priceOf && !priced.every((country) => Number.isFinite(priceOf(country, 'sms')))) {
    throw invalid('budget.money.prices', `complete: each of "countries", or 'default'`)
  }
  return budget
}

/** One value for all countries, or some by their code. */
function byCountry<T>(check: Check<T>): Check<(country: string) => T | undefined> {
  return (name, given) => {
    if (given === undefined) return () => undefined
    if (typeof given !== 'object' || given === null) {
      const all = check(name, given)
      return () => all
    }
    const values = new Map<string, T>()
    for (const [country, value] of Object.entries(given)) {
      if (country !== 'default' && validateCountries([country]).length > 0) {
        throw invalid(name, `made of ${countryCodes}, and 'default'`)
      }
      const code = country === 'default' ? country : country.toUpperCase()
      values.set(code, check(`${name}.${code}`, value))
    }
    return (country) => values.get(country) ?? values.get('default')
  }
}

const pumpingRule = (free: number, share: number) =>
  group({
    free: [whole(1, 1_000_000), free],
    share: [between(0, 10), share],
  } satisfies Table<PumpingRule>)

/**
 * `fromAddress`: the points of the limit of an address. `asked`: there is a challenge, which lets people
 * through.
 */
export function resolvePumping(
  given: unknown,
  setting: { production: boolean; asked: boolean; fromAddress: number },
): ResolvedPumping {
  const { production, asked, fromAddress } = setting
  const mode = oneOf('shadow', 'enforce')
  const table = {
    mode: [optional(mode)],
    country: [pumpingRule(20, 0.4), {}],
    // An app that has raised the limit of an address expects many people there.
    address: [pumpingRule(Math.max(10, fromAddress), 0.4), {}],
    range: [pumpingRule(10, 0.5), {}],
    countriesPerAddress: [whole(1, 1000), 3],
  } satisfies Table<PumpingOptions>
  const isGroup = typeof given === 'object' && given !== null
  const options = resolveGroup('pumping', isGroup ? given : {}, table)
  const named = isGroup || given === undefined ? options.mode : mode('pumping', given)
  const enforced = named === undefined ? production : named === 'enforce'
  return {
    enforced: {
      // Twenty messages of one stranger would close a country for everybody who is new: where nobody
      // has asked for that, people need a way through.
      country: enforced && (named === 'enforce' || asked),
      address: enforced,
      range: enforced,
      countries: enforced,
    },
    country: options.country,
    address: options.address,
    range: options.range,
    countriesPerAddress: options.countriesPerAddress,
  }
}
