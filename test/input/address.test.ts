import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLoopback, networksOf, normaliseAddress } from '../../src/input/address.js'

const unknown = { own: 'unknown', site: undefined }

describe('IPv4', () => {
  // proves: NET-3
  test.each([
    '1.2.3.4',
    '::ffff:1.2.3.4',
    '::FFFF:1.2.3.4',
    '::ffff:102:304',
    '::ffff:0102:0304',
    '0:0:0:0:0:ffff:1.2.3.4',
    '0:0:0:0:0:ffff:102:304',
    '0000:0000:0000:0000:0000:ffff:0102:0304',
    '0000:0000:0000:0000:0000:FFFF:1.2.3.4',
    '::0:ffff:1.2.3.4',
    '0::ffff:1.2.3.4',
    '::ffff:1.2.3.4%eth0',
    '64:ff9b::1.2.3.4',
    '64:ff9b::102:304',
    '2002:102:304::',
    '2002:0102:0304:ffff:1:2:3:4',
    '1.2.3.4:80',
    '1.2.3.4:65535',
    '[::ffff:1.2.3.4]',
    '[::ffff:1.2.3.4]:40001',
    '[::ffff:1.2.3.4%eth0]:40001',
    '[2002:102:304::1]:443',
  ])('%s is one client', (address) => {
    expect(networksOf(address)).toEqual({ own: '1.2.3.4', site: undefined })
    expect(normaliseAddress(address)).toBe('1.2.3.4')
  })

  // proves: NET-3
  test('every client has a key of its own, however its address is mapped', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        const [a = 0, b = 0, c = 0, d = 0] = one.split('.').map(Number)
        const tunnel = `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::1`
        for (const form of [one, `::ffff:${one}`, `64:ff9b::${one}`, tunnel]) {
          expect(networksOf(form)).toEqual({ own: one, site: undefined })
          expect(networksOf(`[${form}]:1`)).toEqual(form === one ? unknown : { own: one })
        }
        expect(networksOf(`${one}:40001`)).toEqual({ own: one })
        expect(normaliseAddress(`::ffff:${one}`) === normaliseAddress(other)).toBe(one === other)
      }),
    )
  })
})

describe('IPv6', () => {
  test.each([
    '2001:db8:0:1::',
    '2001:db8:0:1::1',
    '2001:0db8:0000:0001:0000:0000:0000:0001',
    '2001:DB8::1:0:0:0:1',
    '2001:db8:0:1:ffff:ffff:ffff:ffff',
    '2001:db8:0:1::%eth0',
    '2001:db8:0:1::1.2.3.4',
    '[2001:db8:0:1::1]',
    '[2001:db8:0:1::1]:443',
    '[2001:db8:0:1::1%eth0]:443',
    // This is no port.
    '2001:db8:0:1::443',
  ])('%s is one of a subscriber', (address) => {
    expect(networksOf(address)).toEqual({ own: '2001:db8:0:1::/64', site: '2001:db8:0::/48' })
    expect(normaliseAddress(address)).toBe('2001:db8:0:1::/64')
  })

  test.each([
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::1.2.3.4', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b:1::1.2.3.4', '64:ff9b:1:0::/64'],
    ['::fffe:1.2.3.4', '0:0:0:0::/64'],
    ['64:ff9b::1:1.2.3.4', '64:ff9b:0:0::/64'],
    ['64:ff9c::1.2.3.4', '64:ff9c:0:0::/64'],
    ['65:ff9b::1.2.3.4', '65:ff9b:0:0::/64'],
    ['1::ffff:1.2.3.4', '1:0:0:0::/64'],
    ['0:1::ffff:1.2.3.4', '0:1:0:0::/64'],
    ['0:0:1::ffff:1.2.3.4', '0:0:1:0::/64'],
    ['0:0:0:1::ffff:1.2.3.4', '0:0:0:1::/64'],
    ['::1:ffff:1.2.3.4', '0:0:0:0::/64'],
    ['2003:102:304::1', '2003:102:304:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(normaliseAddress(address)).toBe(key)
  })

  // proves: NET-3
  test('addresses share a key if they share their first 64 bits', () => {
    const half = fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 4 })
    const text = (groups: number[]) => groups.map((group) => group.toString(16)).join(':')
    fc.assert(
      fc.property(half, half, half, half, (network, host, otherNetwork, otherHost) => {
        // Not those that stand for IPv4 addresses.
        const [first = 0] = network
        const [otherFirst = 0] = otherNetwork
        fc.pre([first, otherFirst].every((group) => group > 0 && group !== 0x2002))
        fc.pre([first, otherFirst].every((group) => group !== 0x64))
        const key = normaliseAddress(text([...network, ...host]))
        expect(normaliseAddress(text([...network, ...otherHost]))).toBe(key)
        const same = text(network) === text(otherNetwork)
        expect(normaliseAddress(text([...otherNetwork, ...host])) === key).toBe(same)
        const { site } = networksOf(text([...network, ...host]))
        const neighbour = [...network.slice(0, 3), ...otherNetwork.slice(3), ...otherHost]
        expect(site).toBe(`${text(network.slice(0, 3))}::/48`)
        expect(networksOf(text(neighbour)).site).toBe(site)
      }),
    )
  })

  test('every spelling of every address gives a key', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        // fast-check knows spellings that Node does not take.
        fc.pre(isIP(address) === 6)
        expect(normaliseAddress(address)).toMatch(
          /^(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){3}::\/64|\d{1,3}(?:\.\d{1,3}){3})$/,
        )
        expect(normaliseAddress(address.toUpperCase())).toBe(normaliseAddress(address))
      }),
    )
  })
})

test('a zone may make it 64 characters long', () => {
  expect(normaliseAddress(`fe80::1%${'x'.repeat(56)}`)).toBe('fe80:0:0:0::/64')
  expect(normaliseAddress(`fe80::1%${'x'.repeat(57)}`)).toBe('unknown')
})

// proves: IN-3
test('a text of a megabyte is unknown', () => {
  expect(normaliseAddress(`fe80::1%${'x'.repeat(1_000_000)}`)).toBe('unknown')
})

// proves: NET-2
test.each([
  undefined,
  null,
  '',
  'not-an-ip',
  'localhost',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '0x1.2.3.4',
  '1.2.3.4%eth0',
  '1.2.3.4:',
  '1.2.3.4:http',
  '1.2.3.4:123456',
  '1.2.3.4:80:80',
  ':80',
  '01.2.3.4:80',
  '[1.2.3.4]',
  '[1.2.3.4]:80',
  '::ffff:1.2.3.4:80',
  '1:2:3:4:5:6:7:8:443',
  '[::1',
  '::1]:80',
  '[::1]80',
  '[::1]:',
  '[::1]:x',
  '[]',
  '[]:80',
  '[[::1]]:80',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '1.2.3.4, 5.6.7.8',
  '::g',
  '1::2::3',
  '１.2.3.4',
  `2001:db8::${'0'.repeat(50)}1`,
  16909060,
  ['1.2.3.4'],
  { toString: () => '1.2.3.4' },
])('%j is unknown, so that odd values share one key', (raw) => {
  expect(normaliseAddress(raw)).toBe('unknown')
  expect(networksOf(raw)).toEqual(unknown)
  expect(isLoopback(raw)).toBe(false)
})

test.each([
  '127.0.0.1',
  '127.255.255.254:80',
  '::1',
  '[::1]:3000',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
])('%s is this machine', (address) => {
  expect(isLoopback(address)).toBe(true)
})

test.each([
  '128.0.0.1',
  '126.255.255.255',
  '10.0.0.1',
  '0.0.0.0',
  '::',
  '::2',
  '1::1',
  '::127.0.0.1',
  '::ffff:128.0.0.1',
  // These come from elsewhere, whatever they carry.
  '2002:7f00:1::1',
  '64:ff9b::127.0.0.1',
])('%s is another machine', (address) => {
  expect(isLoopback(address)).toBe(false)
})
