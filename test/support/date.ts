import { onTestFinished } from 'vitest'

const realNow = Date.now
let moved = 0

/** Moves the process's own clock, by which limits that are used up are remembered, until the test ends. */
export function moveDate(seconds: number): void {
  if (moved === 0) {
    onTestFinished(() => {
      moved = 0
      Date.now = realNow
    })
  }
  moved += seconds * 1000
  Date.now = () => realNow() + moved
}
