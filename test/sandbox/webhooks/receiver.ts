import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  method: string
  path: string
  query: Record<string, string>
  text: string
  json: unknown
}

/** An app's webhook. `statuses` answers the first calls; later ones get the last of them. */
export async function startReceiver(statuses: number[] = [200]) {
  const received: Received[] = []
  const server = createServer((req, res) => {
    let text = ''
    req.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    req.on('end', () => {
      const url = new URL(req.url ?? '/', 'http://app')
      let json: unknown
      try {
        json = JSON.parse(text)
      } catch {
        json = undefined
      }
      const query = Object.fromEntries(url.searchParams)
      const status = statuses[Math.min(received.length, statuses.length - 1)] ?? 200
      received.push({ method: req.method ?? '', path: url.pathname, query, text, json })
      res.writeHead(status, { Location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  // It listens on a port.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, port, received }
}
