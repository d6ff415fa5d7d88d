import { BlockList, isIP, isIPv4 } from 'node:net'

/** The longest text of an IPv6 address has 45 characters; a zone, brackets and a port may follow. */
const longest = 64

/** What limits count an address by. */
export interface Networks {
  /** What one subscriber has: an IPv4 address, the /64 of an IPv6 address, or `unknown`. */
  readonly own: string
  /** The /48 of an IPv6 address: a customer of a provider may have all of it. */
  readonly site: string | undefined
}

/** Everything that is no IP address shares one key, so that no odd value escapes a limit. */
const unknown: Networks = { own: 'unknown', site: undefined }

/**
 * The networks that an address belongs to, one text for every spelling. IPv4 addresses that are
 * written as IPv6 (mapped, 6to4, NAT64) are IPv4; ports, as some proxies add them, and zones are
 * taken off.
 */
export function networksOf(raw: unknown): Networks {
  const address = readAddress(raw)
  if (address === undefined) return unknown
  if (isIPv4(address)) return { own: address, site: undefined }
  const groups = groupsOf(address)
  const own = carriedIPv4(groups)
  if (own !== undefined) return { own, site: undefined }
  return { own: `${prefixOf(groups, 4)}::/64`, site: `${prefixOf(groups, 3)}::/48` }
}

/** The first of the networks of an address. */
export function normaliseAddress(raw: unknown): string {
  return networksOf(raw).own
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether the client is this machine itself. A 6to4 or NAT64 address never is, whatever it carries. */
export function isLoopback(raw: unknown): boolean {
  const address = readAddress(raw)
  if (address === undefined) return false
  return isIPv4(address) ? address.startsWith('127.') : loopback.check(address, 'ipv6')
}

/** An IP address without port, brackets and zone. */
function readAddress(raw: unknown): string | undefined {
  if (typeof raw !== 'string' || raw.length > longest) return undefined
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(raw) ?? []
  if (plain !== undefined) return isIPv4(plain) ? plain : undefined
  const address = (bracketed ?? raw).replace(/%.*$/s, '')
  return isIP(address) === 6 ? address : undefined
}

/** The IPv4 address that an IPv6 address stands for, if it does. */
function carriedIPv4([a, b, c, d, e, f, g, h]: readonly number[]): string | undefined {
  const zeros = c === 0 && d === 0 && e === 0
  const mapped = a === 0 && b === 0 && zeros && f === 0xffff
  // A server without IPv4 sees its IPv4 clients behind this prefix, all of them in one /64.
  const translated = a === 0x64 && b === 0xff9b && zeros && f === 0
  if (mapped || translated) return dotted(g, h)
  // 6to4: whoever has the IPv4 address has its whole /48, and no more.
  return a === 0x2002 ? dotted(b, c) : undefined
}

function dotted(high = 0, low = 0): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function prefixOf(groups: readonly number[], count: number): string {
  return groups
    .slice(0, count)
    .map((group) => group.toString(16))
    .join(':')
}

/** The eight numbers of an address that `isIP` has found right. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const first = parseGroups(head)
  if (tail === undefined) return first
  const last = parseGroups(tail)
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}

function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!isIPv4(group)) return Number.parseInt(group, 16)
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
