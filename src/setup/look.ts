import { normaliseAddress } from '../input/address.js'
import type { Host, HostApp, HostSession } from '../http/host.js'
import type { OtpOptions, ResolvedOptions } from '../options/options.js'
import { isLoopback } from '../tyntec/options.js'
import { hostOf, lintTemplate } from '../tyntec/templates.js'
import type { ValidationName } from './checks.js'

/** What is looked at of a request. */
export type LookedAt = Pick<Host, 'headers' | 'address' | 'secure' | 'app' | 'gone'>

/** What is wrong, and how to mend it. */
export type Finding = readonly [name: ValidationName, message: string]

export function* lookAtOptions(given: OtpOptions, options: ResolvedOptions): Generator<Finding> {
  if (options.secrets.some(isGuessable)) {
    yield [
      'secret',
      'A "secret" is a pattern or a placeholder: who guesses it can read the numbers in Redis and make the cookies ' +
        `of known browsers. Make one with node -p "crypto.randomBytes(32).toString('hex')"`,
    ]
  }
  // Which production has refused by now.
  if (given.store === undefined) {
    yield [
      'memoryStore',
      'No "store" is given: sign-ins and limits are kept in this process and end with it. Give ' +
        'store: redisStore(client) for more than one process or a restart',
    ]
  }
  const aboutText = lookAtText(options)
  if (aboutText !== undefined) yield ['smsText', aboutText]
  if (!options.production) return

  if (options.origins.some(isPlain)) {
    yield [
      'origin',
      'An "origin" is http: in production our cookies are Secure, so no browser sends them there. Serve the page ' +
        'over https and give its https origin',
    ]
  }
  const { perHour, perDay } = given.budget ?? {}
  if (perHour === undefined && perDay === undefined) {
    yield [
      'budget',
      `No "budget" is given, so the defaults hold: ${options.budget.perHour} messages an hour and ` +
        `${options.budget.perDay} a day, which may be too many for your bill or too few for your people. Give ` +
        'budget: { perHour, perDay }',
    ]
  }
  if (options.countries === 'any') {
    yield [
      'countriesAny',
      `"countries" is 'any': strangers can have messages sent to the dearest countries there are. List the ` +
        `countries your people are in, like ['DE', 'US']`,
    ]
  }
  if (typeof options.apiKey === 'string' && options.apiKey.startsWith('sandbox_')) {
    yield [
      'apiKey',
      '"apiKey" is one of the sandbox, which sends nothing to phones. Give the key of your tyntec account',
    ]
  } else if (options.baseUrl !== undefined && isLoopback(new URL(options.baseUrl).hostname)) {
    yield [
      'apiKey',
      '"baseUrl" is on this machine, as the sandbox is, which sends nothing to phones. Leave it out to ask tyntec; for ' +
        'a proxy of yours that does, switch this check off',
    ]
  }
}

/** What `templates lint` says of the text of `sms()`. */
function lookAtText({ channels, origins, pinLength, lifetime }: ResolvedOptions) {
  const carrier = channels.get('sms')
  if (carrier?.carrier !== 'sms') return undefined
  const findings = lintTemplate(carrier.text, {
    host: hostOf(origins),
    codeLength: pinLength,
    seconds: lifetime,
    sender: carrier.from,
  })
  if (findings.length === 0) return undefined
  const said = findings.map(({ rule, text, fix }) => `${rule}: ${text}. ${fix}`)
  return `The "text" of sms() could be better. ${said.join('. ')}`
}

export function* lookAtRequest(
  { headers, address, secure }: LookedAt,
  { proxies, trustOne }: HostApp,
  { production }: ResolvedOptions,
): Generator<Finding> {
  if (proxies === 'all') {
    yield [
      'trustProxy',
      'Every proxy is trusted, so clients choose the address they are limited by. Say how many ' +
        `proxies there are: ${trustOne}`,
    ]
  }
  if (proxies === 'none' && headers['x-forwarded-for'] !== undefined) {
    yield [
      'forwardedFor',
      'A request has X-Forwarded-For, but no proxy is trusted: behind one, all people have its address and are ' +
        `limited together. Say how many proxies there are: ${trustOne}. Without a proxy the client made the header ` +
        'up, and nothing is wrong',
    ]
  }
  if (proxies !== 'all' && normaliseAddress(address) === 'unknown') {
    yield [
      'address',
      'A request has no IP address: all people without one are limited together. Behind a proxy, on a Unix socket ' +
        `or without a server, say where the address is: ${trustOne}`,
    ]
  }
  if (production && !secure) {
    yield [
      'cookieSecure',
      'A request came over http, as the framework sees it: cookies of the app that are Secure are not set, and who ' +
        'listens reads numbers and codes. Serve the app over https; behind a proxy that does, trust it: ' +
        `${trustOne}, and let it send X-Forwarded-Proto`,
    ]
  }
}

/** Why nobody can sign in with the session of this request, if so. The app's own `onVerified` needs none. */
export function lookAtSession(
  { read, inCookie, library }: HostSession,
  opener: 'passport' | 'onVerified' = 'passport',
): string | undefined {
  let session: unknown
  try {
    session = read()
  } catch {
    // It is there, and its own error comes when it is used.
    return undefined
  }
  if (typeof session !== 'object' || session === null) {
    if (opener === 'onVerified') return undefined
    return (
      'A request has no session, so nobody can sign in by Passport: codes are sent, and the login fails. Mount ' +
      `${library} before the routes of this package, or sign in without a session: onVerified instead of passport, ` +
      'or passport.authenticate with { session: false }'
    )
  }
  if (opener === 'onVerified' && inCookie()) return undefined
  const { regenerate, save } = session as { regenerate?: unknown; save?: unknown } // or not
  if (typeof regenerate !== 'function' || typeof save !== 'function') {
    return (
      'The session has no regenerate() and save(), so nobody can sign in: somebody else could know the session ' +
      `from before the login. Use ${library}`
    )
  }
  return undefined
}

function isPlain(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'http:' && !isLoopback(hostname)
}

/** Chance makes none of these: few different bytes, steps of one size, a repetition, words to be replaced. */
export function isGuessable(secret: string | Uint8Array): boolean {
  const bytes = Buffer.from(secret as Uint8Array).subarray(0, 1024) // takes text as well
  if (new Set(bytes).size < 8) return true
  const step = (index: number) => (Number(bytes[index]) - Number(bytes[index - 1])) & 255
  if (bytes.every((_, index) => index < 2 || step(index) === step(1))) return true
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.every((byte, index) => byte === bytes[index % period])) return true
  }
  return /(change|replace)[-_ ]?(me|this|it)|your[-_ ]?(\w{1,16}[-_ ]?)?secret|keyboard[-_ ]?cat/i.test(
    bytes.toString('latin1'),
  )
}
