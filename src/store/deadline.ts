/** Waits for promises that must not take longer than one fixed time. */
export interface Deadline {
  /** The promise's value. Rejects with `TookTooLong` once the time is over; the promise itself goes on. */
  race<T>(promise: Promise<T>): Promise<T>
}

export class TookTooLong extends Error {
  override name = 'TookTooLong'
}

interface Waiting {
  ends: number
  settled: boolean
  expire(): void
}

/**
 * All of them wait equally long, so the one that began first ends first: one timer does for any
 * number of them, and is not set anew for each.
 */
export function createDeadline(milliseconds: number): Deadline {
  const queue: Waiting[] = []
  let first = 0
  let timer: NodeJS.Timeout | undefined

  const look = () => {
    timer = undefined
    const now = performance.now()
    for (let next = queue[first]; next; next = queue[++first]) {
      if (next.settled) continue
      if (next.ends > now) {
        timer = setTimeout(look, next.ends - now)
        break
      }
      next.expire()
    }
    if (first > 1000 || first >= queue.length) {
      queue.splice(0, first)
      first = 0
    }
  }

  return {
    race<T>(promise: Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const waiting: Waiting = {
          ends: performance.now() + milliseconds,
          settled: false,
          expire: () => reject(new TookTooLong(`took longer than ${milliseconds} ms`)),
        }
        queue.push(waiting)
        timer ??= setTimeout(look, milliseconds)
        promise.then(
          (value) => {
            waiting.settled = true
            return resolve(value)
          },
          (error: unknown) => {
            waiting.settled = true
            reject(error)
          },
        )
      })
    },
  }
}
