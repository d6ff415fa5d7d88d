import type { Joins } from './context.js'
import { atMost, poll } from './waiting.js'

/**
 * One of those who wait asks again and again. The others ask when it has its answer, so that a click costs
 * the store two commands or three, however slow tyntec is and however often somebody clicks. Nobody waits for
 * another longer than for the answer itself, and one who gets none leads no longer than his own time.
 */
export function createJoins(): Joins {
  const leading = new Map<string, Promise<void>>()
  return async (name, seconds, ask) => {
    const ends = performance.now() + seconds * 1000
    for (let left = seconds; left > 0; left = (ends - performance.now()) / 1000) {
      const ahead = leading.get(name)
      if (!ahead) {
        const asking = poll(ask, left, 1000)
        const ended = atMost(left, asking).then(
          () => void leading.delete(name),
          () => void leading.delete(name),
        )
        leading.set(name, ended)
        return asking
      }
      await atMost(left, ahead)
      const answer = await ask()
      if (answer !== undefined) return answer
    }
    return undefined
  }
}
