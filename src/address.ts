import { isIP, isIPv4 } from 'node:net'

/** The longest text of an IPv6 address has 45 characters, and a zone may follow. */
const longest = 64

/**
 * What limits count an address by: IPv4 as it is, IPv6 by its /64, which is what one subscriber
 * gets. Everything else shares one key, so that no odd value escapes the limit.
 */
export function normaliseAddress(raw: unknown): string {
  if (typeof raw !== 'string' || raw.length > longest) return 'unknown'
  const address = raw.includes(':') ? raw.replace(/%.*$/s, '') : raw
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return normaliseIPv6(address)
    default:
      return 'unknown'
  }
}

function normaliseIPv6(address: string): string {
  const groups = groupsOf(address)
  const [a, b, c, d, e, f, g = 0, h = 0] = groups
  const zeros = c === 0 && d === 0 && e === 0
  const mapped = a === 0 && b === 0 && zeros && f === 0xffff
  // A server without IPv4 sees its IPv4 clients behind this prefix, all of them in one /64.
  const translated = a === 0x64 && b === 0xff9b && zeros && f === 0
  if (mapped || translated) return [g >> 8, g & 255, h >> 8, h & 255].join('.')
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
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
