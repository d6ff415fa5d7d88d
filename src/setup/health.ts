import { OtpError } from '../errors.js'
import type { ResolvedOptions } from '../options/options.js'
import type { TyntecClient } from '../tyntec/index.js'
import { findAtTyntec, orFailure } from './at-tyntec.js'
import { type Finding, findInRedis, findInSettings, type Settings } from './findings.js'
import type { Validation } from './validate.js'

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
  validation: Pick<Validation, 'proxies'>,
): () => Promise<OtpHealth> {
  let asked: { at: number; health: Promise<OtpHealth> } | undefined
  const find = async (): Promise<OtpHealth> => {
    const settings = settingsOf(options, validation)
    const [ofTyntec, ofStore] = await Promise.all([
      askTyntec(options, client, settings),
      askStore(options.store),
    ])
    const findings = [...findInSettings(settings), ...ofTyntec, ...ofStore]
    return { ok: findings.every(({ level }) => level !== 'error'), findings }
  }
  return () => {
    const now = performance.now()
    if (!asked || now - asked.at > holds * 1000) asked = { at: now, health: find() }
    return asked.health
  }
}

async function askTyntec(
  { channels, applicationId }: ResolvedOptions,
  client: Pick<TyntecClient, 'applications' | 'sms'>,
  settings: Settings,
): Promise<Finding[]> {
  const carriers = [...channels.values()]
  if (carriers.some(({ carrier }) => carrier === 'two-factor')) {
    return findAtTyntec(client, settings, applicationId)
  }
  return orFailure(async () => {
    // An account that has no 2FA is asked for a text that it can't have.
    await client.sms.status('00000000-0000-4000-8000-000000000000')
    return []
  })
}

async function askStore({ facts }: ResolvedOptions['store']): Promise<Finding[]> {
  if (!facts) return []
  try {
    return [...findInRedis(await facts())]
  } catch (error) {
    if (!(error instanceof OtpError)) throw error
    return [...findInRedis({ unreachable: error.message, scripts: false })]
  }
}

function settingsOf(options: ResolvedOptions, { proxies }: Pick<Validation, 'proxies'>): Settings {
  const { production, apiKey, baseUrl, secrets, origins, attempts, lifetime, codeAlphabet } =
    options
  // oxlint-disable-next-line node/no-process-env -- What holds for the whole process.
  const { env } = process
  return {
    production,
    // What a function gives is seen when tyntec is asked.
    apiKey: typeof apiKey === 'string' ? apiKey : 'given by a function',
    baseUrl,
    secrets: secrets.map((secret) =>
      typeof secret === 'string' ? secret : Buffer.from(secret).toString('latin1'),
    ),
    origins,
    trustProxy: proxies() === 'all' ? 'all' : undefined,
    // The start has refused a store of this process, or it was said to be meant.
    hasRedis: true,
    httpsProxy: env.https_proxy || env.HTTPS_PROXY,
    allProxy: env.all_proxy || env.ALL_PROXY,
    checksCertificates: env.NODE_TLS_REJECT_UNAUTHORIZED !== '0',
    attempts,
    lifetime,
    pinLength: undefined,
    codeAlphabet,
  }
}
