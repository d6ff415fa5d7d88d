/** Milliseconds between two looks at the clock, and the most that counts of what has passed between them. */
const pause = 5
const most = 25

/**
 * Begins to measure, and gives what ends it with milliseconds. Only time counts in which this process got its turn: a
 * machine that is busy with others makes nothing late here, and a step that waits is seen all the same.
 */
export function stopwatch(): () => number {
  let elapsed = 0
  let last = performance.now()
  const look = () => {
    const now = performance.now()
    elapsed += Math.min(now - last, most)
    last = now
  }
  const timer = setInterval(look, pause)
  return () => {
    look()
    clearInterval(timer)
    return elapsed
  }
}
