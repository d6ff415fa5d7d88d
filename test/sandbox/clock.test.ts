import { expect, test } from 'vitest'
import { createClock } from '../../src/sandbox/clock.js'

test('runs what is due within the advance, in its order', () => {
  const clock = createClock()
  const ran: string[] = []
  clock.after(20, () => ran.push('second'))
  clock.after(10, () => ran.push('first'))
  clock.after(30, () => ran.push('third'))
  clock.advance(25)
  expect(ran).toEqual(['first', 'second'])
  clock.advance(5)
  expect(ran).toEqual(['first', 'second', 'third'])
})

test('runs what is due without an advance too', async () => {
  const clock = createClock()
  const started = clock.now()
  await new Promise<void>((resolve) => clock.after(0.01, resolve))
  expect(clock.now() - started).toBeGreaterThanOrEqual(10)
})

test('runs what an advance has brought near', async () => {
  const clock = createClock()
  const ran = new Promise<void>((resolve) => clock.after(60, resolve))
  clock.advance(59.99)
  await expect(ran).resolves.toBeUndefined()
})

test('is real time again after a reset', () => {
  const clock = createClock()
  clock.advance(3600)
  clock.reset()
  expect(clock.now()).toBeLessThanOrEqual(Date.now())
})
