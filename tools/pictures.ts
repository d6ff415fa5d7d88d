/**
 * `npm run pictures` takes the pictures in docs/images, of the demo as it runs: the sign-in page with
 * the phone beside it, and the phone where a code did not come. Needs Chromium, like the tests in a
 * browser.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type Browser, chromium } from 'playwright-core'

const root = resolve(import.meta.dirname, '..')
const folder = `${root}/docs/images`
const executablePath = '/usr/bin/chromium'

const [port, sandboxPort] = await Promise.all([freePort(), freePort()])
const app = `http://localhost:${port}`
const phone = `http://127.0.0.1:${sandboxPort}`

await mkdir(folder, { recursive: true })
const demo = spawn(process.execPath, ['--import', 'tsx', 'examples/demo.ts'], {
  cwd: root,
  env: {
    ...process.env,
    NODE_ENV: 'development',
    REDIS_URL: '',
    TYNTEC_BASE_URL: '',
    FRAMEWORK: 'express',
    PORT: String(port),
    SANDBOX_PORT: String(sandboxPort),
  },
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  for await (const line of createInterface(demo.stdout)) if (line === `ready ${app}`) break
  demo.stdout.resume()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    await takeSignIn(browser)
    await takeReason(browser)
  } finally {
    await browser.close()
  }
} finally {
  demo.kill()
}

/** The app and the phone beside each other, with a code that has come. */
async function takeSignIn(browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1120, height: 640 } })
  await page.goto(`${app}/demo`)
  const form = page.frameLocator('#app')
  await form.getByLabel('Mobile number').fill('+1 201 555 0100')
  await form.getByRole('button', { name: 'Send code' }).click()
  await form.getByLabel('Security code').waitFor()
  await page.frameLocator('#phone').getByText('424242').first().waitFor()
  await page.screenshot({ path: `${folder}/sign-in.png` })
  await page.close()
}

/** The phone, asked why no code came. */
async function takeReason(browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1120, height: 440 } })
  await page.goto(app)
  await page.getByLabel('Mobile number').fill('+1 201 555 0111')
  await page.getByRole('button', { name: 'Send code' }).click()
  await page.getByLabel('Security code').waitFor()
  await page.goto(`${phone}/?to=%2B12015550111`)
  await page.getByText('never comes').first().waitFor()
  await page.screenshot({ path: `${folder}/inbox.png` })
  await page.close()
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
