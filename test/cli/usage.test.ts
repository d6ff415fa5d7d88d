import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { run } from './setup.js'

const commands = [
  'sandbox',
  'doctor',
  'secret',
  'unlock',
  'send',
  'resend',
  'check',
  'status',
  'applications',
  'applications list',
  'applications create',
  'applications edit',
  'applications delete',
  'templates',
  'templates pull',
  'templates push',
  'templates lint',
  'sms',
  'sms send',
  'sms status',
  'chat',
  'chat send',
  'chat status',
]

test.each(commands)('%s --help shows its form on standard output', async (name) => {
  for (const flag of ['--help', '-h']) {
    const { code, out, err } = await run([...name.split(' '), flag])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`^Usage: passport-tyntec-otp ${name}\\b`))
  }
})

test('--help names every command and where settings come from', async () => {
  const { code, out, err } = await run(['--help'])
  expect([code, err]).toEqual([0, ''])
  for (const name of commands) expect(out).toContain(name.split(' ')[0])
  expect(out).toMatch(/TYNTEC_API_KEY, TYNTEC_BASE_URL, REDIS_URL/)
  expect(await run(['--version'])).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' })
})

const env = { TYNTEC_API_KEY: 'kEy-CaNaRy-7f3a' }

describe('a wrong command line ends with 2 and one line on standard error', () => {
  test.each([
    [''],
    ['sandbocks'],
    ['constructor'],
    ['--verbose'],
    ['sandbox --port'],
    ['sandbox --port x'],
    ['sandbox --port 65536'],
    ['sandbox extra'],
    ['secret --length 4'],
    ['send'],
    ['send +12015550100 +12015550101'],
    ['send +12015550100 --via pigeon'],
    ['send +12015550100 --pin-length six'],
    ['send +12015550100 --base-url http://tyntec.example'],
    ['send +12015550100 --base-url'],
    ['resend'],
    ['resend ../x'],
    ['check'],
    ['check af145b90-c68b'],
    ['status a/b'],
    ['applications'],
    ['applications lisst'],
    ['applications edit default'],
    ['applications edit default --alphanumeric perhaps'],
    ['applications edit --expire 1.5'],
    ['applications delete'],
    ['templates push'],
    ['templates push /no/such/file.json'],
    ['templates lint /no/such/file.json'],
    ['sms send +12015550100'],
    ['sms send +12015550100 --from ACME'],
    ['sms status'],
    ['chat send +12015550100 --from ACME --text x'],
    ['chat send +12015550100 --channel sms --text x'],
    ['chat send +12015550100 --channel sms --from ACME'],
    ['chat send +12015550100 --channel sms --from ACME --text x --template y'],
    ['unlock +12015550100'],
    ['doctor --attempts many'],
    ['doctor --code-alphabet runes'],
    ['doctor --application a/b'],
  ])('"%s"', async (line) => {
    const { code, out, err } = await run(line === '' ? [] : line.split(' '), {
      ...env,
      TYNTEC_BASE_URL: 'http://127.0.0.1:9',
    })
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^[^\n]+\n$/)
    expect(err.length).toBeLessThan(400)
  })

  test.each(['send +12015550100', 'applications list', 'sms status x-1', 'chat status x-1'])(
    'when TYNTEC_API_KEY is not set: "%s"',
    async (line) => {
      const { code, out, err } = await run(line.split(' '))
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(/^TYNTEC_API_KEY is not set\. Usage: [^\n]*\n$/)
    },
  )

  test('and repeats no value that may be a secret in the wrong place', async () => {
    const secret = 'sEcReT-42'
    for (const args of [
      ['send', '+12015550100', secret],
      ['send', '+12015550100', `--api-key=${secret}`],
      ['send', '+12015550100', `--pin-length=${secret}`],
      ['sandbox', secret],
      ['unlock', '+12015550100', `--secret=${secret}`],
      ['secret', secret],
      ['doctor', `--redis-url=redis://:${secret}@x`],
    ]) {
      const { code, out, err } = await run(args, env)
      expect([code, out]).toEqual([2, ''])
      expect(err).not.toContain(secret)
    }
  })
})

test('secret prints a new one of 32 bytes each time', async () => {
  const made = await Promise.all([1, 2, 3].map(() => run(['secret'])))
  for (const { code, out, err } of made) {
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^[\w-]{43}\n$/)
  }
  expect(new Set(made.map(({ out }) => out)).size).toBe(3)
  const { out } = await run(['secret', '--json'])
  expect(JSON.parse(out)).toEqual({ secret: expect.stringMatching(/^[\w-]{43}$/) })
})
