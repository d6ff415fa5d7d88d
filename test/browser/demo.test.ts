import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { open } from './browser.js'

const number = '+1 201 555 0100'
const withoutScripts = { javaScriptEnabled: false }

describe.each(['express', 'koa'])('the demo on %s, without JavaScript', (framework) => {
  test('signs in with the code that the phone got, and out again', async () => {
    const { url, code } = await startDemo(framework)
    const { page, complaints } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('•••0100').waitFor()
    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.getByText('Your number is').textContent()).toContain('+12015550100')
    expect(new URL(page.url()).pathname).toBe('/')

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Mobile number').waitFor()
    await page.reload()
    await page.getByLabel('Mobile number').waitFor()
    expect(complaints).toEqual([])
  })

  test('says once that a code was wrong, and takes the right one after it', async () => {
    const { url, code } = await startDemo(framework)
    const { page, complaints } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').fill('000000')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.title()).toMatch(/^Error: /)
    await page.reload()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.title()).not.toMatch(/^Error: /)

    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('posts nothing again when the page is reloaded', async () => {
    const { url, code, callsToTyntec } = await startDemo(framework)
    const { page, posts } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').waitFor()
    await page.reload()
    await page.getByLabel('Security code').fill(await code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()

    expect(posts).toEqual(['/login/send', '/login/check'])
    expect(await callsToTyntec('POST')).toHaveLength(2)
  })

  test('says so when the code is asked for again too soon', async () => {
    const { url, callsToTyntec } = await startDemo(framework)
    const { page } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('button', { name: 'Send the code again' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toMatch(/wait|seconds/i)
    await page.getByText(/You can ask for it again in \d+ seconds/).waitFor()
    expect(await callsToTyntec('POST')).toHaveLength(1)
  })

  test('starts over with another number', async () => {
    const { url, code } = await startDemo(framework)
    const { page } = await open(withoutScripts)
    await page.goto(url)
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('button', { name: 'Use a different number' }).click()
    await page.getByLabel('Mobile number').fill('12')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Mobile number').fill('+1 201 555 0101')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Security code').fill(await code('+12015550101'))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.getByText('Your number is').textContent()).toContain('+12015550101')
  })
})

/** What `npm run demo` starts, in a process of its own that goes with the test. */
async function startDemo(framework: string) {
  const [port, sandboxPort] = await Promise.all([freePort(), freePort()])
  const demo = spawn(process.execPath, ['--import', 'tsx', 'examples/demo.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      ...process.env,
      NODE_ENV: 'development',
      REDIS_URL: '',
      FRAMEWORK: framework,
      PORT: String(port),
      SANDBOX_PORT: String(sandboxPort),
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
