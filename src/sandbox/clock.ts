export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Seconds that it was moved forward. */
  advanced(): number
  advance(seconds: number): void
  /** Runs `task` once `seconds` have passed by this clock. */
  after(seconds: number, task: () => void): void
  /** Back to real time; waiting tasks are forgotten. */
  reset(): void
}

interface Waiting {
  due: number
  task: () => void
  timer: NodeJS.Timeout
}

/**
 * The time that has passed, plus what `advance` has added: a wall clock that is set in between moves
 * nothing. Everything in the sandbox that expires asks this clock.
 */
export function createClock(): Clock {
  let offset = 0
  const waiting = new Set<Waiting>()

  const now = () => Math.floor(performance.timeOrigin + performance.now()) + offset

  function runDue() {
    const due = [...waiting].filter((entry) => entry.due <= now())
    for (const entry of due.sort((a, b) => a.due - b.due)) {
      waiting.delete(entry)
      clearTimeout(entry.timer)
      entry.task()
    }
  }

  // Rounded up, because a timer may fire in the millisecond before the one it was set for.
  const arm = (due: number) => setTimeout(runDue, Math.ceil(due - now()) + 1).unref()

  return {
    now,
    advanced: () => offset / 1000,
    advance(seconds) {
      offset += Math.round(seconds * 1000)
      runDue()
      for (const entry of waiting) {
        clearTimeout(entry.timer)
        entry.timer = arm(entry.due)
      }
    },
    after(seconds, task) {
      const due = now() + seconds * 1000
      waiting.add({ due, task, timer: arm(due) })
    },
    reset() {
      offset = 0
      for (const { timer } of waiting) clearTimeout(timer)
      waiting.clear()
    },
  }
}
