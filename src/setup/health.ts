import { OtpError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import type { TyntecClient } from '../tyntec/index.js'
import {
  type Finding,
  findInApplication,
  findInFailure,
  findInRedis,
  findInSettings,
  type Settings,
} from './findings.js'

/** What `flow.health()` gives: for a health route, since none of it holds a secret, a number or an id. */
export interface OtpHealth {
  /** Nothing was found that keeps people from signing in, or lets strangers in. */
  ok: boolean
  findings: readonly Finding[]
}

/** Seconds for which an answer holds, so that a probe every second is one question to tyntec. */
const holds = 30

/** What `doctor` finds, for a flow that runs. Sends nothing and changes nothing. */
export function createHealth(
  options: ResolvedOptions,
  client: Pick<TyntecClient, 'applications' | 'sms'>,
): () => Promise<OtpHealth> {
  let asked: { at: number; health: Promise<OtpHealth> } | undefined
  const find = async (): Promise<OtpHealth> => {
    const [ofTyntec, ofStore] = await Promise.all([
      askTyntec(options, client),
      askStore(options.store),
    ])
    const findings = [...findInSettings(settingsOf(options)), ...ofTyntec, ...ofStore]
    return { ok: findings.every(({ level }) => level !== 'error'), findings }
  }
  return () => {
    const now = performance.now()
    if (!asked || now - asked.at > holds * 1000) asked = { at: now, health: find() }
    return asked.health
  }
}

async function askTyntec(
  options: ResolvedOptions,
  { applications, sms }: Pick<TyntecClient, 'applications' | 'sms'>,
): Promise<Finding[]> {
  try {
    const carriers = [...options.channels.values()]
    if (carriers.every(({ carrier }) => carrier !== 'two-factor')) {
      // An account that has no 2FA is asked for a text that it can't have.
      await sms.status('00000000-0000-4000-8000-000000000000')
      return []
    }
    // The list tells an account without the API from an application that isn't there.
    await applications.list()
    const application = await applications.read(options.applicationId ?? 'default')
    return [...findInApplication(application, settingsOf(options))]
  } catch (error) {
    if (error instanceof OtpError) return [findInFailure(error)]
    throw error
  }
}

async function askStore(store: ResolvedOptions['store']): Promise<Finding[]> {
  const times: number[] = []
  try {
    for (let i = 0; i < 5; i++) {
      const started = performance.now()
      await store.run('failures', { number: '{health}:number' }, {})
      times.push(performance.now() - started)
    }
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    return [...findInRedis({ unreachable: error.message, scripts: true })]
  }
  const latency = times.sort((one, other) => one - other)[2] ?? 0
  return [...findInRedis({ scripts: true, latency })]
}

function settingsOf(options: ResolvedOptions): Settings {
  const { production, apiKey, baseUrl, secrets, origins, attempts, lifetime, codeAlphabet } =
    options
  return {
    production,
    // What a function gives is seen when tyntec is asked.
    apiKey: typeof apiKey === 'string' ? apiKey : 'given by a function',
    baseUrl,
    secrets: secrets.map((secret) =>
      typeof secret === 'string' ? secret : Buffer.from(secret).toString('latin1'),
    ),
    origins,
    // The start has refused, or told of, the rest.
    trustProxy: undefined,
    hasRedis: true,
    httpsProxy: undefined,
    allProxy: undefined,
    checksCertificates: true,
    attempts,
    lifetime,
    pinLength: undefined,
    codeAlphabet,
  }
}
