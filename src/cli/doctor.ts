import { OtpError } from '../errors.js'
import { findAtTyntec } from '../setup/at-tyntec.js'
import type { TyntecClient } from '../tyntec/index.js'
import { isId } from '../tyntec/requests.js'
import { oneOf, readArguments, wholeNumber } from './arguments.js'
import { type Command, UsageError } from './command.js'
import {
  type Finding,
  findInFailure,
  findInRedis,
  findInSettings,
  type Settings,
} from '../setup/findings.js'
import { plain, print } from './print.js'
import { readRedisFacts } from './store-facts.js'
import { baseUrlOf } from './settings.js'

export const doctor: Command = {
  help: `Usage: passport-tyntec-otp doctor [options]

Asks tyntec and Redis what they are and how they are set, compares that with the app's own options, and prints
one line per finding: level, id, what is wrong, how to mend it. Sends no message and changes nothing. Exit code 1
when something was found.

  --production            As with NODE_ENV=production
  --origin <origin>       The app's origin (default: ORIGIN); once for each. Templates are then held to its host
  --application <id>      The tyntec application (default: default)
  --attempts <n>          attempts of createOtpFlow (default: 3)
  --lifetime <seconds>    lifetime of createOtpFlow (default: 300)
  --pin-length <n>        pinLength of createOtpFlow
  --code-alphabet <name>  digits or alphanumeric (default: digits)
  --trust-proxy <n>       The framework's setting (default: TRUST_PROXY)
  --prefix <prefix>       What every key in Redis starts with (default: tyntec-otp:)
  --base-url <url>        Where the API is (default: TYNTEC_BASE_URL, else https://api.tyntec.com)
  --json                  Print JSON
  --help                  Show this help

From the environment: TYNTEC_API_KEY, OTP_SECRET, REDIS_URL, HTTPS_PROXY.

Examples:
  passport-tyntec-otp doctor
  passport-tyntec-otp doctor --production --origin https://login.example.com --pin-length 6 --json
`,
  async run(args, around) {
    const { env } = around
    const { values } = readArguments(args, {
      production: { type: 'boolean' },
      origin: { type: 'string', multiple: true },
      application: { type: 'string' },
      attempts: { type: 'string' },
      lifetime: { type: 'string' },
      'pin-length': { type: 'string' },
      'code-alphabet': { type: 'string' },
      'trust-proxy': { type: 'string' },
      prefix: { type: 'string' },
      'base-url': { type: 'string' },
      json: { type: 'boolean' },
    })
    if (values.application !== undefined && !isId(values.application)) {
      throw new UsageError('--application is not an id of tyntec')
    }
    const settings: Settings = {
      production: values.production ?? env.NODE_ENV === 'production',
      apiKey: env.TYNTEC_API_KEY,
      baseUrl: baseUrlOf(env, values),
      secrets: env.OTP_SECRET ? env.OTP_SECRET.split(',') : [],
      origins: values.origin ?? (env.ORIGIN ? [env.ORIGIN] : []),
      trustProxy: values['trust-proxy'] ?? env.TRUST_PROXY,
      hasRedis: Boolean(env.REDIS_URL),
      httpsProxy: env.https_proxy || env.HTTPS_PROXY,
      allProxy: env.all_proxy || env.ALL_PROXY,
      checksCertificates: env.NODE_TLS_REJECT_UNAUTHORIZED !== '0',
      attempts: wholeNumber('attempts', values.attempts) ?? 3,
      lifetime: wholeNumber('lifetime', values.lifetime) ?? 300,
      pinLength: wholeNumber('pin-length', values['pin-length']),
      codeAlphabet:
        oneOf('code-alphabet', values['code-alphabet'], ['digits', 'alphanumeric']) ?? 'digits',
    }
    const found = [
      ...findInSettings(settings),
      ...(await askTyntec(settings, values.application)),
      ...(env.REDIS_URL ? await askRedis(env.REDIS_URL, values.prefix) : []),
    ]
    if (values.json) print(around, true, found, {})
    else for (const finding of found) around.out(lineOf(finding))
    if (found.length === 0) around.err('Nothing is wrong, as far as can be seen from here.\n')
    return found.length === 0 ? 0 : 1
  },
}

function lineOf({ level, id, text, fix }: Finding): string {
  return `${plain(`${level.padEnd(7)}  ${id}  ${text}. Fix: ${fix}`)}\n`
}

async function askTyntec(
  settings: Settings,
  applicationId: string | undefined,
): Promise<Finding[]> {
  const { apiKey, baseUrl } = settings
  if (!apiKey) return []
  const { createTyntecClient } = await import('../tyntec/index.js')
  let client: TyntecClient
  try {
    client = createTyntecClient({ apiKey, baseUrl })
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    // The same was found in the settings.
    return error.message.startsWith('HTTPS_PROXY') ? [] : [findInFailure(error)]
  }
  try {
    return await findAtTyntec(client, settings, applicationId)
  } finally {
    await client.close()
  }
}

async function askRedis(url: string, prefix: string | undefined): Promise<Finding[]> {
  try {
    return [...findInRedis(await readRedisFacts(url, prefix))]
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [{ id: 'redis-url', level: 'error', text: error.message, fix: 'Correct REDIS_URL' }]
  }
}
