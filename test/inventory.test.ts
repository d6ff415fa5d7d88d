import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { setupApp } from './support/app.js'
import { number, numbers, rightCode, sendCode, setupFlow } from './support/flow.js'

const units: Record<string, number> = { s: 1, min: 60, h: 3600, d: 86_400 }

/** What SECURITY.md says is stored: the name's pattern, and for how many seconds at the longest. */
const stored = rowsOf('SECURITY.md', 'stored').map(([where = '', , , longest = '']) => {
  const [, name = ''] = /`([^`]+)`/.exec(where) ?? []
  const [, amount, unit = ''] = /^(\d+) (s|min|h|d)$/.exec(longest) ?? []
  const pattern = name.replace(/[{}.*+?^$()|[\]\\]/g, String.raw`\$&`)
  return {
    name,
    browser: where.includes('in the browser'),
    pattern: new RegExp(`^${pattern.replace('number', '[\\w-]{22}').replace('…', '.+')}$`),
    seconds: Number(amount) * (units[unit] ?? Number.NaN),
  }
})

// proves: RED-3, LOG-7, DOC-1
test('every key in Redis is in the table of SECURITY.md, with a longer life than it has', async () => {
  const setup = await setupFlow('redis', {
    validate: false,
    limits: { failuresPerNumber: { free: 5 } },
    budget: { perCountryPerDay: 100, money: { perDay: 100, prices: { default: 0.1 } } },
  })
  const address = '192.0.2.1'
  const seen = new Map<string, number>()
  const look = async () => {
    for (const { key, ttl } of await setup.dump()) {
      seen.set(key, Math.max(seen.get(key) ?? 0, ttl))
      // Without an end it would be kept for ever.
      if (ttl <= 0) throw new Error(`${key} has no end`)
    }
  }
  const handle = await sendCode(setup, { address })
  await setup.flow.check({ handle, code: '111111', address })
  await look()
  const verified = await setup.flow.check({ handle, code: rightCode, address })
  await look()
  if (verified.status !== 'verified') throw new Error(verified.status)
  await setup.flow.complete(verified.proof)
  await setup.advance(31)
  const { device } = verified
  const known = await sendCode(setup, { device, address })
  await setup.flow.check({ handle: known, code: '111111', address })
  await look()
  await setup.flow.cancel({ handle: known })
  await sendCode(setup, { number: numbers[1], address })
  await look()
  await sendCode(setup, { number: numbers[3], address: '2001:db8:1:2::3' })
  const loginOnly = setup.another({ knows: () => true })
  await sendCode({ flow: loginOnly }, { number: numbers[2], address })
  await loginOnly.drain()
  await look()

  const rows = stored.filter(({ browser }) => !browser)
  const used = new Set<string>()
  for (const [key, ttl] of seen) {
    const row = rows.find(({ pattern }) => pattern.test(key))
    expect(row, `${key} in SECURITY.md`).toBeDefined()
    expect(ttl / 1000, `seconds of ${key}`).toBeLessThanOrEqual(row?.seconds ?? 0)
    used.add(row?.name ?? '')
    for (const secret of [number.slice(1), address, '2001:db8', handle])
      expect(key).not.toContain(secret)
  }
  expect([...used].toSorted()).toEqual(rows.map(({ name }) => name).toSorted())
})

// proves: LOG-7
test('every cookie is in the table of SECURITY.md, with the life it has', async () => {
  const app = await setupApp({
    framework: 'express 5',
    flow: { validate: false },
    router: { failureRedirect: '/again' },
  })
  const client = app.client()
  const headers = { 'x-forwarded-proto': 'https' }
  const answers = [
    await client.get('/login/status', { headers }),
    await client.post('/login/send', { number }, { headers }),
    await client.submit('/login/check', { code: '111111' }),
    await client.post('/login/check', { code: await app.sandbox.waitForCode(number) }),
  ]
  const lives = answers
    .flatMap(({ cookies }) => cookies)
    .flatMap((line) => {
      const [, name, life] = /^(otp[\w-]*)=[^;]+; Max-Age=(\d+);/.exec(line) ?? []
      return name === undefined || life === '0' ? [] : [[`__Host-${name}`, Number(life)] as const]
    })
  const rows = stored.filter(({ browser }) => browser)
  expect(Object.fromEntries(lives)).toEqual(
    Object.fromEntries(rows.map(({ name, seconds }) => [name, seconds])),
  )
})

function rowsOf(file: string, part: string): string[][] {
  const page = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  const [, block = ''] =
    new RegExp(`<!-- ${part} -->\n(.*?)<!-- /${part} -->`, 's').exec(page) ?? []
  const lines = block.split('\n')
  return lines
    .slice(lines.findIndex((line) => line.startsWith('| ---')) + 1)
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}
