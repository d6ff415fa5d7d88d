import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { Pool } from 'undici'

/**
 * A proxy before the sandbox that can do what no server can: cut a call off, and let it arrive
 * later. To its client such a call has failed; tyntec hears of it when everybody has gone on.
 */
export interface Gate {
  url: string
  /** The next POST of this kind is cut off and kept. */
  keep(operation: keyof typeof paths): void
  /** How many are kept. */
  kept(): number
  /** What was kept arrives, oldest first. Resolves when tyntec has done it; gives how many. */
  land(most?: number): Promise<number>
  reset(): void
  close(): Promise<void>
}

const paths = {
  'otp.send': /^\/2fa\/v1\/otp\?/,
  'otp.resend': /^\/2fa\/v1\/otp\/[^/?]+(?:\?|$)/,
  'sms.send': /^\/messaging\/v1\/sms/,
  'otp.check': /^\/2fa\/v1\/otp\/[^/]+\/check\?/,
}

export async function openGate(target: string): Promise<Gate> {
  const pool = new Pool(target, { connections: 32 })
  let wanted: (keyof typeof paths)[] = []
  let kept: { req: IncomingMessage; body: Buffer }[] = []

  const forward = ({ method = '', url = '', headers }: IncomingMessage, body: Buffer) =>
    pool.request({
      method,
      path: url,
      headers: {
        accept: 'application/json',
        apikey: String(headers.apikey),
        ...(body.length > 0 && { 'content-type': 'application/json' }),
      },
      body: body.length > 0 ? body : null,
    })

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method, url = '' } = req
    const body = await buffer(req)
    const index = method === 'POST' ? wanted.findIndex((name) => paths[name].test(url)) : -1
    if (index >= 0) {
      wanted.splice(index, 1)
      kept.push({ req, body })
      req.socket.resetAndDestroy()
      return
    }
    const answer = await forward(req, body)
    const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers
    res.writeHead(answer.statusCode, headers)
    for await (const chunk of answer.body) res.write(chunk)
    res.end()
  }

  const server = createServer((req, res) => {
    // The sandbox has cut the connection or the body short: so does the gate.
    handle(req, res).catch(() => req.socket.resetAndDestroy())
  })
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port

  return {
    url: `http://127.0.0.1:${port}`,
    keep: (operation) => void wanted.push(operation),
    kept: () => kept.length,
    async land(most = kept.length) {
      const landing = kept.splice(0, most)
      for (const { req, body } of landing) {
        await forward(req, body).then(
          ({ body }) => body.dump(),
          () => {},
        )
      }
      return landing.length
    },
    reset() {
      wanted = []
      kept = []
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await pool.close()
    },
  }
}
