import { isLoopback, networksOf } from '../input/address.js'
import type { ResolvedOptions } from '../options/options.js'
import type { Secrets, Tags } from '../secrets/secrets.js'
import { addressKey } from '../store/keys.js'

/** Where a request comes from, as the limits know it. */
export interface Origin {
  /** HMACs of an IPv4 address or an IPv6 /64. Missing: nothing is counted for it. */
  own: Tags | undefined
  /** HMACs of an IPv6 /48. */
  site: Tags | undefined
  /** What stands for its line in the record of a number: all of an IPv6 /48 is one. */
  ofSender: string | undefined
}

/** Outside of production, a developer's own machine is not limited. */
export function originOf(
  options: Pick<ResolvedOptions, 'roomForLoopback'>,
  secrets: Pick<Secrets, 'addressTags'>,
  address: unknown,
): Origin {
  if (options.roomForLoopback && isLoopback(address)) {
    return { own: undefined, site: undefined, ofSender: undefined }
  }
  const networks = networksOf(address)
  const own = secrets.addressTags(networks.own)
  const site = networks.site === undefined ? undefined : secrets.addressTags(networks.site)
  return { own, site, ofSender: `from:${(site ?? own)[0].slice(0, 11)}` }
}

/** The keys of an address: of the first secret, then of those that rotate out. */
export function addressKeysOf({ own, site }: Origin): readonly string[] {
  return own?.map((tag, index) => addressKey(tag, site?.[index])) ?? []
}
