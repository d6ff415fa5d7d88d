import { createServer, type IncomingMessage, type RequestListener } from 'node:http'

/** Listens for the benchmark, which asks for this process's CPU time and says when to end. */
export function serve(listener: RequestListener, stop: () => unknown): void {
  const server = createServer(listener)
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
  })
  process.on('message', (message) => {
    if (message === 'cpu') process.send?.(process.cpuUsage())
    if (message === 'stop') void end()
  })
  process.once('disconnect', () => process.exit())

  async function end(): Promise<void> {
    server.close()
    server.closeAllConnections()
    await stop()
    // Not `exit`, which would be too early for a CPU profile.
    process.removeAllListeners('disconnect')
    process.disconnect()
  }
}

/** What the benchmark tells a server. */
export function setting(name: 'REDIS_URL' | 'SANDBOX_URL'): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is missing: start this with npm run bench`)
  return value
}

export const apiKey = 'sandbox_bench'
export const secret = 'a secret of the benchmark, over 32 bytes'

/** For the servers without a framework. */
export async function readJson(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  // Without an encoding, a request's chunks are buffers.
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
}

/** The one cookie of that name. */
export function readCookie(req: IncomingMessage, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1)
  }
  return undefined
}
