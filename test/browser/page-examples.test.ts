import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { listen, number, setupApp } from '../support/app.js'
import { open } from './browser.js'

/** An example for browsers as one file, as a bundler makes it. */
async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL('../../examples/browser', import.meta.url)),
    entryPoints: [name],
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

test('a page of React signs in', async () => {
  const script = await bundle('react.tsx')
  const app = await setupApp({
    framework: 'express 5',
    express: (app) => {
      app.get('/', (_req, res) => {
        res
          .type('html')
          .send(
            '<!doctype html><html lang="en"><title>React</title><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/app.js"></script></html>',
          )
      })
      app.get('/app.js', (_req, res) => void res.type('js').send(script))
    },
  })
  const { page, complaints } = await open()
  await page.goto(app.base)
  await page.getByLabel('Mobile number').fill('12')
  await page.getByRole('button', { name: 'Send code' }).click()
  await page.getByText('This is not a phone number').waitFor()
  await page.getByLabel('Mobile number').fill(number)
  await page.getByRole('button', { name: 'Send code' }).click()
  await page.getByLabel('The code sent to •••0100').fill(await app.sandbox.waitForCode(number))
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  expect(app.sessions.signedIn()).toHaveLength(1)
  // The browser itself complains about the answer to the number that was none.
  expect(complaints.filter((each) => !each.startsWith('Failed to load resource'))).toEqual([])
})

test('a page on another origin signs in, and one on a third is not let in', async () => {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.close())
  const script = await bundle('other-origin.ts')
  const pageOf = (api: string) => `<!doctype html><html lang="en"><title>Other origin</title>
    <link rel="icon" href="data:,"><meta name="api" content="${api}"><form><label>Text <input></label>
    <button>Go</button></form><p role="status"></p><script type="module">${script}</script></html>`
  let api = ''
  const serve = async () => {
    const base = await listen(
      (_req, res) => void res.setHeader('Content-Type', 'text/html').end(pageOf(api)),
    )
    return base.replace('127.0.0.1', 'localhost')
  }
  const [origin, third] = [await serve(), await serve()]

  vi.stubEnv('PAGE_ORIGIN', origin)
  vi.stubEnv('TYNTEC_BASE_URL', sandbox.url)
  vi.stubEnv('TYNTEC_API_KEY', sandbox.apiKey)
  const { server } = await import('../../examples/other-origin.js')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  api = `http://localhost:${(server.address() as AddressInfo).port}`

  const { page, complaints } = await open()
  await page.goto(origin)
  const enter = async (text: string) => {
    await page.getByLabel('Text').fill(text)
    await page.getByRole('button').click()
  }
  await enter(number)
  await page.getByText('Enter the code that was sent to •••0100').waitFor()
  await enter(await sandbox.waitForCode(number))
  await page.getByText(`Signed in as ${number}`).waitFor()
  expect(complaints).toEqual([])

  await page.goto(third)
  await enter('+12015550101')
  await page.getByText('You seem to be offline.').waitFor()
  const requests = await fetch(`${sandbox.url}/_sandbox/requests`)
  expect((await requests.text()).match(/"method":"POST"/g)).toHaveLength(2)
})
