import { Redis } from 'ioredis'
import { createOtpFlow, redisStore } from 'passport-tyntec-otp'
import { apiKey, secret } from './servers/serve.js'

export interface Trips {
  commands: number
  /** Those that had to wait for one another. */
  series: number
}

type Span = [started: number, ended: number]

/** What one sign-in asks Redis for, step by step. */
export async function measureRoundTrips(
  redisUrl: string,
  sandboxUrl: string,
): Promise<{ send: Trips; check: Trips; complete: Trips }> {
  const redis = new Redis(redisUrl)
  const spans: Span[] = []
  const { sendCommand } = redis
  redis.sendCommand = function watched(command, ...rest) {
    const span: Span = [performance.now(), Number.POSITIVE_INFINITY]
    spans.push(span)
    const end = () => void (span[1] = performance.now())
    command.promise.then(end, end)
    return sendCommand.call(redis, command, ...rest)
  }
  const flow = createOtpFlow({
    apiKey,
    baseUrl: sandboxUrl,
    secret,
    countries: ['DE'],
    store: redisStore(redis, { prefix: 'round-trips:' }),
  })
  const during = async <T>(step: () => Promise<T>): Promise<{ result: T; trips: Trips }> => {
    spans.length = 0
    const result = await step()
    return { result, trips: { commands: spans.length, series: seriesOf(spans) } }
  }

  const signIn = async (number: string) => {
    const send = await during(() => flow.send({ number, address: '192.0.2.1' }))
    if (send.result.status !== 'sent') throw new Error(`The send is ${send.result.status}`)
    const { handle } = send.result
    const query = `to=${encodeURIComponent(number)}`
    const code = await (await fetch(`${sandboxUrl}/_sandbox/code?${query}`)).text()
    const check = await during(() => flow.check({ handle, code, address: '192.0.2.1' }))
    if (check.result.status !== 'verified') throw new Error(`The check is ${check.result.status}`)
    const { proof } = check.result
    const complete = await during(() => flow.complete(proof))
    return { send: send.trips, check: check.trips, complete: complete.trips }
  }
  // The first one loads the scripts.
  await signIn('+4915129000001')
  const trips = await signIn('+4915129000002')
  await flow.drain()
  redis.disconnect()
  return trips
}

/** The most spans of which none overlaps another: each of them waited for the one before. */
function seriesOf(spans: readonly Span[]): number {
  let series = 0
  let busyUntil = Number.NEGATIVE_INFINITY
  for (const [started, ended] of spans.toSorted((a, b) => a[1] - b[1])) {
    if (started < busyUntil) continue
    series += 1
    busyUntil = ended
  }
  return series
}
