/** Mobile numbers: what they begin with, and how many digits follow. */
const plans = {
  US: ['+1201', 7],
  DE: ['+49151', 8],
  GB: ['+447400', 6],
  IT: ['+39320', 7],
  AT: ['+43664', 7],
  CH: ['+4179', 7],
} as const satisfies Record<string, readonly [string, number]>

export type PhoneCountry = keyof typeof plans
export const phoneCountries = Object.keys(plans) as PhoneCountry[] // they are its keys

/** The number of a subscriber, who is counted from 0. Neighbours have numbers next to each other. */
export function phone(country: PhoneCountry, subscriber: number): string {
  const [prefix, digits] = plans[country]
  // Without rows of zeros, as they are found in any value.
  const first = Math.floor(27_182_818 / 10 ** (8 - digits))
  return `${prefix}${String(first + subscriber).padStart(digits, '0')}`
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Subscribers who are strangers to each other. */
export function strangers(random: () => number): () => number {
  return () => Math.floor(random() * 700_000)
}

/** An address that no other index has. */
export function addressOf(index: number): string {
  return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
}
