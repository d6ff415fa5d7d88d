import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { stopwatch } from './support/elapsed.js'

test('what is waited for is measured, and what others take from the process is not', async () => {
  const waited = stopwatch()
  await sleep(400)
  const wait = waited()
  expect(wait).toBeGreaterThan(100)
  expect(wait).toBeLessThanOrEqual(400 + 100)

  const stolen = stopwatch()
  await sleep(0)
  for (const until = performance.now() + 400; performance.now() < until;) continue
  expect(stolen()).toBeLessThan(200)
})
