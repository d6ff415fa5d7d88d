import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number
  /** In order, names in lower case. */
  headers: [name: string, value: string][]
  body: string
}

/** A keep-alive connection on which requests follow each other without waiting. */
export interface Connection {
  /** `bodiless`: the answer has no body whatever its headers say. */
  send(request: Buffer, bodiless: boolean): Promise<RawAnswer>
  close(): void
}

/** Milliseconds. Longer than any step may take on a busy machine. */
const patience = 20_000

interface Waiting {
  bodiless: boolean
  resolve: (answer: RawAnswer) => void
  reject: (error: Error) => void
}

/**
 * Bytes in, answers out. Clients refuse to send much of what an attacker sends, so this one looks at
 * nothing.
 */
export function openConnection(port: number): Connection {
  const waiting: Waiting[] = []
  let socket: Socket | undefined
  let received: Buffer = Buffer.alloc(0)

  function open(): Socket {
    const opened = connect(port, '127.0.0.1')
    opened.setNoDelay(true)
    opened.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      for (;;) {
        const [next] = waiting
        const read = next && readAnswer(received, next.bodiless, false)
        if (!next || !read) return
        received = received.subarray(read.size)
        if (read.answer.status >= 200) {
          waiting.shift()
          next.resolve(read.answer)
        }
      }
    })
    opened.on('error', () => {})
    opened.on('close', () => {
      socket = undefined
      received = Buffer.alloc(0)
      for (const { reject } of waiting.splice(0)) reject(new Error('the connection was closed'))
    })
    return opened
  }

  return {
    send: (request, bodiless) =>
      new Promise((resolve, reject) => {
        socket ??= open()
        const timer = setTimeout(() => {
          reject(new Error(`no answer came to ${JSON.stringify(request.toString('latin1'))}`))
          socket?.destroy()
        }, patience)
        const settle =
          <T>(end: (value: T) => void) =>
          (value: T) => {
            clearTimeout(timer)
            end(value)
          }
        waiting.push({ bodiless, resolve: settle(resolve), reject: settle(reject) })
        socket.write(request)
      }),
    close: () => socket?.destroy(),
  }
}

/** One request on a connection of its own, until the server ends it. Nothing, when it only does that. */
export function sendAlone(port: number, request: Buffer): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    // Half closed, so that a server which waits for the rest of a body waits no longer.
    const socket = connect(port, '127.0.0.1', () => socket.end(request))
    socket
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('error', () => {})
      .on('close', () => resolve(readAnswer(Buffer.concat(chunks), false, true)?.answer))
  })
}

/** The first answer of those bytes, and how many of them it is. */
export function readAnswer(
  bytes: Buffer,
  bodiless: boolean,
  ended: boolean,
): { answer: RawAnswer; size: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const start = headEnd + 4
  const answer = (size: number, body: Buffer) => ({
    size: start + size,
    answer: { status, headers, body: body.toString() },
  })
  const none = Buffer.alloc(0)
  if (bodiless || status < 200 || status === 204 || status === 304) return answer(0, none)
  const header = (name: string) => headers.find(([each]) => each === name)?.[1]

  if (header('transfer-encoding') === 'chunked') {
    const chunks: Buffer[] = []
    let at = start
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', at)
      if (lineEnd < 0) return undefined
      const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
      const chunkEnd = lineEnd + 2 + length
      if (bytes.length < chunkEnd + 2) return undefined
      if (length === 0) return answer(chunkEnd + 2 - start, Buffer.concat(chunks))
      chunks.push(bytes.subarray(lineEnd + 2, chunkEnd))
      at = chunkEnd + 2
    }
  }
  const length = header('content-length')
  if (length === undefined) {
    return ended ? answer(bytes.length - start, bytes.subarray(start)) : answer(0, none)
  }
  const end = start + Number(length)
  return bytes.length < end ? undefined : answer(Number(length), bytes.subarray(start, end))
}
