import fc from 'fast-check'
import { accepts, addresses, cookieNames, cookieValues, hosts, origins } from './corpus.js'

/** Signs that a header may hold on the wire. */
const headerText = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) =>
    Buffer.from(bytes.map((byte) => (byte < 32 || byte === 127 ? 32 : byte))).toString('latin1'),
  )

export const header = (handle: fc.Arbitrary<string>): fc.Arbitrary<[string, string]> => {
  const named = (name: string, values: readonly string[]) =>
    fc.tuple(fc.constant(name), fc.oneof(fc.constantFrom(...values), headerText))
  const wire = handle.map(wireText)
  return fc.oneof(
    named('sec-fetch-site', [
      'same-origin',
      'none',
      'same-site',
      'cross-site',
      'Same-Origin',
      '',
      'same-origin, cross-site',
    ]),
    named('origin', origins),
    named('referer', [
      ...origins,
      'https://login.example.com/login?x=1',
      'about:blank',
      'javascript:1',
    ]),
    named('accept', accepts),
    named('x-forwarded-for', addresses),
    named('x-forwarded-for', addresses),
    named('x-forwarded-proto', ['https', 'http', 'https,http', 'javascript', '']),
    named('x-forwarded-host', hosts),
    named('host', hosts),
    named('x-http-method-override', ['POST', 'GET', 'DELETE']),
    named('sec-purpose', ['prefetch', 'prefetch;prerender', '', 'x']),
    named('purpose', ['prefetch', 'x']),
    named('content-language', ['de', 'x']),
    fc.tuple(
      fc.constant('authorization'),
      wire.map((value) => `Otp ${value}`),
    ),
    named('authorization', [
      'Otp',
      'Otp ',
      'Basic eDp5',
      'Bearer x',
      'otp  x',
      `Otp ${'a'.repeat(4000)}`,
    ]),
    fc.tuple(
      fc.constantFrom('x-csrf-token', 'x-requested-with', 'user-agent', '__proto__'),
      headerText,
    ),
  )
}

/** Headers that refuse nothing by themselves. */
export const harmless = fc.oneof(
  fc.constantFrom<[string, string][]>(
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-site', 'none'],
  ),
  fc.tuple(fc.constant('x-forwarded-for'), fc.oneof(fc.constantFrom(...addresses), headerText)),
  fc.tuple(fc.constant('accept'), fc.constantFrom(...accepts)),
  fc.tuple(fc.constant('x-forwarded-proto'), fc.constantFrom('https', 'http', 'x')),
)

export const cookieOf = (handle: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .array(
          fc
            .tuple(
              fc.constantFrom(...cookieNames),
              fc.oneof(handle, handle, fc.constantFrom(...cookieValues), headerText),
            )
            .map(([name, value]) => `${name}=${value}`),
          { minLength: 1, maxLength: 4 },
        )
        .map((pairs) => wireText(pairs.join('; ').slice(0, 12_000))),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...cookieValues)
        .map((value) => `otp-outcome=${value}; __Host-otp-outcome=${value}`),
    },
    { weight: 1, arbitrary: headerText },
    {
      weight: 1,
      arbitrary: fc.constantFrom('otp=x; '.repeat(200), 'a=b; '.repeat(1500), ';;;;', '=;=;='),
    },
  )

function wireText(value: string): string {
  return Buffer.from(value.replace(/\p{Cc}/gu, ' ')).toString('latin1')
}

/** Two of them are no HTTP. */
export function uniqueHost(headers: [string, string][]): [string, string][] {
  let seen = false
  return headers.filter(([name]) => {
    if (name !== 'host') return true
    if (seen) return false
    seen = true
    return true
  })
}
