import { randomBytes } from 'node:crypto'
import type { BudgetOptions } from 'passport-tyntec-otp'

const { env } = process

/** What is wrong with a setting is said by its name: a stack trace would blame something else. */
export function refuseSetting(name: string, problem: string): never {
  console.error(`${name} ${problem}`)
  process.exit(2)
}

export function wholeNumber(name: string, fallback: number, max: number): number {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= max) return value
  return refuseSetting(
    name,
    `must be a whole number from 0 to ${max}, not ${JSON.stringify(text)}.`,
  )
}

function oneOf(name: string, values: readonly [string, ...string[]]): string {
  const value = env[name] || values[0]
  if (values.includes(value)) return value
  return refuseSetting(name, `must be ${values.join(' or ')}, not ${JSON.stringify(value)}.`)
}

/** The option `budget` as JSON, such as `{"perCountryPerDay":{"US":500}}`. */
function budget(): BudgetOptions | undefined {
  if (!env.BUDGET) return undefined
  try {
    return JSON.parse(env.BUDGET) as BudgetOptions // createOtpFlow() looks whether it is
  } catch {
    return refuseSetting('BUDGET', 'must be JSON.')
  }
}

/** What is the same for both examples. Everything has a default, so that they start as they are. */
export const settings = {
  port: wholeNumber('PORT', 3000, 65_535),
  /** How many proxies are in front. Never `true`: then anybody can choose the address they come from. */
  trustProxy: wholeNumber('TRUST_PROXY', 0, 10),
  /** By which codes travel, the usual one first. What WhatsApp can't deliver goes on by SMS. */
  channels: oneOf('CHANNELS', ['sms', 'whatsapp,sms']),
  budget: budget(),
  sessionSecret: env.SESSION_SECRET || randomBytes(32).toString('hex'),
}
