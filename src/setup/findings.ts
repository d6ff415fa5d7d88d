import type { OtpError } from '../errors.js'
import type { StoreFacts } from '../store/facts.js'
import { isLoopback } from '../tyntec/loopback.js'
import { hostOf, lintTemplates } from '../tyntec/templates.js'
import type { Application } from '../tyntec/index.js'
import { isGuessable } from './look.js'

/** Something that `doctor` or `flow.health()` has found. None holds a secret, a number or an id. */
export interface Finding {
  /** Stable: what is found, in kebab case. */
  id: string
  /** `error` where people can't sign in or strangers can; `warning` where it could be better. */
  level: 'error' | 'warning'
  /** What was found. */
  text: string
  /** What to do about it. */
  fix: string
}

/** What the app is told to do, as far as flags and the environment say it. */
export interface Settings {
  production: boolean
  apiKey: string | undefined
  baseUrl: string | undefined
  secrets: readonly string[]
  origins: readonly string[]
  trustProxy: string | undefined
  hasRedis: boolean
  httpsProxy: string | undefined
  allProxy: string | undefined
  checksCertificates: boolean
  /** Tries at one code, as `createOtpFlow` has it. */
  attempts: number
  /** Seconds. */
  lifetime: number
  /** Only when it was said: it goes with each send, whatever the application has. */
  pinLength: number | undefined
  codeAlphabet: 'digits' | 'alphanumeric'
}

const error = (id: string, text: string, fix: string): Finding => ({
  id,
  level: 'error',
  text,
  fix,
})
const warning = (id: string, text: string, fix: string): Finding => ({
  id,
  level: 'warning',
  text,
  fix,
})

export function* findInSettings(settings: Settings): Generator<Finding> {
  yield* findInKeys(settings)
  yield* findInOrigins(settings)
  const { production, trustProxy, hasRedis, httpsProxy, allProxy, checksCertificates } = settings
  if (production && !hasRedis) {
    yield error(
      'memory-store',
      'REDIS_URL is not set: sign-ins and limits would be kept in one process and end with it',
      'Set REDIS_URL, and give createOtpFlow store: redisStore(client)',
    )
  }
  if (trustProxy !== undefined && /^(?:true|all|yes|\*)$/i.test(trustProxy)) {
    yield error(
      'trust-proxy-all',
      'Every proxy is trusted, so clients choose the address they are limited by',
      `Say how many proxies there are: TRUST_PROXY=1, app.set('trust proxy', 1)`,
    )
  }
  if (httpsProxy && !(/^https?:\/\//i.test(httpsProxy) && URL.canParse(httpsProxy))) {
    yield error(
      'proxy-url',
      'HTTPS_PROXY is not a URL that begins with http:// or https://, so that no flow can be made',
      'Write HTTPS_PROXY=http://host:port, or take it away',
    )
  }
  if (allProxy && !httpsProxy) {
    yield warning(
      'proxy-all',
      'ALL_PROXY is set, which nothing here looks at: tyntec is asked directly',
      'Set HTTPS_PROXY as well, if the way to tyntec is through that proxy',
    )
  }
  if (!checksCertificates) {
    yield warning(
      'tls-unchecked',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off for the whole app. Calls to tyntec are still checked',
      'Take it away, and name the certificates that you trust in NODE_EXTRA_CA_CERTS',
    )
  }
}

function* findInKeys({ production, apiKey, baseUrl, secrets }: Settings): Generator<Finding> {
  if (!apiKey) {
    yield error(
      'key-missing',
      'TYNTEC_API_KEY is not set',
      'Set it to a key of your tyntec account',
    )
  } else if (production && apiKey.startsWith('sandbox_')) {
    yield error(
      'sandbox-key',
      'The key is one of the sandbox, which sends nothing to phones',
      'Set TYNTEC_API_KEY to a key of your tyntec account',
    )
  }
  if (production && baseUrl !== undefined && isLocal(baseUrl)) {
    yield error(
      'sandbox-url',
      'TYNTEC_BASE_URL is on this machine, as the sandbox is, which sends nothing to phones',
      'Take it away to ask tyntec',
    )
  }
  if (production && secrets.length === 0) {
    yield error('secret-missing', 'OTP_SECRET is not set', make)
  }
  if (secrets.some((secret) => Buffer.byteLength(secret) < 32)) {
    yield error(
      'secret-short',
      'OTP_SECRET has less than 32 bytes, which createOtpFlow refuses',
      make,
    )
  } else if (secrets.some(isGuessable)) {
    yield error(
      'secret-guessable',
      'OTP_SECRET is a pattern or a placeholder: who guesses it can read the numbers in Redis',
      make,
    )
  }
}

const make = 'Make one: npx passport-tyntec-otp secret'

function* findInOrigins({ production, origins }: Settings): Generator<Finding> {
  if (production && origins.length === 0) {
    yield error(
      'origin-missing',
      'No origin is given, which createOtpFlow refuses in production',
      'Give --origin https://login.example.com, and the same to createOtpFlow',
    )
  }
  for (const origin of origins) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined
    // Origins of hybrid apps have none as the URL parser sees it.
    if (
      !url ||
      (/^https?:$/.test(url.protocol) ? url.origin !== origin : url.pathname.length > 1)
    ) {
      yield error(
        'origin-form',
        'An origin is not one as browsers send it: scheme, host and port, without a slash or path',
        'Write it like https://login.example.com',
      )
    } else if (production && url.protocol === 'http:' && !isLoopback(url.hostname)) {
      yield error(
        'origin-http',
        'An origin is http: in production our cookies are Secure, so no browser sends them there',
        'Serve the page over https, and give its https origin',
      )
    }
  }
}

function isLocal(baseUrl: string): boolean {
  return URL.canParse(baseUrl) && isLoopback(new URL(baseUrl).hostname)
}

/** What tyntec's refusal of a harmless question means. */
export function findInFailure({ code, message, provider }: OtpError): Finding {
  if (code === 'ERR_OTP_OPTIONS') {
    return error('base-url', `The client can't be made: ${message}`, 'Correct the setting')
  }
  if (provider?.status === 404) {
    return error(
      'account-without-v1',
      'tyntec answers 404: the account has no 2FA API of version 1, or TYNTEC_BASE_URL leads elsewhere',
      'Ask tyntec to enable 2FA v1 for the account (newer accounts have v4 alone), and check TYNTEC_BASE_URL',
    )
  }
  if (code === 'ERR_OTP_PROVIDER_AUTH') {
    return provider?.status === 403
      ? error(
          'account-refused',
          `The account is refused: ${message}`,
          'Look at the account at tyntec: its 2FA product, and its list of allowed addresses',
        )
      : error(
          'key-refused',
          `The key is refused: ${message}`,
          'Set TYNTEC_API_KEY to a key of your tyntec account that is valid',
        )
  }
  if (code === 'ERR_OTP_PROVIDER_UNAVAILABLE') {
    return error(
      'tyntec-unreachable',
      message,
      'Look whether this machine can reach it: TYNTEC_BASE_URL, HTTPS_PROXY, firewall',
    )
  }
  return error('tyntec-answer', message, 'Look at TYNTEC_BASE_URL, and at a proxy before it')
}

/** The application compared with the app's own options. */
export function* findInApplication(
  application: Application | undefined,
  { attempts, lifetime, pinLength, codeAlphabet, origins }: Settings,
): Generator<Finding> {
  if (!application) {
    yield error(
      'application-unknown',
      'tyntec knows no such application',
      'Give the id that "applications list" shows, or none for the default one',
    )
    return
  }
  if (application.attempts !== undefined && application.attempts !== attempts) {
    yield warning(
      'attempts-differ',
      `The application allows ${application.attempts} tries at a code, and the app ${attempts}: the smaller one holds`,
      `applications edit ... --attempts ${attempts}, or attempts: ${application.attempts} in createOtpFlow`,
    )
  }
  if (application.expire !== undefined && application.expire !== lifetime) {
    yield warning(
      'expire-differs',
      `A code of the application holds for ${application.expire} s, and the app says ${lifetime} s`,
      `applications edit ... --expire ${lifetime}, or lifetime: ${application.expire} in createOtpFlow`,
    )
  }
  if (pinLength !== undefined && application.pinLength !== undefined) {
    if (application.pinLength !== pinLength) {
      yield warning(
        'pin-length-differs',
        `A code of the application has ${application.pinLength} characters, and the app asks for ${pinLength} with each send`,
        `applications edit ... --pin-length ${pinLength}`,
      )
    }
  }
  if (application.alphanumeric === true && codeAlphabet === 'digits') {
    yield error(
      'alphanumeric',
      'The application makes codes with letters, and the app takes digits: no code can be right',
      `applications edit ... --alphanumeric no, or codeAlphabet: 'alphanumeric' in createOtpFlow`,
    )
  }
  if (application.alphanumeric === false && codeAlphabet === 'alphanumeric') {
    yield warning(
      'alphabet-differs',
      'The app takes letters in codes, and the application makes none',
      `Leave codeAlphabet out of createOtpFlow`,
    )
  }
  const { template = {}, sender } = application
  const context = {
    host: hostOf(origins),
    sender,
    codeLength: pinLength,
    seconds: application.expire,
  }
  for (const { template: name, rule, level, text, fix } of lintTemplates(template, context)) {
    // Without a host nobody has asked for more than that the codes work.
    if (level === 'warning' && context.host === undefined) continue
    yield { id: `template-${rule}`, level, text: `Template ${name}: ${text}`, fix }
  }
}

/** What a Redis has said of itself, or that it can't be asked. */
export type RedisFacts = StoreFacts & {
  /** Why it can't be asked, as the kind of the failure. */
  unreachable?: string | undefined
}

export function* findInRedis(facts: RedisFacts): Generator<Finding> {
  if (facts.unreachable !== undefined) {
    yield error(
      'redis-unreachable',
      `Redis can't be asked (${facts.unreachable})`,
      'Check REDIS_URL: host, port, user and password, rediss:// where it speaks TLS',
    )
    return
  }
  if (!facts.scripts) {
    yield error(
      'redis-scripts',
      'Redis does not let this user run scripts on our keys, so that nobody can sign in',
      'Allow what docs/redis.md lists: +eval +evalsha and the commands of the scripts, on ~tyntec-otp:*',
    )
  }
  if (facts.version !== undefined && isOlder(facts.version, [6, 2])) {
    yield error(
      'redis-version',
      `Redis is ${facts.version}, and 6.2 is the oldest that works`,
      'Update Redis',
    )
  }
  if (facts.evictionPolicy !== undefined && facts.evictionPolicy !== 'noeviction') {
    yield error(
      'redis-eviction',
      `Redis may throw keys away (maxmemory-policy ${facts.evictionPolicy}): an evicted counter gives tries back to an attacker`,
      'Set maxmemory-policy noeviction, or use a Redis of its own',
    )
  }
  if (facts.latency !== undefined && facts.latency > 50) {
    yield warning(
      'redis-latency',
      `A round trip to Redis takes ${Math.round(facts.latency)} ms; a step is given up after 300 ms`,
      'Put Redis near the app',
    )
  }
  if (facts.clock !== undefined && Math.abs(facts.clock) > 5) {
    const [seconds, side] = [
      Math.abs(Math.round(facts.clock)),
      facts.clock > 0 ? 'ahead' : 'behind',
    ]
    yield warning(
      'redis-clock',
      `The clock of Redis is ${seconds} s ${side}, so that logs and events don't fit together`,
      'Set both by NTP',
    )
  }
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = Number.NaN, second = 0] = version.split('.').map(Number)
  return first < major || (first === major && second < minor)
}
