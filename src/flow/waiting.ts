import { setTimeout as sleep } from 'node:timers/promises'
import { OtpError } from '../errors.js'
import { lease } from './context.js'

/**
 * Asks again until there is an answer or every lease that could be waited for is over. The pauses grow, so
 * that a double click costs a few commands and a slow tyntec not many more.
 */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  seconds = lease + 1,
  longestPause = 400,
): Promise<T | undefined> {
  const ends = performance.now() + seconds * 1000
  for (let pause = 20; performance.now() < ends; pause = Math.min(pause * 1.5, longestPause)) {
    await sleep(pause)
    const answer = await ask()
    if (answer !== undefined) return answer
  }
  return undefined
}

/** The reply once no other request of this flow is running: a double click has one end. */
export async function whenFree<R extends { status: string }>(
  ask: (again: boolean) => Promise<R>,
): Promise<{ reply: R; joined: boolean }> {
  const first = await ask(false)
  if (first.status !== 'busy') return { reply: first, joined: false }
  const later = await poll(async () => {
    const reply = await ask(true)
    return reply.status === 'busy' ? undefined : reply
  })
  if (later) return { reply: later, joined: true }
  throw new OtpError(
    'ERR_OTP_PROVIDER_UNAVAILABLE',
    'Another request of this flow is still running',
  )
}

/** The promise's value, or nothing after so many seconds. The promise goes on. */
export async function atMost<T>(seconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, seconds * 1000), undefined)
  })
  promise.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
