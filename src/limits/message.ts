import type { LimitRule } from '../options/limits.js'
import type { ResolvedOptions } from '../options/options.js'
import type { Channel } from '../outcomes.js'
import type { Secrets, Tags } from '../secrets/secrets.js'
import { addressKey, appKey, countryKey, numberKey, rangeKey, siteKey } from '../store/keys.js'
import type { Message, OlderKeys } from '../store/slots.js'
import type { NumberPart } from '../store/steps/admission.js'
import type { Limit } from '../store/steps/limits.js'
import type { Budgets } from './budget.js'
import type { Origin } from './origin.js'

/** A message that somebody asks for. */
export interface Recipient {
  number: string
  /** Its HMACs: more than one while a secret rotates out. */
  tags: Tags
  /** ISO 3166-1. */
  country: string
  via: Channel
  /** What stands for a browser that has signed in with the number before. */
  browserTag: string | undefined
  /** The number is known to the app; the others get all but the message. */
  known: boolean
}

type Rules = Pick<ResolvedOptions, 'limits' | 'pumping' | 'challenge'>

export interface Messages {
  /** What a message costs, for the step that counts it. */
  messageOf(to: Recipient, origin: Origin): Message
  /** What refuses an address, whoever the message is to. A known browser has limits there of its own. */
  ofAddress(browserTag: BrowserTag): Limit
  ofSite(browserTag: BrowserTag): Limit
  /** Requests that lead to no message. */
  waits(browserTag: BrowserTag): Limit
  /** What limits the messages to a number that this origin asks for, by whichever channel there is. */
  ofNumber(origin: Origin, browserTag: BrowserTag, via?: Channel): NumberPart
}

type BrowserTag = string | undefined

/** Limits are called by their seconds, so that one of another length begins anew. */
export function createMessages(
  { limits, pumping, challenge }: Rules,
  secrets: Pick<Secrets, 'rangeTags'>,
  budgets: Budgets,
): Messages {
  const named = (name: string, rules: readonly LimitRule[]): Limit[] =>
    rules.map(({ points, duration }) => ({ name: `${name}:${duration}`, points, duration }))
  /** What strangers at its address use up is nothing to a known browser, so it is counted by itself. */
  const at = (name: string, { points, duration }: LimitRule) => {
    const ofStrangers: Limit = { name: `${name}:${duration}`, points, duration }
    return (browserTag: BrowserTag): Limit =>
      browserTag === undefined
        ? ofStrangers
        : { name: `${name}:${short(browserTag)}:${duration}`, points, duration }
  }
  const ofAddress = at('sends', limits.sendsPerAddress)
  const ofSite = at('sends', limits.sendsPerSite)
  const waits = at('waits', limits.waitsPerAddress)
  const perNumber = named('sends', limits.sendsPerNumber)
  const calls = named('calls', limits.callsPerNumber)
  const { sends } = limits.knownBrowser
  const { enforced } = pumping

  const ofNumber: Messages['ofNumber'] = ({ ofSender }, browserTag, via) => {
    const perSender =
      ofSender === undefined ? [] : named(ofSender, limits.messagesPerAddressAndNumber)
    return {
      // Calls cost more, so nobody gets more of them than there are; and no address uses a number's day up.
      always: [...(via === 'voice' ? calls : []), ...(browserTag === undefined ? perSender : [])],
      limits: [...perNumber, ...(browserTag === undefined ? [] : perSender)],
      own:
        browserTag === undefined
          ? []
          : [
              { ...sends, name: `known:${short(browserTag)}` },
              // Whoever once had a number may have several browsers that it knows.
              { ...sends, points: 2 * sends.points, name: 'known' },
            ],
    }
  }

  const messageOf = (to: Recipient, origin: Origin): Message => {
    const { tags, country, via, browserTag, known } = to
    // Whoever has signed in with this number is nobody who pumps, so only a challenge can refuse that.
    const refuses = (by: keyof typeof enforced) =>
      enforced[by] && (browserTag === undefined || challenge !== undefined)
    const budget = budgets.limitsOf({
      country,
      via,
      known: browserTag !== undefined,
      decoy: !known,
    })
    const { ofSender } = origin
    const ranges = secrets.rangeTags(to.number)
    const [range, ...olderRanges] = ranges
    return {
      keys: {
        ...originKeys(origin, 0),
        app: appKey,
        country: countryKey(country),
        range: rangeKey(range),
      },
      parts: {
        ...(ofSender !== undefined && {
          address: {
            own: [ofAddress(browserTag)],
            site: origin.site === undefined ? [] : [ofSite(browserTag)],
            waits: waits(browserTag),
            meter: { ...pumping.address, enforced: refuses('address') },
            country,
            countries: {
              points: pumping.countriesPerAddress,
              duration: 86_400,
              enforced: refuses('countries'),
            },
          },
        }),
        shared: {
          ...budget,
          country: { ...pumping.country, enforced: refuses('country') },
          range: { ...pumping.range, enforced: refuses('range') },
          decoy: !known,
        },
        number: ofNumber(origin, browserTag, via),
      },
      older: tags.slice(1).map((tag, index): OlderKeys => ({
        tag,
        number: numberKey(tag),
        ...originKeys(origin, index + 1),
        range: olderRanges[index] && rangeKey(olderRanges[index]),
      })),
    }
  }

  return { messageOf, ofAddress, ofSite, waits, ofNumber }
}

/** A tag as the name of a window has it. */
export function short(tag: string): string {
  return tag.slice(0, 11)
}

/** The records of an address, by the secret at this place. */
function originKeys({ own, site }: Origin, place: number): { own?: string; site?: string } {
  const tag = own?.[place]
  if (tag === undefined) return {}
  const siteTag = site?.[place]
  return {
    own: addressKey(tag, siteTag),
    ...(siteTag !== undefined && { site: siteKey(siteTag) }),
  }
}
