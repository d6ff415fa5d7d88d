import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundle, pageScript, readPageScript } from '../../tools/browser.js'

test('the script of the page is made of the sources as they are', async () => {
  expect(await readPageScript(), 'run `npm run build`').toBe(await pageScript())
})

test.each(['index', 'page'] as const)('%s has at most 2 kB, and imports nothing', async (entry) => {
  const text = await bundle(entry)
  expect(gzipSync(text, { level: 9 }).length).toBeLessThanOrEqual(2048)
  expect(text).not.toMatch(/\bimport\b/)
})
