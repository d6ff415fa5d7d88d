import { performance } from 'node:perf_hooks'
import { errorCode } from '../tyntec/failures.js'
import { UsageError } from './command.js'
import type { RedisFacts } from '../setup/findings.js'
import { connect, type Connection } from './connection.js'

/** Writes a key of ours for a second, and gives the time. */
const probe = `redis.call('SET', KEYS[1], '1', 'PX', 1000)
redis.call('DEL', KEYS[1])
return redis.call('TIME')`

/** Asks a Redis what `doctor` wants to know. It changes nothing but one key of ours, for a moment. */
export async function readRedisFacts(url: string, prefix = 'tyntec-otp:'): Promise<RedisFacts> {
  let connection: Connection
  try {
    connection = await connect(url)
  } catch (error) {
    if (error instanceof UsageError) throw error
    return { unreachable: kindOf(error), scripts: false }
  }
  try {
    const latency = await latencyOf(connection)
    if (typeof latency === 'string') return { unreachable: latency, scripts: false }
    const info = await connection.command('INFO').then(String, () => '')
    return { ...(await runProbe(connection, prefix)), ...readInfo(info), latency }
  } finally {
    connection.close()
  }
}

/** The usual time of a round trip, or why there is none. */
async function latencyOf({ command }: Connection): Promise<number | string> {
  const times: number[] = []
  try {
    for (let i = 0; i < 11; i += 1) {
      const started = performance.now()
      await command('PING')
      times.push(performance.now() - started)
    }
  } catch (error) {
    return kindOf(error)
  }
  return times.sort((one, other) => one - other)[5] ?? 0
}

async function runProbe(
  { command }: Connection,
  prefix: string,
): Promise<Pick<RedisFacts, 'scripts' | 'clock'>> {
  const started = Date.now()
  try {
    const answer = await command('EVAL', probe, '1', `${prefix}doctor`)
    const took = Date.now() - started
    const [seconds, microseconds] = Array.isArray(answer) ? answer.map(Number) : []
    const time = (seconds ?? Number.NaN) * 1000 + (microseconds ?? 0) / 1000
    const clock = (time - started - took / 2) / 1000
    return { scripts: true, ...(Number.isFinite(clock) && { clock }) }
  } catch {
    return { scripts: false }
  }
}

export function readInfo(info: string): Pick<RedisFacts, 'version' | 'evictionPolicy'> {
  const field = (name: string) => new RegExp(`^${name}:([\\w.-]{1,40})\\r?$`, 'm').exec(info)?.[1]
  return { version: field('redis_version'), evictionPolicy: field('maxmemory_policy') }
}

/** The kind of a failure, since a message may hold an address with a password. */
function kindOf(error: unknown): string {
  const code = errorCode(error)
  if (code !== 'UNKNOWN') return code
  const word = error instanceof Error ? /^[A-Z]{4,20}\b/.exec(error.message)?.[0] : undefined
  return word ?? 'no answer'
}
