/** What a Redis has said of itself. What it doesn't say is undefined. */
export interface StoreFacts {
  version?: string | undefined
  evictionPolicy?: string | undefined
  /** Scripts may run and use our keys. */
  scripts: boolean
  /** Milliseconds of a usual round trip. */
  latency?: number | undefined
  /** Seconds that its clock is ahead of ours. */
  clock?: number | undefined
}

/**
 * Writes a key of ours for a moment, and gives the time and what Redis says of itself. A user who may not ask for
 * that may still do all that a store does.
 */
export const factsScript = `redis.call('SET', KEYS[1], '1', 'PX', 1000)
redis.call('DEL', KEYS[1])
local time = redis.call('TIME')
local function told(section, name)
  local info = redis.pcall('INFO', section)
  if type(info) ~= 'string' then return '' end
  return string.match(info, name .. ':([%w._-]+)') or ''
end
return { time[1], time[2], told('server', 'redis_version'), told('memory', 'maxmemory_policy') }`

/** Calls whose usual time is a latency. */
const calls = 5

/**
 * Asks by `run`, which runs the script above. `reasonOf` gives the first word of an error reply, so that a user who
 * may run none is told from a Redis that can't be asked.
 *
 * @throws what `run` throws, but for that
 */
export async function readFacts(
  run: () => Promise<unknown>,
  reasonOf: (error: unknown) => string | undefined,
): Promise<StoreFacts> {
  const times: number[] = []
  const read = async () => {
    const [asked, started] = [Date.now(), performance.now()]
    const reply = await run()
    const took = performance.now() - started
    times.push(took)
    return { reply, now: asked + took / 2 }
  }
  try {
    let { reply, now } = await read()
    for (let more = 1; more < calls; more++) ({ reply, now } = await read())
    const [seconds, microseconds, version, evictionPolicy] = Array.isArray(reply)
      ? reply.map(String)
      : []
    const clock = (Number(seconds) * 1000 + Number(microseconds) / 1000 - now) / 1000
    return {
      scripts: true,
      version: version || undefined,
      evictionPolicy: evictionPolicy || undefined,
      latency: times.sort((one, other) => one - other)[Math.floor(calls / 2)],
      ...(Number.isFinite(clock) && { clock }),
    }
  } catch (error) {
    // NOPERM where the user may not run scripts, ERR where a script may not do what it has to.
    if (/^(?:NOPERM|ERR)$/.test(reasonOf(error) ?? '')) return { scripts: false }
    throw error
  }
}
