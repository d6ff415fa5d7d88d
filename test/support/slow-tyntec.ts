import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

export type Operation = 'send' | 'resend' | 'check' | 'read' | 'delete' | 'list'

/** The sandbox, with answers as late as a test wants each. Closed when the test ends. */
export async function startSlowTyntec(
  target: string,
  /** Milliseconds. */
  latency: (operation: Operation) => number,
): Promise<string> {
  const agent = new Agent({ keepAlive: true })
  const pass = async (req: IncomingMessage, res: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = req
    await sleep(latency(operationOf(method, url)))
    const onward = request(`${target}${url}`, { method, headers, agent }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy()).end()
  }
  const server = createServer((req, res) => void pass(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
}

function operationOf(method: string, url: string): Operation {
  const [otpId, last] = new URL(url, 'http://tyntec').pathname.split('/').slice(4)
  if (last === 'check') return 'check'
  if (method === 'DELETE') return 'delete'
  if (method === 'GET') return otpId === undefined ? 'list' : 'read'
  return otpId === undefined ? 'send' : 'resend'
}
