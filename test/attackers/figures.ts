/**
 * What each attacker of docs/abuse.md does and reaches, as its test counts it: requests to the app, addresses that
 * they come from, and messages that went out for them.
 */
export const figures = {
  'a subscriber line': { requests: 299, addresses: 256, messages: 50 },
  'an hour of a network': { requests: 300, addresses: 256, messages: 270 },
  'a day of a network': { requests: 1900, addresses: 256, messages: 1800 },
  "a country's budget": { requests: 110, addresses: 110, messages: 90 },
  'the budget in money': { requests: 110, addresses: 110, messages: 90 },
  'made-up handles': { requests: 1600, addresses: 1, messages: 0 },
  'inside a wait': { requests: 1000, addresses: 1, messages: 1 },
  'one owner': { requests: 12, addresses: 1, messages: 6 },
  'a refused destination': { requests: 200, addresses: 200, messages: 0 },
  'many refused destinations': { requests: 90, addresses: 90, messages: 0 },
  'numbers that tyntec refuses': { requests: 400, addresses: 256, messages: 0 },
  'next to a known browser': { requests: 80, addresses: 1, messages: 10 },
} as const

export type Attack = keyof typeof figures
