import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { setupSandbox } from '../sandbox/setup.js'
import { createRedis } from '../support/redis.js'
import { run } from './setup.js'

const commands = [
  'doctor',
  'unlock',
  'send',
  'resend',
  'check',
  'status',
  'applications create',
  'applications edit',
  'templates pull',
  'templates push',
  'templates lint',
  'sms send',
  'chat send',
]

/** The command lines under "Example" in the help of a command. */
async function examplesOf(command: string): Promise<string[][]> {
  const { out } = await run([...command.split(' '), '--help'])
  const [, examples = ''] = out.split(/^Examples?:\n/m)
  return examples
    .split('\n')
    .filter((line) => line.startsWith('  passport-tyntec-otp '))
    .map((line) => words(line.trim().replace(/ [<>] .*$/, '')).slice(1))
}

/** As a shell splits them. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

test.each(commands)('the examples of %s work as they are printed', async (command) => {
  const { sandbox } = await setupSandbox()
  const { url } = await createRedis()
  const folder = await mkdtemp(join(tmpdir(), 'otp-examples-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const templates = join(folder, 'templates.json')
  await writeFile(templates, '{"en":"{{OTP}} is your code.\\n\\n@login.example.com #{{OTP}}"}')
  const env = {
    TYNTEC_API_KEY: sandbox.apiKey,
    TYNTEC_BASE_URL: sandbox.url,
    REDIS_URL: url,
    OTP_SECRET: randomBytes(32).toString('base64url'),
  }
  const sent = await run(['send', '+12015550100', '--json'], env)
  const { otpId } = JSON.parse(sent.out) as { otpId: string }
  const code = await sandbox.waitForCode('+12015550100')
  const examples = await examplesOf(command)
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) {
    const args = example.map((word) =>
      word === 'af145b90-c68b-4042-9e7a-1c3f866f2161'
        ? otpId
        : word.replace('templates.json', templates),
    )
    const { code: exit, err } = await run(args, env, `${code}\n`)
    // In production a sandbox is the fault that is found, and a code is right once.
    const found = args.includes('--production') || (command === 'check' && args.includes('--json'))
    expect([args.join(' '), exit, exit === 2 ? err : '']).toEqual([
      args.join(' '),
      found ? 1 : 0,
      '',
    ])
  }
})
