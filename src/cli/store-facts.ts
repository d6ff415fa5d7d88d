import { errorCode } from '../tyntec/failures.js'
import { factsScript, readFacts } from '../store/facts.js'
import type { RedisFacts } from '../setup/findings.js'
import { UsageError } from './command.js'
import { connect, type Connection } from './connection.js'

/** Asks a Redis what `doctor` wants to know. It changes nothing but one key of ours, for a moment. */
export async function readRedisFacts(url: string, prefix = 'tyntec-otp:'): Promise<RedisFacts> {
  let connection: Connection | undefined
  try {
    connection = await connect(url)
    const { command } = connection
    await command('PING')
    return await readFacts(() => command('EVAL', factsScript, '1', `${prefix}doctor`), wordOf)
  } catch (error) {
    if (error instanceof UsageError) throw error
    return { unreachable: kindOf(error), scripts: false }
  } finally {
    connection?.close()
  }
}

/** The kind of a failure, since a message may hold an address with a password. */
function kindOf(error: unknown): string {
  const code = errorCode(error)
  return code === 'UNKNOWN' ? (wordOf(error) ?? 'no answer') : code
}

/** The first word of an error reply. */
function wordOf(error: unknown): string | undefined {
  return error instanceof Error ? /^[A-Z]{3,20}\b/.exec(error.message)?.[0] : undefined
}
