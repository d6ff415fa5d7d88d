import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** What stands between a browser and an app, as a bad network does. */
export interface SlowLine {
  url: string
  /** From here on everything takes so many milliseconds on its way to the app, and as many back. */
  slow(milliseconds: number): void
  /** The next answer of this path is lost once the app has given it. Resolves when it is. */
  lose(path: string): Promise<void>
  /** The next answer of this path is given, and held back. `release` lets it go. */
  hold(path: string): Promise<{ release(): void }>
}

export async function slowLine(target: string): Promise<SlowLine> {
  let milliseconds = 0
  type Meet = (answer: { res: ServerResponse }) => Promise<boolean>
  const waiting: { path: string; meet: Meet }[] = []

  const pass = async (req: IncomingMessage, res: ServerResponse) => {
    const body: Buffer[] = []
    for await (const chunk of req) body.push(chunk as Buffer)
    await wait(milliseconds)
    // It is on its way: that the browser has left does not call it back.
    const onward = request(target + req.url, { method: req.method, headers: req.headers })
    onward.end(Buffer.concat(body))
    const [answer] = (await once(onward, 'response')) as [IncomingMessage]
    const content: Buffer[] = []
    for await (const chunk of answer) content.push(chunk as Buffer)
    const index = waiting.findIndex(({ path }) => path === req.url)
    const [met] = index < 0 ? [] : waiting.splice(index, 1)
    if (met && !(await met.meet({ res }))) return
    await wait(milliseconds)
    res.writeHead(answer.statusCode ?? 500, answer.headers)
    res.end(Buffer.concat(content))
  }
  const server = createServer((req, res) => {
    // A browser that has left hears nothing, and neither does an app that ends with the test.
    pass(req, res).catch(() => res.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo // it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    slow: (there) => void (milliseconds = there),
    lose: (path) =>
      new Promise((resolve) => {
        waiting.push({
          path,
          async meet({ res }) {
            res.destroy()
            resolve()
            return false
          },
        })
      }),
    hold: (path) =>
      new Promise((resolve) => {
        waiting.push({
          path,
          meet: () => new Promise((go) => resolve({ release: () => go(true) })),
        })
      }),
  }
}
