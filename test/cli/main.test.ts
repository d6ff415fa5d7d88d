import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { setupSandbox } from '../sandbox/setup.js'

// A process of its own takes long to begin beside other tests.
vi.setConfig({ testTimeout: 40_000 })

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Without `npx` in between, so that signals reach the command itself. */
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', cli, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const closed = once(child, 'close').then(([code]) => code as number | null)
  return { child, output, closed }
}

async function run(...args: string[]) {
  const { closed, output } = start(args)
  return { code: await closed, ...output }
}

async function startSandboxCommand() {
  const command = start(['sandbox', '--port', '0'])
  await expect.poll(() => command.output.stdout, { timeout: 30_000 }).toContain('curl')
  const [, url = '', key = ''] =
    /TYNTEC_BASE_URL=(\S+) TYNTEC_API_KEY=(\S+)/.exec(command.output.stdout) ?? []
  return { ...command, url, key }
}

test('sandbox serves what it prints', async () => {
  const { output, url, key } = await startSandboxCommand()
  expect(output.stdout).toContain(
    `curl -X POST -H 'apikey: ${key}' '${url}/2fa/v1/otp?number=%2B12015550100'`,
  )
  const response = await fetch(`${url}/2fa/v1/otp?number=%2B12015550100`, {
    method: 'POST',
    headers: { apikey: key },
  })
  expect(response.status).toBe(200)
  await expect.poll(() => output.stdout).toContain('SMS    +12015550100  4242  (expires 5:00)\n')
  expect(output.stderr).toBe('')
})

test.each(['SIGINT', 'SIGTERM'] as const)('sandbox ends with 0 on %s', async (signal) => {
  const { child, closed } = await startSandboxCommand()
  child.kill(signal)
  expect(await closed).toBe(0)
})

test('sandbox names the flag when its port is in use', async () => {
  const { sandbox } = await setupSandbox()
  const { port } = new URL(sandbox.url)
  expect(await run('sandbox', '--port', port)).toEqual({
    code: 1,
    stdout: '',
    stderr: `Port ${port} is in use. Choose another one with --port.\n`,
  })
})

test.each([
  ['--help', 'sandbox  '],
  ['-h', 'Exit codes'],
  ['sandbox --help', '--port <port>'],
])('%s is answered on stdout', async (line, expected) => {
  const { code, stdout, stderr } = await run(...line.split(' '))
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toContain(expected)
})

test('--version is that of the package', async () => {
  const { code, stdout } = await run('--version')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})

test.each([
  ['', 'A command is missing'],
  ['sandbocks', 'sandbocks'],
  ['sandbox --port x', '--port'],
])('wrong usage ends with 2 and one line on stderr: "%s"', async (line, expected) => {
  const { code, stdout, stderr } = await run(...(line === '' ? [] : line.split(' ')))
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(expected)
  expect(stderr).toMatch(/^[^\n]*Usage: passport-tyntec-otp[^\n]*\n$/)
})

test('check reads the code that is piped to it', async () => {
  const { sandbox, sendOtp } = await setupSandbox()
  const { otpId } = await sendOtp()
  const command = start(['check', otpId], {
    TYNTEC_API_KEY: sandbox.apiKey,
    TYNTEC_BASE_URL: sandbox.url,
  })
  command.child.stdin.end('4242\n')
  expect(await command.closed).toBe(0)
  expect(command.output.stdout).toMatch(/^result +valid\n/)
})
