import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { JournalEntry } from '../../src/sandbox/journal.js'

/** What `npm run demo` starts, in a process of its own that goes with the test. Without Redis, unless one is given. */
export async function startDemo(
  framework: string,
  redisUrl = '',
  more: Record<string, string> = {},
) {
  const [port, sandboxPort] = await Promise.all([freePort(), freePort()])
  const demo = spawn(process.execPath, ['--import', 'tsx', 'examples/demo.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      ...process.env,
      NODE_ENV: 'development',
      REDIS_URL: redisUrl,
      FRAMEWORK: framework,
      PORT: String(port),
      SANDBOX_PORT: String(sandboxPort),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    const gone = once(demo, 'exit')
    if (demo.kill('SIGKILL')) await gone
  })
  let complaints = ''
  demo.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const url = `http://localhost:${port}`
  let ready = false
  for await (const line of createInterface(demo.stdout)) {
    ready = line === `ready ${url}`
    if (ready) break
  }
  if (!ready) throw new Error(`The demo did not start: ${complaints}`)
  demo.stdout.resume()

  const sandbox = `http://127.0.0.1:${sandboxPort}/_sandbox`
  return {
    url,
    sandbox,
    async code(to = '+12015550100') {
      const query = new URLSearchParams({ to, wait: '5' }).toString()
      const response = await fetch(`${sandbox}/code?${query}`)
      if (!response.ok) throw new Error(`No code came to ${to}`)
      return response.text()
    },
    async callsToTyntec(method: string) {
      const response = await fetch(`${sandbox}/requests`)
      const calls = (await response.json()) as JournalEntry[]
      return calls.filter((call) => call.method === method)
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
