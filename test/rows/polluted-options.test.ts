import { afterEach, expect, test } from 'vitest'
import { resolveOptions } from '../../src/options/resolve.js'
import { createMemoryStore } from '../../src/store/memory.js'
import { toOpaque } from '../../src/store/store.js'

const pollution = {
  voice: true,
  revealAttempts: true,
  name: 'evil',
  domain: 'evil.example',
  perHour: 1_000_000,
  perCountryPerDay: 1_000_000,
  points: 1_000_000,
  disableAt: 50,
  mode: 'shadow',
  free: 1000,
  number: 'other',
  sends: 999,
}

afterEach(() => {
  for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name)
})

// proves: IN-2
test('a polluted prototype lends no option', () => {
  const given = {
    apiKey: 'key',
    secret: 'a secret of the app that is long enough',
    countries: ['DE'],
    store: toOpaque(createMemoryStore(() => 0)),
    budget: { perDay: 100 },
    limits: { failuresPerNumber: { free: 3 } },
    pumping: 'enforce' as const,
  }
  const clean = JSON.stringify(resolveOptions(given))
  for (const [name, value] of Object.entries(pollution)) {
    // oxlint-disable-next-line no-extend-native -- It is what is tested, and taken back.
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
  }
  expect(JSON.stringify(resolveOptions(given))).toBe(clean)
})
