import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'

export interface SeenRequest {
  /** The text of the body, once it has come. */
  body: string
  method: string
  path: string
  /** As sent, before decoding. */
  search: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
}

/** A web server on loopback that notes every request. It ends with the test. */
export async function serve(answer: RequestListener) {
  const requests: SeenRequest[] = []
  const server = createServer((request, response) => {
    const { pathname, search, searchParams } = new URL(request.url ?? '', 'http://seen')
    const { method = '', headers } = request
    const seen = { method, path: pathname, search, query: searchParams, headers, body: '' }
    requests.push(seen)
    request.on('data', (chunk: Buffer) => (seen.body += chunk.toString()))
    if (method === 'POST') request.once('end', () => answer(request, response))
    else answer(request, response)
  })
  const port = await listen(server)
  onTestFinished(() => {
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${port}`, requests }
}

/** A server that answers every request alike. */
export function serveJson(status: number, body?: unknown, headers: Record<string, string> = {}) {
  return serve((_request, response) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    response.writeHead(status, { ...type, ...headers })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** A server that gets each request as bytes, to answer what no web server would. */
export async function serveBytes(answer: (socket: Socket, request: string) => void) {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests.push(bytes.toString())
      answer(socket, bytes.toString())
    })
  })
  const port = await listen(server)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${port}`, port, requests, sockets }
}

/** A proxy that opens every tunnel to one port of loopback, and notes what it is asked. */
export async function serveProxy(port: number, answer = 'HTTP/1.1 200 Connection Established') {
  const requests: string[] = []
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      requests.push(bytes.toString())
      socket.write(`${answer}\r\n\r\n`)
      const far = connect(port, '127.0.0.1')
      far.on('error', () => socket.destroy())
      socket.on('close', () => far.destroy())
      socket.pipe(far).pipe(socket)
    })
  })
  const own = await listen(server)
  return { url: `http://127.0.0.1:${own}`, requests }
}

/** An https server whose certificate nobody has reason to trust. */
export async function serveSelfSigned(answer = 'HTTP/1.1 204 No Content\r\n\r\n') {
  const requests: string[] = []
  const certificate = selfSigned()
  const server = createTlsServer(certificate, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests.push(bytes.toString())
      socket.end(answer)
    })
  })
  server.on('tlsClientError', () => {})
  const port = await listen(server)
  return { url: `https://127.0.0.1:${port}`, port, requests, cert: certificate.cert }
}

/** A port of loopback that nothing listens on. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listen(server: ReturnType<typeof createTcpServer> | Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  return portOf(server)
}

function portOf(server: ReturnType<typeof createTcpServer> | Server): number {
  // A TCP server that listens has an AddressInfo; the other types are for pipes.
  return (server.address() as AddressInfo).port
}

/** Made for each run, so that no private key is kept in the repository. */
function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, oid('2a8648ce3d040302'))
  const name = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from('localhost')))))
  const date = (days: number) => {
    const time = new Date(Date.now() + days * 86_400_000).toISOString()
    return der(0x17, Buffer.from(`${time.slice(2, 19).replace(/\D/g, '')}Z`))
  }
  const names = der(
    0x30,
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x82, Buffer.from('tyntec.example')),
  )
  const altName = der(0x30, oid('551d11'), der(0x04, names))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    der(0x30, date(-1), date(1)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, altName)),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)])
  const cert = der(0x30, body, algorithm, der(0x03, signature)).toString('base64')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${cert}\n-----END CERTIFICATE-----\n`,
  }
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
