import type { Suspicion } from './outcomes.js'
import type { ResolvedPumping } from './options/spending.js'
import type { LimitAnswer, MeterReading, OtpStore } from './store/store.js'

/** A message as the detector knows it. */
export interface Message {
  /** ISO 3166-1. */
  country: string
  /** HMACs: more than one while a secret rotates out. */
  addressKeys: readonly string[]
  rangeTags: readonly string[]
}

/** What is odd about a message. */
export interface Oddity {
  by: Exclude<Suspicion, 'guessing'>
  /** Messages without a sign-in, this one included, and sign-ins, with what is old weighing less. */
  unverified: number
  verified: number
  /** Seconds until it may look better. */
  retryAfter: number
}

/** A message that the detector has counted. */
export interface Counted {
  odd: readonly Oddity[]
  /** Nothing was sent. */
  undo(): Promise<void>
}

/**
 * Whoever earns by messages has them sent to many numbers and signs in with none. So what counts is not how
 * many messages there are, but how many more than sign-ins.
 */
export interface Pumping {
  /** Counts a message that is about to be sent. */
  count(message: Message): Promise<Counted>
  /** Somebody has signed in, with so many messages. */
  verified(message: Message, messages: number): Promise<void>
}

const day = 86_400
const dayMeter = day / 2
const hourMeter = 3600

export function createPumping(rules: ResolvedPumping, store: OtpStore): Pumping {
  const meters = {
    country: store.meter({ name: 'country', halfLife: dayMeter }),
    address: store.meter({ name: 'address', halfLife: dayMeter }),
    range: store.meter({ name: 'range', halfLife: hourMeter }),
  }
  const countries = store.memberLimiter({
    name: 'countries:address',
    points: rules.countriesPerAddress,
    duration: day,
  })
  const keysOf = ({ country, addressKeys, rangeTags }: Message) => ({
    country: [`{${country}}`],
    address: addressKeys.map(keyOf),
    range: rangeTags.map(keyOf),
  })

  return {
    async count(message) {
      const { country } = message
      const keys = keysOf(message)
      // What was really counted, of which one part can fail while the others don't.
      const steps: (() => Promise<unknown>)[] = []
      const undo = async () => void (await Promise.all(steps.map((step) => step())))
      const add = async (name: MeterName, key: string): Promise<[MeterName, MeterReading]> => {
        const reading = await meters[name].add(key, { sent: 1, verified: 0 })
        steps.push(() => meters[name].add(key, { sent: -1, verified: 0 }))
        return [name, reading]
      }
      const enter = async (key: string): Promise<LimitAnswer> => {
        const answer = await countries.consume(key, country)
        if (answer.allowed) steps.push(() => countries.refund(key, country))
        return answer
      }

      const adding = names.flatMap((name) => keys[name].map((key) => add(name, key)))
      const entering = keys.address.map(enter)
      // One wait for all of them, and for each: what is on its way when another fails counts too.
      await Promise.allSettled([...adding, ...entering])
      try {
        const readings = await Promise.all(adding)
        const answers = await Promise.all(entering)
        const odd: Oddity[] = names.flatMap((by) => {
          const { sent, verified } = highest(readings.filter(([name]) => name === by))
          const unverified = sent - verified
          const { free, share } = rules[by]
          return unverified > free + share * verified
            ? [{ by, unverified, verified, retryAfter: oddFor }]
            : []
        })
        const refused = answers.find(({ allowed }) => !allowed)
        if (refused) {
          const { used, retryAfter } = refused
          odd.push({ by: 'countries', unverified: used, verified: 0, retryAfter })
        }
        return { odd, undo }
      } catch (error) {
        await undo().catch(() => {})
        throw error
      }
    },

    async verified(message, messages) {
      const { country } = message
      const keys = keysOf(message)
      // A country that people sign in from is none of those that an address is short of.
      const leave = keys.address.flatMap((key) => Array<string>(messages).fill(key))
      await Promise.all([
        ...names.flatMap((name) =>
          keys[name].map((key) => meters[name].add(key, { sent: 0, verified: messages })),
        ),
        ...leave.map((key) => countries.refund(key, country)),
      ])
    },
  }
}

/** A meter falls with every sign-in, and by itself. */
const oddFor = 600

const names = ['country', 'address', 'range'] as const
type MeterName = (typeof names)[number]

function keyOf(tag: string): string {
  return `{${tag}}`
}

/** Of several names of one thing, the one that says most: the newer name may be young. */
function highest(readings: readonly [MeterName, MeterReading][]): MeterReading {
  return readings
    .map(([, reading]) => reading)
    .reduce((one, other) => (other.sent - other.verified > one.sent - one.verified ? other : one))
}
