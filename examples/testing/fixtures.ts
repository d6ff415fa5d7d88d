import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Sandbox, startSandbox } from 'passport-tyntec-otp/sandbox'
import { test as base } from 'vitest'
import { createApp } from './app.js'

interface Fixtures {
  running: Sandbox
  /** tyntec, as new for each test. */
  sandbox: Sandbox
  /** A browser at an app of the test's own. */
  browser: Browser
}

/** Posts JSON and keeps cookies. */
type Browser = (path: string, body?: object) => Promise<Response>

export const test = base.extend<Fixtures>({
  running: [
    async ({}, use) => {
      const sandbox = await startSandbox()
      await use(sandbox)
      await sandbox.close()
    },
    { scope: 'worker' },
  ],
  sandbox: async ({ running }, use) => {
    running.reset() // what an earlier test has left
    await use(running)
  },
  browser: async ({ sandbox }, use) => {
    const { apiKey, url: baseUrl } = sandbox
    const server = createApp({ apiKey, baseUrl }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // a server that listens has one
    await use(createBrowser(`http://127.0.0.1:${port}`))
    server.close()
  },
})

function createBrowser(base: string): Browser {
  const jar = new Map<string, string>()
  return async (path, body) => {
    const response = await fetch(base + path, {
      headers: {
        'content-type': 'application/json',
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    return response
  }
}
