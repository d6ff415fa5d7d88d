import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** What the demo says when it does not start. */
async function start(env: Record<string, string>) {
  const demo = spawn(process.execPath, ['--import', 'tsx', 'examples/demo.ts'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_ENV: 'development', REDIS_URL: '', SANDBOX_PORT: '0', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  demo.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(demo, 'close')) as [number | null]
  return { code, said }
}

test.each([
  ['PORT', 'abc'],
  ['PORT', '70000'],
  ['SANDBOX_PORT', '-1'],
  ['TRUST_PROXY', 'true'],
  ['FRAMEWORK', 'hapi'],
  ['CHANNELS', 'pigeon'],
  ['OTP_SECRET', 'too short'],
  ['BUDGET', 'much'],
  ['BUDGET', '{"perHour":0}'],
])(
  'a setting that is wrong is told by its name: %s=%s',
  async (name, value) => {
    const { code, said } = await start({ [name]: value })
    expect(code).toBe(2)
    expect(said).toContain(name)
    // One line, and no stack.
    expect(said.trim().split('\n')).toHaveLength(1)
  },
  30_000,
)
