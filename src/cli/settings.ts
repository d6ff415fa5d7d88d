import { OtpError } from '../errors.js'
import type { TyntecClient } from '../tyntec/index.js'
import { type Surroundings, UsageError } from './command.js'

/** Flags of every command that asks tyntec. */
export const clientFlags = {
  'base-url': { type: 'string' },
  json: { type: 'boolean' },
} as const

/** What every such command says of its settings. */
export const clientHelp = `  --base-url <url>      Where the API is (default: TYNTEC_BASE_URL, else https://api.tyntec.com)
  --json                Print JSON
  --help                Show this help

The key is read from the environment: TYNTEC_API_KEY.`

/**
 * Runs with a client of tyntec's APIs, and closes it.
 *
 * @throws {UsageError} when the key or the base URL can't be used
 */
export async function withClient<T>(
  { env }: Surroundings,
  values: { 'base-url'?: string },
  run: (client: TyntecClient) => Promise<T>,
): Promise<T> {
  const apiKey = env.TYNTEC_API_KEY
  if (!apiKey) throw new UsageError('TYNTEC_API_KEY is not set')
  const { createTyntecClient } = await import('../tyntec/index.js')
  let client: TyntecClient
  try {
    client = createTyntecClient({ apiKey, baseUrl: baseUrlOf(env, values) })
  } catch (error) {
    // Neither message holds the value.
    throw error instanceof OtpError ? new UsageError(named(error.message)) : error
  }
  try {
    return await run(client)
  } finally {
    await client.close()
  }
}

export function baseUrlOf(
  env: Surroundings['env'],
  values: { 'base-url'?: string },
): string | undefined {
  return values['base-url'] ?? (env.TYNTEC_BASE_URL || undefined)
}

function named(message: string): string {
  return message
    .replace('"options.apiKey"', 'TYNTEC_API_KEY')
    .replace('"options.baseUrl"', '--base-url or TYNTEC_BASE_URL')
    .replace(/\.$/, '')
}
